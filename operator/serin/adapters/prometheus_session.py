"""How Prometheus, or a store that speaks like it, is spoken to: who asks, for which tenant, trusting whom.

Thanos, Mimir and VictoriaMetrics tell when a part of them could not be asked, each in its way. Such an answer is not
whole: pods that are missing in it would look like pods that nobody scraped. The client library drops what they tell,
so it is looked for here, where the whole answer passes by.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import requests
from requests.auth import AuthBase

TENANT_HEADER = "X-Scope-OrgID"
"""Of Mimir, Cortex and Loki; VictoriaMetrics and Thanos take it, too, when they are told to."""

LONGEST_ADDRESS_QUERY = 2000
"""Characters. A longer query travels in the body: many proxies refuse an address of more than 8 KB."""

_REFUSED = frozenset({400, 413, 422})
"""The query is at fault, or it is too large; the store itself is well."""


class SessionError(requests.RequestException):
    """Says in words why nothing could be asked, or why the answer is of no use."""


class RefusedQueryError(SessionError):
    """Only the query is refused; others may be answered."""


class TokenFile(AuthBase):
    """A bearer token, read again for every request: Kubernetes replaces it in place every hour or so."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        try:
            token = self._path.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise SessionError(f"the token in {self._path} cannot be read: {error.strerror}") from error
        request.headers["Authorization"] = f"Bearer {token}"
        return request


class PrometheusSession(requests.Session):
    """Sends long queries by POST, and raises what is wrong with an answer."""

    def prepare_request(self, request: requests.Request) -> requests.PreparedRequest:
        params = request.params
        if (
            request.method == "GET"
            and isinstance(params, dict)
            and len(params.get("query", "")) > LONGEST_ADDRESS_QUERY
        ):
            request.method, request.data, request.params = "POST", params, {}
        return super().prepare_request(request)


def make_session(
    token_file: Path | None = None, ca_file: Path | None = None, tenant: str | None = None
) -> requests.Session:
    """A session that refuses partial answers. Without a CA file the usual authorities are trusted."""
    session = PrometheusSession()
    session.verify = str(ca_file) if ca_file else True
    session.auth = TokenFile(token_file) if token_file else None
    if tenant:
        session.headers[TENANT_HEADER] = tenant
    session.hooks["response"].append(_refuse_useless)
    return session


def _refuse_useless(response: requests.Response, *_: Any, **__: Any) -> None:
    if response.is_redirect:
        return
    if response.status_code >= 400:
        error = RefusedQueryError if response.status_code in _REFUSED else SessionError
        raise error(f"HTTP {response.status_code}: {_find_reason(response)}")
    # Most answers have none of this: they are not parsed twice.
    if b'"warnings"' not in response.content and b'"isPartial":true' not in response.content:
        return
    answer = _parse(response)
    if answer.get("warnings"):
        raise SessionError(f"the answer is not whole: {'; '.join(map(str, answer['warnings']))[:300]}")
    if answer.get("isPartial"):
        raise SessionError("the answer is not whole: a part of the store did not answer")


def _find_reason(response: requests.Response) -> str:
    return str(_parse(response).get("error") or response.text or response.reason)[:300].strip()


def _parse(response: requests.Response) -> Mapping[str, Any]:
    try:
        answer = response.json()
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}
