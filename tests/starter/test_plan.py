"""What is chosen, for which data and on which machine."""

import math

import numpy as np
import pytest
import torch
import yaml
from hypothesis import given
from hypothesis import strategies as st
from starter_layouts import ade20k, flat

from segwright.build import build_dataset, load_config
from segwright.errors import ConfigError, DataError
from segwright.images import write_image
from segwright.starter.decide import Wishes, decide
from segwright.starter.division import divide
from segwright.starter.find import find
from segwright.starter.geometry import STRIDE, choose_geometry
from segwright.starter.machine import GIB, Machine
from segwright.starter.measuring import Measured
from segwright.starter.pictures import look_at_pictures
from segwright.starter.recipes import RECIPES
from segwright.starter.schedule import add_schedule
from segwright.starter.view import View
from segwright.starter.yaml_text import commented_yaml
from segwright.types import Size

CPU = Machine(torch.device("cpu"), "CPU with 4 cores", 4, 16 * GIB, "fp32")
GPU = Machine(torch.device("cuda"), "a GPU", 16, 40 * GIB, "bf16")


@pytest.fixture(scope="module")
def view(tmp_path_factory) -> View:
    found, values = find(flat(tmp_path_factory.mktemp("data"), 20), None, num_workers=1)
    division = divide(found, values, seed=0, num_threads=1)
    return View(found, values, division, look_at_pictures(found.pairs, num_threads=1))


STEP = Measured(0.1, 5.0, 0)


def planned(view, machine=CPU, measured=STEP, **wishes):
    wish = Wishes(**wishes)
    plan, recipe, geometry = decide(view, machine, wish, "output/x")
    add_schedule(plan, view, machine, wish, recipe, geometry, measured)
    return plan


@given(st.integers(16, 6000), st.integers(16, 6000), st.sampled_from([256**2, 320**2, 512**2]))
def test_crops_have_whole_strides_and_fit_picture_and_budget(height, width, budget):
    geometry = choose_geometry(Size(height, width), budget)
    assert all(side % STRIDE == 0 and side >= STRIDE for side in geometry.crop)
    assert all(crop < side + STRIDE for crop, side in zip(geometry.crop, geometry.picture, strict=True))
    if min(geometry.crop) > 4 * STRIDE:
        assert geometry.crop.height * geometry.crop.width < 1.3 * budget
    if geometry.max_long:
        assert geometry.max_long < max(height, width)


def test_more_minutes_are_more_iterations_until_there_are_enough(view):
    iters = [planned(view, minutes=minutes).data["iters"] for minutes in (1, 5, 30, 600)]
    assert iters == sorted(iters)
    assert iters[0] * planned(view, minutes=1).data["batch_size"] * 0.1 <= 60
    assert iters[-1] == planned(view, measured=Measured(None, 5.0, 0)).data["iters"]


