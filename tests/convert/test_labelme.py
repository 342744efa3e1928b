"""labelme's files: what is painted, what is refused, and that label maps survive the way there and back."""

import base64
import io
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from segwright.convert import Classes, Painting, collect_labels, convert_labelme, find_labelme, read_class_names
from segwright.convert.labelme_paint import paint_labels, paint_stack
from segwright.convert.labelme_read import Annotation, Shape, read_labelme
from segwright.convert.labelme_write import label_polygons, labelme_file
from segwright.errors import DataError
from segwright.images import read_label
from segwright.types import Size

CLASSES = Classes.of(["a", "b"])  # 0 _background_, 1 a, 2 b


def encoded(array: np.ndarray) -> str:
    stream = io.BytesIO()
    Image.fromarray(array).save(stream, "PNG")
    return base64.b64encode(stream.getvalue()).decode()


def shape(label: str, points: list, kind: str | None = "polygon", **more: object) -> dict:
    return {"label": label, "points": points, **({"shape_type": kind} if kind else {}), **more}


@pytest.fixture
def write(tmp_path):
    """Writes a labelme file for a 20x10 picture; keywords replace its entries, None takes one away."""

    def write(*shapes: dict, name: str = "one.json", **entries: object) -> Path:
        content = {"version": "5.5.0", "shapes": list(shapes), "imagePath": "one.png", "imageData": None}
        content |= {"imageHeight": 10, "imageWidth": 20, **entries}
        Image.new("RGB", (20, 10)).save(tmp_path / "one.png")
        path = tmp_path / name
        path.write_text(json.dumps({key: value for key, value in content.items() if value != "absent"}))
        return path

    return write


def painted(path: Path, **options: int) -> np.ndarray:
    return paint_labels(read_labelme(path), CLASSES, **options)


def box(left: int, top: int, right: int, bottom: int) -> np.ndarray:
    """A mask with both ends included."""
    mask = np.zeros((10, 20), bool)
    mask[top : bottom + 1, left : right + 1] = True
    return mask


def test_r25_shapes_of_all_types_are_painted_with_their_outlines(write):
    square = [[2, 1], [6, 1], [6, 4], [2, 4]]
    for kind, points in (("polygon", square), (None, square), ("rectangle", [[6, 4], [2, 1]])):
        np.testing.assert_array_equal(painted(write(shape("a", points, kind))) == 1, box(2, 1, 6, 4))
    np.testing.assert_array_equal(painted(write(shape("a", square, "oriented_rectangle"))) == 1, box(2, 1, 6, 4))
    mask = encoded(np.array([[1, 0], [1, 1]], np.uint8) * 255)
    found = painted(write(shape("b", [[3, 2], [4, 3]], "mask", mask=mask)))
    assert np.argwhere(found == 2).tolist() == [[2, 3], [3, 3], [3, 4]]
    thin = painted(write(shape("a", [[0, 5], [19, 5]], "line")), line_width=1)
    np.testing.assert_array_equal(thin == 1, box(0, 5, 19, 5))
    assert painted(write(shape("a", [[0, 5], [9, 5], [9, 0]], "linestrip")), line_width=1)[2, 9] == 1
    y, x = np.mgrid[:10, :20]
    for kind, points in (("circle", [[10, 5], [10, 8]]), ("point", [[10, 5]])):
        disc = painted(write(shape("a", points, kind)), point_radius=3) == 1
        distance = np.hypot(y - 5, x - 10)
        assert disc[distance < 2.5].all()
        assert not disc[distance > 3.7].any()


def test_later_shapes_cover_earlier_ones_and_ignore_is_255(write):
    whole, part = [[0, 0], [19, 9]], [[5, 5], [8, 8]]
    found = painted(write(shape("a", whole, "rectangle"), shape("__ignore__", part, "rectangle")))
    assert (found[5:9, 5:9] == 255).all()
    assert (found != 1).sum() == 16
    assert (painted(write(shape("a", part, "rectangle"), shape("b", whole, "rectangle"))) == 2).all()


def test_stacks_keep_what_overlaps(write):
    path = write(shape("a", [[0, 0], [9, 9]], "rectangle"), shape("b", [[5, 0], [14, 9]], "rectangle"))
    stack = paint_stack(read_labelme(path), CLASSES)
    assert stack.shape == (10, 20, 2)
    np.testing.assert_array_equal(stack[..., 0] == 1, box(0, 0, 9, 9))
    np.testing.assert_array_equal(stack[..., 1] == 1, box(5, 0, 14, 9))


