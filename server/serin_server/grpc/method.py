"""What can be called, and what the headers of a call say."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from serin_server.access import BearerToken
from serin_server.grpc.status import CallError, Status
from serin_server.http2.headers import Headers, check_headers, measure
from serin_server.wire.application import PendingResponse
from serin_server.wire.response import Response

Answer = bytes | Response | PendingResponse
"""A message, or what comes of a run of the model, which does not know who asked for it."""

IDENTITY: Final = b"identity"
CODINGS: Final = (IDENTITY, b"deflate", b"gzip")

_TIMEOUT: Final = re.compile(rb"([0-9]{1,8})([HMSmun])")
_UNIT_SECONDS: Final = {b"H": 3600.0, b"M": 60.0, b"S": 1.0, b"m": 1e-3, b"u": 1e-6, b"n": 1e-9}


class Conversation(Protocol):
    """The server's part of a call with several messages."""

    def receive(self, message: bytes) -> None: ...

    def end(self) -> None:
        """The client will say nothing more."""

    def give_up(self) -> None:
        """The call is over, by whomever."""


class Messenger(Protocol):
    """The way back to the client of such a call."""

    def send(self, message: bytes) -> None: ...

    def finish(self, error: CallError | None = None) -> None: ...


@dataclass(frozen=True, slots=True)
class Method:
    path: bytes
    answer: Callable[[bytes], Answer] | None = None
    """One message in, one out. Raises what `service.make_failure` knows."""
    converse: Callable[[Messenger], Conversation] | None = None
    """Several messages, in either direction."""
    is_open: bool = False
    """Answered without a token, as over HTTP."""
    is_inference: bool = False
    """Counted and logged."""


@dataclass(frozen=True, slots=True)
class CallHead:
    """What the headers say; made once for as long as a client sends the same ones."""

    method: Method | None
    headers: Mapping[bytes, bytes]
    coding: bytes = IDENTITY
    timeout_seconds: float | None = None
    refusal: CallError | None = None
    http_status: int = 200
    """Another: it is no call of gRPC."""


class HeadReader:
    def __init__(self, methods: Mapping[bytes, Method], token: BearerToken | None, max_bytes: int) -> None:
        self._methods = methods
        self._token = token
        self._max_bytes = max_bytes

    def read(self, headers: Headers) -> CallHead:
        found = check_headers(headers)
        if found[b":method"] != b"POST":
            return CallHead(None, found, http_status=405)
        if not found.get(b"content-type", b"").startswith(b"application/grpc"):
            return CallHead(None, found, http_status=415)
        method = self._methods.get(found[b":path"])
        try:
            size = measure(headers)
            if size > self._max_bytes:
                raise CallError(Status.TOO_LARGE, f"the metadata may have {self._max_bytes} bytes, these have {size}")
            if method is None:
                path = found[b":path"].decode("latin-1")
                raise CallError(Status.UNIMPLEMENTED, f"nothing is at {path!r}; reflection lists what is")
            if self._token is not None and not method.is_open:
                self._check_token(self._token, found)
            return CallHead(method, found, _find_coding(found), _find_timeout(found))
        except CallError as error:
            return CallHead(method, found, refusal=error)

    def _check_token(self, token: BearerToken, headers: Mapping[bytes, bytes]) -> None:
        if not token.is_in(headers.get(b"authorization", b"")):
            raise CallError(Status.UNAUTHENTICATED, "expected the metadata authorization: Bearer with the right token")


def _find_coding(headers: Mapping[bytes, bytes]) -> bytes:
    coding = headers.get(b"grpc-encoding", IDENTITY)
    if coding not in CODINGS:
        known = b", ".join(CODINGS).decode()
        raise CallError(Status.UNIMPLEMENTED, f"expected grpc-encoding {known}, got {coding.decode('latin-1')!r}")
    return coding


def _find_timeout(headers: Mapping[bytes, bytes]) -> float | None:
    text = headers.get(b"grpc-timeout")
    if text is None:
        return None
    found = _TIMEOUT.fullmatch(text)
    if found is None:
        raise CallError(
            Status.INVALID_ARGUMENT, f"expected a grpc-timeout such as 100m, got {text.decode('latin-1')!r}"
        )
    return int(found[1]) * _UNIT_SECONDS[found[2]]
