"""Weights on disk: read PaddleSeg's and PyTorch's, rename them, download them, write them."""

from segwright.weights.convert import convert_weights
from segwright.weights.load import load_weights
from segwright.weights.pretrained import load_finetune, load_pretrained
from segwright.weights.read import Contents, read_contents, read_weights
from segwright.weights.report import Mismatch, WeightsReport
from segwright.weights.write import save_pdparams, save_weights

__all__ = [
    "Contents",
    "Mismatch",
    "WeightsReport",
    "convert_weights",
    "load_finetune",
    "load_pretrained",
    "load_weights",
    "read_contents",
    "read_weights",
    "save_pdparams",
    "save_weights",
]
