"""List files as people write them."""

import logging
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from segwright.datasets import Pair, read_pairs, shared_images
from segwright.errors import DataError


@pytest.fixture
def make(tmp_path):
    """Write files below ``root`` and a list; give back path and root."""

    def make(text: str | bytes, *names: str) -> tuple[Path, Path]:
        root = tmp_path / "root"
        for name in names:
            file = root / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch()
        root.mkdir(exist_ok=True)
        path = tmp_path / "list.txt"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path, root

    return make


def names(pairs: list[Pair]) -> list[tuple[str, str | None]]:
    return [(pair.image.name, pair.label and pair.label.name) for pair in pairs]


def test_r16_blank_lines_bom_crlf_comments_and_trailing_spaces(make):
    text = b"\xef\xbb\xbf# images labels\r\n\r\nx/a.jpg y/a.png  \r\n   \r\nx/b.jpg   y/b.png\t\r\n#c.jpg y/a.png\r\n"
    path, root = make(text, "x/a.jpg", "y/a.png", "x/b.jpg", "y/b.png", "#c.jpg")
    assert names(read_pairs(path, root)) == [("a.jpg", "a.png"), ("b.jpg", "b.png"), ("#c.jpg", "a.png")]


@pytest.mark.parametrize("text", ["", "\n \r\n", "# only a comment\n"])
def test_r16_empty_list_is_an_error(make, text):
    path, root = make(text)
    with pytest.raises(DataError, match=r"list\.txt is empty.*'image label' a line"):
        read_pairs(path, root)


def test_r16_list_that_is_no_utf8(make):
    path, root = make("a b".encode("utf-16"))
    with pytest.raises(DataError, match="not UTF-8"):
        read_pairs(path, root)
    with pytest.raises(DataError, match="cannot be read"):
        read_pairs(root / "gone.txt", root)


@pytest.mark.parametrize(
    ("line", "separator", "image", "label"),
    [
        ("my photo 1.jpg my label 1.png", " ", "my photo 1.jpg", "my label 1.png"),
        ("my photo 1.jpg\tmy label 1.png", " ", "my photo 1.jpg", "my label 1.png"),
        ("my photo 1.jpg,my label 1.png", ",", "my photo 1.jpg", "my label 1.png"),
        ("a,b.jpg,c,d.png", ",", "a,b.jpg", "c,d.png"),
        ("路面_été.jpg ñ.png", " ", "路面_été.jpg", "ñ.png"),
        ("a|b.jpg|c|d.png", "|", "a|b.jpg", "c|d.png"),
        ("a.jpg||b.png", "||", "a.jpg", "b.png"),
        ('"my photo.jpg" "my label.png"', " ", "my photo.jpg", "my label.png"),
        ("'a.jpg' it's.png", " ", "a.jpg", "it's.png"),
        (r"images\a.jpg labels\a.png", " ", "images/a.jpg", "labels/a.png"),
        (r'"images\a b.jpg" labels\a.png', " ", "images/a b.jpg", "labels/a.png"),
        ("./images/a.jpg images/../labels/a.png", " ", "images/a.jpg", "labels/a.png"),
    ],
)
def test_r17_names_as_they_come(make, line, separator, image, label):
    path, root = make(line, image, label)
    (pair,) = read_pairs(path, root, separator=separator)
    assert pair.image.resolve() == (root / image).resolve()
    assert pair.label.resolve() == (root / label).resolve()


def test_r17_absolute_paths_and_links(make):
    path, root = make("", "real/a.jpg", "a.png")
    (root / "link.jpg").symlink_to(root / "real" / "a.jpg")
    path.write_text(f"{root}/real/a.jpg {root}/a.png\nlink.jpg a.png\n")
    absolute, linked = read_pairs(path, root)
    assert absolute == (root / "real" / "a.jpg", root / "a.png")
    assert linked == (root / "link.jpg", root / "a.png")
    assert shared_images([absolute], [linked]) == [absolute.image]


@pytest.mark.parametrize(("used", "given_separator"), [(",", " "), (" ", ","), (";", " "), ("|", ","), (":", " ")])
def test_r17_wrong_separator_names_the_line_and_the_right_one(make, used, given_separator):
    path, root = make(f"# list\na.jpg{used}b.png\n", "a.jpg", "b.png")
    with pytest.raises(DataError) as error:
        read_pairs(path, root, separator=given_separator)
    assert "list.txt:2: " in str(error.value)
    assert f"set separator: {used!r}" in str(error.value)


