"""Files that training cannot use, each with the message that it would end with."""

from collections.abc import Iterator
from typing import NamedTuple

from segwright.doctor.case import Case
from segwright.doctor.finding import Finding, Level
from segwright.doctor.observation import Observation
from segwright.doctor.registry import check
from segwright.doctor.words import count, shown


class Kind(NamedTuple):
    """What is said of files with the same fault."""

    title: str
    suggestion: str
    snippet: str = ""


KINDS = {
    "picture-damaged": Kind(
        "cannot be read", "Fetch these pictures again. --fix DIR writes a copy of the data without them."
    ),
    "picture-depth": Kind(
        "with more than 8 bits a value",
        "Say how many bits are used, in train_dataset and val_dataset; --fix DIR writes them with 8 bits.",
        "bit_depth: 16  # 12 where values end at 4095, 10 for 1023",
    ),
    "label-damaged": Kind(
        "with a label map that cannot be read",
        "Make these label maps again. --fix DIR writes a copy of the data without them.",
    ),
    "label-lossy": Kind(
        "with a label map that was compressed with loss",
        "Export the annotation again as PNG. Of masks with black and white alone --fix DIR makes label maps.",
        "segwright data remap LABELS OUT --threshold 128",
    ),
    "label-colours": Kind(
        "with colours where ids are wanted",
        "Say which colour is which class. --fix DIR does it where the colours are those of the data set's palette.",
        "segwright data remap LABELS OUT --colors TABLE",
    ),
    "label-ids": Kind(
        "with ids that are no class",
        "Compare the ids with num_classes and ignore_index. --fix DIR translates them where their meaning is clear.",
    ),
    "pair-size": Kind(
        "whose label map has another size",
        "Export picture and label map at the same size. --fix DIR turns or resamples label maps of the same shape.",
    ),
}


@check(brief=False)
def unusable(case: Case) -> Iterator[Finding]:
    """A finding for each kind of fault."""
    by_kind: dict[str, list[tuple[Observation, str]]] = {}
    for seen in case.everything:
        for fault in seen.faults:
            by_kind.setdefault(fault.kind, []).append((seen, fault.message))
    for kind, found in by_kind.items():
        pairs = [seen for seen, _ in found]
        about_label = kind.startswith("label")
        yield Finding(
            kind=kind,
            level=Level.ERROR,
            title=f"{count(len(found), 'picture')} {KINDS[kind].title}",
            measured=found[0][1],
            suggestion=KINDS[kind].suggestion,
            snippet=KINDS[kind].snippet or _translation(pairs, kind),
            files=tuple(dict.fromkeys(str(seen.pair.label if about_label else seen.pair.image) for seen in pairs)),
            shown=shown(pairs),
        )


def _translation(pairs: list[Observation], kind: str) -> str:
    """The command that makes 0 and 1 of masks with 0 and one other number."""
    numbers = {value for seen in pairs for value in seen.stored_ids}
    if kind != "label-ids" or len(numbers) != 2 or 0 not in numbers:
        return ""
    return f"segwright data remap LABELS OUT --ids {max(numbers)}:1"
