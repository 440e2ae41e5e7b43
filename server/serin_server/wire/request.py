"""One HTTP request, whole: head and body."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final
from urllib.parse import unquote_to_bytes

_NONE: Final[Mapping[bytes, bytes]] = MappingProxyType({})


class Request:
    """Header names are lower case, the path is decoded. Requests with the same head share their headers."""

    __slots__ = ("body", "headers", "method", "path", "received_at")

    def __init__(
        self, method: bytes = b"", path: bytes = b"", headers: Mapping[bytes, bytes] = _NONE, body: bytes = b""
    ) -> None:
        self.method = method
        self.path = path
        self.headers = headers
        self.body = body
        self.received_at = 0.0

    def __repr__(self) -> str:
        return f"<Request {self.method.decode()} {self.path!r} {len(self.body)} bytes>"


def make_path(target: bytes) -> bytes:
    """The path of a request target: no query, no percent signs, no slash at the end."""
    path = target.partition(b"?")[0]
    if not path.startswith(b"/"):
        # Proxies may send the absolute form, http://host/path, and servers have to take it.
        path = b"/" + path.partition(b"://")[2].partition(b"/")[2]
    if b"%" in path:
        path = unquote_to_bytes(path)
    return path.rstrip(b"/") or b"/"
