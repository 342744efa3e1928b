"""Inference with an exported model, on each combination of device, kernels, threads, batch size and precision."""

from itertools import chain, product
from pathlib import Path

from test_tipc.commands import segwright, translate
from test_tipc.machine import Machine
from test_tipc.params import Param, ParamsError
from test_tipc.step import Params, Step, output_folder

BOOLEANS = {"True": True, "False": False}


def infer_steps(
    params: Params, machine: Machine, model: Path, results: Path, pictures: str, *, needs: Step | None, quantised: bool
) -> list[Step]:
    """One step a combination; none where the file infers nothing.

    Args:
        params: the chain's.
        machine: what can run here.
        model: folder of the exported model.
        results: folder that gets logs, and label maps in folders of their own.
        pictures: what to predict.
        needs: the export, if it is a step of this chain.
        quantised: whether the model computes in int8.

    Raises:
        ParamsError: a line makes no sense.
    """
    if not params["inference"].value:
        return []
    words = translate(params["inference"], "infer")
    if not pictures:
        raise ParamsError(f"{params['inference'].place}: no pictures to infer in this mode")
    devices = params["device"].choices
    if unknown := [device for device in devices if device not in ("cpu", "gpu")]:
        raise ParamsError(f"{params['device'].place}: device '{unknown[0]}'; want cpu, gpu or cpu|gpu")
    if params["save_log_path"].value:
        raise ParamsError(f"{params['save_log_path'].place}: the chain keeps logs in {results}; want null")
    steps = []
    ways = {"cpu": _on_cpu, "gpu": _on_gpu}
    for name, flags, skip in chain.from_iterable(ways[device](params, machine, quantised) for device in devices):
        command = [
            *words,
            *flags,
            f"{params['config'].key}={model / 'deploy.yaml'}",
            f"{params['image_path'].key}={pictures}",
            *params["benchmark"].flag(),
            f"{params['infer_save_dir'].key}={results / name}_results",
            *params["infer_extra"].flag(),
        ]
        skip = (needs.skip if needs else "") or skip
        steps.append(Step(tuple(segwright(*command)), results / f"{name}.log", needs=needs, skip=skip))
    return steps


def infer_plan(params: Params, machine: Machine) -> list[Step]:
    """Export each trained model of ``infer_model``, unless it is exported already, and infer with it.

    Raises:
        ParamsError: a line makes no sense.
    """
    models, exports, quantised = (params[name] for name in ("infer_model", "infer_export", "infer_quant"))
    if not len(models.choices) == len(exports.value.split("|")) == len(quantised.choices):
        raise ParamsError(f"{models.place}: infer_model, infer_export and infer_quant want one value for each model")
    results, pictures, steps = output_folder(params), params["image_path"].value, []
    for model, export, is_quantised in zip(models.choices, exports.value.split("|"), quantised.choices, strict=True):
        folder, needs = Path(model), None
        if export not in ("", "null"):
            folder = folder.parent
            line = Param(exports.key, export, exports.place)
            words = [*translate(line, "export"), f"--model_path={model}", f"--save_dir={folder}"]
            steps.append(needs := Step(tuple(segwright(*words)), results / f"{folder.name}_export.log"))
        steps += infer_steps(
            params, machine, folder, results, pictures, needs=needs, quantised=_switch(is_quantised, quantised.place)
        )
    return steps


def _on_cpu(params: Params, machine: Machine, quantised: bool) -> list[tuple[str, list[str], str]]:
    """Name, flags and reason to skip of each combination."""
    names = ("enable_mkldnn", "cpu_threads", "infer_batch_size", "infer_precision")
    found = []
    for mkldnn, threads, batch_size, precision in product(*(params[name].choices for name in names)):
        name = f"python_infer_cpu_usemkldnn_{mkldnn}_threads_{threads}_precision_{precision}_batchsize_{batch_size}"
        flags = ["--device=cpu", f"--enable_mkldnn={mkldnn}", f"--cpu_threads={threads}"]
        flags += [f"--batch_size={batch_size}", f"--precision={precision}"]
        skip = _other_precision(precision, quantised)
        if _switch(mkldnn, params["enable_mkldnn"].place) and "DnnlExecutionProvider" not in machine.providers:
            flags.append("--engine=openvino")
            skip = skip or ("" if machine.openvino else "oneDNN's kernels need OpenVINO, which is not installed")
        found.append((name, flags, skip))
    return found


def _on_gpu(params: Params, machine: Machine, quantised: bool) -> list[tuple[str, list[str], str]]:
    """Name, flags and reason to skip of each combination."""
    found = []
    names = ("use_trt", "infer_precision", "infer_batch_size")
    for use_trt, precision, batch_size in product(*(params[name].choices for name in names)):
        name = f"python_infer_gpu_usetrt_{use_trt}_precision_{precision}_batchsize_{batch_size}"
        flags = ["--device=gpu", f"--use_trt={use_trt}", f"--precision={precision}", f"--batch_size={batch_size}"]
        tensorrt = _switch(use_trt, params["use_trt"].place)
        if "CUDAExecutionProvider" not in machine.providers or not machine.gpus:
            skip = "no GPU for ONNX Runtime here (pip install onnxruntime-gpu, on a machine that has one)"
        elif tensorrt and "TensorrtExecutionProvider" not in machine.providers:
            skip = "this ONNX Runtime has no TensorRT"
        else:
            skip = "" if precision == "fp16" and tensorrt else _other_precision(precision, quantised)
        found.append((name, flags, skip))
    return found


def _other_precision(precision: str, quantised: bool) -> str:
    """Why a model does not run in a precision; empty if it does."""
    own = "int8" if quantised else "fp32"
    return "" if precision == own else f"a model exported in {own} does not run in {precision} here"


def _switch(word: str, place: str) -> bool:
    if word not in BOOLEANS:
        raise ParamsError(f"{place}: '{word}'; want True, False or True|False")
    return BOOLEANS[word]
