"""Group P: which paths name a file, and the hostile ones, which reach the app untouched."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import anyio
import pytest

from dualstatic import StaticFiles
from dualstatic.core import paths
from dualstatic.disk import root as disk_root
from tests.support.children import within
from tests.support.doors import Answer, Client, Everywhere, ask_asgi_here
from tests.support.faults import fold_case
from tests.support.rows import PASS, Case, check, rows, table
from tests.support.trees import Link, write_odd, write_tree
from tests.support.watch import Watch, audit, needs_inotify

pytestmark = pytest.mark.usefixtures("aging")

NFC = "\N{LATIN SMALL LETTER E WITH ACUTE}"
NFD = "e\N{COMBINING ACUTE ACCENT}"
LONG = "n" * 255

FILES: dict[str, bytes | str | Link | None] = {
    "t.txt": "0123456789",
    "index.html": "the root's index",
    "sub/a.txt": "a in sub",
    "sub/index.html": "the index of sub",
    "q?.txt": "a question mark",
    "h#.txt": "a hash sign",
    "plus+.txt": "a plus sign",
    "with space.txt": "a space",
    "100%.txt": "a percent sign",
    "a%2fb.txt": "an escape of a slash, literally",
    "a%41b.txt": "an escape of A, literally",
    "\N{LATIN SMALL LETTER U WITH DIAERESIS}.txt": "u umlaut",
    f"{NFD}.txt": "decomposed",
    "\udcff\udcfe.txt": "not UTF-8",
    "\N{REPLACEMENT CHARACTER}.txt": "a replacement character",
    "back\\slash.txt": "a backslash",
    "ctl\n.txt": "a line feed",
    "\r\nSet-Cookie:x=1": None,
    "\r\nWith-Index:x=1/index.html": "an index",
    "evil.example/index.html": "evil",
    "evil.example/sub/index.html": "evil",
    "\\\\evil.example/index.html": "evil",
    "c:/win.ini": "a directory with a drive's name",
    "UPPER.HTML": "a name that has a short one on Windows",
    "x.txt.": "a dot at the end",
    "NUL": "a device's name elsewhere",
    "semi;colon.txt": "a semicolon",
    "[b].txt": "brackets",
    "b.txt": "no brackets",
    LONG: "a long name",
    "linkdir-in": Link("sub"),
    "link-out.txt": Link("../outside/secret.txt"),
    "linkdir-out": Link("../outside"),
    "dev-link": Link("/dev/zero"),
}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with every odd thing in it, and secrets beside it."""
    parent = tmp_path_factory.mktemp("paths")
    write_tree(parent / "outside", {"secret.txt": "SECRET", "index.html": "SECRET"})
    write_tree(parent / "www-secret", {"s.txt": "SECRET", "index.html": "SECRET"})
    root = write_tree(parent / "www", FILES)
    write_odd(root)
    return root


