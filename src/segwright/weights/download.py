"""Weights by URL, kept in a folder for the next time."""

import hashlib
import logging
import os
from pathlib import Path
from urllib.parse import unquote, urlsplit
from uuid import uuid4

import pooch

from segwright.errors import WeightsError
from segwright.weights.formats import is_web_page

logger = logging.getLogger("segwright")

ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar")
TIMEOUT = 30  # seconds without a byte


def cache_folder() -> Path:
    """``$SEGWRIGHT_CACHE``, or the folder that the platform has for such files."""
    return Path(os.environ.get("SEGWRIGHT_CACHE") or pooch.os_cache("segwright"))


def download(url: str) -> Path:
    """The file behind ``url``, from the cache folder if it was downloaded before.

    It comes under a temporary name and takes its place when it is whole.

    Raises:
        WeightsError: no network, no such file, a web page instead of a file, or an archive. The message names the
            path where a file that was fetched by other means is expected.
    """
    name = Path(unquote(urlsplit(url).path)).name or "weights"
    # The address is part of the name, because half of all weights are called model.pdparams.
    target = cache_folder() / "weights" / f"{hashlib.sha256(url.encode()).hexdigest()[:12]}-{name}"
    if target.is_file():
        return target
    otherwise = f"or put the file at {target}"
    if name.lower().endswith(ARCHIVES):
        raise WeightsError(
            f"{url} is an archive; download and unpack it yourself, then give the path of the file in it"
        )
    logger.info("downloading %s to %s", url, target)
    part = target.with_name(f".{target.name}.{uuid4().hex[:8]}.tmp")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        pooch.HTTPDownloader(timeout=TIMEOUT)(url, str(part), None)
        with part.open("rb") as file:
            head = file.read(512)
        if not head:
            raise WeightsError(f"{url} answers with an empty file; try again, {otherwise}")
        if is_web_page(head):
            raise WeightsError(
                f"{url} answers with a web page, not with weights; find the file's own address, {otherwise}"
            )
        os.replace(part, target)
    except OSError as error:  # requests' errors are among them
        raise WeightsError(
            f"cannot download {url} ({error}); check the address and the network, {otherwise}"
        ) from error
    finally:
        part.unlink(missing_ok=True)
    return target
