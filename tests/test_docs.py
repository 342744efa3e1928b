"""What the documents say is there: commands with their flags, files, headings, keys of configurations."""

import ast
import re
import shlex
from importlib.resources import files
from pathlib import Path
from string import Template

import pytest
import yaml

from segwright import load_config
from segwright.cli.main import COMMANDS, build_parser, parse

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted({*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("[!.]*/README.md")})

BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)\s]+)\)")
OUR_FILE = re.compile(
    r"\b(?:configs|docs|examples|tests|benchmarks|campaigns|parity|src)/[\w./-]+\.(?:yml|py|md|jpg)\b"
)

every_document = pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def blocks(path: Path, language: str) -> list[str]:
    return [content for name, content in BLOCK.findall(text_of(path)) if name == language]


def prose(path: Path) -> str:
    return BLOCK.sub("", text_of(path))


def command_lines(path: Path) -> list[list[str]]:
    """Words behind ``segwright`` of each command in a block, however it is started."""
    shells = "\n".join(content for name in ("sh", "bash", "console") for content in blocks(path, name))
    lines = shells.replace("\\\n", " ").splitlines()
    found = []
    for words in (shlex.split(line, comments=True) for line in lines if not line.startswith("docker ")):
        starts = [place for place, word in enumerate(words) if Path(word).name == "segwright"]
        found += [words[start + 1 :] for start in starts[:1]]
    return found


@every_document
def test_commands_are_ones_that_segwright_takes(path):
    for words in command_lines(path):
        try:
            parse(words)
        except SystemExit:
            pytest.fail(f"segwright {shlex.join(words)}")


def known_flags(words: tuple[str, ...]) -> set[str]:
    """Flags of a command, or of all commands with names that begin so."""
    parsers, found = [(build_parser(), ())], set()
    while parsers:
        parser, name = parsers.pop()
        for action in parser._actions:
            choices = action.choices if isinstance(action.choices, dict) else {}
            parsers += [(child, (*name, word)) for word, child in choices.items()]
            if not choices and name[: len(words)] == words:
                found |= set(action.option_strings)
    return found


@every_document
def test_commands_and_flags_in_running_text_exist(path):
    spans = [span.split() for span in INLINE.findall(prose(path))]
    for name, *words in spans:
        if name == "segwright" and words and words[0].islower():
            assert words[0] in COMMANDS, words
            command = tuple(word for word in words if word.islower() and word.isalpha())[:2]
            flags = known_flags(command) or known_flags(command[:1])
            assert {word.partition("=")[0] for word in words if word.startswith("--")} <= flags, words


@pytest.mark.parametrize("name", ["README.md", "docs/training.md"])
def test_flags_that_stand_alone_belong_to_some_command(name):
    spans = INLINE.findall(prose(ROOT / name))
    flags = {word.partition("=")[0] for span in spans if span.startswith("--") for word in span.split()}
    assert {flag for flag in flags if flag.startswith("--")} <= known_flags(())


def anchors(path: Path) -> set[str]:
    """What GitHub calls the headings of a document."""
    titles = re.findall(r"^#+ (.+)$", prose(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@every_document
def test_links_lead_somewhere(path):
    for target in LINK.findall(prose(path)):
        if "://" in target:
            continue
        file, _, heading = target.partition("#")
        there = (path.parent / file).resolve() if file else path
        assert there.exists(), target
        assert not heading or heading in anchors(there), target


@every_document
def test_files_of_ours_that_are_named_exist(path):
    missing = {
        name
        for name in OUR_FILE.findall(text_of(path))
        if not any((base / name).exists() for base in (ROOT, path.parent))
    }
    assert not missing


@pytest.fixture(scope="session")
def demo(tmp_path_factory) -> Path:
    """The demo's configuration, which examples in the documents are parts of."""
    path = tmp_path_factory.mktemp("docs") / "demo.yml"
    template = Template((files("segwright.demo") / "config.yml").read_text(encoding="utf-8"))
    path.write_text(
        template.substitute(batch_size=4, iters=8, learning_rate=0.01, dataset_root="data"), encoding="utf-8"
    )
    return path


EXAMPLES = [
    pytest.param(content, id=f"{path.name}-{number}")
    for path in DOCUMENTS
    for number, content in enumerate(blocks(path, "yaml"))
    if not content.startswith("# ")  # a file of that name, which tests/docs writes and runs
]


@pytest.mark.parametrize("content", EXAMPLES)
def test_examples_of_configurations_are_valid(content, demo, tmp_path):
    example = yaml.safe_load(content)
    base = yaml.safe_load(demo.read_text(encoding="utf-8"))
    whole = {**base, **example}
    classes = whole["train_dataset"].get("num_classes", 2)
    if classes != 2:
        whole["model"] = {"type": "UNet", "num_classes": classes}
        del whole["val_dataset"]
    path = tmp_path / "example.yml"
    path.write_text(yaml.safe_dump(whole), encoding="utf-8")
    load_config(path)


@every_document
def test_python_is_python(path):
    for content in blocks(path, "python"):
        ast.parse(content)
