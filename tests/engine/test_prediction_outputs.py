"""All that a prediction can leave behind, and how it goes on after an interruption."""

import csv
import json
import shutil

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from small_net import small_net
from test_evaluation import Threshold

import segwright.transforms as T
from segwright.engine.interrupt import StopSignal
from segwright.engine.prediction import predict
from segwright.engine.results import FOLDERS, OUTPUTS
from segwright.errors import ConfigError, DataError
from segwright.images import list_images, read_image, read_label
from segwright.layers.fold import folded

pytestmark = pytest.mark.usefixtures("one_thread")

NAMES = ["ground", "bright thing"]


@pytest.fixture
def run(toy_data, tmp_path):
    def run(images=None, model=None, **options):
        options = {"class_names": NAMES, "save_dir": tmp_path / "out", **options}
        images = images or [toy_data / f"images/0{number}.png" for number in range(4)]
        return predict(model or Threshold(), transforms=[T.Normalize()], image_list=images, device="cpu", **options)

    return run


def truth_of(image):
    return read_label(image.parent.parent / "labels" / image.name)


def test_every_output_is_there(run, tmp_path, toy_data):
    result = run(outputs=OUTPUTS, truth=truth_of)
    assert result.exit_code == 0
    out = tmp_path / "out"
    label = read_label(out / "pseudo_color_prediction/00.png")
    image = read_image(toy_data / "images/00.png")

    legend = read_image(out / "legend_prediction/00.png")
    assert legend[:40, :48].tolist() == read_image(out / "added_prediction/00.png").tolist()
    assert legend.size > image.size
    comparison = read_image(out / "comparison/00.png")
    assert comparison.shape[1] > 3 * image.shape[1]

    arrays = np.load(out / "probabilities/00.npz")
    assert arrays["probabilities"].shape == (2, 40, 48)
    assert arrays["probabilities"].dtype == np.float16
    assert arrays["class_names"].tolist() == NAMES
    np.testing.assert_array_equal(arrays["probabilities"].argmax(axis=0), label)
    np.testing.assert_allclose(arrays["probabilities"].sum(axis=0, dtype=np.float32), 1, atol=2e-3)

    shapes = json.loads((out / "labelme/00.json").read_text())
    assert shapes["imagePath"].endswith("images/00.png")
    assert {shape["label"] for shape in shapes["shapes"]} == {"bright thing"}  # the background is not outlined
    coco = json.loads((out / "coco.json").read_text())
    assert [picture["file_name"] for picture in coco["images"]] == ["00.png", "01.png", "02.png", "03.png"]
    area = sum(found["area"] for found in coco["annotations"] if found["image_id"] == 1)
    assert area == (label == 1).sum()

    rows = list(csv.DictReader((out / "predictions.csv").read_text().splitlines()))
    assert [row["image"] for row in rows] == ["00.png", "01.png", "02.png", "03.png"]
    assert float(rows[0]["bright thing"]) == pytest.approx((label == 1).mean(), abs=1e-6)
    assert float(rows[0]["confidence"]) == pytest.approx(arrays["probabilities"].max(axis=0).mean(), abs=1e-3)
    assert (rows[0]["width"], rows[0]["height"]) == ("48", "40")
    assert float(rows[0]["milliseconds"]) > 0


def test_outputs_that_are_not_asked_for_are_not_there(run, tmp_path):
    run(outputs=["table"])
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"predictions.csv", ".prediction"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"outputs": ["overlays"]}, "no 'overlays'; did you mean 'overlay'"),
        ({"outputs": ["comparison"]}, "comparison needs true label maps"),
        ({"outputs": ["comparison"], "multilabel": True, "truth": truth_of}, "leave it out with multilabel"),
        ({"simplify": -1}, "0 or more, got -1"),
        ({"class_names": ["one"]}, "1 class names, but the model predicts 2"),
        ({"precision": "fp8"}, "precision 'fp8'"),
    ],
)
def test_what_cannot_be_done_is_said(run, options, message):
    with pytest.raises(ConfigError, match=message):
        run(**options)


def test_a_true_label_map_of_another_size_is_named_and_does_not_stop_the_rest(run, tmp_path):
    def truth(image):
        return np.zeros((40, 48) if image.name != "01.png" else (48, 40), np.uint8)

    result = run(outputs=["label_map", "comparison"], truth=truth)
    assert [path.name for path in result.failures] == ["01.png"]
    assert "has 40x48 pixels, the picture 48x40" in next(iter(result.failures.values()))
    assert result.exit_code == 2
    assert len(list((tmp_path / "out/comparison").iterdir())) == 3


