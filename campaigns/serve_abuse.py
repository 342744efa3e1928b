"""Abuse a server for minutes, and see that nobody who behaves notices.

Clients who behave send pictures of several sizes and compare every label map. Beside them, at the same time, others
send what is wrong, too much or too slow, go in the middle of something, or read nothing. In between come storms of
clients. In the end everything has to be as it was: memory, open files, queues, and the time of an answer.
"""

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from benchmarks.measure import cores, processor, publish
from benchmarks.server import Server
from benchmarks.worker import ROOT
from campaigns.abusers import ABUSERS, Target
from campaigns.bad_requests import bad_requests
from campaigns.exchange import ask, exchange, request
from campaigns.good_clients import Pictures
from campaigns.serve_summary import Outcome
from segwright.version import __version__

DOCUMENT = ROOT / "docs" / "reliability.md"
FLAGS = "--max_body_mb 4 --answer_timeout 30 --queue_size 48"
TIMEOUT = 3.0  # seconds that a client may send slowly, or read nothing
GOOD, ABUSIVE, STORM = 6, 12, 150  # clients at a time
WARM_UP = 30.0  # seconds, in which memory grows to its size


def main() -> int:
    """Run the campaign and write its summary; 1 if anybody who behaves was harmed, or something was left behind."""
    parser = argparse.ArgumentParser(prog="python -m campaigns.serve_abuse", description=__doc__)
    parser.add_argument("--bundle", type=Path, required=True, metavar="DIR", help="an exported model for any size")
    parser.add_argument("--minutes", type=float, default=10, metavar="N", help="default: 10")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="decides who does what; default: 0")
    parser.add_argument("--document", type=Path, default=DOCUMENT, metavar="FILE", help="gets the summary")
    args = parser.parse_args()
    outcome = campaign(args.bundle.resolve(), 60 * args.minutes, random.Random(args.seed))
    machine = f"{processor()}, {cores()} cores; Python {sys.version.split()[0]}, segwright {__version__}."
    publish(args.document, "serve_abuse", f"{outcome.describe()}\n\n{machine}")
    return int(bool(outcome.wrong))


def campaign(bundle: Path, seconds: float, rng: random.Random) -> Outcome:
    """Abuse a server of this bundle for some seconds."""
    pictures, outcome = Pictures(bundle), Outcome(seconds)
    with tempfile.TemporaryDirectory() as scratch:
        log = Path(scratch, "log")
        timeouts = ("--read_timeout", TIMEOUT, "--write_timeout", TIMEOUT)
        with Server.segwright(bundle, log, *FLAGS.split(), *timeouts) as server:
            target = Target(server.port, bundle.name, pictures.requests, bad_requests(bundle.name), TIMEOUT)
            files = server.files()
            asyncio.run(_abuse(target, pictures, outcome, max(WARM_UP, seconds / 10), rng))
            outcome.forget()
            asyncio.run(_after(server, outcome, files))
            outcome.memory, outcome.files = [server.memory()], [server.files()]
            asyncio.run(_abuse(target, pictures, outcome, seconds, rng, look=lambda: outcome.look(server)))
            asyncio.run(_after(server, outcome, files))
            outcome.look(server)
            outcome.recovery = ask(server.port, pictures.requests[0]).seconds
        said = server.said()
    outcome.tracebacks = said.split("Traceback")[1:]
    outcome.failures = said.count(" status=5")
    outcome.close()
    return outcome


async def _abuse(
    target: Target,
    pictures: Pictures,
    outcome: Outcome,
    seconds: float,
    rng: random.Random,
    look: Callable[[], object] = lambda: None,
) -> None:
    end = time.monotonic() + seconds

    async def again(act: Callable[[], Awaitable[None]], pause: float = 0.0) -> None:
        while time.monotonic() < end:
            await act()
            await asyncio.sleep(pause)

    async def behave() -> None:
        number = rng.randrange(len(pictures.requests))
        try:
            answer = await exchange(target.port, pictures.requests[number])
        except (OSError, ValueError) as error:
            outcome.good("broken", f"a good request broke: {error}")
            return
        if answer.status == 429:
            outcome.good("429", "" if "retry-after" in answer.headers else "a 429 does not say when to come back")
            await asyncio.sleep(0.2)
            return
        outcome.times.append(answer.seconds)
        right = answer.status == 200 and pictures.is_right(number, answer)
        outcome.good("right" if right else "wrong", "" if right else f"a good request got {answer.status}")

    async def misbehave() -> None:
        (name,) = rng.choices(list(ABUSERS), [abuser.weight for abuser in ABUSERS.values()])
        outcome.bad(name, await ABUSERS[name].act(target, rng))

    async def storm() -> None:
        await asyncio.sleep(rng.uniform(0, min(10, seconds)))
        await asyncio.gather(*(behave() for _ in range(STORM)))

    async def watch() -> None:
        look()

    clients = [again(behave) for _ in range(GOOD)] + [again(misbehave) for _ in range(ABUSIVE)]
    await asyncio.gather(*clients, again(storm), again(watch, pause=min(5.0, seconds / 10)))


async def _after(server: Server, outcome: Outcome, files: int) -> None:
    """Wait until nothing is being worked on, and note it if that takes longer than all time-outs.

    Connections of who reads nothing, or sends nothing, end by themselves: they have the time that they may take.
    """
    for _ in range(100):
        text = (await exchange(server.port, request("/metrics"))).body.decode()
        gauges = [
            line for line in text.splitlines() if line.startswith(("segwright_pictures_acc", "segwright_queue_pic"))
        ]
        if all(line.endswith(" 0.0") for line in gauges):
            end = time.monotonic() + TIMEOUT + 1
            while server.files() > files and time.monotonic() < end:
                await asyncio.sleep(0.1)
            return
        await asyncio.sleep(0.1)
    outcome.wrong.append(f"pictures are still being worked on: {', '.join(gauges)}")


if __name__ == "__main__":
    sys.exit(main())
