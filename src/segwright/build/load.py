"""From a file and a command line to a configuration in which every key is known to be right."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from segwright.build.class_weights import losses_to_check
from segwright.build.components import construct, resolve, spelled_out
from segwright.build.preprocessing import training_transforms
from segwright.build.reconcile import num_classes_of, reconcile
from segwright.config import LOSS_SECTIONS, Config, Source, apply_opts, check_structure, modernise, read_source
from segwright.errors import ConfigError
from segwright.losses.inputs import entries
from segwright.registry import DATASETS, LOSSES, MODELS, OPTIMIZERS, SCHEDULERS, TRANSFORMS, Registry
from segwright.transforms import AddEdgeLabel

log = logging.getLogger("segwright")

SECTIONS: dict[str, tuple[Registry, tuple[str, ...]]] = {
    "model": (MODELS, ()),  # first: with an unknown one, nothing else matters
    "train_dataset": (DATASETS, ()),
    "val_dataset": (DATASETS, ()),
    "optimizer": (OPTIMIZERS, ("model", "lr")),
    "lr_scheduler": (SCHEDULERS, ("optimizer",)),
}


def load_config(
    path: str | Path,
    opts: Sequence[str] = (),
    *,
    iters: int | None = None,
    batch_size: int | None = None,
    learning_rate: float | None = None,
    lr_devices: int | None = None,
    devices: int = 1,
) -> Config:
    """Read, merge, complete and check a configuration file.

    Args:
        path: YAML file; files that ``_base_`` names are merged under it.
        opts: changes as ``key.path=value``; they win over the file.
        iters: replaces the file's, as do the next two.
        batch_size: pictures a step and device.
        learning_rate: rate at the start of the schedule.
        lr_devices: devices that this rate was chosen for; fewer make batches, and steps, smaller in proportion. None:
            it is right as it is.
        devices: those that will train.

    Raises:
        ConfigError: names file, line, key path, what was found there and the nearest valid name.
    """
    source = read_source(Path(path))
    apply_opts(source, opts)
    modernise(source)
    for key, value in (("iters", iters), ("batch_size", batch_size)):
        if value is not None:
            source.data[key] = value
            source.places[(key,)] = f"--{key}"
    if learning_rate is not None:
        schedule = source.data.setdefault("lr_scheduler", {"type": "ConstantLR"})
        schedule["learning_rate"] = learning_rate
        source.places[("lr_scheduler", "learning_rate")] = "--learning_rate"
    check_structure(source)
    _set_modes(source)
    reconcile(source)
    _check_components(source)
    if lr_devices is not None and lr_devices != devices:
        _scale_learning_rate(source, lr_devices, devices)
    _warn(source)
    config = Config(source, Path(path))
    _check_outputs(config)
    return config


def _set_modes(source: Source) -> None:
    for key, mode in (("train_dataset", "train"), ("val_dataset", "val")):
        if source.data.get(key):
            source.data[key].setdefault("mode", mode)


def _check_components(source: Source) -> None:
    for key, (registry, later) in SECTIONS.items():
        block = source.data.get(key)
        if not block:
            continue
        if key == "lr_scheduler" and "decay_steps" not in block:
            later = (*later, "decay_steps")
        if key == "model" and "num_classes" not in block:
            later = ("num_classes",)
            if _known_classes(source) is None:
                raise ConfigError(f"{source.where(key)}: num_classes is stated neither here nor by a data set")
        resolve(registry, block, lambda *path, key=key: source.where(key, *path), given_later=later)
    for section in LOSS_SECTIONS:
        for index, block in enumerate(losses_to_check(source, section)):
            place = (section, "types", index)
            # Built, as they cost nothing: what only a constructor can tell is told before any picture is read.
            loss = construct(LOSSES, block, lambda *path, place=place: source.where(*place, *path))
            if section == "loss":
                _check_entries(source, loss, source.where(*place))
    for index, block in enumerate((source.data.get("export") or {}).get("transforms") or []):
        resolve(TRANSFORMS, block, lambda *path, index=index: source.where("export", "transforms", index, *path))


def _check_entries(source: Source, loss: nn.Module, where: str) -> None:
    """Fail if a loss takes an entry of the batch that the training data will not hold."""
    dataset = source.data.get("train_dataset")
    if not dataset:
        return
    for name in entries(loss):
        if name == "edge" and not _makes_edge(dataset):
            raise ConfigError(
                f"{where} takes the boundary map, which {source.where('train_dataset')} does not make; "
                "add edge: True to the data set, or AddEdgeLabel to its transforms"
            )
        if name not in ("label", "edge"):
            raise ConfigError(f"{where} takes {name}, which no data set makes; remove this loss")


def _makes_edge(dataset: dict[str, Any]) -> bool:
    transforms = (TRANSFORMS[block["type"]] for block in training_transforms(dataset))
    return bool(dataset.get("edge")) or AddEdgeLabel in transforms


def _scale_learning_rate(source: Source, chosen_for: int, devices: int) -> None:
    """Linear scaling (Goyal et al., 2017, https://arxiv.org/abs/1706.02677): the rate is in proportion to the batch."""
    schedule = source.data.get("lr_scheduler") or {}
    names = SCHEDULERS[schedule["type"]].rate_arguments if schedule else ()  # type: ignore[attr-defined]
    chosen = {name: schedule[name] for name in names if name in schedule}
    if not chosen:
        raise ConfigError(
            f"{source.where('lr_scheduler')}: has no learning_rate to scale from {chosen_for} to {devices} devices"
        )
    for name, rate in chosen.items():
        rates = [float(each) * devices / chosen_for for each in (rate if isinstance(rate, list) else [rate])]
        schedule[name] = rates if isinstance(rate, list) else rates[0]
        present = "this one" if devices == 1 else f"these {devices}"
        log.info("Learning rate %s was chosen for %d devices: %s for %s", rate, chosen_for, schedule[name], present)


def _known_classes(source: Source) -> int | None:
    return num_classes_of(source.data.get("train_dataset")) or num_classes_of(source.data.get("val_dataset"))


def _check_outputs(config: Config) -> None:
    """Fail unless there is one loss for each of the model's training outputs."""
    model, loss = config.section("model"), config.section("loss")
    if not model or not loss:
        return
    names = getattr(MODELS[model["type"]], "output_names", None)
    if not isinstance(names, tuple):
        names = _output_names(config)
    if names is not None and len(loss["coef"]) != len(names):
        raise ConfigError(
            f"{config.source.where('loss', 'coef')} has {len(loss['coef'])} entries, but {model['type']} trains "
            f"{len(names)} outputs: {', '.join(names)}"
        )


def _output_names(config: Config) -> tuple[str, ...] | None:
    """Training outputs of a model that depend on its arguments, from one without memory for its weights."""
    try:
        with torch.device("meta"):
            model = construct(MODELS, model_block(config), lambda *path: config.source.where("model", *path))
    except (NotImplementedError, RuntimeError):  # it computes with its weights; training checks it when it is built
        return None
    return getattr(model, "output_names", None)


def _warn(source: Source) -> None:
    schedule, iters = source.data.get("lr_scheduler") or {}, source.data.get("iters")
    steps = schedule.get("decay_steps")
    if steps and iters and steps + schedule.get("warmup_iters", 0) != iters:
        log.warning(
            "%s: the learning rate decays over %d steps, but training takes %d; leave decay_steps out to follow iters",
            source.where("lr_scheduler", "decay_steps"),
            steps,
            iters,
        )
    if source.data.get("distill_loss"):
        log.warning(
            "%s: there is no training with a teacher; the model learns from 'loss' alone", source.where("distill_loss")
        )
    if source.data.get("to_static_training"):
        log.warning("%s: has no counterpart in PyTorch and changes nothing here", source.where("to_static_training"))


def model_block(config: Config) -> dict[str, Any]:
    """The ``model:`` section, with the number of classes that a named data set implies."""
    block = config.section("model") or {}
    known = _known_classes(config.source)
    if "num_classes" not in block and known is not None:
        block["num_classes"] = known
    return block


def complete(config: Config) -> dict[str, Any]:
    """The configuration with every default of every component spelled out."""
    data = {"batch_size": config.batch_size, "iters": config.iters, **config.to_dict()}
    for key, (registry, _) in SECTIONS.items():
        if data.get(key):
            block = model_block(config) if key == "model" else data[key]
            data[key] = spelled_out(registry, block)
    for section in LOSS_SECTIONS:
        if data.get(section):
            data[section]["types"] = [spelled_out(LOSSES, block) for block in data[section]["types"]]
    return data
