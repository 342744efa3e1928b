"""From the start of a server to its end: versions, new files, keys, several processes, signals."""

import asyncio
import json
import os
import shutil
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import psutil
import pytest
import requests
import yaml
from served import serving
from small_net import picture, small_bundle

from segwright.bundle import file_hash
from segwright.cli.main import main
from segwright.errors import ConfigError
from segwright.images import default_palette, encode_image, read_label, write_label_map
from segwright.runtime import load
from segwright.serve import models as models_module
from segwright.serve.metrics import Metrics
from segwright.serve.models import Models
from segwright.serve.options import ServeOptions, name_bundles


@pytest.fixture(scope="module")
def bundle(tmp_path_factory) -> Path:
    return small_bundle(tmp_path_factory.mktemp("export") / "small")


@pytest.fixture(scope="module")
def other_bundle(tmp_path_factory) -> Path:
    """The same network behind other transforms, which gives other label maps."""
    changes = {"input_shape": (1, 3, 40, 40), "transforms": [{"type": "Resize", "target_size": [40, 40]}]}
    return small_bundle(tmp_path_factory.mktemp("other") / "small", **changes)


PHOTO = picture(60, 80, seed=9)
PNG = encode_image(PHOTO, ".png")


def segment(url: str, name: str = "small", version: str = "", **options) -> requests.Response:
    part = f"/versions/{version}" if version else ""
    return requests.post(f"{url}/models/{name}{part}/segment", files={"image": PNG}, timeout=30, **options)


