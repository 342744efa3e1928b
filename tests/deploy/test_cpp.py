"""deploy/cpp beside Python's runtime: the same label maps, overlays and figures."""

import io
import json
import subprocess
from dataclasses import fields

import cv2
import numpy as np
import pytest
from cpp_build import BUILD, ENVIRONMENT, OPENVINO, run, told
from cpp_bundles import identity, replace_file
from PIL import Image
from small_net import export_small, picture

from benchmarks.targets.cpp import SOURCE, build, configure
from segwright.images import list_images, output_paths
from segwright.runtime import load
from segwright.runtime.benchmark import Benchmark
from segwright.version import __version__

pytestmark = pytest.mark.slow


def label_maps(folder):
    found = {path.relative_to(folder): np.array(Image.open(path)) for path in folder.rglob("*.png")}
    assert found
    return found


def assert_same_labels(program, bundle, folder, out, *, share=1.0):
    """The program's label map of each picture is that of Python on the same engine."""
    run(program, "--config", bundle, "--image_path", folder, "--save_dir", out, "--threads", 2)
    predictor, images = load(bundle, OPENVINO), list_images(folder)
    maps = label_maps(out)
    names = output_paths(images, folder, ".png")
    assert set(maps) == set(names)
    wanted = [predictor(image) for image in images]
    equal = sum(int((maps[name] == label).sum()) for name, label in zip(names, wanted, strict=True))
    assert equal >= share * sum(label.size for label in wanted)
    return predictor


def test_the_version_is_that_of_the_package():
    assert f"project(segwright VERSION {__version__} " in (SOURCE / "CMakeLists.txt").read_text()


def test_label_maps_and_overlays_are_those_of_python(program, exported, pictures, tmp_path):
    predictor = assert_same_labels(program, exported, pictures, tmp_path)
    stored = Image.open(tmp_path / "high.png")
    assert stored.mode == "P"
    assert stored.getpalette()[:12] == [value for colour in predictor.manifest.palette for value in colour]
    assert {path.name for path in (tmp_path / "added_prediction").rglob("*.jpg")} >= {
        "a.png.jpg",
        "a.bmp.jpg",
        "ünï.jpg",
    }
    assert not list(tmp_path.rglob(".*"))


@pytest.mark.parametrize(
    "options",
    [
        {"file_format": "openvino", "output_op": "softmax"},
        {"output_op": "none", "input_shape": (3, 3, 56, 72)},
        {"picture_input": True, "input_shape": None},
    ],
    ids=lambda options: "-".join(options),
)
def test_other_formats_and_ends(program, pictures, tmp_path, options):
    folder = export_small(tmp_path / "bundle", **options).folder
    assert_same_labels(program, folder, pictures, tmp_path / "out", share=0.999)
    assert "passed" in run(program, "--config", folder / "deploy.yaml", "--selftest").stdout


GEOMETRY = [
    [{"type": "Resize", "target_size": [50, 40]}],
    [{"type": "Resize", "target_size": [64, 96], "keep_ratio": True, "size_divisor": 32, "interp": "CUBIC"}],
    [{"type": "Resize", "target_size": [33, 77], "interp": "AREA"}],
    [{"type": "Resize", "target_size": [70, 20], "interp": "NEAREST"}],
    [{"type": "Resize", "target_size": [61, 44], "interp": "LANCZOS4"}],
    [{"type": "ResizeByLong", "long_size": 77}, {"type": "Padding", "target_size": [80, 90]}],
    [
        {"type": "ResizeByShort", "short_size": 40, "max_size": 64},
        {"type": "PaddingByAspectRatio", "aspect_ratio": 1.5},
    ],
    [{"type": "LimitLong", "max_long": 50}, {"type": "LimitShort", "min_short": 35}],
    [{"type": "ResizeRangeScaling", "min_value": 70, "max_value": 70}, {"type": "ReverseChannels"}],
    [{"type": "ResizeStepScaling", "min_scale_factor": 1.3, "max_scale_factor": 1.3}, {"type": "AddEdgeLabel"}],
    [{"type": "ScalePadding", "target_size": [64, 48], "im_padding_value": [9.5, 20, 30]}],
]


