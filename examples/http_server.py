"""A third adapter, for the standard library's http.server: only the public names are needed.

python examples/http_server.py [PORT]
"""

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote_to_bytes

from dualstatic import Request, StaticFiles

SITE = Path(__file__).with_name("site")


class Handler(BaseHTTPRequestHandler):
    """Answers every request from the files of its server."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 60

    def answer(self):
        request, files = self.read_request(), self.server.files
        with files.answer(request) or files.fallback(request, has_app=False) as answer:
            try:
                self.send(answer)
            except Exception as error:  # noqa: BLE001 (the client has left, or the file changed)
                # Short of its last byte, only a closed connection tells the client.
                self.close_connection = True
                self.log_error("stopped in the middle: %s", error)

    def send(self, answer):
        self.send_response(answer.status)
        for name, value in answer.headers:
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.writelines(answer)

    # http.server looks for these names, which aren't in snake case.
    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = answer  # noqa: N815

    def read_request(self):
        """The request as a value; `self.path` won't do, it has the leading slashes collapsed."""
        if {"content-length", "transfer-encoding"} & {name.lower() for name in self.headers}:
            self.close_connection = True  # a request's body is not read
        target, _, query = self.requestline.split()[1].partition("?")
        raw_path = target.encode("latin-1")
        headers = {}
        for name, value in self.headers.items():
            name = name.lower()
            value = value.strip(" \t")  # what stands around it is no part of it
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        # What isn't UTF-8 is no name: the raw path tells a replaced character from a real one.
        path = unquote_to_bytes(raw_path).decode(errors="replace")
        return Request(self.command, path, query, headers, raw_path)


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address, files):
        super().__init__(address, Handler)
        self.files = files


if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8000
    with Server(("127.0.0.1", port), StaticFiles(SITE, html=True)) as server:
        print(f"http://127.0.0.1:{server.server_port}/", flush=True)
        server.serve_forever()
