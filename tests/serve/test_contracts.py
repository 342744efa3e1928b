"""What clients rely on: PaddleHub's contract, KServe v2, uploads, and what the server says of itself."""

import base64
import io
import json
import subprocess

import cv2
import numpy as np
import pytest
import requests
import tritonclient.http as triton
from PIL import Image
from served import serving
from small_net import picture, small_bundle

from segwright.images import read_label, write_image
from segwright.runtime import load


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return small_bundle(tmp_path_factory.mktemp("models") / "bisenetv2_predict")


@pytest.fixture(scope="module")
def server(folder):
    with serving(folder, f"again={folder}") as running:
        yield running


@pytest.fixture(scope="module")
def photo():
    return picture(90, 130, seed=5)


@pytest.fixture(scope="module")
def png(photo):
    content = io.BytesIO()
    Image.fromarray(photo).save(content, "PNG")
    return content.getvalue()


@pytest.fixture(scope="module")
def label(folder, photo):
    return load(folder)(photo)


def cv2_to_base64(image):
    """From PaddleHub's examples, as users have it."""
    data = cv2.imencode(".png", image)[1]
    return base64.b64encode(data.tobytes()).decode("utf8")


def base64_to_cv2(b64str):
    """From PaddleHub's examples, as users have it."""
    data = base64.b64decode(b64str.encode("utf8"))
    data = np.frombuffer(data, np.uint8)
    return cv2.imdecode(data, cv2.IMREAD_COLOR)


@pytest.mark.parametrize("route", ["predict/bisenetv2_predict", "predict/image/bisenetv2_predict"])
def test_r84_a_paddlehub_client_works_unchanged(server, photo, label, route):
    org_im = photo[:, :, ::-1]
    data = {"img_b64": cv2_to_base64(org_im)}
    headers = {"Content-type": "application/json"}
    r = requests.post(url=f"{server.url}/{route}", headers=headers, data=json.dumps(data), timeout=30)
    assert r.json()["msg"] == ""
    results = json.loads(r.json()["results"])
    mask = base64_to_cv2(results["res"])
    np.testing.assert_array_equal(mask, np.repeat(label[:, :, None], 3, axis=2))


def test_r71_a_data_url_is_base64_too(server, png, label):
    data = {"img_b64": "data:image/png;base64," + base64.b64encode(png).decode()}
    answer = requests.post(f"{server.url}/predict/bisenetv2_predict", json=data, timeout=30).json()
    mask = base64.b64decode(json.loads(answer["results"])["res"])
    np.testing.assert_array_equal(np.array(Image.open(io.BytesIO(mask))), label)


@pytest.mark.parametrize("binary", [True, False])
def test_a_kserve_client_sends_pixels(server, photo, label, binary):
    client = triton.InferenceServerClient(server.url.removeprefix("http://"))
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("bisenetv2_predict")
    assert client.get_server_metadata()["name"] == "segwright"
    metadata = client.get_model_metadata("bisenetv2_predict")
    assert metadata["inputs"] == [{"name": "image", "datatype": "UINT8", "shape": [-1, -1, -1, 3]}]
    pixels = triton.InferInput("image", [2, *photo.shape], "UINT8")
    pixels.set_data_from_numpy(np.stack([photo, photo]), binary_data=binary)
    wanted = [triton.InferRequestedOutput("label_map", binary_data=binary)]
    answer = client.infer("bisenetv2_predict", [pixels], request_id="seven", outputs=wanted)
    np.testing.assert_array_equal(answer.as_numpy("label_map"), np.stack([label, label]))
    assert answer.get_response()["id"] == "seven"
    client.close()


def test_a_kserve_client_sends_files_of_any_size(server, folder, png, label, tmp_path):
    small = picture(40, 31, seed=6)
    write_image(tmp_path / "small.png", small)
    files = np.array([png, (tmp_path / "small.png").read_bytes()], dtype=np.object_)
    client = triton.InferenceServerClient(server.url.removeprefix("http://"))
    tensor = triton.InferInput("image", [2], "BYTES")
    tensor.set_data_from_numpy(files)
    answer = client.infer("again", [tensor], model_version="1", outputs=[triton.InferRequestedOutput("png")])
    for content, expected in zip(answer.as_numpy("png"), [label, load(folder)(small)], strict=True):
        np.testing.assert_array_equal(read_label(content), expected)
    with pytest.raises(triton.InferenceServerException, match="differ in size"):
        client.infer("again", [tensor])
    client.close()


