"""The files that a prediction leaves: for each picture, and one table and one COCO file for all of them."""

import csv
import io
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from torch import Tensor

from segwright import atomic
from segwright.convert.labelme_write import Polygon, label_polygons, labelme_file
from segwright.convert.outlines import Region, coco, coco_annotation, regions
from segwright.engine.answer import Answer, Colours, Look
from segwright.errors import ConfigError, DataError, suggest
from segwright.images import IMAGE_SUFFIXES, default_palette, join_maps, write_image, write_label_map
from segwright.types import Size

FOLDERS = {
    "label_map": "pseudo_color_prediction",
    "overlay": "added_prediction",
    "legend": "legend_prediction",
    "comparison": "comparison",
    "probabilities": "probabilities",
    "labelme": "labelme",
    "stack": "multilabel_prediction",
}
COCO_FILE, TABLE_FILE = "coco.json", "predictions.csv"
OUTPUTS = ("label_map", "overlay", "legend", "comparison", "probabilities", "labelme", "coco", "table")
DEFAULT_OUTPUTS = ("label_map", "overlay")

Record = dict[str, Any]
"""What is kept of a picture when its files are written: plain data, for the table, for COCO, and to go on later."""


class Places(NamedTuple):
    """Where the results of one picture go, below each output's folder.

    Attributes:
        picture: the picture's own path below its folder, ending in a picture format's suffix.
        png: the same ending in .png.
    """

    picture: Path
    png: Path

    @classmethod
    def of(cls, picture: Path, png: Path) -> "Places":
        """From the paths that ``images.output_paths`` gives."""
        if picture.suffix.lower() not in IMAGE_SUFFIXES:  # a name that does not tell the picture's format
            picture = picture.with_name(picture.name + ".png")
        return cls(picture, png)


