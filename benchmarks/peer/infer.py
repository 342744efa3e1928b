"""What PaddleSeg's ``deploy/python/infer.py`` does with pictures, which its package does not contain.

One picture after the other is read and preprocessed as ``deploy.yaml`` says, goes through Paddle Inference,
and is written as a PNG with PaddleSeg's palette. Its flag for oneDNN is on here.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from paddleseg.deploy.infer import DeployConfig
from paddleseg.utils.visualize import get_pseudo_color_map

from benchmarks.peer.network import VERSIONS, Network
from benchmarks.worker import serve


def main() -> None:
    """Predict the pictures, once or whenever told."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", required=True, metavar="FILE", help="deploy.yaml")
    parser.add_argument("--image_path", type=Path, required=True, metavar="DIR", help="pictures")
    parser.add_argument("--save_dir", type=Path, required=True)
    parser.add_argument("--cpu_threads", type=int, default=10)
    parser.add_argument("--serve", action="store_true", help="be a worker of the benchmarks")
    args = parser.parse_args()

    config = DeployConfig(args.config)
    network = Network(config, threads=args.cpu_threads)
    images = sorted(map(str, args.image_path.iterdir()))
    args.save_dir.mkdir(parents=True, exist_ok=True)
    if args.serve:
        serve(lambda: infer(config, network, images, args.save_dir), VERSIONS)
    else:
        infer(config, network, images, args.save_dir)


def infer(config: DeployConfig, network: Network, images: Sequence[str], save_dir: Path) -> None:
    """Write ``save_dir/NAME.png`` for each picture."""
    for image in images:
        tensor = config.transforms({"img": image})["img"]
        (label,) = network(tensor[None])
        get_pseudo_color_map(label).save(save_dir / f"{Path(image).stem}.png")


if __name__ == "__main__":
    main()
