"""The parameter file of a test chain, in the format of PaddleSeg's ``train_infer_python.txt``.

::

    ===========================train_params===========================
    model_name:psanet
    --iters:lite_train_lite_infer=4|whole_train_whole_infer=1000
    ##

A line's place decides what it means. Where the part before the colon is a flag, it is the flag that gets the value;
``null`` stands for nothing. ``|`` separates alternatives that are all run, or values of which each mode takes its own.
"""

from dataclasses import dataclass
from pathlib import Path

from segwright.errors import SegwrightError, suggest

TRAIN_MODES = ("lite_train_lite_infer", "lite_train_whole_infer", "whole_train_whole_infer")
MODES = (*TRAIN_MODES, "whole_infer", "benchmark_train")

ANY: tuple[str, ...] = ()  # the key is free
# Each section's lines in their order: what the chain calls a line, and the keys it may have.
LAYOUT: dict[str, dict[str, tuple[str, ...]]] = {
    "train_params": {
        "model_name": ("model_name",),
        "python": ("python",),
        "gpu_list": ("gpu_list",),
        "use_gpu": ("Global.use_gpu", "null"),
        "precision": ("--precision", "Global.auto_cast", "null"),
        "iters": ("--iters",),
        "save_dir": ("--save_dir",),
        "batch_size": ("--batch_size",),
        "pretrained": ("--model_path", "null"),
        "train_model_name": ("train_model_name",),
        "train_infer_img_dir": ("train_infer_img_dir",),
        "train_extra": ANY,
        "trainer": ("trainer",),
        "norm_train": ("norm_train",),
        "pact_train": ("pact_train",),
        "fpgm_train": ("fpgm_train",),
        "distill_train": ("distill_train",),
        "own_train_1": ANY,
        "own_train_2": ANY,
    },
    "eval_params": {"eval": ("eval",), "eval_extra": ANY},
    "export_params": {
        "export_save_dir": ("--save_dir",),
        "export_model_path": ("--model_path",),
        "norm_export": ("norm_export",),
        "pact_export": ("quant_export", "pact_export"),
        "fpgm_export": ("fpgm_export",),
        "distill_export": ("distill_export",),
        "own_export_1": ("export1",),
        "own_export_2": ("export2",),
    },
    "infer_params": {
        "infer_model": ("infer_model",),
        "infer_export": ("infer_export",),
        "infer_quant": ("infer_quant",),
        "inference": ("inference",),
        "device": ("--device",),
        "enable_mkldnn": ("--enable_mkldnn",),
        "cpu_threads": ("--cpu_threads",),
        "infer_batch_size": ("--batch_size",),
        "use_trt": ("--use_trt",),
        "infer_precision": ("--precision",),
        "config": ("--config",),
        "image_path": ("--image_path",),
        "save_log_path": ("--save_log_path", "null"),
        "benchmark": ("--benchmark",),
        "infer_save_dir": ("--save_dir",),
        "infer_extra": ANY,
    },
    "train_benchmark_params": {
        "benchmark_batch_size": ("batch_size",),
        "fp_items": ("fp_items",),
        "benchmark_iters": ("epoch",),
        "profiler_options": ("--profiler_options",),
        "flags": ("flags",),
        "benchmark_extra": ("log_iters", "skip_iters", "repeats", "null"),
    },
    "infer_benchmark_params": {"random_infer_input": ("random_infer_input",)},
}
OPTIONAL = ("train_benchmark_params", "infer_benchmark_params")
OPTIONAL_LINES = ("benchmark_extra",)


class ParamsError(SegwrightError):
    """A parameter file of the test chain cannot be understood."""


