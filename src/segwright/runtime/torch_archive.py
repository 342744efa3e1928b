"""What a ``.pt2`` archive may hold: arrays and descriptions. PyTorch would execute pickles in it as it loads them."""

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from segwright.errors import ExportError

RAW = ("weight_", "tensor_")  # beginnings of files whose bytes are an array's


def refuse_pickles(path: Path) -> None:
    """Look through an archive before PyTorch opens it.

    Raises:
        ExportError: it is damaged, or holds something that only unpickling brings back.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            pickled = "names a file twice" if len(set(names)) < len(names) else next(_pickled(archive), "")
    except (zipfile.BadZipFile, OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ExportError(f"{path} is no archive of torch.export, or damaged: {error}") from error
    if pickled:
        raise ExportError(
            f"{path} {pickled}, which could run any code as it is loaded: only arrays are read from files; export "
            "again with segwright"
        )


def _pickled(archive: zipfile.ZipFile) -> Iterator[str]:
    """What in the archive would be unpickled."""
    for name in archive.namelist():
        folder, file = PurePosixPath(name).parent.name, PurePosixPath(name).name
        if folder == "sample_inputs":
            if archive.getinfo(name).file_size and not _holds_arrays(archive.read(name)):
                yield f"holds an example input that is no array ({name})"
        elif file.endswith("_config.json"):
            for key, entry in json.loads(archive.read(name))["config"].items():
                if entry["use_pickle"] or not str(entry["path_name"]).startswith(RAW):
                    yield f"holds a pickled object ({key} in {name})"
        elif file.endswith((".pt", ".pkl")):
            yield f"holds a pickled file ({name})"


def _holds_arrays(content: bytes) -> bool:
    """Whether PyTorch's restricted unpickler, which builds nothing but tensors and containers, reads it."""
    import torch

    try:
        torch.load(io.BytesIO(content), weights_only=True)
    except Exception:  # whatever it met: this file is not what segwright writes
        return False
    return True
