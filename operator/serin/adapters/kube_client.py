"""The Kubernetes API through the official client's asynchronous half, used as transport and for its credentials.

Bodies are raw JSON: on lists that costs a ninth of the client's typed models. What the client would do silently is
done here by hand: a status of 400 or more is an error with the API server's own sentence, every request has its own
timeout, and nothing is retried, because whoever asked decides that.
"""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import aiohttp
from kubernetes.aio.client import ApiClient, Configuration
from kubernetes.aio.config import ConfigException

from serin.core.model_deployment.names import MANAGER
from serin.runtime.kinds import KINDS, Kind
from serin.runtime.outcomes import (
    AlreadyExists,
    ClusterError,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    Throttled,
    Unreachable,
)
from serin.runtime.ports import Absent, Found, JsonObject, Listing, ObjectRef, Unknown

REQUEST_TIMEOUT = aiohttp.ClientTimeout(total=20, connect=5)
"""A healthy API server answers in milliseconds; a worker must not be stuck much longer than a retry would take."""

LIST_TIMEOUT = aiohttp.ClientTimeout(total=60, connect=5)

WATCH_SECONDS = 300
"""Then the API server ends a watch, and a list begins the next."""

WATCH_TIMEOUT = aiohttp.ClientTimeout(total=WATCH_SECONDS + 30, connect=5)

LIST_CHUNK = 500
"""Objects per answer; what kubectl takes."""

THROTTLED_SECONDS = 1.0
"""How long to wait when the API server asks to wait and does not say how long."""

UNTYPED = "failed to create typed patch object"
"""How server-side apply refuses a list with one key twice, such as two mounts at one path. It says 500, and asking
again does not help: a person must change the spec."""

_APPLY = "application/apply-patch+yaml"
_MERGE = "application/merge-patch+json"
_JSON = "application/json"
_OWNED = {"fieldManager": MANAGER}
_APPLIED = {"fieldManager": MANAGER, "force": "true"}


class KubeClient:
    """The port `Cluster`. `namespaces` empty: all of them."""

    def __init__(self, configuration: Configuration, namespaces: Sequence[str] = ()) -> None:
        self._api = ApiClient(configuration)
        self._namespaces: Sequence[str | None] = tuple(namespaces) or (None,)

    async def close(self) -> None:
        await self._api.close()

    async def get(self, ref: ObjectRef) -> Found | Absent | Unknown:
        kind = KINDS[ref.kind]
        try:
            return Found(_typed(kind, await self._request("GET", kind.path(ref.namespace, ref.name))))
        except NotFound as error:
            return Absent(error.is_kind_known)
        except ClusterError as error:
            return Unknown(str(error))

    async def list(self, kind: str) -> Listing:
        parts = []
        for namespace in self._namespaces:
            try:
                parts.append(await self._list_at(KINDS[kind], namespace, LIST_CHUNK))
            except _ExpiredError:
                # The snapshot went while its chunks were read: all in one answer cannot expire.
                parts.append(await self._list_at(KINDS[kind], namespace, None))
            except NotFound:
                if not KINDS[kind].is_optional:
                    raise
                parts.append(Listing((), 0))
        objects = [item for part in parts for item in part.objects]
        return Listing(objects, min(part.resource_version for part in parts))

    async def watch(self, kind: str, namespace: str | None, version: int) -> AsyncIterator[tuple[str, JsonObject]]:
        query = {"watch": "true", "resourceVersion": str(version), "timeoutSeconds": str(WATCH_SECONDS)}
        if KINDS[kind].label_selector:
            query["labelSelector"] = str(KINDS[kind].label_selector)
        path = KINDS[kind].path(namespace)
        response = await self._send("GET", path, query=query, timeout=WATCH_TIMEOUT)
        try:
            if response.status >= 400:
                raise _make_error(f"watch {path}", response.status, response.headers, _parse(await response.read()))
            async for line in response.response.content:
                event = json.loads(line)
                if event["type"] == "ERROR":
                    return  # the version is too old: the list that follows knows more
                yield event["type"], event["object"]
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise _no_answer("watch", path, error) from error
        finally:
            response.response.close()

    async def apply(self, manifest: Mapping[str, Any]) -> JsonObject:
        return await self._write("PATCH", _path_of(manifest), _APPLIED, manifest, _APPLY)

    async def apply_status(self, manifest: Mapping[str, Any]) -> JsonObject:
        return await self._write("PATCH", _path_of(manifest) + "/status", _APPLIED, manifest, _APPLY)

    async def create(self, manifest: Mapping[str, Any]) -> JsonObject:
        path = KINDS[manifest["kind"]].path(manifest["metadata"]["namespace"])
        return await self._write("POST", path, _OWNED, manifest, _JSON)

    async def annotate(self, ref: ObjectRef, uid: str, annotations: Mapping[str, str]) -> JsonObject:
        kind = KINDS[ref.kind]
        body = {"metadata": {"uid": uid, "annotations": dict(annotations)}}
        return _typed(
            kind, await self._request("PATCH", kind.path(*ref[1:]), query=_OWNED, body=body, content_type=_MERGE)
        )

    async def delete(self, ref: ObjectRef, uid: str) -> None:
        options = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "preconditions": {"uid": uid},
            "propagationPolicy": "Background",
        }
        try:
            await self._request("DELETE", KINDS[ref.kind].path(ref.namespace, ref.name), body=options)
        except (NotFound, Conflict):
            # A conflict is another uid under this name: the object that was meant is gone.
            return

    async def _list_at(self, kind: Kind, namespace: str | None, chunk: int | None) -> Listing:
        query: dict[str, str] = {}
        if kind.label_selector:
            query["labelSelector"] = kind.label_selector
        if chunk:
            query["limit"] = str(chunk)
        objects: list[JsonObject] = []
        while True:
            page = await self._request("GET", kind.path(namespace), query=query, timeout=LIST_TIMEOUT)
            objects += (_typed(kind, item) for item in page.get("items") or ())
            more = page["metadata"].get("continue")
            if not more:
                return Listing(objects, int(page["metadata"]["resourceVersion"]))
            query["continue"] = more

    async def _write(
        self, method: str, path: str, query: Mapping[str, str], manifest: Mapping[str, Any], content_type: str
    ) -> JsonObject:
        written = await self._request(method, path, query=query, body=manifest, content_type=content_type)
        return _typed(KINDS[manifest["kind"]], written)

    async def _request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        content_type: str = _JSON,
        timeout: aiohttp.ClientTimeout = REQUEST_TIMEOUT,  # noqa: ASYNC109 (of the connection, not of the coroutine)
    ) -> JsonObject:
        try:
            response = await self._send(
                method, path, query=query, body=body, content_type=content_type, timeout=timeout
            )
            raw = await response.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise _no_answer(method, path, error) from error
        answer = _parse(raw)
        if response.status >= 400:
            raise _make_error(f"{method} {path}", response.status, response.headers, answer)
        return answer

    async def _send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None,
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 (of the connection, not of the coroutine)
        body: Mapping[str, Any] | None = None,
        content_type: str = _JSON,
    ) -> Any:
        headers = {"Accept": _JSON, "Content-Type": content_type, "User-Agent": MANAGER}
        try:
            await self._api.update_params_for_auth(headers, [], ["BearerToken"], path, method, body)
            url = self._api.configuration.host + path + ("?" + urlencode(query) if query else "")
            return await self._api.call_api(method, url, headers, body, _request_timeout=timeout)
        except (aiohttp.ClientError, ConfigException, TimeoutError, OSError) as error:
            raise _no_answer(method, path, error) from error


