"""How long training waits for its pictures: two classes of road, batch 8, 416x416, BiSeNetV2, five losses."""

import argparse
import json
import tempfile
from pathlib import Path

import torch

import segwright
import segwright.transforms as T
from benchmarks.measure import Watch, add_common, publish, table
from segwright.datasets import Dataset
from segwright.losses import CrossEntropyLoss, DiceLoss
from segwright.models import BiSeNetV2

LOG_ITERS = 2


def main() -> None:
    """Train for some iterations with and without a reader process, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_common(parser, peer=False)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="pictures, labels and train.txt")
    parser.add_argument("--iters", type=int, default=10, metavar="N", help="iterations for each number of readers")
    args = parser.parse_args()

    torch.set_num_threads(args.threads)
    rows = []
    with Watch() as watch:
        for num_workers in (0, 1):
            first, *later = train(args.data, args.iters, num_workers)
            batch = sum(record["batch_cost"] for record in later) / len(later)
            reader = sum(record["reader_cost"] for record in later) / len(later)
            rows.append(
                [
                    "a thread" if num_workers == 0 else f"{num_workers} process",
                    f"{1000 * batch:.0f} ms",
                    f"{1000 * reader:.1f} ms",
                    f"{reader / batch:.2%}",
                    f"{first['reader_cost'] / first['batch_cost']:.1%}",
                ]
            )
    start = f"share in the first {LOG_ITERS} iterations"
    head = [f"read ahead by ({args.threads} threads compute)", "batch_cost", "reader_cost", "share", start]
    versions = [f"segwright {segwright.__version__} on PyTorch {torch.__version__}"]
    publish(args.document, "road_loader", f"{table(head, rows)}\n\n{watch.describe(versions)}")


def train(data: Path, iters: int, num_workers: int) -> list[dict[str, float]]:
    """Train from scratch; the records of the log, in order."""
    train_set = Dataset(
        dataset_root=str(data),
        train_path=str(data / "train.txt"),
        num_classes=2,
        mode="train",
        transforms=[
            T.RandomPaddingCrop(crop_size=(384, 384)),
            T.RandomHorizontalFlip(prob=0.3),
            T.Resize(target_size=(416, 416)),
            T.Normalize(),
        ],
    )
    torch.manual_seed(0)
    model = BiSeNetV2(num_classes=2, lambd=0.25)
    optimizer = segwright.build_optimizer({"type": "SGD", "momentum": 0.9}, model, lr=0.01)
    losses = {"types": [CrossEntropyLoss()] * 3 + [DiceLoss()] * 2, "coef": [1.0] * 5}
    with tempfile.TemporaryDirectory() as folder:
        segwright.train(
            model,
            train_set,
            optimizer=optimizer,
            losses=losses,
            save_dir=folder,
            iters=iters,
            batch_size=8,
            log_iters=LOG_ITERS,
            num_workers=num_workers,
        )
        lines = (Path(folder) / "log.jsonl").read_text(encoding="utf-8").splitlines()
    return [record for record in map(json.loads, lines) if record["event"] == "train"]


if __name__ == "__main__":
    main()
