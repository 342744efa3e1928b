"""YAML in, one checked description of an experiment out. No torch, no knowledge of any component."""

from segwright.config.dump import to_yaml
from segwright.config.overrides import apply_opts
from segwright.config.schema import LOSS_SECTIONS, Config, check_structure
from segwright.config.signature import check_arguments, fill_defaults
from segwright.config.source import Source, read_source
from segwright.config.spelling import modernise

__all__ = [
    "LOSS_SECTIONS",
    "Config",
    "Source",
    "apply_opts",
    "check_arguments",
    "check_structure",
    "fill_defaults",
    "modernise",
    "read_source",
    "to_yaml",
]
