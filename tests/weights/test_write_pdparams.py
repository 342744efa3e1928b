"""What Paddle needs to find in a .pdparams file that we write."""

import os
import pickle
import pickletools
import subprocess

import numpy as np
import pytest
import torch
from small_model import PADDLE_NAMES, Small, as_paddle, assert_state, random_state

import segwright
from segwright.weights import load_weights, read_weights, save_pdparams

PEER = os.environ.get("SEGWRIGHT_PEER_PYTHON")


@pytest.fixture
def small() -> Small:
    model = Small()
    model.load_state_dict(random_state(), strict=False)
    return model


def test_it_is_a_plain_dictionary_under_paddles_names_and_in_its_layout(small, tmp_path):
    save_pdparams(small, tmp_path / "model.pdparams")
    found = pickle.loads((tmp_path / "model.pdparams").read_bytes())
    table = found.pop("StructuredToParameterName@@")
    assert type(found) is dict
    assert found.keys() == table.keys() == set(PADDLE_NAMES.values())
    for name, array in as_paddle(random_state()).items():
        assert type(found[name]) is np.ndarray
        assert found[name].dtype == np.float32
        np.testing.assert_array_equal(found[name], array)


def test_every_numpy_knows_the_names_in_it(small, tmp_path):
    save_pdparams(small, tmp_path / "model.pdparams")
    steps = list(pickletools.genops((tmp_path / "model.pdparams").read_bytes()))
    words = {argument for _, argument, _ in steps if isinstance(argument, str)}
    assert "numpy.core.multiarray" in words
    assert not any("_core" in word for word in words)
    assert next(argument for step, argument, _ in steps if step.name == "PROTO") == 4


def test_our_own_reader_takes_it_back(small, tmp_path):
    save_pdparams(small.to(memory_format=torch.channels_last), tmp_path / "model.pdparams")
    model = Small()
    assert load_weights(model, tmp_path / "model.pdparams").complete
    assert_state(model, random_state())


def test_half_precision_stays_and_what_numpy_lacks_becomes_float32(small, tmp_path):
    for dtype, stored in ((torch.float16, np.float16), (torch.bfloat16, np.float32), (torch.float64, np.float64)):
        save_pdparams(small.to(dtype), tmp_path / "model.pdparams")
        assert {array.dtype for array in read_weights(tmp_path / "model.pdparams").values()} == {np.dtype(stored)}


LOAD = """
import sys
import numpy as np, paddle
from paddleseg.models import BiSeNetV2
weights, image, logits = sys.argv[1:]
paddle.set_device("cpu")
model = BiSeNetV2(num_classes=3)
state = paddle.load(weights)
assert set(state) == set(model.state_dict())
missing, unexpected = model.set_state_dict(state)
assert not missing and not unexpected, (missing, unexpected)
model.eval()
np.save(logits, model(paddle.to_tensor(np.load(image)))[0].numpy())
"""


@pytest.mark.skipif(not PEER, reason="set SEGWRIGHT_PEER_PYTHON to a Python that has PaddlePaddle and PaddleSeg")
def test_paddleseg_loads_it_and_gives_the_same_logits(tmp_path):
    torch.manual_seed(3)
    model = segwright.build_model({"type": "BiSeNetV2", "num_classes": 3}).eval()
    image = torch.randn(1, 3, 64, 96)
    save_pdparams(model, tmp_path / "model.pdparams")
    np.save(tmp_path / "image.npy", image.numpy())
    files = [tmp_path / name for name in ("model.pdparams", "image.npy", "logits.npy")]
    subprocess.run([PEER, "-c", LOAD, *files], check=True)
    with torch.inference_mode():
        ours = model(image)[0].numpy()
    np.testing.assert_allclose(np.load(files[2]), ours, rtol=0, atol=1e-4 * np.abs(ours).max())
