"""Which pictures a path stands for, and names for their results."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segwright.errors import DataError
from segwright.images import list_images, output_paths


def touch(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"\x89PNG\0")


def test_folder_is_searched_recursively_in_order_and_any_case(tmp_path):
    touch(tmp_path, "b/2.PNG", "a/1.jpg", "z.Tiff", "a/deep/er/3.webp", "ü ñ.bmp", "x.gif", "y.JPEG")
    touch(tmp_path, "notes.txt", "model.onnx", ".hidden.png", ".cache/4.png", "a/._1.jpg")
    found = [path.relative_to(tmp_path).as_posix() for path in list_images(tmp_path)]
    assert found == ["a/1.jpg", "a/deep/er/3.webp", "b/2.PNG", "x.gif", "y.JPEG", "z.Tiff", "ü ñ.bmp"]


def test_single_picture_needs_no_suffix(tmp_path):
    touch(tmp_path, "one.jpg", "two")
    assert list_images(tmp_path / "one.jpg") == [tmp_path / "one.jpg"]
    assert list_images(str(tmp_path / "two")) == [tmp_path / "two"]


def test_r16_text_file_lists_pictures(tmp_path, monkeypatch):
    touch(tmp_path, "lists/a.png", "lists/with space.png", "here/b.png", "lists/#1.png", "c.png")
    monkeypatch.chdir(tmp_path)
    lines = ["\ufeffa.png labels/a.png\r\n\r", "# a comment", "with space.png\tlabel.png", "here/b.png  ", "#1.png"]
    text = "\n".join([*lines, f"{tmp_path}/c.png"])
    (tmp_path / "lists" / "all.txt").write_bytes(text.encode())
    found = list_images(tmp_path / "lists" / "all.txt")
    assert [path.name for path in found] == ["a.png", "with space.png", "b.png", "#1.png", "c.png"]
    assert all(path.is_file() for path in found)


def test_r18_text_file_with_missing_pictures_counts_them(tmp_path):
    touch(tmp_path, "a.png")
    (tmp_path / "all.txt").write_text("a.png\n" + "\n".join(f"gone{i}.png" for i in range(5)))
    with pytest.raises(DataError, match=r"all\.txt: 5 of 6 pictures do not exist: gone0.png, .* and 2 more"):
        list_images(tmp_path / "all.txt")


def test_nothing_found_says_where_and_what_was_looked_for(tmp_path):
    with pytest.raises(DataError, match="does not exist; want a picture, a folder"):
        list_images(tmp_path / "gone")
    with pytest.raises(DataError, match=r"no picture in .*looked for \.jpg"):
        list_images(tmp_path)
    for text in ("", "# nothing\n"):
        (tmp_path / "empty.txt").write_text(text)
        with pytest.raises(DataError, match="lists no pictures"):
            list_images(tmp_path / "empty.txt")
    (tmp_path / "wrong.txt").write_text("x" * 5000)
    with pytest.raises(DataError, match="do not exist"):
        list_images(tmp_path / "wrong.txt")


def test_r19_results_keep_sub_folders_and_never_meet(tmp_path):
    touch(tmp_path, "a/1.jpg", "b/1.jpg", "x.jpg", "x.png", "a.b.c.jpeg", "B/2.jpg", "X.bmp")
    images = list_images(tmp_path)
    results = dict(
        zip(
            (path.relative_to(tmp_path).as_posix() for path in images),
            output_paths(images, tmp_path, ".png"),
            strict=True,
        )
    )
    assert {name: path.as_posix() for name, path in results.items()} == {
        "a/1.jpg": "a/1.png",
        "b/1.jpg": "b/1.png",
        "B/2.jpg": "B/2.png",
        "x.jpg": "x.jpg.png",
        "x.png": "x.png.png",
        "X.bmp": "X.bmp.png",  # the same as x on some disks
        "a.b.c.jpeg": "a.b.c.png",
    }
    assert output_paths(images, tmp_path) == [path.relative_to(tmp_path) for path in images]


def test_r19_results_of_single_pictures_and_lists(tmp_path, monkeypatch):
    touch(tmp_path, "data/a/1.jpg", "elsewhere/a/1.jpg")
    assert output_paths([tmp_path / "data/a/1.jpg"], tmp_path / "data/a/1.jpg", ".png") == [Path("1.png")]
    listed = [tmp_path / "data/a/1.jpg", tmp_path / "data/../elsewhere/a/1.jpg"]
    inside, outside = output_paths(listed, tmp_path / "data/list.txt", ".png")
    assert inside == Path("a/1.png")
    assert not outside.is_absolute()
    assert ".." not in outside.parts
    assert outside.name == "1.png"
    monkeypatch.chdir(tmp_path)
    assert output_paths([Path("data/a/1.jpg")], Path("data"), ".png") == [Path("a/1.png")]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["", "a/", "A/"]),
            st.sampled_from(["x", "x.jpg", "X", "x_2", "x.png"]),
            st.sampled_from([".jpg", ".png", ".PNG"]),
        ),
        unique=True,
    ),
    st.sampled_from([None, ".png"]),
)
def test_r19_any_results_are_distinct_even_where_case_is_not_told(parts, suffix):
    images = [Path("/data") / f"{folder}{stem}{ending}" for folder, stem, ending in parts]
    results = output_paths(images, "/data/list.txt", suffix)
    assert len({str(path).casefold() for path in results}) == len(images)
    assert all(
        result.parent == image.relative_to("/data").parent for image, result in zip(images, results, strict=True)
    )
    assert suffix is None or all(path.suffix == suffix for path in results)
