"""Where everything is: what the server prints when it starts, and tells who asked for something that is not there."""

import socket
from collections.abc import Iterator

from segwright.serve.models import Models

PICTURE = "picture.jpg"


def paths(models: Models) -> list[str]:
    """What can be asked for, as lines ``METHOD /path``."""
    lines = ["GET /", "GET /docs", "GET /models", "GET /health/live", "GET /health/ready", "GET /metrics"]
    for name in models.by_name:
        lines += [f"POST /models/{name}/segment", f"POST /predict/{name}", f"POST /v2/models/{name}/infer"]
    return lines


def addresses(host: str, port: int) -> list[str]:
    """The base URLs that lead to a server that listens on ``host``."""
    if host not in ("0.0.0.0", "::", ""):
        return [f"http://{f'[{host}]' if ':' in host else host}:{port}"]
    try:
        found = socket.getaddrinfo(socket.gethostname(), port, socket.AF_INET)
    except OSError:  # a machine whose own name nobody knows
        found = []
    own = {str(entry[4][0]) for entry in found}
    return [f"http://{address}:{port}" for address in ("127.0.0.1", *sorted(own - {"127.0.0.1"}))]


def announcement(models: Models, host: str, port: int) -> Iterator[str]:
    """What to print: every URL, and a command for each that works as it stands."""
    bases = addresses(host, port)
    base = bases[0]
    key = " -H 'Authorization: Bearer YOUR_KEY'" if models.options.api_keys else ""
    yield f"web page    {'  '.join(f'{url}/' for url in bases)}"
    yield f"API         {base}/docs   health: {base}/health/ready   metrics: {base}/metrics"
    for model in models.by_name.values():
        version = model.version()
        yield ""
        yield (
            f"{model.name}: {version.manifest.num_classes} classes, {version.predictor.engine.title}, "
            f"version {', '.join(sorted(model.versions, key=int))} from {model.folder}"
        )
        url = f"{base}/models/{model.name}/segment"
        yield f"  label map   curl -sSf{key} -F image=@{PICTURE} -o label_map.png '{url}'"
        yield f"  overlay     curl -sSf{key} -F image=@{PICTURE} -o overlay.jpg '{url}?output=overlay'"
        yield f"  polygons    curl -sSf{key} -F image=@{PICTURE} '{url}?output=json'"
        hub = '{"img_b64": "%s"}'
        send = f"-H 'Content-Type: application/json' --data-binary @- {base}"
        yield f"  PaddleHub   printf '{hub}' \"$(base64 -w0 {PICTURE})\" | curl -sSf{key} {send}/predict/{model.name}"
        tensor = '{"inputs": [{"name": "image", "datatype": "BYTES", "shape": [1], "data": ["%s"]}]}'
        post = f"curl -sSf{key} {send}/v2/models/{model.name}/infer"
        yield f"  KServe v2   printf '{tensor}' \"$(base64 -w0 {PICTURE})\" | {post}"
