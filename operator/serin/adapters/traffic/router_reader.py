"""Asks a router's pod what it does, at the port for its metrics. Envoy's own admin interface is out of reach there."""

import aiohttp

from serin.adapters.traffic.router import RouterState
from serin.adapters.traffic.router_bootstrap import MEMBERS_STAT, VERSION_STAT
from serin.adapters.traffic.router_config import STATE_PATH, STATS_PORT
from serin.runtime.ports import JsonObject, Unknown

TIMEOUT = aiohttp.ClientTimeout(total=1)
"""A router answers in a millisecond; a look must not wait for one that is gone."""


class HttpRouterReader:
    """The port `RouterReader`."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def read(self, address: str, model: str | None) -> RouterState | Unknown:
        if self._session is None:
            # Router pods come and go and are asked rarely: a kept connection would mostly be a dead one.
            self._session = aiohttp.ClientSession(timeout=TIMEOUT, connector=aiohttp.TCPConnector(force_close=True))
        host = f"[{address}]" if ":" in address else address
        try:
            path = f"{STATE_PATH}/{model}" if model else STATE_PATH
            async with self._session.get(f"http://{host}:{STATS_PORT}{path}") as response:
                if response.status != 200:
                    return Unknown(f"its port {STATS_PORT} answers with status {response.status}")
                return read_state(await response.json(content_type=None))
        except TimeoutError:
            return Unknown(f"no answer at port {STATS_PORT} of {address} within {TIMEOUT.total:.0f} s")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Unknown(str(error) or type(error).__name__)


def read_state(stats: JsonObject) -> RouterState | Unknown:
    """From Envoy's own JSON of some of its stats."""
    version, pods = "", {}
    for stat in stats.get("stats") or ():
        name, value = stat.get("name", ""), stat.get("value")
        if name.endswith(f".{VERSION_STAT}"):
            version = str(value)
        elif name.endswith(f".{MEMBERS_STAT}"):
            pods[name.removeprefix("cluster.").removesuffix(f".{MEMBERS_STAT}")] = int(value or 0)
    return RouterState(version, pods) if version else Unknown("it has no routes yet")
