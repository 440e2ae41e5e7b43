"""gzip and deflate, both ways. What comes in is inflated no further than a body may be: a small bomb stays small."""

from __future__ import annotations

import zlib
from typing import Final

from serin_server.failures import HttpError
from serin_server.wire.request import Request
from serin_server.wire.response import Response

_CODINGS: Final = (b"gzip", b"deflate")
_WINDOW_BITS: Final = {b"gzip": 31, b"deflate": 15}
_LEAST_BYTES: Final = 1400
"""About one packet: what fits into it travels no faster when it is shorter."""
_LEVEL: Final = 1
"""Numbers hardly shrink further with more effort."""


def inflate(request: Request, max_bytes: int) -> bytes:
    given = request.headers.get(b"content-encoding")
    if given is None:
        return request.body
    coding = given.strip().lower()
    if coding == b"identity":
        return request.body
    if coding not in _CODINGS:
        raise HttpError(415, f"expected Content-Encoding gzip or deflate, got {given.decode('latin-1')!r}")
    name = coding.decode()
    stream = zlib.decompressobj(_WINDOW_BITS[coding])
    try:
        body = stream.decompress(request.body, max_bytes + 1)
    except zlib.error as error:
        raise HttpError(400, f"the body is not {name}: {error}") from error
    if len(body) > max_bytes:
        raise HttpError(413, f"the body may have {max_bytes} bytes; this one is longer when inflated")
    if not stream.eof:
        raise HttpError(400, f"the body is not {name}: it ends too early")
    if stream.unused_data:
        raise HttpError(400, f"the body is not {name}: {len(stream.unused_data)} bytes follow its end")
    return body


def compress(request: Request, response: Response) -> Response:
    """As the client accepts it and where it is worth it."""
    if len(response.body) < _LEAST_BYTES or b"accept-encoding" not in request.headers:
        return response
    accepted = _parse_accepted(request.headers[b"accept-encoding"])
    coding = next((coding for coding in _CODINGS if coding in accepted), None)
    if coding is not None:
        stream = zlib.compressobj(_LEVEL, wbits=_WINDOW_BITS[coding])
        response.body = stream.compress(response.body) + stream.flush()
        response.headers += b"content-encoding: %s\r\nvary: accept-encoding\r\n" % coding
    return response


def _parse_accepted(header: bytes) -> set[bytes]:
    accepted: set[bytes] = set()
    for item in header.lower().split(b","):
        coding, _, quality = item.replace(b" ", b"").partition(b";q=")
        if not quality or quality.strip(b"0."):
            accepted.add(coding)
    return accepted
