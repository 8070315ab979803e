"""Files that come with Python packages, in directories and in zips."""

from __future__ import annotations

import gc
import importlib
import itertools
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from dualstatic import StaticFiles
from tests.support.doors import Client
from tests.support.servers import ROOT
from tests.support.trees import write_tree

numbers = itertools.count()
Make = Callable[..., str]


@pytest.fixture
def modules() -> Iterator[None]:
    """What a test imports is forgotten after it."""
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        del sys.modules[name]


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, modules: None) -> Make:
    """Make a package that can be imported, and give its name."""

    def make(entries: Mapping[str, bytes | str], *, init: bool = True) -> str:
        name = f"package{next(numbers)}"
        content = {f"{name}/{path}": content for path, content in entries.items()}
        if init:
            content[f"{name}/__init__.py"] = b""
        write_tree(tmp_path / name, content)
        monkeypatch.syspath_prepend(str(tmp_path / name))
        return name

    return make


def write_zip(path: Path, entries: Mapping[str, bytes | str]) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, content)


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary directories are made, for this test alone."""
    path = tmp_path / "temporary"
    path.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(path))
    return path


@pytest.fixture
def zipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, modules: None, temporary: Path) -> Make:
    """Make a package in a zip that can be imported, and give its name."""

    def make(entries: Mapping[str, bytes | str]) -> str:
        name = f"zipped{next(numbers)}"
        path = tmp_path / f"{name}.zip"
        content = {f"{name}/{path}": content for path, content in entries.items()}
        write_zip(path, {f"{name}/__init__.py": "", **content})
        monkeypatch.syspath_prepend(str(path))
        return name

    return make


def test_a_name_means_the_statics_of_the_package(
    package: Make, serve: Callable[..., Client]
) -> None:
    name = package({"statics/a.txt": b"a", "statics/sub/b.txt": b"b", "secret.py": b"no"})
    client = serve(None, packages=[name])
    assert client.get("/a.txt").body == b"a"
    assert client.get("/sub/b.txt").body == b"b"
    assert client.get("/secret.py").passed
    assert client.get("/statics/a.txt").passed


@pytest.mark.parametrize("folder", ["assets", "assets/js"])
def test_a_pair_names_the_folder(folder: str, package: Make, serve: Callable[..., Client]) -> None:
    name = package({f"{folder}/a.js": b"js", "statics/a.txt": b"a"})
    client = serve(None, packages=((name, folder),))
    assert client.get("/a.js").body == b"js"
    assert client.get("/a.txt").passed


def test_packages_come_after_the_directories_in_their_own_order(
    package: Make, serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    first = package({"statics/a.txt": b"first", "statics/b.txt": b"first"})
    second = package({"assets/a.txt": b"2", "assets/b.txt": b"2", "assets/c.txt": b"second"})
    client = serve(tree({"a.txt": b"directory"}), packages=[first, (second, "assets")])
    assert client.get("/a.txt").body == b"directory"
    assert client.get("/b.txt").body == b"first"
    assert client.get("/c.txt").body == b"second"


def test_a_package_may_lie_in_another(package: Make, serve: Callable[..., Client]) -> None:
    name = package({"inner/__init__.py": b"", "inner/statics/a.txt": b"inner"})
    assert serve(None, packages=[f"{name}.inner"]).get("/a.txt").body == b"inner"


def test_a_module_has_the_folder_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, modules: None, serve: Callable[..., Client]
) -> None:
    write_tree(tmp_path, {"a_module.py": b"", "statics/a.txt": b"a"})
    monkeypatch.syspath_prepend(str(tmp_path))
    assert serve(None, packages=["a_module"]).get("/a.txt").body == b"a"


def test_a_package_is_found_without_being_imported(package: Make) -> None:
    name = package({"statics/a.txt": b"a"})
    StaticFiles(packages=[name])
    assert name not in sys.modules


@pytest.mark.parametrize(
    "names",
    [["no_such_package"], ["no.such.package"], ["json.no_such"], [""], [".relative"], ["a b"]],
)
@pytest.mark.parametrize("check_dir", [True, False])
def test_a_package_that_is_missing_is_a_value_error(names: list[str], check_dir: bool) -> None:
    with pytest.raises(ValueError, match="packages") as caught:
        StaticFiles(packages=names, check_dir=check_dir)
    assert repr(names[0]) in str(caught.value)


@pytest.mark.parametrize("packages", [["json"], [("json", "assets")], [("json", "a/b")], ["sys"]])
def test_a_folder_that_is_missing_is_a_value_error(packages: Any) -> None:
    with pytest.raises(ValueError, match="packages") as caught:
        StaticFiles(packages=packages)
    pair = packages[0] if isinstance(packages[0], tuple) else (packages[0], "statics")
    assert all(repr(word) in str(caught.value) for word in pair)


def test_a_built_in_module_has_no_files_though_there_are_some_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tree(tmp_path, {"statics/a.txt": b"a"})
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="packages"):
        StaticFiles(packages=["sys"])


def test_a_namespace_package_has_its_files_in_any_of_its_places(
    package: Make, serve: Callable[..., Client], tmp_path: Path
) -> None:
    name = package({"module.py": b""}, init=False)
    write_tree(tmp_path / "second", {f"{name}/statics/a.txt": b"a"})
    sys.path.append(str(tmp_path / "second"))
    importlib.invalidate_caches()
    assert serve(None, packages=[name]).get("/a.txt").body == b"a"


@pytest.mark.parametrize("folder", ["statics", "some/where"])
def test_a_namespace_package_without_the_folder_is_a_value_error(
    folder: str, package: Make
) -> None:
    name = package({"module.py": b""}, init=False)
    with pytest.raises(ValueError, match="packages"):
        StaticFiles(packages=[(name, folder)])


# In a zip.

FILES = {
    "statics/a.txt": b"text " * 100,
    "statics/a.txt.gz": b"gzip",
    "statics/sub/deep/index.html": b"index",
    "statics/.env": b"SECRET",
    "statics/empty": b"",
    "other/b.txt": b"b",
}


def test_a_package_in_a_zip_is_served(zipped: Make, serve: Callable[..., Client]) -> None:
    client = serve(None, packages=[zipped(FILES)], html=True)
    for _ in range(2):
        answer = client.get("/a.txt")
        assert answer.body == b"text " * 100
        assert answer["content-type"] == "text/plain; charset=utf-8"
        assert client.get("/a.txt", {"Accept-Encoding": "gzip"}).body == b"gzip"
        assert client.get("/sub/deep/").body == b"index"
        assert client.get("/empty").status == 200
        assert client.get("/.env").passed
        assert client.get("/b.txt").passed
        client.files.refresh()


def test_a_folder_of_a_zip_may_be_named(zipped: Make, serve: Callable[..., Client]) -> None:
    name = zipped(FILES)
    assert serve(None, packages=[(name, "other")]).get("/b.txt").body == b"b"
    client = serve(None, packages=[(name, "statics/sub/deep")])
    assert client.get("/index.html").body == b"index"


def test_what_comes_out_of_a_zip_has_a_tag_of_its_content_and_no_date(
    zipped: Make, serve: Callable[..., Client]
) -> None:
    answers = [serve(None, packages=[zipped(FILES)]).get("/a.txt") for _ in range(2)]
    assert answers[0]["etag"] == answers[1]["etag"]
    assert not answers[0]["etag"].startswith("W/")
    assert "last-modified" not in answers[0]


def test_the_copy_of_a_zip_is_private(zipped: Make, temporary: Path) -> None:
    files = StaticFiles(packages=[zipped(FILES)])
    (copy,) = temporary.iterdir()
    assert stat.S_IMODE(copy.stat().st_mode) == 0o700
    assert copy.stat().st_uid == os.geteuid()
    assert files is not None


def test_a_package_in_a_directory_is_not_copied(package: Make, temporary: Path) -> None:
    assert StaticFiles(packages=[package(FILES)])
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize("live", [False, True])
def test_the_copy_goes_with_its_static_files(live: bool, zipped: Make, temporary: Path) -> None:
    name = zipped(FILES)
    first, second = (StaticFiles(packages=[name], live=live) for _ in range(2))
    assert len(list(temporary.iterdir())) == 2
    del first
    gc.collect()
    assert len(list(temporary.iterdir())) == 1
    assert Client(second, "wsgi").get("/a.txt").status == 200
    del second
    gc.collect()
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize(
    "options", [{"encodings": ["none"]}, {"directory": "/no/such/directory"}, {"html": "yes"}]
)
def test_a_construction_that_fails_leaves_no_copy(
    options: dict[str, Any], zipped: Make, temporary: Path
) -> None:
    name = zipped(FILES)
    with pytest.raises((TypeError, ValueError, NotADirectoryError)):
        StaticFiles(packages=[name], **options)
    gc.collect()
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize("folder", ["missing", "statics/missing", "statics/a.txt"])
def test_a_folder_that_a_zip_lacks_is_a_value_error(
    folder: str, zipped: Make, temporary: Path
) -> None:
    with pytest.raises(ValueError, match="packages") as caught:
        StaticFiles(packages=[(zipped(FILES), folder)])
    assert repr(folder) in str(caught.value)
    assert list(temporary.iterdir()) == []


# A cleaner of temporary files.


@pytest.mark.parametrize("taken", ["", "a.txt", "sub/deep/index.html", "sub"])
def test_what_a_cleaner_took_of_the_copy_is_there_at_the_next_request(
    taken: str, zipped: Make, serve: Callable[..., Client], temporary: Path
) -> None:
    client = serve(None, packages=[zipped(FILES)], html=True, memory=0)
    for _ in range(2):
        assert client.get("/a.txt").body == b"text " * 100
        (copy,) = temporary.iterdir()
        if (copy / taken).is_dir():
            shutil.rmtree(copy / taken)
        else:
            (copy / taken).unlink()
        assert client.get("/a.txt").body == b"text " * 100
        assert client.get("/sub/deep/").body == b"index"
        assert len(list(temporary.iterdir())) == 1


def test_a_stranger_who_takes_the_place_of_the_copy_is_not_served(
    mode: str, zipped: Make, serve: Callable[..., Client], temporary: Path
) -> None:
    client = serve(None, packages=[zipped(FILES)], memory=0)
    (copy,) = temporary.iterdir()
    copy.replace(temporary / "taken")
    write_tree(copy, {"a.txt": b"SECRET", "sub/deep/index.html": b"SECRET"})
    if mode == "index":
        client.files.refresh()
    assert client.get("/a.txt").body == b"text " * 100


# At the end of a process.

SERVE = """
import os, sys
from dualstatic import Request, StaticFiles

