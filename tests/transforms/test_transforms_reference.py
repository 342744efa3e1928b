"""PaddleSeg's outputs for the same transforms and the same draws (PaddleSeg d7975e7, OpenCV 4.10, Pillow 13)."""

import json
from typing import Any

import numpy as np
import pytest
from PIL import Image

import segwright.transforms as T
from segwright.registry import TRANSFORMS
from segwright.transforms.distort import (
    adjust_brightness,
    adjust_contrast,
    adjust_saturation,
    adjust_sharpness,
    shift_hue,
)
from segwright.types import Padded, Resized, Sample, Size

FAMILIES = (
    "AddEdgeLabel",
    "AddMultiLabelAuxiliaryCategory",
    "GenerateInstanceTargets",
    "LimitLong",
    "Normalize",
    "Padding",
    "PaddingByAspectRatio",
    "RandomAffine",
    "RandomBlur",
    "RandomCenterCrop",
    "RandomDistort",
    "RandomHorizontalFlip",
    "RandomNoise",
    "RandomPaddingCrop",
    "RandomRotation",
    "RandomScaleAspect",
    "RandomVerticalFlip",
    "Resize",
    "ResizeByLong",
    "ResizeByShort",
    "ResizeRangeScaling",
    "ResizeStepScaling",
    "ScalePadding",
)
# Everything else is exact, rotations and blurs too. Pixel values run to 255, and OpenCV's versions add in different
# orders. RandomAffine leaves a float image float, where PaddleSeg makes bytes of it.
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
}
OWN_LABELS = ("ScalePadding",)  # PaddleSeg makes new ids here, by cubic interpolation between ids
COLOUR_FUNCTIONS = {
    "brightness": adjust_brightness,
    "contrast": adjust_contrast,
    "saturation": adjust_saturation,
    "sharpness": adjust_sharpness,
    "hue": shift_hue,
}


class Replay:
    """A generator that hands out what the reference drew, and insists on the same bounds."""

    def __init__(self, calls: list[list[Any]]) -> None:
        self.calls = [tuple(call) for call in calls]

    def _next(self, *kinds: str) -> tuple[Any, ...]:
        call = self.calls.pop(0)
        assert call[0] in kinds
        return call

    def random(self) -> float:
        if not self.calls:  # the reference does not ask where the probability is 0
            return 0.5
        return self._next("random.random", "np.random.uniform", "np.random.randint")[-1]

    def uniform(self, low: float, high: float) -> float:
        name, *bounds, value = self._next("np.random.uniform", "random.random")
        if name == "random.random":
            return low + value * (high - low)
        assert bounds == pytest.approx([low, high])
        return value

    def standard_normal(self, size: tuple[int, ...], dtype: type) -> np.ndarray:
        assert self._next("np.random.normal")[-1] == "zeros"
        return np.zeros(size, dtype)

    def integers(self, low: int, high: int) -> int:
        _, *bounds, value = self._next("np.random.randint")
        assert bounds == [low, high]
        return value

    def choice(self, options: Any) -> Any:
        if self.calls:  # the reference shuffled, without effect, and took the first
            assert self._next("shuffle (identity)")[1] == len(options)
        return options[0]

    def permutation(self, count: int) -> np.ndarray:
        self._next("shuffle (identity)")
        return np.arange(count)


@pytest.fixture(scope="module")
def reference(shared):
    folder = shared / "reference" / "transforms"
    with np.load(folder / "inputs.npz") as inputs, np.load(folder / "outputs.npz") as outputs:
        return folder, json.loads((folder / "cases.json").read_text()), dict(inputs), dict(outputs)


def as_hwc(image: np.ndarray) -> np.ndarray:
    return image if image.ndim == 3 else image[:, :, np.newaxis]


def replayed(case: dict[str, Any], inputs: dict[str, np.ndarray]) -> Sample:
    config = dict(case["config"])
    transform = TRANSFORMS.find(config.pop("type"))(**config)
    image = as_hwc(inputs[f"img_{case['image']}"].astype(case["img_dtype_in"]))
    label = inputs[f"label_{case['image']}"] if case["gt_fields_in"] else None
    if "pre" in case:  # "label replaced by the HWC stack of (label==k) for k=1,2,3, uint8"
        label = np.stack([label == value for value in (1, 2, 3)], axis=2).astype(np.uint8)
    return transform(Sample(image, label), Replay(case["rng_calls"]))


