"""Models in object stores: `s3://bucket/key`, `gs://bucket/key` and `az://container/key`.

Credentials and endpoints come from the environment that the stores' own tools use: AWS_…, GOOGLE_…, AZURE_…, the
identity of the pod's service account included. Retries are the download's own, so that they are told in the log.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlsplit

from serin_server.sources.download import SOCKET_TIMEOUT_SECONDS, Content
from serin_server.sources.errors import ContentChangedError, ModelSourceError, TransientError
from serin_server.sources.web import check_transport

if TYPE_CHECKING:
    from obstore import GetOptions
    from obstore.store import ObjectStore

SCHEMES: Final = ("s3", "gs", "az")

_LEAST_CHUNK_BYTES: Final = 64 * 1024
"""What is on its way in a chunk is lost when the connection breaks."""

_ENDPOINT_VARIABLES: Final = (
    "AWS_ENDPOINT_URL_S3",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT",
    "GOOGLE_BASE_URL",
    "AZURE_STORAGE_ENDPOINT",
    "AZURE_ENDPOINT",
)


class ObjectPlace:
    def __init__(self, uri: str, digest: str | None, environment: Mapping[str, str]) -> None:
        parts = urlsplit(uri)
        self._path = unquote(parts.path).lstrip("/")
        if not parts.netloc or not self._path:
            raise ModelSourceError(f"expected {parts.scheme}://bucket/path/model.onnx, got {uri!r}")
        self.shown = f"{parts.scheme}://{parts.hostname}{parts.path}"
        self._store = _make_store(f"{parts.scheme}://{parts.netloc}", digest, environment)

    @contextmanager
    def open(self, start_bytes: int, version: str | None) -> Iterator[Content]:
        import obstore

        options: GetOptions | None = None
        if start_bytes and version is not None:
            options = {"range": {"offset": start_bytes}, "if_match": version}
        try:
            result = obstore.get(self._store, self._path, options=options)
        except Exception as error:
            raise self._explain(error) from error
        yield Content(result.range[0], result.meta["size"], result.meta["e_tag"], self._read_chunks(result))

    def _read_chunks(self, result: Any) -> Iterator[bytes]:
        try:
            for chunk in result.stream(min_chunk_size=_LEAST_CHUNK_BYTES):
                yield bytes(chunk)
        except Exception as error:
            raise self._explain(error) from error

    def _explain(self, error: Exception) -> Exception:
        from obstore.exceptions import GenericError, PreconditionError

        if isinstance(error, PreconditionError):
            return ContentChangedError("the object has changed since the download began")
        if isinstance(error, GenericError):
            return TransientError(make_sentence(error))
        if isinstance(error, FileNotFoundError):
            return ModelSourceError(f"cannot download {self.shown}: there is no such object")
        return ModelSourceError(f"cannot download {self.shown}: {make_sentence(error)}")


def make_sentence(error: Exception) -> str:
    """The first line; what follows is the library's inner state."""
    return str(error).partition("\n")[0].rstrip(": ")


def _make_store(root: str, digest: str | None, environment: Mapping[str, str]) -> ObjectStore:
    try:
        from obstore.store import from_url
    except ImportError as error:
        raise ModelSourceError(
            f"{urlsplit(root).scheme}:// needs the package obstore: pip install 'serin[server,object-stores]'"
        ) from error
    endpoints = [environment[name] for name in _ENDPOINT_VARIABLES if environment.get(name)]
    plain = [endpoint for endpoint in endpoints if endpoint.startswith("http://")]
    for endpoint in plain:
        check_transport(endpoint, digest)
    silence = f"{SOCKET_TIMEOUT_SECONDS:g} seconds"
    # The library's own limit on a whole download is 30 s.
    client: Any = {"timeout": "1 day", "connect_timeout": silence, "read_timeout": silence}
    if plain:
        client["allow_http"] = True
    try:
        return from_url(root, client_options=client, retry_config={"max_retries": 0})
    except Exception as error:
        raise ModelSourceError(f"cannot use {root}: {make_sentence(error)}") from error
