"""Clients that send too much, too slowly, read nothing or go away, against a real server: nobody else notices."""

import asyncio
import base64
import select
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import numpy as np
import pytest
from abused import MIB, MODEL, Good, abused_server, encoded, export_free, gauges, segment
from small_net import picture

from campaigns.bad_requests import JSON, infer_body
from campaigns.exchange import HOST, Answer, ask, exchange, read_all, read_answer, request

READ_TIMEOUT = 3.0  # seconds, as ``abused`` sets it
LARGE = (1800, 2000)  # a picture that takes the small model a good part of a second


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return export_free(tmp_path_factory.mktemp("abuse"))


@pytest.fixture(scope="module")
def server(bundle):
    with abused_server(bundle) as server:
        yield server


@pytest.fixture(scope="module")
def good(bundle):
    return Good(bundle, [(40, 56), LARGE])


@pytest.fixture
def line(server):
    with socket.create_connection((HOST, server.port), timeout=10) as line:
        yield line


def pour(line: socket.socket, head: bytes, piece: bytes, *, pause: float = 0.0) -> tuple[int, Answer]:
    """Send pieces without end until something comes back: how many bytes that took, and the answer."""
    line.sendall(head)
    sent, begin = 0, time.monotonic()
    while not select.select([line], [], [], pause)[0] and time.monotonic() - begin < 10:
        sent += line.send(piece)
    seconds = time.monotonic() - begin
    return sent, Answer.parse(read_answer(line), seconds)


def headers(*lines: str) -> bytes:
    """Of an upload, without their end where the last line is not empty."""
    return "\r\n".join([f"POST /models/{MODEL}/segment HTTP/1.1", f"Host: {HOST}", *lines]).encode()


@pytest.mark.parametrize("length", ["Content-Length: 1000000000000", "Transfer-Encoding: chunked"])
def test_r70_endless_bodies_are_refused_before_they_are_read(server, line, length):
    piece = b"10000\r\n" + bytes(0x10000) + b"\r\n" if "chunked" in length else bytes(1 << 16)
    memory = server.memory()
    sent, answer = pour(line, headers("Content-Type: image/png", length, "", ""), piece)
    assert answer.status == 413
    assert "2 MiB" in answer.json()["error"]
    assert sent < 16 * MIB  # what fits into the system's buffers, and not more
    assert server.memory() - memory < 50 * MIB


def test_r70_a_client_that_asks_first_does_not_send_at_all(line):
    line.sendall(headers("Content-Type: image/png", "Content-Length: 1000000000", "Expect: 100-continue", "", ""))
    assert Answer.parse(read_answer(line)).status == 413


@pytest.mark.slow
def test_r76_slow_clients_are_told_so(server):
    """One byte every tenth of a second, wherever in a request."""
    heads_and_pieces = [
        (b"GET / HTTP/1.1\r\nX: ", b"a"),
        (b"", b""),
        (headers("Content-Type: image/png", "Content-Length: 100000", "", ""), b"a"),
        (headers("Content-Type: image/png", "Transfer-Encoding: chunked", "", ""), b"1\r\na\r\n"),
    ]
    with ThreadPoolExecutor() as pool, ExitStack() as stack:
        lines = [stack.enter_context(socket.create_connection((HOST, server.port), 10)) for _ in heads_and_pieces]
        ends = pool.map(lambda line, case: pour(line, *case, pause=0.1), lines, heads_and_pieces)
        for _, answer in ends:
            assert answer.status == 408
            assert answer.json()["error"]
            assert READ_TIMEOUT - 0.1 < answer.seconds < READ_TIMEOUT + 1


@pytest.mark.slow
def test_r76_a_hundred_slow_clients_take_nothing_from_the_others(server, good):
    files = server.files()
    lines = [socket.create_connection((HOST, server.port), timeout=10) for _ in range(100)]
    for number, line in enumerate(lines):
        line.sendall(headers("Content-Type: image/png", "Content-Length: 9", *["", "a"] * (number % 2)))
    time.sleep(2.1)
    for _ in range(20):  # fifty send their bodies slowly, which is more than there is room for
        good.check(0, ask(server.port, good.requests[0]))
    for line in lines:
        assert Answer.parse(read_all(line)).status in (408, 429)
        line.close()
    assert settled(lambda: server.files() <= files)


