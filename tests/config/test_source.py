"""Reading YAML: bases, inheritance, places, and files that people get wrong."""

from pathlib import Path

import pytest

from segwright.config import apply_opts, check_structure, modernise, read_source
from segwright.errors import ConfigError


def write(folder: Path, **files: str) -> Path:
    """Write ``name.yml`` for each keyword; returns the first."""
    for name, text in files.items():
        (folder / f"{name}.yml").write_text(text, encoding="utf-8")
    return folder / f"{next(iter(files))}.yml"


def test_the_including_file_wins_dictionaries_merge_and_lists_replace(tmp_path):
    path = write(
        tmp_path,
        child="_base_: base.yml\na: {y: 2}\nb: [3]\n",
        base="a: {x: 1, y: 1}\nb: [1, 2]\nc: kept\n",
    )
    assert read_source(path).data == {"a": {"x": 1, "y": 2}, "b": [3], "c": "kept"}


def test_of_several_bases_the_first_wins(tmp_path):
    path = write(
        tmp_path,
        child="_base_: [one.yml, two.yml]\ntest: {scales: 0.5}\n",
        one="test: {auc_roc: True}\n",
        two="test: {scales: 1.0, auc_roc: False, is_slide: False}\nsteps: [1]\n",
    )
    source = read_source(path)
    assert source.data == {"test": {"scales": 0.5, "auc_roc": True, "is_slide": False}, "steps": [1]}
    assert source.where("test", "auc_roc") == f"{tmp_path}/one.yml:1: test.auc_roc"


def test_bases_have_bases_in_other_folders(tmp_path):
    (tmp_path / "_base_").mkdir()
    write(tmp_path / "_base_", data="_base_: plain.yml\nb: 2\n", plain="a: 1\nb: 1\nc: 1\n")
    (tmp_path / "net").mkdir()
    path = write(tmp_path / "net", large="_base_: ./small.yml\nc: 3\n", small="_base_: ['../_base_/data.yml']\n")
    assert read_source(path).data == {"a": 1, "b": 2, "c": 3}


@pytest.mark.parametrize("bases", ["one.yml", "[one.yml, two.yml]"])
def test_not_inherited_drops_what_all_bases_say(tmp_path, bases):
    child = f"_base_: {bases}\na: {{_inherited_: False, y: 2}}\n"
    path = write(tmp_path, child=child, one="a: {x: 1}\n", two="a: {z: 1}\n")
    assert read_source(path).data == {"a": {"y": 2}}


@pytest.mark.parametrize("bases", ["5", "[one.yml, 5]", "null"])
def test_a_base_that_is_no_path_is_an_error(tmp_path, bases):
    with pytest.raises(ConfigError, match=r"child\.yml:1: _base_: want a path or a list of paths, got (5|None)"):
        read_source(write(tmp_path, child=f"_base_: {bases}\n", one="a: 1\n"))


def test_every_value_knows_the_line_that_set_it(tmp_path):
    path = write(tmp_path, child="_base_: base.yml\n\na:\n  y: 2\n", base="a:\n  x: 1\nsteps:\n- type: A\n- type: B\n")
    source = read_source(path)
    assert source.where("a", "y") == f"{tmp_path}/child.yml:4: a.y"
    assert source.where("a", "x") == f"{tmp_path}/base.yml:2: a.x"
    assert source.where("steps", 1, "type") == f"{tmp_path}/base.yml:5: steps[1].type"


def test_r31_a_circle_of_bases_is_named(tmp_path):
    path = write(tmp_path, a="_base_: b.yml\n", b="_base_: a.yml\n")
    with pytest.raises(ConfigError, match=r"circle: a\.yml -> b\.yml -> a\.yml"):
        read_source(path)


def test_r31_a_missing_base_is_named_with_the_line_that_asks_for_it(tmp_path):
    path = write(tmp_path, a="batch_size: 4\n_base_: nowhere.yml\n")
    with pytest.raises(ConfigError, match=r"a\.yml:2: _base_: there is no file .*nowhere\.yml"):
        read_source(path)


def test_r31_a_list_that_becomes_a_single_value_is_an_error(tmp_path):
    path = write(tmp_path, child="_base_: base.yml\na: 1\n", base="a: [1, 2]\n")
    with pytest.raises(ConfigError, match=r"child\.yml:2: a is a single value, but .*base\.yml:1: a in a base"):
        read_source(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [1, 2\n", r"x\.yml:\d: not valid YAML"),
        ("a: 1\nb: 2\na: 3\n", r"x\.yml:3: a is given twice, first in line 1"),
        ("- 1\n", "want a mapping"),
        ("a: !!python/object/apply:os.system ['true']\n", "not valid YAML: could not determine a constructor"),
    ],
)
def test_r30_a_broken_file_is_named_with_its_line(tmp_path, text, message):
    with pytest.raises(ConfigError, match=message):
        read_source(write(tmp_path, x=text))


def test_a_missing_file_suggests_its_neighbour(tmp_path):
    write(tmp_path, bisenet="a: 1\n")
    with pytest.raises(ConfigError, match=r"did you mean 'bisenet\.yml'"):
        read_source(tmp_path / "bisnet.yml")


