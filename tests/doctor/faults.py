"""Ways to spoil a data set, each a small function of its folder; the kind of finding that it has to lead to."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import scenes
from PIL import Image

from segwright.images import default_palette, read_image, read_label, write_image, write_label_map


@dataclass(frozen=True)
class SpoiledBy:
    """A fault: what makes it, what finds it, whether ``--fix`` mends it, and words that training has for it."""

    spoil: Callable[[Path], None]
    kind: str
    fixed: bool
    num_classes: int
    words: str


FAULTS: list[SpoiledBy] = []


def fault(kind: str, *, fixed: bool = False, num_classes: int = 3, words: str = ""):
    def add(function: Callable[[Path], None]) -> Callable[[Path], None]:
        FAULTS.append(SpoiledBy(function, kind, fixed, num_classes, words))
        return function

    return add


def image(root: Path, number: int = 3) -> Path:
    return root / f"images/train_{number:02d}.png"


def label(root: Path, number: int = 3) -> Path:
    return root / f"labels/train_{number:02d}.png"


def change_label(path: Path, change: Callable[[np.ndarray], np.ndarray]) -> None:
    write_label_map(path, np.ascontiguousarray(change(read_label(path))), default_palette(3))


def change_labels(root: Path, change: Callable[[np.ndarray], np.ndarray]) -> None:
    for path in (root / "labels").iterdir():
        change_label(path, change)


def change_image(path: Path, change: Callable[[np.ndarray], np.ndarray]) -> None:
    write_image(path, np.ascontiguousarray(change(read_image(path))))


def change_config(root: Path, old: str, new: str) -> None:
    path = root / "toy.yml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def rename_in_lists(root: Path, old: str, new: str) -> None:
    for path in root.glob("*.txt"):
        path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")


def append(root: Path, line: str, split: str = "train") -> None:
    with (root / f"{split}.txt").open("a", encoding="utf-8") as file:
        file.write(f"{line}\n")


# Files


@fault("picture-damaged", fixed=True)
def truncated_picture(root):
    image(root).write_bytes(image(root).read_bytes()[:-400])


@fault("picture-damaged", fixed=True)
def empty_picture_file(root):
    image(root).write_bytes(b"")


@fault("picture-damaged", fixed=True)
def web_page_instead_of_a_picture(root):
    image(root).write_text("<!DOCTYPE html><html>404</html>")


@fault("label-damaged", fixed=True)
def truncated_label_map(root):
    label(root).write_bytes(label(root).read_bytes()[:-40])


@fault("picture-depth", fixed=True)
def sixteen_bits(root):
    deep = (read_image(image(root)).astype(np.uint16) << 8)[:, :, ::-1]
    cv2.imwrite(str(image(root)), deep)


@fault("picture-misnamed", fixed=True)
def jpeg_with_the_name_of_a_png(root):
    Image.fromarray(read_image(image(root))).save(image(root), "JPEG", quality=95)


@fault("picture-colours", fixed=True)
def cmyk(root):
    Image.fromarray(read_image(image(root))).convert("CMYK").save(root / "images/print.jpg", quality=95)
    rename_in_lists(root, "images/train_03.png", "images/print.jpg")


@fault("picture-colours")
def a_gray_picture_among_coloured_ones(root):
    Image.fromarray(read_image(image(root))).convert("L").save(image(root))


@fault("picture-blank")
def a_black_frame(root):
    change_image(image(root), np.zeros_like)


@fault("picture-orientation", fixed=True)
def picture_stored_on_its_side(root):
    exif = Image.Exif()
    exif[0x0112] = 6
    stored = np.rot90(read_image(image(root)))  # which orientation 6 turns back, clockwise
    Image.fromarray(np.ascontiguousarray(stored)).save(image(root), exif=exif)


# Label maps


@fault("label-nothing", fixed=True, num_classes=2, words="255 is ignore_index")
def masks_of_0_and_255(root):
    change_labels(root, lambda ids: np.where(ids == 1, 255, 0).astype(np.uint8))


@fault("label-ids", fixed=True, num_classes=2, words="save that class as 1")
def masks_of_0_and_128(root):
    change_labels(root, lambda ids: (ids * 128).astype(np.uint8))


@fault("label-ids", fixed=True, words="ids start at 1")
def ids_that_start_at_1(root):
    change_labels(root, lambda ids: ids + 1)


@fault("label-ids", fixed=True)
def an_id_beyond_num_classes(root):
    change_label(label(root), lambda ids: np.where(ids == 1, 7, ids))


@fault("label-colours", fixed=True, words="a picture of colours")
def masks_of_colours(root):
    palette = np.array(default_palette(3), np.uint8)
    for path in (root / "labels").iterdir():
        write_image(path, palette[read_label(path)])


@fault("label-lossy", fixed=True, num_classes=2, words="compressed with loss (JPEG)")
def jpeg_masks(root):
    for path in list((root / "labels").iterdir()):
        Image.fromarray((read_label(path) * 255).astype(np.uint8)).save(path.with_suffix(".jpg"), quality=90)
        path.unlink()
    for path in root.glob("*.txt"):
        lines = path.read_text().splitlines()
        path.write_text("".join(f"{line.removesuffix('.png')}.jpg\n" for line in lines))


@fault("pair-size", fixed=True, words="80x60")
def label_map_of_half_the_size(root):
    change_label(label(root), lambda ids: ids[::2, ::2])


@fault("pair-size", fixed=True, words="width and height are swapped")
def transposed_label_map(root):
    change_label(label(root), lambda ids: ids.T)


@fault("pair-size", fixed=True, words="EXIF orientation 6")
def label_map_drawn_on_the_picture_as_it_is_stored(root):
    picture_stored_on_its_side(root)
    change_label(label(root), np.rot90)


@fault("label-shifted")
def moved_label_map(root):
    change_label(label(root), lambda ids: np.roll(ids, (7, -9), axis=(0, 1)))


@fault("label-shifted")
def all_label_maps_moved(root):
    change_labels(root, lambda ids: np.roll(ids, 5, axis=1))


@fault("label-turned")
def mirrored_label_map(root):
    change_label(label(root), lambda ids: ids[:, ::-1])


@fault("label-turned", fixed=True)
def label_map_drawn_upside_down(root):
    exif = Image.Exif()
    exif[0x0112] = 3
    Image.fromarray(np.ascontiguousarray(read_image(image(root))[::-1, ::-1])).save(image(root), exif=exif)
    change_label(label(root), lambda ids: ids[::-1, ::-1])


@fault("label-ignored", fixed=True)
def label_map_ignored_everywhere(root):
    change_label(label(root), lambda ids: np.full_like(ids, 255))


@fault("label-empty")
def picture_that_nobody_labelled(root):
    change_label(label(root), np.zeros_like)


# Classes


@fault("class-absent-train")
def class_absent_in_training(root):
    for path in (root / "labels").glob("train_*"):
        change_label(path, lambda ids: np.where(ids == 2, 0, ids))


@fault("class-absent-val")
def class_absent_in_validation(root):
    for path in (root / "labels").glob("val_*"):
        change_label(path, lambda ids: np.where(ids == 2, 0, ids))


@fault("class-tiny")
def class_of_a_few_pixels(root):
    for path in (root / "labels").glob("train_*"):
        change_label(path, lambda ids: np.where((ids == 2) & (np.cumsum(ids == 2).reshape(ids.shape) > 5), 0, ids))


# Lists


@fault("picture-copies", fixed=True)
def copied_pair(root):
    shutil.copy(image(root), root / "images/again.png")
    shutil.copy(label(root), root / "labels/again.png")
    append(root, "images/again.png labels/again.png")


@fault("label-conflict", fixed=True)
def one_picture_with_two_label_maps(root):
    shutil.copy(image(root), root / "images/again.png")
    append(root, "images/again.png labels/train_05.png")


@fault("leak", fixed=True)
def validation_picture_that_is_trained_on(root):
    shutil.copy(image(root), root / "images/leak.png")
    append(root, "images/leak.png labels/train_03.png", "val")


@fault("leak-alike")
def edited_validation_picture_that_is_trained_on(root):
    brighter = np.clip(read_image(image(root)) * 1.05 + 4, 0, 255).astype(np.uint8)
    write_image(root / "images/leak.jpg", brighter)
    append(root, "images/leak.jpg labels/train_03.png", "val")


@fault("picture-unlisted")
def picture_in_no_list(root):
    write_image(root / "images/new.png", scenes.scene(99, 3)[0])


@fault("data", words="1 of 20 pictures")
def missing_file(root):
    image(root).unlink()


@fault("data", words="set separator: ' '")
def wrong_separator(root):
    change_config(root, "  num_classes: 3", "  separator: ','\n  num_classes: 3")


@fault("data", words="more than once")
def pair_listed_twice(root):
    append(root, "images/train_03.png labels/train_03.png")


# Sizes


@fault("size-outlier")
def thumbnail(root):
    for path in (image(root), label(root)):
        small = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)[::4, ::4]
        cv2.imwrite(str(path), small)
    write_label_map(label(root), scenes.scene(3, 3)[1][::4, ::4], default_palette(3))


@fault("aspect-outlier")
def panorama(root):
    change_image(image(root), lambda pixels: pixels[:45])
    change_label(label(root), lambda ids: ids[:45])


@fault("crop-padding")
def crop_larger_than_the_pictures(root):
    change_config(root, "crop_size: [128, 96]", "crop_size: [512, 512]")


@fault("size-swapped", words="are the two numbers swapped?")
def width_and_height_swapped(root):
    change_config(root, "crop_size: [128, 96]", "crop_size: [96, 128]")


@fault("size-unequal")
def pictures_of_several_sizes_without_a_crop(root):
    change_config(root, "    - {type: RandomPaddingCrop, crop_size: [128, 96]}\n", "")
    change_image(image(root), lambda pixels: pixels[:100])
    change_label(label(root), lambda ids: ids[:100])


# Configuration


@fault("normalize-off")
def mean_and_deviation_of_0_to_255(root):
    values = "mean: [123.7, 116.3, 103.5], std: [58.4, 57.1, 57.4]"
    change_config(root, "- type: Normalize", f"- {{type: Normalize, {values}}}")


@fault("normalize-differs")
def validation_normalised_differently(root):
    change_config(root, "- type: Normalize\nopt", "- {type: Normalize, mean: [0.3, 0.3, 0.3]}\nopt")


@fault("normalize-missing")
def no_normalize_in_training(root):
    change_config(root, "    - type: Normalize\nval", "val")


@fault("data", words="Normalize should be the last transform")
def normalize_not_last(root):
    flip, normalize = "- type: RandomHorizontalFlip", "- type: Normalize"
    change_config(root, f"{flip}\n    {normalize}", f"{normalize}\n    - type: RandomDistort")


@fault("config", words="object and background are num_classes: 2")
def one_class_for_object_and_background(root):
    change_config(root, "num_classes: 3", "num_classes: 1")


@fault("config", words="ToyNet trains 2 outputs")
def losses_that_are_too_many(root):
    change_config(root, "coef: [1, 1]", "coef: [1, 1, 1]")


@fault("config", words="decays over 80000 steps")
def schedule_of_other_length(root):
    change_config(root, "power: 0.9", "power: 0.9, decay_steps: 80000")


@fault("config", words="--is_slide needs --crop_size")
def sliding_window_without_crop_size(root):
    change_config(root, "model:", "test_config: {is_slide: true}\nmodel:")


@fault("config", words="the exported model will differ")
def export_that_normalises_differently(root):
    change_config(root, "model:", "export: {transforms: [{type: Normalize, mean: [0.1, 0.1, 0.1]}]}\nmodel:")


@fault("batch-too-large")
def batch_larger_than_the_data(root):
    change_config(root, "batch_size: 4", "batch_size: 64")


@fault("epochs-few")
def fewer_iterations_than_pictures(root):
    change_config(root, "iters: 100", "iters: 2")
