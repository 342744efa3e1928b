#include "stop.h"

#include <csignal>

namespace {

volatile std::sig_atomic_t received = 0;

void note(int number) {
    received = number;
    std::signal(number, SIG_DFL);
}

}  // namespace

void catch_signals() {
    std::signal(SIGINT, note);
    std::signal(SIGTERM, note);
}

int received_signal() {
    return received;
}
