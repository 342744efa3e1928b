"""The road model, BiSeNetV2 of two classes, is small enough for a small device: the heads for training stay behind."""

import pytest
import torch
from small_net import picture

from segwright.bundle import Preprocessing
from segwright.datasets import Dataset
from segwright.export import Calibration, export_model
from segwright.images import default_palette, write_image, write_label_map
from segwright.models import BiSeNetV2
from segwright.transforms import Normalize, Resize

SIDE = 96  # weights do not depend on it
BLOCKS = [{"type": "Resize", "target_size": [SIDE, SIDE]}, {"type": "Normalize"}]
FLOAT, INT8 = 10e6, 3e6  # bytes

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def model():
    """As it comes, but its batch norms have seen a picture."""
    torch.manual_seed(0)
    net = BiSeNetV2(num_classes=2, lambd=0.25)
    tensor = Preprocessing(BLOCKS)(picture(SIDE, SIDE, 1)).tensor
    with torch.no_grad():
        for _ in range(3):
            net.train()(torch.from_numpy(tensor[None]).repeat(2, 1, 1, 1))
    return net.eval()


@pytest.fixture(scope="module")
def data(tmp_path_factory, model):
    """A picture with the labels that the model itself gives it."""
    folder, image = tmp_path_factory.mktemp("road"), picture(SIDE, SIDE, 2)
    with torch.inference_mode():
        label = model(torch.from_numpy(Preprocessing(BLOCKS)(image).tensor[None]))[0][0].argmax(0)
    write_image(folder / "a.png", image)
    write_label_map(folder / "a_label.png", label.numpy().astype("uint8"), default_palette(2))
    (folder / "val.txt").write_text("a.png a_label.png\n")
    transforms = [Resize([SIDE, SIDE]), Normalize()]
    return Dataset(dataset_root=str(folder), val_path="val.txt", num_classes=2, mode="val", transforms=transforms)


@pytest.mark.parametrize(
    ("file_format", "precision"),
    [
        *[("onnx", precision) for precision in ("fp32", "fp16", "int8")],
        *[("openvino", precision) for precision in ("fp32", "fp16", "int8")],
        *[("executorch", precision) for precision in ("fp32", "int8")],
    ],
)
def test_the_road_models_file_is_small(tmp_path, model, data, file_format, precision):
    options = {"calibration": Calibration([picture(SIDE, SIDE, 3)]), "dataset": data} if precision == "int8" else {}
    folder = export_model(
        model,
        tmp_path,
        transforms=BLOCKS,
        num_classes=2,
        file_format=file_format,
        precision=precision,
        input_shape=(1, 3, SIDE, SIDE),
        output_op="none",  # else a second file, which gives logits, is made to be compared
        max_miou_loss=1,
        **options,
    ).folder
    size = sum(file.stat().st_size for file in folder.glob("model.*"))
    assert size < (INT8 if precision == "int8" else FLOAT)
