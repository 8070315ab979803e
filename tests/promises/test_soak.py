"""The soak test for a few seconds, and what its clients take for wrong."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.soak.__main__ import main
from tests.soak.load import Client
from tests.soak.site import Deploy, content
from tests.support.doors import Answer


def test_a_soak_of_seconds_finds_nothing_wrong(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["tests.soak", "--seconds", "4", "--servers", "uvicorn", "gunicorn"]
    monkeypatch.setattr(sys, "argv", words)
    monkeypatch.setenv("REFRESH", "0")  # which it sets
    with pytest.raises(SystemExit) as ended:
        main()
    said = capsys.readouterr().out
    assert ended.value.code == 0, said
    rows = {line[:20].strip(): line.split() for line in said.splitlines()[1:]}
    for row in ("asked", "200", "206", "304", "HEAD", "404", "412", "left by the client"):
        assert all(int(number) > 0 for number in rows[row][-2:]), row
    for row in ("dropped", "5xx", "wrong", "left open"):
        assert rows[row][-2:] == ["0", "0"]


PAGE = content("page-1.html", 7)
ETAG = ("ETag", '"7"')
RANGE = ("Content-Range", "bytes 0-99/2007")


@pytest.mark.parametrize(
    ("answer", "wrong"),
    [
        (Answer(200, [ETAG], PAGE), ""),
        (Answer(200, [ETAG], PAGE[:-1]), "not version 7"),
        (Answer(200, [ETAG], PAGE[:-1] + b"x"), "not version 7"),
        (Answer(200, [ETAG], content("page-2.html", 7)), "not its content"),
        (Answer(200, [ETAG], content("page-1.html", 6)), "is page-1.html 6 and"),
        (Answer(200, [("ETag", '"5"')], content("page-1.html", 5)), "version 5 after 6"),
        (Answer(206, [ETAG, RANGE], PAGE[:100]), ""),
        (Answer(206, [ETAG, RANGE], PAGE[:50] + PAGE[:50]), "not version 7"),
        (Answer(206, [ETAG, ("Content-Range", "bytes 5-9/2007")], PAGE[6:11]), "not version 7"),
        (Answer(304, [ETAG], b""), ""),
        (Answer(304, [("ETag", '"6"')], b""), '304 with "6"'),
        (Answer(404, [], b""), ""),
        (Answer(500, [], b""), "status 500"),
        (Answer(302, [], b""), "status 302"),
    ],
)
def test_a_client_knows_what_is_wrong(answer: Answer, wrong: str, tmp_path: Path) -> None:
    deploy = Deploy(tmp_path, seed=1)
    deploy.floors["page-1.html"] = 6
    tags = {'"7"': ("page-1.html", 7), '"6"': ("page-1.html", 6)}
    client = Client(("127.0.0.1", 0), "live", deploy, tags, seed=1)
    floor = client.floor("page-1.html")
    client.check("GET", "page-1.html", answer, floor, {"If-None-Match": '"7"'})
    assert [wrong in what for what in client.tally.wrong] == [True] * bool(wrong)
