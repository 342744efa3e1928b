"""What suits these data on this machine: model, sizes, augmentation, loss."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from segwright.starter.geometry import Geometry, choose_geometry
from segwright.starter.machine import GIB, Machine
from segwright.starter.plan import Plan
from segwright.starter.recipes import RECIPES, Recipe
from segwright.starter.view import View

IMAGENET = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}
MANY = 1000  # pictures from which on a large network learns from random weights
LARGE = 8 * GIB  # of GPU memory that a large network takes
SMALL_OBJECT = 0.1  # share of the pixels below which Dice helps
SIDES = ("left", "right")
SHOWN = 11  # names and ids in a line


@dataclass(frozen=True)
class Wishes:
    """What the user asked for.

    Attributes:
        target: a word of ``TARGETS``.
        model: a key of ``RECIPES``; empty leaves it open.
        weights: local file to start from.
        minutes: that training may take.
        iters: iterations, whatever time they take.
        seed: of the split and of training.
    """

    target: str = "accuracy"
    model: str = ""
    weights: Path | None = None
    minutes: float | None = None
    iters: int | None = None
    seed: int = 0


def decide(view: View, machine: Machine, wishes: Wishes, save_dir: str) -> tuple[Plan, Recipe, Geometry]:
    """All that does not depend on time and memory.

    Args:
        view: the data.
        machine: where to train.
        wishes: of the user.
        save_dir: folder for training's results.
    """
    plan = Plan()
    plan.data = dict.fromkeys(
        (
            "batch_size",
            "iters",
            "train_dataset",
            "val_dataset",
            "optimizer",
            "lr_scheduler",
            "loss",
            "model",
            "global",
            "train",
        )
    )
    for key in ("global", "train"):
        plan.data[key] = {}
    name, why = _model(view, machine, wishes)
    recipe = RECIPES[name]
    _place_model(plan, recipe, why, wishes)
    geometry = choose_geometry(view.pictures.median, _budget(machine, wishes))
    _data(plan, view)
    _transforms(plan, view, geometry, bool(wishes.weights and recipe.has_backbone))
    _loss(plan, view, recipe)
    plan.choose(("train", "save_dir"), save_dir, "checkpoints, best_model, logs")
    plan.choose(("train", "do_eval"), True, "evaluates at every save and keeps the best model")
    plan.choose(("train", "keep_checkpoint_max"), 2, "the newest ones; best_model is kept apart")
    plan.choose(("train", "seed"), wishes.seed, "weights, order and augmentation come out the same with the same seed")
    if machine.precision != "fp32":
        why = f"{machine.name} computes in it; weights stay fp32"
        plan.choose(("train", "precision"), machine.precision, why, title="precision")
    else:
        plan.explain((), "half precision pays on GPUs", title="precision", shown="fp32")
    plan.cautions += view.cautions()
    return plan, recipe, geometry


def _model(view: View, machine: Machine, wishes: Wishes) -> tuple[str, str]:
    if wishes.model:
        return wishes.model, "as --model says"
    if wishes.target == "edge":
        return "lraspp_small", "--target edge: the smallest model here"
    if wishes.target == "speed" and not machine.is_gpu:
        return "lraspp", "--target speed on a CPU: depthwise convolutions"
    ready = wishes.weights is not None or len(view.division.train) >= MANY
    if wishes.target == "accuracy" and machine.is_gpu and machine.memory >= LARGE and ready:
        return "deeplabv3p", f"{machine.memory / GIB:.0f} GiB free on the GPU, and enough to learn from"
    if not machine.is_gpu:
        return "bisenetv2", "learns well from random weights, and a CPU trains it in reasonable time"
    short = f"{len(view.division.train)} pictures are too few for a large network without weights to start from"
    return "bisenetv2", short if not ready else "fast, and learns well from random weights"


def _place_model(plan: Plan, recipe: Recipe, why: str, wishes: Wishes) -> None:
    model: dict[str, Any] = {
        key: dict(value) if isinstance(value, dict) else value for key, value in recipe.model.items()
    }
    plan.data["model"] = model
    shown = model["type"] + (f" on {model['backbone']['type']}" if recipe.has_backbone else "")
    plan.explain(("model", "type"), f"{recipe.what}; {why}", title="model", shown=shown)
    path = ("model", "backbone", "pretrained") if recipe.has_backbone else ("model", "pretrained")
    if wishes.weights:
        plan.choose(
            path, str(wishes.weights.absolute()), "as --pretrained says", title="pretrained", shown=wishes.weights
        )
    elif recipe.url:
        why = f"random weights; {recipe.url} would be downloaded once and mostly helps"
        plan.choose(path, None, why, title="pretrained", shown="none")
    else:
        plan.choose(path, None, "random weights: none are published for it alone", title="pretrained", shown="none")


def _budget(machine: Machine, wishes: Wishes) -> int:
    """Pixels of a crop."""
    if not machine.is_gpu:
        return 256 * 256 if wishes.target == "edge" else 320 * 320
    return 512 * 512 if machine.memory < 16 * GIB else 1024 * 512


def _data(plan: Plan, view: View) -> None:
    found, values, division = view.found, view.values, view.division
    shown = f"{len(division.train)} training, {len(division.val)} validation pictures"
    plan.explain((), f"{found.how}; {division.why}", title="data", shown=shown)
    block: dict[str, Any] = dict(found.known or {"type": "Dataset", "dataset_root": str(found.root.absolute())})
    for key in ("train_dataset", "val_dataset"):
        plan.data[key] = dict(block)
        if found.known:
            continue
        plan.data[key] |= {f"{key.removesuffix('_dataset')}_path": "", "num_classes": view.num_classes}
        if found.lists and found.separator != " " and not division.is_new:
            plan.data[key]["separator"] = found.separator
        if view.class_names:
            plan.data[key]["class_names"] = list(view.class_names)
    shown = (
        f"{view.num_classes}: {_listed(view.class_names)}" if view.class_names else f"{view.num_classes}, without names"
    )
    why = f"ids {_listed(values.ids)} in {values.looked} of {values.total} label maps; a background counts"
    plan.explain(("train_dataset", "num_classes"), why, title="classes", shown=shown)
    ignored = values.pixels[255] / max(1, sum(values.pixels.values()))
    why = f"{ignored:.1%} of the pixels have it" if ignored else "no pixel has it, crops beyond the picture get it"
    plan.explain((), why, title="ignore_index", shown=255)
    plan.explain(("train_dataset", "dataset_root"), "names in the lists are relative to it")
    plan.explain(("val_dataset", "type"), division.why)


def _listed(words: Sequence[object]) -> str:
    """The first few."""
    return ", ".join(map(str, words[:SHOWN])) + (" ..." if len(words) > SHOWN else "")


def _transforms(plan: Plan, view: View, geometry: Geometry, pretrained: bool) -> None:
    pictures = view.pictures
    train: list[dict[str, Any]] = []
    why: list[str] = []

    def add(block: dict[str, Any], reason: str, title: str = "", shown: object = "") -> None:
        train.append(block)
        why.append(reason)
        if title:
            plan.explain((), reason, title=title, shown=shown)

    if geometry.max_long:
        reason = f"{pictures.sizes}: smaller ones train faster; results are brought back to the picture's own size"
        add(
            {"type": "LimitLong", "max_long": geometry.max_long},
            reason,
            "picture size",
            f"at most {geometry.max_long} long",
        )
    else:
        plan.explain((), f"{pictures.sizes}", title="picture size", shown="as they are")
    low, high = (0.75, 1.5)
    scaling = {"type": "ResizeStepScaling", "min_scale_factor": low, "max_scale_factor": high, "scale_step_size": 0.25}
    add(scaling, "things are seen nearer and farther than in the pictures", "scaling", f"{low} to {high}")
    crop = geometry.crop
    covers = crop.height * crop.width / (geometry.picture.height * geometry.picture.width)
    reason = f"width, height: multiples of 32, {min(covers, 1):.0%} of a picture of {geometry.picture}"
    add({"type": "RandomPaddingCrop", "crop_size": [crop.width, crop.height]}, reason, "crop", crop)
    sided = [name for name in view.class_names if any(word in name.lower() for word in SIDES)]
    if sided:
        plan.explain((), f"{sided[0]} would turn into its opposite", title="mirroring", shown="off")
    else:
        reason = "take it out if left and right differ in meaning, which pictures do not tell"
        add({"type": "RandomHorizontalFlip"}, reason, "mirroring", "left to right")
    distort: dict[str, Any] = {"type": "RandomDistort", "brightness_range": 0.4, "contrast_range": 0.4}
    if pictures.is_gray:
        add(
            distort | {"saturation_prob": 0.0, "hue_prob": 0.0},
            "pictures are gray: light alone varies",
            "colours",
            "brightness, contrast",
        )
    else:
        reason = "light and cameras vary; hue stays, for it tells classes apart"
        add(distort | {"saturation_range": 0.4, "hue_prob": 0.0}, reason, "colours", "brightness, contrast, saturation")
    numbers = IMAGENET if pretrained else {"mean": list(pictures.mean), "std": list(pictures.std)}
    reason = "what the weights were trained with" if pretrained else "measured on these pictures"
    add({"type": "Normalize", **numbers}, reason, "mean and std", f"{numbers['mean']}, {numbers['std']}")
    plan.data["train_dataset"]["transforms"] = train
    for place, reason in enumerate(why):
        plan.explain(("train_dataset", "transforms", place), reason)
    plan.data["val_dataset"]["transforms"] = [
        dict(step) for step in train if step["type"] in ("LimitLong", "Normalize")
    ]
    plan.explain(("val_dataset", "transforms"), "whole pictures, as the model will see them in use")


def _loss(plan: Plan, view: View, recipe: Recipe) -> None:
    shares = view.shares
    rarest = min(shares, key=lambda value: shares[value])
    rare = f"{view.name(rarest)} has {shares[rarest]:.2%} of the pixels"
    cross = {"type": "CrossEntropyLoss"}
    if view.num_classes == 2 and shares[rarest] < SMALL_OBJECT:
        mixed = {"type": "MixedLoss", "losses": [cross, {"type": "DiceLoss"}], "coef": [0.8, 0.2]}
        reason = f"{rare}: Dice counts overlap, however small a thing is"
        plan.data["loss"] = {"types": [mixed], "coef": list(recipe.coef)}
        plan.explain(("loss", "types"), reason, title="loss", shown="cross entropy + Dice")
    else:
        reason = (
            f"the rarest class, {rare}"
            if view.num_classes == 2
            else f"{rare}, the least; if it scores badly: weight: auto"
        )
        plan.data["loss"] = {"types": [cross], "coef": list(recipe.coef)}
        plan.explain(("loss", "types"), reason, title="loss", shown="cross entropy")
    if len(recipe.coef) > 1:
        plan.explain(("loss", "coef"), f"one for each of the {len(recipe.coef)} outputs that are trained")
