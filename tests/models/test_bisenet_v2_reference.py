"""PaddleSeg's list of variables, and weights that it trained."""

import numpy as np
import pytest
import torch

from parity.recipe import Case
from segwright.models import BiSeNetV2
from segwright.weights import load_weights
from segwright.weights.names import paddle_variables


def test_parameter_list_is_paddlesegs(shared):
    facts = Case.read(shared / "reference/models/bisenetv2").facts
    model = BiSeNetV2(5)
    shapes = {name: list(tensor.shape) for name, tensor in model.state_dict().items()}
    ours = {variable.name: shapes[name] for name, variable in paddle_variables(model).items()}
    assert ours == {name: shape for name, shape, _ in facts["state_dict"]}
    assert len(ours) == 356


def test_r38_trained_checkpoint_gives_paddlesegs_logits(shared):
    folder = shared / "reference/end_to_end"
    model = BiSeNetV2(num_classes=11)
    report = load_weights(model, folder / "bisenetv2_camvid/model.pdparams")
    assert report.summary() == "356/356 variables loaded into BiSeNetV2"

    image = pixels(folder / "images/0016E5_07959.png")
    expected = np.load(folder / "bisenetv2_camvid/logits.npz")
    np.testing.assert_allclose(image[0, :, ::8, ::8], expected["input_sub8"], atol=1e-6)
    with torch.inference_mode():
        (logits,) = model.eval()(image)
    wanted = expected["logit_plain_sub6"]
    np.testing.assert_allclose(logits[0, :, ::6, ::6], wanted, rtol=0, atol=1e-4 * np.abs(wanted).max())


def pixels(path):
    """A picture as PaddleSeg's Normalize gives it to the network."""
    cv2 = pytest.importorskip("cv2")
    rgb = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB).astype(np.float32)
    return torch.from_numpy(((rgb / 255 - 0.5) / 0.5).transpose(2, 0, 1).copy())[None]
