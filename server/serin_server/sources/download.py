"""From a place to a file, in as many attempts as it takes.

An attempt goes on where the last one broke, as long as the place says that its content is still the same. Attempts are
counted from the last one that brought something new: a connection that breaks every minute still ends in a whole file.
"""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, Protocol

from serin_server.sources.errors import ContentChangedError, ModelSourceError, TransientError

_LOG = logging.getLogger(__name__)

CHUNK_BYTES: Final = 1024 * 1024
SOCKET_TIMEOUT_SECONDS: Final = 30.0

_ATTEMPTS: Final = 6
_FIRST_PAUSE_SECONDS: Final = 0.5
_PROGRESS_EVERY_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Content:
    """What a place sends in one attempt."""

    start_bytes: int
    """Where in the whole the chunks begin: what was asked for, or 0 from a place that only sends all of it."""
    size_bytes: int | None
    """Of the whole; None when the place does not say."""
    version: str | None
    """The same for the same content; None when the place does not say, which means starting over after a break."""
    chunks: Iterator[bytes]


class Place(Protocol):
    shown: str
    """For logs and errors: no user, password or query, which may be the secrets of a signed address."""

    def open(self, start_bytes: int, version: str | None) -> AbstractContextManager[Content]:
        """The content from `start_bytes` on, if it still has this version. `version` is None for the whole.

        Raises ModelSourceError or TransientError, here and from the chunks.
        """


class Download:
    def __init__(self, place: Place, target: Path, pause: Callable[[float], None] = time.sleep) -> None:
        self._place = place
        self._target = target
        self._pause = pause
        self._received_bytes = 0
        self._version: str | None = None

    def run(self) -> None:
        """Raises ModelSourceError."""
        attempt, most_bytes = 1, 0
        while True:
            try:
                self._receive()
            except TransientError as error:
                if self._received_bytes > most_bytes:
                    attempt, most_bytes = 1, self._received_bytes
                if attempt == _ATTEMPTS:
                    raise ModelSourceError(
                        f"cannot download {self._place.shown} after {attempt} attempts: {error}"
                    ) from error
                if self._version is None or isinstance(error, ContentChangedError):
                    self._received_bytes, self._version = 0, None
                self._wait(attempt, error)
                attempt += 1
            else:
                return

    def _wait(self, attempt: int, error: TransientError) -> None:
        wait_seconds = _FIRST_PAUSE_SECONDS * 2 ** (attempt - 1)
        facts = {
            "attempt": attempt,
            "of": _ATTEMPTS,
            "error": str(error),
            "received_bytes": self._received_bytes,
            "wait_seconds": wait_seconds,
        }
        _LOG.warning("download failed, will retry", extra={"facts": facts})
        self._pause(wait_seconds)

    def _receive(self) -> None:
        with self._place.open(self._received_bytes, self._version) as content:
            self._received_bytes, self._version = content.start_bytes, content.version
            size_bytes = content.size_bytes
            facts = {"from": self._place.shown, "size_bytes": size_bytes, "start_bytes": content.start_bytes}
            _LOG.info("download started", extra={"facts": facts})
            if size_bytes is not None:
                _check_room(self._target, size_bytes - content.start_bytes)
            self._write(content)
        if size_bytes is not None and self._received_bytes != size_bytes:
            raise TransientError(f"expected {size_bytes} bytes, got {self._received_bytes}")

    def _write(self, content: Content) -> None:
        """Tells how far it is: a startup probe that fails on a long download should be easy to explain."""
        told_at = time.monotonic()
        with self._target.open("r+b" if content.start_bytes else "wb") as file:
            file.truncate(content.start_bytes)
            file.seek(content.start_bytes)
            for chunk in content.chunks:
                _append(file, chunk)
                self._received_bytes += len(chunk)
                if time.monotonic() - told_at >= _PROGRESS_EVERY_SECONDS:
                    told_at = time.monotonic()
                    facts = {"received_bytes": self._received_bytes, "size_bytes": content.size_bytes}
                    _LOG.info("download goes on", extra={"facts": facts})


def _append(file: BinaryIO, chunk: bytes) -> None:
    try:
        file.write(chunk)
    except OSError as error:
        raise ModelSourceError(f"cannot write {file.name}: {error.strerror}") from error


def _check_room(target: Path, wanted_bytes: int) -> None:
    free_bytes = shutil.disk_usage(target.parent).free
    if wanted_bytes > free_bytes:
        raise ModelSourceError(
            f"the model has {wanted_bytes} more bytes and {target.parent} has room for {free_bytes}: "
            "give the pod a larger emptyDir there"
        )
