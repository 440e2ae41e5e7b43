"""The pods of one version, behind the name of a headless Service, and one question to one of them.

The name is asked again every second or two, and each copy goes to a pod by chance: a kept connection per name would
send all of them to the pod that answered first.
"""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import Mapping
from typing import Final

import aiohttp
from yarl import URL

from serin_comparer.answers import Answer, NoAnswer

JSON_LENGTH_HEADER: Final = "inference-header-content-length"
_RESOLVE_AGAIN_SECONDS: Final = 2.0
_NOT_OURS_TO_SAY: Final = ("accept", "accept-encoding", "content-type", "user-agent")


class Pods:
    def __init__(self, host: str, port: int) -> None:
        self.host = host
        self.port = port
        self._addresses: list[str] = []
        self._resolved_at = float("-inf")

    async def choose_address(self) -> str | None:
        """None while the name has no address. Old ones do while the DNS does not answer."""
        loop = asyncio.get_running_loop()
        if loop.time() - self._resolved_at > _RESOLVE_AGAIN_SECONDS:
            self._resolved_at = loop.time()
            try:
                found = await loop.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
            except OSError:
                found = []
            self._addresses = sorted({str(address[0]) for *_, address in found}) or self._addresses
        return random.choice(self._addresses) if self._addresses else None


class PodClient:
    """`max_answer_bytes` and `timeout_seconds` bound what one answer may take."""

    def __init__(self, session: aiohttp.ClientSession, max_answer_bytes: int, timeout_seconds: float) -> None:
        self._session = session
        self._max_answer_bytes = max_answer_bytes
        self._timeout = aiohttp.ClientTimeout(total=timeout_seconds)

    async def ask(
        self, pods: Pods, method: str, target: str, headers: Mapping[str, str], body: bytes
    ) -> Answer | NoAnswer:
        address = await pods.choose_address()
        if address is None:
            return NoAnswer(f"no pod behind {pods.host}")
        host = f"[{address}]" if ":" in address else address
        url = URL(f"http://{host}:{pods.port}{target}", encoded=True)
        try:
            async with self._session.request(
                method, url, headers=headers, data=body, timeout=self._timeout, allow_redirects=False
            ) as response:
                return await self._read(response)
        except TimeoutError:
            return NoAnswer(f"no answer within {self._timeout.total:g} s")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return NoAnswer(f"no answer, {type(error).__name__}")

    async def _read(self, response: aiohttp.ClientResponse) -> Answer | NoAnswer:
        parts, size = [], 0
        async for part in response.content.iter_any():
            size += len(part)
            if size > self._max_answer_bytes:
                response.close()
                return NoAnswer(f"an answer longer than {self._max_answer_bytes} bytes")
            parts.append(part)
        length = response.headers.get(JSON_LENGTH_HEADER, "")
        return Answer(
            response.status, b"".join(parts), int(length) if length.isdecimal() and len(length) < 20 else None
        )


def make_session(connections: int) -> aiohttp.ClientSession:
    """Without cookies, proxies or decompression: what a pod says is what is compared."""
    connector = aiohttp.TCPConnector(limit=connections, keepalive_timeout=3)
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        skip_auto_headers=_NOT_OURS_TO_SAY,
        auto_decompress=False,
        trust_env=False,
    )
