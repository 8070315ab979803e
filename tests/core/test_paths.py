"""The gate on Windows. What it lets through elsewhere is group P of `tests/cases`."""

from __future__ import annotations

import pytest

from dualstatic.core import paths
from tests.support.each import each

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
    *[("P077", f"/a{wildcard}") for wildcard in '*?"<>'],
    ("P077", "/\\\\host\\share/x"),
    ("P077", "//host/share/x"),
    ("P077", "//?/c/x"),
    ("P077", "//./nul"),
    ("P077", "/\\\\?\\c:\\x"),
    ("P077", "/a/\\\\.\\nul"),
]


@pytest.mark.rows(*{row for row, _ in WINDOWS_REFUSED})
@each(("row", "path"), WINDOWS_REFUSED)
def test_windows_is_never_asked_for_a_drive_a_stream_a_device_or_a_short_name(
    row: str, path: str
) -> None:
    assert paths.Gate("", dotfiles=True, windows=True)(path) is None


DEVICES = ["con", "prn", "aux", "nul", "conin$", "conout$"]
DEVICES += [f"{port}{number}" for port in ("com", "lpt") for number in "0123456789¹²³"]


@pytest.mark.rows("P074", "P075")
@each("device", DEVICES)
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


@each(
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
