"""An exported model as a service over HTTP. Stands on ``runtime``; no torch but for its engine."""
