"""Predictors: what the torch model predicts, at the picture's own size, from the export folder alone."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_net import TRANSFORMS, picture, small_bundle, small_net

from segwright.bundle import Preprocessing, label_map
from segwright.errors import DataError
from segwright.images import write_image
from segwright.runtime import EngineOptions, load


@pytest.fixture(scope="module", params=["argmax", "softmax", "none"])
def predictor(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    return load(small_bundle(folder, input_shape=None, output_op=request.param))


def torch_prediction(image, output_op):
    """What evaluation would say, computed by other means than the export's."""
    item = Preprocessing(TRANSFORMS)(image)
    with torch.inference_mode():
        logits = small_net().eval()(torch.from_numpy(item.tensor[None]))[0]
    scores = {"argmax": logits.argmax(1), "softmax": logits.softmax(1), "none": logits}[output_op]
    return label_map(scores[0].numpy(), item.geometry)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(height=st.integers(1, 150), width=st.integers(1, 150), seed=st.integers(0, 99))
def test_r62_r63_any_picture_gets_the_torch_models_labels_at_its_own_size(predictor, height, width, seed):
    image = picture(height, width, seed)
    before = image.copy()
    label = predictor(image)
    assert label.shape == (height, width)
    assert label.dtype == np.uint8
    assert (label != torch_prediction(image, predictor.manifest.output_op)).mean() <= 0.001
    np.testing.assert_array_equal(image, before)


def test_paths_and_arrays_are_the_same(predictor, tmp_path):
    image = picture(60, 90)
    write_image(tmp_path / "x.png", image)
    expected = predictor(image)
    assert len(np.unique(expected)) > 1
    np.testing.assert_array_equal(predictor(tmp_path / "x.png"), expected)
    np.testing.assert_array_equal(predictor(str(tmp_path / "x.png")), expected)


def test_batch_is_the_same_as_one_by_one(predictor):
    images = [picture(60, 90, 1), picture(31, 20, 2), picture(60, 90, 3)]
    for label, image in zip(predictor.predict_batch(images), images, strict=True):
        np.testing.assert_array_equal(label, predictor(image))
    assert predictor.predict_batch([]) == []


def test_r67_eight_threads_share_one_predictor(predictor):
    images = [picture(40 + i, 70, i) for i in range(8)]
    expected = [predictor(image) for image in images]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(5):
            for label, wanted in zip(pool.map(predictor, images), expected, strict=True):
                np.testing.assert_array_equal(label, wanted)


def test_r62_pictures_of_many_sizes_in_one_batch_without_resize(tmp_path):
    predictor = load(small_bundle(tmp_path, transforms=[{"type": "Normalize"}], input_shape=None))
    images = [picture(40, 50, 1), picture(33, 21, 2), picture(40, 50, 3)]
    for label, image in zip(predictor.predict_batch(images), images, strict=True):
        assert label.shape == image.shape[:2]
        np.testing.assert_array_equal(label, predictor(image))


def test_r62_fixed_shape_refuses_other_sizes_and_says_what_to_do(tmp_path):
    predictor = load(small_bundle(tmp_path, transforms=[{"type": "Normalize"}]))
    assert predictor(picture(56, 72)).shape == (56, 72)
    with pytest.raises(DataError, match=r"is 56x72 .* exported for 72x56 only.*Resize or Padding.*--input_shape"):
        predictor(picture(72, 56))


def test_fixed_batch_takes_fewer_and_more(tmp_path):
    predictor = load(small_bundle(tmp_path, input_shape=(2, 3, 56, 72)))
    images = [picture(30, 40, seed) for seed in range(3)]
    for label, image in zip(predictor.predict_batch(images), images, strict=True):
        np.testing.assert_array_equal(label, predictor(image))


def test_channel_order_of_the_training_is_kept(tmp_path):
    image = picture(56, 72)
    rgb = load(small_bundle(tmp_path / "rgb"))
    bgr = load(small_bundle(tmp_path / "bgr", to_rgb=False))
    np.testing.assert_array_equal(bgr(image[:, :, ::-1]), rgb(image))
    assert (bgr(image) != rgb(image)).any()


def test_deep_pictures_are_scaled_by_the_declared_depth(tmp_path):
    from PIL import Image

    Image.fromarray((np.arange(56 * 72).reshape(56, 72)).astype(np.uint16)).save(tmp_path / "deep.png")
    with pytest.raises(DataError, match="bit_depth"):
        load(small_bundle(tmp_path / "a"))(tmp_path / "deep.png")
    assert load(small_bundle(tmp_path / "b", bit_depth=12))(tmp_path / "deep.png").shape == (56, 72)


def test_wrong_array_is_refused(predictor):
    with pytest.raises(DataError, match="uint8"):
        predictor(picture(20, 20).astype(np.float32) / 255)
    with pytest.raises(DataError, match="channels"):
        predictor(np.zeros((20, 20, 4), np.uint8))


def test_threads_do_not_change_the_labels(predictor):
    other = load(predictor.folder, EngineOptions(cpu_threads=2))
    image = picture(70, 70)
    np.testing.assert_array_equal(other(image), predictor(image))


def test_peak_memory_is_the_processes_own():
    """Not that of the large one which started it."""
    code = "from segwright.runtime.benchmark import peak_memory_mb; print(peak_memory_mb())"
    large = bytearray(os.urandom(1 << 20)) * 500
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert 20 < float(done.stdout) < 400
    del large
