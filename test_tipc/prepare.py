"""Put the data of a chain in place: ``python -m test_tipc.prepare FILE MODE``."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from segwright import atomic
from segwright.config import read_source
from segwright.errors import DataError, SegwrightError
from segwright.images import list_images
from test_tipc.commands import translate
from test_tipc.drawn import MARK, NUM_VAL, can_draw, draw
from test_tipc.params import Param, ParamsError, read_params
from test_tipc.step import Params
from test_tipc.training import trainer_lines, trainers

FOLDER = "TIPC_DATA"  # environment variable with the folder of a data set


def prepare(params: Params, mode: str) -> None:
    """Draw data, or use those that are there, and list pictures to infer.

    Raises:
        ParamsError: a line makes no sense.
        ConfigError: the chain's configuration cannot be read.
        DataError: the mode wants real data or weights that are not there.
    """
    block = _val_block(params, mode)
    root = Path(block["dataset_root"])
    _place(block, root, real=mode.startswith("whole_"))
    line = params["image_path" if mode == "whole_infer" else "train_infer_img_dir"]
    _list_pictures(block, root, line)
    if mode == "whole_infer":
        missing = [model for model in params["infer_model"].choices if not _is_there(Path(model))]
        if missing:
            raise DataError(
                f"{params['infer_model'].place}: whole_infer wants trained weights or an exported model: put them at "
                f"{missing[0]}"
            )


def _is_there(model: Path) -> bool:
    return model.exists() or model.with_suffix(".safetensors").is_file()  # which export takes, too


def _val_block(params: Params, mode: str) -> dict[str, Any]:
    """``val_dataset`` of the configuration that the mode's first command names."""
    exports = params["infer_export"]
    if mode == "whole_infer" and exports.choices:
        line, command = exports, "export"
    elif mode == "whole_infer":
        line, command = params["norm_train"], "train"
    else:
        line, command = trainer_lines(params, trainers(params)[0])[0], "train"
    words = translate(Param(line.key, line.choices[0], line.place), command)
    if "--config" not in words[:-1]:
        raise ParamsError(f"{line.place}: no --config FILE in '{line.value}'")
    config = Path(words[words.index("--config") + 1])
    block = read_source(config).data.get("val_dataset") or {}
    if "dataset_root" not in block or "type" not in block:
        raise ParamsError(f"{config}: val_dataset has no type or no dataset_root, so that nothing can be put there")
    return block


def _place(block: dict[str, Any], root: Path, *, real: bool) -> None:
    """Have data at ``root``: linked to those of ``TIPC_DATA``, as they are, or drawn."""
    given = os.environ.get(FOLDER)
    drawn = (root / MARK).is_file()
    if given and (drawn or root.is_symlink() or not root.exists()):
        if not Path(given).is_dir():
            raise DataError(f"{FOLDER} is {given}, which is no folder")
        if root.is_symlink():
            root.unlink()
        elif drawn:
            atomic.remove_folder(root)
        root.parent.mkdir(parents=True, exist_ok=True)
        root.symlink_to(Path(given).absolute(), target_is_directory=True)
        print(f"{root} is a link to {given}")
    elif root.exists() and not (real and drawn):
        print(f"{root} is used as it is" + (", with drawn pictures" if drawn else ""))
    elif real or not can_draw(block):
        why = "whole modes want real data" if real else f"nothing can be drawn for this {block['type']}"
        raise DataError(f"{why}: put {block['type']} at {root}, or name its folder: {FOLDER}=DIR")
    else:
        draw(block, root)
        print(f"{root} holds drawn pictures; name a folder of real ones with {FOLDER}=DIR")


def _list_pictures(block: dict[str, Any], root: Path, line: Param) -> None:
    """Write the list of pictures that the chain infers, where there is none: the first few for validation."""
    path = Path(line.value)
    if path.exists():
        return
    if path.suffix not in (".txt", ".list"):
        raise ParamsError(f"{line.place}: {path} does not exist; want pictures, or a .txt or .list to be written")
    places = (root / "leftImg8bit/val", root / block.get("val_path", "val_list.txt"))
    pictures = list_images(next((place for place in places if place.exists()), root))[:NUM_VAL]
    atomic.write_text(path, "".join(f"{os.path.relpath(picture, path.parent)}\n" for picture in pictures))
    print(f"{path} lists {len(pictures)} pictures")


def main(arguments: Sequence[str]) -> int:
    """Prepare.

    Returns:
        0; 2 if something is missing, which is said on stderr.
    """
    try:
        if len(arguments) != 2:
            raise ParamsError("want two arguments: FILE MODE")
        prepare(read_params(Path(arguments[0]), arguments[1]), arguments[1])
    except SegwrightError as error:
        print(f"test_tipc: error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
