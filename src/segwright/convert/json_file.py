"""JSON files of other programs."""

import json
from pathlib import Path
from typing import Any

from segwright.errors import DataError


def read_json(path: Path) -> Any:
    """What a file holds; whether that is what it should be, the caller sees.

    Raises:
        DataError: it cannot be read, or is no JSON.
    """
    try:
        return json.loads(path.read_bytes())
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} is no JSON ({error}); fetch it, or save it, again") from error
