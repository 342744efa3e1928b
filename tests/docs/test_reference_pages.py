"""Pages that are read off the code say what the code says, and pages that list things list all of them."""

import re

import pytest
from doc_blocks import ROOT

from docs.make_reference import PAGES
from segwright.build import load_config  # noqa: F401 - fills the registries
from segwright.config.schema import COMPONENTS, LOSS_SECTIONS, NUMBERS, OTHERS, RUNTIME
from segwright.registry import DATASETS

DOCS = ROOT / "docs"


def text_of(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", PAGES)
def test_page_is_what_the_code_says(name, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    assert text_of(name) == PAGES[name](), "run: python docs/make_reference.py"


def test_every_flag_and_key_is_explained():
    for name in PAGES:
        bare = re.findall(r"^\| `[^|]*\| +\|$", text_of(name).replace("\\|", "/"), re.MULTILINE)
        assert not bare, f"{name}: nothing is said of {bare}"


def test_every_key_of_a_configuration_is_in_its_page():
    keys = (*COMPONENTS, *NUMBERS, *LOSS_SECTIONS, *OTHERS, *RUNTIME, "_base_", "_inherited_", "learning_rate")
    flags = [flag for section in RUNTIME.values() for flag in section]
    page = text_of("configs.md")
    assert [key for key in (*keys, *flags) if f"`{key}`" not in page and f"`{key}:" not in page] == []


def test_every_data_set_is_in_its_page():
    names = [name for name, found in DATASETS.items() if found.__module__.startswith("segwright.")]
    assert [name for name in names if f"`{name}`" not in text_of("data.md")] == []


def test_every_page_is_in_the_index():
    assert [page.name for page in DOCS.glob("*.md") if f"({page.name})" not in text_of("README.md")] == ["README.md"]
