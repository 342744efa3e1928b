"""Which commands a chain runs, and which it leaves out on this machine."""

import re

import pytest
from tipc_files import CHAINS, FROM_PADDLESEG, write_chain

from segwright.cli.main import parse
from test_tipc.machine import Machine
from test_tipc.params import MODES, ParamsError, read_params
from test_tipc.plan import plan

CPU = Machine(0, ("CPUExecutionProvider",), openvino=True)
GPUS = Machine(2, ("TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider"), openvino=True)


def steps_of(tmp_path, changes, mode="lite_train_lite_infer", machine=CPU):
    return plan(read_params(write_chain(tmp_path / "x.txt", changes), mode), mode, machine)


def words(step):
    return list(step.command[step.command.index("segwright") + 1 :])


@pytest.mark.parametrize("machine", [CPU, GPUS])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("chain", sorted(path.name for path in CHAINS.iterdir()))
def test_every_planned_command_is_one_that_segwright_takes(chain, mode, machine):
    steps = plan(read_params(CHAINS / chain / "train_infer_python.txt", mode), mode, machine)
    assert steps
    for step in steps:
        parse(words(step))
    runs = [step.line for step in steps]
    assert len(set(runs)) == len(runs)
    assert len({step.log for step in steps}) == len(steps)


def test_a_chain_trains_evaluates_exports_and_infers_in_this_order(tmp_path):
    steps = steps_of(tmp_path, {"gpu_list": "-1"})
    assert [words(step)[0] for step in steps] == ["train", "val", "export"] + ["infer"] * 4
    train, val, export, infer, *_ = steps
    folder = "test_tipc/output/lraspp/norm_gpus_-1_autocast_null"
    assert words(train)[-4:] == [f"--save_dir={folder}", "--iters=20", "--batch_size=4", "--device=cpu"]
    assert f"--model_path={folder}/best_model" in val.command
    assert f"--model_path={folder}/best_model" in export.command
    assert f"--config={folder}/deploy.yaml" in infer.command
    assert "--engine=openvino" in infer.command
    assert val.needs is train
    assert export.needs is train
    assert infer.needs is export
    assert infer.log.name == "python_infer_cpu_usemkldnn_True_threads_2_precision_fp32_batchsize_1.log"


def test_a_chain_without_evaluation_export_or_inference_leaves_them_out(tmp_path):
    assert [words(step)[0] for step in steps_of(tmp_path, {"gpu_list": "-1", "eval": "null", "inference": "null"})] == [
        "train",
        "export",
    ]
    assert [words(step)[0] for step in steps_of(tmp_path, {"gpu_list": "-1", "norm_export": "null"})] == [
        "train",
        "val",
    ]


def test_what_the_machine_has_not_is_left_out_with_a_reason(tmp_path):
    steps = steps_of(tmp_path, {"gpu_list": "-1|0"})
    assert [bool(step.skip) for step in steps] == [False] * 5 + [True] * 2 + [True] * 7
    assert "no GPU 0 here, PyTorch finds 0" in {step.skip for step in steps}
    assert all(step.skip for step in steps_of(tmp_path, {"gpu_list": "0|0,1"}))


def test_with_gpus_all_of_it_runs_on_those_named_under_torchrun_for_several(tmp_path):
    steps = steps_of(tmp_path, {}, machine=GPUS)
    assert not any(step.skip for step in steps)
    _, one, two = (step for step in steps if words(step)[0] == "train")
    assert one.environment == {"CUDA_VISIBLE_DEVICES": "0"}
    assert one.command[-1] == "--device=gpu"
    assert two.environment == {"CUDA_VISIBLE_DEVICES": "0,1"}
    assert two.command[1:4] == ("-m", "torch.distributed.run", "--nproc_per_node=2")


def test_a_training_without_evaluation_hands_on_its_last_weights(tmp_path):
    changes = {"gpu_list": "-1", "norm_train": "train.py --config x.yml"}
    _, val, *_ = steps_of(tmp_path, changes)
    assert "--model_path=test_tipc/output/lraspp/norm_gpus_-1_autocast_null/iter_20" in val.command
    with pytest.raises(ParamsError, match=r"x.txt:7: want --iters for this mode"):
        steps_of(tmp_path, {**changes, "--iters": "null"})


def test_a_file_as_paddleseg_writes_them_runs_where_there_are_gpus(tmp_path):
    train, export, *infer = [step for step in steps_of(tmp_path, FROM_PADDLESEG, machine=GPUS) if not step.skip][:4]
    assert words(train)[:3] == ["train", "--config", "x.yml"]
    assert words(export)[0] == "export"
    assert [words(step)[0] for step in infer] == ["infer", "infer"]


