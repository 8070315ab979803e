"""A client of HTTP/2 on a clear connection, which may also stall, reset its streams, or leave."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field

import h2.config
import h2.connection
import h2.events
import h2.settings

WINDOW = 2**31 - 1


@dataclass
class Stream:
    """What has come of one answer."""

    fields: dict[str, str] = field(default_factory=dict)
    body: bytearray = field(default_factory=bytearray)
    ended: bool = False

    @property
    def status(self) -> int:
        return int(self.fields[":status"])


class Http2:
    """A connection; with `window`, so many bytes of an answer are taken and no more."""

    def __init__(self, address: tuple[str, int], *, window: int = WINDOW) -> None:
        self.link = socket.create_connection(address, timeout=30)
        # Or what is sent in two goes waits for the server to say that it has the first.
        self.link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        config = h2.config.H2Configuration(client_side=True, header_encoding="latin-1")
        self.state = h2.connection.H2Connection(config)
        self.reads_on = window == WINDOW
        code = h2.settings.SettingCodes.INITIAL_WINDOW_SIZE
        self.state.local_settings = h2.settings.Settings(client=True, initial_values={code: window})
        self.state.initiate_connection()
        if self.reads_on:
            self.state.increment_flow_control_window(WINDOW - 65_535)
        self.streams: dict[int, Stream] = {}
        self.flush()

    def begin(
        self, target: str, lines: Iterable[tuple[str, str]] = (), method: str = "GET"
    ) -> Stream:
        number = self.state.get_next_available_stream_id()
        scheme = [(":scheme", "http"), (":authority", "test")]
        head = [(":method", method), (":path", target), *scheme, *lines]
        self.state.send_headers(number, head, end_stream=True)
        stream = self.streams[number] = Stream()
        self.flush()
        return stream

    def get(
        self, target: str, lines: Iterable[tuple[str, str]] = (), method: str = "GET"
    ) -> Stream:
        stream = self.begin(target, lines, method)
        self.read_until([stream])
        return stream

    def read_until(self, streams: list[Stream]) -> None:
        """Read until these have ended."""
        while not all(stream.ended for stream in streams):
            self.read()

    def read(self) -> None:
        data = self.link.recv(2**16)
        assert data, "the server has closed the connection"
        for event in self.state.receive_data(data):
            self.take(event)
        self.flush()

    def take(self, event: h2.events.Event) -> None:
        if isinstance(event, h2.events.ResponseReceived):
            self.streams[event.stream_id].fields = dict(event.headers)
        elif isinstance(event, h2.events.DataReceived):
            self.streams[event.stream_id].body += event.data
            if self.reads_on and event.flow_controlled_length:
                self.state.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.StreamEnded):
            self.streams[event.stream_id].ended = True
        elif isinstance(event, h2.events.StreamReset):
            raise ConnectionError(f"stream {event.stream_id} was reset: {event.error_code}")

    def widen(self) -> None:
        """Take whole answers from now on."""
        code = h2.settings.SettingCodes.INITIAL_WINDOW_SIZE
        self.state.update_settings({code: 2**20})
        self.state.increment_flow_control_window(2**30)
        self.flush()

    def reset(self) -> None:
        """Leave all streams, and stay on the connection."""
        for number, stream in self.streams.items():
            if not stream.ended:
                self.state.reset_stream(number)
        self.flush()

    def flush(self) -> None:
        self.link.sendall(self.state.data_to_send())

    def close(self) -> None:
        with suppress(OSError):
            self.link.close()
