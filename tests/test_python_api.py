"""The Python API as scripts written for the original use it, and the entry points that they rely on."""

import logging
from pathlib import Path

import numpy as np
import pytest
import torch
from toy_data import write_toy_pictures

import segwright
import segwright.transforms as T
from segwright import evaluate, predict, train
from segwright.datasets import Dataset
from segwright.images import read_image, read_label
from segwright.losses import CrossEntropyLoss, DiceLoss
from segwright.models import BiSeNetV2

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    return write_toy_pictures(tmp_path_factory.mktemp("road"), width=72, height=56)


@pytest.fixture(scope="module")
def trained(root, tmp_path_factory):
    """The road recipe, a few iterations at a tenth of its size."""
    save_dir = tmp_path_factory.mktemp("output")
    torch.manual_seed(0)
    model = BiSeNetV2(num_classes=2, lambd=0.25)
    train_set = Dataset(
        dataset_root=root,
        train_path=root / "train.txt",
        num_classes=2,
        mode="train",
        separator=" ",
        ignore_index=255,
        edge=True,
        transforms=[
            T.RandomPaddingCrop(crop_size=(40, 40)),
            T.RandomHorizontalFlip(prob=0.3),
            T.Resize(target_size=(64, 64)),
            T.Normalize(),
        ],
    )
    val_set = Dataset(
        dataset_root=root,
        val_path=root / "val.txt",
        num_classes=2,
        mode="val",
        separator=" ",
        ignore_index=255,
        edge=False,
        transforms=[T.Resize(target_size=(64, 64)), T.Normalize()],
    )
    optimizer = segwright.build_optimizer({"type": "Momentum", "weight_decay": 4e-5}, model, lr=0.01)
    losses = {"types": [CrossEntropyLoss()] * 3 + [DiceLoss()] * 2, "coef": [1.0] * 5}
    result = train(
        model,
        train_dataset=train_set,
        val_dataset=val_set,
        optimizer=optimizer,
        save_dir=save_dir,
        iters=6,
        batch_size=4,
        save_interval=3,
        log_iters=2,
        num_workers=0,
        use_vdl=False,
        losses=losses,
        keep_checkpoint_max=5,
    )
    return model, val_set, save_dir, result


def test_train_writes_checkpoints_and_the_best_model(trained):
    _, _, save_dir, result = trained
    assert (result.iterations, result.exit_code) == (6, 0)
    assert sorted(path.name for path in save_dir.glob("iter_*")) == ["iter_3", "iter_6"]
    assert (save_dir / "best_model/model.safetensors").is_file()


def test_training_items_hold_the_edge_map(root):
    data = Dataset([T.Normalize()], root, 2, train_path="train.txt", edge=True)
    image, label, edge = data[0]
    assert (image.shape, label.shape, edge.shape) == ((3, 56, 72), (56, 72), (1, 56, 72))
    assert set(np.unique(edge)) == {0, 1}


def test_evaluate_scores_the_model_that_train_kept(trained):
    _, val_set, save_dir, result = trained
    model = BiSeNetV2(num_classes=2, lambd=0.25)
    report = segwright.load_weights(model, save_dir / "best_model")
    assert (report.missing, report.unexpected, report.mismatched) == ((), (), ())
    scores = evaluate(model, val_set).scores()
    assert scores["images"] == 4
    assert scores["mIoU"] == result.best_miou


def test_predict_takes_lists_of_pictures_and_a_compose(trained, root, tmp_path):
    model, _, save_dir, _ = trained
    images = sorted(str(path) for path in (root / "images").iterdir())[:3]
    transforms = [T.Resize(target_size=(64, 64)), T.Normalize()]
    options = {"model_path": save_dir / "iter_6/model.pdparams", "image_list": images, "image_dir": str(root)}
    one = predict(model, transforms=T.Compose(transforms), save_dir=tmp_path / "one", **options)
    two = predict(model, transforms=transforms, save_dir=str(tmp_path / "two"), **options)
    assert [path.relative_to(tmp_path / "one") for path in one.label_maps] == [
        Path(f"pseudo_color_prediction/images/{number:02d}.png") for number in range(3)
    ]
    for left, right in zip(one.label_maps, two.label_maps, strict=True):
        assert left.read_bytes() == right.read_bytes()
        assert read_label(left).shape == (56, 72)
        assert read_label(left).max() < 2
    overlay = tmp_path / "one/added_prediction/images/00.png"
    assert read_image(overlay).shape == (56, 72, 3)


