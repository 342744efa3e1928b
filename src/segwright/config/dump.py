"""A configuration as YAML."""

from collections.abc import Mapping
from typing import Any

import yaml


def to_yaml(data: Mapping[str, Any]) -> str:
    """Plain data as YAML, keys in their order, short lists on one line."""
    return yaml.safe_dump(dict(data), sort_keys=False, allow_unicode=True, default_flow_style=None)
