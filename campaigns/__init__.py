"""Long trials of what tests can only sample; each writes its summary into `docs/reliability.md`. See `README.md`."""
