"""Deploys in a row, by the real commands: every open tab finds the files of its own build."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import random
import re
import shutil
import subprocess
import sys
import threading
from collections import ChainMap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

from dualstatic import manifests
from tests.conftest import DOORS, MODES, make_files
from tests.support.doors import Client
from tests.support.servers import ROOT, environment, run
from tests.support.trees import write_tree

DEPLOYS, DAYS, STEP = 20, 7, 0.9
DAY = 24 * 60 * 60
HASHED = r"-[0-9a-f]{8}\.js$"
STATE = ".dualstatic-keep.json"
ENCODINGS = ("--encodings", "gzip")


@dataclass
class App:
    """An app of which each build changes some lazy routes; some have files that are withdrawn."""

    chance: random.Random = field(default_factory=lambda: random.Random(7))
    routes: dict[str, bytearray] = field(default_factory=dict)
    built: int = 0

    def build(self, place: Path) -> dict[str, bytes]:
        """Write the next build; what of it is immutable, by names."""
        self.routes = self.routes or {
            f"route{number}": bytearray(self.chance.randbytes(1000).hex().encode())
            for number in range(5)
        }
        for route in self.chance.sample(sorted(self.routes), 3):
            at = self.chance.randrange(1900)
            self.routes[route][at : at + 6] = b"edit%02d" % self.built
        names = {
            f"assets/{route}-{hashlib.sha256(code).hexdigest()[:8]}.js": bytes(code)
            for route, code in self.routes.items()
        }
        listed = {f"src/{name[7:13]}.js": {"file": name, "src": name[7:13]} for name in names}
        others = {
            "index.html": f"<p>build {self.built}",
            f"news{self.built}.html": "<p>withdrawn by the next build",
            f"plain{self.built}.js": "has no hash",
            ".vite/manifest.json": json.dumps(listed),
        }
        write_tree(place, {**others, **names})
        self.built += 1
        return names


def command(*arguments: str | Path) -> None:
    ended = run("-m", "dualstatic", *arguments)
    assert (ended.returncode, ended.stderr) == (0, "")


def wait(store: Path, days: float) -> None:
    """As if so many days had gone by since the last deploy."""
    times = json.loads((store / STATE).read_text())
    (store / STATE).write_text(json.dumps({k: int(t - days * DAY) for k, t in times.items()}))


@dataclass
class Tabs:
    """Clients of all doors in all modes, in which each of the last builds is open."""

    clients: list[Client] = field(default_factory=list)
    builds: list[dict[str, bytes]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def click(self, names: dict[str, bytes]) -> None:
        """A tab shows each of its lazy routes."""
        for client, (name, code) in product(self.clients, names.items()):
            answer = client.get(f"/{name}", {"Accept-Encoding": "gzip, br, zstd, dcz"})
            immutable = "immutable" in (answer.get("cache-control") or "")
            if (answer.status, immutable) != (200, True) or (
                "content-encoding" not in answer and answer.body != code
            ):
                self.failures.append(f"{client} {name}: {answer}")

    @contextmanager
    def clicking(self) -> Iterator[None]:
        """Click on and on, in a thread, until the block ends."""
        ended = threading.Event()

        def click_on() -> None:
            while not ended.wait(0.02):
                self.click(dict(ChainMap(*self.builds[-DAYS:])))

        thread = threading.Thread(target=click_on)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()


def serve(directory: Path, door: str, **options: Any) -> list[Client]:
    """A client for each mode."""
    return [
        Client(make_files(directory, mode, dictionaries=True, **options), door) for mode in MODES
    ]


def test_in_twenty_deploys_no_tab_fails_and_nothing_else_is_answered(tmp_path: Path) -> None:
    """What is immutable is said by a regular expression, or by the manifest."""
    app, tabs = App(), Tabs()
    store, current = tmp_path / "store", tmp_path / "current"
    store.mkdir()
    for number in range(DEPLOYS):
        dist = tmp_path / f"dist{number}"
        new = app.build(dist)
        if number:
            wait(store, STEP)
        with tabs.clicking():
            command("compress", dist, *ENCODINGS, "--previous", store)
            command("keep", dist, store, "--days", str(DAYS))
            (tmp_path / "next").symlink_to(dist)
            os.replace(tmp_path / "next", current)
            # As a new process reads the new manifest.
            manifest = manifests.vite(dist / ".vite/manifest.json")
            first = tabs.clients[:2] or serve(current, "wsgi", previous=store, immutable=HASHED)
            second = serve(current, "asgi", previous=store, immutable=manifest)
            tabs.clients = [*first, *second]
            for client in tabs.clients:
                client.files.refresh()
            tabs.builds.append(new)
        if number:
            shutil.rmtree(tmp_path / f"dist{number - 1}")
        assert_only(tabs, app.built)


def assert_only(tabs: Tabs, built: int) -> None:
    """The kept builds are answered, and nothing else is."""
    kept = dict(ChainMap(*tabs.builds[-DAYS - 1 :]))
    tabs.click(kept)
    assert tabs.failures == []
    older = {name for names in tabs.builds for name in names} - kept.keys()
    withdrawn = [f"{stem}{n}" for n in range(built - 1) for stem in ("news", "plain")]
    others = [
        *older,
        *(f"{each}.html" for each in withdrawn),
        *(f"{each}.js" for each in withdrawn),
    ]
    for client in tabs.clients:
        assert [name for name in [*others, STATE] if not client.get(f"/{name}").passed] == []


def test_a_tab_gets_a_delta_between_builds_that_others_lie_between(tmp_path: Path) -> None:
    app, store, builds = App(), tmp_path / "store", []
    store.mkdir()
    for number in range(4):
        dist = tmp_path / f"dist{number}"
        builds.append(app.build(dist))
        command("compress", dist, *ENCODINGS, "--previous", store)
        command("keep", dist, store)
    clients, changed = [], 0
    for door in DOORS:
        clients += serve(dist, door, previous=store, immutable=HASHED)
    for route in app.routes:
        [old, *_, new] = [name for names in builds for name in names if route in name]
        if old == new:
            continue
        changed += 1
        has = base64.b64encode(hashlib.sha256((store / old).read_bytes()).digest()).decode()
        fields = {"Accept-Encoding": "gzip, dcz", "Available-Dictionary": f":{has}:"}
        codings = [client.get(f"/{new}", fields)["content-encoding"] for client in clients]
        assert codings == ["dcz"] * 4
    assert changed >= 3


# The recipe for a container image: its steps, as far as they go without one.

RECIPE = (ROOT / "examples/Dockerfile").read_text()


def steps(stage: str) -> list[str]:
    """The commands that a stage runs, each on one line."""
    text = re.split(r"^FROM ", RECIPE.replace("\\\n", " "), flags=re.MULTILINE)
    [found] = [each for each in text if each.partition("\n")[0].endswith(f"AS {stage}")]
    return re.findall(r"^RUN (?:--mount=from=previous,target=/previous)?(.*)", found, re.MULTILINE)


def image(app: App, place: Path, previous: Path) -> dict[str, bytes]:
    """Build an image: its folder is what has `/app` in it."""
    names = app.build(place / "app/dist")
    [step] = steps("files")
    shell = ["sh", "-euc", step.replace("/previous/", f"{previous}/")]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    subprocess.run(shell, cwd=place / "app", env={**environment(), "PATH": path}, check=True)
    return names


def test_the_recipe_for_an_image_takes_the_store_of_the_image_before(tmp_path: Path) -> None:
    app, tabs, previous = App(), Tabs(), tmp_path / "python"
    previous.mkdir()
    for number in range(4):
        place = tmp_path / f"image{number}"
        tabs.builds.append(image(app, place, previous))
        previous = place
    [dictionaries, store] = re.search(r"(\w+)=True, previous=\"(\w+)\"", RECIPE).groups()
    assert dictionaries == "dictionaries"
    manifest = manifests.vite(place / "app/dist/.vite/manifest.json")
    for door in DOORS:
        options = {"previous": place / "app" / store, "immutable": manifest}
        tabs.clients += serve(place / "app/dist", door, **options)
    for names in tabs.builds:
        tabs.click(names)
    assert tabs.failures == []
    assert list((place / "app/dist").rglob("*.1.dcz"))
    assert re.findall(r"COPY --from=files /app/(\w+)", RECIPE) == ["dist", store]
