"""What a configuration says of its losses, against the data, the model and each other, before a picture is read."""

import pytest
import torch
from torch import Tensor, nn

from segwright.build import build_model, load_config
from segwright.errors import ConfigError
from segwright.registry import MODELS

MIXED = "{type: MixedLoss, losses: [{type: CrossEntropyLoss}, {type: DiceLoss}], coef: [1, 0.5]}"


@MODELS.register
class SideNet(nn.Module):
    """Its training outputs depend on its arguments."""

    def __init__(self, num_classes: int, side: bool = True, fragile: bool = False) -> None:
        super().__init__()
        self.head = nn.Conv2d(3, num_classes, 1)
        self.output_names = ("main", "side") if side else ("main",)
        if fragile:
            self.scale = self.head.weight.abs().max().item()

    def forward(self, image: Tensor) -> list[Tensor]:
        """(N, 3, H, W) -> logits."""
        return [self.head(image)] * (len(self.output_names) if self.training else 1)


@pytest.fixture
def mixed_config(toy_config):
    """A configuration of ToyNet whose two outputs have a mixed loss each."""
    path = toy_config("ToyNet", "[1, 1]")
    path.write_text(path.read_text().replace("[{type: CrossEntropyLoss}]", f"\n    - {MIXED}\n    - {MIXED}"))
    return path


def test_the_ignored_label_reaches_losses_inside_a_mixture(mixed_config):
    config = load_config(mixed_config, opts=["train_dataset.ignore_index=254", "val_dataset.ignore_index=254"])
    first, second = config.to_dict()["loss"]["types"]
    assert "ignore_index" not in first
    assert [block["ignore_index"] for block in first["losses"] + second["losses"]] == [254] * 4


def test_one_mixture_for_all_outputs_is_repeated(toy_config):
    path = toy_config("ToyNet", "[1, 0.4]")
    path.write_text(path.read_text().replace("{type: CrossEntropyLoss}", MIXED))
    types = load_config(path, opts=["train_dataset.ignore_index=255"]).to_dict()["loss"]["types"]
    assert len(types) == 2
    assert types[0] == types[1]


@pytest.mark.parametrize(
    ("opts", "message"),
    [
        (
            ["loss.types.1.losses.0.ignore_index=0", "train_dataset.ignore_index=255"],
            r"--opts: loss\.types\[1\]\.losses\[0\]\.ignore_index is 0, but --opts: .*ignore_index is 255",
        ),
        (["loss.types.0.coef=[1]"], r"toy\.yml:\d+: loss\.types\[0\]: losses has 2 entries, but coef has 1"),
        (["loss.types.0.losses=[]"], r"loss\.types\[0\]: losses has 0 entries, but coef has 2"),
        (
            ["loss.types.0.losses=['DiceLoss']", "loss.types.0.coef=[1]"],
            r"losses\[0\]: want a mapping .* a loss, got 'DiceLoss'",
        ),
        (["loss.types.0.losses=DiceLoss"], r"loss\.types\[0\]\.losses: want a list of mappings with a 'type'"),
        (["loss.types.0.losses.1.type=DiceLos"], r"losses\[1\]\.type: unknown loss 'DiceLos'; did you mean 'DiceLoss'"),
        (["loss.types.1.losses.1.smoth=1"], r"losses\[1\]\.smoth: DiceLoss has no 'smoth'; did you mean 'smooth'"),
        (["loss.types.0={'type': 'OhemCrossEntropyLoss', 'thresh': 7}"], r"loss\.types\[0\]: thresh is a probability"),
        (
            ["loss.types.0.losses.1={'type': 'RMILoss', 'num_classes': 19}"],
            r"loss\.types\[0\]\.losses\[1\]\.num_classes is 19, but .*train_dataset has 2; make them equal",
        ),
    ],
)
def test_mistakes_in_losses_name_the_place_and_the_mend(mixed_config, opts, message):
    with pytest.raises(ConfigError, match=message):
        load_config(mixed_config, opts=opts)


@pytest.mark.parametrize("side", [True, False])
def test_outputs_that_depend_on_arguments_are_counted(toy_config, side):
    names = ["main", "side"] if side else ["main"]
    load_config(toy_config("SideNet", str([1] * len(names))), opts=[f"model.side={side}"])
    with pytest.raises(ConfigError, match=rf"loss\.coef has 3 entries, but SideNet trains .*: {', '.join(names)}$"):
        load_config(toy_config("SideNet", "[1, 1, 1]"), opts=[f"model.side={side}"])


def test_a_model_that_cannot_be_built_without_memory_is_left_to_training(toy_config):
    load_config(toy_config("SideNet", "[1, 1, 1]"), opts=["model.fragile=True"])
    assert torch.get_default_device().type == "cpu"


def test_channels_of_the_data_reach_the_backbone(tmp_path):
    path = tmp_path / "x.yml"
    path.write_text(
        "val_dataset: {type: Dataset, dataset_root: x, val_path: y, num_classes: 3, img_channels: 4, transforms: []}\n"
        "model: {type: DeepLabV3P, backbone: {type: ResNet18_vd, output_stride: 8}}\n"
    )
    model = load_config(path).to_dict()["model"]
    assert model["backbone"]["in_channels"] == 4
    assert "in_channels" not in model
    with pytest.raises(ConfigError, match=r"model\.backbone\.in_channels is 3, but .*img_channels is 4"):
        load_config(path, opts=["model.backbone.in_channels=3"])


def test_channels_of_the_data_reach_a_model_that_sees_the_picture_beside_its_backbone(tmp_path):
    path = tmp_path / "x.yml"
    path.write_text(
        "val_dataset: {type: Dataset, dataset_root: x, val_path: y, num_classes: 3, img_channels: 4, transforms: []}\n"
        "model: {type: BiSeNetV1, backbone: {type: ResNet18_vd, output_stride: 8}}\n"
    )
    model = build_model(load_config(path).to_dict()["model"]).eval()
    with torch.inference_mode():
        (logits,) = model(torch.randn(1, 4, 32, 40))
    assert logits.shape == (1, 3, 32, 40)


EDGE = "{type: BCELoss, edge_label: True}"
MIXED_WITH_EDGE = f"{{type: MixedLoss, losses: [{{type: CrossEntropyLoss}}, {EDGE}], coef: [1, 1]}}"


@pytest.mark.parametrize("loss", [EDGE, MIXED_WITH_EDGE])
def test_a_loss_over_boundaries_wants_them_from_the_data(toy_config, loss):
    path = toy_config("ToyNet", "[1, 1]")
    path.write_text(path.read_text().replace("[{type: CrossEntropyLoss}]", f"[{{type: CrossEntropyLoss}}, {loss}]"))
    load_config(path, opts=["train_dataset.edge=True"])
    load_config(path, opts=["train_dataset.transforms=[{'type': 'AddEdgeLabel'}, {'type': 'Normalize'}]"])
    message = r"loss\.types\[1\] takes .*train_dataset does not make; add edge: True .*, or AddEdgeLabel to its trans"
    with pytest.raises(ConfigError, match=message):
        load_config(path)


def test_a_loss_that_wants_what_no_data_set_makes_is_refused(toy_config):
    path = toy_config("ToyNet", "[1, 1]")
    with pytest.raises(ConfigError, match=r"loss\.types\[0\] takes teacher, which no data set makes"):
        load_config(path, opts=["loss.types.0.type=DistillCrossEntropyLoss"])
