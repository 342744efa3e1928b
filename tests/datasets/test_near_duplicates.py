"""Pictures that show the same are found however they were saved; others are not."""

import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from segwright.datasets.near_duplicates import (
    BITS,
    THRESHOLD,
    hash_table,
    near_pairs,
    near_pairs_within,
    picture_hash,
)
from segwright.errors import DataError


def scene(seed: int) -> np.ndarray:
    """Smooth blobs of colour, (240, 320, 3) uint8."""
    coarse = np.random.default_rng(seed).integers(0, 256, (9, 12, 3), np.uint8)
    return cv2.resize(coarse, (320, 240), interpolation=cv2.INTER_CUBIC)


def distance(first: Path, second: Path) -> int:
    (pair,) = near_pairs(*(hash_table([picture_hash(path)]) for path in (first, second)), BITS)
    return pair.distance


EDITS = {
    "compressed": lambda image: image,
    "half": lambda image: image[::2, ::2],
    "brighter": lambda image: np.clip(image * 1.15 + 8, 0, 255).astype(np.uint8),
    "noisy": lambda image: np.clip(image + np.random.default_rng(0).normal(0, 8, image.shape), 0, 255).astype(np.uint8),
    "gray": lambda image: cv2.cvtColor(image, cv2.COLOR_RGB2GRAY),
}


@pytest.mark.parametrize("edit", EDITS)
def test_edited_copies_are_near_and_others_far(tmp_path, edit):
    originals, copies = [], []
    for seed in range(6):
        Image.fromarray(scene(seed)).save(tmp_path / f"{seed}.png")
        Image.fromarray(EDITS[edit](scene(seed))).save(tmp_path / f"copy{seed}.jpg", quality=50)
        originals.append(picture_hash(tmp_path / f"{seed}.png"))
        copies.append(picture_hash(tmp_path / f"copy{seed}.jpg"))
    pairs = near_pairs(hash_table(originals), hash_table(copies))
    assert {(pair.first, pair.second) for pair in pairs} == {(seed, seed) for seed in range(6)}


def test_a_picture_is_seen_upright(tmp_path):
    image = Image.fromarray(scene(1))
    exif = Image.Exif()
    exif[274] = 6  # to be turned clockwise
    image.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "turned.jpg", exif=exif)
    image.save(tmp_path / "upright.png")
    assert distance(tmp_path / "turned.jpg", tmp_path / "upright.png") <= THRESHOLD


def test_pairs_are_all_within_the_threshold_and_the_nearest_first():
    rng = np.random.default_rng(0)
    first = rng.choice([-1, 1], (50, BITS)).astype(np.float32)
    second = first.copy()
    for row in range(50):
        second[row, : row // 2] *= -1
    pairs = near_pairs(first, second, 10)
    assert [(pair.first, pair.second, pair.distance) for pair in pairs] == [(r, r, r // 2) for r in range(22)]
    assert near_pairs_within(np.concatenate([first, first[:1]]), 0) == [(0, 50, 0)]
    assert near_pairs(first, hash_table([]), 10) == []


def test_thousands_are_compared_at_once():
    hashes = np.random.default_rng(0).integers(-1, 2, (5000, BITS)).astype(np.float32)
    started = time.perf_counter()
    assert near_pairs_within(hashes) == []
    assert time.perf_counter() - started < 20


def test_deep_pictures_have_a_hash_and_broken_ones_a_name(tmp_path):
    gray = cv2.cvtColor(scene(2), cv2.COLOR_RGB2GRAY)
    Image.fromarray(gray).save(tmp_path / "a.png")
    Image.fromarray(gray.astype(np.uint16) * 16).save(tmp_path / "deep.png")
    assert distance(tmp_path / "a.png", tmp_path / "deep.png") <= THRESHOLD
    (tmp_path / "broken.png").write_bytes((tmp_path / "a.png").read_bytes()[:200])
    with pytest.raises(DataError, match=r"broken\.png cannot be read"):
        picture_hash(tmp_path / "broken.png")


def test_flat_pictures_are_like_nothing(tmp_path):
    Image.new("RGB", (90, 90), (40, 80, 120)).save(tmp_path / "flat.png")
    flat = hash_table([picture_hash(tmp_path / "flat.png")])
    assert near_pairs(flat, flat, BITS) == []
