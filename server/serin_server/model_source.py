"""From the address of a model to a file on this machine that has the promised digest.

`oci://`, `pvc://` and `configmap://` never arrive here in a cluster: the operator mounts those as volumes and passes
the path. Downloads go to the temporary directory, the only writable place of the image.
"""

from __future__ import annotations

import hashlib
import logging
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

from serin_server.sources.download import Download, Place
from serin_server.sources.errors import ModelSourceError
from serin_server.sources.object_store import SCHEMES as OBJECT_STORE_SCHEMES
from serin_server.sources.object_store import ObjectPlace
from serin_server.sources.web import WebPlace, make_hub_place

_LOG = logging.getLogger(__name__)

MODEL_FILE: Final = "model.onnx"

_MOUNTED_SCHEMES: Final = ("oci", "pvc", "configmap")


@dataclass(frozen=True, slots=True)
class ModelSource:
    uri: str
    digest: str | None
    """`sha256:` and 64 hexadecimal digits."""
    download_directory: Path | None = None
    """None: the system's temporary directory."""


@contextmanager
def fetched_model(
    source: ModelSource,
    pause: Callable[[float], None] = time.sleep,
    environment: Mapping[str, str] = os.environ,
) -> Iterator[Path]:
    """The model's file. A downloaded one is gone afterwards: the loaded model needs no second copy.

    Raises ModelSourceError.
    """
    place = _make_place(source, environment)
    if place is None:
        yield _check(_find_file(urlsplit(source.uri)), source.digest)
        return
    with _make_download_directory(source.download_directory) as directory:
        target = directory / MODEL_FILE
        Download(place, target, pause).run()
        yield _check(target, source.digest)


def _make_place(source: ModelSource, environment: Mapping[str, str]) -> Place | None:
    """None for what is a file already."""
    scheme = urlsplit(source.uri).scheme
    if scheme in ("https", "http"):
        return WebPlace(source.uri, source.digest)
    if scheme == "hf":
        return make_hub_place(source.uri, source.digest, environment)
    if scheme in OBJECT_STORE_SCHEMES:
        return ObjectPlace(source.uri, source.digest, environment)
    return None


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
    if parts.scheme in _MOUNTED_SCHEMES:
        raise ModelSourceError(
            f"{parts.scheme}:// models are mounted into the pod by the operator and reach the server as file://; "
            f"got {parts.geturl()!r}"
        )
    if parts.scheme not in ("", "file"):
        raise ModelSourceError(
            f"expected a model URI with file://, https://, s3://, gs://, az://, hf:// or a path, got {parts.scheme}://"
        )
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
