"""Pages of HTML, which servers like to send in place of a file."""

STARTS = (b"<!doctype", b"<html", b"<head", b"<?xml", b"<!--")


def is_web_page(data: bytes) -> bool:
    """Whether these are the first bytes of HTML."""
    return data[:256].lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(STARTS)
