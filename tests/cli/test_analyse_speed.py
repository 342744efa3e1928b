"""``segwright analyse speed``: exported models, their time here, and the mIoU that their certificates tell."""

import csv
import json
import shutil

import numpy as np
import pytest
from small_net import export_small, picture

from segwright.bundle import certified_score
from segwright.cli.main import main
from segwright.datasets import Dataset
from segwright.errors import ExportError
from segwright.images import default_palette, write_image, write_label_map
from segwright.runtime import openvino_engine
from segwright.transforms import Normalize, Resize


@pytest.fixture(scope="module")
def exports(tmp_path_factory):
    """``scored`` on two pictures, ``plain`` without a score, and ``pictures``."""
    root = tmp_path_factory.mktemp("exports")
    rng = np.random.default_rng(0)
    for number in range(2):
        write_image(root / f"pictures/{number}.png", picture(60, 80, number))
        labels = rng.integers(0, 4, (60, 80), np.uint8)
        write_label_map(root / f"labels/{number}.png", labels, default_palette(4))
    (root / "val.txt").write_text("".join(f"pictures/{number}.png labels/{number}.png\n" for number in range(2)))
    options = {"num_classes": 4, "mode": "val", "transforms": [Resize([72, 56]), Normalize()]}
    export_small(root / "scored", dataset=Dataset(dataset_root=str(root), val_path="val.txt", **options))
    export_small(root / "plain")
    return root


@pytest.fixture
def analyse(exports, tmp_path, capsys):
    """Runs the command; returns the exit code and what it said."""

    def run(*words: object) -> tuple[int, str]:
        where = ("--image_path", exports / "pictures", "--save_dir", tmp_path, "--cpu_threads", 1)
        code = main(["analyse", "speed", *map(str, (*words, *where, "--rounds", 2))])
        said = capsys.readouterr()
        return code, " ".join((said.out + said.err).split())

    return run


def test_exports_on_all_engines_in_page_table_and_figures(exports, analyse, tmp_path, monkeypatch):
    code, text = analyse(exports / "scored", exports / "plain" / "deploy.yaml", "--engines", "all")
    assert code == 0, text
    assert "The mIoU of plain, onnxruntime, plain, openvino is not known" in text
    assert "export again with --verify_dataset" in text
    found = json.loads((tmp_path / "speed.json").read_text())
    assert found["runs"] == 6
    models = {model["name"]: model for model in found["models"]}
    assert set(models) == {
        f"{name}, {engine}" for name in ("scored", "plain") for engine in ("onnxruntime", "openvino")
    }
    score = json.loads((exports / "scored/certificate.json").read_text())["scores"]["export"]["mIoU"]
    for name, model in models.items():
        assert 0 < model["network"] < model["milliseconds"]
        assert model["low"] <= model["milliseconds"] <= model["high"]
        assert (model["miou"], model["pictures"]) == ((score, 2) if "scored" in name else (None, None))
    with (tmp_path / "speed.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["name"] for row in rows] == list(models)
    assert rows[0]["input_shape"] == "1x3x56x72"
    page = (tmp_path / "index.html").read_text()
    assert 'aria-label="mIoU over the time of a picture.' in page

    monkeypatch.setattr(openvino_engine, "is_installed", lambda: False)
    code, text = analyse(exports / "scored", "--engines", "openvino")
    assert code == 2
    assert "pip install 'segwright[openvino]'" in text


def test_by_default_the_first_engine_that_reads_an_export(exports, analyse, tmp_path):
    shutil.copytree(exports / "plain", tmp_path / "other" / "plain")
    code, _ = analyse(exports / "plain", tmp_path / "other" / "plain")
    assert code == 0
    names = [model["name"] for model in json.loads((tmp_path / "speed.json").read_text())["models"]]
    assert names == [str(exports / "plain"), str(tmp_path / "other" / "plain")]  # folders of one name
    assert "<svg" not in (tmp_path / "index.html").read_text()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["plain", "plain/deploy.yaml"], "named twice"),
        (["nowhere"], "nowhere/deploy.yaml does not exist"),
        (["plain", "--engines", "torch"], "none of --engines torch reads this export; add onnxruntime or openvino"),
        (["plain", "--engines", "onnxruntime", "torch"], "--engines torch: it reads none of these exports"),
        (["plain", "--engines", "all", "torch"], "--engines all stands alone"),
    ],
)
def test_what_cannot_be_measured_is_told(exports, analyse, words, message):
    given = [exports / word if number == 0 or "deploy" in word else word for number, word in enumerate(words)]
    code, text = analyse(*given)
    assert code == 2
    assert message in text


def test_a_damaged_certificate_is_told(tmp_path):
    assert certified_score(tmp_path) is None
    for content in ('{"passed": true}', "[]", '{"scores": {"export": {"mIoU": null}, "pictures": 3}}', "{"):
        (tmp_path / "certificate.json").write_text(content)
        with pytest.raises(ExportError, match=r"certificate\.json was edited or damaged"):
            certified_score(tmp_path)
