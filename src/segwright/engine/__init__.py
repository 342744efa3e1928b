"""What is done with a model: train, evaluate, predict."""

from segwright.engine.evaluation import evaluate
from segwright.engine.prediction import predict
from segwright.engine.speed import Speed
from segwright.engine.training import train
from segwright.engine.video_prediction import predict_video

__all__ = ["Speed", "evaluate", "predict", "predict_video", "train"]
