"""A shared cache in front that keeps what both the app and the files answer: a real Varnish.

It is Debian's, listens on the loopback, and keeps each answer by its Vary for a minute.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator

import pytest

from tests.support.servers import Server, free_port, program, serve
from tests.support.steps import public_directory
from tests.support.trees import write_tree

pytestmark = pytest.mark.varnish

NAVIGATION = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Accept": "text/html"}
SCRIPT = {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty", "Accept": "*/*"}
OLD_NAVIGATION = {"Accept": "text/html"}
OLD_SCRIPT = {"Accept": "application/json"}
PAGE, MISS = (200, b"home"), (404, b"no such page")
PAIRS = [
    ((NAVIGATION, PAGE), (SCRIPT, MISS)),
    ((OLD_NAVIGATION, PAGE), (OLD_SCRIPT, MISS)),
    ((NAVIGATION, PAGE), (OLD_SCRIPT, MISS)),
]
CONFIGURATION = """
vcl 4.1;
backend app {{ .host = "127.0.0.1"; .port = "{port}"; }}
sub vcl_backend_response {{
    set beresp.ttl = 60s;
    set beresp.uncacheable = false;
    return (deliver);
}}
sub vcl_deliver {{ set resp.http.X-Hits = obj.hits; }}
"""
APP = """
import sys
from dualstatic import StaticFiles
from dualstatic.{door} import StaticMiddleware
from tests.support.matrix.{door}_apps import bare

files = StaticFiles(sys.argv[1], not_found="single-page-application")
app = StaticMiddleware(getattr(bare, "app", bare), files=files)
print(f"http://127.0.0.1:{{sys.argv[2]}}/", flush=True)
"""
RUN = {
    "asgi": """
import uvicorn
uvicorn.run(app, port=int(sys.argv[2]), log_level="warning")
""",
    "wsgi": """
import waitress
waitress.serve(app, host="127.0.0.1", port=int(sys.argv[2]))
""",
}


@pytest.fixture(params=RUN)
def varnish(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    assert shutil.which("varnishd"), "Varnish is missing; on Debian: apt-get install varnish"
    logs = [tmp_path_factory.mktemp("logs") for _ in range(2)]
    source = APP.format(door=request.param) + RUN[request.param]
    with public_directory() as base:
        root = write_tree(base / "www", {"index.html": "home"})
        with serve("-c", source, root, str(free_port()), logs=logs[0]) as app:
            configuration = base / "default.vcl"
            configuration.write_text(CONFIGURATION.format(port=app.address[1]))
            port = free_port()
            at = f"127.0.0.1:{port}"
            command = ("varnishd", "-F", "-n", base / "varnish", "-f", configuration, "-a", at)
            with serve(*program(port, *command), logs=logs[1]) as server:
                yield server


@pytest.mark.parametrize("turn", [tuple, lambda pair: tuple(reversed(pair))], ids=["page", "miss"])
@pytest.mark.parametrize("target", ["/route", "/wiki/node"])
def test_who_comes_second_gets_what_is_theirs(
    varnish: Server, target: str, turn: Callable[..., tuple[tuple[dict[str, str], object], ...]]
) -> None:
    for number, pair in enumerate(PAIRS):
        for _ in range(2):
            for fields, expected in turn(pair):
                answer = varnish.get(f"{target}-{number}", fields)
                assert (answer.status, answer.body) == expected
        # Both are kept, or nothing has been tried.
        for fields, _ in pair:
            assert int(varnish.get(f"{target}-{number}", fields)["x-hits"]) > 0
