"""The body of an inference request, inflated, if it is of a kind that the codecs take."""

from __future__ import annotations

from serin_server.content_coding import inflate
from serin_server.failures import HttpError
from serin_server.wire.request import Request

_HEADER_LENGTH = b"inference-header-content-length"

_TAKEN_FOR_JSON = (b"application/json", b"", b"application/x-www-form-urlencoded", b"application/octet-stream")


def take_json(request: Request, max_bytes: int) -> bytes:
    if _HEADER_LENGTH in request.headers:
        raise HttpError(415, "expected rows as JSON, got binary tensor data")
    _check_media_type(request)
    return _take(request, max_bytes)


def is_csv(request: Request) -> bool:
    return request.headers.get(b"content-type", b"").partition(b";")[0].strip().lower() == b"text/csv"


def take_csv(request: Request, max_bytes: int) -> bytes:
    return _take(request, max_bytes)


def take_tensors(request: Request, max_bytes: int) -> tuple[bytes, bytes | None]:
    """The JSON, and the binary data behind it if the client announced some."""
    announced = request.headers.get(_HEADER_LENGTH)
    if announced is None:
        _check_media_type(request)
        return _take(request, max_bytes), None
    body = _take(request, max_bytes)
    size = int(announced) if announced.isdigit() and len(announced) < 20 else -1
    if not 0 <= size <= len(body):
        got = announced.decode("latin-1")
        raise HttpError(
            400, f"Inference-Header-Content-Length: expected the length of the JSON, 0 to {len(body)}, got {got!r}"
        )
    return body[:size], body[size:]


def _take(request: Request, max_bytes: int) -> bytes:
    body = inflate(request, max_bytes)
    if not body and b"content-length" not in request.headers and b"transfer-encoding" not in request.headers:
        raise HttpError(411, "expected a body with Content-Length or Transfer-Encoding: chunked, got neither")
    return body


def _check_media_type(request: Request) -> None:
    """What clients say of JSON unless told otherwise is taken for JSON: `curl -d` a form, aiohttp just bytes."""
    given = request.headers.get(b"content-type", b"")
    if given == b"application/json":
        return
    media_type = given.partition(b";")[0].strip().lower()
    if media_type not in _TAKEN_FOR_JSON and not media_type.endswith(b"+json"):
        raise HttpError(415, f"expected Content-Type application/json, got {media_type.decode('latin-1')!r}")
