"""Weights on disk: read PaddleSeg's and PyTorch's, rename them, download them, write our own."""

from segwright.weights.load import load_weights, read_weights
from segwright.weights.report import Mismatch, WeightsReport
from segwright.weights.tensors import save_weights

__all__ = ["Mismatch", "WeightsReport", "load_weights", "read_weights", "save_weights"]
