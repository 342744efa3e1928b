"""Paddle Inference on one picture, from the network's input to labels."""

import argparse
from pathlib import Path

import numpy as np
from paddleseg.deploy.infer import DeployConfig

from benchmarks.peer.network import VERSIONS, Network
from benchmarks.worker import serve


def main() -> None:
    """Open the export, save the labels that it gives, then predict when told."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("image", type=Path, help=".npy, (N, C, H, W) float32")
    parser.add_argument("labels", type=Path, help=".npy to write")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--bf16", action="store_true")
    args = parser.parse_args()

    network = Network(DeployConfig(str(args.bundle / "deploy.yaml")), threads=args.threads, bf16=args.bf16)
    image = np.load(args.image)
    np.save(args.labels, network(image))
    serve(lambda: network(image), VERSIONS)


if __name__ == "__main__":
    main()
