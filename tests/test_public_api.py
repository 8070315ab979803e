"""What the package promises to keep: its names, its options and their defaults, its types."""

from __future__ import annotations

import ast
import importlib.resources
import inspect
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import dualstatic
import dualstatic.asgi
import dualstatic.wsgi
from dualstatic import Answer, Request, StaticFiles
from dualstatic.disk.body import FileChanged

NAMES = ["Answer", "Request", "StaticFiles"]
OPTIONS: dict[str, Any] = {
    "directory": None,
    "packages": None,
    "html": False,
    "check_dir": True,
    "follow_symlink": False,
    "prefix": "/",
    "live": False,
    "dotfiles": False,
    "encodings": ("zstd", "br", "gzip"),
    "stored_encodings": None,
    "dictionaries": False,
    "previous": None,
    "cache_control": "no-cache",
    "immutable": None,
    "headers": None,
    "media_types": None,
    "charset": "utf-8",
    "memory": 2**26,
    "clean_urls": False,
    "not_found": None,
    "offload": None,
}
TYPED_USE = Path(__file__).parent / "support/typed_use.py"


def parameters(function: Any) -> dict[str, inspect.Parameter]:
    found = dict(inspect.signature(function).parameters)
    found.pop("self", None)
    return found


def test_the_package_exports_its_public_names() -> None:
    assert sorted(dualstatic.__all__) == NAMES
    assert all(getattr(dualstatic, name).__module__.startswith("dualstatic") for name in NAMES)


def test_the_options_and_their_defaults_are_fixed() -> None:
    options = parameters(StaticFiles)
    defaults = {name: parameter.default for name, parameter in options.items()}
    assert defaults == OPTIONS
    kinds = {name: parameter.kind for name, parameter in options.items()}
    assert kinds.pop("directory") is inspect.Parameter.POSITIONAL_OR_KEYWORD
    assert set(kinds.values()) == {inspect.Parameter.KEYWORD_ONLY}


def test_the_methods_take_what_adapters_give() -> None:
    assert list(parameters(StaticFiles.answer)) == ["request", "wait"]
    assert list(parameters(StaticFiles.fallback)) == ["request", "has_app", "wait"]
    for method in (StaticFiles.answer, StaticFiles.fallback):
        wait = parameters(method)["wait"]
        assert (wait.kind, wait.default) == (inspect.Parameter.KEYWORD_ONLY, True)
    has_app = parameters(StaticFiles.fallback)["has_app"]
    assert (has_app.kind, has_app.default) == (
        inspect.Parameter.KEYWORD_ONLY,
        inspect.Parameter.empty,
    )
    assert list(parameters(StaticFiles.explain)) == ["path"]
    assert list(parameters(StaticFiles.refresh)) == []
    assert list(parameters(Request)) == ["method", "path", "query", "headers", "raw_path"]
    assert {"status", "headers", "close", "__iter__", "__enter__", "__exit__"} <= vars(
        Answer
    ).keys()
    assert list(parameters(Answer.close)) == []
    assert issubclass(FileChanged, Exception)
    assert not issubclass(FileChanged, OSError)


@pytest.mark.parametrize("door", [dualstatic.wsgi, dualstatic.asgi])
def test_a_middleware_takes_an_app_and_by_name_its_files(door: Any, tmp_path: Path) -> None:
    found = parameters(door.StaticMiddleware)
    assert list(found)[:2] == ["app", "files"]
    assert found["app"].default is None
    assert {p.kind for name, p in found.items() if name != "app"} == {
        inspect.Parameter.KEYWORD_ONLY
    }
    assert found["files"].default is inspect.Parameter.empty
    with pytest.raises(TypeError, match="files"):
        door.StaticMiddleware()
    with pytest.raises(TypeError):
        door.StaticMiddleware(None, StaticFiles(tmp_path))


@pytest.mark.parametrize("door", [dualstatic.wsgi, dualstatic.asgi])
def test_a_views_answer_takes_files_a_name_and_more_by_name(door: Any):
    found = parameters(door.FileResponse)
    assert list(found) == ["files", "name", "filename", "headers"]
    assert [found[name].default for name in ("filename", "headers")] == [None, None]
    assert found["headers"].kind is found["filename"].kind is inspect.Parameter.KEYWORD_ONLY
    assert door.FileResponse.__doc__


def test_the_wsgi_middleware_hands_files_to_the_server_unless_told() -> None:
    assert parameters(dualstatic.wsgi.StaticMiddleware)["file_wrapper"].default is True


def test_servers_detect_the_asgi_middleware(tmp_path: Path) -> None:
    app = dualstatic.asgi.StaticMiddleware(files=StaticFiles(tmp_path))
    assert inspect.iscoroutinefunction(app.__call__)


def test_the_package_says_that_it_is_typed() -> None:
    assert importlib.resources.files(dualstatic).joinpath("py.typed").is_file()


def test_every_public_thing_is_annotated_and_explained() -> None:
    for name in NAMES:
        thing = getattr(dualstatic, name)
        assert thing.__doc__, name
        for key, method in vars(thing).items():
            if inspect.isfunction(method) and not key.startswith("_"):
                assert "return" in method.__annotations__, f"{name}.{key}"
    for door in (dualstatic.wsgi, dualstatic.asgi):
        assert door.StaticMiddleware.__doc__


def test_the_typed_use_knows_every_name_and_option_of_the_api() -> None:
    tree = ast.parse(TYPED_USE.read_text())
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert set(dualstatic.__all__) <= names
    keywords = {node.arg for node in ast.walk(tree) if isinstance(node, ast.keyword)}
    assert set(parameters(StaticFiles)) <= keywords
    for door in (dualstatic.wsgi, dualstatic.asgi):
        assert set(parameters(door.StaticMiddleware)) <= keywords


def test_the_wsgi_door_imports_no_event_loop() -> None:
    code = """
import sys, dualstatic, dualstatic.wsgi
print(sorted({"asyncio", "anyio", "trio", "dualstatic.asgi"} & set(sys.modules)))
"""
    root = Path(dualstatic.__file__).parent.parent
    ran = subprocess.run(
        [sys.executable, "-c", code],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "[]\n", "")
