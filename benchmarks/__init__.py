"""Side-by-side measurements; each writes its table into ``docs/benchmarks.md``. See ``README.md``."""