def test_exponents_without_a_point_are_numbers(tmp_path):
    source = read_source(write(tmp_path, x="decay: 4e-5\nname: 3e\n"))
    assert source.data == {"decay": 4e-5, "name": "3e"}


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        ("a.b=2", {"a": {"b": 2}, "s": [{"t": 1}]}),
        ("a.c=[1, 2]", {"a": {"b": 1, "c": [1, 2]}, "s": [{"t": 1}]}),
        ("a.b=null", {"a": {"b": None}, "s": [{"t": 1}]}),
        ("a.b=text with = sign", {"a": {"b": "text with = sign"}, "s": [{"t": 1}]}),
        ("s.0.t=True", {"a": {"b": 1}, "s": [{"t": True}]}),
        ("new.deep=1.5", {"a": {"b": 1}, "s": [{"t": 1}], "new": {"deep": 1.5}}),
    ],
)
def test_options_set_values_by_path(tmp_path, option, expected):
    source = read_source(write(tmp_path, x="a: {b: 1}\ns: [{t: 1}]\n"))
    apply_opts(source, [option])
    assert source.data == expected


@pytest.mark.parametrize(
    ("option", "message"),
    [("a.b", "want key.path=value"), ("s.3.t=1", "list of 1"), ("a.b.c=1", "'a.b' is 1, which has no keys")],
)
def test_options_that_lead_nowhere_are_errors(tmp_path, option, message):
    source = read_source(write(tmp_path, x="a: {b: 1}\ns: [{t: 1}]\n"))
    with pytest.raises(ConfigError, match=message):
        apply_opts(source, [option])


POLY = {"type": "PolynomialDecay", "power": 0.9, "end_lr": 0}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("{value: 0.01, decay: {type: poly, power: 0.9, end_lr: 0}}", {**POLY, "learning_rate": 0.01}),
        ("{value: 0.01, decay: {power: 2}}", {**POLY, "learning_rate": 0.01, "power": 2}),
        ("{value: 0.01}", {**POLY, "learning_rate": 0.01}),
        ("0.01", {"type": "ConstantLR", "learning_rate": 0.01}),
        (
            "{value: [0.1, 0.01], decay: {type: piecewise, boundaries: [5]}}",
            {"type": "PiecewiseDecay", "values": [0.1, 0.01], "boundaries": [5]},
        ),
    ],
)
def test_older_learning_rate_becomes_a_schedule(tmp_path, old, new):
    source = read_source(write(tmp_path, x=f"learning_rate: {old}\n"))
    modernise(source)
    assert source.data == {"lr_scheduler": new}


def test_an_older_file_may_change_a_part_of_its_bases_decay(tmp_path):
    base = "learning_rate: {value: 0.01, decay: {type: poly, power: 0.9}}\n"
    source = read_source(write(tmp_path, x="_base_: base.yml\nlearning_rate: {decay: {end_lr: 1.0e-5}}\n", base=base))
    modernise(source)
    assert source.data == {"lr_scheduler": {**POLY, "learning_rate": 0.01, "end_lr": 1e-5}}


@pytest.mark.parametrize(
    ("block", "complaint"),
    [
        ("{decay: {type: poly}}", r"x\.yml:1: learning_rate: want a number or \{value: 0\.01"),
        ("{value: 0.01, decay: poly}", "want a number or"),
        ("{value: 0.01, power: 0.9}", "want a number or"),
        ("{value: 0.01, decay: {type: polly}}", "unknown decay 'polly'; did you mean 'poly'"),
    ],
)
def test_an_older_learning_rate_of_another_form_is_an_error(tmp_path, block, complaint):
    with pytest.raises(ConfigError, match=complaint):
        modernise(read_source(write(tmp_path, x=f"learning_rate: {block}\n")))


def test_r32_both_spellings_of_the_learning_rate_are_an_error(tmp_path):
    source = read_source(write(tmp_path, x="learning_rate: {value: 1}\nlr_scheduler: {type: PolynomialDecay}\n"))
    with pytest.raises(ConfigError, match=r"x\.yml:1: learning_rate and .*x\.yml:2: lr_scheduler both set .* keep lr_"):
        modernise(source)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("batchsize: 4\n", r"x\.yml:1: batchsize: unknown key; did you mean 'batch_size'"),
        ("iters: 1.5\n", "iters: want a whole number of at least 1, got 1.5"),
        ("iters: 0\n", "iters: want a whole number of at least 1, got 0"),
        ("model: BiSeNetV2\n", "model: want a mapping with a 'type', got 'BiSeNetV2'"),
        ("model: {num_classes: 2}\n", "model: 'type' is missing"),
        ("loss: {types: [{type: A}, {type: B}], coef: [1, 1, 1]}\n", "2 types but 3 coef"),
        ("loss: {types: [{type: A}]}\n", "want 'types' .* and 'coef'"),
        ("distill_loss: {types: [], coef: []}\n", r"x\.yml:1: distill_loss\.types: want a list of losses, got \[\]"),
        ("test_config: {aug_evall: True}\n", "did you mean 'aug_eval'"),
        ("train: {save_intervall: 5}\n", r"train\.save_intervall: unknown key; did you mean 'save_interval'"),
        ("export: {transform: []}\n", r"export\.transform: unknown key; did you mean 'transforms'"),
    ],
)
def test_r30_structure_errors_name_line_and_nearest_key(tmp_path, text, message):
    with pytest.raises(ConfigError, match=message):
        check_structure(read_source(write(tmp_path, x=text)))