class _ExpiredError(ClusterError):
    """The snapshot that a chunked list was reading is gone."""

    outcome = Conflict.outcome


def _path_of(manifest: Mapping[str, Any]) -> str:
    metadata = manifest["metadata"]
    return KINDS[manifest["kind"]].path(metadata["namespace"], metadata["name"])


def _typed(kind: Kind, item: JsonObject) -> JsonObject:
    """Items of a list come without their type."""
    return {"apiVersion": kind.api_version, "kind": kind.name, **item}


def _parse(raw: bytes) -> JsonObject:
    try:
        answer = json.loads(raw)
    except ValueError:
        # A proxy in front of the API server speaks plain text.
        answer = None
    return answer if isinstance(answer, dict) else {"message": raw.decode(errors="replace").strip()[:500]}


def _make_error(request: str, status: int, headers: Mapping[str, str], answer: JsonObject) -> ClusterError:
    message = answer.get("message") or f"{request}: HTTP status {status}"
    details = answer.get("details") or {}
    wait_seconds = _seconds(headers.get("Retry-After")) or details.get("retryAfterSeconds")
    if status == 429 or (status >= 500 and wait_seconds):
        return Throttled(message, float(wait_seconds or THROTTLED_SECONDS))
    if _is_overtaken(details.get("causes") or ()):
        return Conflict(message)
    match status:
        case 401 | 403:
            return Forbidden(message)
        case 404:
            # An object that is not there is told in the API server's own words, a path that is not there is not.
            return NotFound(message, is_kind_known=answer.get("kind") == "Status")
        case 409:
            return AlreadyExists(message) if answer.get("reason") == "AlreadyExists" else Conflict(message)
        case 410:
            return _ExpiredError(message)
        case _ if status < 500 or message.startswith(UNTYPED):
            return Invalid(message)
        case _:
            return Unreachable(message)


def _is_overtaken(causes: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the object that was decided on has gone, or its whole namespace is going."""
    return any(
        # How server-side apply says that the object of this name is not the one with the uid that was sent.
        cause.get("field") == "metadata.uid"
        # Comes as 403, but no permission is missing.
        or cause.get("reason") == "NamespaceTerminating"
        for cause in causes
    )


def _no_answer(method: str, path: str, error: Exception) -> Unreachable:
    return Unreachable(f"{method} {path}: no answer from the API server: {str(error) or type(error).__name__}")


def _seconds(text: str | None) -> int | None:
    """Of a Retry-After header; its other form, a date, is not used by the API server."""
    return int(text) if text and text.isdigit() else None