def test_json_alone_will_do_for_kserve(server, png, label):
    tensor = {"name": "image", "datatype": "BYTES", "shape": [1], "data": [base64.b64encode(png).decode()]}
    body = {"inputs": [tensor], "outputs": [{"name": "label_map"}, {"name": "png"}]}
    answer = requests.post(f"{server.url}/v2/models/again/infer", json=body, timeout=30).json()
    first, second = answer["outputs"]
    assert (answer["model_name"], answer["model_version"]) == ("again", "1")
    assert (first["datatype"], first["shape"]) == ("UINT8", [1, *label.shape])
    np.testing.assert_array_equal(np.reshape(first["data"], label.shape), label)
    np.testing.assert_array_equal(read_label(base64.b64decode(second["data"][0])), label)


@pytest.mark.parametrize("as_form", [True, False])
def test_r85_an_upload_gives_exact_ids_an_overlay_or_polygons(server, photo, png, label, as_form):
    def ask(output):
        sent = {"files": {"image": png}} if as_form else {"data": png, "headers": {"Content-Type": "image/png"}}
        url = f"{server.url}/models/bisenetv2_predict/segment?output={output}"
        answer = requests.post(url, timeout=30, **sent)
        assert answer.status_code == 200, answer.text
        assert {"decode", "queue", "infer", "encode"} == {
            part.split(";")[0].strip() for part in answer.headers["Server-Timing"].split(",")
        }
        return answer

    answer = ask("png")
    assert answer.headers["Content-Type"] == "image/png"
    np.testing.assert_array_equal(read_label(answer.content), label)
    overlay = Image.open(io.BytesIO(ask("overlay").content))
    assert (overlay.format, overlay.size) == ("JPEG", photo.shape[1::-1])
    described = ask("json").json()
    assert (described["width"], described["height"]) == photo.shape[1::-1]
    drawn = np.full(label.shape, 255, np.uint8)
    for entry in described["classes"]:
        assert entry["pixels"] == int((label == entry["id"]).sum())
        for ring in entry["polygons"]:
            _fill(drawn, ring, entry["id"])
    np.testing.assert_array_equal(drawn, label)
    assert {entry["name"] for entry in described["classes"]} <= {"sky", "road", "car", "tree"}


def _fill(drawn: np.ndarray, ring: list, number: int) -> None:
    """Even-odd fill at the middles of pixels."""
    rows, columns = np.mgrid[: drawn.shape[0], : drawn.shape[1]] + 0.5
    inside = np.zeros(drawn.shape, bool)
    for (x1, y1), (x2, y2) in zip(ring, ring[1:] + ring[:1], strict=True):
        if y1 != y2:
            crosses = (np.minimum(y1, y2) <= rows) & (rows < np.maximum(y1, y2))
            inside ^= crosses & (columns < x1 + (rows - y1) * (x2 - x1) / (y2 - y1))
    drawn[inside] = number


def test_h8_every_printed_command_works(server, png, label, tmp_path):
    (tmp_path / "picture.jpg").write_bytes(png)
    commands = [line.split(None, 1)[1] for line in server.lines if "curl" in line]
    commands = [command.removeprefix("map ").removeprefix("v2 ").strip() for command in commands]
    assert len(commands) == 10
    for command in commands:
        done = subprocess.run(["bash", "-c", command], cwd=tmp_path, capture_output=True, timeout=60, check=False)
        assert done.returncode == 0, (command, done.stderr)
        if "label_map.png" in command:
            np.testing.assert_array_equal(read_label(tmp_path / "label_map.png"), label)


def test_r73_an_unknown_path_is_told_the_right_ones(server):
    answer = requests.post(f"{server.url}/predict/image/x/bisenetv2_predict", timeout=30)
    assert answer.status_code == 404
    assert "POST /predict/bisenetv2_predict" in answer.json()["urls"]
    answer = requests.post(f"{server.url}/predict/bisenetv2_predct", timeout=30)
    assert answer.status_code == 404
    assert "did you mean 'bisenetv2_predict'?" in answer.json()["error"]


def test_what_is_served_is_described(server):
    models = requests.get(f"{server.url}/models", timeout=30).json()["models"]
    assert [model["name"] for model in models] == ["bisenetv2_predict", "again"]
    assert models[0]["classes"][1] == {"id": 1, "name": "road", "color": "#008000"}
    assert models[0]["input"] == {"height": 56, "width": 72}
    assert requests.post(f"{server.url}/v2/repository/index", timeout=30).json()[0]["state"] == "READY"