def until(condition, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def test_r79_new_files_are_taken_and_bad_ones_are_not(tmp_path, bundle, other_bundle):
    first, second = load(bundle)(PHOTO), load(other_bundle)(PHOTO)
    assert (first != second).any()
    shutil.copytree(bundle, tmp_path / "small/1")
    with serving(tmp_path / "small", "--reload_interval", "0.2") as server:
        np.testing.assert_array_equal(read_label(segment(server.url).content), first)

        shutil.copytree(other_bundle, tmp_path / "copying")
        (tmp_path / "copying").rename(tmp_path / "small/2")
        until(lambda: segment(server.url).headers.get("X-Model-Version") == "2")
        np.testing.assert_array_equal(read_label(segment(server.url).content), second)
        np.testing.assert_array_equal(read_label(segment(server.url, version="1").content), first)
        assert segment(server.url, version="3").status_code == 404

        shutil.copytree(bundle, tmp_path / "copying")
        (tmp_path / "copying/model.onnx").write_bytes(b"no model")
        (tmp_path / "copying").rename(tmp_path / "small/3")
        server.wait_for(r"ERROR.*small goes on as it was.*model\.onnx is not the file that was exported")
        np.testing.assert_array_equal(read_label(segment(server.url).content), second)
        assert requests.get(f"{server.url}/models", timeout=30).json()["models"][0]["problem"]
        answer = requests.post(f"{server.url}/v2/repository/models/small/load", timeout=30)
        assert answer.status_code == 400
        assert str(tmp_path) not in answer.text

        shutil.rmtree(tmp_path / "small/3")
        shutil.rmtree(tmp_path / "small/2")
        until(lambda: segment(server.url).headers.get("X-Model-Version") == "1")
        assert requests.post(f"{server.url}/v2/repository/models/small/load", timeout=30).ok
        assert server.end() == 143


def test_r79_no_request_is_lost_while_a_model_is_exchanged(tmp_path, bundle, other_bundle):
    shutil.copytree(bundle, tmp_path / "small")
    expected = {load(folder)(PHOTO).tobytes() for folder in (bundle, other_bundle)}
    stop = threading.Event()

    def ask(url):
        statuses = []
        while not stop.is_set():
            answer = segment(url)
            statuses.append(answer.status_code)
            assert read_label(answer.content).tobytes() in expected
        return statuses

    with (
        serving(tmp_path / "small", "--reload_interval", "0.2") as server,
        ThreadPoolExecutor(4) as clients,
        ThreadPoolExecutor(2) as others,
    ):
        asking = [clients.submit(ask, server.url) for _ in range(4)]
        for number in range(4):
            shutil.copytree((other_bundle, bundle)[number % 2], tmp_path / "next")
            (tmp_path / "small").rename(tmp_path / f"old{number}")
            (tmp_path / "next").rename(tmp_path / "small")
            urls = [f"{server.url}/v2/repository/models/small/load"] * 2  # at once, and the watch comes third
            assert all(answer.ok for answer in others.map(requests.post, urls))
            until(lambda done=number + 1: len([line for line in server.lines if "was exchanged" in line]) == done)
        stop.set()
        statuses = [status for client in asking for status in client.result()]
        assert set(statuses) == {200}
        assert server.end() == 143


def test_r80_sigterm_finishes_what_was_accepted_and_says_first_that_it_is_not_ready(bundle):
    with serving(bundle, "--drain_time", "1.5", "--batch_size", "1") as server, ThreadPoolExecutor(24) as clients:
        answers = [clients.submit(segment, server.url) for _ in range(24)]
        server.process.send_signal(signal.SIGTERM)
        until(lambda: requests.get(f"{server.url}/v2/health/ready", timeout=5).status_code == 503)
        assert requests.get(f"{server.url}/v2/models/small/ready", timeout=5).status_code == 503
        assert requests.get(f"{server.url}/health/live", timeout=5).ok
        assert segment(server.url).ok  # still served while others learn that it will end
        assert {answer.result().status_code for answer in answers} == {200}
        assert server.process.wait(20) == -signal.SIGTERM
        with pytest.raises(requests.ConnectionError):
            segment(server.url)


def test_ctrl_c_ends_it_at_once(bundle):
    with serving(bundle) as server:
        assert server.end(signal.SIGINT, seconds=10) == 130
        assert not [line for line in server.lines if "Traceback" in line]


def test_keys(tmp_path, bundle):
    (tmp_path / "keys").write_text("first key\n\nsecond\n")
    with serving(bundle, "--api_key_file", tmp_path / "keys", env={"SEGWRIGHT_API_KEY": "third"}) as server:
        assert segment(server.url).status_code == 401
        assert segment(server.url, headers={"Authorization": "Bearer wrong"}).status_code == 401
        assert segment(server.url, headers={"Authorization": "Basic second"}).status_code == 401
        for headers in ({"Authorization": "Bearer second"}, {"X-API-Key": "first key"}, {"X-API-Key": "third"}):
            assert segment(server.url, headers=headers).ok
        for path in ("/", "/page/app.js", "/health/live", "/v2/health/ready", "/docs"):
            assert requests.get(server.url + path, timeout=30).ok, path
        for path in ("/models", "/metrics", "/v2/models/small", "/nowhere"):
            assert requests.get(server.url + path, timeout=30).status_code == 401, path
        for path in ("/page/nothing", "/health/nothing"):  # where anybody may look, nobody learns a model's name
            answer = requests.get(server.url + path, timeout=30)
            assert (answer.status_code, answer.json().keys()) == (404, {"error", "field"})
        assert "urls" in requests.get(f"{server.url}/nothing", headers={"X-API-Key": "third"}, timeout=30).json()
        assert any("YOUR_KEY" in line for line in server.lines)
        assert not any("second" in line for line in server.lines)


def test_pages_of_named_origins_may_call(bundle):
    with serving(bundle, "--cors_origins", "https://example.org") as server:
        asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
        url = f"{server.url}/models/small/segment"
        good = requests.options(url, headers={"Origin": "https://example.org", **asked}, timeout=30)
        assert good.headers["Access-Control-Allow-Origin"] == "https://example.org"
        bad = requests.options(url, headers={"Origin": "https://example.com", **asked}, timeout=30)
        assert "Access-Control-Allow-Origin" not in bad.headers
        answer = segment(server.url, headers={"Origin": "https://example.org"})
        assert "Server-Timing" in answer.headers["Access-Control-Expose-Headers"]


@pytest.mark.slow
def test_worker_processes_share_the_port_and_the_metrics_and_end_together(bundle):
    with serving(bundle, "--workers", "2", "--log_format", "json") as server:
        workers = psutil.Process(server.process.pid).children(recursive=True)
        with ThreadPoolExecutor(8) as clients:
            answers = list(clients.map(lambda _: segment(server.url), range(60)))
        assert {answer.status_code for answer in answers} == {200}
        metrics = requests.get(f"{server.url}/metrics", timeout=30).text
        counts = [line for line in metrics.splitlines() if line.startswith("segwright_request_seconds_count")]
        assert sum(float(line.split()[-1]) for line in counts if "segment" in line) == 60
        logged = [json.loads(line) for line in server.lines if line.startswith("{")]
        wanted = {"time", "level", "message", "method", "path", "status", "ms", "client", "request_id", "model"}
        assert any(wanted <= entry.keys() for entry in logged)

        gauge = "segwright_pictures_accepted"
        working = [line for line in metrics.splitlines() if line.startswith(gauge)]
        assert [float(line.split()[-1]) for line in working] == [0]

        server.process.kill()
        psutil.wait_procs(workers, timeout=20)
        assert not [worker for worker in workers if worker.is_running() and worker.status() != "zombie"]


def test_request_ids_are_kept_or_made(bundle):
    with serving(bundle) as server:
        url = f"{server.url}/models"
        assert requests.get(url, headers={"X-Request-Id": "abc-1"}, timeout=30).headers["X-Request-Id"] == "abc-1"
        made = requests.get(url, headers={"X-Request-Id": "a b\tc"}, timeout=30).headers["X-Request-Id"]
        assert len(made) == 32
        server.wait_for("request_id=abc-1")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["{missing}"], "does not exist"),
        (["{empty}"], "holds neither a deploy.yaml nor folders 1, 2"),
        (["{bundle}", "{bundle}"], "are both called 'small'"),
        (["a b={bundle}"], "cannot be a model's name"),
        (["{bundle}", "--host", "0.0.0.0"], "--allow_public"),
        (["{bundle}", "--replicas", "2"], "--engine ray"),
        (["{bundle}", "--api_key_file", "{missing}"], "cannot be read"),
        (["{bundle}", "--api_key_file", "{blank}"], "holds no key"),
        (["{bundle}", "--api_key_file", "{foreign}"], "letters beyond ASCII"),
        (["{broken}"], "is not the file that was exported"),
        (["{other}"], "get another class here"),
        (["{bundle}", "--port", "{taken}"], "cannot listen on 127.0.0.1 port"),
    ],
)
def test_what_cannot_be_served_is_told_in_one_paragraph(tmp_path, bundle, words, told, capfd):
    (tmp_path / "empty").mkdir()
    (tmp_path / "blank").write_text("\n")
    (tmp_path / "foreign").write_text("good\nschl\u00fcssel\n", encoding="utf-8")
    shutil.copytree(bundle, tmp_path / "broken")
    (tmp_path / "broken/model.onnx").write_bytes(b"")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        names = {name: tmp_path / name for name in ("missing", "empty", "blank", "broken", "foreign")}
        if words == ["{other}"]:
            names["other"] = _with_wrong_selftest(bundle, tmp_path / "other")
        filled = [word.format(bundle=bundle, taken=taken.getsockname()[1], **names) for word in words]
        assert main(["serve", *filled]) == 2
    assert told in " ".join(capfd.readouterr().err.split())


