"""deploy/edge beside Python's runtime: the same label maps; a camera loop that keeps up; errors that say what to do."""

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml
from edge_programs import EDGE, ENVIRONMENT, command, run
from errors import EdgeError
from frames import Camera
from hypothesis import given, settings
from hypothesis import strategies as st
from oak import normalisation
from PIL import Image
from preprocessing import Preprocessing, label_map
from segmenter import Segmenter
from small_net import export_small, picture

from segwright import bundle as segwright_bundle
from segwright.errors import DataError
from segwright.images import overlay
from segwright.runtime import EngineOptions, load


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    return export_small(tmp_path_factory.mktemp("edge")).folder


@pytest.fixture
def bundle(exported, tmp_path):
    return shutil.copytree(exported, tmp_path / "bundle")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    (folder / "more").mkdir()
    turned = Image.Exif()
    turned[0x0112] = 6
    image = Image.fromarray(picture(45, 60, 3))
    image.save(folder / "turned.jpg", exif=turned, quality=95)
    image.convert("L").save(folder / "more" / "gray.png")
    image.quantize(7).save(folder / "palette.png")
    Image.fromarray(picture(97, 31, 5)).save(folder / "high.bmp")
    return folder


def write_video(path: Path, num_frames: int, rate: float = 20) -> Path:
    """A road, so to say: a bright band that moves over a dark ground."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), rate, (96, 64))
    for number in range(num_frames):
        frame = np.full((64, 96, 3), 40, np.uint8)
        frame[:, number % 60 : number % 60 + 36] = (200, 180, 90)
        writer.write(frame)
    writer.release()
    return path


def frames_of(path: Path) -> list[np.ndarray]:
    capture, frames = cv2.VideoCapture(str(path)), []
    while (read := capture.read())[0]:
        frames.append(cv2.cvtColor(read[1], cv2.COLOR_BGR2RGB))
    return frames


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino"])
def test_label_maps_are_those_of_python(exported, pictures, tmp_path, engine):
    done = run(
        "pictures.py",
        *("--config", exported / "deploy.yaml", "--image_path", pictures, "--save_dir", tmp_path),
        *("--engine", engine, "--threads", 1),
    )
    assert "4 pictures" in done.stdout
    predictor = load(exported, EngineOptions(engine=engine, cpu_threads=1))
    for file in ("turned.jpg", "more/gray.png", "palette.png", "high.bmp"):
        written = Image.open((tmp_path / file).with_suffix(".png"))
        np.testing.assert_array_equal(np.array(written), predictor(pictures / file))
        assert written.getpalette()[:12] == [value for colour in predictor.manifest.palette for value in colour]
        assert (tmp_path / "overlay" / file).with_suffix(".jpg").exists()
    assert not list(tmp_path.rglob(".*"))


def test_no_torch_and_no_segwright(exported):
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import camera, pictures; from pathlib import Path; "
        "camera.Segmenter(Path(sys.argv[2]), engine='onnxruntime'); print({'torch', 'segwright'} & sys.modules.keys())"
    )
    words = [sys.executable, "-c", code, str(EDGE), str(exported)]
    assert subprocess.run(words, capture_output=True, text=True, env=ENVIRONMENT, check=True).stdout == "set()\n"


@pytest.mark.parametrize(
    "changes",
    [
        {"output_op": "softmax"},
        {"output_op": "none", "input_shape": (2, 3, 56, 72), "to_rgb": False},
        {"picture_input": True, "input_shape": None},
        {"transforms": [{"type": "Normalize"}], "input_shape": None},
    ],
    ids=lambda changes: "-".join(changes),
)
def test_other_exports(tmp_path, changes):
    folder = export_small(tmp_path, **changes).folder
    segmenter, predictor = Segmenter(folder, engine="onnxruntime"), load(folder, EngineOptions(engine="onnxruntime"))
    for size in ((45, 60), (70, 41)):
        image = picture(*size, 2)
        labels = segmenter(image)
        np.testing.assert_array_equal(labels, predictor(image))
        wanted = overlay(image, labels, predictor.manifest.palette)
        np.testing.assert_array_equal(segmenter.overlay(image, labels), wanted)


SIDE = st.integers(8, 90)
RESIZES = st.one_of(
    st.fixed_dictionaries(
        {
            "type": st.just("Resize"),
            "target_size": st.lists(SIDE, min_size=2, max_size=2),
            "keep_ratio": st.booleans(),
            "size_divisor": st.sampled_from([None, 8]),
            "interp": st.sampled_from(["NEAREST", "LINEAR", "CUBIC", "AREA", "LANCZOS4"]),
        }
    ),
    st.fixed_dictionaries({"type": st.just("ResizeByLong"), "long_size": SIDE}),
    st.fixed_dictionaries({"type": st.just("LimitLong"), "max_long": SIDE, "min_long": st.none()}),
    st.fixed_dictionaries({"type": st.just("LimitShort"), "max_short": st.none(), "min_short": SIDE}),
)
PADDING = {"type": "Padding", "target_size": [200, 200], "im_padding_value": [3.5, 127.5, 9]}
NORMALIZE = {"type": "Normalize", "mean": [0.48, 0.45, 0.4], "std": [0.2, 0.25, 0.3]}


@settings(max_examples=60, deadline=None)
@given(RESIZES, st.booleans(), st.booleans(), SIDE, SIDE)
def test_every_transform_gives_the_same_bits(resize, pads, to_rgb, height, width):
    blocks = [resize, *([PADDING] if pads else []), NORMALIZE]
    reference, image = segwright_bundle.Preprocessing(blocks, to_rgb=to_rgb), picture(height, width, 1)
    try:
        wanted = reference(image)
    except DataError:
        with pytest.raises(EdgeError, match="Padding"):
            Preprocessing(reference.blocks, to_rgb=to_rgb)(image)
        return
    tensor, steps = Preprocessing(reference.blocks, to_rgb=to_rgb)(image)
    np.testing.assert_array_equal(tensor[0], wanted.tensor)
    labels = (tensor[0, 0] * 100).astype(np.int32) % 300
    np.testing.assert_array_equal(label_map(labels, steps), segwright_bundle.label_map(labels, wanted.geometry))


def test_transforms_that_are_not_known():
    for block in ({"type": "ScalePadding"}, {"type": "Resize", "interp": "RANDOM"}, {}):
        with pytest.raises(EdgeError, match=r"not known here|has interp RANDOM"):
            Preprocessing([block], to_rgb=True)


def test_the_selftest_passes_and_notices(bundle):
    assert run("pictures.py", "--config", bundle, "--selftest").stdout.count("passed") == 2
    content = yaml.safe_load((bundle / "deploy.yaml").read_text())
    content["Deploy"]["to_rgb"] = False
    (bundle / "deploy.yaml").write_text(yaml.safe_dump(content))
    assert "failed" in run("pictures.py", "--config", bundle, "--selftest", code=1).stdout


def test_a_video_gets_its_mask_drawn(exported, tmp_path):
    video = write_video(tmp_path / "drive.mp4", 12)
    flags = ("--config", exported, "--source", video, "--headless")
    done = run("camera.py", *flags, "--save", tmp_path / "out" / "drawn.mp4", "--engine", "onnxruntime", "--threads", 1)
    assert "12 frames, " in done.stdout
    assert "a second\n" in done.stdout
    assert "medians: preprocessing" in done.stdout
    segmenter = Segmenter(exported, engine="onnxruntime")
    drawn, given = frames_of(tmp_path / "out" / "drawn.mp4"), frames_of(video)
    assert len(drawn) == len(given) == 12
    for found, frame in zip(drawn, given, strict=True):
        wanted = segmenter.overlay(frame, segmenter(frame))
        assert np.abs(found.astype(int) - wanted).mean() < 8  # what the codec loses
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["drawn.mp4"]

    run("camera.py", *flags, "--save", tmp_path / "frames", "--max_frames", 3, "--engine", "openvino")
    assert sorted(file.name for file in (tmp_path / "frames").iterdir()) == [f"{n:06d}.jpg" for n in (1, 2, 3)]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_loop_that_is_stopped_leaves_a_whole_video(exported, tmp_path, number):
    video = write_video(tmp_path / "long.mp4", 20_000)
    out = tmp_path / "out.mp4"
    words = command("camera.py", "--config", exported, "--source", video, "--headless", "--save", out, "--threads", 1)
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT)
    while not list(tmp_path.glob(".out.part.mp4")):
        time.sleep(0.02)
        assert process.poll() is None
    time.sleep(0.3)
    process.send_signal(number)
    told = process.communicate(timeout=20)[0]
    assert process.returncode == 128 + number
    count = int(told.split(" frames, ")[0].split()[-1])
    assert 0 < count < 20_000
    assert len(frames_of(out)) == count


class Ticking:
    """Like a camera that gives a frame every 5 ms, 200 of them."""

    def __init__(self) -> None:
        self.given = 0

    def get(self, _: int) -> float:
        return 200.0

    def read(self):
        time.sleep(0.005)
        self.given += 1
        return self.given <= 200, np.full((4, 4, 3), self.given % 256, np.uint8)

    def release(self) -> None:
        pass


def test_stale_frames_of_a_camera_are_dropped_and_counted():
    camera, counts = Camera(Ticking(), "camera 0"), []

    def look_slowly():
        for frame in camera:
            counts.append(frame.count)
            assert int(frame.picture[0, 0, 0]) == sum(counts)  # the newest, and none is forgotten
            time.sleep(0.03)

    with pytest.raises(EdgeError, match="camera 0 has stopped giving frames"):
        look_slowly()
    camera.close()
    assert sum(counts) == 200
    assert len(counts) < 60


def test_an_oak_camera_gets_a_graph_that_takes_its_own_frames(exported, tmp_path):
    openvino = pytest.importorskip("openvino")
    told = run("oak.py", "--config", exported, "--save_dir", tmp_path).stdout
    assert "--mean_values=[127.5,127.5,127.5] --scale_values=[127.5,127.5,127.5] --reverse_input_channels" in told
    compiled = openvino.Core().compile_model(tmp_path / "oak.xml", "CPU")
    assert compiled.input(0).element_type == openvino.Type.u8
    assert list(compiled.input(0).shape) == [1, 3, 56, 72]
    image = picture(56, 72, 4)
    labels = compiled(np.ascontiguousarray(image[None, :, :, ::-1].transpose(0, 3, 1, 2)))[0][0]
    assert (labels != load(exported)(image)).mean() < 0.01


def test_exports_that_an_oak_camera_cannot_take(tmp_path):
    for changes in ({"input_shape": None}, {"picture_input": True}, {"transforms": [{"type": "Normalize"}]}):
        folder = export_small(tmp_path, **changes).folder
        with pytest.raises(EdgeError, match="OAK camera"):
            normalisation(Segmenter(folder).bundle)
