"""Requests that are wrong, too large or meant to do harm, against a real server: it says so, and goes on."""

import asyncio
import base64
import json
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
from abused import MIB, MODEL, Good, abused_server, encoded, export_free, gauges, segment
from small_net import picture

from campaigns.bad_requests import JSON, Bad, bad_requests, infer_body
from campaigns.bombs import many_scans
from campaigns.exchange import ask, exchange, request
from segwright.images import read_label

GROWTH = 200 * MIB  # of memory, at the worst moment of a request
BAD = bad_requests(MODEL)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return export_free(tmp_path_factory.mktemp("abuse"))


@pytest.fixture(scope="module")
def server(bundle):
    with abused_server(bundle) as server:
        yield server


@pytest.fixture(scope="module")
def good(bundle):
    return Good(bundle, [(40, 56), (33, 47), (64, 64), (40, 57)])


class Peak:
    """The most memory that a server holds in the block, in bytes above what it held before."""

    def __init__(self, server) -> None:
        self.process = psutil.Process(server.process.pid)

    def __enter__(self) -> "Peak":
        self.before = self.most = self.process.memory_info().rss
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._watch)
        self.thread.start()
        return self

    def _watch(self) -> None:
        while not self.over.wait(0.005):
            self.most = max(self.most, self.process.memory_info().rss)

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.thread.join()
        self.growth = self.most - self.before


@pytest.mark.parametrize("bad", BAD, ids=[bad.name for bad in BAD])
def test_r71_r72_r74_bad_requests_are_told_what_is_wrong_and_take_no_memory(server, bad: Bad):
    with Peak(server) as peak:
        answer = ask(server.port, bad.sent)
    assert answer.status in bad.statuses, answer.body
    assert answer.headers["content-type"] == "application/json"
    problem = answer.json()
    assert set(problem) == {"error", "field"}
    assert problem["error"]
    assert problem["field"] == bad.field
    assert not any(word in problem["error"] for word in ("Traceback", 'File "', "/site-packages"))
    assert answer.seconds < 5
    assert peak.growth < GROWTH


def test_r71_a_data_url_and_base64_in_lines_are_fine(server, good):
    text = base64.encodebytes(good.contents[0]).decode()
    for prefix in ("", "data:image/png;base64,"):
        body = json.dumps({"img_b64": prefix + text}).encode()
        answer = ask(server.port, request(f"/predict/{MODEL}", body, JSON))
        assert answer.status == 200
        png = base64.b64decode(json.loads(answer.json()["results"])["res"])
        np.testing.assert_array_equal(read_label(png), read_label(ask(server.port, good.requests[0]).body))


def test_r71_r74_what_the_openapi_document_says_is_true(server, tmp_path):
    config = tmp_path / "schemathesis.toml"
    config.write_text(f'[parameters]\nname = "{MODEL}"\nversion = "1"\ncategory = "image"\n', encoding="utf-8")
    checks = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
    program = Path(sys.executable).with_name("schemathesis")
    words = ["--config-file", config, "run", f"{server.url}/openapi.json", "--checks", checks, "--max-examples", 3]
    words += ["--phases", "coverage,fuzzing", "--seed", 1, "--no-color"]
    ran = subprocess.run([str(program), *map(str, words)], capture_output=True, text=True, timeout=120, cwd=tmp_path)
    assert ran.returncode == 0, ran.stdout
    assert "unresolvable" not in ran.stdout


def test_r72_a_jpeg_of_a_hundred_scans_is_the_most_that_is_decoded(server):
    assert ask(server.port, segment(many_scans(60, (64, 64)))).status == 200
    assert ask(server.port, segment(many_scans(120, (64, 64)))).status == 415


def test_r72_noise_is_refused_as_polygons_before_it_takes_minutes(server):
    noise = picture(8, 8).repeat(3, 0)
    assert ask(server.port, segment(encoded(noise), "?output=json")).status == 200
    speckled = encoded(_noise(700, 700))
    answer = ask(server.port, segment(speckled, "?output=json"))
    assert answer.status == 413
    assert "output=png" in answer.json()["error"]
    assert answer.seconds < 5
    assert ask(server.port, segment(speckled)).status == 200


def test_r74_label_maps_too_long_for_json_are_had_as_png(server):
    content = base64.b64encode(encoded(picture(2100, 2000))).decode()
    answer = ask(server.port, request(f"/v2/models/{MODEL}/infer", infer_body([content], [1], "BYTES"), JSON))
    assert answer.status == 413
    assert "png" in answer.json()["error"]
    body = infer_body([content], [1], "BYTES", outputs=[{"name": "png"}])
    assert ask(server.port, request(f"/v2/models/{MODEL}/infer", body, JSON)).status == 200


