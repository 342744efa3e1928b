"""A server on this machine for the files of a folder, with the faults that ``file_server`` can have."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import ThreadingHTTPServer
from pathlib import Path

from file_server import Handler, file_server


class FolderHandler(Handler):
    """Sends the file that the address names."""

    def do_GET(self) -> None:  # noqa: N802 (http.server's name)
        name = self.path.rpartition("/")[2]
        self.server.names.append(name)
        self.server.body = (self.server.folder / name).read_bytes()
        self.server.headers = {"ETag": f'"{name}"'}
        super().do_GET()


@contextmanager
def folder_server(folder: Path) -> Iterator[ThreadingHTTPServer]:
    """Serve ``folder``; ``.url`` is that of its index.json, ``.names`` are those asked for."""
    with file_server(b"", "index.json") as server:
        server.folder, server.names = folder, []
        server.RequestHandlerClass = FolderHandler
        yield server
