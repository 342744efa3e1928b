"""From what a file of weights holds to named arrays."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from segwright.errors import WeightsError

WRAPPERS = ("state_dict", "model_state_dict", "model", "net")  # where training scripts put the state dict
PREFIXES = ("module.", "_orig_mod.")  # what DataParallel and torch.compile put before every name


def named_arrays(tree: object, as_array: Callable[[Any], np.ndarray | None], where: Path) -> dict[str, np.ndarray]:
    """The state dict in ``tree``, without the usual wrappings.

    Args:
        tree: what the file holds.
        as_array: array of a value, or None for values that are no numbers; these are left out.
        where: path of the file, for messages.

    Raises:
        WeightsError: there is no array.
    """
    for _ in WRAPPERS:  # bounded, because a dictionary may hold itself
        if isinstance(tree, Mapping):
            tree = next((tree[key] for key in WRAPPERS if isinstance(tree.get(key), Mapping)), tree)
    entries = tree if isinstance(tree, Mapping) else {}
    found = {str(name): as_array(value) for name, value in entries.items()}
    arrays = {name: array for name, array in found.items() if array is not None}
    if not arrays:
        raise WeightsError(f"{where} holds no named arrays, so it is no file of weights (a state dict)")
    for prefix in PREFIXES * 2:  # in either order
        if all(name.startswith(prefix) for name in arrays):
            arrays = {name.removeprefix(prefix): array for name, array in arrays.items()}
    return arrays
