"""PaddleSeg's training from a configuration, as its ``tools/train.py`` does it, which its package does not contain."""

import argparse
import random

import numpy as np
import paddle
from paddleseg.core import train
from paddleseg.cvlibs import Config, SegBuilder

from benchmarks.peer import paddle3


def main() -> None:
    """Train on the CPU; the log goes to standard output."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", required=True)
    parser.add_argument("--iters", type=int)
    parser.add_argument("--save_dir", required=True)
    parser.add_argument("--num_workers", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--save_interval", type=int, default=1000)
    parser.add_argument("--resume_model", help="a folder iter_N; PaddleSeg begins again with the epoch's first picture")
    parser.add_argument("--opts", nargs="+", default=[])
    args = parser.parse_args()

    paddle3.prepare()
    paddle.seed(args.seed)
    np.random.seed(args.seed)  # noqa: NPY002 - the generator that PaddleSeg draws from
    random.seed(args.seed)
    config = Config(args.config, iters=args.iters, opts=args.opts)
    builder = SegBuilder(config)
    train(
        builder.model,
        builder.train_dataset,
        optimizer=builder.optimizer,
        losses=builder.loss,
        save_dir=args.save_dir,
        save_interval=args.save_interval,
        resume_model=args.resume_model,
        keep_checkpoint_max=0,  # keeps all
        iters=config.iters,
        batch_size=config.batch_size,
        num_workers=args.num_workers,
    )


if __name__ == "__main__":
    main()
