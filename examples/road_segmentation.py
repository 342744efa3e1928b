"""Road segmentation for a small robot, driven from Python instead of a config: BiSeNetV2 with five losses.

The recipe of the road project that inspired it: 384 crop, 416 x 416 input, batch 8, momentum 0.9, learning rate from
0.01 to 0.0001, cross entropy on the first three outputs and Dice on the last two. The data folder holds pictures,
label maps (0 not road, 1 road) and train.txt and val.txt with one `picture label` a line.

    python examples/road_segmentation.py path/to/road --iters 6000
"""

import argparse
from pathlib import Path

import torch

import segwright.transforms as T
from segwright import build_optimizer, build_scheduler, evaluate, load_weights, predict, train
from segwright.datasets import Dataset
from segwright.losses import CrossEntropyLoss, DiceLoss
from segwright.models import BiSeNetV2


def main() -> None:
    """Train, evaluate the best model, and predict the validation pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder with train.txt and val.txt")
    parser.add_argument("--iters", type=int, default=6000)
    parser.add_argument("--save_dir", type=Path, default=Path("output/road"))
    args = parser.parse_args()

    torch.manual_seed(0)
    model = BiSeNetV2(num_classes=2, lambd=0.25)
    train_set = Dataset(
        dataset_root=args.data,
        train_path="train.txt",
        num_classes=2,
        mode="train",
        separator=" ",
        ignore_index=255,
        transforms=[
            T.RandomPaddingCrop(crop_size=(384, 384)),
            T.RandomHorizontalFlip(prob=0.3),
            T.Resize(target_size=(416, 416)),
            T.Normalize(),
        ],
    )
    val_transforms = [T.Resize(target_size=(416, 416)), T.Normalize()]
    val_set = Dataset(dataset_root=args.data, val_path="val.txt", num_classes=2, mode="val", transforms=val_transforms)
    optimizer = build_optimizer({"type": "Momentum", "momentum": 0.9}, model, lr=0.01)
    schedule = {"type": "PolynomialDecay", "learning_rate": 0.01, "end_lr": 0.0001, "power": 0.9}

    result = train(
        model,
        train_dataset=train_set,
        val_dataset=val_set,
        optimizer=optimizer,
        lr_scheduler=build_scheduler(schedule, optimizer, args.iters),
        losses={"types": [CrossEntropyLoss()] * 3 + [DiceLoss()] * 2, "coef": [1.0] * 5},
        save_dir=args.save_dir,
        iters=args.iters,
        batch_size=8,
        save_interval=100,
        log_iters=20,
        num_workers=0,
        keep_checkpoint_max=5,
    )
    print(f"best mIoU {result.best_miou:.4f} at iteration {result.best_iteration}")

    load_weights(model, args.save_dir / "best_model")
    evaluate(model, val_set)
    predict(
        model,
        transforms=val_transforms,
        image_list=[pair.image for pair in val_set.pairs],
        image_dir=args.data,
        save_dir=args.save_dir / "predictions",
    )


if __name__ == "__main__":
    main()
