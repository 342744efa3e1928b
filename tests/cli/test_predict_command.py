"""``segwright predict``: its inputs, outputs and exit codes."""

import json
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from launching import launch

import segwright
from segwright.cli.main import main
from segwright.engine.results import OUTPUTS
from segwright.engine.video import Frame, VideoFile, VideoWriter
from segwright.images import read_image, read_label, write_image
from segwright.registry import MODELS

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def words(toy_config, tmp_path):
    """The command's words for the toy data and a network of random weights, up to ``--image_path``."""

    def words(model: str = "ToyNet") -> list[str]:
        config = toy_config(model, coef="[1, 1, 1, 1, 1]" if model == "BiSeNetV2" else "[1, 1]")
        weights = tmp_path / "model.pth"
        if not weights.exists():
            torch.manual_seed(0)
            net = MODELS[model](num_classes=2)
            torch.save(net.state_dict(), weights)
        return [
            "predict",
            "--config",
            config,
            "--model_path",
            weights,
            "--device",
            "cpu",
            "--save_dir",
            tmp_path / "out",
        ]

    return words


@pytest.fixture
def predict(words):
    return lambda *more: main([str(word) for word in (*words(), "--image_path", *more)])


@pytest.fixture
def clip(tmp_path):
    with VideoWriter(tmp_path / "clip.mp4", 12.5) as writer:
        for number in range(9):
            writer.write(Frame(np.full((32, 48, 3), 20 * number, np.uint8), number / 12.5))
    return writer.path


def error(capfd) -> str:
    return " ".join(capfd.readouterr().err.split())


def test_a_pattern_and_every_output(predict, toy_data, tmp_path):
    code = predict(toy_data / "images/0*.png", "--outputs", *OUTPUTS)
    assert code == 0
    assert len(list((tmp_path / "out/comparison").glob("*.png"))) == 2  # of ten pictures, those in val.txt
    assert len(list((tmp_path / "out/legend_prediction").glob("*.png"))) == 10
    assert len((tmp_path / "out/predictions.csv").read_text().splitlines()) == 11


def test_a_list_names_the_truth_itself(predict, toy_data, tmp_path):
    assert predict(toy_data / "train.txt", "--outputs", "comparison") == 0
    assert len(list((tmp_path / "out/comparison/images").glob("*.png"))) == 8


def test_a_comparison_needs_truth(predict, toy_data, tmp_path, capfd):
    shutil.copy(toy_data / "images/00.png", tmp_path / "other.png")
    assert predict(tmp_path / "other.png", "--outputs", "comparison") == 2
    assert "comparison needs true label maps: name them in the second column" in error(capfd)


def test_an_unreadable_file_is_named_and_the_exit_code_says_so(predict, toy_data, tmp_path, capfd):
    shutil.copytree(toy_data / "images", tmp_path / "in")
    (tmp_path / "in/05.png").write_text("no picture")
    assert predict(tmp_path / "in") == 2
    assert "05.png is not a picture" in capfd.readouterr().out
    assert len(list((tmp_path / "out/pseudo_color_prediction").iterdir())) == 11


def test_the_default_is_what_paddleseg_writes(predict, toy_data, tmp_path):
    assert predict(toy_data / "images/00.png") == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "added_prediction",
        "pseudo_color_prediction",
        ".prediction",
    }


def test_a_video_becomes_a_video_at_its_rate(predict, clip, tmp_path):
    assert predict(clip) == 0
    video = VideoFile(tmp_path / "out/added_prediction/clip.mp4")
    frames = list(video.frames())
    assert (video.rate, len(frames), frames[0].image.shape) == (12.5, 9, (32, 48, 3))
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["added_prediction"]


def test_a_video_with_names_and_its_label_maps(predict, clip, tmp_path):
    flags = ("--outputs", "legend", "label_map", "--max_frames", 4, "--video_format", "webm")
    assert predict(clip, *flags) == 0
    (frame, *others) = VideoFile(tmp_path / "out/legend_prediction/clip.webm").frames()
    assert len(others) == 3
    assert frame.image.shape[0] > 32 or frame.image.shape[1] > 48
    labels = sorted((tmp_path / "out/pseudo_color_prediction/clip").iterdir())
    assert [path.name for path in labels] == [f"{number:06d}.png" for number in range(4)]
    assert read_label(labels[0]).shape == (32, 48)


def test_a_video_cut_short_leaves_what_could_be_read(predict, shared, tmp_path, capfd):
    whole = (shared / "data/pictures/solidWhiteRight.mp4").read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[:120_000])
    assert predict(tmp_path / "cut.mp4") == 2
    assert "says that it has 221 frames, but only" in capfd.readouterr().out
    assert list(VideoFile(tmp_path / "out/added_prediction/cut.mp4").frames())


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--resume"], "--resume is for pictures"),
        (["--outputs", "coco"], "coco is written of pictures only"),
        (["--outputs", "overlays"], "there is no 'overlays'"),
    ],
)
def test_what_a_video_cannot_have(predict, clip, flags, message, capfd):
    assert predict(clip, *flags) == 2
    assert message in error(capfd)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--max_frames", 3], "--max_frames is for a video, a camera or a stream"),
        (["--video_format", "webm"], "--video_format is for a video"),
        (["--simplify", 1], "add --outputs labelme or coco"),
        (["--outputs", "tables"], "there is no 'tables'; did you mean 'table'?"),
    ],
)
def test_what_pictures_cannot_have(predict, toy_data, flags, message, capfd):
    assert predict(toy_data / "images", *flags) == 2
    assert message in error(capfd)


