"""Files from elsewhere: downloads that are resumed and verified, archives that are not trusted. No torch."""

from segwright.fetch.archives import ArchiveError, Limits, archive_kind, is_shadow, members, unpack
from segwright.fetch.download import Digest, DownloadError, alone, cache_folder, download_file, without_downloads
from segwright.fetch.web_page import is_web_page

__all__ = [
    "ArchiveError",
    "Digest",
    "DownloadError",
    "Limits",
    "alone",
    "archive_kind",
    "cache_folder",
    "download_file",
    "is_shadow",
    "is_web_page",
    "members",
    "unpack",
    "without_downloads",
]
