"""Optimisers and learning rate schedules, with PaddleSeg's names and arithmetic."""

from segwright.optim.optimizers import adam, adamw, momentum, sgd
from segwright.optim.schedules import ConstantLR, PolynomialDecay, Schedule

__all__ = ["ConstantLR", "PolynomialDecay", "Schedule", "adam", "adamw", "momentum", "sgd"]