def test_precisions_and_kernels_that_make_no_sense_are_left_out(tmp_path):
    changes = {"gpu_list": "-1", "--precision": "fp32|fp16|int8"}
    reasons = {step.skip for step in steps_of(tmp_path, changes) if words(step)[0] == "infer"}
    assert "a model exported in fp32 does not run in int8 here" in reasons
    without = Machine(0, ("CPUExecutionProvider",), openvino=False)
    reasons = {step.skip for step in steps_of(tmp_path, {"gpu_list": "-1"}, machine=without)}
    assert "oneDNN's kernels need OpenVINO, which is not installed" in reasons


@pytest.mark.parametrize("trainer", ["pact_train", "fpgm_train", "distill_train"])
def test_trainings_that_segwright_does_not_have_are_never_counted_as_success(tmp_path, trainer):
    changes = {"gpu_list": "-1", "trainer": trainer, trainer: "slim/quant/qat_train.py --config x.yml"}
    assert all(step.skip.startswith("segwright ") for step in steps_of(tmp_path, changes))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (
            {"norm_train": "Matting/tools/train.py --config x.yml"},
            r"x.txt:16: 'Matting/tools/train.py' is not",
        ),
        ({"norm_train": "val.py --config x.yml"}, r"x.txt:16: 'val.py' is not a script for this step; want train.py"),
        ({"trainer": "kl"}, r"x.txt:15: trainer 'kl' has no command"),
        ({"norm_train": "train.py --config 'x.yml"}, r"x.txt:16: .* is no command line \(No closing quotation\)"),
        ({"train_infer_img_dir": "whole_train_whole_infer=a"}, r"x.txt:40: no pictures to infer in this mode"),
        ({"Global.use_gpu": "True|True"}, r"x.txt:5: 'True.True', but gpu_list decides"),
        ({"trainer": "null"}, r"x.txt:15: no trainer for this mode"),
        ({"gpu_list": "all"}, r"x.txt:4: 'all'; want -1 for the CPU"),
        ({"--device": "npu"}, r"x.txt:41: device 'npu'"),
        ({"--enable_mkldnn": "yes"}, r"x.txt:42: 'yes'; want True, False"),
        ({"--save_log_path": "logs"}, r"x.txt:49: the chain keeps logs in"),
    ],
)
def test_lines_that_make_no_sense_are_named(tmp_path, changes, says):
    with pytest.raises(ParamsError, match=says):
        steps_of(tmp_path, {"gpu_list": "-1", **changes})


def test_whole_infer_exports_what_is_not_exported_and_infers(tmp_path):
    changes = {"infer_model": "a/model.pdparams|b", "infer_export": "export.py --config x.yml|null"}
    export, *infer = steps_of(tmp_path, {**changes, "infer_quant": "False|False"}, "whole_infer")
    assert words(export) == ["export", "--config", "x.yml", "--model_path=a/model.pdparams", "--save_dir=a"]
    assert {word for step in infer for word in step.command if word.startswith("--config")} == {
        "--config=a/deploy.yaml",
        "--config=b/deploy.yaml",
    }
    with pytest.raises(ParamsError, match="one value for each model"):
        steps_of(tmp_path, changes, "whole_infer")


def test_a_benchmark_measures_each_batch_size_and_precision_beside_the_profiler(tmp_path):
    steps = steps_of(tmp_path, {"batch_size": "2|4", "gpu_list": "-1|0"}, "benchmark_train", GPUS)
    measured = [step for step in steps if step.warmup is not None]
    assert [step.warmup for step in measured] == [5] * 8
    assert "--repeats=100" in measured[0].command
    assert "--log_iters=5" in measured[0].command
    assert "--iters=20" in measured[0].command
    assert [step.skip for step in measured if step.skip] == ["training in fp16 needs a GPU"] * 2
    assert sum(any("--profiler_options" in word for word in step.command) for step in steps) == 8
    text = write_chain(tmp_path / "y.txt", {}).read_text(encoding="utf-8").split("=====train_benchmark")[0]
    (tmp_path / "y.txt").write_text(text.rstrip("=").rstrip() + "\n", encoding="utf-8")
    with pytest.raises(ParamsError, match="wants a section train_benchmark_params"):
        plan(read_params(tmp_path / "y.txt", "benchmark_train"), "benchmark_train", CPU)


def test_commands_in_the_documents_name_chains_and_modes_that_exist():
    root = CHAINS.parents[1]
    text = (root / "docs/tipc.md").read_text(encoding="utf-8")
    found = re.findall(r"^(?:TIPC_DATA=\S+ )?bash (test_tipc/\w+\.sh) (\S+) '?(\w+)'?$", text, re.MULTILINE)
    assert len(found) == text.count("bash test_tipc/")
    for script, file, mode in found:
        assert (root / script).is_file()
        assert read_params(root / file, mode)
