"""What a configuration file may hold, before any component is looked at."""

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from segwright.config.source import Source
from segwright.errors import ConfigError, suggest

COMPONENTS = ("train_dataset", "val_dataset", "optimizer", "lr_scheduler", "model")
NUMBERS = ("batch_size", "iters")
LOSS_SECTIONS = ("loss", "distill_loss")
OTHERS = ("test_config", "export", "to_static_training")
INFERENCE = (
    "aug_eval",
    "scales",
    "flip_horizontal",
    "flip_vertical",
    "is_slide",
    "crop_size",
    "stride",
    "blend",
    "batch_pixels",
)
RUNTIME = {  # sections in which newer files of PaddleSeg keep the flags of its commands, and what they may hold
    "global": ("data_format", "device", "num_workers"),
    "train": (
        "save_dir",
        "do_eval",
        "resume_model",
        "save_interval",
        "log_iters",
        "keep_checkpoint_max",
        "early_stop_intervals",
        "seed",
        "precision",
        "amp_level",
        "repeats",
        "use_vdl",
        "use_ema",
        "profiler_options",
    ),
    "test": (*INFERENCE, "auc_roc"),
}


@dataclass(frozen=True)
class Config:
    """A merged and checked configuration. Sections are plain data; ``to_dict`` gives a copy that may be changed."""

    source: Source
    path: Path | None = None

    @property
    def batch_size(self) -> int:
        """Pictures a step and device; 1 where the file says nothing."""
        return self.source.data.get("batch_size", 1)

    @property
    def iters(self) -> int:
        """Training steps; 1000 where the file says nothing."""
        return self.source.data.get("iters", 1000)

    def section(self, name: str) -> dict[str, Any] | None:
        """A copy of a top-level mapping, or None where the file has none."""
        return copy.deepcopy(self.source.data.get(name))

    def require(self, *names: str, purpose: str) -> None:
        """Fail unless the file has all these sections; ``purpose`` says what for, as in "to train"."""
        missing = [name for name in names if not self.source.data.get(name)]
        if missing:
            are = "is" if len(missing) == 1 else "are"
            raise ConfigError(f"{self.source.name} has no {', '.join(missing)}, which {are} needed {purpose}")

    def to_dict(self) -> dict[str, Any]:
        """The merged configuration as plain data."""
        return copy.deepcopy(self.source.data)


def check_structure(source: Source) -> None:
    """Check the top level: known keys, whole numbers where counts are wanted, mappings with a ``type``.

    Raises:
        ConfigError: names file, line and key, and the nearest valid key.
    """
    data = source.data
    known = (*COMPONENTS, *NUMBERS, *LOSS_SECTIONS, *OTHERS, *RUNTIME)
    for key in data:
        if key not in known:
            raise ConfigError(f"{source.where(key)}: unknown key; {suggest(key, known)}")
    for key in NUMBERS:
        value = data.get(key)
        if key in data and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
            raise ConfigError(f"{source.where(key)}: want a whole number of at least 1, got {value!r}")
    for key in COMPONENTS:
        if data.get(key) is not None:
            check_block(data[key], source, key)
    for key in LOSS_SECTIONS:
        _check_losses(source, key)
    _check_mappings(source)


def _check_mappings(source: Source) -> None:
    allowed: dict[str, tuple[str, ...]] = {**RUNTIME, "test_config": RUNTIME["test"], "export": ("transforms",)}
    for name, keys in allowed.items():
        mapping = source.data.get(name)
        if mapping is not None and not isinstance(mapping, dict):
            raise ConfigError(f"{source.where(name)}: want a mapping, got {mapping!r}")
        for key in mapping or ():
            if key not in keys:
                raise ConfigError(f"{source.where(name, key)}: unknown key; {suggest(key, keys)}")


def check_block(block: object, source: Source, *path: str | int) -> None:
    """Fail unless ``block`` is a mapping with a ``type``: a component."""
    if not isinstance(block, dict):
        raise ConfigError(f"{source.where(*path)}: want a mapping with a 'type', got {block!r}")
    if not isinstance(block.get("type"), str):
        raise ConfigError(f"{source.where(*path)}: 'type' is missing; it names the class to use")


def _check_losses(source: Source, key: str) -> None:
    loss = source.data.get(key)
    if loss is None:
        return
    if not isinstance(loss, dict) or set(loss) != {"types", "coef"}:
        raise ConfigError(f"{source.where(key)}: want 'types' (a list of losses) and 'coef' (a list of factors)")
    types, coef = loss["types"], loss["coef"]
    if not isinstance(types, list) or not types:
        raise ConfigError(f"{source.where(key, 'types')}: want a list of losses, got {types!r}")
    if not isinstance(coef, list) or any(isinstance(c, bool) or not isinstance(c, int | float) for c in coef):
        raise ConfigError(f"{source.where(key, 'coef')}: want a list of numbers, got {coef!r}")
    for index, block in enumerate(types):
        check_block(block, source, key, "types", index)
    if len(types) not in (1, len(coef)):
        raise ConfigError(
            f"{source.where(key)}: {len(types)} types but {len(coef)} coef; "
            "give one type for all outputs, or one for each"
        )
