"""deploy/mobile: the runner for Linux beside Python's runtime, what the app gets, and the app's arithmetic on a JVM."""

import hashlib
import importlib
import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from edge_programs import run
from kotlin_build import run_on_jvm
from PIL import Image
from small_net import export_small, picture

from segwright.bundle import MANIFEST_NAME, Manifest, Preprocessing, file_hash, label_map
from segwright.errors import ConfigError
from segwright.images import overlay
from segwright.runtime import EngineOptions, load

pytest.importorskip("executorch")

MOBILE = Path(__file__).parents[2] / "deploy" / "mobile"
sys.path.insert(0, str(MOBILE))
describe = importlib.import_module("prepare").describe


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    return export_small(tmp_path_factory.mktemp("mobile"), file_format="executorch").folder


def prepare(export: Path, assets: Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, MOBILE / "prepare.py", export, assets]
    done = subprocess.run(list(map(str, words)), capture_output=True, text=True, timeout=120)
    assert done.returncode == code, done.stderr
    return done


def test_the_runner_gives_pythons_label_maps(exported, tmp_path):
    (tmp_path / "pictures").mkdir()
    for number in range(2):
        Image.fromarray(picture(50, 65 + number, number)).save(tmp_path / "pictures" / f"{number}.png")
    flags = ("--config", exported, "--image_path", tmp_path / "pictures", "--save_dir", tmp_path / "out")
    assert "2 pictures on ExecuTorch" in run("pictures.py", *flags, "--threads", 1).stdout
    predictor = load(exported, EngineOptions(cpu_threads=1))
    for number in range(2):
        found = np.array(Image.open(tmp_path / "out" / f"{number}.png"))
        np.testing.assert_array_equal(found, predictor(tmp_path / "pictures" / f"{number}.png"))
        assert (tmp_path / "out" / "overlay" / f"{number}.jpg").exists()
    assert run("pictures.py", "--config", exported, "--selftest").stdout.count("passed") == 2


def test_a_program_that_was_damaged_is_refused(exported, tmp_path):
    folder = shutil.copytree(exported, tmp_path / "copy")
    whole = (exported / "model.pte").read_bytes()
    (folder / "model.pte").write_bytes(whole[: len(whole) // 2])
    assert "SHA-256" in run("pictures.py", "--config", folder, "--selftest", code=2).stderr
    text = (folder / "deploy.yaml").read_text()
    before, after = file_hash(exported / "model.pte"), file_hash(folder / "model.pte")
    (folder / "deploy.yaml").write_text(text.replace(before, after))
    assert "executorch cannot load" in run("pictures.py", "--config", folder, "--selftest", code=2).stderr


def test_the_app_gets_the_model_and_what_it_has_to_know(exported, tmp_path):
    assert "fp32, 72x56" in prepare(exported, tmp_path / "assets").stdout
    description = json.loads((tmp_path / "assets" / "model.json").read_text())
    model = (tmp_path / "assets" / "model.pte").read_bytes()
    assert description["sha256"] == hashlib.sha256(model).hexdigest()
    assert (description["width"], description["height"]) == (72, 56)
    assert description["mean"] == description["std"] == [0.5] * 3
    assert description["labels"] == ["sky", "road", "car", "tree"]
    assert description["palette"][:2] == [0, 0x008000]
    for name in description["selftest"]:
        image = np.array(Image.open(tmp_path / "assets" / f"{name}.png"))
        labels = np.frombuffer((tmp_path / "assets" / f"{name}.labels").read_bytes(), np.uint8)
        np.testing.assert_array_equal(labels.reshape(image.shape[:2]), load(exported)(image))


def test_an_export_of_another_format_is_refused(tmp_path):
    folder = export_small(tmp_path / "export").folder
    assert "takes exports with --format executorch" in prepare(folder, tmp_path / "assets", code=2).stderr
    assert not (tmp_path / "assets").exists()


def test_what_the_app_cannot_do_is_refused_before(exported):
    manifest = Manifest.read(exported / MANIFEST_NAME)
    resize, normalize = manifest.transforms
    for told, changes in {
        "--output_op argmax": {"output_op": "softmax"},
        "--picture_input False": {"picture_input": True},
        "--input_shape 1 3 H W": {"input_shape": (2, 3, 56, 72)},
        "255 classes or fewer": {"num_classes": 256},
        "interp LINEAR": {"transforms": [{**resize, "interp": "AREA"}, normalize]},
        "to that fixed size": {"transforms": [{**resize, "keep_ratio": True}, normalize]},
        "the transforms Resize": {"transforms": [normalize]},
    }.items():
        with pytest.raises(ConfigError, match=told):
            describe(replace(manifest, **changes))


CASES = [  # width and height of a picture, and of the network's input
    (97, 61, 72, 56),
    (31, 45, 72, 56),
    (72, 56, 72, 56),
    (1, 1, 8, 4),
    (640, 360, 416, 416),
]
PALETTE = [(0, 0, 0), (0, 128, 0), (255, 7, 128)]


def argb(image: np.ndarray) -> np.ndarray:
    """(H, W, 3) uint8 -> (H, W) as Android's bitmaps give pixels."""
    red, green, blue = np.moveaxis(image.astype(np.int64), -1, 0)
    return (0xFF << 24 | red << 16 | green << 8 | blue).astype(np.uint32)


def test_the_apps_arithmetic_is_pythons(tmp_path):
    rng = np.random.default_rng(0)
    wanted = []
    for number, (width, height, wide, high) in enumerate(CASES):
        red_first = number % 2 == 0
        mean, std = rng.uniform(0.3, 0.6, 3), rng.uniform(0.2, 0.4, 3)
        image = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
        output = rng.integers(0, 3, (high, wide)).astype(np.int32)
        resize = {"type": "Resize", "target_size": [wide, high]}
        normalize = {"type": "Normalize", "mean": mean.tolist(), "std": std.tolist()}
        item = Preprocessing([resize, normalize], to_rgb=red_first)(image)
        labels = label_map(output, item.geometry)
        wanted.append((item.tensor, labels, overlay(image, labels, PALETTE)))
        (tmp_path / str(number)).mkdir()
        head = np.array([width, height, wide, high, red_first], ">i4").tobytes()
        head += np.array([*mean, *std], ">f8").tobytes()
        head += np.array([red << 16 | green << 8 | blue for red, green, blue in PALETTE], ">i4").tobytes()
        rest = argb(image).astype(">u4").tobytes() + output.astype(">i4").tobytes()
        (tmp_path / str(number) / "given").write_bytes(head + rest)

    run_on_jvm("CasesKt", *(tmp_path / str(number) for number in range(len(CASES))))
    for number, (tensor, labels, drawn) in enumerate(wanted):
        found = (tmp_path / str(number) / "found").read_bytes()
        first, second = tensor.nbytes, tensor.nbytes + 4 * labels.size
        np.testing.assert_allclose(np.frombuffer(found[:first], ">f4").reshape(tensor.shape), tensor, rtol=0, atol=2e-5)
        np.testing.assert_array_equal(np.frombuffer(found[first:second], ">i4").reshape(labels.shape), labels)
        pixels = np.frombuffer(found[second:], ">u4").reshape(labels.shape)
        np.testing.assert_array_equal(pixels, argb(drawn))