def test_r25_the_picture_comes_from_the_file_or_from_the_json(write, tmp_path):
    other = np.full((10, 20, 3), 7, np.uint8)
    assert read_labelme(write(imageData=encoded(other))).picture == (tmp_path / "one.png").read_bytes()
    embedded = read_labelme(write(imagePath="gone.png", imageData=encoded(other)))
    assert embedded.suffix == ".png"
    np.testing.assert_array_equal(np.array(Image.open(io.BytesIO(embedded.picture))), other)
    assert read_labelme(write(imagePath="C:\\data\\one.png")).picture is not None
    without = read_labelme(write(imagePath="gone.png"))
    assert (without.picture, without.size) == (None, Size(10, 20))
    old = write(version="absent", imageHeight="absent", imageWidth="absent", imageData="absent")
    assert read_labelme(old).size == Size(10, 20)


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ({"shapes": "absent"}, "has no list 'shapes'"),
        ({"shapes": [shape("a", [[1, 1], [2, 2]])]}, r"a polygon has at least 3 points, this one 2"),
        ({"shapes": [shape("a", [[1, 1]], "circle")]}, "a circle has 2 points, this one 1"),
        ({"shapes": [shape("", [[1, 1]], "point")]}, "shape 0 has no label"),
        ({"shapes": [shape("a", [[1, 1]], "spline")]}, "'spline', which is none of polygon"),
        ({"shapes": [shape("a", [[1, float("nan")]], "point")]}, "not pairs of numbers"),
        ({"shapes": [shape("a", [[1, 1e300]], "point")]}, "not pairs of numbers"),
        ({"shapes": [shape("a", [[1]], "point")]}, "not pairs of numbers"),
        ({"shapes": [shape("a", [[1, 1], [2, 2]], "mask")]}, "its mask is no PNG"),
        ({"shapes": [shape("a", [[1, 1], [2, 2]], "mask", mask="????")]}, "its mask is no PNG"),
        (
            {"shapes": [shape("a", [[1, 1], [9, 9]], "mask", mask=encoded(np.ones((2, 2), np.uint8)))]},
            "is 2x2",
        ),
        ({"imageWidth": 30}, r"for a picture of 30x10, but .*one.png is 20x10"),
        ({"imagePath": "gone.png", "imageData": "absent", "imageWidth": "absent"}, "tell the size"),
        ({"imagePath": "gone.png", "imageData": "!!"}, "imageData is no base64"),
        ({"imagePath": "gone.png", "imageData": "AAAA"}, "is not a picture that can be read"),
    ],
)
def test_r25_what_is_wrong_is_said_with_file_and_shape(write, entries, said):
    path = write(**entries)
    with pytest.raises(DataError, match=said) as raised:
        read_labelme(path)
    assert str(path) in str(raised.value)


def test_r25_a_bad_file_does_not_stop_the_others(write, tmp_path, caplog):
    write(shape("a", [[1, 1], [5, 5]], "rectangle"))
    write(shape("typo", [[1, 1]], "point"), name="two.json")
    (tmp_path / "three.json").write_text("{")
    write(name="four.json", imagePath="gone.jpg")
    out = tmp_path / "out"
    report = convert_labelme(tmp_path, out, Painting(CLASSES))
    assert [path.name for path in report.done] == ["one.png"]
    assert [path.name for path, _ in report.failures] == ["four.json", "three.json", "two.json"]
    assert "there is no class 'typo'" in caplog.text
    assert "its picture is missing" in caplog.text
    assert "is no JSON" in caplog.text
    with pytest.raises(DataError, match="3 of 4 files could not be converted"):
        report.conclude(out)
    assert (out / "images" / "one.png").read_bytes() == (tmp_path / "one.png").read_bytes()
    assert read_class_names(out / "class_names.txt") == ["_background_", "a", "b"]
    again = convert_labelme(tmp_path, out, Painting(CLASSES), copy_images=False)
    assert (again.num_kept, len(again.done), len(again.failures)) == (1, 1, 2)  # the picture is no longer asked for


def test_other_classes_do_not_mix_with_those_that_are_there(write, tmp_path):
    write(shape("a", [[1, 1], [5, 5]], "rectangle"))
    convert_labelme(tmp_path, tmp_path / "out", Painting(CLASSES))
    with pytest.raises(DataError, match="label maps there have the classes _background_, a, b"):
        convert_labelme(tmp_path, tmp_path / "out", Painting(Classes.of(["b", "a"])))
    report = convert_labelme(tmp_path, tmp_path / "out", Painting(Classes.of(["b", "a"])), overwrite=True)
    assert read_label(report.done[0]).max() == 2


