"""Who has gone, or has waited too long, is not worked for; and models that are exchanged leave nothing behind."""

import asyncio
import gc
import shutil
import threading
import time
import weakref
from contextlib import asynccontextmanager
from dataclasses import replace

import numpy as np
import pytest
from small_net import picture, small_bundle

from segwright.images import encode_image
from segwright.runtime import load
from segwright.serve import models as models_module
from segwright.serve import versions as versions_module
from segwright.serve.app import create_app
from segwright.serve.infer_request import sent_pictures
from segwright.serve.metrics import Metrics
from segwright.serve.models import Models
from segwright.serve.options import ServeOptions
from segwright.serve.pictures import PlainPixels
from segwright.serve.problems import Refused
from segwright.serve.tensors import InputTensor, packed_strings
from segwright.serve.together import together

PHOTO = picture(40, 52, seed=3)
PNG = encode_image(PHOTO, ".png")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return small_bundle(tmp_path_factory.mktemp("export") / "small")


@asynccontextmanager
async def started(folder, **options):
    options = {"reload_interval": 0, "crowd": False, **options}
    models = Models(ServeOptions(bundles={"small": folder}, **options), Metrics())
    await models.start()
    try:
        yield models
    finally:
        await models.close()


class GatedEngine:
    """Put in the place of a version's own: it computes when the gate is open, and notes its batches."""

    def __init__(self, version) -> None:
        self._infer = version.predictor.infer
        version._scheduler._usual = replace(version._scheduler._usual, infer=self)
        self.batches, self.gate = [], threading.Event()

    def __call__(self, tensors):
        self.batches.append(len(tensors))
        assert self.gate.wait(20)
        return self._infer(tensors)


class Client:
    """One request to an application; goes when told to."""

    def __init__(self, app, path: str, body: bytes, kind: str = "image/png") -> None:
        headers = [(b"content-type", kind.encode()), (b"content-length", str(len(body)).encode())]
        self.scope = {"type": "http", "method": "POST", "path": path, "query_string": b"", "headers": headers}
        self.status, self.gone, self._body = 0, asyncio.Event(), [body]
        self.answered = asyncio.Event()
        self.task = asyncio.create_task(app(self.scope, self._receive, self._send))

    async def _receive(self):
        if self._body:
            return {"type": "http.request", "body": self._body.pop()}
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = dict(message["headers"])
        elif not message.get("more_body"):
            self.answered.set()


async def until(condition) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(0.01)


@pytest.fixture
def restored(monkeypatch):
    """How many label maps were given the pictures' size."""
    calls = []
    real = models_module.label_map
    monkeypatch.setattr(models_module, "label_map", lambda *args: calls.append(1) or real(*args))
    return calls


def test_r77_beyond_the_deadline_what_waits_is_not_computed_and_what_computes_is_not_finished(bundle, restored):
    async def main():
        async with started(bundle, answer_timeout=0.4, batch_size=1) as models:
            app = create_app(models.options, models)
            engine = GatedEngine(models["small"].version())
            clients = [Client(app, "/models/small/segment", PNG) for _ in range(4)]
            await asyncio.gather(*(client.answered.wait() for client in clients))
            assert [client.status for client in clients] == [503] * 4
            assert clients[0].headers[b"retry-after"] == b"5"
            await until(
                lambda: models["small"].accepted == 1
            )  # the run that nobody can interrupt still holds its place
            engine.gate.set()
            await asyncio.gather(*(client.task for client in clients))
            assert models["small"].accepted == models["small"].version().users == 0
            assert engine.batches == [1]
            assert restored == []

    asyncio.run(main())


def test_r77_clients_that_all_go_in_mid_run_leave_their_room_when_it_is_over(bundle, restored):
    async def main():
        async with started(bundle, max_pixels=2 * PHOTO[..., 0].size) as models:
            app = create_app(models.options, models)
            engine = GatedEngine(models["small"].version())
            gone = [Client(app, "/models/small/segment", PNG) for _ in range(2)]
            await until(lambda: engine.batches)
            await until(lambda: models._room._free == 0)
            for client in gone:
                client.gone.set()
            stays = Client(app, "/models/small/segment", PNG)
            await asyncio.sleep(0.1)
            assert models._room._free <= PHOTO[..., 0].size  # what computes still takes its memory
            engine.gate.set()
            await asyncio.gather(stays.task, *(client.task for client in gone))
            assert stays.status == 200
            assert len(restored) == 1
            assert models._room._free == 2 * PHOTO[..., 0].size

    asyncio.run(main())


