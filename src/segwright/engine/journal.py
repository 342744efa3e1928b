"""What a prediction of many pictures has done so far, so that an interrupted one can go on."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from segwright.atomic import ensure_folder
from segwright.engine.growing_file import GrowingFile
from segwright.engine.processes import Processes

log = logging.getLogger("segwright")

FOLDER = ".prediction"

Record = dict[str, Any]
"""Of a picture: ``key``, ``image``, and either ``stamp``, ``files`` and whatever else, or ``failure``."""


class Journal:
    """Lines of JSON, one for each picture that is done or has failed; each process has a file of its own.

    Args:
        save_dir: where the results go; the journal is in a hidden folder there.
        key: of weights and settings; what was done with others counts no more.
        resume: keep what an earlier run has done, else begin anew.
        processes: those that share the work, which all come here at once.

    Attributes:
        done: what is kept, by key.

    Raises:
        OutputError: ``save_dir`` cannot be written to.
    """

    def __init__(self, save_dir: Path, key: str, *, resume: bool, processes: Processes) -> None:
        self._save_dir, self._folder, self._key = save_dir, save_dir / FOLDER, key
        self._processes = processes
        ensure_folder(self._folder)
        kept = list(self._read()) if resume else []
        self.done = {record["key"]: record for record in kept if self._is_whole(record)}
        processes.wait()  # nobody writes until all have read
        path = self._folder / f"{processes.rank}.jsonl"
        if processes.first:
            head, lines = json.dumps({"key": key}), [json.dumps(record) for record in self.done.values()]
            self._file = GrowingFile(path, (f"{line}\n" for line in (head, *lines)))
            for other in self._folder.glob("*.jsonl"):
                if other != path:
                    other.unlink()
        processes.wait()
        if not processes.first:
            self._file = GrowingFile(path, [json.dumps({"key": key}) + "\n"])

    def add(self, record: Record) -> None:
        """Note a picture; after its files are written."""
        self._file.add(json.dumps(record) + "\n")

    def all_records(self) -> dict[str, Record]:
        """Those of all processes, by key, when all have come here."""
        self._processes.wait()
        return {record["key"]: record for record in self._read()}

    def _read(self) -> Iterator[Record]:
        """Records with this key; a last line that was cut in writing does not count."""
        for path in sorted(self._folder.glob("*.jsonl")):
            lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
            if not lines or _parsed(lines[0]) != {"key": self._key}:
                if self._processes.first:
                    log.warning(
                        "what is in %s was predicted with other weights, transforms or flags, so all pictures are "
                        "predicted anew",
                        self._save_dir,
                    )
                continue
            yield from (record for record in map(_parsed, lines[1:]) if record is not None)

    def _is_whole(self, record: Record) -> bool:
        """Whether the picture is still the one that was predicted, and its results are there."""
        return (
            "failure" not in record
            and record["stamp"] == stamp(Path(record["image"]))
            and all((self._save_dir / name).is_file() for name in record["files"].values())
        )


def stamp(image: Path) -> list[int] | None:
    """Size and time of change of a file, which tell whether it is still the same; None if it has gone."""
    try:
        status = image.stat()
    except OSError:
        return None
    return [status.st_size, status.st_mtime_ns]


def _parsed(line: str) -> Record | None:
    try:
        return json.loads(line)
    except ValueError:
        return None
