"""From what a user writes (a path, a folder, a URL) to the file of weights."""

import logging
from difflib import get_close_matches
from pathlib import Path

from segwright.errors import WeightsError
from segwright.weights.download import download

logger = logging.getLogger("segwright")

NAMES = ("model.safetensors", "model.pdparams", "model.pth")  # in a folder of weights, the first that is there


def find_weights(path: str | Path) -> Path:
    """The file that ``path`` means.

    Args:
        path: a file, which may be an archive; a folder that holds ``model.safetensors``, ``model.pdparams`` or
            ``model.pth``; or an http(s) URL, which is downloaded once. Where ``model.pdparams`` is asked for but only
            ``model.safetensors`` is there, as after training with segwright, it is taken.

    Raises:
        WeightsError: there is no such file.
    """
    if str(path).startswith(("http://", "https://")):
        return download(str(path))
    path = Path(path).expanduser()
    if path.is_file():
        return path
    if path.is_dir():
        return _in_folder(path)
    ours = path.with_suffix(".safetensors")
    if path.suffix and ours.is_file():
        logger.warning("%s does not exist; taking %s beside it", path, ours.name)
        return ours
    asked, folder = path, path.parent
    while not folder.is_dir():
        path, folder = folder, folder.parent
    there = [entry.name for entry in folder.iterdir()]
    nearest = ", ".join(get_close_matches(path.name, there, n=3, cutoff=0.4)) or "nothing of a similar name"
    raise WeightsError(f"no weights at {asked}: {folder.absolute()} has no {path.name!r}; in it: {nearest}")


def _in_folder(folder: Path) -> Path:
    for name in NAMES:
        if (folder / name).is_file():
            return folder / name
    there = ", ".join(sorted(entry.name for entry in folder.iterdir())) or "nothing"
    raise WeightsError(f"the folder {folder} holds none of {', '.join(NAMES)}; in it: {there}; give the file itself")