def test_r77_where_one_picture_of_a_request_is_bad_the_others_are_not_computed(bundle):
    async def main():
        async with started(bundle, batch_size=1) as models:
            app = create_app(models.options, models)
            engine = GatedEngine(models["small"].version())
            damaged = PNG[: len(PNG) // 2]
            body = packed_strings([PNG, PNG, PNG, damaged])
            tensor = '{"name": "image", "datatype": "BYTES", "shape": [4], "parameters": {"binary_data_size": %d}}'
            head = f'{{"inputs": [{tensor % len(body)}], "outputs": [{{"name": "png"}}]}}'.encode()
            client = Client(app, "/v2/models/small/infer", head + body)
            client.scope["headers"].append((b"inference-header-content-length", str(len(head)).encode()))
            await until(lambda: engine.batches)
            await asyncio.sleep(0.1)
            engine.gate.set()
            await client.task
            assert client.status == 415
            assert engine.batches == [1]
            assert models["small"].accepted == models["small"].version().waiting == 0

    asyncio.run(main())


def test_none_of_several_things_outlives_the_others():
    ended = []

    async def work(number: int) -> int:
        try:
            await asyncio.sleep(0 if number < 2 else 20)
        finally:
            ended.append(number)
        if number == 1:
            raise ValueError("one")
        return number

    async def main():
        assert await together(work(0) for _ in range(3)) == [0, 0, 0]
        ended.clear()
        with pytest.raises(ValueError, match="one"):
            await together(map(work, range(4)))
        assert sorted(ended) == [0, 1, 2, 3]

    asyncio.run(main())


def test_r72_the_pictures_of_a_request_have_together_no_more_pixels_than_one_may_have():
    small = encode_image(np.zeros((10, 10, 3), np.uint8), ".png")
    image = InputTensor(name="image", datatype="BYTES", shape=[3])
    contents = packed_strings([small] * 3)
    assert len(sent_pictures(image, contents, max_pixels=300, bit_depth=None)) == 3
    with pytest.raises(Refused, match="3 pictures have 300 pixels") as refused:
        sent_pictures(image, contents, max_pixels=299, bit_depth=None)
    assert refused.value.status == 413


def _engine_threads() -> int:
    return sum(thread.name.startswith("engine") for thread in threading.enumerate())


def test_r79_reloads_asked_for_at_once_end_in_one_model_and_leave_none_behind(tmp_path, bundle, monkeypatch):
    shutil.copytree(bundle, tmp_path / "small")
    opened, expected = [], load(bundle)(PHOTO)
    real = versions_module.open_tried
    monkeypatch.setattr(versions_module, "open_tried", lambda *args: opened.append(1) or real(*args))
    threads = _engine_threads()

    async def main():
        async with started(tmp_path / "small", reload_interval=0.05) as models:
            model, answers = models["small"], 0
            stop = asyncio.Event()

            async def ask():
                nonlocal answers
                while not stop.is_set():
                    with models.admitted("small") as version:
                        answer = await models.answer(version, lambda: PlainPixels(PHOTO))
                    np.testing.assert_array_equal(answer.label, expected)
                    answers += 1

            asking = [asyncio.create_task(ask()) for _ in range(4)]
            for turn in range(3):
                old, before = weakref.ref(model.version()), answers
                (tmp_path / "small/deploy.yaml").touch()
                impatient = asyncio.create_task(models.reload(model))
                await asyncio.sleep(0)
                impatient.cancel()  # who asked has gone
                await asyncio.gather(models.reload(model), models.reload(model))
                await asyncio.sleep(0.2)  # the watch has looked, too
                assert len(opened) == turn + 2
                assert len(model.versions) == 1
                assert model.problem is None
                gc.collect()
                assert old() is None
                await until(lambda before=before: answers > before + 4)
                assert _engine_threads() - threads == 1
            stop.set()
            await asyncio.gather(*asking)

    asyncio.run(main())
    assert _engine_threads() == threads


def test_r79_whatever_a_reload_fails_of_the_watch_goes_on(tmp_path, bundle, monkeypatch, caplog):
    shutil.copytree(bundle, tmp_path / "small")
    failures = [OSError("the disk is gone"), ValueError("a fault")]
    real = models_module.open_versions

    def fail_at_first(*args):
        if failures:
            raise failures.pop(0)
        return real(*args)

    async def main():
        async with started(tmp_path / "small", reload_interval=0.02) as models:
            model = models["small"]
            monkeypatch.setattr(models_module, "open_versions", fail_at_first)
            first = model.version()
            (tmp_path / "small/deploy.yaml").touch()
            await until(lambda: len(failures) == 1)
            await until(lambda: model.problem == "the disk is gone")
            (tmp_path / "small/deploy.yaml").touch()
            await until(lambda: model.problem == "a fault")
            assert model.version() is first
            (tmp_path / "small/deploy.yaml").touch()
            await until(lambda: model.version() is not first)
            assert model.problem is None

    asyncio.run(main())
    assert "goes on as it was" in caplog.text
