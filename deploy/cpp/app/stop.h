#pragma once

/// From here on, the first SIGINT (Ctrl-C) or SIGTERM is noted; a second one acts as usual.
void catch_signals();

/// The signal that has come, or 0.
int received_signal();
