"""Every command and program in the README and in ``docs/`` is run, or says above itself why not."""

import os
import re
from pathlib import Path

import pytest
from doc_blocks import ROOT, RUN, SHOWN, Block, command_lines, read_blocks
from doc_project import SmallBiSeNet, copy_project, write_project
from doc_reader import FailedError, PageReader

from segwright.registry import MODELS

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
TRANSLATED = ".zh"  # has the blocks of the page in English, which test_migration_pages.py compares


def has_something_to_run(page: Path) -> bool:
    return any(block.language in RUN and not block.not_run for block in read_blocks(page))


TO_RUN = [page for page in PAGES if has_something_to_run(page) and not page.stem.endswith(TRANSLATED)]
COMMAND = re.compile(r"^\$? ?(?:segwright|python3?|torchrun|pip|bash|curl|make|docker) \w", re.MULTILINE)

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


@pytest.fixture(scope="session")
def project(tmp_path_factory) -> Path:
    """Data, a trained model and its export; pages work on copies."""
    folder = tmp_path_factory.mktemp("project")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setitem(MODELS._entries, "BiSeNetV2", SmallBiSeNet)
        write_project(folder)
    return folder


@pytest.fixture
def here(project, tmp_path, monkeypatch):
    """A copy of the project to work in; the environment is afterwards what it was."""
    copy_project(project, tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(MODELS._entries, "BiSeNetV2", SmallBiSeNet)
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.syspath_prepend(str(tmp_path))
    environment = dict(os.environ)
    yield tmp_path
    os.environ.clear()
    os.environ.update(environment)


@pytest.mark.slow
@pytest.mark.parametrize("page", TO_RUN, ids=lambda page: page.name)
@pytest.mark.usefixtures("here", "one_thread")
@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning")
def test_everything_on_the_page_works(page, capfd):
    reader, failures = PageReader(), []
    try:
        for block in read_blocks(page):
            if not block.not_run:
                _follow(reader, block, failures, capfd)
    finally:
        reader.close()
    assert not failures, "\n\n".join(failures)


def _follow(reader: PageReader, block: Block, failures: list[str], capfd) -> None:
    """Follow a block; a later one may work although this one does not."""
    try:
        reader.follow(block)
        output = " ".join("".join(capfd.readouterr()).split())
        if output.count(block.says) < len(command_lines(block)) * bool(block.says):
            failures.append(f"{block.place}: not every command says '{block.says}': {output}")
    except FailedError as failure:
        failures.append(f"{failure}\n{''.join(capfd.readouterr())[-1500:]}")
    except Exception as error:
        raise AssertionError(f"{block.place}: {type(error).__name__}: {error}") from error
    finally:
        capfd.readouterr()


@every_page
def test_every_block_is_of_a_kind_that_is_run_or_shown(page):
    for block in read_blocks(page):
        assert block.language in (*RUN, *SHOWN), f"{block.place}: neither run nor known as something to look at"
        if block.language in SHOWN and block.language != "js":
            assert not COMMAND.search(block.content), f"{block.place}: commands in a block that is not run; say sh"


def test_marks_have_to_stand_above_commands(tmp_path):
    page = tmp_path / "page.md"
    for text, words in (
        ("<!-- not run: no network -->\n\ntext\n", "right above"),
        ("<!-- not run: no network -->\n```yaml\na: 1\n```\n", "no commands"),
        ("<!-- not run: no network -->\n", "at the end"),
        ("* x\n  ```sh\n  ls\n  ```\n", "indented"),
        ("```sh\nls\n", "no end"),
    ):
        page.write_text(text, encoding="utf-8")
        with pytest.raises(ValueError, match=words):
            read_blocks(page, tmp_path)
    page.write_text("<!-- exit code: 2 -->\n```sh\nls\n```\n", encoding="utf-8")
    assert [(block.line, block.exit_code, block.not_run) for block in read_blocks(page, tmp_path)] == [(2, 2, "")]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("```sh\nsegwright config missing.yml\n```\n", "exit code 2"),
        ("```sh\nfalse\n```\n", "exit code 1"),
        ("<!-- exit code: 2 -->\n```sh\nsegwright --version\n```\n", "exit code 0"),
    ],
)
def test_a_command_that_does_not_work_fails_its_page(tmp_path, monkeypatch, text, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "page.md").write_text(text, encoding="utf-8")
    (block,) = read_blocks(tmp_path / "page.md", tmp_path)
    with pytest.raises(FailedError, match=words):
        PageReader().follow(block)