@pytest.mark.parametrize("family", FAMILIES)
def test_outputs_match_the_reference(reference, family):
    _, cases, inputs, outputs = reference
    cases = [case for case in cases["cases"] if case["config"]["type"] == family]
    assert cases
    for case in cases:
        sample = replayed(case, inputs)
        expected = as_hwc(outputs[f"{case['id']}|img"])
        assert sample.image.dtype == ("float32" if family == "Normalize" else case["img_dtype_in"]), case["id"]
        np.testing.assert_allclose(
            sample.image.astype(np.float64),
            expected,
            rtol=0,
            atol=TOLERANCES.get((family, case["img_dtype_in"]), TOLERANCES.get((family, str(expected.dtype)), 0)),
            err_msg=case["id"],
        )
        if sample.label is not None and family not in OWN_LABELS:
            np.testing.assert_array_equal(sample.label, outputs[f"{case['id']}|label"], err_msg=case["id"])
        extra = {"edge": sample.edge, **{f"instances.{name}": array for name, array in sample.targets.items()}}
        for name in set(case.get("extra_keys", ())) - {"instances.image_shape"}:  # there (width, channels), of no use
            np.testing.assert_array_equal(extra[name], outputs[f"{case['id']}|{name}"], err_msg=case["id"])


def test_no_case_is_left_out(reference):
    _, cases, _, _ = reference
    assert {case["config"]["type"] for case in cases["cases"]} == set(FAMILIES)
    assert {config["type"] for case in cases["compose"] for config in case["transforms"]} <= set(FAMILIES)
    # "rotate" is a function of PaddleSeg's that none of its transforms calls; tests/datasets has the other one
    assert {case["function"] for case in cases["functional"]} == {*COLOUR_FUNCTIONS, "rotate", "mask_to_binary_edge"}


def test_keep_ratio_sizes_match_the_reference(reference):
    _, cases, _, _ = reference
    for case in cases["rescale_size"]:
        resize = T.Resize(case["target_size"], keep_ratio=True)
        assert resize.size_for(Size.from_wh(case["img_size_wh"])) == Size.from_wh(case["result_wh"])


def test_colour_functions_match_the_reference(reference):
    _, cases, inputs, outputs = reference
    known = [case for case in cases["functional"] if case["function"] in COLOUR_FUNCTIONS]
    assert known
    for case in known:
        picture = COLOUR_FUNCTIONS[case["function"]](Image.fromarray(inputs[f"img_{case['image']}"]), case["value"])
        np.testing.assert_array_equal(np.asarray(picture), outputs[case["key"]], err_msg=case["key"])


def test_composed_files_match_the_reference(reference):
    folder, cases, _, outputs = reference
    for case in cases["compose"]:
        configs = [dict(config) for config in case["transforms"]]
        transforms = [TRANSFORMS.find(config.pop("type"))(**config) for config in configs]
        label = folder / case["label_file"] if case["gt_fields"] else None
        sample = T.Compose(transforms, **case["compose_kwargs"])(folder / case["img_file"], label)
        expected = outputs[f"{case['key']}|img"].transpose(1, 2, 0)
        np.testing.assert_allclose(sample.image, expected, rtol=0, atol=1e-5, err_msg=case["key"])
        if label is not None:
            np.testing.assert_array_equal(sample.label, outputs[f"{case['key']}|label"])


@pytest.mark.parametrize("key", ["reverse_bilinear0", "reverse_bilinear1"])
def test_restored_scores_match_the_reference(shared, key):
    folder = shared / "reference" / "inference"
    case = next(case for case in json.loads((folder / "cases.json").read_text()) if case.get("key") == key)
    steps = {"resize": Resized, "padding": Padded}
    geometry = tuple(steps[name](Size(*before)) for name, before in case["trans_info"])
    with np.load(folder / "data.npz") as data:
        scores, expected = data[case["input"]][0].transpose(1, 2, 0), data[key][0].transpose(1, 2, 0)
    np.testing.assert_allclose(T.restore_scores(np.ascontiguousarray(scores), geometry), expected, atol=1e-5)
