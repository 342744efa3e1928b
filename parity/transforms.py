"""Pictures, label maps and targets after a transform that draws what PaddleSeg drew.

Recorded with OpenCV 4.10 and Pillow 13.
"""

import functools
import json
import math
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from parity.comparison import Comparison, Difference, absolute, missing_types
from segwright.datasets.edge import boundary_map
from segwright.registry import TRANSFORMS
from segwright.transforms import Compose, Resize
from segwright.transforms.distort import (
    adjust_brightness,
    adjust_contrast,
    adjust_saturation,
    adjust_sharpness,
    shift_hue,
)
from segwright.types import Sample, Size

# In grey levels, of 0..255; everything else is exact. OpenCV's versions add in different orders. RandomAffine leaves a
# float32 picture float32, where PaddleSeg rounds it to bytes.
TOLERANCES = {
    ("LimitLong", "float32"): 1e-3,
    ("Resize", "float32"): 1e-3,
    ("ResizeByLong", "float32"): 1e-3,
    ("ResizeByShort", "float32"): 1e-3,
    ("ResizeRangeScaling", "float32"): 1e-3,
    ("ResizeStepScaling", "float32"): 1e-3,
    ("RandomScaleAspect", "float32"): 1e-3,
    ("Resize", "uint8"): 1,
    ("RandomAffine", "float32"): 0.501,
    ("Normalize", "float32"): 1e-6,
    ("Normalize", "uint8"): 1e-6,
}
COMPOSED = 1e-5  # after Normalize, so of about 1
ON_PURPOSE = {"ScalePadding": "PaddleSeg interpolates between class ids, which makes new ones"}
COLOUR_FUNCTIONS = {
    "brightness": adjust_brightness,
    "contrast": adjust_contrast,
    "saturation": adjust_saturation,
    "sharpness": adjust_sharpness,
    "hue": shift_hue,
}

Arrays = dict[str, np.ndarray]


def cases(folder: Path) -> list[Comparison]:
    """Every recording: single transforms, functions, sizes, and files through several transforms."""
    if not folder.is_dir():
        return []
    recorded = json.loads((folder / "cases.json").read_text())
    comparisons = []
    for case in recorded["cases"]:
        left_out = missing_types(case["config"], TRANSFORMS)
        comparisons.append(Comparison(case["id"], list if left_out else partial(_transform, case, folder), left_out))
    for case in recorded["functional"]:
        name = case["key"].replace("|", "/")
        if case["function"] == "rotate":
            comparisons.append(Comparison(name, left_out="none of PaddleSeg's transforms calls this function"))
        else:
            comparisons.append(Comparison(name, partial(_function, case, folder)))
    for case in recorded["rescale_size"]:
        (width, height), (target_width, target_height) = case["img_size_wh"], case["target_size"]
        name = f"keep_ratio/{width}x{height}/{target_width}x{target_height}"
        comparisons.append(Comparison(name, partial(_size, case)))
    for case in recorded["compose"]:
        left_out = missing_types(case["transforms"], TRANSFORMS)
        measure = partial(_compose, case, folder)
        comparisons.append(Comparison(case["key"].replace("|", "/"), list if left_out else measure, left_out))
    return comparisons


@functools.cache
def _arrays(path: Path) -> Arrays:
    with np.load(path) as arrays:
        return dict(arrays)


def _as_hwc(image: np.ndarray) -> np.ndarray:
    return image if image.ndim == 3 else image[:, :, np.newaxis]


def _transform(case: dict[str, Any], folder: Path) -> list[Difference]:
    outputs = _arrays(folder / "outputs.npz")
    sample = _replayed(case, _arrays(folder / "inputs.npz"))
    family, dtype = case["config"]["type"], case["img_dtype_in"]
    expected_dtype = "float32" if family == "Normalize" else dtype
    assert sample.image.dtype == expected_dtype, f"{sample.image.dtype} instead of {expected_dtype}"

    def against(name: str, found: np.ndarray | None, tolerance: float = 0, on_purpose: str = "") -> Difference:
        wanted = outputs[f"{case['id']}|{name}"]
        distance = absolute(np.asarray(found), _as_hwc(wanted) if name == "img" else wanted)
        return Difference({"img": "picture"}.get(name, name), distance, tolerance, on_purpose)

    differences = [against("img", sample.image, TOLERANCES.get((family, dtype), 0))]
    if sample.label is not None:
        differences.append(against("label", sample.label, on_purpose=ON_PURPOSE.get(family, "")))
    extra = {"edge": sample.edge, **{f"instances.{name}": array for name, array in sample.targets.items()}}
    names = sorted(set(case.get("extra_keys", ())) - {"instances.image_shape"})  # there (width, channels), of no use
    return differences + [against(name, extra[name]) for name in names]


