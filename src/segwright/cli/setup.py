"""Steps that several commands take on their way from a configuration to objects."""

import argparse
import logging
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from segwright import atomic
from segwright.build import build_dataset, build_model
from segwright.build.load import complete, model_block
from segwright.config import Config
from segwright.datasets import SegmentationDataset
from segwright.engine.inference import Procedure
from segwright.engine.precheck import overlap
from segwright.errors import ConfigError, DataError, WeightsError
from segwright.weights import load_weights

if TYPE_CHECKING:
    from torch import nn

log = logging.getLogger("segwright")


def build_model_with_weights(config: Config, model_path: Path | str | None = None) -> "nn.Module":
    """The config's model, with the weights of ``model_path`` or else of its ``pretrained``, all of them matching."""
    model = build_model(model_block(config))
    pretrained = getattr(model, "pretrained", None)
    if model_path:
        log.info("%s", load_weights(model, model_path).summary())
    elif pretrained:
        try:
            log.info("%s", load_weights(model, pretrained).summary())
        except WeightsError as error:
            raise WeightsError(f"{config.source.where('model', 'pretrained')}: {error}") from error
    return model


def build_data(config: Config, section: str) -> SegmentationDataset:
    """The data set of ``train_dataset`` or ``val_dataset``; its errors name file, line and key."""
    return build_dataset(config.section(section) or {}, lambda *path: config.source.where(section, *path))


def config_yaml(config: Config) -> str:
    """The configuration as YAML, every default spelled out."""
    return yaml.safe_dump(complete(config), sort_keys=False, allow_unicode=True, default_flow_style=None)


def save_config(config: Config, save_dir: Path) -> None:
    """Keep the whole configuration beside what came of it."""
    atomic.write_text(save_dir / "config.yml", config_yaml(config))


def warn_of_overlap(config: Config, val_set: SegmentationDataset) -> None:
    """Say so where pictures to be scored were trained on, if the training data are on this machine at all."""
    if not config.section("train_dataset"):
        return
    try:
        caution = overlap(build_data(config, "train_dataset"), val_set)
    except (ConfigError, DataError):
        return
    if caution:
        log.warning("%s", caution)


def inference_of(config: Config, args: argparse.Namespace | None = None, augment: str = "aug_eval") -> Procedure:
    """How to predict: as the config's ``test_config`` says, unless flags ask for something."""
    given = config.section("test_config") or {}
    if args is not None and (getattr(args, augment) or args.is_slide):
        given = {}
    options = {
        "augment": given.get("aug_eval", False),
        "scales": given.get("scales", 1.0),
        "flip_horizontal": given.get("flip_horizontal", False),
        "flip_vertical": given.get("flip_vertical", False),
        "is_slide": given.get("is_slide", False),
        "crop_size": given.get("crop_size"),
        "stride": given.get("stride"),
    }
    if args is not None and not given:
        options = {
            "augment": getattr(args, augment),
            "scales": args.scales,
            "flip_horizontal": args.flip_horizontal,
            "flip_vertical": args.flip_vertical,
            "is_slide": args.is_slide,
            "crop_size": args.crop_size,
            "stride": args.stride,
        }
    try:
        return Procedure.from_flags(**options)
    except ConfigError as error:
        raise ConfigError(f"{config.source.where('test_config')}: {error}" if given else str(error)) from error
