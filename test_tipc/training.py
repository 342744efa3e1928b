"""The steps that train, evaluate and export, for each device, precision and trainer."""

import shlex
from dataclasses import dataclass
from pathlib import Path

from test_tipc.commands import segwright, translate
from test_tipc.inference import infer_steps
from test_tipc.machine import Machine
from test_tipc.params import Param, ParamsError
from test_tipc.step import Params, Step, output_folder

CPU = "-1"  # in gpu_list
NOT_THERE = {
    "pact": "segwright does not train quantised; segwright export --precision int8 quantises a trained model",
    "fpgm": "segwright does not prune",
    "distill": "segwright has no command that distils",
}


@dataclass(frozen=True)
class Place:
    """Where a training runs.

    Attributes:
        gpu: an entry of ``gpu_list``: ``-1`` for the CPU, else numbers of GPUs with commas between them.
        skip: why it cannot run here.
    """

    gpu: str
    skip: str

    @property
    def numbers(self) -> list[str]:
        """Of the GPUs."""
        return [] if self.gpu == CPU else self.gpu.split(",")

    @property
    def environment(self) -> dict[str, str]:
        """So that nothing but these GPUs is taken."""
        return {"CUDA_VISIBLE_DEVICES": self.gpu} if self.numbers else {}

    @property
    def flag(self) -> str:
        """For train and val; the last ``--device`` of a command counts."""
        return "--device=gpu" if self.numbers else "--device=cpu"


def places(params: Params, machine: Machine) -> list[Place]:
    """The entries of ``gpu_list``.

    Raises:
        ParamsError: one is no list of numbers, or ``Global.use_gpu`` says something too.
    """
    if set(params["use_gpu"].choices) - {"null"}:
        raise ParamsError(f"{params['use_gpu'].place}: '{params['use_gpu'].value}', but gpu_list decides; want null")
    found = []
    for gpu in params["gpu_list"].choices:
        skip = ""
        if ";" in gpu:
            skip = "several machines: start torchrun on each of them, see docs/training.md"
        elif gpu != CPU:
            if not all(number.isdigit() for number in gpu.split(",")):
                raise ParamsError(f"{params['gpu_list'].place}: '{gpu}'; want -1 for the CPU, or GPUs as in 0|0,1")
            if max(map(int, gpu.split(","))) >= machine.gpus:
                skip = f"no GPU {gpu} here, PyTorch finds {machine.gpus}"
        found.append(Place(gpu, skip))
    return found


def train_step(params: Params, trainer: str, place: Place, precision: str) -> Step:
    """A training; the run's folder is named after how it is trained.

    Raises:
        ParamsError: there is no such trainer, or its command is not one for training.
    """
    line = trainer_lines(params, trainer)[0]
    folder = output_folder(params) / f"{trainer}_gpus_{place.gpu}_autocast_{precision or 'null'}"
    log = folder.with_name(f"{folder.name}_train.log")
    if why := _not_there(trainer):
        return Step(tuple(shlex.split(line.value)), log, skip=why)
    skip = place.skip
    if not skip and not place.numbers and precision == "fp16":
        skip = "training in fp16 needs a GPU"
    words = [*translate(line, "train"), f"--save_dir={folder}", *params["iters"].flag(), *params["batch_size"].flag()]
    words += [f"--precision={precision}"] if precision else []
    words += [f"--finetune={params['pretrained'].value}"] if params["pretrained"].value else []
    words += [*params["train_extra"].flag(), place.flag]
    command = segwright(*words, processes=max(1, len(place.numbers)))
    return Step(tuple(command), log, place.environment, skip=skip, fresh=folder)


def trainers(params: Params) -> list[str]:
    """The kinds of training.

    Raises:
        ParamsError: there is none for this mode.
    """
    line = params["trainer"]
    if not line.choices:
        raise ParamsError(f"{line.place}: no trainer for this mode; want norm, or a name with a command further down")
    return line.choices


def trainer_lines(params: Params, trainer: str) -> tuple[Param, Param]:
    """The commands that train and export.

    Raises:
        ParamsError: there is no trainer of that name, or it has no command.
    """
    own = {params[f"own_train_{number}"].key: f"own_train_{number}" for number in (1, 2)}
    kinds = {f"{kind}{ending}": f"{kind}_train" for kind in ("norm", *NOT_THERE) for ending in ("", "_train")}
    name = {**own, **kinds}.get(trainer)
    if name is None or not params[name].value:
        raise ParamsError(f"{params['trainer'].place}: trainer '{trainer}' has no command; want it behind '{trainer}:'")
    return params[name], params[name.replace("train", "export")]


def precisions(line: Param) -> list[str]:
    """Of ``--precision``: empty for what the command says itself; ``amp`` is fp16."""
    if line.value and line.key != "--precision":
        line.flag()  # says what is wrong
    return ["fp16" if choice == "amp" else choice.replace("null", "") for choice in line.choices] or [""]


def trained_weights(params: Params, step: Step) -> Path:
    """The weights that a training leaves: the best ones where it evaluates, else the last.

    Raises:
        ParamsError: it does not evaluate, and the file does not say how long it trains.
    """
    folder = step.fresh or Path()
    if any(word == "--do_eval" or word.lower() == "--do_eval=true" for word in step.command):
        return folder / Path(params["train_model_name"].value).parent
    if not params["iters"].value:
        raise ParamsError(f"{params['iters'].place}: want --iters for this mode, or --do_eval in the training command")
    return folder / f"iter_{params['iters'].value}"


def training_plan(params: Params, machine: Machine) -> list[Step]:
    """Train, evaluate, export and infer, for each device, precision and trainer.

    Raises:
        ParamsError: a line makes no sense.
    """
    runs = [
        (trainer, train_step(params, trainer, place, precision), place)
        for place in places(params, machine)
        for precision in precisions(params["precision"])
        for trainer in trainers(params)
    ]
    alone = sum(not train.skip for _, train, _ in runs) == 1  # so that its results can have PaddleSeg's place
    steps = []
    for trainer, train, place in runs:
        steps.append(train)
        if _not_there(trainer):
            continue
        weights, folder = trained_weights(params, train), train.fresh or Path()
        log, export_line = str(folder), trainer_lines(params, trainer)[1]

        def after(words: list[str], name: str, needs: Step = train, log: str = log, place: Place = place) -> Step:
            return Step(tuple(segwright(*words)), Path(f"{log}_{name}.log"), place.environment, needs, needs.skip)

        if params["eval"].value:
            words = [*translate(params["eval"], "val"), f"--model_path={weights}", *params["eval_extra"].flag()]
            steps.append(after([*words, place.flag], "val"))
        if export_line.value:
            words = [*translate(export_line, "export"), f"--model_path={weights}", f"--save_dir={folder}"]
            steps.append(export := after(words, "export"))
            results = output_folder(params) if alone and not train.skip else folder
            pictures = params["train_infer_img_dir"].value
            steps += infer_steps(params, machine, folder, results, pictures, needs=export, quantised=False)
    return steps


def _not_there(trainer: str) -> str:
    """Why a kind of training is none of segwright's; empty if it is one."""
    return next((why for name, why in NOT_THERE.items() if trainer in (name, f"{name}_train")), "")
