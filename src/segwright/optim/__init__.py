"""Optimisers and learning rate schedules, with PaddleSeg's names and arithmetic."""

from segwright.optim.optimizers import adam, adamw, momentum, sgd
from segwright.optim.schedules import ConstantLR, LambdaDecay, PolynomialDecay, Schedule

__all__ = ["ConstantLR", "LambdaDecay", "PolynomialDecay", "Schedule", "adam", "adamw", "momentum", "sgd"]
