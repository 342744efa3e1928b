"""A folder in which the commands of the documents find what they name, small enough to run them all.

Configurations are the repository's own with sizes divided by eight, four iterations, and random instead of downloaded
weights, and BiSeNetV2 is a network of two layers. The demo's output is that of the real commands on pictures of 64
pixels.
"""

import json
import os
import re
import shutil
import sys
from importlib.resources import files
from pathlib import Path
from string import Template

import cv2
import numpy as np
from doc_blocks import ROOT
from torch import Tensor, nn
from toy_data import write_toy_pictures

from segwright.cli.main import main
from segwright.demo.fundus import write_dataset
from segwright.images import default_palette, read_label, write_image, write_label_map
from segwright.layers import ConvBNReLU, resize_to
from segwright.models import BiSeNetV2
from segwright.types import Size

LINKED = ("examples", "deploy", "test_tipc", "docs")
ITERS = 4


class SmallBiSeNet(nn.Module):
    """Stands in for BiSeNetV2 where a configuration names it: its outputs and branches, exported in a second."""

    output_names = BiSeNetV2.output_names

    def __init__(
        self,
        num_classes: int,
        lambd: float = 0.25,
        align_corners: bool = False,
        pretrained: str | None = None,
        in_channels: int = 3,
    ) -> None:
        super().__init__()
        self.align_corners, self.pretrained = align_corners, pretrained
        width = int(32 * lambd)
        self.detail = ConvBNReLU(in_channels, width, 3, stride=2)
        self.semantic = ConvBNReLU(width, width, 3, stride=2)
        self.heads = nn.ModuleList(nn.Conv2d(width, num_classes, 1) for _ in self.output_names)

    def forward(self, image: Tensor) -> list[Tensor]:
        """(N, in_channels, H, W) -> logits (N, num_classes, H, W), five in training."""
        features = self.semantic(self.detail(image))
        heads = self.heads if self.training else self.heads[:1]
        return [resize_to(head(features), image, self.align_corners) for head in heads]


def shrunk(text: str) -> str:
    """A configuration or a program with small sizes, few iterations, and no weights to download."""
    for pattern, change in (
        (r"([\[(])(\d{3,4}), ?(\d{3,4})([\])])", lambda m: f"{m[1]}{eighth(m[2])}, {eighth(m[3])}{m[4]}"),
        (r"\b(iters[:=] ?)\d+", rf"\g<1>{ITERS}"),
        (r"\b(batch_size[:=] ?)\d+", r"\g<1>2"),
        (r"\b(save_interval=)\d+", r"\g<1>2"),
        (r"\bwarmup_iters: \d+", "warmup_iters: 1"),
        (r"pretrained: https?://\S+", "pretrained: null"),
    ):
        text = re.sub(pattern, change, text)
    return text


