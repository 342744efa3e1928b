"""``segwright serve`` under load, beside the bare engine, a plain FastAPI endpoint, and LitServe.

Every server gets the same picture from the same clients (wrk, on the same cores) as a form and answers with the label
map as PNG. All run the same export with the same number of threads. The bare engine does the same work in one process
without HTTP: decode, predict, encode; of several ways to share the cores the best counts.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from benchmarks.measure import PAUSE, Watch, add_common, publish, table
from benchmarks.server import Server
from benchmarks.worker import ROOT, Worker
from benchmarks.wrk import Load, put_under_load

OURS, PLAIN, LITSERVE = "segwright serve", "FastAPI, no batching", "LitServe"
COUNT = 32  # pictures in a run of the bare engine


def main() -> None:
    """Measure all in turns and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_common(parser, peer=False)
    parser.add_argument("--peer", metavar="PYTHON", required=True, help="interpreter of LitServe's environment")
    parser.add_argument("--bundle", type=Path, required=True, metavar="DIR", help="an exported model")
    parser.add_argument("--picture", type=Path, required=True, metavar="FILE", help="is sent again and again")
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 2, 4, 8, 16, 32], metavar="N", help="at a time")
    parser.add_argument("--seconds", type=float, default=8, metavar="S", help="of each turn")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="turns of each")
    parser.add_argument("--serve_flags", nargs=argparse.REMAINDER, default=[], help="further flags of ours; the last")
    args = parser.parse_args()

    bundle, picture, threads = args.bundle.resolve(), args.picture.resolve(), args.threads
    with tempfile.TemporaryDirectory() as scratch, Watch() as watch:
        with ExitStack() as stack:
            bare = bare_engines(bundle, picture, threads, stack)
            servers = start(bundle, Path(scratch), threads, args.peer, args.serve_flags, stack)
            rates, loads = measure(bare, servers, picture, args.clients, args.seconds, args.rounds)
        versions = dict.fromkeys(worker.versions for worker in bare.values())
    title = f"{picture.name}, {threads} threads"
    text = describe(title, rates, loads, args.clients)
    publish(args.document, "serving", f"{text}\n\n{watch.describe(list(versions))}")


def bare_engines(bundle: Path, picture: Path, threads: int, stack: ExitStack) -> dict[str, Worker]:
    """The bare engine: one run at a time, alone and with its pictures made ready meanwhile, and a run a thread."""
    ways = {"one run": (1, 1), "one run, pictures beside it": (1, 2), f"{threads} runs": (threads, threads)}

    def worker(parallel: int, loops: int) -> Worker:
        flags = ["--cpu_threads", threads, "--parallel", parallel, "--loops", loops, "--count", COUNT]
        flags = [bundle, picture, *flags]
        return stack.enter_context(Worker(sys.executable, "benchmarks.ours.engine", flags, threads=threads))

    return {name: worker(*way) for name, way in ways.items()}


def start(
    bundle: Path, folder: Path, threads: int, peer: str, flags: Sequence[str], stack: ExitStack
) -> dict[str, tuple[Server, str]]:
    """The servers, and where each takes pictures."""
    common = [bundle, "--port", "{port}", "--cpu_threads", threads]
    here = {"PYTHONPATH": f"{ROOT}:{ROOT / 'src'}", "OMP_NUM_THREADS": str(threads)}

    def server(name: str, command: Sequence[object], alive: str) -> Server:
        return stack.enter_context(Server(command, folder / f"{name}.log", alive=alive, environment=here))

    ours = [sys.executable, "-m", "segwright", "serve", *common, *flags]
    plain = [sys.executable, "-m", "benchmarks.peer.plain_fastapi", *common]
    litserve = [peer, "-m", "benchmarks.peer.litserve_app", *common, "--batch_size", 4]
    return {
        OURS: (server("ours", ours, "/health/ready"), f"/models/{bundle.name}/segment"),
        PLAIN: (server("plain", plain, "/health"), "/predict"),
        LITSERVE: (server("litserve", litserve, "/health"), "/predict"),
    }


def measure(
    bare: Mapping[str, Worker],
    servers: Mapping[str, tuple[Server, str]],
    picture: Path,
    clients: Sequence[int],
    seconds: float,
    rounds: int,
) -> tuple[dict[str, list[float]], dict[tuple[str, int], list[Load]]]:
    """Pictures a second of each way of the bare engine; what clients saw, by server and number of clients."""
    rates: dict[str, list[float]] = {name: [] for name in bare}
    loads: dict[tuple[str, int], list[Load]] = {(name, number): [] for name in servers for number in clients}
    for worker in bare.values():
        worker.run(1)
    for server, path in servers.values():
        put_under_load(server.url + path, picture, clients=4, seconds=2)
    for _ in range(rounds):
        for name, worker in bare.items():
            time.sleep(PAUSE)
            (took,) = worker.run(1)
            runs = worker.run(max(1, round(seconds / took)))
            rates[name].append(COUNT * len(runs) / sum(runs))
        for number in clients:
            for name, (server, path) in servers.items():
                time.sleep(PAUSE)
                loads[name, number].append(put_under_load(server.url + path, picture, clients=number, seconds=seconds))
    return rates, loads


def describe(
    title: str,
    rates: Mapping[str, Sequence[float]],
    loads: Mapping[tuple[str, int], Sequence[Load]],
    clients: Sequence[int],
) -> str:
    """A row for each number of clients: pictures a second, their share of the bare engine's, and times, of medians."""
    best = max(rates, key=lambda name: statistics.median(rates[name]))
    full = statistics.median(rates[best])
    names = list(dict.fromkeys(name for name, _ in loads))
    rows = [[str(number), *(_cell(loads[name, number], full) for name in names)] for number in clients]
    ways = ", ".join(f"{name} {statistics.median(values):.1f}" for name, values in rates.items())
    everything = [load for some in loads.values() for load in some]
    failed, answers = sum(load.failed for load in everything), sum(load.answers for load in everything)
    share = max(load.processor for load in everything)
    return (
        f"{table([f'clients ({title})', *names], rows)}\n\n"
        f"Pictures a second, their share of the bare engine's, and the times in which half and 99 % of the requests "
        f"were answered. The bare engine makes {full:.1f} pictures/s ({ways}). Of {answers} requests {failed} failed. "
        f"wrk itself took {share:.1%} of a core at most."
    )


def _cell(loads: Sequence[Load], full: float) -> str:
    rate, median, p99 = (
        statistics.median(values)
        for values in zip(*((load.rate, load.median, load.p99) for load in loads), strict=True)
    )
    return f"{rate:.1f}/s ({rate / full:.0%}), {1000 * median:.0f} and {1000 * p99:.0f} ms"


if __name__ == "__main__":
    main()
