"""No framework, on waitress: an app, the static files, and a middleware around both.

    python examples/plain_stack.py [PORT]

The outer middleware sees every answer, the files' and the app's, and hands the body through
as it is, so that the server still gets to see its own `wsgi.file_wrapper`.
"""

import json
import sys
import time
from itertools import count
from pathlib import Path

import waitress

from dualstatic import StaticFiles
from dualstatic.wsgi import StaticMiddleware

SITE = Path(__file__).with_name("site")


def app(environ, start_response):
    status, kind, body = "404 Not Found", "text/html", b"<h1>The app knows no such page</h1>"
    match environ["REQUEST_METHOD"], environ["PATH_INFO"]:
        case "GET", "/":
            status, body = "200 OK", b'<h1>WSGI</h1><p><a href="/static/">The site</a></p>'
        case "POST", "/api/echo":
            sent = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            answer = {"length": len(sent), "text": sent.decode()}
            status, kind, body = "200 OK", "application/json", json.dumps(answer).encode()
    start_response(status, [("Content-Type", kind), ("Content-Length", str(len(body)))])
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]


class Timing:
    """Give each answer a number, and say how long it took until its first byte."""

    def __init__(self, app):
        self.app = app
        self.numbers = count(1)

    def __call__(self, environ, start_response):
        began = time.perf_counter()

        def start(status, headers, exc_info=None):
            took = (time.perf_counter() - began) * 1000
            extra = [("X-Request-ID", number), ("Server-Timing", f"app;dur={took:.3f}")]
            return start_response(status, [*headers, *extra], exc_info)

        number = str(next(self.numbers))
        return self.app(environ, start)


stack = Timing(StaticMiddleware(app, files=StaticFiles(SITE, prefix="/static", html=True)))

if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8000
    print(f"http://127.0.0.1:{port}/", flush=True)
    waitress.serve(stack, listen=f"127.0.0.1:{port}", _quiet=True)
