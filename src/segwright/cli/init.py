"""``segwright init FOLDER``: from a folder of pictures with annotations to a configuration that trains here."""

import argparse
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from segwright.cli.flags import add_device, add_switch, natural, positive
from segwright.starter.recipes import RECIPES, TARGETS

if TYPE_CHECKING:
    from segwright.starter.plan import Plan


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "init",
        help="write a configuration for a folder of pictures",
        description="Look at a folder of pictures with annotations in any usual layout and at this machine, measure a "
        "training step, and write a configuration that says why each value was chosen. The folder is only read, and "
        "nothing is downloaded.",
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="pictures with label maps, masks or annotations")
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        help="the configuration; lists go beside it; default: FOLDER's name + .yml",
    )
    parser.add_argument(
        "--convert",
        type=Path,
        metavar="DIR",
        help="new folder for label maps, where masks, labelme's or COCO's files have to become some first",
    )
    parser.add_argument(
        "--target",
        choices=TARGETS,
        default="accuracy",
        help="what matters most: the score, fast predictions, or a small model",
    )
    parser.add_argument("--model", choices=tuple(RECIPES), help="default: what suits target, machine and data")
    parser.add_argument(
        "--pretrained",
        type=Path,
        metavar="FILE",
        help="weights to start from, a local file; of the backbone if there is one",
    )
    parser.add_argument(
        "--minutes", type=positive, metavar="N", help="time for training; default: 60 on a CPU, 240 on a GPU"
    )
    parser.add_argument("--iters", type=positive, metavar="N", help="iterations, whatever time they take")
    parser.add_argument(
        "--classes", nargs="+", default=[], metavar="NAME", help="names of the classes, that of id 0 first"
    )
    parser.add_argument("--seed", type=natural, default=0, metavar="N", help="of the split and of training")
    add_switch(parser, "--dry_run", "print the configuration, write nothing")
    add_switch(parser, "--force", "replace a configuration and lists that are there")
    add_device(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Look, decide, write, say why."""
    from segwright.build import load_config
    from segwright.errors import ConfigError
    from segwright.starter.decide import Wishes
    from segwright.starter.machine import this_machine
    from segwright.starter.start import prepare

    output = args.output or Path(f"{args.folder.absolute().name}.yml")
    if output.exists() and not (args.force or args.dry_run):
        raise ConfigError(f"{output} exists already; name another --output, or replace it with --force")
    if args.pretrained and not args.pretrained.is_file():
        raise ConfigError(f"--pretrained {args.pretrained} is no file; init downloads nothing: fetch the weights first")
    wishes = Wishes(args.target, args.model or "", args.pretrained, args.minutes, args.iters, args.seed)
    start = prepare(
        args.folder, output, this_machine(args.device), wishes, class_names=args.classes, convert=args.convert
    )
    show(start.plan)
    if args.dry_run:
        print(start.text)
        return
    start.write(output, force=args.force)
    load_config(output)
    print(f"\n{output} is written. What comes next:\n\n{next_commands(output, args.folder)}")


def show(plan: "Plan") -> None:
    """What was chosen and why, and what to know."""
    from rich import box, get_console
    from rich.markup import escape
    from rich.table import Table

    table = Table("value", "choice", "why", box=box.SIMPLE_HEAD)
    for choice in plan.choices:
        table.add_row(choice.title, escape(choice.value), escape(choice.why))
    console = get_console()
    console.print(table)
    for caution in plan.cautions:
        console.print(f"NOTE: {caution}", highlight=False, markup=False)


def next_commands(config: Path, folder: Path) -> str:
    """Commands to paste."""
    name, results = shlex.quote(str(config)), f"output/{config.stem}"
    with_model = f"--config {name} --model_path {shlex.quote(f'{results}/best_model')}"
    pictures, shown = shlex.quote(str(folder)), shlex.quote(f"{results}/predicted")
    return "\n".join(
        (
            f"  segwright doctor {name}",
            f"  segwright train --config {name}",
            f"  segwright val {with_model}",
            f"  segwright predict {with_model} --image_path {pictures} --save_dir {shown}",
            f"  segwright export {with_model} --save_dir {shlex.quote(f'{results}/export')}",
        )
    )
