"""``segwright convert IN OUT``: weights in another format, under the names and in the layout that belong to it."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn

    from segwright.weights import Contents

RUN_CONFIG = "config.yml"  # what a training run leaves above its checkpoints


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "convert",
        help="convert weights between PaddlePaddle, PyTorch and safetensors",
        description="Write weights in another format: .pdparams that PaddleSeg loads, PyTorch's .pth, or .safetensors. "
        "The model is told by --config, by the configuration of the training run that the file belongs to, or by the "
        "names and shapes in the file; every variable must be the model's.",
    )
    parser.add_argument(
        "input", metavar="IN", help="file of weights in any of the formats, its folder, an archive with it, or a URL"
    )
    parser.add_argument("output", type=Path, metavar="OUT", help="a name in .pdparams, .pth or .safetensors")
    parser.add_argument("--config", type=Path, metavar="FILE", help="YAML file whose model the weights are for")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Read, find the model, write."""
    from segwright.errors import WeightsError
    from segwright.weights import convert_weights, read_contents
    from segwright.weights.write import check_suffix

    check_suffix(args.output)
    contents = read_contents(args.input)
    source = contents.source.resolve()
    if args.output.resolve() in (source, *source.parents):  # in an archive, the archive is among the parents
        raise WeightsError(f"{args.output} is the input; give the output another name")
    model, how = choose_model(args.config, contents)
    report = convert_weights(model, contents, args.output)
    print(f"{len(report.matched)} variables of {how}")
    print(f"{contents.source} -> {args.output}")


def choose_model(config: Path | None, contents: "Contents") -> "tuple[nn.Module, str]":
    """The model that the weights are for, and in words which it is and how that is known."""
    from segwright.build.recognise import recognise_model

    if config:
        return build(config), f"the model in {config}"
    for folder in contents.source.parents[:2]:
        path = folder / RUN_CONFIG
        if path.is_file() and (model := build_if_it_fits(path, contents)):
            return model, f"{type(model).__name__}, the model in {path}"
    recognised = recognise_model(contents)
    return recognised.model, f"{recognised}; recognised by names and shapes"


def build(path: Path) -> "nn.Module":
    """The model of a configuration file."""
    from segwright.build import build_model, load_config
    from segwright.build.load import model_block

    config = load_config(path)
    config.require("model", purpose="to tell the names of the variables")
    return build_model(model_block(config))


def build_if_it_fits(path: Path, contents: "Contents") -> "nn.Module | None":
    """The model of a configuration that happens to lie there, unless it is another one."""
    from segwright.errors import ConfigError, WeightsError
    from segwright.weights.load import fit

    try:
        model = build(path)
        report, _ = fit(model, contents)
    except (ConfigError, WeightsError):
        return None
    return model if report.complete else None
