"""Many files: what is whole stays, what fails is named, and the number of processes changes nothing."""

import os
import signal
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from segwright import atomic
from segwright.convert.work import convert_files
from segwright.errors import DataError


@dataclass(frozen=True)
class Copy:
    source: Path
    result: Path

    @property
    def results(self) -> tuple[Path, ...]:
        return (self.result,)


def copy(prefix: str, job: Copy) -> str:
    text = job.source.read_text()
    if text == "bad":
        raise DataError(f"{job.source} is bad")
    if text == "odd":
        raise KeyError("odd")
    if text == "fatal":
        os.kill(os.getpid(), signal.SIGKILL)
    atomic.write_text(job.result, prefix + text)
    return job.source.name


@pytest.fixture
def jobs(tmp_path):
    def make(*texts: str) -> list[Copy]:
        made = []
        for number, text in enumerate(texts):
            source = tmp_path / f"{number}.txt"
            source.write_text(text)
            made.append(Copy(source, tmp_path / "out" / source.name))
        return made

    return make


@pytest.mark.parametrize("num_workers", [0, 2])
def test_r25_all_that_can_be_done_is_done(jobs, caplog, num_workers):
    made = jobs("a", "bad", "c", "odd", "e")
    report = convert_files(made, partial(copy, "+"), num_workers=num_workers)
    assert report.done == ["0.txt", "2.txt", "4.txt"]
    assert [job.result.exists() for job in made] == [True, False, True, False, True]
    assert f"{made[1].source} is bad" in caplog.text
    assert f"{made[3].source}: cannot be understood (KeyError: 'odd')" in caplog.text
    with pytest.raises(DataError, match=r"2 of 5 files could not be converted.*3 files converted"):
        report.conclude(Path("out"))


def test_what_is_there_is_kept_until_it_shall_be_replaced(jobs):
    made = jobs("a", "b")
    convert_files(made[:1], partial(copy, "old "), num_workers=0)
    report = convert_files(made, partial(copy, "new "), num_workers=0)
    assert (report.done, report.num_kept) == (["1.txt"], 1)
    assert "1 kept as they were" in report.summary()
    assert made[0].result.read_text() == "old a"
    convert_files(made, partial(copy, "new "), num_workers=0, overwrite=True)
    assert made[0].result.read_text() == "new a"


def test_results_never_share_a_name(jobs):
    first, second = jobs("a", "b")
    with pytest.raises(DataError, match="would both become"):
        convert_files([first, Copy(second.source, first.result)], partial(copy, ""), num_workers=0)


def test_a_result_never_takes_the_place_of_what_is_converted(jobs, tmp_path):
    first, second = jobs("a", "b")
    (tmp_path / "same").symlink_to(tmp_path, target_is_directory=True)
    with pytest.raises(DataError, match="which is converted itself; give another folder"):
        convert_files(
            [first, Copy(second.source, tmp_path / "same" / first.source.name)],
            partial(copy, "+"),
            num_workers=0,
            overwrite=True,
        )
    assert first.source.read_text() == "a"


def test_a_killed_process_is_told_and_the_rest_can_go_on(jobs):
    made = jobs("a", "fatal", "c")
    with pytest.raises(DataError, match="a converting process was killed"):
        convert_files(made, partial(copy, ""), num_workers=2)
    made[1].source.write_text("b")
    report = convert_files(made, partial(copy, ""), num_workers=0)
    assert not report.failures
    assert all(job.result.read_text() == text for job, text in zip(made, "abc", strict=True))