@dataclass(frozen=True)
class Param:
    """One line.

    Attributes:
        key: before the first colon.
        value: behind it; empty for ``null``.
        place: ``file:line``.
    """

    key: str
    value: str
    place: str

    @property
    def choices(self) -> list[str]:
        """The alternatives, all of which are run."""
        return [choice.strip() for choice in self.value.split("|")] if self.value else []

    def for_mode(self, mode: str) -> "Param":
        """The line with the value that a mode takes, where its alternatives are ``mode=value``; else as it is."""
        named = dict(choice.split("=", 1) for choice in self.choices if choice.split("=", 1)[0] in MODES)
        if not named:
            return self
        if len(named) != len(self.choices):
            raise ParamsError(f"{self.place}: '{self.value}' names a mode for some of its values only")
        return Param(self.key, named.get(mode, ""), self.place)

    def flag(self) -> list[str]:
        """``--key=value`` for a command; nothing where there is no value.

        Raises:
            ParamsError: there is a value, and the key is not a flag.
        """
        if not self.value or self.key == "null":
            return []
        if not self.key.startswith("--"):
            raise ParamsError(f"{self.place}: '{self.key}' gets '{self.value}', but it is no flag; want --NAME:VALUE")
        return [f"{self.key}={self.value}"]


def read_params(path: Path, mode: str) -> dict[str, Param]:
    """The lines of a parameter file by their names in ``LAYOUT``, with the values that ``mode`` takes.

    Raises:
        ParamsError: there is no such mode or file; a section or line is missing, unknown, or not in its place.
    """
    if mode not in MODES:
        raise ParamsError(f"mode '{mode}': {suggest(mode, MODES, list_all=True)}")
    params = {}
    sections = _sections(path)
    for section, layout in LAYOUT.items():
        if section not in sections and section in OPTIONAL:
            continue
        if section not in sections:
            raise ParamsError(f"{path} has no section {section}; want a line ====={section}=====")
        params.update(_named(section, sections[section], layout))
    return {name: param.for_mode(mode) for name, param in params.items()}


def _named(section: str, lines: list[Param], layout: dict[str, tuple[str, ...]]) -> dict[str, Param]:
    head, *lines = lines
    names = [name for name in layout if name not in OPTIONAL_LINES or len(lines) == len(layout)]
    for name, line in zip(names, lines):  # noqa: B905, a wrong line says more than a wrong number of them
        keys = layout[name]
        if keys and line.key not in keys:
            raise ParamsError(f"{line.place}: found '{line.key}', where {section} wants '{' or '.join(keys)}:...'")
    if len(lines) < len(names):
        missing = names[len(lines)]
        raise ParamsError(f"{head.place}: {section} ends before its line '{' or '.join(layout[missing]) or missing}:'")
    if len(lines) > len(names):
        raise ParamsError(f"{lines[len(names)].place}: '{lines[len(names)].key}' is one line too many for {section}")
    return dict(zip(names, lines, strict=True))


def _sections(path: Path) -> dict[str, list[Param]]:
    """Lines by section; the first of each is its ruler, and ``##`` only pleases the eye."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ParamsError(f"{path} cannot be read ({error}); want a parameter file of a test chain") from error
    sections: dict[str, list[Param]] = {}
    lines: list[Param] | None = None
    for number, raw in enumerate(text.splitlines(), start=1):
        line, place = raw.strip(), f"{path}:{number}"
        if line.startswith("==="):
            name = line.strip("=").strip()
            if name not in LAYOUT:
                raise ParamsError(f"{place}: section '{name}': {suggest(name, LAYOUT, list_all=True)}")
            if name in sections:
                raise ParamsError(f"{place}: section {name} is there twice")
            lines = sections[name] = [Param(name, "", place)]
        elif line and line != "##":
            if lines is None:
                raise ParamsError(f"{place}: '{line}' stands before the first section; want =====train_params=====")
            key, colon, value = line.partition(":")
            if not colon:
                raise ParamsError(f"{place}: '{line}' is not KEY:VALUE")
            value = _unquoted(value.strip())
            lines.append(Param(key.strip(), "" if value == "null" else value, place))
    return sections


def _unquoted(value: str) -> str:
    """Without the quotes that some values have for the shell."""
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
    return value[1:-1] if quoted else value
