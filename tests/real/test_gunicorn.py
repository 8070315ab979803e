"""What gunicorn makes of an app's trouble, and of a mount point that it was told."""

from __future__ import annotations

from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urljoin

import pytest

from tests.support.servers import exchange, free_port, serve

STARTER = """
import os, sys
from tests.support.children import become_python
port, worker, mount, directory = sys.argv[1:]
print(f"http://127.0.0.1:{port}/", flush=True)
os.environ.update(SCRIPT_NAME=mount, DIRECTORY=directory)
at = ["--bind", f"127.0.0.1:{port}", "--worker-class", worker, "--no-control-socket"]
call = "tests.real.test_gunicorn:make()"
become_python("-m", "gunicorn", *at, call)
"""
WORKERS = pytest.mark.parametrize("worker", ["sync", "gthread"])


def make() -> object:
    import os

    from dualstatic import StaticFiles
    from dualstatic.wsgi import StaticMiddleware

    return StaticMiddleware(files=StaticFiles(os.environ["DIRECTORY"], html=True, check_dir=False))


@WORKERS
def test_a_directory_that_is_missing_is_answered_and_told(worker: str, tmp_path: Path) -> None:
    command = ("-c", STARTER, str(free_port()), worker, "", tmp_path / "missing")
    with serve(*command, logs=tmp_path, calm=False) as server:
        link = HTTPConnection(*server.address, timeout=30)
        assert exchange(link, "GET", "/t.txt").status == 500
        link.close()
        assert "missing' does not exist" in server.words()


@WORKERS
def test_the_mount_point_without_its_slash_is_redirected(worker: str, tmp_path: Path) -> None:
    root = tmp_path / "www"
    root.mkdir()
    (root / "index.html").write_bytes(b"home")
    command = ("-c", STARTER, str(free_port()), worker, "/docs", root)
    with serve(*command, logs=tmp_path) as server:
        answer = server.get("/docs?q=1")
        assert answer.status == 307
        assert urljoin("http://test/docs", answer["location"]) == "http://test/docs/?q=1"
        assert server.get("/docs/").body == b"home"


@WORKERS
def test_a_target_without_a_path_is_the_root(worker: str, tmp_path: Path) -> None:
    root = tmp_path / "www"
    root.mkdir()
    (root / "index.html").write_bytes(b"home")
    with serve("-c", STARTER, str(free_port()), worker, "", root, logs=tmp_path) as server:
        assert server.get("http://test").body == b"home"
