"""Optimisers and learning rate schedules, with PaddleSeg's names and arithmetic."""

from segwright.optim.cosine import CosineAnnealingDecay, CosineAnnealingWarmRestarts
from segwright.optim.cyclic import CyclicLR, OneCycleLR
from segwright.optim.linear import LinearLR, LinearWarmup
from segwright.optim.optimizers import adam, adamw, momentum, sgd
from segwright.optim.plateau import ReduceOnPlateau
from segwright.optim.polynomial import LambdaDecay, PolynomialDecay
from segwright.optim.schedule import ConstantLR, Schedule, base_rate
from segwright.optim.smooth import ExponentialDecay, InverseTimeDecay, NaturalExpDecay, NoamDecay
from segwright.optim.stairs import MultiStepDecay, PiecewiseDecay, StepDecay

__all__ = [
    "ConstantLR",
    "CosineAnnealingDecay",
    "CosineAnnealingWarmRestarts",
    "CyclicLR",
    "ExponentialDecay",
    "InverseTimeDecay",
    "LambdaDecay",
    "LinearLR",
    "LinearWarmup",
    "MultiStepDecay",
    "NaturalExpDecay",
    "NoamDecay",
    "OneCycleLR",
    "PiecewiseDecay",
    "PolynomialDecay",
    "ReduceOnPlateau",
    "Schedule",
    "StepDecay",
    "adam",
    "adamw",
    "base_rate",
    "momentum",
    "sgd",
]
