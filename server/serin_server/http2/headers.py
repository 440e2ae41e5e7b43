"""Header blocks to header lists, and the few lists that this server sends to blocks.

Decoding is the library hpack's. A client sends the same block for each of its calls, and decoding it costs more than
the rest of the frame, so what a block meant is kept for as long as the connection's table of headers stands as it was:
a block means the same only by the same table. Blocks that change the table are never kept, because they would have to
change it again.

What is sent refers to HTTP/2's fixed table only, so there is no table to keep in step.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Generic, TypeVar

import hpack
from hpack.exceptions import OversizedHeaderListError

from serin_server.http2.frames import BrokenRuleError, ErrorCode

Headers = list[tuple[bytes, bytes]]
Meaning = TypeVar("Meaning")

_MAX_KEPT: Final = 64
_MAX_KEPT_BYTES: Final = 1024
_PER_HEADER_BYTES: Final = 32

_FORBIDDEN: Final = frozenset((b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade"))
_REQUIRED: Final = (b":method", b":scheme", b":path")
_PSEUDO: Final = frozenset((*_REQUIRED, b":authority"))


class MalformedHeadersError(Exception):
    """The list breaks a rule of HTTP/2; its stream is reset."""


class HeaderDecoder(Generic[Meaning]):
    def __init__(self, max_block_bytes: int, interpret: Callable[[Headers], Meaning]) -> None:
        """`interpret`: a pure function; what it made of a block is given again for the same block."""
        self._decoder = hpack.Decoder(max_header_list_size=max_block_bytes)
        self._interpret = interpret
        self._kept: dict[bytes, Meaning] = {}
        self._has_table_stood = True

    def decode(self, block: bytes) -> Meaning:
        """BrokenRuleError."""
        kept = self._kept.get(block)
        if kept is not None:
            return kept
        meaning = self._interpret(self.decode_list(block))
        # Had it changed the table, nothing would be kept now: see `decode_list`.
        if self._has_table_stood and len(block) <= _MAX_KEPT_BYTES:
            if len(self._kept) >= _MAX_KEPT:
                self._kept.clear()
            self._kept[block] = meaning
        return meaning

    def decode_list(self, block: bytes) -> Headers:
        table = self._decoder.header_table
        entries = table.dynamic_entries
        # A new entry stands first and is another object, one that leaves changes the number.
        first, count, size = entries[0] if entries else None, len(entries), table.maxsize
        try:
            headers: Headers = list(self._decoder.decode(block, raw=True))
        except OversizedHeaderListError as error:
            raise BrokenRuleError(ErrorCode.ENHANCE_YOUR_CALM, "the headers are too large") from error
        except (hpack.HPACKError, ValueError) as error:
            raise BrokenRuleError(ErrorCode.COMPRESSION_ERROR, f"the headers cannot be decoded: {error}") from error
        self._has_table_stood = (
            len(entries) == count and table.maxsize == size and (entries[0] if entries else None) is first
        )
        if not self._has_table_stood:
            self._kept.clear()
        return headers


def check_headers(headers: Headers) -> dict[bytes, bytes]:
    """By name; what may be given several times is joined by commas. MalformedHeadersError."""
    found: dict[bytes, bytes] = {}
    are_pseudo_over = False
    for name, value in headers:
        if name.startswith(b":"):
            if are_pseudo_over or name not in _PSEUDO or name in found:
                raise MalformedHeadersError(f"{name!r} is unknown, late or there twice")
            found[name] = value
            continue
        are_pseudo_over = True
        _check_field(name, value)
        found[name] = b"%s,%s" % (found[name], value) if name in found else value
    if not all(found.get(name) for name in _REQUIRED):
        raise MalformedHeadersError("expected :method, :scheme and :path")
    return found


def measure(headers: Headers) -> int:
    """Bytes, as HTTP/2 counts them."""
    return sum(len(name) + len(value) + _PER_HEADER_BYTES for name, value in headers)


def check_trailers(headers: Headers) -> None:
    for name, value in headers:
        if name.startswith(b":"):
            raise MalformedHeadersError(f"{name!r} is no trailer")
        _check_field(name, value)


def _check_field(name: bytes, value: bytes) -> None:
    if not name or name != name.lower() or name in _FORBIDDEN:
        raise MalformedHeadersError(f"{name!r} is no header of HTTP/2")
    if name == b"te" and value != b"trailers":
        raise MalformedHeadersError("te may only be trailers")
    if b"\r" in value or b"\n" in value or b"\0" in value:
        raise MalformedHeadersError(f"{name!r} has a line break or a null byte in its value")


def encode_status(status: int) -> bytes:
    return b"\x88" if status == 200 else b"\x08\x03%d" % status  # Fixed table: :status 200; :status with another value.


def encode_header(name: bytes, value: bytes) -> bytes:
    """Names and values as they are, neither indexed nor compressed."""
    return b"\x00%s%s%s%s" % (_encode_length(len(name)), name, _encode_length(len(value)), value)


def _encode_length(size: int) -> bytes:
    """An integer of HPACK with a prefix of seven bits."""
    if size < 127:
        return bytes((size,))
    size -= 127
    encoded = bytearray((127,))
    while size >= 128:
        encoded.append(size & 127 | 128)
        size >>= 7
    encoded.append(size)
    return bytes(encoded)
