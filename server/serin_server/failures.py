"""Every way a request can fail, and the answer that says so."""

from __future__ import annotations

import logging
import uuid

from serin_server.inference.engine import RefusedInputError
from serin_server.oip.errors import InvalidRequestError
from serin_server.wire.request import Request
from serin_server.wire.response import Response, make_error

_LOG = logging.getLogger(__name__)


class HttpError(Exception):
    """An answer other than 200, raised where it is found."""

    def __init__(self, status: int, message: str, headers: bytes = b"") -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers


def make_failure(error: Exception, request: Request) -> Response:
    if isinstance(error, HttpError):
        return make_error(error.status, str(error), error.headers)
    if isinstance(error, InvalidRequestError | RefusedInputError):
        return make_error(400, str(error))
    error_id = uuid.uuid4().hex[:12]
    facts = {"error_id": error_id, "request": repr(request)}
    _LOG.error("request failed", exc_info=error, extra={"facts": facts})
    return make_error(500, f"the model or the server failed; the log has the details under the id {error_id}")
