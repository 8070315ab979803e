"""The storages whose `collectstatic` writes the siblings."""

from __future__ import annotations

import gzip
import json
import os
import re
from pathlib import Path

import pytest

from dualstatic.compress.codecs import codec
from dualstatic.compress.siblings import Stop
from dualstatic.compress.work import outcomes
from tests.support.django_project import Project
from tests.support.servers import run
from tests.support.trees import write_tree

BACKENDS = ("CompressedStaticFilesStorage", "CompressedManifestStaticFilesStorage")
SETTINGS = """
INSTALLED_APPS = ["django.contrib.staticfiles"]
STATICFILES_DIRS = [BASE_DIR / "source"]
STORAGES["staticfiles"] = {{"BACKEND": "dualstatic.django.{backend}"}}
MIDDLEWARE = ["dualstatic.django.StaticMiddleware"]
"""
STYLE = "body { background: url(sea.svg) }\n" * 50
FILES: dict[str, bytes | str | None] = {
    "source/app.css": STYLE,
    "source/sea.svg": "<svg xmlns='http://www.w3.org/2000/svg'/>\n" * 50,
    "source/data/tides.json": json.dumps([*range(500)]),
    "source/tiny.txt": "tiny",
    "hidden/tides.txt": "high, low, " * 50,
    "source/photo.webp": bytes(5000),
}


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def project(tmp_path: Path, backend: str) -> Project:
    made = Project(tmp_path)
    write_tree(tmp_path, FILES)
    made.settings("plain", SETTINGS.format(backend=backend))
    return made


def collect(project: Project, *more: str) -> str:
    return project.manage("plain", "collectstatic", "--noinput", *more)


def siblings(project: Project) -> dict[str, tuple[int, bytes]]:
    """Each compressed file, by its name: which it is, and its content."""
    return {
        path.relative_to(project.root).as_posix(): (path.stat().st_ino, path.read_bytes())
        for path in project.root.rglob("*")
        if path.suffix in (".gz", ".br", ".zst")
    }


def plain_names(project: Project) -> set[str]:
    return {name.rpartition(".")[0] for name in siblings(project)}


def test_collectstatic_writes_the_siblings_of_originals_and_of_hashed_names(
    project: Project, backend: str
):
    said = collect(project, "-v", "2")
    names = plain_names(project)
    originals = {"app.css", "sea.svg", "data/tides.json"}
    assert originals <= names
    hashed = names - originals - {"staticfiles.json"}
    assert all(re.search(r"\.[0-9a-f]{12}\.\w+$", name) for name in hashed)
    if "Manifest" in backend:
        paths = json.loads((project.root / "staticfiles.json").read_text())["paths"]
        assert {paths[name] for name in originals} <= hashed
    else:
        assert not hashed
    assert len(siblings(project)) == 3 * len(names)
    for name in names:
        assert f"Post-processed '{name}' as '{name}.br'" in said
        plain = (project.root / name).read_bytes()
        assert gzip.decompress((project.root / f"{name}.gz").read_bytes()) == plain
    ran = run("-m", "dualstatic", "compress", "--check", project.root)
    assert ran.returncode == 0, ran.stdout


def test_collectstatic_leaves_what_is_up_to_date_and_what_is_of_others(project: Project):
    collect(project)
    (project.root / "app.css.br").unlink()
    (project.root / "notes.gz").write_bytes(b"of somebody else")
    (project.root / "sea.svg.gz").unlink()
    (project.root / "sea.svg.gz").symlink_to("notes.gz")
    before = siblings(project)
    said = collect(project, "-v", "2")
    after = siblings(project)
    assert after.pop("app.css.br")
    assert after == before
    assert "Post-processed 'app.css' as 'app.css.br'" in said
    assert "Skipped post-processing 'app.css'" in said
    assert "as 'data/tides.json.br'" not in said


def test_a_changed_file_gets_new_siblings(project: Project):
    collect(project)
    before = siblings(project)
    source, old = project.directory / "source/data/tides.json", project.root / "data/tides.json"
    source.write_text(json.dumps([*range(1, 501)]))
    os.utime(source, (old.stat().st_mtime + 10,) * 2)  # collectstatic looks at the seconds
    collect(project)
    after = siblings(project)
    changed = {Path(name).stem for name, value in before.items() if after[name] != value}
    assert changed - {"staticfiles.json"} == {"tides.json"}
    assert gzip.decompress(after["data/tides.json.gz"][1]) == source.read_bytes()


