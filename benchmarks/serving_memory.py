"""What ``segwright serve`` holds while it answers many thousands of requests: memory and open files."""

import argparse
import tempfile
from contextlib import ExitStack
from pathlib import Path

from benchmarks.measure import Watch, add_common, publish, table
from benchmarks.server import Server
from benchmarks.wrk import put_under_load
from segwright.version import __version__

MIB = 1 << 20
CLIENTS = 16


def main() -> None:
    """Ask again and again, look at the server in between, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_common(parser, peer=False)
    parser.add_argument("--bundle", type=Path, required=True, metavar="DIR", help="a small exported model")
    parser.add_argument("--picture", type=Path, required=True, metavar="FILE", help="is sent again and again")
    parser.add_argument("--requests", type=int, default=20_000, metavar="N", help="in all, at least")
    parser.add_argument("--rows", type=int, default=10, metavar="N", help="of the table")
    args = parser.parse_args()

    bundle = args.bundle.resolve()
    flags = ["--cpu_threads", args.threads, "--queue_size", 2 * CLIENTS]
    seen, failed = [], 0
    with Watch() as watch, ExitStack() as stack:
        log = Path(stack.enter_context(tempfile.TemporaryDirectory()), "log")
        server = stack.enter_context(Server.segwright(bundle, log, *flags))
        url, answers = f"{server.url}/models/{bundle.name}/segment", 0
        while answers < args.requests:
            seen.append((answers, server.memory(), server.files()))
            load = put_under_load(url, args.picture, clients=CLIENTS, seconds=2)
            answers, failed = answers + load.answers, failed + load.failed
        seen.append((answers, server.memory(), server.files()))
    step = max(1, len(seen) // args.rows)
    rows = [[str(count), f"{memory / MIB:.0f} MiB", str(files)] for count, memory, files in [*seen[:-1:step], seen[-1]]]
    text = f"{table(['requests answered', 'memory', 'open files'], rows)}\n\n{failed} of them failed."
    publish(args.document, "serving_memory", f"{text}\n\n{watch.describe([f'segwright {__version__}'])}")


if __name__ == "__main__":
    main()
