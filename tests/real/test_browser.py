"""A real browser before real servers: the example site, a build of Vite's, sound and video.

Run by `pytest -m browser`. The screenshots are left in the folders of the tests (`--basetemp`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest

from tests.support.browser import Browser, Page, run_browser
from tests.support.media import colour_at, write_sound, write_video
from tests.support.servers import ROOT, Server, eventually, free_port, serve

pytestmark = pytest.mark.browser

SITE = ROOT / "examples/site"
BUILD = ROOT / "tests/data/vite-build"
HASHED = r"-[0-9a-zA-Z_-]{8}\.\w+$"
CODINGS = {"": "gzip", "css/style.css": "br", "js/main.js": "br", "img/logo.svg": "zstd"}
FILES = {*CODINGS, "js/tide.js", "wasm/add.wasm"}
DRAWN = "document.querySelector('#curve polyline')"

Start = Callable[..., Server]


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with run_browser(tmp_path_factory.mktemp("browser")) as browser:
        yield browser


@pytest.fixture
def profile(browser: Browser) -> Iterator[str]:
    profile = browser.profile()
    yield profile
    browser.forget(profile)


@pytest.fixture
def page(browser: Browser, profile: str) -> Page:
    return browser.page(profile)


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Start a program once, on a port that is free, and end it with the module."""
    running: dict[tuple[str, ...], Server] = {}
    with ExitStack() as stack:

        def start(*arguments: str) -> Server:
            if arguments not in running:
                command, *more = arguments
                logs = tmp_path_factory.mktemp("logs")
                place = (ROOT / command, str(free_port()), *more)
                running[arguments] = stack.enter_context(serve(*place, logs=logs))
            return running[arguments]

        yield start


