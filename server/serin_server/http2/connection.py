"""One HTTP/2 connection: frames in, their rules kept, requests to the application.

A broken rule that concerns one stream resets it; any other ends the connection with GOAWAY. What asks for work without
being part of a call (pings, resets, settings, empty frames) is paid out of `_patience`, which finished calls and time
refill: a flood of it ends the connection. While the peer does not read its answers, it is not read from either.

`state` says what may come next. `LEAVING`: GOAWAY is out with the last stream that will be answered, later ones are not
looked at, and their clients know that and send them elsewhere. `ENDED`: everything is said; input is thrown away until
the peer closes or `linger_seconds` have passed, because closing with unread input could destroy the last answers.
"""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, Any, cast

from serin_server.http2 import frames
from serin_server.http2.budget import Budget
from serin_server.http2.connection_state import ConnectionState
from serin_server.http2.control_frames import ControlFrames
from serin_server.http2.frames import BrokenRuleError, ErrorCode, StreamError
from serin_server.http2.header_blocks import HeaderBlocks, cut_padding
from serin_server.http2.headers import HeaderDecoder, MalformedHeadersError, check_trailers
from serin_server.http2.sending import Sender
from serin_server.http2.stream import Stream, StreamState

if TYPE_CHECKING:
    from serin_server.http2.listener import Listener


