"""The layer before Ray's proxy, with applications in the place of Ray."""

import asyncio
import json

import pytest
from starlette.responses import JSONResponse, PlainTextResponse

from segwright.serve.ray_proxy import SecondTry


class Ray:
    """Reads a request and dies, as many times as told; then it answers. Keeps what it was sent."""

    def __init__(self, answer, deaths: int = 0, *, half_read: bool = False) -> None:
        self.answer, self.deaths, self.half_read = answer, deaths, half_read
        self.bodies: list[bytes] = []

    async def __call__(self, scope, receive, send) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
            if self.half_read and len(self.bodies) < self.deaths:
                break
        self.bodies.append(body)
        if len(self.bodies) > self.deaths:
            await self.answer(scope, receive, send)


def ask(ray: Ray, pieces=(b"pict", b"ure"), *, goes: bool = False, headers=()) -> list[dict]:
    """What a client is sent."""
    sent = []
    messages = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
    messages[-1]["more_body"] = False
    if goes:
        messages = [*messages[:-1], {"type": "http.disconnect"}]

    async def receive():
        return messages.pop(0)

    async def send(message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/", "headers": list(headers)}
    asyncio.run(SecondTry(ray)(scope, receive, send))
    return sent


def told(sent: list[dict]) -> tuple[int, dict, dict]:
    start, *bodies = sent
    headers = {name.decode().lower(): value.decode() for name, value in start["headers"]}
    assert len(headers) == len(start["headers"])
    content = b"".join(message["body"] for message in bodies)
    assert int(headers["content-length"]) == len(content)
    return start["status"], headers, json.loads(content)


@pytest.mark.parametrize("half_read", [True, False])
@pytest.mark.parametrize("deaths", [0, 1])
def test_a_request_whose_replica_dies_goes_to_another_whole(deaths, half_read):
    ray = Ray(JSONResponse({"label": 7}), deaths, half_read=half_read)
    assert told(ask(ray))[::2] == (200, {"label": 7})
    assert ray.bodies[deaths:] == [b"picture"]


def test_where_the_other_dies_too_the_client_is_told_to_come_back():
    ray = Ray(JSONResponse({}), deaths=2)
    status, headers, problem = told(ask(ray))
    assert (status, headers["retry-after"], headers["content-type"]) == (503, "5", "application/json")
    assert "died" in problem["error"]
    assert set(problem) == {"error", "field"}
    assert len(ray.bodies) == 2


def test_who_has_gone_has_no_second_try():
    ray = Ray(JSONResponse({}), deaths=1)
    assert ask(ray, goes=True) == []
    assert len(ray.bodies) == 1


@pytest.mark.parametrize(("status", "shown"), [(429, 429), (503, 503), (404, 503)])
def test_errors_in_rays_words_come_in_ours(status, shown):
    ray = Ray(PlainTextResponse("Deployment 'segwright' at /home/x is unavailable", status))
    found, headers, problem = told(ask(ray))
    assert (found, headers["retry-after"]) == (shown, "5")
    assert "/home" not in problem["error"]
    assert set(problem) == {"error", "field"}


def test_answers_of_the_service_stay_as_they_are():
    refused = JSONResponse({"error": "no model", "field": None}, 404)
    assert told(ask(Ray(refused)))[::2] == (404, {"error": "no model", "field": None})


@pytest.mark.parametrize(("given", "kept"), [(b"abc-1", True), (b"a b", False), (b"", False)])
def test_a_request_has_one_id_whoever_adds_it(given, kept):
    async def service(scope, receive, send) -> None:
        identity = dict(scope["headers"])[b"x-request-id"].decode()
        answer = JSONResponse({"seen": identity}, headers={"X-Request-Id": identity})
        answer.raw_headers.append((b"x-request-id", identity.encode()))
        await answer(scope, receive, send)

    _, headers, content = told(ask(Ray(service), headers=[(b"x-request-id", given)]))
    assert headers["x-request-id"] == content["seen"]
    assert (content["seen"] == given.decode()) == kept
