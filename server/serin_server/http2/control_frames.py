"""Frames that are no request: settings, windows, pings, resets, farewells."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from serin_server.http2 import frames
from serin_server.http2.frames import BrokenRuleError, ErrorCode, StreamError
from serin_server.http2.sending import Sender

if TYPE_CHECKING:
    from serin_server.http2.connection import Connection

_LARGEST_FRAME_BYTES = 2**24 - 1


class ControlFrames:
    def __init__(self, connection: Connection, sender: Sender) -> None:
        self._connection = connection
        self._sender = sender
        self._takers: dict[int, Callable[[int, int, bytes], None]] = {
            frames.PRIORITY: self._take_priority,
            frames.RST_STREAM: self._take_reset,
            frames.SETTINGS: self._take_settings,
            frames.PUSH_PROMISE: self._take_promise,
            frames.PING: self._take_ping,
            frames.GOAWAY: self._take_goaway,
            frames.WINDOW_UPDATE: self._take_window,
        }

    def take(self, kind: int, flags: int, stream_id: int, payload: bytes) -> None:
        taker = self._takers.get(kind)
        if taker is not None:  # Frames of unknown types are ignored, says the standard.
            taker(flags, stream_id, payload)

    def _take_priority(self, _: int, stream_id: int, payload: bytes) -> None:
        if not stream_id:
            raise BrokenRuleError(ErrorCode.PROTOCOL_ERROR, "PRIORITY on stream 0")
        if len(payload) != 5:
            raise StreamError(ErrorCode.FRAME_SIZE_ERROR, stream_id)
        if int.from_bytes(payload[:4], "big") & frames.MAX_STREAM_ID == stream_id:
            raise StreamError(ErrorCode.PROTOCOL_ERROR, stream_id)

    def _take_reset(self, _: int, stream_id: int, payload: bytes) -> None:
        _check_size("RST_STREAM", payload, 4)
        self._check_not_idle("RST_STREAM", stream_id)
        stream = self._connection.streams.get(stream_id)
        if stream is not None:
            self._sender.drop(stream)
            stream.receiver.give_up()

    def _take_settings(self, flags: int, stream_id: int, payload: bytes) -> None:
        if stream_id:
            raise BrokenRuleError(ErrorCode.PROTOCOL_ERROR, f"SETTINGS on stream {stream_id}")
        if len(payload) % frames.SETTING.size or (flags & frames.ACK and payload):
            raise BrokenRuleError(ErrorCode.FRAME_SIZE_ERROR, f"SETTINGS of {len(payload)} bytes")
        if flags & frames.ACK:
            return
        for identifier, value in frames.SETTING.iter_unpack(payload):
            self._apply(identifier, value)
        self._sender.write(frames.SETTINGS_ACK)
        self._sender.go_on()

    def _apply(self, identifier: int, value: int) -> None:
        if identifier == frames.ENABLE_PUSH and value > 1:
            raise BrokenRuleError(ErrorCode.PROTOCOL_ERROR, f"SETTINGS_ENABLE_PUSH is {value}")
        if identifier == frames.MAX_FRAME_SIZE:
            if not frames.MAX_FRAME_BYTES <= value <= _LARGEST_FRAME_BYTES:
                raise BrokenRuleError(ErrorCode.PROTOCOL_ERROR, f"SETTINGS_MAX_FRAME_SIZE is {value}")
            # Shorter frames than allowed: streams take turns, and nothing large is written at once.
            self._sender.max_frame_bytes = min(value, 4 * frames.MAX_FRAME_BYTES)
        if identifier == frames.INITIAL_WINDOW_SIZE:
            if value > frames.MAX_WINDOW_BYTES:
                raise BrokenRuleError(ErrorCode.FLOW_CONTROL_ERROR, f"SETTINGS_INITIAL_WINDOW_SIZE is {value}")
            more, self._sender.first_window = value - self._sender.first_window, value
            for stream in self._connection.streams.values():
                stream.send_window += more
                if stream.send_window > frames.MAX_WINDOW_BYTES:
                    raise BrokenRuleError(ErrorCode.FLOW_CONTROL_ERROR, f"the window of stream {stream.id}")

    def _take_promise(self, _: int, stream_id: int, __: bytes) -> None:
        raise BrokenRuleError(ErrorCode.PROTOCOL_ERROR, f"PUSH_PROMISE of a client, on stream {stream_id}")

    def _take_ping(self, flags: int, stream_id: int, payload: bytes) -> None:
        if stream_id:
            raise BrokenRuleError(ErrorCode.PROTOCOL_ERROR, f"PING on stream {stream_id}")
        _check_size("PING", payload, 8)
        if not flags & frames.ACK:
            self._sender.write(frames.make_frame(frames.PING, frames.ACK, 0, payload))

    def _take_goaway(self, _: int, stream_id: int, payload: bytes) -> None:
        if stream_id:
            raise BrokenRuleError(ErrorCode.PROTOCOL_ERROR, f"GOAWAY on stream {stream_id}")
        if len(payload) < 8:
            raise BrokenRuleError(ErrorCode.FRAME_SIZE_ERROR, f"GOAWAY of {len(payload)} bytes")
        self._connection.peer_leaves()

    def _take_window(self, _: int, stream_id: int, payload: bytes) -> None:
        _check_size("WINDOW_UPDATE", payload, 4)
        more_bytes = int.from_bytes(payload, "big") & frames.MAX_WINDOW_BYTES
        if not stream_id:
            if not more_bytes:
                raise BrokenRuleError(ErrorCode.PROTOCOL_ERROR, "WINDOW_UPDATE of 0 bytes")
            self._sender.widen(more_bytes)
            return
        self._check_not_idle("WINDOW_UPDATE", stream_id)
        if not more_bytes:
            raise StreamError(ErrorCode.PROTOCOL_ERROR, stream_id)
        stream = self._connection.streams.get(stream_id)
        if stream is not None:
            self._sender.widen_stream(stream, more_bytes)

    def _check_not_idle(self, name: str, stream_id: int) -> None:
        connection = self._connection
        is_ahead = stream_id > connection.last_stream_id and connection.state.takes_requests
        if not stream_id or not stream_id & 1 or is_ahead:
            raise BrokenRuleError(ErrorCode.PROTOCOL_ERROR, f"{name} on stream {stream_id}, which never began")


def _check_size(name: str, payload: bytes, size: int) -> None:
    if len(payload) != size:
        raise BrokenRuleError(ErrorCode.FRAME_SIZE_ERROR, f"{name} of {len(payload)} bytes")