def test_importing_the_package_costs_nothing():
    import subprocess
    import sys

    code = "import sys, segwright; print('torch' in sys.modules, 'cv2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.split() == ["False"] * 2


# Entry points for scripts without a training run


def test_load_config_is_merged_validated_plain_data(toy_config):
    data = segwright.load_config(toy_config(), opts=["batch_size=2"]).to_dict()
    assert data["batch_size"] == 2
    assert data["model"] == {"type": "BiSeNetV2", "num_classes": 2}


def test_build_model_gives_one_output_in_evaluation_and_five_in_training():
    model = segwright.build_model({"type": "BiSeNetV2", "num_classes": 5})
    image = torch.zeros(2, 3, 64, 96)
    assert [logits.shape for logits in model.train()(image)] == [(2, 5, 64, 96)] * 5
    assert len(model.output_names) == 5
    assert [logits.shape for logits in model.eval()(image)] == [(2, 5, 64, 96)]


def test_build_loss_gives_a_scalar():
    loss = segwright.build_loss({"type": "CrossEntropyLoss"})
    assert loss(torch.zeros(1, 3, 4, 4), torch.zeros(1, 4, 4, dtype=torch.int64)).shape == ()


def test_transforms_keep_channels_last_and_the_seed_decides():
    blocks = [{"type": "RandomHorizontalFlip", "prob": 0.5}, {"type": "Resize", "target_size": [32, 16]}]
    transforms = segwright.build_transforms([*blocks, {"type": "Normalize"}])
    image = np.random.default_rng(0).integers(0, 255, (20, 40, 3), dtype=np.uint8)
    samples = [transforms(image, np.zeros((20, 40), np.uint8), seed=seed) for seed in (0, 0, 1, 2, 3)]
    assert (samples[0].image.shape, samples[0].label.shape) == ((16, 32, 3), (16, 32))
    assert np.array_equal(samples[0].image, samples[1].image)
    assert any(not np.array_equal(samples[0].image, other.image) for other in samples)
    assert transforms(image, None, seed=0).label is None


def test_build_dataset_gives_what_the_model_takes(root):
    block = {"type": "Dataset", "dataset_root": str(root), "mode": "val", "val_path": "val.txt", "num_classes": 2}
    data = segwright.build_dataset({**block, "transforms": [{"type": "Normalize"}]})
    image, label = data[0][0], data[0][1]
    assert (image.shape, image.dtype, label.shape, label.dtype) == ((3, 56, 72), np.float32, (56, 72), np.int64)


def test_optimizer_and_schedule_are_torchs():
    model = torch.nn.Conv2d(1, 1, 1)
    optimizer = segwright.build_optimizer({"type": "SGD", "momentum": 0.9}, model, lr=0.01)
    block = {"type": "PolynomialDecay", "learning_rate": 0.01, "power": 0.9, "end_lr": 0}
    schedule = segwright.build_scheduler(block, optimizer, iters=1000)
    assert isinstance(schedule, torch.optim.lr_scheduler.LRScheduler)
    rates = []
    for _ in range(1000):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    assert rates == pytest.approx([0.01 * (1 - step / 1000) ** 0.9 for step in range(1000)])


def test_scores_of_arrays():
    pred, label = np.array([[0, 1], [2, 2]]), np.array([[0, 1], [2, 255]])
    scores = segwright.metrics.scores(pred, label, num_classes=3, ignore_index=255)
    assert set(scores) >= {
        "mIoU",
        "Acc",
        "Kappa",
        "mDice",
        "class_iou",
        "class_precision",
        "class_recall",
        "class_dice",
    }
    assert (scores["mIoU"], scores["Acc"], scores["Kappa"]) == (1, 1, 1)


def test_the_library_prints_nothing_by_itself(root, capsys):
    logging.getLogger("segwright").handlers.clear()
    Dataset([T.Normalize(), T.RandomHorizontalFlip()], root, 2, train_path="train.txt")
    assert capsys.readouterr().out == ""