def test_a_dry_run_writes_nothing_and_clear_leaves_nothing_behind(project: Project):
    write_tree(project.root, {"older.css": STYLE})
    collect(project, "--dry-run")
    assert [path.name for path in project.root.iterdir()] == ["older.css"]
    collect(project)
    (project.directory / "source/sea.svg").unlink()
    (project.directory / "source/app.css").write_text(STYLE.replace("url(sea.svg)", "blue"))
    collect(project, "--clear", "-v", "0")
    assert "sea.svg" not in plain_names(project)
    assert "app.css" in plain_names(project)


def test_the_siblings_are_served_and_those_of_hashed_names_are_immutable(
    project: Project, backend: str
):
    collect(project)
    code = """
from django.conf import settings
from django.test import Client
from django.templatetags.static import static
def ask(path, coding):
    answer = Client().get(path, headers={'Accept-Encoding': coding})
    return [answer.status_code, answer.get('Content-Encoding'), answer['Cache-Control']]
say([ask(path, coding) for path in ('/static/app.css', static('app.css'))
    for coding in ('br', 'gzip', 'zstd')])
"""
    plain = [[200, coding, "no-cache"] for coding in ("br", "gzip", "zstd")]
    hashed = [[200, coding, "public, max-age=31536000, immutable"] for _, coding, _ in plain]
    wanted = plain + (hashed if "Manifest" in backend else plain)
    assert project.ask("plain", code) == wanted


def test_the_options_of_the_setting_say_which_siblings_there_are(project: Project, backend: str):
    text = "STATICFILES_DIRS.append(('.hidden', BASE_DIR / 'hidden'))\n"
    text += "DUALSTATIC = {'encodings': ['gzip'], 'dotfiles': DOTFILES}\n"
    for dotfiles in (False, True):
        more = text.replace("DOTFILES", str(dotfiles))
        project.settings("plain", SETTINGS.format(backend=backend) + more)
        collect(project)
        assert {Path(name).suffix for name in siblings(project)} == {".gz"}
        assert (".hidden/tides.txt.gz" in siblings(project)) == dotfiles


def test_links_get_siblings_beside_them_where_they_are_followed(project: Project, backend: str):
    for follows in (False, True):
        text = f"DUALSTATIC = {{'follow_symlink': {follows}}}\n"
        project.settings("plain", SETTINGS.format(backend=backend) + text)
        collect(project, "--link")
        assert (project.root / "data/tides.json").is_symlink()
        assert ("data/tides.json.br" in siblings(project)) == follows
    assert not [*(project.directory / "source").rglob("*.br")]


def test_a_library_that_is_missing_is_named_and_its_coding_left_out(project: Project, backend: str):
    text = "import sys; sys.modules['brotli'] = None\n"
    project.settings("plain", SETTINGS.format(backend=backend) + text)
    script = project.directory / "run.py"
    ran = run(script, "plain", "manage", "", "", "collectstatic", "--noinput")
    assert ran.returncode == 0, ran.stderr
    assert "left out: br needs the package brotli" in ran.stderr
    assert {Path(name).suffix for name in siblings(project)} == {".gz", ".zst"}


def test_what_fails_is_named_and_the_rest_goes_on(project: Project):
    project.root.mkdir()
    (project.root / "app.css.gz").write_bytes(b"no gzip, and of somebody else")
    script = project.directory / "run.py"
    ran = run(script, "plain", "manage", "", "", "collectstatic", "--noinput")
    assert ran.returncode == 0, ran.stderr
    assert "app.css.gz: it isn't compressed by gzip, so it is left as it is" in ran.stderr
    assert (project.root / "app.css.gz").read_bytes() == b"no gzip, and of somebody else"
    assert "app.css.br" in siblings(project)


def test_an_interrupt_stops_the_threads(tmp_path: Path):
    write_tree(tmp_path, {f"{number}.txt": str(number) * 20_000 for number in range(300)})
    each = outcomes(
        str(tmp_path), [codec("br")], Stop(), dotfiles=False, follow_symlink=False, workers=2
    )
    next(each)
    with pytest.raises(KeyboardInterrupt):
        each.throw(KeyboardInterrupt)
    written = {path.name for path in tmp_path.iterdir() if path.suffix != ".txt"}
    assert len(written) < 300
    assert all(name.endswith(".txt.br") for name in written)