@pytest.mark.parametrize("transforms", GEOMETRY, ids=lambda blocks: "-".join(block["type"] for block in blocks))
def test_every_transform_gives_pythons_numbers(program, pictures, tmp_path, transforms):
    scale = {"type": "Normalize", "mean": [0.01, 0.02, 0.03], "std": 1 / 255}
    folder = identity(tmp_path / "bundle", [*transforms, scale])
    run(program, "--config", folder, "--image_path", pictures / "high.png", "--save_dir", tmp_path / "out")
    found = np.array(Image.open(tmp_path / "out" / "high.png")).astype(int)
    wanted = load(folder, OPENVINO)(pictures / "high.png").astype(int)
    assert found.shape == wanted.shape
    steps = np.stack([abs(found // 256 - wanted // 256), abs(found % 256 - wanted % 256)])
    assert np.isin(steps, (0, 1, 255)).all()  # 255: a rounding that carried over
    assert (steps > 0).mean() < 0.05  # OpenCV's versions round cubic interpolation of bytes differently


def test_selftest_tells_a_mask_that_differs(program, bundle):
    done = run(program, "--config", bundle, "--selftest")
    assert done.stdout.count("passed") == 2
    mask = np.array(Image.open(bundle / "selftest" / "mask_1.png"))
    encoded = io.BytesIO()
    Image.fromarray(np.roll(mask, 1) + 1).save(encoded, "PNG")
    replace_file(bundle, "selftest/mask_1.png", encoded.getvalue())
    assert "agreement 0." in run(program, "--config", bundle, "--selftest", code=1).stdout


def test_benchmark_has_pythons_fields(program, exported, pictures, tmp_path):
    flags = ("--benchmark", "--model-name", 'a "small" net', "--cpu_threads=1")
    done = run(program, "--config", exported, "--image_path", pictures, "--save_dir", tmp_path, *flags)
    written = json.loads((tmp_path / "benchmark.json").read_text())
    assert list(written) == [field.name for field in fields(Benchmark)]
    assert list(written["steps"]) == ["preprocess", "inference", "postprocess", "total"]
    assert set(written["steps"]["total"]) == {"mean", "p50", "p95"}
    assert (written["model_name"], written["runs"], written["warmup"]) == ('a "small" net', 20, 5)
    assert written["environment"]["cpu_threads"] == 1
    assert [1, 3, 97, 31] in written["input_shapes"]
    assert "preprocess" in done.stdout


def test_a_list_of_pictures(program, exported, pictures, tmp_path):
    names = tmp_path / "list.txt"
    names.write_text(f"\ufeff# pictures\n{pictures}/a.png 1 2\n\n{pictures}/sub folder/gray.png\tx\n", encoding="utf-8")
    run(program, "--config", exported, "--image_path", names, "--save_dir", tmp_path / "out")
    assert set(label_maps(tmp_path / "out")) == set(output_paths(list_images(names), names, ".png"))
    names.write_text("missing.png\n")
    done = run(program, "--config", exported, "--image_path", names, code=2)
    assert "1 of 1 pictures do not exist: missing.png" in told(done)


def test_a_video(program, exported, tmp_path):
    source = tmp_path / "clip.mp4"
    writer = cv2.VideoWriter(str(source), cv2.VideoWriter.fourcc(*"mp4v"), 10, (48, 32))
    if not writer.isOpened():
        pytest.skip("this OpenCV writes no MP4")
    for number in range(6):
        writer.write(picture(32, 48, number))
    writer.release()
    flags = ("--save_label_maps", "--max_frames", 5)
    done = run(program, "--config", exported, "--image_path", source, "--save_dir", tmp_path / "out", *flags)
    assert "5 frames in" in done.stdout
    assert cv2.VideoCapture(str(tmp_path / "out/added_prediction/clip.mp4")).get(cv2.CAP_PROP_FRAME_COUNT) == 5
    capture, predictor = cv2.VideoCapture(str(source)), load(exported, OPENVINO)
    for number in range(5):
        wanted = predictor(cv2.cvtColor(capture.read()[1], cv2.COLOR_BGR2RGB))
        found = np.array(Image.open(tmp_path / f"out/pseudo_color_prediction/clip/{number:06d}.png"))
        assert (found == wanted).mean() > 0.98  # the two OpenCVs have decoders of their own
    source.write_bytes(source.read_bytes()[:200])
    done = run(program, "--config", exported, "--image_path", source, "--save_dir", tmp_path / "out", code=2)
    assert "cannot be opened as a video" in told(done)


@pytest.mark.usefixtures("program")
def test_another_project_finds_the_package(exported, pictures, tmp_path):
    subprocess.run(["cmake", "--install", BUILD, "--prefix", tmp_path / "prefix"], check=True, capture_output=True)
    flags = ("-DCMAKE_BUILD_TYPE=None", "-DCMAKE_CXX_FLAGS=-fsanitize=address,undefined")
    configure(SOURCE / "example", tmp_path / "build", f"-DCMAKE_PREFIX_PATH={tmp_path / 'prefix'}", *flags)
    build(tmp_path / "build")
    command = [tmp_path / "build" / "shares", exported, pictures / "a.png"]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=ENVIRONMENT)
    label = load(exported, OPENVINO)(pictures / "a.png")
    assert done.stdout.splitlines()[1].startswith(f"road: {100 * (label == 1).mean():.3g}"[:9])
    installed = run(tmp_path / "prefix" / "bin" / "segwright_infer", "--version")
    assert installed.stdout == f"segwright_infer {__version__}\n"
