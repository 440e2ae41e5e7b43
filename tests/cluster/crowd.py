"""Many users of the weather model at once, from within the cluster; prints one JSON line. Lies beside load.py there.

    crowd.py count URL REQUESTS [--named] [--anew]
        {"versions": {"1": 950, "2": 50}, "failed": {}, "by_user": ["1", …]}
    crowd.py watch URL SECONDS
        {"requests": 9000, "failed": {}, "turns": [[connection, sent_at, "2"], …]}

`count` asks so often, each time as another user if `--named`, on a connection of its own if `--anew`. `watch` keeps a
few connections busy and tells when on one of them another version answered than before; times are those of the clock,
which machine and pods share.
"""

import asyncio
import json
import sys
import time
from collections import Counter
from typing import Any

import aiohttp
from load import make_infer_request, make_rows, read_version  # type: ignore[import-not-found]

CONNECTIONS = 16
WATCHING = 8
PAUSE_SECONDS = 0.005
BODIES = [json.dumps(make_infer_request(row)).encode() for row in make_rows(200, seed=1)]


class User:
    """One connection at a time, kept unless each request shall have its own."""

    def __init__(self, base: str, *, asks_anew: bool = False) -> None:
        self._url = f"{base}/v2/models/weather/infer"
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1, force_close=asks_anew))
        self.failed: Counter[str] = Counter()

    async def ask(self, number: int, name: str | None = None) -> str:
        """The version that answered, empty after a failure."""
        headers = {"content-type": "application/json", **({"x-user-id": name} if name else {})}
        try:
            async with self._session.post(self._url, data=BODIES[number % len(BODIES)], headers=headers) as response:
                body = await response.read()
                if response.status == 200:
                    return str(read_version(body))
                self.failed[str(response.status)] += 1
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            self.failed[type(error).__name__] += 1
        return ""

    async def close(self) -> None:
        await self._session.close()


async def count(base: str, requests: int, *, is_named: bool, asks_anew: bool) -> dict[str, Any]:
    users = [User(base, asks_anew=asks_anew) for _ in range(CONNECTIONS)]
    answers = [""] * requests
    numbers = iter(range(requests))

    async def work(user: User) -> None:
        for number in numbers:
            answers[number] = await user.ask(number, f"user-{number}" if is_named else None)
        await user.close()

    await asyncio.gather(*(work(user) for user in users))
    failed = sum((user.failed for user in users), Counter())
    return {"versions": Counter(answers), "failed": failed, "by_user": answers if is_named else []}


async def watch(base: str, seconds: float) -> dict[str, Any]:
    until = time.time() + seconds
    turns: list[tuple[int, float, str]] = []
    users = [User(base) for _ in range(WATCHING)]

    async def work(connection: int, user: User) -> int:
        known, number = "", 0
        while time.time() < until:
            sent_at = time.time()
            version = await user.ask(number)
            number += 1
            if version not in ("", known):
                known = version
                turns.append((connection, sent_at, version))
            await asyncio.sleep(PAUSE_SECONDS)
        await user.close()
        return number

    requests = await asyncio.gather(*(work(place, user) for place, user in enumerate(users)))
    return {"requests": sum(requests), "failed": sum((user.failed for user in users), Counter()), "turns": turns}


def main(order: str, base: str, amount: str, *options: str) -> None:
    if order == "count":
        told = asyncio.run(count(base, int(amount), is_named="--named" in options, asks_anew="--anew" in options))
    else:
        told = asyncio.run(watch(base, float(amount)))
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