def _replayed(case: dict[str, Any], inputs: Arrays) -> Sample:
    config = dict(case["config"])
    transform = TRANSFORMS[config.pop("type")](**config)
    image = _as_hwc(inputs[f"img_{case['image']}"].astype(case["img_dtype_in"]))
    label = inputs[f"label_{case['image']}"] if case["gt_fields_in"] else None
    if "pre" in case:  # "label replaced by the HWC stack of (label==k) for k=1,2,3, uint8"
        label = np.stack([label == value for value in (1, 2, 3)], axis=2).astype(np.uint8)
    return transform(Sample(image, label), _Replay(case["rng_calls"]))


def _function(case: dict[str, Any], folder: Path) -> list[Difference]:
    inputs = _arrays(folder / "inputs.npz")
    if case["function"] == "mask_to_binary_edge":
        found = boundary_map(inputs[case["image"]], case["num_classes"], case["radius"])
        kind = "boundary map"
    else:
        picture = Image.fromarray(inputs[f"img_{case['image']}"])
        found, kind = np.asarray(COLOUR_FUNCTIONS[case["function"]](picture, case["value"])), "picture"
    return [Difference(kind, absolute(found, _arrays(folder / "outputs.npz")[case["key"]]), 0)]


def _size(case: dict[str, Any]) -> list[Difference]:
    found = Resize(case["target_size"], keep_ratio=True).size_for(Size.from_wh(case["img_size_wh"]))
    wanted = Size.from_wh(case["result_wh"])
    return [Difference("side", max(abs(found.width - wanted.width), abs(found.height - wanted.height)), 0)]


def _compose(case: dict[str, Any], folder: Path) -> list[Difference]:
    configs = [dict(config) for config in case["transforms"]]
    transforms = [TRANSFORMS[config.pop("type")](**config) for config in configs]
    label = folder / case["label_file"] if case["gt_fields"] else None
    sample = Compose(transforms, **case["compose_kwargs"])(folder / case["img_file"], label)
    outputs = _arrays(folder / "outputs.npz")
    wanted = outputs[f"{case['key']}|img"].transpose(1, 2, 0)
    differences = [Difference("picture", absolute(sample.image, wanted), COMPOSED)]
    if sample.label is not None:
        differences.append(Difference("label", absolute(sample.label, outputs[f"{case['key']}|label"]), 0))
    return differences


class _Replay:
    """A generator that hands out what PaddleSeg drew, and insists on the same bounds."""

    def __init__(self, calls: list[list[Any]]) -> None:
        self.calls = [tuple(call) for call in calls]

    def _next(self, *kinds: str) -> tuple[Any, ...]:
        call = self.calls.pop(0)
        assert call[0] in kinds, f"{call[0]} was drawn, not {' or '.join(kinds)}"
        return call

    def random(self) -> float:
        if not self.calls:  # PaddleSeg does not ask where the probability is 0
            return 0.5
        return self._next("random.random", "np.random.uniform", "np.random.randint")[-1]

    def uniform(self, low: float, high: float) -> float:
        name, *bounds, value = self._next("np.random.uniform", "random.random")
        if name == "random.random":
            return low + value * (high - low)
        assert all(map(math.isclose, bounds, (low, high))), f"drawn from {bounds}, not {[low, high]}"
        return value

    def standard_normal(self, size: tuple[int, ...], dtype: type) -> np.ndarray:
        assert self._next("np.random.normal")[-1] == "zeros"
        return np.zeros(size, dtype)

    def integers(self, low: int, high: int) -> int:
        _, *bounds, value = self._next("np.random.randint")
        assert bounds == [low, high], f"drawn from {bounds}, not {[low, high]}"
        return value

    def choice(self, options: Any) -> Any:
        if self.calls:  # PaddleSeg shuffled, without effect, and took the first
            assert self._next("shuffle (identity)")[1] == len(options)
        return options[0]

    def permutation(self, count: int) -> np.ndarray:
        self._next("shuffle (identity)")
        return np.arange(count)
