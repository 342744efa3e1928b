"""``segwright data leaks``: pictures that stand, alike, on both sides of a split."""

import argparse
import logging
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segwright.cli.data_flags import add_root, root_of
from segwright.cli.flags import cores, natural

if TYPE_CHECKING:
    import numpy as np

SHOWN = 20  # pairs on the terminal; the JSON has all

log = logging.getLogger("segwright")


def add_leaks(actions: argparse._SubParsersAction) -> None:
    """``segwright data leaks``."""
    parser = actions.add_parser(
        "leaks",
        help="near-duplicates across splits",
        description="Compare the pictures of each two lists by a perceptual hash: it finds the same file, "
        "copies that were scaled, compressed or brightened, and neighbouring frames of a video. One list is compared "
        "with itself. Ends with exit code 1 if there are any.",
    )
    parser.add_argument("lists", type=Path, nargs="+", metavar="LIST", help="list files, as train.txt val.txt")
    add_root(parser)
    parser.add_argument(
        "--threshold", type=natural, default=13, metavar="N", help="how many of 256 frequencies may differ in sign"
    )
    parser.add_argument("--num_workers", type=natural, default=cores(), metavar="N", help="threads that read pictures")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write all pairs as JSON")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Hash, compare, print, write."""
    from segwright import atomic
    from segwright.errors import DataError

    pictures, failures = read_lists(args)
    leaks = find_leaks(pictures, args.threshold)
    counts = ", ".join(f"{path}: {len(files)}" for path, (files, _) in pictures.items())
    print(f"{len(leaks)} pairs differ in at most {args.threshold} of 256 frequencies ({counts} pictures)")
    for leak in leaks[:SHOWN]:
        print(f"  {leak['distance']:3d}  {leak['first']}  {leak['second']}")
    if len(leaks) > SHOWN:
        print(f"  ... and {len(leaks) - SHOWN} more; --json FILE writes all")
    if args.json:
        atomic.write_json(args.json, {"threshold": args.threshold, "of": 256, "pairs": leaks, "unreadable": failures})
    if failures:
        raise DataError(f"{len(failures)} pictures could not be compared, each is named above with its reason")
    return 1 if leaks else 0


def read_lists(args: argparse.Namespace) -> "tuple[dict[Path, tuple[list[Path], np.ndarray]], list[str]]":
    """Pictures and hashes of each list, and the names of pictures that cannot be read."""
    from segwright.console import track
    from segwright.datasets import read_pairs
    from segwright.datasets.near_duplicates import hash_table, picture_hash
    from segwright.errors import DataError
    from segwright.pipeline import in_order, threads

    def attempt(path: Path) -> "np.ndarray | None":
        try:
            return picture_hash(path)
        except DataError as error:
            log.error("%s", error)
            return None

    files = {
        path: [pair.image for pair in read_pairs(path, root_of(args, path), separator=args.separator, need_label=False)]
        for path in args.lists
    }
    distinct = list(dict.fromkeys(image for images in files.values() for image in images))
    with threads(max(1, args.num_workers), "hash") as pool:
        found = list(track(in_order(pool, attempt, distinct, depth=64), "reading pictures", total=len(distinct)))
    hashes = {path: value for path, value in zip(distinct, found, strict=True) if value is not None}
    readable = {path: [image for image in images if image in hashes] for path, images in files.items()}
    tables = {path: (images, hash_table([hashes[image] for image in images])) for path, images in readable.items()}
    return tables, [str(path) for path in distinct if path not in hashes]


def find_leaks(pictures: "dict[Path, tuple[list[Path], np.ndarray]]", threshold: int) -> list[dict[str, Any]]:
    """All pairs of each two lists, or of the only one, the nearest first."""
    from segwright.datasets.near_duplicates import near_pairs, near_pairs_within

    leaks = []
    couples = list(combinations(pictures, 2)) or [(path, path) for path in pictures]
    for first, second in couples:
        (files, hashes), (others, other_hashes) = pictures[first], pictures[second]
        within = first == second
        pairs = near_pairs_within(hashes, threshold) if within else near_pairs(hashes, other_hashes, threshold)
        leaks += [
            {
                "distance": pair.distance,
                "lists": [str(first), str(second)],
                "first": str(files[pair.first]),
                "second": str(others[pair.second]),
            }
            for pair in pairs
        ]
    return sorted(leaks, key=lambda leak: leak["distance"])
