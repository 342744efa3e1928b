"""What the benchmarks share: turns, figures, and their place in a document. No test looks at a time."""

import sys

import pytest

from benchmarks.measure import Watch, comparison, publish, quartiles, table, take_turns
from benchmarks.worker import Worker

DOCUMENT = "# Title\n\n<!-- begin one -->\n<!-- end one -->\n\nbetween\n\n<!-- begin two -->\nold\n<!-- end two -->\n"


def test_quartiles_lie_among_the_values_in_any_order():
    assert quartiles([0.5, 0.1, 0.2, 0.4, 0.3]) == pytest.approx((0.2, 0.3, 0.4))
    assert quartiles([0.7]) == (0.7, 0.7, 0.7)


def test_one_slow_run_leaves_median_and_ratio_alone():
    text = comparison("step", {"ours": [0.1, 0.1, 0.1, 0.1, 9.0], "theirs": [0.4, 0.4, 0.4]}, against="theirs")
    assert "| ours | 100 ms | 100 to 100 ms | 4.0 x |" in text
    assert "| theirs | 400 ms | 400 to 400 ms | 1.0 x |" in text


def test_a_further_column_stands_at_the_end_of_each_row():
    text = comparison("t", {"a": [1.0], "b": [2.0]}, against="b", column=("labels", {"a": "99 %", "b": "100 %"}))
    assert [line.split(" | ")[-1] for line in text.splitlines()] == ["labels |", "--- |", "99 % |", "100 % |"]


def test_a_table_is_markdown():
    assert table(["a", "b"], [["1", "2"], ["3", "4"]]) == "| a | b |\n| --- | --- |\n| 1 | 2 |\n| 3 | 4 |"


def test_publishing_replaces_its_own_section_only_and_again_changes_nothing(tmp_path):
    document = tmp_path / "benchmarks.md"
    document.write_text(DOCUMENT, encoding="utf-8")
    publish(document, "two", "new")
    first = document.read_text(encoding="utf-8")
    assert first == DOCUMENT.replace("\nold\n", "\n\nnew\n\n")
    publish(document, "two", "new")
    assert document.read_text(encoding="utf-8") == first


@pytest.mark.parametrize(
    "text", ["no markers", "<!-- begin one -->", "<!-- end one --><!-- begin one -->", DOCUMENT + DOCUMENT]
)
def test_a_document_without_the_place_for_a_table_is_left_alone(tmp_path, text):
    document = tmp_path / "benchmarks.md"
    document.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match="begin one"):
        publish(document, "one", "new")
    assert document.read_text(encoding="utf-8") == text


class Scripted:
    """A worker that writes down its turns."""

    def __init__(self, name: str, turns: list[tuple[str, int]]) -> None:
        self.name, self.turns = name, turns

    def run(self, repeats: int) -> list[float]:
        """As ``Worker.run``."""
        self.turns.append((self.name, repeats))
        return [1.0] * repeats


def test_workers_take_turns_and_warm_up_does_not_count(monkeypatch):
    monkeypatch.setattr("benchmarks.measure.PAUSE", 0)
    turns: list[tuple[str, int]] = []
    seconds = take_turns({name: Scripted(name, turns) for name in "ab"}, rounds=2, repeats=3, warmup=1)
    assert turns == [("a", 1), ("b", 1), ("a", 3), ("b", 3), ("a", 3), ("b", 3)]
    assert {name: len(times) for name, times in seconds.items()} == {"a": 6, "b": 6}


@pytest.fixture
def program(tmp_path, monkeypatch):
    """Makes a module that a worker can run; returns its name."""

    def write(text: str) -> str:
        (tmp_path / "measured.py").write_text(text, encoding="utf-8")
        return "measured"

    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return write


def test_a_worker_answers_though_its_library_prints(program):
    name = program("from benchmarks.worker import serve\nserve(lambda: print('noise', flush=True), 'lib 1.0')\n")
    with Worker(sys.executable, name, threads=1) as worker:
        assert worker.versions == "lib 1.0"
        assert [len(worker.run(repeats)) for repeats in (2, 1)] == [2, 1]


def test_a_worker_that_fails_is_reported(program):
    with pytest.raises(RuntimeError, match="measured ended with exit code 3"):
        Worker(sys.executable, program("raise SystemExit(3)"), threads=1)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_watch_names_machine_and_libraries():
    with Watch() as watch:
        sum(range(1_000_000))
    text = watch.describe(["lib 1.0"])
    assert "lib 1.0" in text
    assert "Other programs used" in text