def test_r22_pictures_that_claim_to_be_huge_are_refused_as_the_flag_says(predict, tmp_path, capfd):
    write_image(tmp_path / "wide.png", np.zeros((1000, 1500, 3), np.uint8))
    assert predict(tmp_path / "wide.png", "--max_megapixels", 1) == 2
    said = " ".join(capfd.readouterr().out.split())
    assert "more than 1 million pixels, too many to predict at once: --is_slide" in said
    assert predict(tmp_path / "wide.png", "--max_megapixels", 2) == 0
    windows = ("--is_slide", "--crop_size", 256, 256, "--stride", 256, 256, "--tile_above", 1)
    assert predict(tmp_path / "wide.png", *windows, "--max_megapixels", 1) == 2
    assert "the limit is 1 million" in " ".join(capfd.readouterr().out.split())
    assert predict(tmp_path / "wide.png", *windows) == 0


def test_where_there_is_no_camera(predict, tmp_path, capfd):
    assert predict("97") == 2
    assert "camera 97 cannot be opened" in error(capfd)
    assert not list(tmp_path.rglob("*.mp4"))


def test_help_names_every_output(capsys):
    with pytest.raises(SystemExit):
        main(["predict", "--help"])
    text = capsys.readouterr().out
    assert all(name in text for name in OUTPUTS)


@pytest.mark.slow
def test_two_processes_share_the_pictures_and_go_on_after_a_kill(words, toy_data, tmp_path):
    """SIGKILL in the midst, then two processes finish it, and the whole is what one process gives."""
    images = tmp_path / "in"
    images.mkdir()
    for number in range(60):
        shutil.copy(toy_data / f"images/{number % 12:02d}.png", images / f"{number:02d}.png")
    start = [*map(str, words("BiSeNetV2")), "--image_path", str(images), "--outputs", "label_map", "coco", "table"]
    alone = subprocess.Popen([sys.executable, "-m", "segwright", *start], stdout=subprocess.DEVNULL)
    folder = tmp_path / "out/pseudo_color_prediction"
    deadline = time.monotonic() + 100
    while len(list(folder.glob("*.png")) if folder.exists() else ()) < 5:
        assert time.monotonic() < deadline
        assert alone.poll() is None
        time.sleep(0.005)
    alone.send_signal(signal.SIGKILL)
    alone.wait()
    before = {path: path.stat().st_mtime_ns for path in folder.glob("*.png")}
    assert 5 <= len(before) < 60
    assert not (tmp_path / "out/coco.json").exists()

    code, text = launch(*start, "--resume", processes=2)
    assert code == 0, text
    assert "of 60 pictures are done already" in text
    kept = sum(path.stat().st_mtime_ns == time for path, time in before.items())
    assert kept >= len(before) - 4  # but for those whose line was not in the journal yet
    assert len(list(folder.glob("*.png"))) == 60
    assert len(json.loads((tmp_path / "out/coco.json").read_text())["images"]) == 60
    names = [line.split(",")[0] for line in (tmp_path / "out/predictions.csv").read_text().splitlines()[1:]]
    assert names == [f"{number:02d}.png" for number in range(60)]

    again = [word if word != str(tmp_path / "out") else str(tmp_path / "once") for word in start]
    assert main(again) == 0
    for path in folder.glob("*.png"):
        np.testing.assert_array_equal(
            read_label(path), read_label(tmp_path / "once/pseudo_color_prediction" / path.name)
        )


@pytest.mark.slow
def test_r90_a_recording_that_is_interrupted_can_be_played(words, tmp_path):
    """SIGINT in the midst of a video: exit code 130, and the file so far is whole."""
    with VideoWriter(tmp_path / "long.mp4", 25.0) as writer:
        for number in range(1500):
            writer.write(Frame(np.full((96, 128, 3), number % 200, np.uint8), number / 25))
    start = [*map(str, words("BiSeNetV2")), "--image_path", str(tmp_path / "long.mp4")]
    part = tmp_path / "out/added_prediction/.part.long.mp4"
    process = subprocess.Popen([sys.executable, "-m", "segwright", *start], stdout=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 100
    while not part.exists():
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    text, _ = process.communicate(timeout=60)
    assert process.returncode == 130, text
    assert 0 < len(list(VideoFile(part.with_name("long.mp4")).frames())) < 1500
    assert not part.exists()


def test_predictions_of_python_and_of_the_command_agree(predict, toy_data, tmp_path):
    image = toy_data / "images/00.png"
    assert predict(image) == 0
    net = MODELS["ToyNet"](num_classes=2)
    segwright.predict(
        net,
        tmp_path / "model.pth",
        transforms=[segwright.transforms.Normalize()],
        image_list=[image],
        save_dir=tmp_path / "python",
        device="cpu",
    )
    for name in ("pseudo_color_prediction/00.png", "added_prediction/00.png"):
        one, other = (read_image(tmp_path / folder / name) for folder in ("out", "python"))
        np.testing.assert_array_equal(one, other)
