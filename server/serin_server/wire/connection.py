"""One HTTP/1.1 connection: bytes in, requests to the application, answers out in the order of the requests.

Reading and answering go on independently, because a client may send its next requests before the first is answered
(pipelining). `state` is about reading; `_exchanges` holds what has been read and not yet answered, the first of them
being worked on. After `ENDED` nothing more is read: the last answers are written, the sending side is shut and input
is thrown away until the peer closes or `linger_seconds` have passed.

Time comes from the listener, which calls `observe_time` about once a second: a timer per request would cost more
than parsing it.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from time import perf_counter
from typing import TYPE_CHECKING, cast

import httptools

from serin_server.wire.application import PendingResponse
from serin_server.wire.connection_state import ConnectionState
from serin_server.wire.request import Request, make_path
from serin_server.wire.response import CONTINUE, Response, make_error, render_response

if TYPE_CHECKING:
    from serin_server.wire.listener import Listener

CLIENT_WENT_AWAY = 499
"""Not an HTTP status that is ever sent: what the request is counted as when nobody is left to answer."""

_MAX_WAITING_EXCHANGES = 2
"""Reading pauses here. Each may hold a whole body, and not reading at all would hide that the client went away."""


class RefusalError(Exception):
    """Raised inside a parser callback to stop the parser at a request that will not be read to its end."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Connection(asyncio.Protocol):
    def __init__(self, listener: Listener) -> None:
        # For the life of the process.
        self._listener = listener
        self._application = listener.application
        self._limits = listener.limits
        self._known_heads = listener.known_heads
        self._now = listener.loop.time

        # For the life of the connection.
        self._transport: asyncio.Transport = _NO_TRANSPORT
        self._parser = httptools.HttpRequestParser(self)
        self._exchanges: deque[tuple[Request, Response | None]] = deque()
        self._pending: PendingResponse | None = None
        self._deadline = math.inf
        self._peer_is_done = False
        self._write_is_paused = False
        self._read_is_paused = False
        self._is_fresh = True
        self.state = ConnectionState.IDLE

        # For one request.
        self._request = Request()
        self._headers: dict[bytes, bytes] = {}
        self._target = b""
        self._body: list[bytes] = []
        self._head_bytes = 0
        self._body_bytes = 0
        self._unexplained_bytes = 0
        self._wants_continue = False

    def __repr__(self) -> str:
        return f"<Connection {self.state.value} unanswered={len(self._exchanges)}>"

    @property
    def is_idle(self) -> bool:
        return self.state is ConnectionState.IDLE and not self._exchanges

    # -- asyncio.Protocol -----------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are, in all but their base class.
        self._deadline = self._now() + self._limits.idle_seconds
        self._listener.add(self)

    def data_received(self, data: bytes) -> None:
        state = self.state
        if not state.is_reading:
            return
        if state is ConnectionState.IDLE:
            request = self._known_heads.find(data)
            if request is not None:
                self._is_fresh = False
                self._receive(request)
                self._advance()
                return
        self._parse(data)
        if state is ConnectionState.IDLE and self.state is ConnectionState.IDLE and len(self._exchanges) == 1:
            self._known_heads.remember(data, self._exchanges[0][0])
        self._advance()

    def _parse(self, data: bytes) -> None:
        self._unexplained_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            pass  # Answering over HTTP/1.1 declines the offer; `on_message_complete` has ended the reading.
        except httptools.HttpParserError as error:
            self._stop_at(error)
        else:
            if self._unexplained_bytes > self._limits.max_head_bytes and self.state.is_inside_request:
                self._refuse(RefusalError(431, f"a line is longer than {self._limits.max_head_bytes} bytes"))

    def eof_received(self) -> bool:
        """True keeps the sending side open: a peer may shut its own side and still wait for its answer."""
        self._peer_is_done = True
        if not self._exchanges:
            return False
        self._abandon_unfinished_request()
        self.state = ConnectionState.ENDED
        return True

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio names it
        self._abandon_unfinished_request()
        self.state = ConnectionState.CLOSED
        for request, _ in self._exchanges:
            self._record(request, CLIENT_WENT_AWAY, None)
        self._exchanges.clear()
        if self._pending is not None:
            self._pending.abandon()
        self._listener.discard(self)

    def pause_writing(self) -> None:
        self._write_is_paused = True
        self._deadline = self._now() + self._limits.write_seconds

    def resume_writing(self) -> None:
        self._write_is_paused = False
        self._deadline = math.inf
        self._advance()

    # -- what the listener asks -----------------------------------------------------------------------------------

    def observe_time(self, now: float) -> None:
        if now < self._deadline:
            return
        if self._write_is_paused or not self.state.is_reading:
            self._transport.abort()
        elif self.state.is_inside_request:
            seconds = self._seconds_for_this_part()
            self._refuse(
                RefusalError(408, f"the request's {self.state.value} did not arrive within {seconds:g} seconds")
            )
            self._advance()
        else:
            self._transport.close()

    def close_when_answered(self) -> None:
        """No further request is welcome.

        One that has begun is still answered, and a peer that has just connected gets a moment to send its first: it
        has no earlier answer from which to learn that this server leaves.
        """
        if not self.is_idle:
            return
        if self._is_fresh:
            self._deadline = min(self._deadline, self._now() + self._limits.linger_seconds)
        else:
            self._transport.close()

    def abort(self) -> None:
        self._transport.abort()

    # -- parser callbacks -----------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        self._is_fresh = False
        self._headers = {}
        self._request = Request(headers=self._headers)
        self._target = b""
        self._body = []
        self._head_bytes = 0
        self._body_bytes = 0
        self._wants_continue = False
        self.state = ConnectionState.HEAD
        self._deadline = self._now() + self._limits.head_seconds

    def on_url(self, url: bytes) -> None:
        self._target += url
        self._count_head_bytes(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count_head_bytes(len(name) + len(value))
        if self.state is ConnectionState.HEAD:  # Otherwise it is a trailer, which means nothing here.
            self._headers[name.lower()] = value

    def on_headers_complete(self) -> None:
        request = self._request
        request.method = self._parser.get_method()
        request.path = make_path(self._target)
        self.state = ConnectionState.BODY
        self._deadline = self._now() + self._limits.body_seconds
        length = int(request.headers.get(b"content-length", b"0"))
        if length > self._limits.max_body_bytes:
            raise self._body_too_large(f"has {length} bytes")
        if length and self._parser.should_upgrade():
            raise RefusalError(
                400, "a request with a body cannot ask for another protocol: leave out the Upgrade header"
            )
        expect = request.headers.get(b"expect")
        if expect is not None:
            if expect.lower() != b"100-continue":
                raise RefusalError(417, f"expected Expect: 100-continue, got {expect.decode('latin-1')!r}")
            self._wants_continue = True
            self._maybe_send_continue()

    def on_body(self, body: bytes) -> None:
        self._unexplained_bytes = 0
        self._wants_continue = False
        self._body_bytes += len(body)
        if self._body_bytes > self._limits.max_body_bytes:
            raise self._body_too_large("is longer")
        self._body.append(body)

    def on_chunk_header(self) -> None:
        self._unexplained_bytes = 0

    def on_message_complete(self) -> None:
        self._unexplained_bytes = 0
        request = self._request
        request.body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        self._body = []
        keep_alive = self._parser.should_keep_alive() and not self._parser.should_upgrade()
        self.state = ConnectionState.IDLE if keep_alive else ConnectionState.ENDED
        self._receive(request)

    # -- reading --------------------------------------------------------------------------------------------------

    def _receive(self, request: Request) -> None:
        request.received_at = perf_counter()
        self._deadline = math.inf
        self._exchanges.append((request, None))

    def _count_head_bytes(self, size: int) -> None:
        self._unexplained_bytes = 0
        self._head_bytes += size
        if self._head_bytes > self._limits.max_head_bytes:
            raise RefusalError(431, f"the head of the request is longer than {self._limits.max_head_bytes} bytes")

    def _body_too_large(self, got: str) -> RefusalError:
        return RefusalError(413, f"the body may have {self._limits.max_body_bytes} bytes; this one {got}")

    def _stop_at(self, error: httptools.HttpParserError) -> None:
        if not self.state.is_reading:
            return  # Bytes after a request that said Connection: close.
        cause = error.__context__
        self._refuse(
            cause if isinstance(cause, RefusalError) else RefusalError(400, f"not a valid HTTP/1.1 request: {error}")
        )

    def _refuse(self, refusal: RefusalError) -> None:
        """Answer, in its turn, a request that was not read to its end; nothing can be read after it."""
        request = self._request
        request.method = request.method or self._parser.get_method()
        request.path = request.path or make_path(self._target)
        request.received_at = perf_counter()
        self._body = []
        self._deadline = math.inf
        self.state = ConnectionState.ENDED
        self._exchanges.append((request, make_error(refusal.status, str(refusal))))

    def _abandon_unfinished_request(self) -> None:
        if self.state is ConnectionState.BODY:
            self._request.received_at = perf_counter()
            self._record(self._request, CLIENT_WENT_AWAY, None)

    # -- answering ------------------------------------------------------------------------------------------------

    def _advance(self) -> None:
        """Work on the exchanges in their order until one needs time or the peer does not read."""
        while self._exchanges and self._pending is None and not self._write_is_paused:
            request, refusal = self._exchanges[0]
            answer = refusal if refusal is not None else self._application.handle(request)
            if isinstance(answer, Response):
                self._answer(answer)
            else:
                self._pending = answer
                answer.when_settled(self._on_answer)
        self._settle()

    def _on_answer(self, response: Response) -> None:
        self._pending = None
        if self.state is not ConnectionState.CLOSED:
            self._answer(response)
            if self._exchanges:
                self._advance()
            else:
                self._settle()

    def _answer(self, response: Response) -> None:
        request, _ = self._exchanges.popleft()
        ends_here = self.state is ConnectionState.ENDED or (
            self._listener.is_leaving and not self.state.is_inside_request
        )
        is_last = ends_here and not self._exchanges
        if is_last:
            self.state = ConnectionState.ENDED
        head_only = request.method == b"HEAD"
        self._transport.write(render_response(response, keep_alive=not is_last, head_only=head_only))
        self._application.record(request, response.status, perf_counter() - request.received_at, response)

    def _settle(self) -> None:
        """After reading or answering: what may the peer do next, and until when?"""
        waiting = len(self._exchanges)
        if (waiting >= _MAX_WAITING_EXCHANGES) is not self._read_is_paused:
            self._set_reading(is_paused=not self._read_is_paused)
        if waiting or self._write_is_paused:
            return
        if self.state is ConnectionState.ENDED:
            self._say_goodbye()
        elif self.state is ConnectionState.IDLE:
            self._deadline = self._now() + self._limits.idle_seconds
        else:
            if self._deadline == math.inf:
                self._deadline = self._now() + self._seconds_for_this_part()
            self._maybe_send_continue()

    def _seconds_for_this_part(self) -> float:
        return self._limits.head_seconds if self.state is ConnectionState.HEAD else self._limits.body_seconds

    def _say_goodbye(self) -> None:
        if self._peer_is_done:
            self._transport.close()
        elif not self._transport.is_closing():
            self._deadline = self._now() + self._limits.linger_seconds
            self._transport.write_eof()

    def _maybe_send_continue(self) -> None:
        """Not before the earlier answers: the client would take it for one of them."""
        if self._wants_continue and not self._exchanges:
            self._wants_continue = False
            self._transport.write(CONTINUE)

    def _set_reading(self, *, is_paused: bool) -> None:
        if self._transport.is_closing():
            return
        self._read_is_paused = is_paused
        if is_paused:
            self._transport.pause_reading()
            self._deadline = math.inf  # The peer cannot be late while nobody listens; `_settle` sets it anew.
        else:
            self._transport.resume_reading()

    def _record(self, request: Request, status: int, response: Response | None) -> None:
        self._application.record(request, status, perf_counter() - request.received_at, response)


_NO_TRANSPORT = asyncio.Transport()
