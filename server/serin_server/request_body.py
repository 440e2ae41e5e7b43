"""The body of an inference request, if it is of a kind that the codecs take."""

from __future__ import annotations

from serin_server.failures import HttpError
from serin_server.wire.request import Request


def take_json_body(request: Request) -> bytes:
    headers = request.headers
    media_type = headers.get(b"content-type", b"")
    if media_type != b"application/json":
        _check_media_type(media_type)
    if b"inference-header-content-length" in headers:
        raise HttpError(415, "expected tensors as JSON, got binary tensor data")
    encoding = headers.get(b"content-encoding")
    if encoding is not None and encoding.strip().lower() != b"identity":
        raise HttpError(415, f"expected a body without Content-Encoding, got {encoding.decode('latin-1')!r}")
    body = request.body
    if not body and b"content-length" not in headers and b"transfer-encoding" not in headers:
        raise HttpError(411, "expected a body with Content-Length or Transfer-Encoding: chunked, got neither")
    return body


def _check_media_type(given: bytes) -> None:
    """`curl -d` says it sends a form unless told otherwise; who posts JSON that way means JSON."""
    media_type = given.partition(b";")[0].strip().lower()
    is_json = media_type in (b"application/json", b"", b"application/x-www-form-urlencoded")
    if not is_json and not media_type.endswith(b"+json"):
        raise HttpError(415, f"expected Content-Type application/json, got {media_type.decode('latin-1')!r}")
