"""The process: settings, listen, compare until SIGTERM, then finish what was taken."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from contextlib import AsyncExitStack

import uvloop
from aiohttp import web
from serin_server.log_lines import configure_logging

from serin_comparer.application import make_application
from serin_comparer.copies import Copies, Room, Versions
from serin_comparer.examples import Examples
from serin_comparer.json_values import Rules
from serin_comparer.pods import PodClient, Pods, make_session
from serin_comparer.settings import Settings, parse_settings
from serin_comparer.telemetry import Telemetry

_LOG = logging.getLogger("serin_comparer")


async def compare_until_told_to_leave(settings: Settings) -> None:
    loop, leave, telemetry = asyncio.get_running_loop(), asyncio.Event(), Telemetry()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, leave.set)
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(make_session(2 * settings.concurrency))
        copies = Copies(
            Versions(Pods(*settings.baseline), Pods(*settings.canary)),
            PodClient(session, settings.max_answer_bytes, settings.timeout_seconds),
            Rules(settings.tolerance, settings.ignored, settings.versions),
            telemetry,
            Examples(),
            Room(settings.max_waiting, settings.max_waiting_bytes, settings.concurrency),
        )
        copies.start()
        application = make_application(copies, telemetry, settings.max_body_bytes)
        # Bodies are passed on as they came.
        runner = web.AppRunner(application, access_log=None, auto_decompress=False)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, settings.host or None, settings.port).start()
        _LOG.info("listening", extra={"facts": {"port": runner.addresses[0][1]}})
        await leave.wait()
        await copies.finish(settings.drain_seconds)


def main() -> int:
    settings = parse_settings(sys.argv[1:])
    configure_logging("auto")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(compare_until_told_to_leave(settings))
    return 0


if __name__ == "__main__":
    sys.exit(main())