@pytest.fixture(params=[False, True], ids=["plain", "html"])
def html(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def serves(row: str, target: str | bytes, name: str) -> Case:
    content = FILES[name]
    assert isinstance(content, str)
    return Case(row, target, 200, body=content.encode())


SERVED = [
    Case("P001", "/t.txt", 200, has={"content-length": "10"}, body=b"0123456789"),
    serves("P002", "/t.txt?q=1", "t.txt"),
    serves("P003", "/t.txt?", "t.txt"),
    serves("P004", "/%74.txt", "t.txt"),
    serves("P006", "/q%3F.txt", "q?.txt"),
    serves("P007", "/h%23.txt", "h#.txt"),
    serves("P008", "/plus+.txt", "plus+.txt"),
    serves("P009", "/plus%2B.txt", "plus+.txt"),
    serves("P011", "/with%20space.txt", "with space.txt"),
    serves("P012", "/100%25.txt", "100%.txt"),
    serves("P013", "/a%252fb.txt", "a%2fb.txt"),
    serves("P014", "/a%2541b.txt", "a%41b.txt"),
    serves("P015", "/%C3%BC.txt", "\xfc.txt"),
    serves("P016", b"/\xc3\xbc.txt", "\xfc.txt"),
    serves("P017", "/e%CC%81.txt", f"{NFD}.txt"),
    serves("P087", f"/{LONG}", LONG),
    serves("P091", "/semi;colon.txt", "semi;colon.txt"),
    serves("P092", "/[b].txt", "[b].txt"),
    serves("P092", "/%5Bb%5D.txt", "[b].txt"),
]

POSIX_SERVED = [
    serves("P066", "/c:/win.ini", "c:/win.ini"),
    serves("P066", "/c%3a/win.ini", "c:/win.ini"),
    serves("P071", "/x.txt.", "x.txt."),
    serves("P074", "/NUL", "NUL"),
]

REFUSED = [
    ("P005", "/t.txt%3Fq=1"),
    ("P010", "/with+space.txt"),
    ("P014", "/aAb.txt"),
    ("P018", "/%C3%A9.txt"),
    ("P019", "/%ff%fe.txt"),
    ("P019", b"/\xff\xfe.txt"),
    ("P020", "/%ff.txt"),
    ("P020", b"/\xff.txt"),
    ("P021", "/..%c0%afoutside/secret.txt"),
    ("P022", "/%c0%ae%c0%ae/outside/secret.txt"),
    ("P023", "/../outside/secret.txt"),
    ("P024", "/%2e%2e/outside/secret.txt"),
    ("P024", "/%2E%2E/outside/secret.txt"),
    ("P025", "/.%2e/outside/secret.txt"),
    ("P025", "/%2e./outside/secret.txt"),
    ("P026", "/%%32%65%%32%65/outside/secret.txt"),
    ("P027", "/..%2foutside/secret.txt"),
    ("P028", "/%2e%2e%2foutside%2fsecret.txt"),
    ("P029", "/%252e%252e/outside/secret.txt"),
    ("P030", "/../www-secret/s.txt"),
    ("P031", "/..%2fwww-secret/s.txt"),
    ("P032", "/sub/../t.txt"),
    ("P033", "/sub/%2e%2e/t.txt"),
    ("P034", "/nodir/../t.txt"),
    ("P035", "/t.txt/../t.txt"),
    ("P036", "/./t.txt"),
    ("P036", "/sub/./a.txt"),
    ("P037", "/%2e/t.txt"),
    ("P038", "/sub/.."),
    ("P038", "/sub/../"),
    ("P038", "/sub/%2e%2e"),
    ("P039", "/sub/."),
    ("P039", "/sub/./"),
    ("P039", "/sub/%2e"),
    ("P040", "/.."),
    ("P040", "/../"),
    ("P041", "/sub%2fa.txt"),
    ("P041", "/sub%2Fa.txt"),
    ("P041", "/sub%2findex.html"),
    ("P042", "/sub%2f"),
    ("P042", "/%2f"),
    ("P043", "/sub%5ca.txt"),
    ("P043", "/sub\\a.txt"),
    ("P044", "/..%5coutside%5csecret.txt"),
    ("P044", "/..\\outside\\secret.txt"),
    ("P045", "/back%5Cslash.txt"),
    ("P045", "/back\\slash.txt"),
    ("P046", "/t.txt%00"),
    ("P047", "/t.txt%00.html"),
    ("P048", "/sub/%00"),
    ("P048", "/sub%00"),
    ("P050", "/%01"),
    ("P050", "/t.txt%01"),
    ("P050", "/%7f"),
    ("P051", "/ctl%0A.txt"),
    ("P052", "/%0d%0aSet-Cookie:x=1"),
    ("P052", "/%0d%0aWith-Index:x=1"),
    ("P052", "/%0d%0aWith-Index:x=1/"),
    ("P053", "//t.txt"),
    ("P053", "//"),
    ("P054", "/sub//a.txt"),
    ("P055", "///t.txt"),
    ("P055", "///"),
    ("P056", "//evil.example"),
    ("P056", "//evil.example/"),
    ("P057", "//evil.example/.."),
    ("P058", "//evil.example/%2e%2e"),
    ("P059", "//evil.example/%2e%2e/sub"),
    ("P060", "/%2fevil.example"),
    ("P061", "/.//evil.example"),
    ("P062", "/\\evil.example"),
    ("P062", "/%5cevil.example"),
    ("P063", "http://evil.example//sub"),
    ("P064", "http://localhost/t.txt"),
    ("P067", "/c%3a%5cwin.ini"),
    ("P068", "/t.txt::$DATA"),
    ("P069", "/t.txt%3a%3a$DATA"),
    ("P070", "/t.txt."),
    ("P072", "/t.txt%20"),
    ("P073", "/UPPER~1.HTM"),
    ("P073", "/progra~1/a.txt"),
    ("P073", "/TE021F~12"),
    ("P075", "/sub/con.txt"),
    ("P076", "/T.TXT"),
    ("P077", "/%5c%5chost%5cshare/x"),
    ("P078", "/100%.txt"),
    ("P079", "/%zz"),
    ("P080", "/t.txt%"),
    ("P080", "/t.txt%7"),
    ("P081", "/\u962e\u962e/outside/secret.txt"),
    ("P081", "/%E9%98%AE%E9%98%AE/outside/secret.txt"),
    ("P082", "/linkdir-in/%2e%2e/outside/secret.txt"),
    ("P082", "/linkdir-in/../t.txt"),
    ("P083", "/static/%255c%255c..%255c/..%255c/windows/win.ini"),
    ("P084", "/%5C%5Cevil.example/%252e%252e%252f"),
    ("P084", "/%5C%5Cevil.example"),
    ("P085", "//^/.."),
    ("P086", "/%u002e%u002e/t.txt"),
    ("P088", "/" + "n" * 256),
    ("P089", "/" + "a/" * 4096),
    ("P089", "/sub" + "/a" * 4096),
    ("P090", "/t.txt;a=1"),
    ("P093", "/t.txt#frag"),
    ("P096", "/sock"),
]


@table(*SERVED)
def test_a_path_is_decoded_once_and_names_its_file(
    case: Case, everywhere: Callable[..., Everywhere], root: Path, html: bool
) -> None:
    check(case, everywhere(root, html=html))


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
@table(*POSIX_SERVED)
def test_a_name_that_is_odd_on_windows_only_is_a_name_elsewhere(
    case: Case, everywhere: Callable[..., Everywhere], root: Path, html: bool
) -> None:
    check(case, everywhere(root, html=html))


@table(*[Case(row, target, PASS, body=b"the app") for row, target in REFUSED])
def test_a_path_that_is_not_plain_reaches_the_app(
    case: Case, everywhere: Callable[..., Everywhere], root: Path, html: bool
) -> None:
    check(case, everywhere(root, html=html))


@pytest.mark.parametrize("target", [target for _, target in REFUSED])
def test_a_path_that_is_not_plain_is_a_404_where_there_is_no_app(
    target: str | bytes, everywhere: Callable[..., Everywhere], root: Path, html: bool
) -> None:
    answer = everywhere(root, html=html, app=False).get(target)
    assert answer.status == 404
    assert "location" not in answer


# Without the raw target, these are what they would be if nothing in them had been escaped.
AMBIGUOUS = {"/sub%2fa.txt", "/sub%2Fa.txt", "/sub%2findex.html", "/sub%2f", "/100%.txt"}


@pytest.mark.parametrize("target", [target for _, target in REFUSED if target not in AMBIGUOUS])
def test_a_path_that_is_not_plain_is_refused_where_the_server_hides_the_raw_target(
    target: str | bytes, everywhere: Callable[..., Everywhere], root: Path
) -> None:
    client = everywhere(root, html=True)
    client.hide_the_raw_target()
    answer = client.get(target)
    assert answer.passed, answer


@rows("P020")
def test_a_replacement_character_is_served_only_where_the_target_shows_that_it_was_sent(
    serve: Callable[..., Client], root: Path
) -> None:
    client = serve(root)
    assert client.get("/%EF%BF%BD.txt").body == b"a replacement character"
    client.raw = False
    answer = client.get("/%ff.txt")
    assert answer.passed, answer
    empty: Any = {"raw_path": b""} if client.door == "asgi" else {"REQUEST_URI": ""}
    assert client.get("/%ff.txt", **empty).passed


@rows("P049")
@pytest.mark.parametrize("target", ["/t.txt%00", "/t.txt%00.html", "/sub/%00"])
def test_head_of_a_path_with_nul_is_as_its_get(
    target: str, serve: Callable[..., Client], root: Path, html: bool
) -> None:
    assert serve(root, html=html).head(target).passed
    alone = serve(root, html=html, app=False)
    assert alone.head(target).status == alone.get(target).status == 404


@rows("P052")
def test_a_redirect_keeps_what_was_escaped_in_its_location(
    serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    name = 'a b"<>?#%\xfc;'
    client = serve(tree({f"{name}/index.html": "an index"}), html=True)
    location = client.get("/" + quote(name))["location"]
    assert location.startswith("./")
    assert location.endswith("/")
    assert not set(location) & set(' "<>?#\xfc\r\n')
    assert unquote(location[2:-1]) == name


def absolute_form(client: Client, authority: str, path: str) -> Answer:
    """As servers pass on an absolute-form target: the path alone, and the whole as the raw one."""
    if client.door == "wsgi":
        extra = {"PATH_INFO": path, "REQUEST_URI": f"http://{authority}{path}"}
        return client.get(path, **extra)
    return client.get(path, raw_path=f"http://{authority}{path}".encode())


@rows("P063")
def test_a_redirect_of_an_absolute_form_target_names_no_authority(
    serve: Callable[..., Client], root: Path
) -> None:
    client = serve(root, html=True)
    assert absolute_form(client, "evil.example", "/sub")["location"] == "./sub/"
    assert absolute_form(client, "evil.example", "//sub").passed


@rows("P064")
def test_an_absolute_form_target_whose_path_the_server_passes_is_served(
    serve: Callable[..., Client], root: Path
) -> None:
    client = serve(root)
    assert absolute_form(client, "localhost", "/t.txt").body == b"0123456789"
    assert client.get("/t.txt").body == b"0123456789"


@rows("P064")
def test_a_scheme_is_never_looked_up_as_a_directory(
    serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    client = serve(tree({"http:/localhost/t.txt": "not this", "localhost/t.txt": "nor this"}))
    assert client.get("http://localhost/t.txt").passed


@rows("P065")
def test_options_asterisk_reaches_the_app(
    serve: Callable[..., Client], root: Path, html: bool
) -> None:
    assert serve(root, html=html).ask("OPTIONS", "*").passed
    assert serve(root, html=html).get("*").passed


@rows("P094", "P096", "P097")
@pytest.mark.parametrize("name", ["fifo", "sock", "dev-link", "device"])
@pytest.mark.parametrize("follow", [False, True], ids=["inside", "follow"])
def test_what_is_no_regular_file_is_passed_at_once(
    name: str, follow: bool, serve: Callable[..., Client], root: Path
) -> None:
    if not os.path.lexists(root / name):
        pytest.skip("only root makes devices")
    client = within(5, partial(serve, root, follow_symlink=follow))
    for method in ("GET", "HEAD"):
        assert within(5, client.ask, method, f"/{name}").passed


@rows("P076")
@pytest.mark.parametrize("target", ["/T.TXT", "/Sub/a.txt", "/sub/A.txt", "/SUB/", "/SUB", "/Fifo"])
def test_a_name_is_compared_as_it_stands_on_the_disk_where_the_system_ignores_case(
    target: str, serve: Callable[..., Client], root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if hasattr(disk_root, "_FOLDS_CASE"):
        monkeypatch.setattr(disk_root, "_FOLDS_CASE", True)
    fold_case(monkeypatch)
    client = serve(root, html=True)
    assert client.get(target).passed
    for name in ("/t.txt", "/sub/a.txt", "/sub/", "/linkdir-in/a.txt"):
        answer = client.get(name)
        assert (answer.status, answer.passed) == (200, False)


@rows("P095")
def test_fifos_keep_no_worker_from_serving_files(serve: Callable[..., Client], root: Path) -> None:
    client = serve(root)
    targets = ["/fifo"] * 60 + ["/t.txt"]
    answers = within(5, ask_at_once, client, targets)
    assert all(answer.passed for answer in answers[:-1])
    assert answers[-1].body == b"0123456789"


def ask_at_once(client: Client, targets: list[str]) -> list[Answer]:
    """All targets beside each other: in threads, or in one event loop."""
    if client.door == "wsgi":
        with ThreadPoolExecutor(8) as pool:
            return list(pool.map(client.get, targets))
    answers: dict[int, Answer] = {}

    async def ask(number: int, target: str) -> None:
        answers[number] = await ask_asgi_here(client, "GET", target.encode(), [], b"", {})

    async def ask_all() -> None:
        async with anyio.create_task_group() as tasks:
            for number, target in enumerate(targets):
                tasks.start_soon(ask, number, target)

    anyio.run(ask_all)
    return [answers[number] for number in range(len(targets))]


WINDOWS_REFUSED = [
    ("P045", "/back\\slash.txt"),
    ("P066", "/c:/win.ini"),
    ("P066", "/foo/c:/win.ini"),
    ("P067", "/c:"),
    ("P068", "/t.txt::$DATA"),
    ("P068", "/t.txt:stream"),
    ("P068", "/t.txt:stream:$DATA"),
    ("P068", "/:stream"),
    ("P069", "/sub::$INDEX_ALLOCATION/a.txt"),
    ("P070", "/t.txt."),
    ("P070", "/sub./a.txt"),
    ("P071", "/x.txt."),
    ("P072", "/t.txt "),
    ("P072", "/sub /a.txt"),
    ("P073", "/UPPER~1.HTM"),
    ("P073", "/progra~1/a.txt"),
    ("P073", "/TE021F~12"),
    ("P074", "/NUL"),
    ("P074", "/nul"),
    ("P074", "/NUL .txt"),
    ("P075", "/sub/con.txt"),
    ("P075", "/CON"),
    ("P075", "/con/x"),
    ("P075", "/con.tar.gz"),
    ("P075", "/aux"),
    ("P075", "/prn.txt"),
    ("P075", "/COM1.js"),
    ("P075", "/com0"),
    ("P075", "/com\xb9"),
    ("P075", "/lpt\xb3.txt"),
    ("P075", "/LPT9"),
    ("P075", "/CONIN$"),
    ("P075", "/conout$.txt"),
    ("P077", "/\\\\host\\share/x"),
    ("P077", "//host/share/x"),
    ("P077", "//?/c/x"),
    ("P077", "//./nul"),
    ("P077", "/\\\\?\\c:\\x"),
    ("P077", "/a/\\\\.\\nul"),
]


@rows(*{row for row, _ in WINDOWS_REFUSED})
@pytest.mark.parametrize(("row", "path"), WINDOWS_REFUSED)
def test_windows_is_never_asked_for_a_drive_a_stream_a_device_or_a_short_name(
    row: str, path: str
) -> None:
    assert paths.Gate("", dotfiles=True, windows=True)(path) is None


DEVICES = ["con", "prn", "aux", "nul", "conin$", "conout$"]
DEVICES += [f"{port}{number}" for port in ("com", "lpt") for number in "0123456789¹²³"]


@rows("P074", "P075")
@pytest.mark.parametrize("device", DEVICES)
def test_windows_is_never_asked_for_a_device_by_any_of_its_names(device: str) -> None:
    gate = paths.Gate("", dotfiles=True, windows=True)
    names = [device, device.upper(), device.title()]
    forms = ["", ".", " ", ".txt", ".tar.gz", " .txt", "  ..", ":", "::$DATA", "/x", "./x", ".a/x"]
    for path in [
        f"/{above}{name}{form}" for above in ("", "sub/") for name in names for form in forms
    ]:
        assert gate(path) is None, path


LIKE_DEVICES = [
    "/console.txt",
    "/sub/null",
    "/com10",
    "/icon",
    "/com",
    "/xnul.txt",
    "/a.con",
    "/nul1",
]


@pytest.mark.parametrize(
    "path",
    [
        "/t.txt",
        "/a b.txt",
        "/a.b/c",
        "/vendors~main.js",
        "/~user/a",
        "/a~",
        "/a~1b.js",
        *LIKE_DEVICES,
    ],
)
def test_windows_is_asked_for_names_that_only_resemble_devices(path: str) -> None:
    assert paths.Gate("", dotfiles=True, windows=True)(path) == path[1:]


@needs_inotify
@rows("P023", "P024", "P027", "P030", "P031", "P044", "P077", "P082")
def test_no_hostile_path_opens_anything_outside_the_root(
    door: str, mode: str, root: Path, html: bool
) -> None:
    beside = [root.parent, root.parent / "outside", root.parent / "www-secret"]
    files: Any = StaticFiles(root, html=html, live=mode == "live")
    client = Client(files, door)
    for target in ("/t.txt", "/nope", "/sub/"):
        client.get(target)  # what Python imports late is imported now
    with Watch(*beside) as watch, audit() as audited:
        fresh = Client(StaticFiles(root, html=html, live=mode == "live"), door)
        for _, target in REFUSED:
            fresh.get(target)
            fresh.head(target)
        assert {path for path in watch.take() if path != root} == set()
    assert {path for path in audited if not inside(path, root)} == set()
    with Watch(*beside) as watch, audit() as audited:
        (beside[1] / "secret.txt").read_bytes()
        assert watch.take() == {beside[1] / "secret.txt"}
    assert audited == [str(beside[1] / "secret.txt")]


def inside(path: str, root: Path) -> bool:
    """Whether an opened path lies below the root, or says nothing of where it lies."""
    return not os.path.isabs(path) or Path(path).is_relative_to(root)