files = StaticFiles(packages=["ending"])

def read():
    response = files.answer(Request("GET", "/a.txt"))
    return b"".join(response)

assert read() == b"a"
assert len(os.listdir(os.environ["TMPDIR"])) == 1
"""


def run(code: str, tmp_path: Path, said: bytes = b"") -> tuple[int, list[str]]:
    """The exit status of a program with a package in a zip, and what it left behind.

    It has ended when nobody can print any more, be it a process that was forked from it.
    """
    write_zip(tmp_path / "ending.zip", {"ending/__init__.py": "", "ending/statics/a.txt": "a"})
    temporary = tmp_path / "left"
    temporary.mkdir()
    path = os.pathsep.join([str(tmp_path / "ending.zip"), str(ROOT)])
    ended = subprocess.run(
        [sys.executable, "-c", SERVE + code],
        env={**os.environ, "TMPDIR": str(temporary), "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        timeout=60,
        check=False,
    )
    assert ended.stdout == said
    return ended.returncode, os.listdir(temporary)


@pytest.mark.parametrize(
    ("ending", "status"), [("", 0), ("sys.exit(3)", 3), ("raise RuntimeError", 1)]
)
def test_the_copy_is_removed_when_the_process_ends(
    ending: str, status: int, tmp_path: Path
) -> None:
    assert run(ending, tmp_path) == (status, [])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks here")
def test_a_worker_that_ends_leaves_the_copy_to_the_process_that_made_it(tmp_path: Path) -> None:
    forked = """
child = os.fork()
if not child:
    assert read() == b"a"
    sys.exit()
assert os.waitpid(child, 0)[1] == 0
assert len(os.listdir(os.environ["TMPDIR"])) == 1
files.refresh()
assert read() == b"a"
"""
    assert run(forked, tmp_path) == (0, [])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks here")
@pytest.mark.parametrize("live", [False, True])
def test_a_daemon_has_the_copy_until_it_ends(live: bool, tmp_path: Path) -> None:
    daemon = f"""
import time
files = StaticFiles(packages=["ending"], live={live}, memory=0)
parent = os.getpid()
if os.fork():
    sys.exit()
while os.getppid() == parent:
    time.sleep(0.01)
print(read().decode(), end="")
assert len(os.listdir(os.environ["TMPDIR"])) == 1
files.refresh()
print(read().decode(), end="")
"""
    assert run(daemon, tmp_path, b"aa") == (0, [])
