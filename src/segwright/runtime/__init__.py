"""An exported model at work: pictures in, label maps out, on ONNX Runtime. No torch, no training configuration."""

from segwright.runtime.predictor import Predictor, load
from segwright.runtime.session import EngineOptions

__all__ = ["EngineOptions", "Predictor", "load"]