def test_rounded_precision_changes_little(run, tmp_path):
    run(model=small_net(), class_names=None)
    run(model=small_net(), class_names=None, precision="bf16", save_dir=tmp_path / "bf16")
    labels = [
        [read_label(path) for path in list_images(tmp_path / name / FOLDERS["label_map"])] for name in ("out", "bf16")
    ]
    assert np.mean([(one == other).mean() for one, other in zip(*labels, strict=True)]) > 0.97


def test_folded_normalisations_give_the_logits_of_the_model():
    net = small_net()
    image = torch.randn(1, 3, 45, 61)
    fast = folded(net)
    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in fast.modules())
    assert net.training
    assert not fast.training
    with torch.no_grad():
        torch.testing.assert_close(fast(image)[0], net.eval()(image)[0], rtol=1e-4, atol=1e-4)


class Counting(Threshold):
    """Counts the pictures it is asked about, and can be told to fail."""

    def __init__(self, stop_after: int = 10**6, threshold: float = 0.0) -> None:
        super().__init__()
        self.register_buffer("threshold", torch.tensor(threshold))
        self.stop_after = stop_after

    calls = 0

    def forward(self, image):
        Counting.calls += 1
        if Counting.calls > self.stop_after:
            raise KeyboardInterrupt
        return super().forward(image)


@pytest.fixture
def count_calls(run):
    def count_calls(*args, **options) -> int:
        Counting.calls = 0
        run(*args, model=Counting(threshold=options.pop("threshold", 0.0)), **options)
        return Counting.calls

    return count_calls


def test_an_interrupted_run_goes_on_where_it_stopped(run, count_calls, tmp_path):
    outputs = ["label_map", "table", "coco"]
    Counting.calls = 0
    with pytest.raises(KeyboardInterrupt):
        run(model=Counting(stop_after=2), outputs=outputs)
    done = len(list((tmp_path / "out/pseudo_color_prediction").glob("*.png")))
    assert done <= 2
    again = count_calls(outputs=outputs, resume=True)
    assert 4 - done <= again <= 4  # what was written at that very moment may not have been noted yet
    rows = (tmp_path / "out/predictions.csv").read_text().splitlines()
    assert len(rows) == 5
    assert len(json.loads((tmp_path / "out/coco.json").read_text())["images"]) == 4
    assert count_calls(outputs=outputs, resume=True) == 0
    assert (tmp_path / "out/predictions.csv").read_text().splitlines() == rows
    assert count_calls(outputs=outputs) == 4  # without the flag all anew


def test_what_has_changed_is_predicted_anew(count_calls, tmp_path, toy_data, caplog):
    shutil.copytree(toy_data / "images", tmp_path / "in")
    images = list_images(tmp_path / "in")
    assert count_calls(images) == 12
    assert count_calls(images, resume=True) == 0
    (tmp_path / "out/added_prediction/03.png").unlink()
    shutil.copy(images[0], images[5])
    assert count_calls(images, resume=True) == 2
    assert count_calls(images, resume=True, threshold=0.5) == 12  # other weights
    assert "was predicted with other weights" in caplog.text
    assert count_calls(images, resume=True, threshold=0.5, outputs=["overlay"]) == 12
    journal = tmp_path / "out/.prediction/0.jsonl"
    journal.write_bytes(journal.read_bytes()[:-20])  # cut in the midst of a line, by a power failure
    assert count_calls(images, resume=True, threshold=0.5, outputs=["overlay"]) == 1


def test_a_signal_ends_the_run_politely(run, monkeypatch):
    class Signalled(StopSignal):
        def __enter__(self):
            super().__enter__()
            self.received = 15
            return self

    monkeypatch.setattr("segwright.engine.prediction.StopSignal", Signalled)
    result = run()
    assert result.exit_code == 143
    assert result.label_maps == []


def test_a_picture_listed_twice_is_predicted_twice(run, toy_data):
    image = toy_data / "images/00.png"
    result = run([image, image])
    assert [path.name for path in result.label_maps] == ["00.png.png", "00.png_2.png"]