def test_no_picture_takes_the_place_of_another(write, tmp_path):
    write(shape("a", [[1, 1], [5, 5]], "rectangle"))
    other = tmp_path / "images" / "one.png"
    other.parent.mkdir()
    Image.new("RGB", (20, 10), "red").save(other)
    before = other.read_bytes()
    report = convert_labelme(tmp_path, tmp_path, Painting(CLASSES))
    assert "is there already and another picture" in report.failures[0][1]
    assert other.read_bytes() == before
    assert not convert_labelme(tmp_path, tmp_path, Painting(CLASSES), overwrite=True).failures
    assert other.read_bytes() == (tmp_path / "one.png").read_bytes()


def test_a_folder_with_the_name_of_a_file_is_passed_over(write, tmp_path):
    path = write()
    (tmp_path / "old.json").mkdir()
    assert find_labelme(tmp_path) == [path]


def test_labels_are_collected_in_one_order(write, tmp_path):
    write(shape("b", [[1, 1]], "point"), shape("_background_", [[1, 1]], "point"), shape("A", [[1, 1]], "point"))
    (tmp_path / "broken.json").write_text("[")
    assert collect_labels(find_labelme(tmp_path)) == ["_background_", "A", "b"]


def test_classes_number_names_as_listed():
    assert Classes.of(["sky", "road"]).names == ("_background_", "sky", "road")
    assert Classes.of(["sky", "road"], background=False) == Classes(("sky", "road"), 255)
    listed = Classes.of(["__ignore__", "sky", "Background"])
    assert (listed.names, listed.unlabelled, listed.foreground) == (("sky", "Background"), 1, [0])
    assert listed.id_of("__ignore__") == 255
    with pytest.raises(DataError, match="did you mean 'sky'"):
        listed.id_of("skY")
    with pytest.raises(DataError, match="named more than once: sky"):
        Classes.of(["sky", "sky"])


label_maps = st.tuples(st.integers(1, 16), st.integers(1, 16)).flatmap(
    lambda size: st.one_of(
        arrays(np.uint8, size, elements=st.sampled_from([0, 1, 2])),
        arrays(np.uint8, size, elements=st.sampled_from([0, 1, 255])),
        arrays(np.uint8, size, elements=st.integers(0, 9)).map(lambda a: (a > 1).astype(np.uint8)),
    )
)


@settings(deadline=None, max_examples=200)
@given(label_maps, st.booleans())
def test_label_maps_come_back_to_the_pixel(label, with_background):
    names = ["_background_", "a", "b"]
    polygons = label_polygons(label, names, () if with_background else (0,))
    content = labelme_file(polygons, Path("x.png"), Path("x.json"), Size.of(label))
    shapes = tuple(Shape(s["label"], "polygon", tuple(map(tuple, s["points"]))) for s in content["shapes"])
    again = paint_labels(Annotation(Size.of(label), shapes, None, ""), CLASSES)
    np.testing.assert_array_equal(again, label)


def test_polygons_need_not_be_exact():
    y, x = np.mgrid[:60, :60]
    label = (np.hypot(y - 30, x - 30) < 25).astype(np.uint8)
    ((_, exact),) = label_polygons(label, ["_background_", "a"])
    ((_, coarse),) = label_polygons(label, ["_background_", "a"], simplify=2)
    assert 3 <= len(coarse) < len(exact) / 2


def test_an_id_without_a_name_is_refused():
    with pytest.raises(DataError, match="id 7 is none of the 2 classes 0 to 1"):
        list(label_polygons(np.full((3, 3), 7, np.uint8), ["_background_", "a"]))


def test_real_files_become_the_masks_that_labelme_made(shared, tmp_path):
    samples = shared / "data" / "labelme_sample"
    for name in ("voc_examples", "video_track"):
        classes = Classes.of(read_class_names(samples / name / "labels.txt"))
        report = convert_labelme(samples / name, tmp_path / name, Painting(classes))
        assert not report.failures
        for path in report.done:
            reference = np.array(Image.open(samples / name / "reference_masks" / path.name))
            assert (read_label(path) != reference).mean() < 1e-5


def test_real_files_of_all_versions_are_read(shared, tmp_path):
    folder = shared / "data" / "labelme_sample"
    classes = Classes.of(collect_labels(find_labelme(folder)))
    report = convert_labelme(folder, tmp_path, Painting(classes))
    assert (len(report.done), report.failures) == (22, [])
    primitives = set(np.unique(read_label(tmp_path / "annotations" / "shapes" / "primitives.png")).tolist())
    kinds = ("circle", "line", "line_strip", "octagon", "point", "polygon", "rectangle")
    assert primitives == {0, *map(classes.id_of, kinds)}
    assert (tmp_path / "images" / "embedded" / "20180928115506.jpg").is_file()
    assert not read_label(tmp_path / "annotations" / "empty" / "0001.png").any()
