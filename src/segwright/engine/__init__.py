"""What is done with a model: train, evaluate, predict."""

from segwright.engine.evaluation import evaluate
from segwright.engine.prediction import predict
from segwright.engine.speed import Speed
from segwright.engine.training import train

__all__ = ["Speed", "evaluate", "predict", "train"]
