"""An exported model at work: pictures in, label maps out. No training configuration, no torch but for its engine."""

from segwright.runtime.engines import ENGINES, Engine, open_engine
from segwright.runtime.options import EngineOptions
from segwright.runtime.predictor import Predictor, load

__all__ = ["ENGINES", "Engine", "EngineOptions", "Predictor", "load", "open_engine"]
