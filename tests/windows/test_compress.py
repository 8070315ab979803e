"""The commands, on a system that dates, renames and interrupts in its own way."""

from __future__ import annotations

import gzip
import random
import subprocess
import sys
from pathlib import Path
from tempfile import mkdtemp

import pytest

from tests.support.trees import OLD, write_tree

TEXT = b"a line of text\r\n" * 1000
SLOW = random.Random(1).randbytes(10_000_000).hex()
"""Takes brotli half a minute."""
INTERRUPTED = """
import builtins, importlib, signal, sys, threading
from dualstatic.__main__ import main
module, _, name = sys.argv.pop(1).partition(":")
module = importlib.import_module(module)
real = getattr(module, name, getattr(builtins, name, None))
def interrupt():
    sys.stderr.write("interrupted\\n")
    signal.raise_signal(signal.SIGINT)
def call(*arguments, **options):
    threading.Timer(2, interrupt).start()
    return real(*arguments, **options)
setattr(module, name, call)
main(sys.argv[1:])
"""
"""Gets Ctrl-C two seconds after the function that its first argument names was called."""
COMPRESSING, SERVING = "dualstatic.compress.command:outcomes", "dualstatic.__main__:print"


def python(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        stdin=subprocess.PIPE,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def files_in(root: Path) -> set[str]:
    return {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}


def test_siblings_are_written_with_the_date_of_their_file_and_nothing_else(tmp_path: Path) -> None:
    root = write_tree(tmp_path / "www", {"app.js": TEXT, "sub/a.css": TEXT})
    write_tree(root, {"sub/a.css.gz": gzip.compress(b"older" + TEXT)})
    ended = python("-m", "dualstatic", "compress", root)
    assert (ended.returncode, ended.stderr) == (0, "")
    made = {
        f"{name}{end}" for name in ("app.js", "sub/a.css") for end in ("", ".gz", ".br", ".zst")
    }
    assert files_in(root) == made
    assert {(root / name).stat().st_mtime for name in made} == {OLD}
    assert gzip.decompress((root / "sub/a.css.gz").read_bytes()) == TEXT
    again = python("-m", "dualstatic", "compress", root, "--check")
    assert (again.returncode, again.stderr) == (0, "")


@pytest.mark.parametrize("drive", ["the same", "another"])
def test_hashed_files_are_kept_and_forgotten(drive: str, tmp_path: Path) -> None:
    build = write_tree(tmp_path / "build", {"a.0123abcd.js": TEXT, "index.html": "page"})
    store = Path(mkdtemp()) if drive == "another" else tmp_path / "store"
    assert (store.drive == build.drive) == (drive == "the same")
    keep = ("-m", "dualstatic", "keep", "--immutable", r"\.[0-9a-f]{8}\.", build, store)
    ended = python(*keep)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert (store / "a.0123abcd.js").read_bytes() == TEXT
    names = store / ".dualstatic-keep.json"
    names.write_text('{"old.0123abcd.js": 0}')
    (store / "old.0123abcd.js").write_bytes(TEXT)
    ended = python(*keep)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "1 forgotten" in ended.stdout
    assert not (store / "old.0123abcd.js").exists()


def test_ctrl_c_is_heard_while_a_file_is_compressed(tmp_path: Path) -> None:
    root = write_tree(tmp_path / "www", {"large.txt": SLOW})
    ended = python("-c", INTERRUPTED, COMPRESSING, "compress", "--encodings=br", root)
    assert "interrupted\nstopped" in ended.stderr
    assert ended.returncode == 130
    assert files_in(root) == {"large.txt"}


def test_ctrl_c_ends_the_server(tmp_path: Path) -> None:
    for more in ([], ["--asgi"]):
        ended = python("-c", INTERRUPTED, SERVING, tmp_path, "--port=0", *more)
        assert ended.returncode == 0, ended.stderr
        assert "Serving" in ended.stdout
        assert "interrupted" in ended.stderr
        assert "Traceback" not in ended.stderr