@pytest.fixture(params=["gunicorn", "uvicorn"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def behind(kind: str, start: Start) -> Callable[..., Server]:
    """Serve a directory in front of an API."""

    def behind(directory: Path, **options: Any) -> Server:
        return start("tests/support/browser_app.py", kind, str(directory), json.dumps(options))

    return behind


# The example site.


@pytest.fixture(params=["/", "/static"], ids=["root", "prefix"])
def site(request: pytest.FixtureRequest, behind: Callable[..., Server]) -> str:
    """Where it is served; an unknown page gets its 404 page."""
    prefix: str = request.param
    server = behind(SITE, html=True, prefix=prefix, not_found="404-page")
    return urljoin(server.url, prefix.rstrip("/") + "/")


def seen(page: Page, base: str) -> dict[str, int | None]:
    """What came over the network for each file of the site when it was first asked for.

    The logo is asked for once more, as the icon.
    """
    root = urlsplit(base).path
    return {e.path.removeprefix(root): e.wire for e in reversed(page.exchanges)}


def assert_shown(page: Page) -> None:
    """The site is there whole: its modules ran, the wasm added, the style and the logo are used."""
    page.until(DRAWN)
    assert page.errors == []
    assert page.value("document.getElementById('sums').textContent") == "1,441"
    assert page.value("document.getElementById('spring').textContent") == "2.92 m"
    assert page.value("getComputedStyle(document.querySelector('.card')).borderRadius") == "14px"
    assert page.value("document.querySelector('.brand img').naturalWidth") > 0


def test_the_example_site_is_shown_whole(page: Page, site: str, tmp_path: Path):
    page.go(site)
    assert_shown(page)
    page.picture(tmp_path / "site.png")
    assert seen(page, site) == dict.fromkeys(FILES, 200)
    assert page.asked(urlsplit(site).path + "wasm/add.wasm").type == "application/wasm"


@pytest.mark.parametrize(
    ("script", "path"),
    [
        ("flask_app.py", "/static/"),
        ("django_asgi.py", "/static/"),
        ("fastapi_app.py", "/static/"),
        ("fastapi_app.py", "/site/"),
        ("plain_stack.py", "/static/"),
        ("http_server.py", "/"),
    ],
)
def test_each_example_shows_the_site(page: Page, start: Start, script: str, path: str):
    site = urljoin(start(f"examples/{script}").url, path)
    for _ in range(2):
        page.go(site)
        assert_shown(page)
    assert seen(page, site) == dict.fromkeys(FILES, 304)


def test_a_second_visit_costs_304s(browser: Browser, profile: str, site: str):
    browser.page(profile).go(site)
    page = browser.page(profile)
    page.go(site)
    assert_shown(page)
    assert seen(page, site) == dict.fromkeys(FILES, 304)
    page.reload()
    assert_shown(page)
    assert seen(page, site) == dict.fromkeys(FILES, 304)


def test_each_coding_is_chosen_and_decoded(page: Page, site: str):
    page.go(site)
    page.until(DRAWN)
    for name, coding in CODINGS.items():
        answer = page.asked(urlsplit(site).path + name)
        assert answer["content-encoding"] == coding
        assert answer["vary"] == "Accept-Encoding"
        text = (SITE / (name or "index.html")).read_text()
        assert int(answer["content-length"]) < len(text.encode())
        assert page.value(f"fetch({json.dumps(answer.url)}).then(a => a.text())") == text


def test_an_unknown_page_is_the_404_page(page: Page, site: str, tmp_path: Path):
    page.go(urljoin(site, "no/such/page"))
    page.picture(tmp_path / "404.png")
    assert page.asked(urlsplit(site).path + "no/such/page").wire == 404
    assert page.value("document.querySelector('h1').textContent") == "404"
    assert page.value("getComputedStyle(document.body).display") == "grid"


def test_a_link_without_its_slash_leads_to_the_page(page: Page, site: str, tmp_path: Path):
    page.go(urljoin(site, "about?from=link"))
    page.picture(tmp_path / "about.png")
    assert page.errors == []
    assert [e.wire for e in page.exchanges][:2] == [307, 200]
    assert page.value("location.href") == urljoin(site, "about/?from=link")
    assert page.value("document.querySelector('.brand img').naturalWidth") > 0


# A single-page application, as Vite builds it (its sources are in data/vite-app).


@pytest.fixture
def app(behind: Callable[..., Server]) -> Server:
    options = {"html": True, "immutable": HASHED, "not_found": "single-page-application"}
    return behind(BUILD, **options)


def asked_since(app: Server, count: int = 0) -> list[list[Any]]:
    """The requests that the server got, without the first ones and those for this log."""
    log = json.loads(app.get("/api/log").body)
    return [entry for entry in log if entry[1] != "/api/log"][count:]


def showing(route: str) -> str:
    return f"document.querySelector('main').dataset.route === {json.dumps(route)}"


@pytest.mark.parametrize(
    ("route", "heading"),
    [
        ("/", "Harbour"),
        ("/ships/aurora", "The ship aurora"),
        ("/ships/v1.2", "The ship v1.2"),
        ("/ships/b%C3%B6%20x", "The ship bö x"),
        ("/nobody/was/here", "No ship has gone this way"),
    ],
)
def test_a_deep_link_shows_its_route(
    page: Page, app: Server, tmp_path: Path, route: str, heading: str
):
    page.go(urljoin(app.url, route))
    page.until("document.querySelector('main').dataset.route")
    page.picture(tmp_path / "route.png")
    assert page.errors == []
    assert page.value("document.querySelector('h1').textContent") == heading
    assert page.value("getComputedStyle(document.body).backgroundColor") == "rgb(13, 27, 36)"
    assert page.value("[...document.images].every(i => i.complete && i.naturalWidth)")
    assert page.exchanges[0].wire == 200
    assert page.exchanges[0]["cache-control"] == "no-cache"


def test_a_link_inside_the_app_loads_the_chunk_of_its_route(page: Page, app: Server):
    page.go(app.url)
    page.until(showing("/"))
    page.exchanges.clear()
    page.value("document.querySelector('[href=\"/ships/aurora\"]').click()")
    page.until(showing("/ships/aurora"))
    assets = [Path(e.path) for e in page.exchanges if e.path.startswith("/assets/")]
    assert {path.name.partition("-")[0] + path.suffix for path in assets} == {
        "ship.css",
        "ship.js",
        "ship.png",
    }
    page.value("history.back()")
    page.until(showing("/"))
    assert page.errors == []


def test_an_api_keeps_its_404(page: Page, app: Server):
    page.go(app.url)
    got = page.value("fetch('/api/nope').then(async a => [a.status, await a.json()])")
    assert got == [404, {"error": "the API knows no such thing"}]


def test_an_asset_that_is_gone_fails_as_404(page: Page, app: Server):
    page.go(app.url)
    page.until(showing("/"))
    outcome = page.value("""new Promise(resolve => {
        const script = document.createElement("script");
        Object.assign(script, {type: "module", src: "/assets/gone-12345678.js"});
        script.onload = () => resolve("loaded");
        script.onerror = () => resolve("failed");
        document.head.append(script);
    })""")
    page.settle()
    assert outcome == "failed"
    answer = page.asked("/assets/gone-12345678.js")
    assert (answer.wire, answer.type) == (404, "application/json")
    assert len(page.errors) == 1


def test_a_reload_of_a_route_with_a_suffix_gives_the_page(page: Page, app: Server):
    for visit in (lambda: page.go(urljoin(app.url, "/wiki/Node.js")), page.reload):
        visit()
        page.until("document.querySelector('main').dataset.route")
        assert page.asked("/wiki/Node.js").wire == 200
        assert page.asked("/wiki/Node.js").type == "text/html"
        assert page.errors == []


def test_a_frame_gets_the_page_and_an_object_does_not(page: Page, app: Server):
    page.go(app.url)
    for tag, status in (("iframe", 200), ("object", 404), ("embed", 404)):
        attribute = "data" if tag == "object" else "src"
        page.value(f"""(() => {{
            const element = document.createElement({json.dumps(tag)});
            element.{attribute} = "/in/{tag}";
            document.body.append(element);
        }})()""")
        page.until(f"performance.getEntriesByType('resource').some(e => e.name.endsWith('{tag}'))")
        assert [status for _, path, status in asked_since(app) if path == f"/in/{tag}"] == [status]


def test_the_download_of_a_missing_file_fails(page: Page, app: Server, tmp_path: Path):
    page.go(app.url)
    page.until(showing("/"))
    count = len(asked_since(app))
    page.download_to(tmp_path)
    page.value("""(() => {
        const link = document.createElement("a");
        Object.assign(link, {href: "/export/7", download: "report.pdf"});
        link.onclick = event => event.stopPropagation();  // the app's router is not asked
        document.body.append(link);
        link.click();
    })()""")
    eventually(lambda: len(asked_since(app, count)) > 0, 10, lambda: "no request")
    assert [entry[1:] for entry in asked_since(app, count)] == [["/export/7", 404]]
    page.settle()
    assert list(tmp_path.iterdir()) == []


def test_a_second_visit_asks_for_no_immutable_file(browser: Browser, profile: str, app: Server):
    first = browser.page(profile)
    first.go(app.url)
    first.until(showing("/"))
    fresh = {e.path for e in first.exchanges if "immutable" in e["cache-control"]}
    assert len(fresh) == 5
    page = browser.page(profile)
    for visit in (lambda: page.go(app.url), page.reload):
        count = len(asked_since(app))
        visit()
        page.until(showing("/"))
        assert {e.path for e in page.exchanges if e.wire is None} == fresh
        assert all(page.asked(path).cached for path in fresh)
        assert page.asked("/").wire == 304
        asked = {path: status for _, path, status in asked_since(app, count)}
        assert asked == {"/": 304, "/favicon.svg": 304, "/api/tide": 200}


# Sound and video.

VIDEO = {"small.webm": (60, 8_000), "large.webm": (600, 2**16)}
SOUND = {"small.wav": (120, 8_000), "large.wav": (600, 44_100)}


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of each a file that is kept in memory, and one too large for that."""
    folder = tmp_path_factory.mktemp("media")
    for name, (seconds, padding) in VIDEO.items():
        write_video(folder / name, seconds, padding)
    for name, (seconds, rate) in SOUND.items():
        write_sound(folder / name, seconds, rate)
    (folder / "index.html").write_text("<!doctype html><link rel=icon href=data:,><title>T</title>")
    return folder


SEEK = """new Promise((resolve, reject) => {{
    const player = document.createElement({tag});
    player.onerror = () => reject(player.error.message);
    player.onloadedmetadata = () => {{ player.currentTime = {second}; }};
    player.onseeked = () => resolve(player.duration);
    Object.assign(player, {{preload: "metadata", muted: true, controls: true, src: {url}}});
    document.body.append(player);
}})"""
COLOUR = """(() => {
    const canvas = document.createElement("canvas").getContext("2d");
    canvas.drawImage(document.querySelector("video"), 0, 0);
    return [...canvas.getImageData(80, 48, 1, 1).data];
})()"""


def seek(page: Page, tag: str, url: str, second: float) -> float:
    script = SEEK.format(tag=json.dumps(tag), second=second, url=json.dumps(url))
    return float(page.value(script))


def window(text: str) -> tuple[int, int, int]:
    unit, _, rest = text.partition(" ")
    span, _, size = rest.partition("/")
    first, _, last = span.partition("-")
    assert unit == "bytes"
    return int(first), int(last), int(size)


def assert_ranges(page: Page, file: Path) -> None:
    """It came in ranges; a large file was not read up to the place, but asked for from there on.

    What the browser has of it already costs a 304, and it may ask for the part before that alone.
    """
    page.answered()
    answers = [e for e in page.exchanges if e.path == f"/{file.name}" and e.wire]
    assert {e.wire for e in answers} <= {206, 304}
    size = file.stat().st_size
    windows = [window(e["content-range"]) for e in answers if e.wire == 206]
    assert windows[0] == (0, size - 1, size)
    assert all(first <= last < size == whole for first, last, whole in windows)
    if size > 2**20:
        assert max(windows)[0] > size * 0.7


@pytest.mark.parametrize("name", VIDEO)
def test_a_video_seeks(
    page: Page, behind: Callable[..., Server], media: Path, tmp_path: Path, name: str
):
    page.go(behind(media, html=True).url)
    seconds = VIDEO[name][0]
    second = seconds * 4 // 5 + 1
    assert seek(page, "video", f"/{name}", second + 0.5) == seconds
    page.picture(tmp_path / "video.png")
    red, green, blue, _ = page.value(COLOUR)
    assert colour_at(second) == "green"
    assert green > 100 > max(red, blue)
    assert page.errors == []
    assert_ranges(page, media / name)


@pytest.mark.parametrize("name", SOUND)
def test_a_sound_seeks(page: Page, behind: Callable[..., Server], media: Path, name: str):
    page.go(behind(media, html=True).url)
    seconds = SOUND[name][0]
    assert seek(page, "audio", f"/{name}", seconds * 0.9) == pytest.approx(seconds, abs=0.1)
    assert page.errors == []
    assert_ranges(page, media / name)


# What strangers upload.

RUNS = "localStorage.setItem('ran', location.pathname)"
PDF = b"""%PDF-1.4
1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj
2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj
3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>endobj
trailer<</Root 1 0 R>>
"""
SVG = f"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'><script>{RUNS}</script></svg>"
XHTML = f"<html xmlns='http://www.w3.org/1999/xhtml'><body><script>{RUNS}</script></body></html>"
PAGES = {"a.html": f"<script>{RUNS}</script>", "a.svg": SVG, "a.xhtml": XHTML, "a.xml": XHTML}
STYLE_SHEET = "body { color: rgb(1, 2, 3) }"
GIF = b"GIF89a\1\0\1\0\x80\0\0\xff\0\0\0\0\0,\0\0\0\0\1\0\1\0\0\2\2D\1\0;"
LOADED = """new Promise((resolve) => {{
    const element = Object.assign(document.createElement({tag}), {fields});
    element.onload = () => resolve("loaded");
    element.onerror = () => resolve("refused");
    document.body.append(element);
}})"""


def upload(server: Server, name: str, content: bytes | str) -> str:
    """The path of what was uploaded by a form."""
    before = set(re.findall(r'href="(/uploads/[^"]+)"', server.get("/").body.decode()))
    data = content.encode() if isinstance(content, str) else content
    head = f'--x\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
    form = {"Content-Type": "multipart/form-data; boundary=x"}
    assert server.ask("POST", "/", form, head.encode() + data + b"\r\n--x--\r\n").status == 303
    after = set(re.findall(r'href="(/uploads/[^"]+)"', server.get("/").body.decode()))
    [path] = after - before
    return str(path)


def loads(page: Page, tag: str, **fields: str) -> bool:
    script = LOADED.format(tag=json.dumps(tag), fields=json.dumps(fields))
    return bool(page.value(script) == "loaded")


@pytest.fixture
def uploads(start: Start, tmp_path_factory: pytest.TempPathFactory) -> Server:
    return start("examples/uploads.py", str(tmp_path_factory.mktemp("uploads") / "made later"))


WAYS = [
    "location.href = {}",
    "document.body.append(Object.assign(document.createElement('iframe'), {{src: {}}}))",
    "document.body.append(Object.assign(document.createElement('object'), {{data: {}}}))",
    "document.body.append(Object.assign(document.createElement('embed'), {{src: {}}}))",
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", PAGES)
def test_an_uploaded_page_is_saved_and_runs_nothing(
    browser: Browser, profile: str, uploads: Server, tmp_path: Path, name: str, way: str
):
    page, path = browser.page(profile), upload(uploads, name, PAGES[name])
    page.download_to(tmp_path)
    page.go(uploads.url)
    page.value(f"void({way.format(json.dumps(path))})")
    if "object" in way or "embed" in way:
        page.answered()
    else:
        saved = tmp_path / Path(path).name
        eventually(saved.exists, 10)
        assert saved.read_text() == PAGES[name]
    another = browser.page(profile)
    another.go(uploads.url)
    assert another.value("localStorage.getItem('ran')") is None


def test_a_page_of_the_site_can_load_no_uploaded_script_or_style(page: Page, uploads: Server):
    script, style = upload(uploads, "a.js", RUNS), upload(uploads, "a.css", STYLE_SHEET)
    page.go(uploads.url)
    assert not loads(page, "script", src=script)
    assert not loads(page, "script", src=script, type="module")
    assert not loads(page, "link", rel="stylesheet", href=style)
    work = "new Promise(r => {{ new Worker({0}).onerror = () => r('refused') }})"
    register = "navigator.serviceWorker.register({0}).then(() => 'ran', () => 'refused')"
    for way in (work, register):
        assert page.value(way.format(json.dumps(script))) == "refused"
    assert page.value("localStorage.getItem('ran')") is None
    assert page.value("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"


def test_uploaded_pictures_films_and_texts_are_seen(
    browser: Browser, profile: str, uploads: Server, media: Path, tmp_path: Path
):
    kinds = {
        "a.gif": (GIF, "image/gif"),
        "a.webm": ((media / next(iter(VIDEO))).read_bytes()[: 2**20], "video/webm"),
        "a.wav": ((media / next(iter(SOUND))).read_bytes()[: 2**20], "audio/wav"),
        "a.pdf": (PDF, "application/pdf"),
        "a.txt": (b"text", "text/plain"),
        "a.js": (RUNS, "text/plain"),
    }
    page = browser.page(profile)
    page.download_to(tmp_path)
    page.go(uploads.url)
    assert loads(page, "img", src=upload(uploads, "a.svg", PAGES["a.svg"]))
    for name, (content, kind) in kinds.items():
        page = browser.page(profile)
        page.call("Page.navigate", url=uploads.url.rstrip("/") + upload(uploads, name, content))
        shown = partial(page.value, "document.contentType")
        eventually(lambda shown=shown, kind=kind: shown() == kind, 10)
    assert list(tmp_path.iterdir()) == []
