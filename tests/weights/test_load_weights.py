"""Loading: what fits, what does not and what the message says; all or nothing."""

import logging

import numpy as np
import pytest
import torch
from small_model import PADDLE_NAMES, Small, as_paddle, assert_state, random_state, write_pdparams

from segwright.errors import WeightsError
from segwright.weights import Mismatch, load_weights, read_weights, save_pdparams, save_weights
from segwright.weights.names import paddle_variables


def test_paddle_names_follow_from_the_classes():
    variables = paddle_variables(Small())
    assert {name: variable.name for name, variable in variables.items()} == PADDLE_NAMES
    assert [name for name, variable in variables.items() if variable.transposed] == ["fc.weight"]


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
def test_pdparams_of_every_pickle_protocol(tmp_path, protocol):
    state, model = random_state(), Small()
    file = write_pdparams(tmp_path / "model.pdparams", as_paddle(state), protocol)
    report = load_weights(model, file)
    assert_state(model, state)
    assert set(report.matched) == set(state)
    assert report.complete
    assert report.summary() == "13/13 variables loaded into Small"


@pytest.mark.parametrize("wrap", [lambda s: s, lambda s: {"state_dict": s, "epoch": 3}, lambda s: {"model": {**s}}])
@pytest.mark.parametrize("prefix", ["", "module.", "_orig_mod.", "module._orig_mod.", "_orig_mod.module."])
def test_pth_with_the_usual_wrappings(tmp_path, wrap, prefix):
    state, model = random_state(), Small()
    torch.save(wrap({prefix + name: value for name, value in state.items()}), tmp_path / "model.pth")
    load_weights(model, tmp_path / "model.pth")
    assert_state(model, state)


@pytest.mark.parametrize("zipped", [True, False])
def test_pth_of_a_whole_state_dict_of_both_ages(tmp_path, zipped):
    source, model = Small(), Small()
    torch.save(source.state_dict(), tmp_path / "model.pth", _use_new_zipfile_serialization=zipped)
    assert load_weights(model, tmp_path / "model.pth").complete
    assert_state(model, {name: value for name, value in source.state_dict().items() if value.ndim})


def test_names_tell_the_convention_not_the_extension(tmp_path):
    state = random_state()
    torch.save({name: torch.from_numpy(value.copy()) for name, value in as_paddle(state).items()}, tmp_path / "a.pth")
    write_pdparams(tmp_path / "b.pdparams", {name: value.numpy() for name, value in state.items()})
    for file in ("a.pth", "b.pdparams"):
        model = Small()
        load_weights(model, tmp_path / file)
        assert_state(model, state)


def test_half_precision_becomes_the_models(tmp_path):
    state, model = random_state(), Small()
    half = {name: value.half().float() for name, value in state.items()}
    brain = {name: value.bfloat16().float() for name, value in state.items()}
    write_pdparams(tmp_path / "half.pdparams", as_paddle({name: value.half() for name, value in state.items()}))
    load_weights(model, tmp_path / "half.pdparams")
    assert_state(model, half)
    torch.save({name: value.bfloat16() for name, value in state.items()}, tmp_path / "brain.pth")
    load_weights(model, tmp_path / "brain.pth")
    assert_state(model, brain)
    upper = {name: (value.view(np.uint32) >> 16).astype(np.uint16) for name, value in as_paddle(brain).items()}
    write_pdparams(tmp_path / "brain.pdparams", upper)
    load_weights(model, tmp_path / "brain.pdparams")
    assert_state(model, brain)


def test_save_and_load_are_inverse_and_repeatable(tmp_path):
    source, model = Small().to(memory_format=torch.channels_last), Small()
    for file in ("a.safetensors", "b.safetensors"):
        save_weights(source, tmp_path / file)
    load_weights(model, tmp_path / "a.safetensors")
    assert_state(model, {name: value for name, value in source.state_dict().items() if value.ndim})
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["a.safetensors", "b.safetensors"]
    assert set(read_weights(tmp_path / "a.safetensors")) == set(PADDLE_NAMES)


