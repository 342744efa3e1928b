"""The command ``segwright``: finds the sub-command, and turns what goes wrong into one paragraph.

Exit codes: 0 done, 1 a fault in segwright or a check that failed, 2 something the user can mend,
130 interrupted from the keyboard, 141 nobody reads the output any more, 143 asked to terminate.
"""

import argparse
import importlib
import os
import sys
import textwrap
import traceback
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from typing import Any, NoReturn

from segwright.console import show_log
from segwright.errors import SegwrightError
from segwright.version import __version__

COMMANDS = (
    "init",
    "train",
    "val",
    "predict",
    "export",
    "infer",
    "convert",
    "config",
    "why",
    "demo",
    "serve",
    "analyse",
    "data",
    "doctor",
)


class _Help(argparse.ArgumentDefaultsHelpFormatter):
    """Shows a default where there is one worth showing."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        return super()._get_help_string(action) if shows_default(action) else action.help


def shows_default(action: argparse.Action) -> bool:
    """Whether an argument has a default that its help does not tell already. 0 is one, although it equals False."""
    is_unset = action.default is None or action.default is False or action.default in ("", [])
    return not is_unset and "default" not in (action.help or "")


class _Parser(argparse.ArgumentParser):
    """Long flags may be written with dashes or underscores; ``--save_dir`` and ``--save-dir`` are the same."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"formatter_class": _Help, "allow_abbrev": False, **options})

    def error(self, message: str) -> NoReturn:
        """End with one paragraph, not with a page of usage."""
        _say(f"{message}; see {self.prog} --help")
        sys.exit(2)

    def parse_known_args(self, args=None, namespace=None):  # type: ignore[no-untyped-def]
        given = sys.argv[1:] if args is None else list(args)
        return super().parse_known_args([_with_underscores(word) for word in given], namespace)


def _with_underscores(word: str) -> str:
    if not word.startswith("--"):
        return word
    flag, equals, value = word.partition("=")
    return "--" + flag[2:].replace("-", "_") + equals + value


def build_parser() -> argparse.ArgumentParser:
    """The parser of all commands. Imports no command's machinery, so that ``--help`` answers at once."""
    parser = _Parser(prog="segwright", description="Semantic segmentation from one YAML file: train, evaluate, deploy.")
    parser.add_argument("--version", action="version", version=f"segwright {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=_Parser)
    for name in COMMANDS:
        importlib.import_module(f"segwright.cli.{name}").add_parser(commands)
    for command in _leaves(commands):
        command.add_argument("--debug", action="store_true", help="show the full traceback of an error")
        command.set_defaults(parser=command)
    return parser


def _leaves(commands: argparse._SubParsersAction) -> Iterator[argparse.ArgumentParser]:
    """The parsers of all commands; of one that has commands of its own, those of these."""
    for command in commands.choices.values():
        nested = [action for action in command._actions if isinstance(action, argparse._SubParsersAction)]
        yield from _leaves(nested[0]) if nested else (command,)


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command line; a word that no flag takes ends the process with exit code 2 and the nearest flag."""
    args, unknown = build_parser().parse_known_args(argv)
    if unknown:
        flag = unknown[0].partition("=")[0]
        close = get_close_matches(flag, args.parser._option_string_actions, n=1, cutoff=0.8)
        args.parser.error(f"unknown argument {flag}{f', did you mean {close[0]}?' if close else ''}")
    args.given = _given(args.parser, sys.argv[1:] if argv is None else list(argv))
    return args


def _given(parser: argparse.ArgumentParser, argv: list[str]) -> set[str]:
    """Names of the flags that stand on the command line, which win over the configuration's sections."""
    unset = object()
    names = {action.dest: unset for action in parser._actions}
    flags = argv[argv.index(parser.prog.split()[-1]) + 1 :]
    found, _ = parser.parse_known_args(flags, argparse.Namespace(**names))
    return {name for name in names if getattr(found, name) is not unset}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    args = parse(argv)
    _share_cores()
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # torch's profiler prints notes on itself; read when it is imported
    show_log(always=True)
    try:
        return args.run(args) or 0
    except KeyboardInterrupt:
        _say("interrupted")
        return 130
    except SegwrightError as error:
        if args.debug:
            traceback.print_exc()
        _say(str(error))
        return 2
    except BrokenPipeError:  # whoever read our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except OSError as error:
        if args.debug:
            traceback.print_exc()
        _say(f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}")
        return 2
    except Exception as error:
        if args.debug:
            raise
        _say(
            f"unexpected {type(error).__name__}: {error}. This is a fault in segwright, not in your files; "
            "run the command again with --debug and report what it prints."
        )
        return 1


def _share_cores() -> None:
    """Let torch's threads sleep soon when they wait for each other, unless the environment says otherwise.

    By default GNU OpenMP spins, which makes a training step many times slower as soon as another process, be it a
    reader of ours, wants one of the cores. It reads this once, when torch is imported.
    """
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")


def _say(text: str) -> None:
    lines = textwrap.wrap(f"segwright: error: {text}", 120, break_long_words=False, break_on_hyphens=False)
    print("\n".join(lines), file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
