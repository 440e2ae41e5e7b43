"""How Prometheus, or a store that speaks like it, is spoken to: who asks, for which tenant, trusting whom.

Thanos, Mimir and VictoriaMetrics answer with `warnings` when a part of them could not be asked. Such an answer is not
whole: pods that are missing in it would look like pods that nobody scraped. The client library drops the warnings, so
they are looked for here, where the whole answer passes by.
"""

from pathlib import Path
from typing import Any

import requests
from requests.auth import AuthBase

TENANT_HEADER = "X-Scope-OrgID"
"""Of Mimir, Cortex and Loki; VictoriaMetrics and Thanos take it, too, when they are told to."""


class SessionError(requests.RequestException):
    """Says in words why nothing could be asked, or why the answer is of no use."""


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


def make_session(
    token_file: Path | None = None, ca_file: Path | None = None, tenant: str | None = None
) -> requests.Session:
    """A session that refuses partial answers. Without a CA file the usual authorities are trusted."""
    session = requests.Session()
    session.verify = str(ca_file) if ca_file else True
    session.auth = TokenFile(token_file) if token_file else None
    if tenant:
        session.headers[TENANT_HEADER] = tenant
    session.hooks["response"].append(_refuse_partial)
    return session


def _refuse_partial(response: requests.Response, *_: Any, **__: Any) -> None:
    # Most answers have none: they are not parsed twice.
    if b'"warnings"' not in response.content:
        return
    try:
        answer = response.json()
    except ValueError:
        return
    warnings = answer.get("warnings") if isinstance(answer, dict) else None
    if warnings:
        raise SessionError(f"the answer is not whole: {'; '.join(map(str, warnings))[:300]}")
