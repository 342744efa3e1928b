"""`segwright serve --engine ray` as a process of its own, on a Ray that it starts on this machine."""

import base64
import io
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import psutil
import pytest
import requests
from launching import launch
from PIL import Image
from small_net import picture, small_bundle

from segwright.cli.main import main
from segwright.runtime import load

needs_ray = pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed")
PATIENCE = 90  # seconds: Ray starts nine processes, and others may want the cores
LINE_OF_A_REPLICA = re.compile(r"ServeReplica.* pid=(\d+)")


class Service:
    """A running command, what it prints, and all processes below it."""

    def __init__(self, process: subprocess.Popen, printed: Path) -> None:
        self.process, self._printed = process, printed
        self.url = self.until(lambda: re.search(r"web page +(http://\S+)/", self.printed), "the URLs")[1]

    @property
    def printed(self) -> str:
        return self._printed.read_text(encoding="utf-8")

    def until(self, found: Callable, what: str):
        """What ``found`` gives, once that is something."""
        end = time.monotonic() + PATIENCE
        while not (result := found()):
            if self.process.poll() is not None or time.monotonic() > end:
                pytest.fail(f"no sign of {what}:\n{self.printed}")
            time.sleep(0.1)
        return result

    def replicas(self) -> set[int]:
        below = psutil.Process(self.process.pid).children(recursive=True)
        return {process.pid for process in below if "ServeReplica" in " ".join(_words(process))}

    def answering(self) -> set[int]:
        """Replicas that have logged a request."""
        return set(map(int, LINE_OF_A_REPLICA.findall(self.printed)))

    def segment(self, content: bytes) -> requests.Response:
        return requests.post(f"{self.url}/models/streets/segment", files={"image": ("a.png", content)}, timeout=60)


def _words(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:  # it has just ended
        return []


@contextmanager
def service(folder: Path, bundle: Path, *flags: str) -> Iterator[Service]:
    """None of its processes outlives the block."""
    with tempfile.TemporaryDirectory(prefix="ray-") as ray_files:  # not in pytest's: a socket's path has to be short
        words = ["serve", f"streets={bundle}", "--engine", "ray", "--port", "0", *flags]
        environment = {**os.environ, "HOME": str(folder), "RAY_TMPDIR": ray_files}
        with (folder / "printed").open("wb") as printed:
            process = subprocess.Popen(
                [sys.executable, "-m", "segwright", *words], stdout=printed, stderr=printed, env=environment
            )
        below: list[psutil.Process] = []
        try:
            running = Service(process, folder / "printed")
            below = psutil.Process(process.pid).children(recursive=True)
            yield running
        finally:
            if process.poll() is None:
                below = psutil.Process(process.pid).children(recursive=True)
                process.kill()
            process.wait()
            _, left = psutil.wait_procs(below, timeout=10)
            for one in left:
                one.kill()
    assert not left


def label_map(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)))


def from_hub(answer: requests.Response) -> np.ndarray:
    return label_map(base64.b64decode(json.loads(answer.json()["results"])["res"]))


class Clients:
    """Four clients that send one picture after the other, until told to stop."""

    def __init__(self, running: Service, content: bytes, expected: np.ndarray) -> None:
        self.outcomes: list[str] = []
        self._running, self._content, self._expected = running, content, expected
        self._stopped = threading.Event()
        self._threads = [threading.Thread(target=self._send) for _ in range(4)]
        for thread in self._threads:
            thread.start()

    def _send(self) -> None:
        while not self._stopped.is_set():
            answer = self._running.segment(self._content)
            right = answer.ok and np.array_equal(label_map(answer.content), self._expected)
            self.outcomes.append("right" if right else f"{answer.status_code} {answer.text[:200]}")

    def stop(self) -> Counter:
        self._stopped.set()
        for thread in self._threads:
            thread.join()
        return Counter(self.outcomes)


@needs_ray
@pytest.mark.slow
def test_two_replicas_answer_recover_and_finish_what_they_accepted(tmp_path):
    bundle = small_bundle(tmp_path / "bundle")
    photo, file = picture(90, 120), io.BytesIO()
    Image.fromarray(photo).save(file, "PNG")
    expected, content = load(bundle)(photo), file.getvalue()

    with service(tmp_path, bundle, "--replicas", "2", "--batch_delay", "100") as running:
        body = {"img_b64": base64.b64encode(content).decode()}
        np.testing.assert_array_equal(from_hub(requests.post(f"{running.url}/predict/streets", json=body)), expected)
        np.testing.assert_array_equal(label_map(running.segment(content).content), expected)
        assert requests.post(f"{running.url}/predict/streets", json={}).status_code == 400

        clients = Clients(running, content, expected)
        before = running.until(lambda: len(running.answering()) == 2 and running.replicas(), "both replicas")
        count = len(clients.outcomes)
        os.kill(min(before), signal.SIGKILL)
        running.until(lambda: len(running.replicas() - before) == 1, "a replica for the one that was killed")
        outcomes = clients.stop()
        assert len(clients.outcomes) > count
        assert set(outcomes) == {"right"}  # what the dead replica had in work, the other one did

        clients = Clients(running, content, expected)
        running.until(lambda: running.replicas() <= running.answering(), "an answer of the new replica")
        assert set(clients.stop()) == {"right"}

        last = []
        threads = [threading.Thread(target=lambda: last.append(running.segment(content))) for _ in range(3)]
        for thread in threads:
            thread.start()
        time.sleep(0.05)
        running.process.send_signal(signal.SIGTERM)
        for thread in threads:
            thread.join()
        assert running.process.wait(PATIENCE) == 128 + signal.SIGTERM
        assert [answer.status_code for answer in last] == [200] * 3


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ("--workers 2", "with --engine ray use --replicas"),
        ("--drain_time 5", "--drain_time speaks of connections"),
        ("--write_timeout 5", "--write_timeout speaks of connections"),
        ("--replicas 3 --max_replicas 2", "--max_replicas 2 is less than --replicas 3"),
        ("--host 0.0.0.0", "no API key is asked for"),
    ],
)
def test_what_ray_cannot_do_is_refused(monkeypatch, capfd, flags, message):
    monkeypatch.delenv("SEGWRIGHT_API_KEY", raising=False)
    assert main(["serve", "anything", "--engine", "ray", *flags.split()]) == 2
    assert message in " ".join(capfd.readouterr().err.split())


def test_without_ray_the_extra_is_named():
    code = "import sys; sys.modules['ray'] = None; from segwright.cli.main import main; sys.exit(main())"
    status, printed = launch("serve", "anything", "--engine", "ray", program=("-c", code))
    assert status == 2
    assert "pip install 'segwright[ray]'" in printed
