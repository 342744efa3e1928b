"""What holds for every format on every engine: batches, free and fixed shapes, shared predictors, no idle weights."""

from concurrent.futures import ThreadPoolExecutor
from typing import get_args

import numpy as np
import pytest
import torch
from small_net import export_small, picture, small_net

from segwright.bundle import Format
from segwright.errors import DataError
from segwright.export import export_model
from segwright.runtime import EngineOptions, Predictor, load
from segwright.runtime.engines import engines_for

PAIRS = [(file_format, engine) for file_format in get_args(Format) for engine in engines_for(file_format)]
FREE = [pair for pair in PAIRS if pair[0] != "executorch"]  # which plans its memory before it runs
NORMALISED = [{"type": "Normalize"}]


@pytest.fixture(scope="module")
def predictor(tmp_path_factory):
    """Opens the small net, exported for a shape in a format, in an engine."""
    folders = {}

    def opened(file_format: Format, engine: str, shape: tuple[int, ...] | None) -> Predictor:
        if (file_format, shape) not in folders:
            folder = tmp_path_factory.mktemp(file_format)
            made = export_small(folder, file_format=file_format, transforms=NORMALISED, input_shape=shape)
            folders[file_format, shape] = made.folder
        return load(folders[file_format, shape], EngineOptions(engine=engine, cpu_threads=2))

    return opened


def eager(batch: np.ndarray) -> np.ndarray:
    with torch.inference_mode():
        return small_net().eval()(torch.from_numpy(batch))[0].argmax(1).numpy()


@pytest.mark.parametrize(("file_format", "engine"), FREE)
def test_r62_batches_of_one_and_three_at_any_size(predictor, file_format, engine):
    opened = predictor(file_format, engine, None)
    for shape in ((1, 3, 33, 47), (3, 3, 33, 47), (3, 3, 40, 24)):
        batch = np.random.default_rng(0).normal(size=shape).astype(np.float32)
        np.testing.assert_array_equal(opened.engine.run(batch), eager(batch))


@pytest.mark.parametrize(("file_format", "engine"), PAIRS)
def test_r62_a_batch_of_three_at_an_odd_fixed_size(predictor, file_format, engine):
    opened = predictor(file_format, engine, (3, 3, 33, 47))
    images = [picture(33, 47, seed) for seed in range(4)]  # one more than go together
    expected = eager(np.stack([opened.prepare(image).tensor for image in images]))
    np.testing.assert_array_equal(opened.predict_batch(images), expected)
    with pytest.raises(DataError, match=r"is 33x47 .* exported for 47x33 only.*--input_shape"):
        opened(picture(47, 33))


@pytest.mark.parametrize(("file_format", "engine"), PAIRS)
def test_r67_eight_threads_share_one_predictor(predictor, file_format, engine):
    opened = predictor(file_format, engine, (3, 3, 33, 47))
    images = [picture(33, 47, seed) for seed in range(8)]
    expected = [opened(image) for image in images]
    assert any((label != expected[0]).any() for label in expected)
    with ThreadPoolExecutor(8) as pool:
        for _ in range(5):
            np.testing.assert_array_equal(list(pool.map(opened, images)), expected)


@pytest.mark.parametrize("file_format", get_args(Format))
def test_r60_no_file_holds_the_weights_of_heads_that_only_training_needs(tmp_path, file_format):
    model = small_net()
    torch.nn.init.constant_(model.extra.weight, 0.1234567)
    torch.nn.init.constant_(model.head.bias, 0.7654321)
    bundle = export_model(
        model, tmp_path, transforms=[], num_classes=4, file_format=file_format, input_shape=(1, 3, 33, 47)
    )
    content = b"".join(path.read_bytes() for path in bundle.folder.glob("model.*"))
    assert model.head.bias.detach().numpy().tobytes() in content
    assert model.extra.weight.detach().numpy().tobytes() not in content
    assert model.training
