"""Older spellings of PaddleSeg's configuration files, turned into today's."""

from typing import Any

from segwright.config.source import Source
from segwright.errors import ConfigError, suggest

_DECAYS = {"poly": "PolynomialDecay", "piecewise": "PiecewiseDecay", "stepdecay": "StepDecay"}


def modernise(source: Source) -> None:
    """Rewrite, in place, what files of 2020 and 2021 spell in another way.

    ``learning_rate: {value, decay: {type: poly, power, end_lr}}`` becomes ``lr_scheduler``, and a number alone a
    constant rate; ``export_config`` becomes ``export``.

    Raises:
        ConfigError: both spellings of one thing are given, or the older one is not of this form.
    """
    _rename(source, "export_config", "export")
    old = source.data.get("learning_rate")
    if old is None:
        source.data.pop("learning_rate", None)
        return
    if source.data.get("lr_scheduler") is not None:
        raise ConfigError(
            f"{source.where('learning_rate')} and {source.where('lr_scheduler')} both set the learning rate; "
            "keep lr_scheduler and remove learning_rate (or set 'learning_rate: null' if it comes from a base file)"
        )
    del source.data["learning_rate"]
    source.data["lr_scheduler"] = _schedule(old, source)
    source.places[("lr_scheduler",)] = source.places.get(("learning_rate",), source.name)


def _schedule(old: Any, source: Source) -> dict[str, Any]:
    if isinstance(old, int | float):
        return {"type": "ConstantLR", "learning_rate": old}
    decay = (old.get("decay") or {}) if isinstance(old, dict) else None
    if not isinstance(decay, dict) or "value" not in old or not set(old) <= {"value", "decay"}:
        raise ConfigError(
            f"{source.where('learning_rate')}: want a number or {{value: 0.01, decay: {{type: poly}}}}, got {old!r}"
        )
    kind = decay.get("type", "poly")
    if kind not in _DECAYS:
        where = source.where("learning_rate", "decay", "type")
        raise ConfigError(f"{where}: unknown decay '{kind}'; {suggest(str(kind), _DECAYS)}")
    rate = "values" if kind == "piecewise" else "learning_rate"
    defaults = {"power": 0.9, "end_lr": 0} if kind == "poly" else {}
    return {rate: old["value"], **defaults, **decay, "type": _DECAYS[kind]}


def _rename(source: Source, old: str, new: str) -> None:
    if old not in source.data:
        return
    if new in source.data:
        raise ConfigError(f"{source.where(old)} and {source.where(new)} are the same thing; keep {new}")
    source.data[new] = source.data.pop(old)
    for known in [place for place in source.places if place[:1] == (old,)]:
        renamed = (new, *known[1:])
        source.places[renamed] = source.places.pop(known)
