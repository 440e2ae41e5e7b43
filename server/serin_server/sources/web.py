"""Models on web servers: `https://`, `http://` inside the cluster, and `hf://` on the Hugging Face hub."""

from __future__ import annotations

import http.client
import ipaddress
import re
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import IO, Final
from urllib.parse import quote, urlsplit

from serin_server.sources.download import CHUNK_BYTES, SOCKET_TIMEOUT_SECONDS, Content
from serin_server.sources.errors import ContentChangedError, ModelSourceError, TransientError

_CODES_WORTH_A_RETRY: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
_RANGE: Final = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")
_HUB: Final = re.compile(r"hf://(?P<repository>[^/@]+/[^/@]+)(?:/(?P<file>[^@]+))?(?:@(?P<revision>.+))?")
_HUB_ENDPOINT: Final = "https://huggingface.co"


class WebPlace:
    def __init__(self, uri: str, digest: str | None, token: str | None = None) -> None:
        parts = urlsplit(uri)
        check_transport(uri, digest)
        self.shown = f"{parts.scheme}://{parts.hostname}{parts.path}"
        self._uri = uri
        self._token = token
        self._opener = urllib.request.build_opener(_SafeRedirects(digest))

    @contextmanager
    def open(self, start_bytes: int, version: str | None) -> Iterator[Content]:
        request = urllib.request.Request(self._uri)  # noqa: S310 - the scheme is checked above
        if self._token:
            # Unredirected: the place that a hub redirects to has no right to the token.
            request.add_unredirected_header("Authorization", f"Bearer {self._token}")
        if start_bytes and version is not None:
            request.add_header("Range", f"bytes={start_bytes}-")
            request.add_header("If-Range", version)
        try:
            response = self._opener.open(request, timeout=SOCKET_TIMEOUT_SECONDS)
        except (OSError, http.client.HTTPException) as error:
            raise self._explain(error) from error
        with response:
            yield _make_content(response)

    def _explain(self, error: Exception) -> Exception:
        if isinstance(error, urllib.error.HTTPError):
            error.close()
            sentence = f"the server answered {error.code} {error.reason}"
            if error.code == 416:
                return ContentChangedError(sentence)
            if error.code in _CODES_WORTH_A_RETRY:
                return TransientError(sentence)
            return ModelSourceError(f"cannot download {self.shown}: {sentence}")
        if isinstance(error, urllib.error.URLError):
            return TransientError(str(error.reason))
        return TransientError(f"the connection broke: {error!r}")


def make_hub_place(uri: str, digest: str | None, environment: Mapping[str, str]) -> WebPlace:
    """`hf://organisation/repository[/file][@revision]`; HF_ENDPOINT and HF_TOKEN as the hub's own tools take them."""
    found = _HUB.fullmatch(uri)
    if found is None:
        raise ModelSourceError(f"expected hf://organisation/repository/file@revision, got {uri!r}")
    endpoint = (environment.get("HF_ENDPOINT") or _HUB_ENDPOINT).rstrip("/")
    revision = quote(found["revision"] or "main", safe="")
    file = quote(found["file"] or "model.onnx")
    return WebPlace(
        f"{endpoint}/{found['repository']}/resolve/{revision}/{file}", digest, environment.get("HF_TOKEN") or None
    )


def check_transport(uri: str, digest: str | None) -> None:
    parts = urlsplit(uri)
    host = parts.hostname or ""
    if not host:
        raise ModelSourceError(f"expected {parts.scheme}://host/path, got no host")
    if parts.scheme == "http" and digest is None and not is_inside_the_cluster(host):
        raise ModelSourceError(
            f"http:// to {host} could be tampered with on its way: use https://, or say what to expect by a digest"
        )


def is_inside_the_cluster(host: str) -> bool:
    """Hosts that plain http may be used for: this machine, private addresses, names that only a cluster resolves."""
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return "." not in host or host.endswith((".svc", ".cluster.local", ".localhost"))


def _make_content(response: http.client.HTTPResponse) -> Content:
    headers = response.headers
    etag = headers.get("ETag", "")
    # A weak tag promises the same meaning, not the same bytes.
    version = etag if etag.startswith('"') else headers.get("Last-Modified")
    chunks = _read_chunks(response)
    if response.status == http.client.PARTIAL_CONTENT:
        found = _RANGE.fullmatch(headers.get("Content-Range", ""))
        if found is None:
            raise ContentChangedError("the server sent a part of the model and did not say which")
        return Content(int(found[1]), None if found[2] == "*" else int(found[2]), version, chunks)
    length = headers.get("Content-Length")
    return Content(0, int(length) if length is not None else None, version, chunks)


def _read_chunks(response: http.client.HTTPResponse) -> Iterator[bytes]:
    try:
        while chunk := response.read1(CHUNK_BYTES):
            yield chunk
    except (OSError, http.client.HTTPException) as error:
        raise TransientError(f"the connection broke: {error!r}") from error


class _SafeRedirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects to where the model could have been asked for in the first place."""

    def __init__(self, digest: str | None) -> None:
        self._digest = digest

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        parts = urlsplit(newurl)
        if parts.scheme not in ("https", "http"):
            raise ModelSourceError(f"the server redirects to {parts.scheme}://, expected https://")
        check_transport(newurl, self._digest)
        request = super().redirect_request(req, fp, code, msg, headers, newurl)
        token = req.unredirected_hdrs.get("Authorization")
        if request is not None and token is not None and urlsplit(req.full_url)[:2] == parts[:2]:
            request.add_unredirected_header("Authorization", token)
        return request