class Results:
    """Writes what is asked for.

    Args:
        save_dir: gets a folder for each kind of output.
        outputs: some of ``OUTPUTS``.
        colours: those that are asked for.
        class_names: one for each class.
        multilabel: a pixel may have several classes, or none; label maps then come with the maps of all classes.
        num_auxiliary: classes left out, which stand for the absence of others.
        simplify: for polygons: how far, in pixels, an outline may be from the true one.
        truth: gives the true label map, (H, W) ids, of a picture, or None.

    Raises:
        ConfigError: an output that does not exist, or not with these arguments.
        OutputError: ``save_dir`` cannot be written to.
    """

    def __init__(
        self,
        save_dir: Path,
        outputs: Sequence[str] = DEFAULT_OUTPUTS,
        *,
        colours: Colours = Colours(),  # noqa: B008 - it cannot change
        class_names: Sequence[str] | None = None,
        multilabel: bool = False,
        num_auxiliary: int = 0,
        simplify: float = 0.0,
        truth: Callable[[Path], np.ndarray | None] | None = None,
    ) -> None:
        for name in outputs:
            if name not in OUTPUTS:
                raise ConfigError(f"outputs: there is no '{name}'; {suggest(name, OUTPUTS, list_all=True)}")
        if "comparison" in outputs:
            if multilabel:
                raise ConfigError("comparison shows one class a pixel; leave it out with multilabel data")
            if truth is None:
                raise ConfigError(
                    "comparison needs true label maps: name them in the second column of a list file, or predict "
                    "pictures of the config's val_dataset"
                )
        if simplify < 0:
            raise ConfigError(f"simplify is a distance in pixels, 0 or more, got {simplify:g}")
        self.save_dir, self.outputs = save_dir, tuple(dict.fromkeys(outputs))
        self.multilabel, self.num_auxiliary = multilabel, num_auxiliary
        self.asked, self._class_names = colours, class_names
        self._simplify, self._truth = simplify, truth
        self._look: Look | None = None
        for name in (*self.outputs, *(["stack"] if multilabel and "label_map" in self.outputs else [])):
            atomic.ensure_folder(save_dir / FOLDERS.get(name, ""))

    def settings(self) -> str:
        """Equal for objects that write equal files."""
        return repr((self.outputs, self.asked, self._class_names, self.multilabel, self._simplify))

    def answer(self, logits: Tensor) -> Answer:
        """What (1, C, H, W) logits say, with all that the outputs need.

        Raises:
            ConfigError: the model's classes are not those that were named.
        """
        answer = Answer.of(
            logits,
            multilabel=self.multilabel,
            num_auxiliary=self.num_auxiliary,
            probabilities="probabilities" in self.outputs,
            confidence="table" in self.outputs,
        )
        self.look(answer.num_classes)
        return answer

    def look(self, num_classes: int) -> Look:
        """Names and colours of so many classes.

        Raises:
            ConfigError: another number was named.
        """
        if self._look is None:
            names = self._class_names and self._class_names[self.num_auxiliary :]
            self._look = Look(num_classes, self.asked, names, multilabel=self.multilabel)
        return self._look

    def write(self, places: Places, source: Path, image: np.ndarray, answer: Answer) -> Record:
        """Write the files of one picture; threads may call it at once.

        Returns:
            ``files`` (the path of each output below ``save_dir``), ``width``, ``height`` and what ``finish`` needs.

        Raises:
            DataError: the true label map cannot be read or has another size; the other files are written.
            OSError: a file cannot be written.
        """
        size = Size.of(image)
        files: dict[str, str] = {}
        record: Record = {"width": size.width, "height": size.height, "num_classes": answer.num_classes, "files": files}
        if "table" in self.outputs:
            record |= {"confidence": answer.confidence, "shares": answer.shares()}
        if "coco" in self.outputs:
            record["annotations"] = [coco_annotation(region) for region in self._regions(answer)]
        for name, path, write in self._writers(places, source, image, answer):
            write(path)
            files[name] = path.relative_to(self.save_dir).as_posix()
        return record

    def _writers(
        self, places: Places, source: Path, image: np.ndarray, answer: Answer
    ) -> Iterator[tuple[str, Path, Callable[[Path], None]]]:
        """Name, place and writer of each file of a picture."""
        look = self.look(answer.num_classes)

        def below(name: str, place: Path) -> Path:
            return self.save_dir / FOLDERS[name] / place

        if "label_map" in self.outputs:
            path = below("label_map", places.png)
            yield "label_map", path, lambda path: write_label_map(path, answer.ids, look.id_palette)
            if (maps := answer.maps) is not None:
                stack = join_maps(maps)
                yield "stack", below("stack", places.png), lambda path: write_label_map(path, stack, default_palette(2))

        def drawn(draw: Callable[[np.ndarray, Answer], np.ndarray]) -> Callable[[Path], None]:
            return lambda path: write_image(path, draw(image, answer))

        drawings = {"overlay": (places.picture, look.overlay), "legend": (places.png, look.overlay_with_legend)}
        for name, (place, draw) in drawings.items():
            if name in self.outputs:
                yield name, below(name, place), drawn(draw)
        if (probs := answer.probabilities) is not None:
            path, names = below("probabilities", places.png.with_suffix(".npz")), np.array(look.names)
            yield "probabilities", path, lambda path: _write_arrays(path, probabilities=probs, class_names=names)
        if "labelme" in self.outputs:
            path = below("labelme", places.png.with_suffix(".json"))
            content = labelme_file(self._polygons(answer), source, path, Size.of(image))
            yield "labelme", path, lambda path: _write_compact(path, content)
        truth = self._truth(source) if "comparison" in self.outputs and self._truth else None
        if truth is not None:
            if truth.shape != answer.ids.shape:
                raise DataError(
                    f"the true label map of {source} has {Size.of(truth)} pixels, the picture {Size.of(image)}"
                )
            path = below("comparison", places.png)
            yield "comparison", path, lambda path: write_image(path, look.comparison(image, truth, answer))

    def finish(self, records: Sequence[Record]) -> list[Path]:
        """Write the files that hold all pictures; returns their paths.

        Args:
            records: those of ``write``, each with ``name``, the picture's path below its folder, and ``milliseconds``.
        """
        written: list[Path] = []
        if not {"coco", "table"} & set(self.outputs):
            return written
        names = self.look(records[0]["num_classes"]).names if records else ()
        if "coco" in self.outputs:
            pictures = [{**record, "file_name": record["name"]} for record in records]
            _write_compact(self.save_dir / COCO_FILE, coco(pictures, names))
            written.append(self.save_dir / COCO_FILE)
        if "table" in self.outputs:
            atomic.write_text(self.save_dir / TABLE_FILE, _table(records, names))
            written.append(self.save_dir / TABLE_FILE)
        return written

    def _polygons(self, answer: Answer) -> Iterator[Polygon]:
        """What labelme paints to get the label map; classes that may overlap are outlined one by one."""
        look = self.look(answer.num_classes)
        if answer.maps is not None:
            return ((look.names[region.class_id], region.outline) for region in self._regions(answer))
        hidden = [class_id for class_id in range(answer.num_classes) if look.is_background(class_id)]
        return label_polygons(answer.ids, look.names, hidden, self._simplify)

    def _regions(self, answer: Answer) -> list[Region]:
        """Of all classes that overlays show."""
        look = self.look(answer.num_classes)
        return [
            region
            for class_id, mask in answer.masks()
            if not look.is_background(class_id)
            for region in regions(mask, class_id, self._simplify)
        ]


def _write_compact(path: Path, content: object) -> None:
    """JSON on one line: only that is encoded fast."""
    atomic.write_text(path, json.dumps(content, ensure_ascii=False))


def _write_arrays(path: Path, **arrays: np.ndarray) -> None:
    content = io.BytesIO()
    np.savez(content, allow_pickle=False, **arrays)  # compressing hardly shrinks them, and takes longer than the model
    atomic.write_bytes(path, content.getvalue())


def _table(records: Sequence[Record], names: Sequence[str]) -> str:
    """CSV, a line for each picture: size, time of the model, confidence, and the share of each class."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["image", "width", "height", "milliseconds", "confidence", *names])
    for record in records:
        numbers = [f"{record['milliseconds']:.1f}", f"{record['confidence']:.4f}"]
        shares = [f"{share:.6f}" for share in record["shares"]]
        table.writerow([record["name"], record["width"], record["height"], *numbers, *shares])
    return text.getvalue()