def _with_wrong_selftest(bundle: Path, folder: Path) -> Path:
    """A bundle whose test picture's label map is another one, checksum included."""
    shutil.copytree(bundle, folder)
    content = yaml.safe_load((folder / "deploy.yaml").read_text())
    name = content["selftest"][0]["mask"]
    label = read_label(folder / name)
    write_label_map(folder / name, (label + 1) % 4, default_palette(4))
    for file in content["files"]:
        file["sha256"] = file_hash(folder / file["path"])
    (folder / "deploy.yaml").write_text(yaml.safe_dump(content))
    return folder


def test_r82_others_may_come_with_a_key_or_when_told(tmp_path):
    bundles = {"small": tmp_path}
    with pytest.raises(ConfigError, match="allow_public"):
        ServeOptions(bundles=bundles, host="192.168.1.5")
    with pytest.raises(ConfigError, match="empty"):
        ServeOptions(bundles=bundles, api_keys=("",))
    nan, endless = float("nan"), float("inf")
    for wrong in ({"max_pixels": 0}, {"read_timeout": nan}, {"answer_timeout": endless}, {"batch_delay": -1.0}):
        with pytest.raises(ConfigError, match=next(iter(wrong))):
            ServeOptions(bundles=bundles, **wrong)
    for options in ({"api_keys": ("x",)}, {"allow_public": True}):
        assert not ServeOptions(bundles=bundles, host="0.0.0.0", **options).is_local
    for host in ("127.0.0.1", "127.0.0.9", "::1", "localhost"):
        assert ServeOptions(bundles=bundles, host=host).is_local


def test_names_come_from_folders(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert name_bundles(["road_model", "x=some/where"]) == {
        "road_model": Path("road_model"),
        "x": Path("some/where"),
    }
    assert list(name_bundles(["."])) == [os.path.basename(tmp_path)]  # noqa: PTH119


def test_r79_a_folder_that_is_gone_for_a_moment_does_not_end_the_watch(bundle, monkeypatch):
    looks = iter([{"1": (1,)}, OSError("gone"), {"1": (2,)}, {"1": (2,)}])
    reloaded = []

    def look(_):
        seen = next(looks, {"1": (2,)})
        if isinstance(seen, OSError):
            raise seen
        return seen

    async def main():
        models = Models(ServeOptions(bundles={"small": bundle}, reload_interval=0.01), Metrics())
        monkeypatch.setattr(models_module, "signatures", look)
        changed = asyncio.Event()

        async def reload(model):
            reloaded.append(model.name)
            changed.set()

        monkeypatch.setattr(models, "reload", reload)
        await models.start()
        await asyncio.wait_for(changed.wait(), 10)
        await models.close()

    asyncio.run(main())
    assert reloaded[0] == "small"
