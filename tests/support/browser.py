"""A headless Chromium, driven over the WebSocket of its DevTools protocol.

What a page asks for is kept as exchanges: the status that came over the network, if anything did,
and what the page got. Every wait has an end, and the browser is ended by its id.
"""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import websocket

from .servers import eventually

NAMES = ("chromium", "chromium-browser", "google-chrome")
STARTED_WITHIN = 30
DONE_WITHIN = 15
ALONE = (
    "--headless",
    "--no-sandbox",  # it can't be had as root nor in many a container, and the pages are ours
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1100,900",
    "--remote-debugging-port=0",
)


@dataclass
class Exchange:
    """One request of a page and its answer; `wire` is None where nothing came over the network."""

    url: str
    document: str = ""  # whose request it is, by the id of its loader
    wire: int | None = None
    status: int = 0
    type: str = ""
    cached: bool = False
    size: int = 0
    fields: dict[str, str] = field(default_factory=dict)
    done: bool = False
    more: bool = False  # the browser has said that it will tell what came over the network

    @property
    def path(self) -> str:
        return urlsplit(self.url).path

    def __getitem__(self, name: str) -> str:
        return self.fields.get(name, "")


class Browser:
    """The connection to a running browser; a profile is as new as a new installation."""

    def __init__(self, url: str) -> None:
        self._socket = websocket.create_connection(url, timeout=1, suppress_origin=True)
        self._count = 0
        self._pages: dict[str, Page] = {}

    def profile(self) -> str:
        made = self.call("Target.createBrowserContext")
        return str(made["browserContextId"])

    def forget(self, profile: str) -> None:
        """Close its tabs and its connections."""
        self.call("Target.disposeBrowserContext", browserContextId=profile)

    def page(self, profile: str) -> Page:
        """A new tab."""
        target = self.call("Target.createTarget", url="about:blank", browserContextId=profile)
        attached = self.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        page = self._pages[attached["sessionId"]] = Page(self, attached["sessionId"], profile)
        for domain in ("Page", "Network", "Runtime", "Log"):
            page.call(f"{domain}.enable")
        return page

    def call(self, method: str, session: str | None = None, **params: Any) -> dict[str, Any]:
        """Do one thing and wait for its result; what happens meanwhile goes to its page."""
        self._count += 1
        message = {"id": self._count, "method": method, "params": params}
        self._socket.send(json.dumps({**message, "sessionId": session} if session else message))
        limit = time.monotonic() + DONE_WITHIN
        while time.monotonic() < limit:
            answer = self.pump()
            if answer.get("id") == self._count:
                assert "error" not in answer, f"{method}: {answer['error']}"
                return dict(answer["result"])
        raise AssertionError(f"{method}: no result within {DONE_WITHIN} s")

    def pump(self) -> dict[str, Any]:
        """Take one message, or none within a second."""
        try:
            message: dict[str, Any] = json.loads(self._socket.recv())
        except websocket.WebSocketTimeoutException:
            return {}
        page = self._pages.get(message.get("sessionId", ""))
        if page and "method" in message:
            page.happened(message["method"], message["params"])
        return message

    def close(self) -> None:
        with suppress(AssertionError, OSError, websocket.WebSocketException):
            self.call("Browser.close")
        self._socket.close()


