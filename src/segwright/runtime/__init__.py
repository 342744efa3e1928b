"""An exported model at work: pictures in, label maps out. No training configuration, no torch but for its engine."""

from segwright.runtime.engines import ENGINES, Engine, gains_from_parallel_runs, open_engine
from segwright.runtime.options import EngineOptions
from segwright.runtime.predictor import SMALL, Predictor, load

__all__ = [
    "ENGINES",
    "SMALL",
    "Engine",
    "EngineOptions",
    "Predictor",
    "gains_from_parallel_runs",
    "load",
    "open_engine",
]
