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
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from dualstatic import manifests
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


def click(client: Client, names: dict[str, bytes], failures: list[str]) -> None:
    """A tab shows each of its lazy routes."""
    for name, code in names.items():
        answer = client.get(f"/{name}", {"Accept-Encoding": "gzip, br, zstd, dcz"})
        immutable = "immutable" in (answer.get("cache-control") or "")
        if (answer.status, immutable) != (200, True) or (
            "content-encoding" not in answer and answer.body != code
        ):
            failures.append(f"{name}: {answer}")


def test_in_twenty_deploys_no_tab_fails_and_nothing_else_is_answered(
    tmp_path: Path, serve: Callable[..., Client], door: str
) -> None:
    of_manifest = door == "asgi"  # else a regular expression says what is immutable
    app, builds, failures = App(), [], []
    store, current = tmp_path / "store", tmp_path / "current"
    store.mkdir()
    client, ended = None, threading.Event()

    def clicks_on() -> None:
        while not ended.wait(0.002):
            for names in builds[-DAYS:]:
                click(client, names, failures)

    for number in range(DEPLOYS):
        dist = tmp_path / f"dist{number}"
        new = app.build(dist)
        tabs = threading.Thread(target=clicks_on)
        if client:
            wait(store, STEP)
            ended.clear()
            tabs.start()
        try:
            command("compress", dist, *ENCODINGS, "--previous", store)
            command("keep", dist, store, "--days", str(DAYS))
            (tmp_path / "next").symlink_to(dist)
            os.replace(tmp_path / "next", current)
            if client is None or of_manifest:  # as a new process reads the new manifest
                manifest = manifests.vite(dist / ".vite/manifest.json")
                immutable = manifest if of_manifest else HASHED
                client = serve(current, previous=store, dictionaries=True, immutable=immutable)
            client.files.refresh()
            builds.append(new)
        finally:
            ended.set()
            if tabs.ident:
                tabs.join()
        if number:
            shutil.rmtree(tmp_path / f"dist{number - 1}")
        assert_only(client, builds, failures, app.built)


def assert_only(
    client: Client, builds: list[dict[str, bytes]], failures: list[str], built: int
) -> None:
    """The kept builds are answered, and nothing else is."""
    kept = {name for names in builds[-DAYS - 1 :] for name in names}
    for names in builds[-DAYS - 1 :]:
        click(client, names, failures)
    assert failures == []
    older = {name for names in builds for name in names} - kept
    withdrawn = [f"{stem}{n}" for n in range(built - 1) for stem in ("news", "plain")]
    others = [
        *older,
        *(f"{each}.html" for each in withdrawn),
        *(f"{each}.js" for each in withdrawn),
    ]
    assert [name for name in [*others, STATE] if not client.get(f"/{name}").passed] == []


def test_a_tab_gets_a_delta_between_builds_that_others_lie_between(
    tmp_path: Path, serve: Callable[..., Client]
) -> None:
    app, store, builds = App(), tmp_path / "store", []
    store.mkdir()
    for number in range(4):
        dist = tmp_path / f"dist{number}"
        builds.append(app.build(dist))
        command("compress", dist, *ENCODINGS, "--previous", store)
        command("keep", dist, store)
    client, changed = serve(dist, previous=store, dictionaries=True, immutable=HASHED), 0
    for route in app.routes:
        [old, *_, new] = [name for names in builds for name in names if route in name]
        if old == new:
            continue
        changed += 1
        has = base64.b64encode(hashlib.sha256((store / old).read_bytes()).digest()).decode()
        fields = {"Accept-Encoding": "gzip, dcz", "Available-Dictionary": f":{has}:"}
        assert client.get(f"/{new}", fields)["content-encoding"] == "dcz"
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


def test_the_recipe_for_an_image_takes_the_store_of_the_image_before(
    tmp_path: Path, serve: Callable[..., Client]
) -> None:
    app, failures = App(), []
    previous, builds = tmp_path / "python", []
    previous.mkdir()
    for number in range(4):
        place = tmp_path / f"image{number}"
        builds.append(image(app, place, previous))
        previous = place
    [dictionaries, store] = re.search(r"(\w+)=True, previous=\"(\w+)\"", RECIPE).groups()
    manifest = manifests.vite(place / "app/dist/.vite/manifest.json")
    options = {dictionaries: True, "previous": place / "app" / store, "immutable": manifest}
    client = serve(place / "app/dist", **options)
    for names in builds:
        click(client, names, failures)
    assert failures == []
    assert list((place / "app/dist").rglob("*.1.dcz"))
    assert re.findall(r"COPY --from=files /app/(\w+)", RECIPE) == ["dist", store]
