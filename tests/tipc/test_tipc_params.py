"""The parameter file of a test chain: what it says is read, and what is wrong in it is named with its line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tipc_files import CHAINS, FROM_PADDLESEG, chain_text, write_chain

from test_tipc.params import LAYOUT, MODES, Param, ParamsError, read_params

EVERY_CHAIN = sorted(path.parent.name for path in CHAINS.glob("*/train_infer_python.txt"))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("chain", EVERY_CHAIN)
def test_our_chains_can_be_read_for_every_mode(chain, mode):
    params = read_params(CHAINS / chain / "train_infer_python.txt", mode)
    assert set(params) == {name for section in LAYOUT.values() for name in section} - {"random_infer_input"}
    assert params["model_name"].value == chain


def test_each_mode_takes_its_own_values_and_null_is_nothing(tmp_path):
    file = write_chain(tmp_path / "x.txt", {"--iters": "lite_train_lite_infer=3|whole_train_whole_infer=1000"})
    assert read_params(file, "lite_train_lite_infer")["iters"].flag() == ["--iters=3"]
    assert read_params(file, "whole_train_whole_infer")["iters"].flag() == ["--iters=1000"]
    assert read_params(file, "lite_train_whole_infer")["iters"].flag() == []
    assert read_params(file, "whole_infer")["pretrained"].value == ""


def test_a_file_as_paddleseg_writes_them(tmp_path):
    text = chain_text(FROM_PADDLESEG).replace("flags:null\nlog_iters:5;skip_iters:5;repeats:100\n", "flags:null\n")
    text += "===========================infer_benchmark_params==========================\n"
    text += "random_infer_input:[{float32,[3,1024,512]}]\n"
    (tmp_path / "x.txt").write_text(text.replace("\n", "\r\n"), encoding="utf-8")
    params = read_params(tmp_path / "x.txt", "lite_train_lite_infer")
    assert params["gpu_list"].choices == ["0", "0,1"]
    assert params["use_gpu"].choices == ["null", "null"]
    assert params["profiler_options"].value.startswith("batch_range=")
    assert params["profiler_options"].value.endswith("model.profile")


@pytest.mark.parametrize(
    ("old", "new", "place", "says"),
    [
        ("gpu_list:", "gpus:", ":4", "found 'gpus', where train_params wants 'gpu_list:"),
        (
            "train_model_name:best_model/model.pdparams\n",
            "",
            ":11",
            "found 'train_infer_img_dir', where train_params wants 'train_model_name:",
        ),
        ("distill_train:null\n", "", ":19", "found 'whole', where train_params wants 'distill_train:"),
        ("inference:deploy", "inference deploy", ":40", "'inference deploy/python/infer.py' is not KEY:VALUE"),
        ("--model_name:lraspp\n", "--model_name:lraspp\nmore:1\n", ":53", "'more' is one line too many"),
        ("====eval_params====", "====evel_params====", ":23", "section 'evel_params': did you mean 'eval_params'?"),
        ("====eval_params====", "====train_params====", ":23", "section train_params is there twice"),
    ],
)
def test_mistakes_are_named_with_their_line(tmp_path, old, new, place, says):
    text = chain_text({})
    assert text.count(old) == 1
    file = tmp_path / "x.txt"
    file.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(ParamsError) as error:
        read_params(file, "lite_train_lite_infer")
    assert str(error.value).startswith(f"{file}{place}: {says}")


def test_a_section_that_ends_early_or_is_missing_is_named(tmp_path):
    file = tmp_path / "x.txt"
    file.write_text(chain_text({}).split("--benchmark:")[0], encoding="utf-8")
    with pytest.raises(ParamsError, match=r"x.txt:36: infer_params ends before its line '--benchmark:'"):
        read_params(file, "whole_infer")
    file.write_text(chain_text({}).split("====export_params")[0].rstrip("="), encoding="utf-8")
    with pytest.raises(ParamsError, match="no section export_params"):
        read_params(file, "whole_infer")


def test_an_unknown_mode_and_a_missing_file_are_refused(tmp_path):
    with pytest.raises(ParamsError, match="did you mean 'whole_infer'"):
        read_params(write_chain(tmp_path / "x.txt", {}), "whole_infr")
    with pytest.raises(ParamsError, match=r"none.txt cannot be read"):
        read_params(tmp_path / "none.txt", "whole_infer")


def test_a_value_for_what_is_no_flag_is_refused():
    with pytest.raises(ParamsError, match=r"x.txt:5: 'Global.use_gpu' gets 'True', but it is no flag"):
        Param("Global.use_gpu", "True", "x.txt:5").flag()
    with pytest.raises(ParamsError, match="for some of its values only"):
        Param("--iters", "whole_infer=3|4", "x.txt:7").for_mode("whole_infer")


@given(st.text(max_size=400))
def test_any_text_is_read_or_refused(tmp_path_factory, text):
    file = tmp_path_factory.getbasetemp() / "any.txt"
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(ParamsError):
        read_params(file, "whole_infer")