@pytest.mark.slow
def test_r76_clients_that_read_nothing_are_let_go(server, good):
    """Answers of about what fits into the system's buffers, so that of some a little is left in the server's."""
    files = server.files()
    lines = []
    for number in range(14):
        line = socket.socket()
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        line.connect((HOST, server.port))
        content = base64.b64encode(encoded(np.zeros((700 + 12 * number, 1000, 3), np.uint8))).decode()
        line.sendall(request(f"/v2/models/{MODEL}/infer", infer_body([content], [1], "BYTES"), JSON))
        lines.append(line)
    assert settled(lambda: ask(server.port, good.requests[0]).status == 200)
    assert settled(lambda: set(gauges(server).values()) == {0})
    assert settled(lambda: server.files() <= files)
    for line in lines:
        line.close()


def test_r76_a_slow_reader_that_goes_on_gets_all(server):
    content = encoded(picture(1000, 1000))
    sent = request(f"/models/{MODEL}/segment?output=overlay", content, {"Content-Type": "image/png"})
    with socket.socket() as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        line.connect((HOST, server.port))
        line.sendall(sent)
        pieces, begin = [], time.monotonic()
        while piece := line.recv(4096):
            pieces.append(piece)
            time.sleep(0.05 if time.monotonic() - begin < 2.5 else 0)  # several write_timeouts
    assert Answer.parse(b"".join(pieces)).status == 200


@pytest.mark.parametrize("after", [0.0, 0.15], ids=["at once", "in mid-inference"])
def test_r77_clients_that_go_free_their_places(server, good, after):
    lines = []
    for _ in range(10):
        line = socket.create_connection((HOST, server.port))
        line.sendall(good.requests[1])
        lines.append(line)
    time.sleep(after)
    for line in lines:
        line.close()
    assert settled(lambda: set(gauges(server).values()) == {0})
    good.check(0, ask(server.port, good.requests[0]))
    assert settled(lambda: "status=499" in server.said())


def test_r77_clients_that_go_in_mid_request_or_mid_answer_leave_nothing(server, good):
    files = server.files()
    for number in range(40):
        with socket.create_connection((HOST, server.port)) as line:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # the line breaks
            if number % 2:
                line.sendall(good.requests[0][: 60 + 20 * number])
            else:
                line.sendall(good.requests[0])
                line.recv(20)
    assert settled(lambda: server.files() <= files)
    assert set(gauges(server).values()) == {0}
    good.check(0, ask(server.port, good.requests[0]))


@pytest.mark.slow
def test_r70_r82_who_has_no_key_cannot_send_for_ever_either(bundle, tmp_path):
    keys = tmp_path / "keys"
    keys.write_text("secret\n", encoding="utf-8")
    with abused_server(bundle, "--api_key_file", keys) as server:
        with socket.create_connection((HOST, server.port), timeout=10) as line:
            head = headers("Content-Type: image/png", "Content-Length: 1000000000000", "", "")
            sent, answer = pour(line, head, bytes(1 << 16))
            assert answer.status == 401
            assert sent < 16 * MIB
        content = encoded(picture(40, 56))
        assert ask(server.port, segment(content, Authorization="Bearer secret")).status == 200


# Reset is who has come when the port closes, before the server has taken the connection.
GONE = (ConnectionRefusedError, ConnectionResetError)


@pytest.mark.slow
def test_r80_sigterm_under_load_finishes_what_was_accepted_and_is_not_ready_first(bundle, good):
    with abused_server(bundle, "--drain_time", 1) as server:
        ready: list[tuple[float, int]] = []

        async def client() -> list[Answer]:
            answers = []
            while True:
                try:
                    answers.append(await exchange(server.port, good.requests[len(answers) % 2]))
                except GONE:
                    return answers

        async def watch() -> None:
            while True:
                try:
                    answer = await exchange(server.port, request("/health/ready"))
                except GONE:
                    return
                ready.append((time.monotonic(), answer.status))
                await asyncio.sleep(0.02)

        async def end() -> float:
            await asyncio.sleep(1)
            server.process.send_signal(signal.SIGTERM)
            return time.monotonic()

        async def all_of_it():
            return await asyncio.gather(end(), watch(), *(client() for _ in range(6)))

        told, _, *answers = asyncio.run(all_of_it())
        assert server.process.wait(20) in (0, -signal.SIGTERM)
    for of_one in answers:
        for number, answer in enumerate(of_one):
            good.check(number % 2, answer)
    assert {status for moment, status in ready if moment < told} == {200}
    denied = [moment for moment, status in ready if status == 503]
    assert denied[0] - told < 0.5
    assert denied[-1] - told > 0.5  # answered for as long as others need to look elsewhere


def settled(condition, seconds: float = 8.0) -> bool:
    """Whether a condition comes true within some seconds."""
    end = time.monotonic() + seconds
    while not (held := condition()) and time.monotonic() < end:
        time.sleep(0.05)
    return held