def test_the_rate_follows_the_batch_and_the_batch_the_gpus_memory(view):
    small, large = (planned(view, GPU, Measured(0.01, 5.0, size)) for size in (8 * GIB, GIB // 2))
    assert (small.data["batch_size"], large.data["batch_size"]) == (2, 16)
    rates = [plan.data["lr_scheduler"]["learning_rate"] for plan in (small, large)]
    assert math.isclose(rates[1], 8 * rates[0])
    assert small.data["train"]["precision"] == "bf16"


@pytest.mark.parametrize(
    ("machine", "wishes", "model"),
    [
        (CPU, {}, "BiSeNetV2"),
        (CPU, {"target": "speed"}, "LRASPP"),
        (CPU, {"target": "edge"}, "LRASPP"),
        (GPU, {}, "BiSeNetV2"),
        (GPU, {"model": "ocrnet"}, "OCRNet"),
    ],
)
def test_the_model_suits_target_and_machine(machine, wishes, model, view):
    assert planned(view, machine, **wishes).data["model"]["type"] == model


def test_weights_go_to_the_backbone_with_its_mean_and_std(view, tmp_path):
    plan = planned(view, GPU, weights=tmp_path / "w.pdparams")
    assert plan.data["model"]["backbone"]["pretrained"] == str(tmp_path / "w.pdparams")
    assert plan.data["train_dataset"]["transforms"][-1]["mean"] == [0.485, 0.456, 0.406]


def test_minutes_and_iterations_contradict_each_other(view):
    with pytest.raises(ConfigError, match="give one of them"):
        planned(view, minutes=5, iters=100)


def test_names_with_sides_are_not_mirrored(view):
    def steps(names):
        seen = View(view.found, view.values, view.division, view.pictures, names)
        return [step["type"] for step in planned(seen).data["train_dataset"]["transforms"]]

    assert "RandomHorizontalFlip" in steps(["ground", "disc", "bar"])
    assert "RandomHorizontalFlip" not in steps(["ground", "left lane", "right lane"])
    with pytest.raises(ConfigError, match="name 3"):
        steps(["ground", "disc"])


def test_a_rare_object_is_learned_by_its_overlap(view, tmp_path):
    found, values = find(flat(tmp_path, change=lambda ids: (ids == 1).astype("uint8")), None, num_workers=1)
    seen = View(found, values, divide(found, values, seed=0, num_threads=1), view.pictures)
    assert planned(seen).data["loss"]["types"][0]["type"] == "MixedLoss"
    assert planned(view).data["loss"]["types"][0]["type"] == "CrossEntropyLoss"


def test_frames_of_a_video_and_look_alikes_stay_on_one_side(tmp_path):
    flat(tmp_path, 12)
    for number in range(12):
        clip = f"clip{number // 4}_{number:04d}.png"
        (tmp_path / "images" / f"{number}.png").rename(tmp_path / "images" / clip)
        (tmp_path / "masks" / f"{number}.png").rename(tmp_path / "masks" / clip)
    found, values = find(tmp_path, None, num_workers=1)
    division = divide(found, values, seed=0, num_threads=1)
    clips = [{pair.image.name[:5] for pair in pairs} for pairs in (division.train, division.val)]
    assert not clips[0] & clips[1]
    assert "groups" in division.why
    assert divide(found, values, seed=0, num_threads=1) == division


def test_validation_pictures_that_were_trained_on_are_told(tmp_path):
    flat(tmp_path, 10)
    for number in range(10):
        part = "val" if number < 3 else "train"
        for kind in ("images", "masks"):
            source = tmp_path / kind / f"{number}.png"
            (tmp_path / kind / part).mkdir(exist_ok=True)
            source.rename(source.parent / part / source.name)
    for kind in ("images", "masks"):
        copied = (tmp_path / kind / "train" / "5.png").read_bytes()
        (tmp_path / kind / "val" / "copy.png").write_bytes(copied)
    found, values = find(tmp_path, None, num_workers=1)
    caution = divide(found, values, seed=0, num_threads=1).caution
    assert "copy.png" in caution
    assert caution.startswith("1 of 4 validation pictures")


def test_too_few_pictures_are_said(tmp_path):
    found, values = find(flat(tmp_path, 3), None, num_workers=1)
    with pytest.raises(DataError, match=r"3 labelled pictures .*Label more"):
        divide(found, values, seed=0, num_threads=1)


def test_label_maps_of_another_size_are_said(tmp_path):
    write_image(flat(tmp_path) / "images" / "3.png", np.zeros((30, 40, 3), np.uint8))
    found, _ = find(tmp_path, None, num_workers=1)
    with pytest.raises(DataError, match=r"3\.png is 40x30, but its label map"):
        look_at_pictures(found.pairs, num_threads=1)


def test_a_known_data_set_keeps_its_classes_and_the_meaning_of_its_numbers(tmp_path):
    found, values = find(ade20k(tmp_path / "data"), None, num_workers=1)
    division = divide(found, values, seed=0, num_threads=1)
    seen = View(found, values, division, look_at_pictures(found.pairs, num_threads=1))
    assert seen.num_classes == 150
    assert values.ids == [0, 1]
    assert values.pixels[255]
    plan = planned(seen)
    assert plan.data["train_dataset"]["type"] == "ADE20K"
    assert not plan.cautions or "holds" not in plan.cautions[-1]
    path = tmp_path / "a.yml"
    path.write_text(commented_yaml(plan.data, plan.why, ""), encoding="utf-8")
    config = load_config(path)
    assert len(build_dataset(config.section("val_dataset"))) == 3


def test_every_recipe_has_a_configuration_that_loads(view, tmp_path):
    for name in RECIPES:
        plan = planned(view, model=name)
        path = tmp_path / f"{name}.yml"
        path.write_text(commented_yaml(plan.data, plan.why, "head"), encoding="utf-8")
        load_config(path)


@given(
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(-9, 10**6), st.floats(1e-9, 1e9), st.text(max_size=12)),
        lambda inner: (
            st.lists(inner, min_size=1, max_size=3)
            | st.dictionaries(st.text("abcxyz_", min_size=1, max_size=6), inner, min_size=1, max_size=3)
        ),
        max_leaves=12,
    ).filter(lambda value: not _mixed(value))
)
def test_comments_do_not_change_what_yaml_says(value):
    why = {("key",): "a reason " * 30, ("key", 0): "another: with # and 'quotes'"}
    text = commented_yaml({"key": value}, why, "head\nof the file")
    assert yaml.safe_load(text) == {"key": value}
    assert text.startswith("# head\n# of the file\n")


def _mixed(value) -> bool:
    """Whether a list holds both mappings and others, which no configuration has."""
    if isinstance(value, dict):
        return any(map(_mixed, value.values()))
    if not isinstance(value, list):
        return False
    kinds = {isinstance(item, dict) for item in value}
    return len(kinds) > 1 or any(map(_mixed, value))
