"""Weights by URL, kept in a folder for the next time."""

import hashlib
import re
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

from segwright import fetch
from segwright.errors import WeightsError
from segwright.weights.formats import LARGEST


def download(address: str) -> Path:
    """The file behind a URL, from the cache folder if it was downloaded before.

    Args:
        address: http(s) URL. It may end in ``#sha256=...`` or ``#md5=...``, which the file must then have.

    Raises:
        WeightsError: as ``fetch.download_file``; the message names the path where a file that was fetched by other
            means is expected.
    """
    url, digest = _split(address)
    name = re.sub(r"[^\w.-]", "_", Path(unquote(urlsplit(url).path)).name)[-100:] or "weights"
    # The address is part of the name, because half of all weights are called model.pdparams.
    target = fetch.cache_folder() / "weights" / f"{hashlib.sha256(url.encode()).hexdigest()[:12]}-{name}"
    try:
        fetch.download_file(url, target, largest=LARGEST, digest=digest)
    except fetch.DownloadError as error:
        raise WeightsError(str(error)) from error
    return target


def _split(address: str) -> tuple[str, fetch.Digest | None]:
    url, fragment = urldefrag(address)
    if not fragment:
        return url, None
    algorithm, _, value = fragment.lower().partition("=")
    length = {"sha256": 64, "md5": 32}.get(algorithm, 0)
    if not length or not re.fullmatch(f"[0-9a-f]{{{length}}}", value):
        raise WeightsError(
            f"{address}: want #sha256= with 64 or #md5= with 32 hexadecimal digits after the URL, or nothing"
        )
    return url, fetch.Digest(algorithm, value)