def test_metrics_count_what_was_asked(server, png):
    def count(metric):
        text = requests.get(f"{server.url}/metrics", timeout=30).text
        return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith(metric))

    metric = 'segwright_request_seconds_count{method="POST",route="/models/{name}/segment",status="200"}'
    before = count(metric)
    requests.post(f"{server.url}/models/again/segment", files={"image": png}, timeout=30)
    assert count(metric) == before + 1
    assert count('segwright_stage_seconds_count{model="again",stage="infer"}') >= 1
    assert count('segwright_pictures_accepted{model="again"}') == 0


def test_metrics_count_every_picture_of_a_request(server, photo):
    def counts() -> dict[str, float]:
        text = requests.get(f"{server.url}/metrics", timeout=30).text
        stages = ("decode", "queue", "infer", "encode")
        lines = {stage: f'segwright_stage_seconds_count{{model="again",stage="{stage}"}} ' for stage in stages}
        found = {stage: [line for line in text.splitlines() if line.startswith(lines[stage])] for stage in stages}
        return {stage: float(line[0].split()[-1]) if line else 0 for stage, line in found.items()}

    before = counts()
    pixels = triton.InferInput("image", [3, *photo.shape], "UINT8")
    pixels.set_data_from_numpy(np.stack([photo] * 3))
    with triton.InferenceServerClient(server.url.removeprefix("http://")) as client:
        client.infer("again", [pixels])
    assert counts() == {stage: count + 3 for stage, count in before.items()}
    server.wait_for(r"infer .*model=again .*pictures=3 .*encode_ms=")


@pytest.mark.parametrize(
    ("body", "field", "told"),
    [
        ({"inputs": []}, "inputs", "at least 1 item"),
        ({"inputs": [{"name": "x", "datatype": "UINT8", "shape": [1, 1, 1, 3]}]}, "inputs.0.name", "'image'"),
        ({"inputs": [{"name": "image", "datatype": "FP32", "shape": [1, 1, 1, 3]}]}, "inputs.0.datatype", "FP32"),
        ({"inputs": [{"name": "image", "datatype": "UINT8", "shape": [1, 1, 3]}]}, "inputs.0.shape", "N, H, W, 3"),
        (
            {"inputs": [{"name": "image", "datatype": "UINT8", "shape": [1, 1, 1, 3], "data": [1, 2]}]},
            "inputs.0.data",
            "wants 3",
        ),
        (
            {"inputs": [{"name": "image", "datatype": "UINT8", "shape": [1, 1, 1, 3], "data": [1, 2, 256]}]},
            "inputs.0.data",
            "0 to 255",
        ),
        (
            {
                "inputs": [{"name": "image", "datatype": "BYTES", "shape": [1], "data": ["AAAA"]}],
                "outputs": [{"name": "y"}],
            },
            "outputs.0.name",
            "'y'",
        ),
        (
            {
                "inputs": [{"name": "image", "datatype": "BYTES", "shape": [1], "data": ["AAAA"]}],
                "outputs": [{"name": "png"}, {"name": "png"}],
            },
            "outputs.1.name",
            "twice",
        ),
    ],
)
def test_r74_wrong_tensors_are_refused(server, body, field, told):
    answer = requests.post(f"{server.url}/v2/models/again/infer", json=body, timeout=30)
    assert answer.status_code == 400
    assert answer.json()["field"] == field
    assert told in answer.json()["error"]


@pytest.mark.parametrize(("size", "status"), [(12, 200), (11, 400), (13, 400), (-1, 400), ("12", 400)])
def test_r74_binary_tensors_have_the_bytes_that_they_say(server, size, status):
    tensor = {"name": "image", "datatype": "UINT8", "shape": [1, 2, 2, 3], "parameters": {"binary_data_size": size}}
    head = json.dumps({"inputs": [tensor]}).encode()
    headers = {"Inference-Header-Content-Length": str(len(head))}
    answer = requests.post(f"{server.url}/v2/models/again/infer", head + bytes(12), headers=headers, timeout=30)
    assert answer.status_code == status, answer.text


@pytest.mark.parametrize("length", ["-1", "x", "1e2", "9" * 5000, "\u0663"])
def test_r74_the_length_of_the_json_is_a_number(server, length):
    headers = {"Inference-Header-Content-Length": length.encode()}
    answer = requests.post(f"{server.url}/v2/models/again/infer", b"{}", headers=headers, timeout=30)
    assert answer.status_code == 400, answer.text
