"""Who may ask: with a bearer token set, only who knows it, except for health and metrics, which the cluster reads."""

from __future__ import annotations

import hmac

from serin_server.failures import HttpError
from serin_server.wire.request import Request


class BearerToken:
    def __init__(self, token: str) -> None:
        self._expected = token.encode()

    def is_in(self, authorization: bytes) -> bool:
        """`authorization`: the value of the header."""
        scheme, _, given = authorization.partition(b" ")
        # Compared in constant time: the time of an answer must not tell how many characters were right.
        return scheme.lower() == b"bearer" and hmac.compare_digest(given.strip(), self._expected)

    def check(self, request: Request) -> None:
        if not self.is_in(request.headers.get(b"authorization", b"")):
            raise HttpError(401, "expected Authorization: Bearer with the right token", b"www-authenticate: Bearer\r\n")
