"""The train-infer test chain: a parameter file drives train, val, export and infer, and a log tells what worked."""
