"""Asks one pod's model server over HTTP, before any user does.

Straight to the pod's address: a Service would choose the pod, and the API server's proxy would need a right that
reaches every pod. Nothing is retried here; whoever asked decides that.
"""

import json
from typing import Any

import aiohttp

from serin.core.contract.golden_requests import Answer
from serin.core.facts import ModelQuestion, NoAnswer

REQUEST_TIMEOUT = aiohttp.ClientTimeout(total=10, connect=3)
"""A model that needs longer for one golden request would keep its users waiting, too."""

MOST_ANSWER_BYTES = 4 * 1024 * 1024
"""A golden request is small and so is its answer; a larger one is not read into the operator's memory."""

MOST_AT_ONCE = 4


class ModelHttp:
    """The port `ModelClient`."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def ask(self, question: ModelQuestion) -> Answer | NoAnswer:
        host = f"[{question.address}]" if ":" in question.address else question.address
        url = f"http://{host}:{question.port}{question.path}"
        try:
            if question.body is None:
                request = self._open().get(url, allow_redirects=False)
            else:
                request = self._open().post(url, json=question.body, allow_redirects=False)
            async with request as response:
                body = await response.content.read(MOST_ANSWER_BYTES + 1)
                while len(body) <= MOST_ANSWER_BYTES and (more := await response.content.read(MOST_ANSWER_BYTES)):
                    body += more
        except TimeoutError:
            return NoAnswer(f"{question.path} was not answered within {REQUEST_TIMEOUT.total:g} s")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return NoAnswer(f"{question.path} was not answered: {error}")
        if len(body) > MOST_ANSWER_BYTES:
            return NoAnswer(f"{question.path} was answered with more than {MOST_ANSWER_BYTES >> 20} MiB")
        return _read_answer(response.status, body)

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    def _open(self) -> aiohttp.ClientSession:
        """Made late: a session belongs to the event loop that runs when it is made."""
        if self._session is None:
            connector = aiohttp.TCPConnector(limit_per_host=MOST_AT_ONCE, force_close=True)
            self._session = aiohttp.ClientSession(connector=connector, timeout=REQUEST_TIMEOUT, trust_env=False)
        return self._session


def _read_answer(status: int, body: bytes) -> Answer:
    try:
        decoded: Any = json.loads(body)
    except (ValueError, RecursionError):
        return Answer(status, is_json=False)
    return Answer(status, decoded)