def test_save_wants_an_extension_that_is_a_format(tmp_path):
    for save, name in ((save_weights, "model.onnx"), (save_pdparams, "model.pth")):
        with pytest.raises(WeightsError, match="end the file name so"):
            save(Small(), tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_r33_other_number_of_classes_is_named(tmp_path):
    file = write_pdparams(tmp_path / "model.pdparams", as_paddle(random_state(num_classes=19)))
    with pytest.raises(WeightsError, match=r"num_classes: 19, while the model has 2") as caught:
        load_weights(Small(2), file)
    assert "heads.0.classify.weight (19x4x1x1 in the file, 2x4x1x1 in the model)" in str(caught.value)


def test_r37_partly_matching_weights_are_listed_and_the_model_is_untouched(tmp_path, caplog):
    entries = as_paddle(random_state())
    del entries["alpha"]
    entries["db.convs.0.bias"] = np.zeros(5, np.float32)
    entries["ema.decay"] = np.zeros(1, np.float32)
    file = write_pdparams(tmp_path / "model.pdparams", entries)
    model = Small()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with pytest.raises(WeightsError, match="11 variables match; 1 missing in the file: scale; 1 unknown to the model"):
        load_weights(model, file)
    torch.testing.assert_close(dict(model.state_dict()), before, rtol=0, atol=0)

    with caplog.at_level(logging.WARNING, "segwright"):
        report = load_weights(model, file, strict=False)
    assert (len(report.matched), report.missing, report.unexpected) == (11, ("scale",), ("ema.decay",))
    assert report.mismatched == (Mismatch("detail.0.bias", (5,), (4,)),)
    assert report.summary() == "11/13 variables loaded into Small"
    for line in ("missing", "ema.decay", "5 in the file, 4 in the model"):
        assert line in report.table()
        assert line in caplog.text
    torch.testing.assert_close(model.fc.weight.detach().numpy(), entries["fc.weight"].T, rtol=0, atol=0)


@pytest.mark.parametrize("strict", [True, False])
def test_r36_nothing_matched_is_an_error(tmp_path, strict):
    file = write_pdparams(tmp_path / "model.pdparams", {"backbone.stem": np.zeros(3, np.float32)})
    with pytest.raises(WeightsError, match="holds no variable that fits Small"):
        load_weights(Small(), file, strict=strict)


def test_whole_numbers_are_not_weights(tmp_path):
    entries = {name: value.astype(np.int8) for name, value in as_paddle(random_state()).items()}
    with pytest.raises(WeightsError, match="int8"):
        load_weights(Small(), write_pdparams(tmp_path / "model.pdparams", entries))


def test_r36_big_endian_arrays_are_read(tmp_path):
    state, model = random_state(), Small()
    swapped = {name: value.astype(">f4") for name, value in as_paddle(state).items()}
    load_weights(model, write_pdparams(tmp_path / "model.pdparams", swapped))
    assert_state(model, state)


def test_a_folder_stands_for_the_weights_in_it(tmp_path):
    state, model = random_state(), Small()
    write_pdparams(tmp_path / "model.pdparams", as_paddle(state))
    load_weights(model, tmp_path)
    assert_state(model, state)
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(WeightsError, match=r"none of model\.safetensors"):
        load_weights(model, empty)


def test_old_command_lines_find_the_new_format(tmp_path, caplog):
    source, model = Small(), Small()
    save_weights(source, tmp_path / "best_model/model.safetensors")
    with caplog.at_level(logging.WARNING, "segwright"):
        report = load_weights(model, str(tmp_path / "best_model/model.pdparams"))
    assert report.source.endswith("model.safetensors")
    assert "taking model.safetensors" in caplog.text


def test_a_missing_path_names_the_nearest(tmp_path):
    (tmp_path / "best_model").mkdir()
    with pytest.raises(WeightsError, match=r"has no 'bestmodel'; in it: best_model"):
        load_weights(Small(), tmp_path / "bestmodel/model.pdparams")
