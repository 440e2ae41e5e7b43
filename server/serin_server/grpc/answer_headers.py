"""The header blocks around an answer. Most calls end well and get the same ones, made once."""

from __future__ import annotations

import functools
import re
from typing import Final

from serin_server.grpc.method import CODINGS, IDENTITY
from serin_server.grpc.status import CallError, Status
from serin_server.http2.headers import encode_header, encode_status

_CONTENT_TYPE: Final = encode_header(b"content-type", b"application/grpc")
_ACCEPTED: Final = encode_header(b"grpc-accept-encoding", b",".join(CODINGS))
_UNSAFE: Final = re.compile(rb"[^ -$&-~]")
_MAX_MESSAGE_BYTES: Final = 4000
"""Clients take 8 kB of metadata in all."""

OK_TRAILERS: Final = encode_header(b"grpc-status", b"0")


@functools.cache
def make_head(coding: bytes) -> bytes:
    encoding = b"" if coding == IDENTITY else encode_header(b"grpc-encoding", coding)
    return encode_status(200) + _CONTENT_TYPE + encoding + _ACCEPTED


def make_trailers(error: CallError | None) -> bytes:
    """After messages."""
    if error is None:
        return OK_TRAILERS
    message = _escape(str(error))
    return encode_header(b"grpc-status", b"%d" % error.status.code) + encode_header(b"grpc-message", message)


def make_refusal(error: CallError) -> bytes:
    """Head and trailers in one: there is no message."""
    accepted = _ACCEPTED if error.status is Status.UNIMPLEMENTED else b""
    return encode_status(200) + _CONTENT_TYPE + accepted + make_trailers(error)


def make_http_refusal(status: int) -> bytes:
    return encode_status(status) + encode_header(b"content-length", b"0")


def _escape_byte(found: re.Match[bytes]) -> bytes:
    return b"%%%02X" % ord(found[0])


def _escape(text: str) -> bytes:
    """The percent-encoding of gRPC: all but printable ASCII, and the percent sign itself."""
    escaped = _UNSAFE.sub(_escape_byte, text.encode("utf-8", "replace"))
    return re.sub(rb"%.?$", b"", escaped[:_MAX_MESSAGE_BYTES]) if len(escaped) > _MAX_MESSAGE_BYTES else escaped
