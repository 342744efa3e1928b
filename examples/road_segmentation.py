"""Road segmentation for a small robot, driven from Python instead of a config: BiSeNetV2 with five losses.

The recipe of the road project that inspired it: 384 crop, 416 x 416 input, batch 8, momentum 0.9, learning rate from
0.01 to 0.0001, cross entropy on the first three outputs and Dice on the last two. The data folder holds pictures,
label maps (0 not road, 1 road) and train.txt and val.txt with one `picture label` a line.

    python examples/road_segmentation.py path/to/road --iters 6000

road_segmentation.ipynb goes the same way with pictures, and on to an exported model and a server.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

import segwright.transforms as T
from segwright import build_optimizer, build_scheduler, build_transforms, evaluate, load_weights, predict, train
from segwright.datasets import Dataset
from segwright.engine.training import TrainingResult
from segwright.losses import CrossEntropyLoss, DiceLoss
from segwright.models import BiSeNetV2


@dataclass(frozen=True)
class Recipe:
    """How much is computed.

    Attributes:
        iters: iterations of 8 pictures.
        crop: side of the square that is cut out of a training picture, in pixels.
        side: of the square that the network sees.
        save_interval: iterations from evaluation to evaluation.
    """

    iters: int = 6000
    crop: int = 384
    side: int = 416
    save_interval: int = 100

    @property
    def val_blocks(self) -> list[dict[str, Any]]:
        """What is done to a picture before the network sees it; export writes it beside the model."""
        return [{"type": "Resize", "target_size": [self.side, self.side]}, {"type": "Normalize"}]


def data_sets(root: Path, recipe: Recipe) -> tuple[Dataset, Dataset]:
    """To train on, and to judge by."""
    train_set = Dataset(
        dataset_root=root,
        train_path="train.txt",
        num_classes=2,
        mode="train",
        separator=" ",
        ignore_index=255,
        transforms=[
            T.RandomPaddingCrop(crop_size=(recipe.crop, recipe.crop)),
            T.RandomHorizontalFlip(prob=0.3),
            T.Resize(target_size=(recipe.side, recipe.side)),
            T.Normalize(),
        ],
    )
    val_transforms = build_transforms(recipe.val_blocks)
    val_set = Dataset(dataset_root=root, val_path="val.txt", num_classes=2, mode="val", transforms=val_transforms)
    return train_set, val_set


def learn(model: BiSeNetV2, train_set: Dataset, val_set: Dataset, recipe: Recipe, save_dir: Path) -> TrainingResult:
    """Train, and leave the model with the weights of the best evaluation."""
    optimizer = build_optimizer({"type": "Momentum", "momentum": 0.9}, model, lr=0.01)
    schedule = {"type": "PolynomialDecay", "learning_rate": 0.01, "end_lr": 0.0001, "power": 0.9}
    result = train(
        model,
        train_dataset=train_set,
        val_dataset=val_set,
        optimizer=optimizer,
        lr_scheduler=build_scheduler(schedule, optimizer, recipe.iters),
        losses={"types": [CrossEntropyLoss()] * 3 + [DiceLoss()] * 2, "coef": [1.0] * 5},
        save_dir=save_dir,
        iters=recipe.iters,
        batch_size=8,
        save_interval=recipe.save_interval,
        log_iters=min(20, recipe.save_interval),
        num_workers=0,
        keep_checkpoint_max=5,
    )
    load_weights(model, save_dir / "best_model")
    return result


def main() -> None:
    """Train, evaluate the best model, and predict the validation pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder with train.txt and val.txt")
    parser.add_argument("--iters", type=int, default=6000)
    parser.add_argument("--save_dir", type=Path, default=Path("output/road"))
    args = parser.parse_args()

    torch.manual_seed(0)
    recipe = Recipe(iters=args.iters)
    model = BiSeNetV2(num_classes=2, lambd=0.25)
    train_set, val_set = data_sets(args.data, recipe)
    result = learn(model, train_set, val_set, recipe, args.save_dir)
    print(f"best mIoU {result.best_miou:.4f} at iteration {result.best_iteration}")

    evaluate(model, val_set)
    predict(
        model,
        transforms=val_set.transforms,
        image_list=[pair.image for pair in val_set.pairs],
        image_dir=args.data,
        save_dir=args.save_dir / "predictions",
    )


if __name__ == "__main__":
    main()
