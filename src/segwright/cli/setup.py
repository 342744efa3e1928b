"""Steps that several commands take on their way from a configuration to objects."""

import argparse
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segwright.build import build_dataset, build_model
from segwright.build.load import model_block
from segwright.config import Config
from segwright.config.schema import INFERENCE
from segwright.datasets import SegmentationDataset
from segwright.engine.inference import Procedure
from segwright.engine.precheck import overlap
from segwright.errors import ConfigError, DataError, WeightsError
from segwright.fetch import without_downloads
from segwright.weights import load_finetune, load_pretrained, load_weights

if TYPE_CHECKING:
    from torch import nn

log = logging.getLogger("segwright")


def build_model_with_weights(config: Config, model_path: Path | str | None = None) -> "nn.Module":
    """The config's model to be used: with the weights of ``model_path`` or else of its ``pretrained``, all matching."""
    model = build_model(model_block(config))
    path = model_path or getattr(model, "pretrained", None)
    if path:
        try:
            log.info("%s", load_weights(model, path).summary())
        except WeightsError as error:
            where = "" if model_path else f"{config.source.where('model', 'pretrained')}: "
            raise WeightsError(f"{where}{error}") from error
    return model


def build_model_to_train(config: Config, *, resumed: bool, finetune: str | None = None) -> "nn.Module":
    """The config's model to be trained: with the weights ``finetune``, or else its pretrained ones, as far as they fit.

    The weights of a resumed run come from its checkpoint, so nothing else is downloaded or read for it.
    """
    model = build_model(model_block(config))
    if finetune is not None:
        load_finetune(model, finetune)
    elif not resumed:
        load_pretrained(model, lambda *path: config.source.where("model", *path))
    return model


def build_data(config: Config, section: str) -> SegmentationDataset:
    """The data set of ``train_dataset`` or ``val_dataset``; its errors name file, line and key."""
    return build_dataset(config.section(section) or {}, lambda *path: config.source.where(section, *path))


def warn_of_overlap(config: Config, val_set: SegmentationDataset) -> str:
    """Say so where pictures to be scored were trained on, if the training data are on this machine at all.

    Returns:
        What was said; empty for nothing.
    """
    if not config.section("train_dataset"):
        return ""
    try:
        with without_downloads():
            caution = overlap(build_data(config, "train_dataset"), val_set)
    except (ConfigError, DataError):
        return ""
    if caution:
        log.warning("%s", caution)
    return caution


def inference_of(config: Config, args: argparse.Namespace | None = None, augment: str = "aug_eval") -> Procedure:
    """How to predict: as the config's ``test_config`` or ``test`` says, unless flags ask for something."""
    given = {key: value for key, value in _test_section(config).items() if key in INFERENCE}
    if args is not None and args.given & {augment, *INFERENCE}:
        given = {}
        options = {key: getattr(args, augment if key == "aug_eval" else key) for key in INFERENCE}
    else:
        options = {"aug_eval": False, "scales": 1.0, **given}
    options["augment"] = options.pop("aug_eval")
    try:
        return Procedure.from_flags(**options)
    except ConfigError as error:
        section = "test_config" if config.section("test_config") else "test"
        raise ConfigError(f"{config.source.where(section)}: {error}" if given else str(error)) from error


def auc_roc_wanted(config: Config, args: argparse.Namespace | None = None) -> bool:
    """Whether ``--auc_roc``, or else the config's ``test_config`` or ``test``, asks for areas under ROC curves.

    Raises:
        ConfigError: the config holds another word than True or False.
    """
    if args is not None and "auc_roc" in args.given:
        return args.auc_roc
    wanted = _test_section(config).get("auc_roc")
    if wanted not in (True, False, None):
        section = "test_config" if "auc_roc" in (config.section("test_config") or {}) else "test"
        raise ConfigError(f"{config.source.where(section, 'auc_roc')}: want True or False, got {wanted!r}")
    return bool(wanted)


def _test_section(config: Config) -> dict[str, Any]:
    """What ``test_config`` and, for the rest, ``test`` say."""
    return {**(config.section("test") or {}), **(config.section("test_config") or {})}
