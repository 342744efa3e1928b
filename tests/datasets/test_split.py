"""Parts of a data set: their sizes, groups that stay together, classes in proportion."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segwright.datasets.groups import groups_by_folder, groups_by_prefix, groups_by_regex
from segwright.datasets.split import split
from segwright.errors import DataError

RATIOS = st.sampled_from([(0.7, 0.3, 0.0), (0.8, 0.1, 0.1), (0.5, 0.25, 0.25), (1.0, 0.0, 0.0)])


@given(st.integers(20, 200), RATIOS, st.integers(0, 5))
def test_each_picture_is_in_one_part_and_parts_have_their_sizes(count, ratios, seed):
    parts = split(count, ratios, seed=seed)
    assert sorted(index for part in parts for index in part) == list(range(count))
    assert all(abs(len(part) - ratio * count) <= 1 for part, ratio in zip(parts, ratios, strict=True))
    assert parts == split(count, ratios, seed=seed)


def test_other_seeds_give_other_parts():
    assert split(100, (0.5, 0.5, 0), seed=1) != split(100, (0.5, 0.5, 0), seed=2)


@settings(deadline=None)
@given(st.lists(st.integers(0, 12), min_size=60, max_size=120), st.integers(0, 5), st.booleans())
def test_groups_are_never_divided(numbers, seed, stratified):
    groups = [f"video {number}" for number in numbers]
    classes = [{number % 3} for number in numbers] if stratified else None
    try:
        parts = split(len(groups), (0.6, 0.4, 0), seed=seed, groups=groups, classes=classes)
    except DataError:
        assert len(set(groups)) == 1
        return
    sides = [{groups[index] for index in part} for part in parts]
    assert not sides[0] & sides[1]
    largest = max(groups.count(group) for group in set(groups))
    if not stratified:
        assert abs(len(parts[0]) - 0.6 * len(groups)) <= largest


@settings(deadline=None)
@given(st.integers(0, 20))
def test_rare_classes_are_in_each_part_in_proportion(seed):
    rng = np.random.default_rng(seed)
    classes = [{0} | ({1} if rng.random() < 0.5 else set()) | ({2} if index < 10 else set()) for index in range(200)]
    parts = split(200, (0.6, 0.2, 0.2), seed=seed, classes=classes)
    assert [sum(2 in classes[index] for index in part) for part in parts] == [6, 2, 2]
    assert all(abs(len(part) - size) <= 3 for part, size in zip(parts, (120, 40, 40), strict=True))


@pytest.mark.parametrize("ratios", [(0.5, 0.4, 0), (-0.1, 1.1, 0)])
def test_ratios_are_shares(ratios):
    with pytest.raises(DataError, match="sum up to 1"):
        split(10, ratios)


def test_an_empty_part_is_told():
    with pytest.raises(DataError, match=r"10 pictures in 1 groups do not suffice .* part 2 would be empty"):
        split(10, (0.7, 0.3, 0), groups=["one"] * 10)


def test_frames_of_a_video_are_known_by_their_names():
    names = ["0001TP_006690", "0001TP_006720", "0016E5_07959", "0016E5_07961", "aachen_000000_000019_leftImg8bit"]
    groups = groups_by_prefix([Path("x", f"{name}.png") for name in [*names, "aachen_000000_000020_leftImg8bit"]])
    assert groups[0] == groups[1] != groups[2] == groups[3]
    assert groups[4] == groups[5]
    assert len(set(groups)) == 3
    assert len(set(groups_by_prefix([Path("a/1.png"), Path("b/1.png"), Path("b/2.png")]))) == 2


def test_folders_and_patterns_make_groups():
    images = [Path("a/x1.png"), Path("a/x2.png"), Path("b/x1.png")]
    assert groups_by_folder(images) == ["a", "a", "b"]
    assert groups_by_regex(images, r"/(x\d)") == ["x1", "x2", "x1"]
    assert groups_by_regex(images, "^.") == ["a", "a", "b"]
    with pytest.raises(DataError, match=r"finds nothing in 1 paths, first b.x1\.png"):
        groups_by_regex(images, "^a")
    with pytest.raises(DataError, match="is no regular expression"):
        groups_by_regex(images, "(")