def eighth(number: str) -> int:
    """The size of things here instead of ``number``, in pixels."""
    return max(32, int(number) // 8)


def write_project(folder: Path) -> None:
    """Fill ``folder``; the working directory has to be that folder, as it is a user's."""
    for name in LINKED:
        (folder / name).symlink_to(ROOT / name)
    for source in (ROOT / "configs").rglob("*.*"):
        target = folder / source.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(shrunk(source.read_text(encoding="utf-8")), encoding="utf-8")
    _write_programs(folder / "bin")
    _write_demo()
    shutil.copytree("output/demo/data", "data/optic_disc_seg")
    shutil.copytree("output/demo/train/best_model", "output/best_model")
    shutil.copytree("output/demo/export", "output/export")
    Path("pictures").mkdir()
    for number, picture in enumerate(sorted(Path("output/demo/data/JPEGImages").iterdir())[:2]):
        shutil.copy(picture, f"pictures/{number}.jpg")
    shutil.copy("pictures/0.jpg", "picture.jpg")
    for name in ("bisenet", "lraspp", "ocrnet"):
        shutil.copytree("output/demo/export", f"exports/{name}")
    for name in ("road", "mine"):
        write_toy_pictures(Path("data", name), count=6, width=64, height=64)
    _write_annotations()
    _write_video(Path("clip.mp4"))


def _write_programs(folder: Path) -> None:
    """What a virtual environment has in its ``bin``."""
    folder.mkdir()
    programs = {"segwright": "-m segwright", "torchrun": "-m torch.distributed.run", "python": "", "python3": ""}
    for name, words in programs.items():
        (folder / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {words} "$@"\n', encoding="utf-8")
        (folder / name).chmod(0o755)


def write_demo_config(path: Path, dataset_root: str) -> None:
    """The demo's configuration, for few and small pictures."""
    template = Template((files("segwright.demo") / "config.yml").read_text(encoding="utf-8"))
    text = template.substitute(batch_size=2, iters=ITERS, learning_rate=0.03, dataset_root=dataset_root)
    path.write_text(text, encoding="utf-8")


def _write_demo() -> None:
    """What ``segwright demo`` leaves."""
    write_dataset(Path("output/demo/data"), num_train=6, num_val=3, size=Size(64, 64))
    write_demo_config(Path("output/demo/demo.yml"), "output/demo/data")
    with_config = ["--config", "output/demo/demo.yml"]
    run = ["train", *with_config, "--save_dir", "output/demo/train", "--do_eval", "--save_interval", "2"]
    assert main([*run, "--num_workers", "0", "--device", "cpu"]) == 0
    with_model = [*with_config, "--model_path", "output/demo/train/best_model"]
    assert main(["export", *with_model, "--save_dir", "output/demo/export"]) == 0


def _write_annotations() -> None:
    """Masks and annotations of other programs, in the folders that the documents call them."""
    rng = np.random.default_rng(0)
    masks = sorted(Path("data/road/labels").iterdir())
    for name in ("masks", "colour_masks", "street_masks", "jpeg_masks"):
        Path(name).mkdir()
    colours = {"colour_masks": [(0, 0, 0), (128, 0, 0)], "street_masks": [(128, 64, 128), (70, 70, 70)]}
    for path in masks:
        object_ = read_label(path) == 1
        write_image(Path("masks", path.name), np.repeat(object_[..., None] * np.uint8(255), 3, 2))
        cv2.imwrite(f"jpeg_masks/{path.stem}.jpg", object_ * np.uint8(255))
        for name, table in colours.items():
            write_image(Path(name, path.name), np.array(table, np.uint8)[object_.astype(int)])
    Path("table.txt").write_text("0 0 0 0 background\n1 128 0 0 object\n", encoding="utf-8")
    shutil.copytree("data/road", "road_again")
    Path("dataset_classes.txt").write_text("_background_\nobject\n", encoding="utf-8")
    lists = [Path("road_again", name).read_text(encoding="utf-8") for name in ("train.txt", "val.txt")]
    Path("road_again/list.txt").write_text("".join(lists), encoding="utf-8")
    data = ["road_again/list.txt", "--classes", "dataset_classes.txt", "--num_workers", "0"]
    assert main(["data", "to_labelme", data[0], "annotated", *data[1:]]) == 0
    assert main(["data", "to_coco", data[0], "instances.json", *data[1:]]) == 0
    for video in range(3):
        for frame in range(4):
            picture = rng.integers(0, 255, (32, 32, 3), np.uint8)
            write_image(Path(f"videos/images/drive{video}_{frame:04d}.png"), picture)
            write_label_map(
                Path(f"videos/labels/drive{video}_{frame:04d}.png"), picture[..., 0] // 128, default_palette(2)
            )
    assert main(["data", "list", "videos", "--folder", "images", "labels"]) == 0
    city = "aachen/aachen_000000_000019"
    write_image(Path(f"cityscapes/leftImg8bit/train/{city}_leftImg8bit.png"), np.zeros((32, 64, 3), np.uint8))
    road = {"label": "road", "polygon": [[0, 16], [64, 16], [64, 32], [0, 32]]}
    polygons = Path(f"cityscapes/gtFine/train/{city}_gtFine_polygons.json")
    polygons.parent.mkdir(parents=True)
    polygons.write_text(json.dumps({"imgHeight": 32, "imgWidth": 64, "objects": [road]}), encoding="utf-8")


def _write_video(path: Path) -> None:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), 10, (64, 64))
    for shade in range(3):
        writer.write(np.full((64, 64, 3), 60 * shade, np.uint8))
    writer.release()


def copy_project(source: Path, target: Path) -> None:
    """A copy to work in. Large files, which commands replace and never change, are shared."""
    shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True, copy_function=_share_if_large)


def _share_if_large(source: str, target: str) -> None:
    if Path(source).stat().st_size > 1 << 20:
        os.link(source, target)
    else:
        shutil.copy2(source, target)