class Connection(asyncio.Protocol):
    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._application = listener.application
        self._limits = listener.limits
        self._now = listener.loop.time
        self._transport: asyncio.Transport = _NO_TRANSPORT
        self._blocks = HeaderBlocks(listener.limits.max_header_block_bytes)
        self._decoder = HeaderDecoder(listener.limits.max_header_block_bytes, self._interpret)
        self._budget = Budget(listener.limits.budget_bytes, self._grant)
        self._rest = b""
        self._unacknowledged_bytes = 0
        self._patience = listener.limits.patience
        self._seen_at = 0.0
        self._deadline = math.inf
        self._last_moves = self._paid_moves = 0
        self._peer_is_done = False
        self._says_goodbye_after_answer = False
        self.state = ConnectionState.PREFACE
        self.streams: dict[int, Stream] = {}
        self.last_stream_id = 0
        self.began_at = 0.0
        self.retire_at = math.inf

    def __repr__(self) -> str:
        return f"<Connection {self.state.value} streams={len(self.streams)}>"

    # -- asyncio.Protocol -----------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are, in all but their base class.
        self.sender = Sender(self._transport, self._forget)
        self._controls = ControlFrames(self, self.sender)
        self.began_at = self._seen_at = self._now()
        self._deadline = self.began_at + self._limits.preface_seconds
        limits = self._limits
        settings = {
            frames.MAX_CONCURRENT_STREAMS: limits.max_streams,
            frames.INITIAL_WINDOW_SIZE: limits.stream_window_bytes,
            frames.MAX_HEADER_LIST_SIZE: limits.max_header_list_bytes,
        }
        more = limits.connection_window_bytes - frames.DEFAULT_WINDOW_BYTES
        self._transport.write(frames.make_settings(settings) + frames.make_window_update(0, more))
        self._listener.add(self)

    def data_received(self, data: bytes) -> None:
        if not self.state.is_reading:
            return
        if self._rest:
            data = self._rest + data
        try:
            self._rest = data[self._read(data) :]
        except BrokenRuleError as error:
            self._end(error.code, str(error))

    def eof_received(self) -> bool:
        """True keeps the sending side open: the peer may still wait for answers."""
        self._peer_is_done = True
        self._give_up(StreamState.OPEN)
        if not self.streams:
            return False
        self.state = ConnectionState.ENDED
        return True

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio names it
        self.state = ConnectionState.CLOSED
        self._give_up()
        self._listener.discard(self)

    def pause_writing(self) -> None:
        self.sender.is_paused = True
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        self.sender.is_paused = False
        self.sender.go_on()
        if not self.sender.is_paused and not self._transport.is_closing():
            self._transport.resume_reading()

    # -- what the listener asks -----------------------------------------------------------------------------------

    def observe_time(self, now: float) -> None:
        limits = self._limits
        more = int((now - self._seen_at) * limits.patience_per_second)
        self._patience = min(limits.patience, self._patience + more)
        self._seen_at = now
        if now >= self._deadline:
            self._transport.abort()
            return
        self._watch_sending(now)
        for stream in list(self.streams.values()):
            if stream.state is StreamState.OPEN and now >= stream.began_at + limits.request_seconds:
                stream.began_at = math.inf
                stream.receiver.time_out()
        if now >= self.retire_at:
            self.retire_at = math.inf
            self.announce_leave()

    def announce_leave(self) -> None:
        """The client is to send its next calls over another connection; those it has sent are all answered.

        A connection that has brought nothing yet is told so with its first answer: its client could hardly do better
        than to come back at once.
        """
        if self.state.takes_requests and self.last_stream_id:
            self._transport.write(frames.make_goaway(frames.MAX_STREAM_ID, ErrorCode.NO_ERROR))
        else:
            self._says_goodbye_after_answer = True

    def leave(self) -> None:
        """Answer what has come, look at nothing else, and close."""
        if self.state.is_new:
            self._end(ErrorCode.NO_ERROR, "the server is shutting down")
        elif self.state is ConnectionState.OPEN:
            self.state = ConnectionState.LEAVING
            self._transport.write(frames.make_goaway(self.last_stream_id, ErrorCode.NO_ERROR))
            self._maybe_end()

    def abort(self) -> None:
        self._transport.abort()

    # -- reading --------------------------------------------------------------------------------------------------

    def _read(self, data: bytes) -> int:
        """How many bytes are done with."""
        position = 0
        if self.state is ConnectionState.PREFACE:
            position = self._read_preface(data)
            if not position:
                return 0
        end = len(data)
        while end - position >= frames.HEADER_BYTES:
            high, low, kind, flags, stream_id = frames.HEADER.unpack_from(data, position)
            size = high << 8 | low
            if size > frames.MAX_FRAME_BYTES:
                raise BrokenRuleError(ErrorCode.FRAME_SIZE_ERROR, f"a frame has {size} bytes")
            start = position + frames.HEADER_BYTES
            if start + size > end:
                break
            position = start + size
            try:
                self._take(kind, flags, stream_id & frames.MAX_STREAM_ID, data[start:position])
            except StreamError as error:
                self._reset(error)
            if not self.state.is_reading:
                return end
        return position

    def _read_preface(self, data: bytes) -> int:
        if not frames.PREFACE.startswith(data[: len(frames.PREFACE)]):
            raise BrokenRuleError(ErrorCode.PROTOCOL_ERROR, "expected HTTP/2 with prior knowledge, as gRPC speaks it")
        if len(data) < len(frames.PREFACE):
            return 0
        self.state = ConnectionState.GREETED
        return len(frames.PREFACE)

    def _take(self, kind: int, flags: int, stream_id: int, payload: bytes) -> None:
        open_stream = self._blocks.open_stream
        if open_stream and (kind != frames.CONTINUATION or stream_id != open_stream):
            raise BrokenRuleError(ErrorCode.PROTOCOL_ERROR, "expected CONTINUATION of the headers")
        if self.state is ConnectionState.GREETED:
            self._check_greeting(kind, flags)
        if kind == frames.DATA:
            self._take_data(flags, stream_id, payload)
        elif kind == frames.HEADERS:
            block = self._blocks.begin(flags, stream_id, payload)
            if block is not None:
                self._take_block(*block, stream_id)
        elif kind == frames.CONTINUATION:
            self._take_continuation(flags, stream_id, payload)
        else:
            self.pay()
            self._controls.take(kind, flags, stream_id, payload)

    def _check_greeting(self, kind: int, flags: int) -> None:
        if kind != frames.SETTINGS or flags & frames.ACK:
            raise BrokenRuleError(ErrorCode.PROTOCOL_ERROR, "expected SETTINGS first")
        self.state = ConnectionState.OPEN
        self._deadline = math.inf
        self._listener.greet(self)

    def pay(self) -> None:
        """For a frame that asks for work without being part of a call."""
        self._patience -= 1
        if self._patience < 0:
            # Clients open windows with every frame of a long answer.
            sent, self._paid_moves = self.sender.moves - self._paid_moves, self.sender.moves
            self._patience += min(sent, self._limits.patience) * self._limits.patience_per_call
        if self._patience < 0:
            raise BrokenRuleError(ErrorCode.ENHANCE_YOUR_CALM, "too many frames beside those of calls")

    def _take_data(self, flags: int, stream_id: int, payload: bytes) -> None:
        size = len(payload)
        self._unacknowledged_bytes += size
        if self._unacknowledged_bytes * 2 > self._limits.connection_window_bytes:
            self._transport.write(frames.make_window_update(0, self._unacknowledged_bytes))
            self._unacknowledged_bytes = 0
        stream = self.streams.get(stream_id)
        if stream is None or stream.state is not StreamState.OPEN:
            self.pay()
            if stream_id > self.last_stream_id and not self.state.takes_requests:
                return
            if not stream_id or stream_id > self.last_stream_id:
                raise BrokenRuleError(ErrorCode.PROTOCOL_ERROR, f"DATA on stream {stream_id}, which never began")
            raise StreamError(ErrorCode.STREAM_CLOSED, stream_id)
        stream.receive_window -= size
        if stream.receive_window < 0:
            raise StreamError(ErrorCode.FLOW_CONTROL_ERROR, stream_id)
        is_end = flags & frames.END_STREAM != 0
        if flags & frames.PADDED:
            self.pay()
            payload = cut_padding(payload)
            if not is_end:
                self._grant(stream, size - len(payload))
        if is_end:
            stream.state = StreamState.ASKED
        elif not payload:
            self.pay()
        stream.receiver.receive(payload, is_end=is_end)

    # -- headers --------------------------------------------------------------------------------------------------

    def _take_continuation(self, flags: int, stream_id: int, payload: bytes) -> None:
        if not self._blocks.open_stream:
            raise BrokenRuleError(ErrorCode.PROTOCOL_ERROR, "CONTINUATION of nothing")
        self.pay()
        block = self._blocks.go_on(flags, payload)
        if block is not None:
            self._take_block(*block, stream_id)

    def _take_block(self, flags: int, block: bytes, stream_id: int) -> None:
        is_end = flags & frames.END_STREAM != 0
        if stream_id <= self.last_stream_id:
            self._take_trailers(stream_id, block, is_end=is_end)
            return
        # Decoded in any case: the table of headers is the connection's.
        meaning = self._decoder.decode(block)
        if not self.state.takes_requests:
            return
        self.last_stream_id = stream_id
        if len(self.streams) >= self._limits.max_streams:
            self.pay()
            raise StreamError(ErrorCode.REFUSED_STREAM, stream_id)
        if meaning is None:
            self.pay()
            raise StreamError(ErrorCode.PROTOCOL_ERROR, stream_id)
        stream = Stream(stream_id, self.sender.first_window, self._limits.stream_window_bytes, self._now())
        self.streams[stream_id] = stream
        self._application.open(stream, self, meaning)
        if is_end and stream.state is StreamState.OPEN:
            stream.state = StreamState.ASKED
            stream.receiver.receive(b"", is_end=True)

    def _take_trailers(self, stream_id: int, block: bytes, *, is_end: bool) -> None:
        headers = self._decoder.decode_list(block)
        stream = self.streams.get(stream_id)
        if stream is None or stream.state is not StreamState.OPEN:
            raise BrokenRuleError(ErrorCode.STREAM_CLOSED, f"HEADERS on stream {stream_id} after its end")
        try:
            check_trailers(headers)
        except MalformedHeadersError as error:
            raise StreamError(ErrorCode.PROTOCOL_ERROR, stream_id) from error
        if not is_end:
            raise StreamError(ErrorCode.PROTOCOL_ERROR, stream_id)
        stream.state = StreamState.ASKED
        stream.receiver.receive(b"", is_end=True)

    def _interpret(self, headers: list[tuple[bytes, bytes]]) -> Any:
        try:
            return self._application.interpret(headers)
        except MalformedHeadersError:
            return None

    # -- streams --------------------------------------------------------------------------------------------------

    def want(self, stream: Stream, more_bytes: int) -> None:
        """The peer is to send so many bytes more than its window lets it."""
        self._budget.ask(stream, more_bytes)

    def give_window(self, stream: Stream, more_bytes: int) -> None:
        """Of a stream of small messages, as they are done with."""
        if stream.state is StreamState.OPEN:
            self._grant(stream, more_bytes)

    def _grant(self, stream: Stream, more_bytes: int) -> None:
        stream.receive_window += more_bytes
        stream.began_at = self._now()
        self._transport.write(frames.make_window_update(stream.id, more_bytes))

    def _reset(self, error: StreamError) -> None:
        stream = self.streams.get(error.stream_id)
        if stream is None:
            self._transport.write(frames.make_reset(error.stream_id, error.code))
            return
        self.sender.reset(stream, error.code)
        stream.receiver.give_up()

    def _forget(self, stream: Stream, *, is_answered: bool) -> None:
        self.streams.pop(stream.id, None)
        if stream.granted:
            self._budget.give_back(stream)
        if is_answered and self._patience < self._limits.patience:
            self._patience += self._limits.patience_per_call
        if self._says_goodbye_after_answer:
            self._says_goodbye_after_answer = False
            self.announce_leave()
        if not self.streams and not self.state.takes_requests:
            self._maybe_end()

    def _give_up(self, only: StreamState | None = None) -> None:
        for stream in list(self.streams.values()):
            if only is None or stream.state is only:
                self.sender.drop(stream)
                stream.receiver.give_up()

    # -- the end --------------------------------------------------------------------------------------------------

    def peer_leaves(self) -> None:
        """It has said GOAWAY: it will ask nothing more."""
        if self.state.takes_requests:
            self.state = ConnectionState.LEAVING
            self._maybe_end()

    def _maybe_end(self) -> None:
        if not self.streams and self.state in (ConnectionState.LEAVING, ConnectionState.ENDED):
            self._shut()

    def _end(self, code: ErrorCode, text: str) -> None:
        self._transport.write(frames.make_goaway(self.last_stream_id, code, text))
        self.state = ConnectionState.ENDED
        self._give_up()
        self._shut()

    def _shut(self) -> None:
        self.state = ConnectionState.ENDED
        self._rest = b""
        if self._peer_is_done:
            self._transport.close()
        elif not self._transport.is_closing():
            self._deadline = self._now() + self._limits.linger_seconds
            self._transport.write_eof()

    def _watch_sending(self, now: float) -> None:
        """A peer that reads nothing, or gives no window for its answers, for too long is cut off."""
        sender = self.sender
        if not (sender.is_paused or sender.has_backlog):
            if not self.state.is_new and self.state is not ConnectionState.ENDED:
                self._deadline = math.inf
        elif sender.moves != self._last_moves or self._deadline == math.inf:
            self._last_moves = sender.moves
            self._deadline = now + self._limits.write_seconds


_NO_TRANSPORT = asyncio.Transport()