@pytest.fixture(scope="module")
def picture_files(tmp_path_factory):
    """One small picture in each format."""
    folder = tmp_path_factory.mktemp("formats")
    rng = np.random.default_rng(0)
    image = Image.fromarray(rng.integers(0, 255, (23, 31, 3), dtype=np.uint8))
    for suffix in ("jpg", "png", "bmp", "webp", "tif", "gif"):
        image.save(folder / f"a.{suffix}")
    return list_images(folder)


@settings(deadline=None, max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_broken_files_never_crash_a_run_or_give_a_wrong_size(picture_files, tmp_path_factory, data):
    """Cut at any byte, or with any byte changed: a label map of the right size, or a reason."""
    folder = tmp_path_factory.mktemp("broken")
    for path in picture_files:
        content = bytearray(path.read_bytes())
        place = data.draw(st.integers(0, len(content) - 1))
        if data.draw(st.booleans()):
            content = content[:place]
        else:
            content[place] ^= data.draw(st.integers(1, 255))
        (folder / path.name).write_bytes(content)
    images = list_images(folder)
    result = predict(Threshold(), transforms=[T.Normalize()], image_list=images, save_dir=folder / "out", device="cpu")
    assert len(result.label_maps) + len(result.failures) == len(images)
    for image in set(images) - set(result.failures):
        label = read_label(folder / "out/pseudo_color_prediction" / f"{image.name}.png")
        assert label.shape == read_image(image).shape[:2]


def test_every_cut_of_a_file_is_named(picture_files, tmp_path):
    """JPEG and PNG, cut at every 16th byte: whoever predicts half a picture does not know it."""
    for path in picture_files:
        if path.suffix in (".jpg", ".png"):
            content = path.read_bytes()
            for length in range(0, len(content) - 2, 16):
                (tmp_path / f"{length}{path.suffix}").write_bytes(content[:length])
    images = list_images(tmp_path)
    options = {"transforms": [T.Normalize()], "device": "cpu", "save_dir": tmp_path / "out"}
    result = predict(Threshold(), image_list=images, **options)
    assert result.label_maps == []
    assert len(result.failures) == len(images) > 50
    assert result.exit_code == 2


def test_awkward_files_are_predicted_upright_at_their_size_or_named(shared, tmp_path):
    folder = shared / "data/awkward"
    facts = json.loads((folder / "expected.json").read_text())["files"]
    images = [folder / name for name in facts]
    options = {"transforms": [T.Normalize()], "device": "cpu", "save_dir": tmp_path, "outputs": ["label_map", "legend"]}
    result = predict(Threshold(), image_list=images, **options)
    written = {path.name for path in result.label_maps}
    reference = read_label(tmp_path / FOLDERS["label_map"] / "upright_reference.png")
    for image in images:
        about = facts[image.name]
        if not about["readable"]:
            assert image in result.failures, image.name
        elif image not in result.failures:
            name = next(name for name in (f"{image.name}.png", f"{image.stem}.png") if name in written)
            label = read_label(tmp_path / FOLDERS["label_map"] / name)
            assert label.shape == (about["height"], about["width"]), image.name
            if about.get("same_view_as") == "upright_reference.png":
                assert (label == reference).mean() > 0.9, image.name
        else:
            assert about["bits"] > 8, (image.name, result.failures[image])


def test_a_picture_that_does_not_fit_is_named_and_the_others_go_on(run):
    class Large(Threshold):
        calls = 0

        def forward(self, image):
            Large.calls += 1
            if Large.calls == 2:
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 80 GiB")
            return super().forward(image)

    result = run(model=Large())
    assert (len(result.label_maps), result.exit_code) == (3, 2)
    assert "predict it with --is_slide" in next(iter(result.failures.values()))


def test_nothing_is_left_over_when_the_disk_is_full(run, tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("segwright.engine.results.write_image", full)
    with pytest.raises(OSError, match="No space left"):
        run()
    assert not list((tmp_path / "out").rglob("*.tmp"))


def test_deep_pictures_are_read_with_the_depth_that_is_declared(run, tmp_path):
    Image.fromarray(np.full((4, 5), 4095, np.uint16)).save(tmp_path / "deep.png")
    assert "declare bit_depth" in next(iter(run([tmp_path / "deep.png"]).failures.values()))
    (path,) = run([tmp_path / "deep.png"], bit_depth=12).label_maps
    assert (read_label(path) == 1).all()


def test_an_empty_list_is_an_error():
    with pytest.raises(DataError, match="image_list is empty"):
        predict(Threshold(), transforms=[T.Normalize()], image_list=[], device="cpu")
