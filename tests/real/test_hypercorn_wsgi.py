"""Hypercorn as a WSGI server: it sends no status before the first piece of a body."""

from __future__ import annotations

from pathlib import Path

from tests.support.servers import free_port, serve

STARTER = """
import os, sys
from tests.support.children import become_python
port, directory = sys.argv[1:]
print(f"http://127.0.0.1:{port}/", flush=True)
os.environ["DIRECTORY"] = directory
at = ["--bind", f"127.0.0.1:{port}", "--workers", "0", "--log-level", "warning"]
call = "wsgi:tests.real.test_gunicorn:make()"
become_python("-m", "hypercorn", *at, call)
"""


def test_an_answer_without_a_body_is_sent(tmp_path: Path) -> None:
    root = tmp_path / "www"
    (root / "sub").mkdir(parents=True)
    (root / "index.html").write_bytes(b"home")
    (root / "sub/index.html").write_bytes(b"sub")
    (root / "empty.txt").touch()
    with serve("-c", STARTER, str(free_port()), root, logs=tmp_path) as server:
        tag = server.get("/index.html")["etag"]
        for _ in range(2):
            assert server.get("/").body == b"home"
            assert server.ask("HEAD", "/")["content-length"] == "4"
            assert server.get("/index.html", {"If-None-Match": tag}).status == 304
            assert server.get("/empty.txt").status == 200
            assert server.get("/sub").status == 307
