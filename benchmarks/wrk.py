"""Load by wrk (https://github.com/wg/wrk): clients that send the same form again and again, each after its answer."""

import re
import resource
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

BOUNDARY = "----picture"
SCRIPT = """
local file = io.open("{form}", "rb")
wrk.method, wrk.body = "POST", file:read("*a")
wrk.headers["Content-Type"] = "multipart/form-data; boundary={boundary}"
"""
UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0}


@dataclass(frozen=True)
class Load:
    """What clients saw.

    Attributes:
        rate: answers a second.
        median: seconds that half of them took at most.
        p99: the same for 99 of 100.
        answers: all of them.
        failed: those that were no success, and broken connections.
        processor: cores that wrk itself kept busy.
    """

    rate: float
    median: float
    p99: float
    answers: int
    failed: int
    processor: float


def put_under_load(url: str, picture: Path, *, clients: int, seconds: float) -> Load:
    """Let clients send a picture as the field ``image`` of a form.

    Raises:
        RuntimeError: wrk cannot run, or did not get a single answer.
    """
    with tempfile.TemporaryDirectory() as scratch:
        form, script = Path(scratch, "form"), Path(scratch, "post.lua")
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="image"; filename="{picture.name}"\r\n\r\n'
        form.write_bytes(head.encode() + picture.read_bytes() + f"\r\n--{BOUNDARY}--\r\n".encode())
        script.write_text(SCRIPT.format(form=form, boundary=BOUNDARY), encoding="utf-8")
        command = [
            "wrk",
            "-t1",
            f"-c{clients}",
            f"-d{seconds:.0f}s",
            "--timeout",
            "60s",
            "--latency",
            "-s",
            script,
            url,
        ]
        before, begin = _worked(), time.perf_counter()
        ran = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
        busy = (_worked() - before) / (time.perf_counter() - begin)
    if ran.returncode or "50%" not in ran.stdout:
        raise RuntimeError(f"wrk failed: {ran.stdout}{ran.stderr}")
    return parse(ran.stdout, busy)


def parse(said: str, processor: float) -> Load:
    """From wrk's report."""
    times = {
        share: float(number) * UNITS[unit]
        for share, number, unit in re.findall(r"(\d+)%\s+([\d.]+)(us|ms|s|m)\b", said)
    }
    errors = re.findall(r"(?:Non-2xx or 3xx responses|connect|read|write|timeout)[: ]+(\d+)", said)
    (answers,), (rate,) = re.findall(r"(\d+) requests in", said), re.findall(r"Requests/sec:\s+([\d.]+)", said)
    return Load(float(rate), times["50"], times["99"], int(answers), sum(map(int, errors)), processor)


def _worked() -> float:
    """Seconds of processor that children which have ended used."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
