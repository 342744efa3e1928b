"""BiSeNetV2 against numbers that PaddleSeg computed from the same weights and images."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from paddle_reference import build, normal_image, read_case, without_dropout

from segwright.models import BiSeNetV2
from segwright.weights import load_weights
from segwright.weights.names import paddle_variables


def relative(found, wanted):
    return np.abs(found - wanted).max() / np.abs(wanted).max()


def test_parameter_list_is_paddlesegs(shared):
    case, _ = read_case(shared / "reference/models/bisenetv2")
    model = BiSeNetV2(5)
    shapes = {name: list(tensor.shape) for name, tensor in model.state_dict().items()}
    ours = {variable.name: shapes[name] for name, variable in paddle_variables(model).items()}
    assert ours == {name: shape for name, shape, _ in case["state_dict"]}
    assert len(ours) == 356


def test_r38_logits_match_paddleseg(shared, tmp_path):
    case, numbers = read_case(shared / "reference/models/bisenetv2")
    model = build(case, tmp_path).eval()
    with torch.inference_mode():
        (logits,) = model(normal_image(case["input_seed"], case["input_shape"]))
    tolerance = max(1e-4, 10 * case["rel_change_for_1e6_input_perturbation"][0])
    assert relative(logits.numpy(), numbers["out0"]) <= tolerance


def test_training_outputs_and_gradients_match_paddleseg(shared, tmp_path):
    case, numbers = read_case(shared / "reference/models/bisenetv2_train")
    model = without_dropout(build(case, tmp_path)).double().train()
    image = normal_image(case["input_seed"], case["input_shape"]).double().requires_grad_()
    outputs = model(image)
    loss = sum(logits.square().mean() for logits in outputs)
    loss.backward()

    assert loss.item() == pytest.approx(case["loss"], rel=1e-6)
    for number, logits in enumerate(outputs):
        assert relative(logits.detach().numpy(), numbers[f"out{number}"]) <= 1e-6
    assert relative(image.grad.numpy(), numbers["grad_input"]) <= 1e-6

    noise = 1e-6 * case["grad_total_l2"]  # of biases in front of batch normalisation, whose gradient is zero
    parameters = dict(model.named_parameters())
    state = model.state_dict()
    for ours, (theirs, _) in paddle_variables(model).items():
        if ours in parameters:
            norm = parameters[ours].grad.norm().item()
            assert norm == pytest.approx(case["grad_l2_norm"][theirs], rel=1e-6, abs=noise), theirs
        else:
            norm, total = case["bn_after_one_forward"]["stats"][theirs]
            assert state[ours].norm().item() == pytest.approx(norm, rel=1e-6), theirs
            assert state[ours].sum().item() == pytest.approx(total, rel=1e-6, abs=1e-6), theirs
        for kind, found in (("grad", parameters), ("bn_after", state)):
            if f"{kind}:{theirs}" in numbers:
                array = found[ours].grad if kind == "grad" else found[ours]
                np.testing.assert_allclose(array, numbers[f"{kind}:{theirs}"], rtol=1e-5, atol=1e-6, err_msg=theirs)


def test_six_steps_of_training_match_paddleseg(shared, tmp_path):
    case, numbers = read_case(shared / "reference/train_steps/bisenetv2")
    model = without_dropout(build(case, tmp_path)).train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9, weight_decay=5e-4)
    image = normal_image(1205, [4, 3, 64, 64])
    label = torch.from_numpy(numbers["labels"]).long()
    for step in case["steps"]:
        optimizer.param_groups[0]["lr"] = step["lr"]
        parts = [F.cross_entropy(logits, label, ignore_index=255) for logits in model(image)]
        loss = sum(parts)
        assert loss.item() == pytest.approx(step["loss"], rel=1e-4 * 10 ** (step["iter"] / 3))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    state = model.state_dict()
    for ours, (theirs, _) in paddle_variables(model).items():
        if not ours.endswith("conv.bias"):  # moved by rounding noise only
            assert state[ours].norm().item() == pytest.approx(case["state_norms_after"][theirs], rel=2e-3), theirs
    with torch.inference_mode():
        (logits,) = model.eval()(image[:1])
    assert relative(logits[:, :, ::2, ::2].numpy(), numbers["eval_logits_after"]) <= 2e-2


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
    assert relative(logits[0, :, ::6, ::6].numpy(), expected["logit_plain_sub6"]) <= 1e-4


def pixels(path):
    """A picture as PaddleSeg's Normalize gives it to the network."""
    cv2 = pytest.importorskip("cv2")
    rgb = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB).astype(np.float32)
    return torch.from_numpy(((rgb / 255 - 0.5) / 0.5).transpose(2, 0, 1).copy())[None]
