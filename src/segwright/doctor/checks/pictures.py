"""Picture files that can be read and are still not what they seem."""

from collections import Counter
from collections.abc import Iterator

from segwright.doctor.case import Case
from segwright.doctor.finding import Finding, Level
from segwright.doctor.observation import Observation
from segwright.doctor.registry import check
from segwright.doctor.words import count, images, shown
from segwright.images.write import FORMATS

BLANK = 0.004  # standard deviation, of 1, below which there is nothing in a picture
FEW = 0.2  # share of the pictures up to which a kind is the odd one
GRAY = ("1", "L", "LA", "I", "I;16", "F")  # modes
COLOUR = "colour"


@check(brief=True)
def blank(case: Case) -> Iterator[Finding]:
    """Pictures of one colour."""
    found = [seen for seen in case.everything if _deviation(seen) < BLANK]
    if found:
        yield Finding(
            kind="picture-blank",
            level=Level.WARNING,
            title=f"{count(len(found), 'picture')} of a single colour",
            measured=f"the pixels of {found[0].pair.image} differ by {_deviation(found[0]) * 255:.2f} of 255 (standard "
            "deviation)",
            suggestion="Lost frames and covered lenses look like that: take them out.",
            files=images(found),
            shown=shown(found),
        )


@check(brief=False)
def turned_by_exif(case: Case) -> Iterator[Finding]:
    """Pictures that the camera stored lying on their side."""
    found = [seen for seen in case.everything if seen.image and seen.image.orientation > 1]
    if found:
        first = found[0].image
        assert first
        yield Finding(
            kind="picture-orientation",
            level=Level.WARNING,
            title=f"{count(len(found), 'picture')} not stored upright",
            measured=f"{found[0].pair.image} has EXIF orientation {first.orientation}: it is stored as {first.size} "
            f"and read as {found[0].size} (width x height)",
            suggestion="Pictures are turned here; many labelling programs and other readers do not, so look whether "
            "the label maps fit. --fix DIR saves them upright.",
            files=images(found),
            shown=shown(found),
        )


@check(brief=False)
def misnamed(case: Case) -> Iterator[Finding]:
    """Files whose name says another format than they have."""
    found = [seen for seen in case.everything if is_misnamed(seen)]
    if found:
        first = found[0].image
        assert first
        yield Finding(
            kind="picture-misnamed",
            level=Level.WARNING,
            title=f"{count(len(found), 'picture')} of another format than the name says",
            measured=f"{found[0].pair.image} is {first.kind}",
            suggestion="They are read by content here; other programs may refuse them. --fix DIR names them rightly.",
            files=images(found),
            shown=shown(found),
        )


@check(brief=False)
def odd_colours(case: Case) -> Iterator[Finding]:
    """A few gray pictures among coloured ones, or the other way round; CMYK and transparency."""
    pairs = [seen for seen in case.everything if seen.image]
    families = Counter(family(seen) for seen in pairs)
    for name, number in families.items():
        if name == COLOUR or (name == "gray" and number > FEW * len(pairs)):
            continue
        odd = [seen for seen in pairs if family(seen) == name]
        assert odd[0].image
        yield Finding(
            kind="picture-colours",
            level=Level.WARNING,
            title=f"{count(number, f'{name} picture')} among {len(pairs)}",
            measured=f"{odd[0].pair.image} is {odd[0].image.kind} of mode {odd[0].image.mode}",
            suggestion="They are read as RGB; transparency is dropped, and CMYK is converted by a plain rule. --fix "
            "DIR saves all but gray ones as RGB.",
            files=images(odd),
            shown=shown(odd),
        )


def is_misnamed(seen: Observation) -> bool:
    """Whether the suffix names another format, and one that is known."""
    named = FORMATS.get(seen.pair.image.suffix.lower())
    return bool(named and seen.image and seen.image.kind.upper() != named)


def family(seen: Observation) -> str:
    """``colour``, or what is unusual about a picture's pixels."""
    mode = seen.image.mode if seen.image else "RGB"
    if mode in GRAY:
        return "gray"
    return {"CMYK": "CMYK", "RGBA": "transparent", "PA": "transparent"}.get(mode, COLOUR)


def _deviation(seen: Observation) -> float:
    """Of the most varied channel, 0..1; 1 where the picture could not be read."""
    if seen.mean is None or seen.square is None:
        return 1.0
    return float(max(0.0, (seen.square - seen.mean**2).max())) ** 0.5