class Page:
    """A tab: what it asked for, and what went wrong in it."""

    def __init__(self, browser: Browser, session: str, profile: str) -> None:
        self._browser = browser
        self._session = session
        self._profile = profile
        self._current: dict[str, Exchange] = {}
        self._early: dict[str, dict[str, Any]] = {}
        self._loads = 0
        self.exchanges: list[Exchange] = []
        self.errors: list[str] = []

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        return self._browser.call(method, self._session, **params)

    def go(self, url: str) -> None:
        """Load a page as a link from elsewhere would, and wait until all that it wants is there."""
        self._loading(lambda: self.call("Page.navigate", url=url))

    def reload(self) -> None:
        self._loading(lambda: self.call("Page.reload"))

    def _loading(self, begin: Callable[[], object]) -> None:
        self._current.clear()
        self.exchanges.clear()
        self.errors.clear()
        loads = self._loads
        begin()
        self._wait(lambda: self._loads > loads, "the page's load")
        self.settle()

    def settle(self) -> None:
        """Wait until each request has its answer, whole."""
        self._wait(
            lambda: all(e.done and (e.wire or e.cached or not e.more) for e in self.exchanges),
            "all answers",
        )

    def answered(self) -> None:
        """Wait until each request has an answer, though perhaps not all of it."""
        self._wait(lambda: all(e.done or e.wire for e in self.exchanges), "an answer to each")

    def until(self, expression: str) -> None:
        """Wait until a JavaScript expression is true, and what the page wants by then is there."""
        self._wait(lambda: self.value(f"Boolean({expression})"), expression)
        self.settle()

    def value(self, expression: str) -> Any:
        """The value of a JavaScript expression; of a promise, what it promises."""
        got = self.call(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in got, got["exceptionDetails"]
        return got["result"].get("value")

    def download_to(self, folder: Path) -> None:
        """Have the browser keep what is downloaded, by whichever page of this profile."""
        told = {"behavior": "allow", "downloadPath": str(folder), "browserContextId": self._profile}
        self._browser.call("Browser.setDownloadBehavior", **told)

    def picture(self, file: Path) -> None:
        """Write a screenshot, as PNG."""
        data = self.call("Page.captureScreenshot", format="png")["data"]
        file.write_bytes(base64.b64decode(data))

    def asked(self, path: str) -> Exchange:
        """The last exchange about a path."""
        found = [exchange for exchange in self.exchanges if exchange.path == path]
        assert found, f"{path} is not among {[exchange.path for exchange in self.exchanges]}"
        return found[-1]

    def _wait(self, condition: Callable[[], object], what: str) -> None:
        limit = time.monotonic() + DONE_WITHIN
        while not condition():
            states = "\n".join(map(str, self.exchanges))
            assert time.monotonic() < limit, f"{what}: not within {DONE_WITHIN} s\n{states}"
            self._browser.pump()

    def happened(self, event: str, told: dict[str, Any]) -> None:
        if event == "Page.loadEventFired":
            self._loads += 1
        elif event == "Page.frameNavigated" and "parentId" not in told["frame"]:
            self._leaves(told["frame"]["loaderId"])
        elif event == "Runtime.exceptionThrown":
            self.errors.append(json.dumps(told["exceptionDetails"]))
        elif event == "Runtime.consoleAPICalled" and told["type"] in ("error", "warning"):
            self.errors.append(json.dumps(told["args"]))
        elif event == "Log.entryAdded" and told["entry"]["level"] in ("error", "warning"):
            self.errors.append(f"{told['entry']['text']} {told['entry'].get('url')}")
        elif event == "Network.requestWillBeSent":
            self._asks(told)
        elif event.startswith("Network.") and told.get("requestId") in self._current:
            self._answered(event, told, self._current[told["requestId"]])
        elif event == "Network.responseReceivedExtraInfo":
            # The network is a process of its own: what it tells may come before the page's word.
            self._early[told["requestId"]] = told

    def _asks(self, told: dict[str, Any]) -> None:
        if "redirectResponse" in told and told["requestId"] in self._current:
            redirected = self._current[told["requestId"]]
            redirected.status = told["redirectResponse"]["status"]
            redirected.wire, redirected.done = redirected.status, True
        exchange = Exchange(told["request"]["url"], told["loaderId"])
        self._current[told["requestId"]] = exchange
        if told["requestId"] in self._early:
            early = self._early.pop(told["requestId"])
            self._answered("Network.responseReceivedExtraInfo", early, exchange)
        if not exchange.url.startswith("data:"):
            self.exchanges.append(exchange)

    def _leaves(self, document: str) -> None:
        """A new document has come: what the last one still asks for (its icon) is told no more."""
        for exchange in self.exchanges:
            exchange.done |= exchange.document != document

    def _answered(self, event: str, told: dict[str, Any], exchange: Exchange) -> None:
        match event.removeprefix("Network."):
            case "responseReceived":
                response = told["response"]
                exchange.status = response["status"]
                exchange.type = response["mimeType"]
                exchange.cached |= response.get("fromDiskCache", False)
                exchange.more = told.get("hasExtraInfo", False)
                exchange.fields = lower(response["headers"]) | exchange.fields
            case "responseReceivedExtraInfo":
                exchange.wire = told["statusCode"]
                exchange.fields |= lower(told["headers"])
            case "requestServedFromCache":
                exchange.cached = True
            case "loadingFinished":
                exchange.size, exchange.done = int(told["encodedDataLength"]), True
            case "loadingFailed":
                exchange.done = True


def lower(fields: dict[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in fields.items()}


@contextmanager
def run_browser(folder: Path) -> Iterator[Browser]:
    """Run a browser whose profile and log are in the folder, until the block ends."""
    command = next(filter(None, map(shutil.which, NAMES)), None)
    if command is None:
        pytest.fail("no Chromium: on Debian, `apt-get install chromium`")
    profile, log = folder / "profile", folder / "chromium.txt"
    arguments = [command, *ALONE, f"--user-data-dir={profile}", "about:blank"]
    with log.open("wb") as words:
        process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=words, stderr=words)
    try:
        told = profile / "DevToolsActivePort"  # a port and a path, a line each
        eventually(lambda: process.poll() is not None or ready(told), STARTED_WITHIN, log.read_text)
        assert process.poll() is None, log.read_text()
        port, path = told.read_text().split()
        browser = Browser(f"ws://127.0.0.1:{port}{path}")
        try:
            yield browser
        finally:
            browser.close()
    finally:
        with suppress(subprocess.TimeoutExpired):
            process.wait(5)
        process.kill()
        process.wait(10)


def ready(told: Path) -> bool:
    return told.exists() and len(told.read_text().split()) == 2
