"""What a wrong argument or a wrong image is told."""

import numpy as np
import pytest

import segwright.transforms as T
from segwright.errors import ConfigError, DataError
from segwright.registry import TRANSFORMS
from segwright.types import Sample


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: T.Resize((512, 0)), ["Resize.target_size", "[width, height]", "(512, 0)"]),
        (lambda: T.Resize(512), ["Resize.target_size", "512"]),
        (lambda: T.Resize((1, 2, 3)), ["two whole numbers"]),
        (lambda: T.Resize((1.5, 2)), ["two whole numbers"]),
        (lambda: T.Resize(interp="LINAER"), ["LINAER", "did you mean 'LINEAR'?"]),
        (lambda: T.Resize(interp="linear"), ["did you mean 'LINEAR'?"]),
        (lambda: T.Resize(size_divisor=0), ["size_divisor"]),
        (lambda: T.ResizeStepScaling(2.0, 0.5), ["2.0 and 0.5"]),
        (lambda: T.ResizeStepScaling(0, 0.5), ["0 and 0.5"]),
        (lambda: T.ResizeStepScaling(scale_step_size=-1), ["scale_step_size", "-1"]),
        (lambda: T.RandomPaddingCrop((-5, 5)), ["RandomPaddingCrop.crop_size", "(-5, 5)"]),
        (lambda: T.RandomPaddingCrop(category_max_ratio=0), ["category_max_ratio"]),
        (lambda: T.RandomPaddingCrop(loop_times=0), ["loop_times"]),
        (lambda: T.RandomScaleAspect(1.5), ["RandomScaleAspect.min_scale", "1.5"]),
        (lambda: T.RandomScaleAspect(aspect_ratio=3), ["RandomScaleAspect.aspect_ratio", "3"]),
        (lambda: T.Padding((5, 5), im_padding_value=300), ["Padding.im_padding_value", "300"]),
        (lambda: T.Padding((5, 5), label_padding_value=-1), ["Padding.label_padding_value", "-1"]),
        (lambda: T.RandomHorizontalFlip(1.5), ["RandomHorizontalFlip.prob", "1.5"]),
        (lambda: T.RandomVerticalFlip(prob=-0.1), ["RandomVerticalFlip.prob", "-0.1"]),
        (lambda: T.RandomDistort(hue_prob=2), ["RandomDistort.hue_prob", "2"]),
        (lambda: T.RandomDistort(contrast_range=-0.4), ["RandomDistort.contrast_range", "-0.4"]),
        (lambda: T.Normalize(std=(0.2, 0.0, 0.2)), ["Normalize.std", "0.0"]),
        (lambda: T.Normalize((0.1, 0.2, 0.3), (0.1, 0.2)), ["3 mean and 2 std"]),
        (lambda: T.Normalize((), ()), ["0 mean"]),
        (lambda: T.ResizeByLong(0), ["ResizeByLong.long_size", "0"]),
        (lambda: T.ResizeByShort(()), ["ResizeByShort", "()"]),
        (lambda: T.ResizeByShort((32, -1)), ["ResizeByShort.short_size", "-1"]),
        (lambda: T.ResizeByShort(32, max_size=0), ["max_size"]),
        (lambda: T.LimitLong(max_long=20, min_long=30), ["min_long <= max_long", "30 and 20"]),
        (lambda: T.LimitShort(min_short=0), ["LimitShort.min_short", "0"]),
        (lambda: T.ResizeRangeScaling(600, 400), ["600 and 400"]),
        (lambda: T.PaddingByAspectRatio(0), ["PaddingByAspectRatio.aspect_ratio", "0"]),
        (lambda: T.RandomCenterCrop((0.5, 1.5)), ["RandomCenterCrop.retain_ratio", "1.5"]),
        (lambda: T.ScalePadding((0, 5)), ["ScalePadding.target_size", "(0, 5)"]),
        (lambda: T.RandomBlur(blur_type="gausian"), ["gausian", "did you mean 'gaussian'?"]),
        (lambda: T.RandomBlur(-1), ["RandomBlur.prob"]),
        (lambda: T.RandomNoise(max_sigma=-1), ["RandomNoise.max_sigma", "-1"]),
        (lambda: T.RandomRotation(-5), ["RandomRotation.max_rotation", "-5"]),
        (lambda: T.RandomAffine(min_scale_factor=2), ["2 and 1.25"]),
        (lambda: T.RandomAffine(max_rotation=-5), ["RandomAffine.max_rotation", "-5"]),
        (lambda: T.AddEdgeLabel(0), ["AddEdgeLabel.edge_size", "0"]),
        (lambda: T.GenerateInstanceTargets(0), ["GenerateInstanceTargets.num_classes", "0"]),
    ],
)
def test_constructors_say_what_is_wrong(build, words):
    with pytest.raises(ConfigError) as error:
        build()
    assert not [word for word in words if word not in str(error.value)], str(error.value)


@pytest.mark.parametrize(
    ("transform", "shape", "words"),
    [
        (T.Padding((64, 32)), (48, 48, 3), ["64x32", "48x48"]),
        (T.Padding((64, 64), im_padding_value=(0.0, 0.0)), (48, 48, 3), ["2 numbers", "3 channels"]),
        (T.Normalize((0.1, 0.2, 0.3)), (4, 4, 1), ["3 means", "1 channels"]),
        (T.RandomDistort(), (4, 4, 4), ["4"]),
    ],
)
def test_images_that_do_not_fit_are_named(transform, shape, words):
    with pytest.raises(DataError) as error:
        transform(Sample(np.zeros(shape, np.uint8)), np.random.default_rng(0))
    assert not [word for word in words if word not in str(error.value)], str(error.value)


def test_every_transform_is_registered_under_its_name():
    for name in T.__all__:
        if isinstance(getattr(T, name), type) and name not in ("Compose", "Transform"):
            assert TRANSFORMS[name] is getattr(T, name)
