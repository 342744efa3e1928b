"""What depends on time and memory: batch, iterations, rate, readers, evaluations."""

from segwright.doctor.pace import spoken
from segwright.errors import ConfigError
from segwright.starter.decide import Wishes
from segwright.starter.geometry import Geometry
from segwright.starter.machine import GIB, Machine
from segwright.starter.measuring import Measured
from segwright.starter.plan import Plan
from segwright.starter.recipes import Recipe
from segwright.starter.view import View

MINUTES = {False: 60, True: 240}  # that training may take if nothing is said, by whether there is a GPU
EPOCHS = ((200, 200), (2000, 100), (10_000, 50))  # pictures up to which, and how often each should be seen
LAST_EPOCHS = 30
FEWEST_ITERS, FEW_EPOCHS = 1000, 10
STEP_PIXELS = 4 * 320 * 320  # that a CPU's batch should have: batch norms want several pictures
MOST_PICTURES = 16
RATED_BATCH = 8  # batch that a recipe's rate is for
EVALUATIONS, EVALUATION_SHARE = 10, 0.2  # how many, and what they may take of the time
FORWARD = 0.35  # a forward pass to a training step


def add_schedule(
    plan: Plan, view: View, machine: Machine, wishes: Wishes, recipe: Recipe, geometry: Geometry, measured: Measured
) -> None:
    """Complete the plan.

    Raises:
        ConfigError: both time and iterations are asked for.
    """
    if wishes.minutes and wishes.iters:
        raise ConfigError("--minutes and --iters both say how long to train; give one of them")
    pictures = len(view.division.train)
    batch = _batch(plan, pictures, machine, geometry, measured)
    step = _step_seconds(machine, measured, batch)
    iters = _iters(plan, pictures, batch, step, machine, wishes)
    _rate(plan, recipe, batch, iters)
    _readers(plan, machine, measured, batch, step)
    _evaluations(plan, view, geometry, measured, iters, step)


def _batch(plan: Plan, pictures: int, machine: Machine, geometry: Geometry, measured: Measured) -> int:
    area = geometry.crop.height * geometry.crop.width
    if machine.device.type == "cuda" and measured.gpu_bytes:
        most = int(0.7 * machine.memory / measured.gpu_bytes)
        why = f"{measured.gpu_bytes / GIB:.2f} GiB a picture, measured, of {machine.memory / GIB:.0f} GiB free"
    else:
        most = max(4, STEP_PIXELS // area) if machine.memory > 2 * GIB else 2
        why = f"batch norms want several pictures, {machine.name} a short step"
    batch = max(2, 1 << min(most, MOST_PICTURES, pictures).bit_length() - 1)
    plan.choose(("batch_size",), batch, why, title="batch size")
    return batch


def _step_seconds(machine: Machine, measured: Measured, batch: int) -> float | None:
    if measured.seconds is None:
        return None
    readers = max(1, machine.cores - 1)
    return batch * max(measured.seconds, measured.reader_ms / 1000 / readers)


def _iters(plan: Plan, pictures: int, batch: int, step: float | None, machine: Machine, wishes: Wishes) -> int:
    epochs = next((times for most, times in EPOCHS if pictures <= most), LAST_EPOCHS)
    wanted = max(FEWEST_ITERS, pictures * epochs // batch)
    minutes = wishes.minutes or MINUTES[machine.is_gpu]
    if wishes.iters:
        iters, why = wishes.iters, "as --iters says"
    elif step is None:
        iters, why = _rounded(wanted), "the model could not be tried here, so that its time is not known"
    else:
        possible = max(10, int(minutes * 60 / (step * (1 + EVALUATION_SHARE / 2))))
        is_short = possible < wanted
        iters = _rounded(min(wanted, possible))
        limit = f"what {minutes:g} minutes allow ({'--minutes' if wishes.minutes else '--minutes changes it'})"
        why = limit if is_short else f"enough for {pictures} pictures"
    seen = iters * batch / pictures
    why += f": each is seen {seen:.0f} times"
    if step:
        why += f"; {step:.2f} s a step measured, about {spoken(iters * step)} in all"
    plan.choose(("iters",), iters, why, title="iterations")
    if seen < FEW_EPOCHS and not wishes.iters:
        plan.cautions.append(f"{iters} iterations show each picture only {seen:.1f} times: allow more with --minutes.")
    return iters


def _rounded(number: int) -> int:
    """Down to two digits."""
    unit = 10 ** max(0, len(str(number)) - 2)
    return number // unit * unit


def _rate(plan: Plan, recipe: Recipe, batch: int, iters: int) -> None:
    rate = float(f"{recipe.rate * batch / RATED_BATCH:.2g}")
    plan.data["optimizer"] = {"type": "SGD", "momentum": 0.9, "weight_decay": recipe.weight_decay}
    plan.data["lr_scheduler"] = {"type": "PolynomialDecay", "learning_rate": rate, "end_lr": 0, "power": 0.9}
    why = f"{recipe.rate} for {RATED_BATCH} pictures a step, in proportion to the batch; one device"
    plan.explain(("lr_scheduler", "learning_rate"), why, title="learning rate", shown=rate)
    plan.explain(("lr_scheduler", "end_lr"), "falls to it over all iterations: decay_steps, left out, follows iters")
    warmup = min(500, iters // 20)
    if warmup >= 2:
        plan.choose(("lr_scheduler", "warmup_iters"), warmup, "a gentle start, a twentieth of the run", title="warm-up")


def _readers(plan: Plan, machine: Machine, measured: Measured, batch: int, step: float | None) -> None:
    most = min(8, machine.cores - 1)
    needed = -(-batch * measured.reader_ms / 1000 // step) if step else most
    readers = int(min(most, max(1, needed + machine.is_gpu)))
    why = f"a sample takes one reader {measured.reader_ms:.0f} ms; one of {machine.cores} cores is left for training"
    plan.choose(("global", "num_workers"), readers, why, title="readers")


def _evaluations(
    plan: Plan, view: View, geometry: Geometry, measured: Measured, iters: int, step: float | None
) -> None:
    number = EVALUATIONS
    if step and measured.seconds:
        times = geometry.picture.height * geometry.picture.width / (geometry.crop.height * geometry.crop.width)
        once = len(view.division.val) * FORWARD * measured.seconds * times
        number = int(min(EVALUATIONS, max(2, EVALUATION_SHARE * iters * step / once)))
    interval = max(1, iters // number)
    why = f"{iters // interval} evaluations of {len(view.division.val)} pictures, at most a fifth of the time"
    plan.choose(("train", "save_interval"), interval, why, title="evaluation every")
    plan.choose(("train", "log_iters"), max(1, min(50, iters // 100)), "a hundred lines in all, or so")
