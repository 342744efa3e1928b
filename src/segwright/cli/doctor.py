"""``segwright doctor CONFIG``: what is wrong with a configuration, its data and its weights, before training starts."""

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segwright.cli.flags import add_device, add_switch, add_weights, cores, default_workers, natural, positive

if TYPE_CHECKING:
    from segwright.config import Config
    from segwright.datasets import SegmentationDataset
    from segwright.doctor import Case, Finding, Intake

NAMED = 5  # files named on the terminal; the page and the JSON have all
SECTIONS = ("train_dataset", "val_dataset")


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "doctor",
        help="find mistakes in a configuration, its data and its weights",
        description="Read a configuration, all pictures and label maps and, if given, weights; say what is wrong, how "
        "that was measured, and what helps. Ends with exit code 0 if there are no errors, 1 if there are.",
    )
    parser.add_argument("config", type=Path, metavar="CONFIG", help="YAML file of the experiment")
    parser.add_argument(
        "--opts", nargs="+", default=[], metavar="KEY=VALUE", help="change config values: model.num_classes=3 iters=500"
    )
    add_weights(parser)
    parser.add_argument(
        "--sample",
        type=positive,
        metavar="N",
        help="look at N pairs of each part only, which takes seconds; time and memory of training are not measured; "
        "default: at all",
    )
    parser.add_argument("--report", type=Path, metavar="FILE", help="also write an HTML page with pictures")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the findings as JSON")
    parser.add_argument(
        "--fix",
        type=Path,
        metavar="DIR",
        help="write a corrected copy of the data, with its config.yml, to a new folder",
    )
    add_switch(parser, "--strict", "exit code 1 for warnings, too")
    parser.add_argument(
        "--num_workers",
        type=natural,
        default=cores(),
        metavar="N",
        help="processes that look at the data; default: one for each core (%(default)s here)",
    )
    add_device(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Look, print, write; 1 if there are errors."""
    from segwright import atomic
    from segwright.doctor import Case, Intake, Level, examine, look
    from segwright.doctor.mend import check_new, mend
    from segwright.errors import ConfigError

    if not args.config.is_file():
        raise ConfigError(f"{args.config} does not exist; want the YAML file of an experiment")
    if args.fix:
        check_new(args.fix)  # before minutes are spent
    for path in filter(None, (args.report, args.json)):
        atomic.ensure_folder(path.parent)
    if args.report:
        from segwright.report.templates import environment

        environment()
    start = time.perf_counter()
    intake = Intake()
    config, datasets = take_in(args, intake)
    seen = look(datasets, sample=args.sample, num_workers=args.num_workers)
    looked = time.perf_counter() - start
    case = Case(datasets, seen, config, intake.findings)
    if args.sample is None:
        intake.findings += pace(args, case, intake)
    findings = examine(case)
    report(args, case, findings, looked)
    if args.fix:
        mended = mend(case, args.fix, num_workers=args.num_workers)
        print(f"{mended.config}: {mended.changed} pairs mended, {mended.kept} copied, {len(mended.dropped)} left out")
        for name, reason in mended.dropped:
            print(f"  left out: {reason if name in reason else f'{name}: {reason}'}")
    worst = max((finding.level for finding in findings), default=Level.INFO)
    return int(worst >= (Level.WARNING if args.strict else Level.ERROR))


def take_in(args: argparse.Namespace, intake: "Intake") -> "tuple[Config | None, dict[str, SegmentationDataset]]":
    """Build all that training, evaluation and export would build; what they would say becomes findings."""
    from segwright.build import load_config
    from segwright.cli.export import choose_transforms
    from segwright.cli.setup import auc_roc_wanted, build_data, build_model_with_weights, inference_of

    config, datasets = None, {}
    with intake.listening("config", "the configuration"):
        config = load_config(args.config, args.opts)
    if config is None:
        return None, {}
    for section in SECTIONS:
        if config.section(section):
            with intake.listening("data", section):
                datasets[section] = build_data(config, section)
    with intake.listening("config", "the settings of evaluation"):
        inference_of(config)
        auc_roc_wanted(config)
    if config.section("export") or config.section("val_dataset"):
        with intake.listening("config", "the settings of export"):
            choose_transforms(config)
    if args.model_path and config.section("model"):
        with intake.listening("weights", "the weights"):
            build_model_with_weights(config, args.model_path)
    return config, datasets


def pace(args: argparse.Namespace, case: "Case", intake: "Intake") -> "list[Finding]":
    """Time and memory of training; nothing where it cannot be tried."""
    from segwright.doctor.pace import measure_pace
    from segwright.engine.device import select_device

    found: list[Finding] = []
    config, dataset = case.config, case.datasets.get("train_dataset")
    if config is None or dataset is None or not config.section("model") or any(s.faults for s in case.everything):
        return found
    with intake.listening("samples", "the samples for training"):
        measured = measure_pace(config, dataset, num_workers=default_workers(), device=select_device(args.device))
        found += measured.findings()
    return found


def report(args: argparse.Namespace, case: "Case", findings: "list[Finding]", seconds: float) -> None:
    """The findings on the terminal, and in the files that are wanted."""
    from segwright import atomic
    from segwright.doctor import Level
    from segwright.doctor.page import write_findings
    from segwright.version import __version__

    show(findings)
    pairs = len(case.everything)
    total = sum(map(len, case.datasets.values()))
    counts = {str(level): sum(finding.level == level for finding in findings) for level in Level}
    found = f"{counts['error']} errors, {counts['warning']} warnings"
    lead = f"{pairs} of {total} pairs looked at in {seconds:.1f} s: {found}."
    print(lead)
    if args.json:
        plain: dict[str, Any] = {
            "config": str(args.config),
            "pairs": pairs,
            "of": total,
            "seconds": round(seconds, 3),
            "counts": counts,
            "findings": [finding.plain() for finding in findings],
        }
        atomic.write_json(args.json, plain)
    if args.report:
        settings = {"segwright": __version__, "configuration": str(args.config)}
        if args.opts:
            settings["options"] = " ".join(args.opts)
        write_findings(args.report, case, findings, lead, settings)


def show(findings: "list[Finding]") -> None:
    """The findings in words, the worst first."""
    import textwrap

    for finding in findings:
        print(f"{str(finding.level).upper()} {finding.title} [{finding.kind}]")
        for text in filter(None, (finding.measured, finding.suggestion)):
            print(textwrap.fill(text, 116, initial_indent="    ", subsequent_indent="    ", break_long_words=False))
        for line in finding.snippet.splitlines():
            print(f"    | {line}")
        for name in finding.files[:NAMED]:
            print(f"    - {name}")
        if len(finding.files) > NAMED:
            print(f"    - and {len(finding.files) - NAMED} more")
