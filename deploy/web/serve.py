"""Serve this folder with the headers that let a page use threads: ``python3 serve.py [PORT]``."""

import sys
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class IsolatedHandler(SimpleHTTPRequestHandler):
    """Static files for a page that is isolated from other sites."""

    def end_headers(self) -> None:
        """What any static server has to send, too."""
        self.send_header("Cross-Origin-Opener-Policy", "same-origin")
        self.send_header("Cross-Origin-Embedder-Policy", "require-corp")
        super().end_headers()


if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8000
    with ThreadingHTTPServer(("127.0.0.1", port), partial(IsolatedHandler, directory=Path(__file__).parent)) as server:
        print(f"http://localhost:{server.server_port}/")
        server.serve_forever()