@pytest.mark.parametrize(
    "path",
    [
        "../../etc/passwd",
        "..%2f..%2fetc%2fpasswd",
        "%2e%2e/deploy.yaml",
        "free%00",
        "free/../free",
        "%ff%fe",
        "a" * 3000,
    ],
)
def test_r81_names_of_models_lead_to_no_file(server, path):
    for where in ("/models/{}/segment", "/predict/{}", "/v2/models/{}/infer", "/page/{}", "/{}"):
        answer = ask(server.port, request(where.format(path), b"x", {"Content-Type": "image/png"}))
        assert answer.status in (404, 405), answer.body
        assert b"root:" not in answer.body
        assert ask(server.port, request(where.format(path))).status in (404, 405)


def test_r81_headers_are_neither_believed_nor_repeated(server):
    for host in ("[", "a b", "evil.example/x?y", ""):
        for path in ("/nothing", "/models/", "/page"):
            sent = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()
            answer = ask(server.port, sent)
            assert answer.status in (404, 307)
            assert "evil" not in str(answer.headers)
    answer = ask(server.port, request("/", headers={"X-Request-Id": "a b%0d%0aX: 1"}))
    assert answer.headers["x-request-id"].isalnum()
    for sent in (b"GET / HTTP/1.1\r\nHost: x\r\nX: a\0b\r\n\r\n", b"\x16\x03\x01\x02\x00\r\n\r\n", b"GET\r\n\r\n"):
        assert ask(server.port, sent).status == 400


def test_r81_huge_headers_are_refused_and_the_client_reads_why(server):
    answer = ask(server.port, request("/", headers={"X": "a" * 3_000_000}))
    assert answer.status == 400
    assert "32 KiB" in answer.json()["error"]


def test_r81_a_path_cannot_forge_a_line_of_the_log(server):
    ask(server.port, request("/x%0a2030-01-01 00:00:00 [INFO] forged".replace(" ", "%20")))
    ask(server.port, request("/x%1b[31mred"))
    assert "forged" in server.said()
    assert not any(line.startswith("2030") for line in server.said().splitlines())
    assert "\x1b" not in server.said()


def test_r81_made_up_methods_do_not_fill_the_memory_of_the_metrics(server):
    for number in range(3):
        assert ask(server.port, request("/", method=f"MADEUP{number}")).status == 405
    text = ask(server.port, request("/metrics")).body.decode()
    assert "MADEUP" not in text
    assert 'method="other"' in text


def test_r81_no_url_is_fetched(server):
    with socket.create_server(("127.0.0.1", 0)) as bait:
        bait.settimeout(0.3)
        url = f"http://127.0.0.1:{bait.getsockname()[1]}/picture.png"
        body = json.dumps({"img_b64": url}).encode()
        assert ask(server.port, request(f"/predict/{MODEL}", body, JSON)).status == 400
        assert ask(server.port, segment(url.encode())).status == 415
        assert ask(server.port, segment(f'<svg><image href="{url}"/></svg>'.encode())).status == 415
        with pytest.raises(TimeoutError):
            bait.accept()


def test_r75_two_hundred_clients_at_once_are_served_or_told_when_to_come_back(server, good):
    async def storm():
        return await asyncio.gather(*(exchange(server.port, good.requests[n % 4]) for n in range(200)))

    answers = asyncio.run(storm())
    assert {answer.status for answer in answers} <= {200, 429}
    served = [number for number, answer in enumerate(answers) if answer.status == 200]
    assert len(served) >= 16
    for number in served:
        good.check(number % 4, answers[number])
    for answer in answers:
        if answer.status == 429:
            assert int(answer.headers["retry-after"]) >= 1
            assert set(answer.json()) == {"error", "field"}
    assert max(answer.seconds for answer in answers) < 10
    assert set(gauges(server).values()) == {0}


def test_r75_r78_bad_requests_among_good_ones_of_mixed_sizes_take_none_with_them(server, good):
    bad = [one for one in BAD if len(one.sent) < MIB]

    async def client(number: int) -> None:
        for turn in range(12):
            serial = number * 12 + turn
            if serial % 5 == 0:
                wrong = bad[serial // 5 % len(bad)]
                answer = await exchange(server.port, wrong.sent)
                assert answer.status in (*wrong.statuses, 429), (wrong.name, answer.body)
            else:
                good.check(serial % 4, await exchange(server.port, good.requests[serial % 4]))

    async def load() -> None:
        await asyncio.gather(*(client(number) for number in range(12)))

    asyncio.run(load())
    memory = server.memory()
    asyncio.run(load())
    assert server.memory() - memory < 60 * MIB
    begin = time.monotonic()
    good.check(0, ask(server.port, good.requests[0]))
    assert time.monotonic() - begin < 1
    assert set(gauges(server).values()) == {0}


def _noise(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
