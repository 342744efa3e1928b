"""The way from a folder to a configuration on the disk."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from segwright import atomic
from segwright.datasets import Pair
from segwright.datasets.pair_folders import write_list
from segwright.errors import ConfigError
from segwright.starter.decide import Wishes, decide
from segwright.starter.division import divide
from segwright.starter.find import find
from segwright.starter.machine import Machine
from segwright.starter.measuring import measure_step
from segwright.starter.pictures import look_at_pictures
from segwright.starter.plan import Plan
from segwright.starter.schedule import add_schedule
from segwright.starter.view import View
from segwright.starter.yaml_text import commented_yaml


@dataclass(frozen=True)
class Start:
    """What will be, or was, written.

    Attributes:
        plan: values and reasons.
        text: the configuration file's content.
        lists: pairs by list file that has to be written beside it.
        root: folder that names in these are relative to.
    """

    plan: Plan
    text: str
    lists: dict[Path, Sequence[Pair]]
    root: Path

    def write(self, path: Path, *, force: bool = False) -> None:
        """Write lists and configuration, all or none of them where something is there already.

        Raises:
            ConfigError: a file is there and ``force`` is False.
        """
        there = [str(file) for file in (path, *self.lists) if file.exists()]
        if there and not force:
            raise ConfigError(f"{', '.join(there)} exist already; name another --output, or replace them with --force")
        for file, pairs in self.lists.items():
            spaces = any(" " in str(name) for pair in pairs for name in pair if name)
            write_list(file, pairs, self.root, "\t" if spaces else " ")
        atomic.write_text(path, self.text)


def prepare(
    folder: Path,
    output: Path,
    machine: Machine,
    wishes: Wishes,
    *,
    class_names: Sequence[str] = (),
    convert: Path | None = None,
) -> Start:
    """Look, decide, measure; nothing is written but label maps to ``convert``.

    Args:
        folder: with pictures and annotations.
        output: where the configuration will be.
        machine: where training will be.
        wishes: of the user.
        class_names: of the user; may be empty.
        convert: new folder for label maps.

    Raises:
        DataError: there is nothing to train with.
        ConfigError: wishes contradict each other or the data.
    """
    num_threads = max(1, machine.cores)
    found, values = find(folder, convert, num_workers=num_threads)
    division = divide(found, values, seed=wishes.seed, num_threads=num_threads)
    pictures = look_at_pictures([*division.train, *division.val], num_threads=num_threads)
    view = View(found, values, division, pictures, class_names)
    plan, recipe, geometry = decide(view, machine, wishes, f"output/{output.stem}")
    lists = _lists(plan, view, output)
    measured = measure_step(plan.data, division.train, view.num_classes, found.stored_ids, machine.device)
    add_schedule(plan, view, machine, wishes, recipe, geometry, measured)
    return Start(plan, commented_yaml(plan.data, plan.why, _head(folder, machine, plan)), lists, found.root)


def _lists(plan: Plan, view: View, output: Path) -> dict[Path, Sequence[Pair]]:
    """Name list files in the plan: those of the data where they can be used as they are, else new ones."""
    if view.found.known:
        return {}
    new: dict[Path, Sequence[Pair]] = {}
    for part, pairs in (("train", view.division.train), ("val", view.division.val)):
        path = view.found.lists.get(part)
        if path is None or view.division.is_new:
            path = output.parent / f"{output.stem}_{part}.txt"
            new[path] = pairs
        why = "written beside this file" if path in new else "the data's own list"
        plan.choose((f"{part}_dataset", f"{part}_path"), str(path.absolute()), f"{why}: {len(pairs)} pictures")
    return new


def _head(folder: Path, machine: Machine, plan: Plan) -> str:
    lines = [f"Written by 'segwright init {folder}' for {machine.name}. A comment says why a value was chosen."]
    return "\n".join([*lines, *(f"NOTE: {caution}" for caution in plan.cautions)])
