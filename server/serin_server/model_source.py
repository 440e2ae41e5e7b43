"""From the address of a model to a file on this machine that has the promised digest.

`oci://` and `configmap://` never arrive here in a cluster: the operator mounts those as volumes and passes the path.
Downloads go to the temporary directory, the only writable place of the image. What is logged of an address is its
host and path: user, password and query may be secrets of signed addresses.
"""

from __future__ import annotations

import hashlib
import http.client
import ipaddress
import logging
import shutil
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final
from urllib.parse import SplitResult, unquote, urlsplit

_LOG = logging.getLogger(__name__)

MODEL_FILE: Final = "model.onnx"

_ATTEMPTS: Final = 6
_FIRST_PAUSE_SECONDS: Final = 0.5
_SOCKET_TIMEOUT_SECONDS: Final = 30.0
_PROGRESS_EVERY_SECONDS: Final = 5.0
_CHUNK_BYTES: Final = 1024 * 1024
_CODES_WORTH_A_RETRY: Final = frozenset({408, 425, 429, 500, 502, 503, 504})


class ModelSourceError(Exception):
    """The model cannot be had; the text is one plain sentence."""


class _TransientError(Exception):
    """An attempt failed in a way that may pass."""


@dataclass(frozen=True, slots=True)
class ModelSource:
    uri: str
    digest: str | None
    """`sha256:` and 64 hexadecimal digits."""
    download_directory: Path | None = None
    """None: the system's temporary directory."""


@contextmanager
def fetched_model(source: ModelSource, pause: Callable[[float], None] = time.sleep) -> Iterator[Path]:
    """The model's file. A downloaded one is gone afterwards: the loaded model needs no second copy."""
    parts = urlsplit(source.uri)
    if parts.scheme in ("https", "http"):
        _check_transport(parts, source.digest)
        with _make_download_directory(source.download_directory) as directory:
            target = directory / MODEL_FILE
            _download(source, parts, target, pause)
            yield _check(target, source.digest)
    else:
        yield _check(_find_file(parts), source.digest)


def is_inside_the_cluster(host: str) -> bool:
    """Hosts that plain http may be used for: this machine, private addresses, names that only a cluster resolves."""
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return "." not in host or host.endswith((".svc", ".cluster.local", ".localhost"))


def _check(path: Path, digest: str | None) -> Path:
    _LOG.info("model file", extra={"facts": {"path": str(path), "size_bytes": path.stat().st_size}})
    if digest is not None:
        with path.open("rb") as file:
            found = "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()
        if found != digest:
            raise ModelSourceError(f"its digest is wrong: expected {digest}, got {found}")
    return path


@contextmanager
def _make_download_directory(parent: Path | None) -> Iterator[Path]:
    # One per process: servers that share a temporary directory must not share a download.
    try:
        directory = tempfile.TemporaryDirectory(prefix="serin-", dir=parent)
    except OSError as error:
        raise ModelSourceError(f"no place to download to in {parent or 'the temporary directory'}: {error}") from error
    with directory as name:
        yield Path(name)


def _find_file(parts: SplitResult) -> Path:
    if parts.scheme in ("oci", "configmap"):
        raise ModelSourceError(
            f"{parts.scheme}:// models are mounted into the pod by the operator and reach the server as file://; "
            f"got {parts.geturl()!r}"
        )
    if parts.scheme not in ("", "file"):
        raise ModelSourceError(f"expected a model URI with file://, https:// or a path, got {parts.scheme}://")
    if parts.scheme == "file" and parts.netloc not in ("", "localhost"):
        raise ModelSourceError(f"expected file:///path with three slashes, got file://{parts.netloc}{parts.path}")
    path = Path(unquote(parts.path) if parts.scheme else parts.geturl())
    if path.is_dir():
        path = path / MODEL_FILE
    try:
        with path.open("rb"):
            return path
    except OSError as error:
        raise ModelSourceError(f"cannot read {path}: {error.strerror}") from error


def _download(source: ModelSource, parts: SplitResult, target: Path, pause: Callable[[float], None]) -> None:
    shown = f"{parts.scheme}://{parts.hostname}{parts.path}"
    opener = urllib.request.build_opener(_SafeRedirects(source.digest))
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            _download_once(opener, source.uri, shown, target)
        except _TransientError as error:
            if attempt == _ATTEMPTS:
                raise ModelSourceError(f"cannot download {shown} after {attempt} attempts: {error}") from error
            wait_seconds = _FIRST_PAUSE_SECONDS * 2 ** (attempt - 1)
            facts = {"attempt": attempt, "of": _ATTEMPTS, "error": str(error), "wait_seconds": wait_seconds}
            _LOG.warning("download failed, will retry", extra={"facts": facts})
            pause(wait_seconds)
        else:
            return


def _download_once(opener: urllib.request.OpenerDirector, uri: str, shown: str, target: Path) -> None:
    try:
        with opener.open(uri, timeout=_SOCKET_TIMEOUT_SECONDS) as response:
            length = response.headers.get("Content-Length")
            size_bytes = int(length) if length is not None else None
            _check_room(target, size_bytes)
            with target.open("wb") as file:
                received_bytes = _copy(response, file, shown, size_bytes)
    except urllib.error.HTTPError as error:
        error.close()
        sentence = f"the server answered {error.code} {error.reason}"
        if error.code in _CODES_WORTH_A_RETRY:
            raise _TransientError(sentence) from error
        raise ModelSourceError(f"cannot download {shown}: {sentence}") from error
    except urllib.error.URLError as error:
        raise _TransientError(str(error.reason)) from error
    except (http.client.HTTPException, ConnectionError, TimeoutError) as error:
        raise _TransientError(f"the connection broke: {error!r}") from error
    except OSError as error:
        raise ModelSourceError(f"cannot write {target}: {error.strerror}") from error
    if size_bytes is not None and received_bytes != size_bytes:
        raise _TransientError(f"expected {size_bytes} bytes, got {received_bytes}")


def _copy(response: IO[bytes], file: IO[bytes], shown: str, size_bytes: int | None) -> int:
    """Copies and tells how far it is: a startup probe that fails on a long download should be easy to explain."""
    _LOG.info("download started", extra={"facts": {"from": shown, "size_bytes": size_bytes}})
    received_bytes = 0
    told_at = time.monotonic()
    while chunk := response.read(_CHUNK_BYTES):
        file.write(chunk)
        received_bytes += len(chunk)
        if time.monotonic() - told_at >= _PROGRESS_EVERY_SECONDS:
            told_at = time.monotonic()
            facts = {"received_bytes": received_bytes, "size_bytes": size_bytes}
            _LOG.info("download goes on", extra={"facts": facts})
    return received_bytes


def _check_room(target: Path, size_bytes: int | None) -> None:
    free_bytes = shutil.disk_usage(target.parent).free
    if size_bytes is not None and size_bytes > free_bytes:
        raise ModelSourceError(
            f"the model has {size_bytes} bytes and {target.parent} has room for {free_bytes}: "
            "give the pod a larger emptyDir there"
        )


def _check_transport(parts: SplitResult, digest: str | None) -> None:
    host = parts.hostname or ""
    if not host:
        raise ModelSourceError(f"expected {parts.scheme}://host/path, got no host")
    if parts.scheme == "http" and digest is None and not is_inside_the_cluster(host):
        raise ModelSourceError(
            f"http:// to {host} could be tampered with on its way: use https://, or say what to expect by a digest"
        )


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
        _check_transport(parts, self._digest)
        return super().redirect_request(req, fp, code, msg, headers, newurl)