def test_r17_line_that_cannot_be_split(make):
    path, root = make("a.jpg b.png\na.jpg\n", "a.jpg", "b.png")
    with pytest.raises(DataError, match=r"list\.txt:2: want 'image label'.*'a\.jpg'; check dataset_root and separator"):
        read_pairs(path, root)


def test_r18_missing_files_are_counted_with_first_names(make):
    lines = ["a.jpg a.png", *(f"a.jpg no{i}.png" for i in range(5)), "gone.jpg a.png"]
    path, root = make("\n".join(lines), "a.jpg", "a.png")
    with pytest.raises(DataError) as error:
        read_pairs(path, root)
    message = str(error.value)
    assert "1 of 7 pictures do not exist: gone.jpg" in message
    assert "5 of 7 label maps do not exist: no0.png, no1.png, no2.png and 2 more" in message
    assert str(root) in message


def test_r18_duplicate_lines_are_a_warning(make, caplog):
    path, root = make("a.jpg a.png\nb.jpg a.png\na.jpg  a.png\n", "a.jpg", "a.png", "b.jpg")
    with caplog.at_level(logging.WARNING):
        assert len(read_pairs(path, root)) == 3
    assert "lists 1 pairs more than once" in caplog.text


def test_r18_pictures_in_train_and_val(make):
    path, root = make("a.jpg a.png\nb.jpg a.png\n", "a.jpg", "a.png", "b.jpg")
    train = read_pairs(path, root)
    assert shared_images(train, train[1:]) == [root / "b.jpg"]
    assert shared_images(train[:1], train[1:]) == []


def test_test_list_may_hold_pictures_only(make):
    path, root = make("a b.jpg\nc.jpg c.png\nc.jpg\n", "a b.jpg", "c.jpg", "c.png")
    assert names(read_pairs(path, root, need_label=False)) == [("a b.jpg", None), ("c.jpg", "c.png"), ("c.jpg", None)]
    path.write_text("c.jpg\ngone for ever.jpg\n")
    with pytest.raises(DataError, match=r"1 of 2 pictures do not exist: gone for ever\.jpg"):
        read_pairs(path, root, need_label=False)


letters = st.characters(blacklist_categories=("Cs", "Cc", "Zl", "Zp", "Zs"), blacklist_characters="/\\\0\"'\x85")
file_names = st.text(letters | st.just(" "), min_size=1, max_size=12).filter(
    lambda name: name == name.strip() and name not in (".", "..")
)


@given(
    pairs=st.lists(st.tuples(file_names, file_names), min_size=1, max_size=5),
    separator=st.sampled_from([" ", ",", "|", "\t"]),
)
@settings(deadline=None, max_examples=150)
def test_r17_whatever_is_written_is_read_back(tmp_path_factory, pairs, separator):
    """Unless another split of the line names files too, which only the writer could tell apart."""
    root = tmp_path_factory.mktemp("root")
    known = {name for pair in pairs for name in pair}
    assume(len({name.casefold() for name in known}) == len(known))
    for image, label in pairs:
        line = f"{image}{separator}{label}"
        splits = [(line[:i].strip(), line[i + 1 :].strip()) for i, sign in enumerate(line) if sign == separator]
        assume(sum(left in known and right in known for left, right in splits) == 1)
        assume(not line.startswith("\ufeff"))
    for name in known:
        (root / name).touch()
    path = root.with_suffix(".txt")
    path.write_text("\n".join(f"{image}{separator}{label}" for image, label in pairs), encoding="utf-8", newline="")
    assert names(read_pairs(path, root, separator=separator)) == pairs


@given(st.text(max_size=60) | st.binary(max_size=60))
@settings(deadline=None, max_examples=150)
def test_r16_any_text_raises_nothing_but_data_errors(tmp_path_factory, content):
    root = tmp_path_factory.mktemp("root")
    path = root.with_suffix(".txt")
    path.write_bytes(content if isinstance(content, bytes) else content.encode(errors="surrogatepass"))
    with pytest.raises(DataError):
        read_pairs(path, root)
