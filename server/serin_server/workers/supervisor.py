"""The parent of several workers: starts them, starts them again, passes signals on and adds up their metrics.

The first worker starts alone and listens at once; the others follow when it has loaded the model, so that a model that
cannot be served is told once. From then on a worker listens only with its model loaded, and the kernel gives new
connections to those that listen.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
from collections.abc import Sequence
from typing import Any, Final

import orjson

from serin_server.workers.channel import MAX_MESSAGE_BYTES, WorkerRole, make_message
from serin_server.workers.snapshot import Snapshot, merge_snapshots, render_snapshot, retire

_LOG = logging.getLogger(__name__)

_FIRST_PAUSE_SECONDS: Final = 0.5
_LONGEST_PAUSE_SECONDS: Final = 30.0
_LONG_LIFE_SECONDS: Final = 60.0
"""A worker that lived so long before it died is started again at once."""

_SNAPSHOT_SECONDS: Final = 1.0
"""A worker that takes longer, in the middle of a long batch, is counted as it was the last time."""


class _Worker:
    def __init__(self, process: asyncio.subprocess.Process, line: socket.socket) -> None:
        self.process = process
        self.line = line
        self.is_ready = asyncio.Event()
        self.snapshot: Snapshot = []
        self.has_answered = asyncio.Event()
        self.writer: asyncio.StreamWriter | None = None

    def send(self, **content: Any) -> None:
        if self.writer is not None and not self.writer.is_closing():
            self.writer.write(make_message(**content))


class Supervisor:
    def __init__(self, arguments: Sequence[str], workers: int) -> None:
        """`arguments`: the flags of every worker, with the number of the port."""
        self._arguments = arguments
        self._wanted = workers
        self._living: set[_Worker] = set()
        self._retired: Snapshot = []
        self._are_all_ready = False
        self._leave = asyncio.Event()
        self._scraping = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> int:
        """The exit code: that of a first worker that cannot serve, else 0."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._start_leaving)
        first = await self._start(listens_at_once=True)
        code = await self._wait_until_ready(first)
        if code is not None:
            return code
        keepers = [asyncio.create_task(self._keep(first))]
        keepers += [asyncio.create_task(self._keep(None)) for _ in range(self._wanted - 1)]
        await asyncio.gather(*keepers)
        _LOG.info("all workers have stopped")
        return 0

    def _start_leaving(self) -> None:
        self._leave.set()
        for worker in self._living:
            if worker.process.returncode is None:
                worker.process.send_signal(signal.SIGTERM)

    async def _wait_until_ready(self, worker: _Worker) -> int | None:
        """The exit code of a worker that ended before; None when it is ready."""
        waiting = asyncio.create_task(worker.is_ready.wait())
        ending = asyncio.create_task(worker.process.wait())
        await asyncio.wait((waiting, ending), return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if worker.is_ready.is_set():
            return None
        code = await ending
        self._living.discard(worker)
        return code if code >= 0 else 128 - code

    async def _keep(self, worker: _Worker | None) -> None:
        """One place among the workers, filled until the end."""
        clock = asyncio.get_running_loop().time
        pause_seconds = 0.0
        while True:
            started_at = clock()
            if worker is None:
                worker = await self._start(listens_at_once=False)
            code = await worker.process.wait()
            self._living.discard(worker)
            self._retired = merge_snapshots([self._retired, retire(worker.snapshot)])
            if self._leave.is_set():
                return
            lived_seconds = clock() - started_at
            pause_seconds = (
                0.0
                if lived_seconds > _LONG_LIFE_SECONDS
                else min(_LONGEST_PAUSE_SECONDS, max(_FIRST_PAUSE_SECONDS, pause_seconds * 2))
            )
            facts = {"pid": worker.process.pid, "exit_code": code, "wait_seconds": pause_seconds}
            _LOG.error("a worker died and will be started again", extra={"facts": facts})
            if await self._is_leaving_within(pause_seconds):
                return
            worker = None

    async def _is_leaving_within(self, seconds: float) -> bool:
        try:
            await asyncio.wait_for(self._leave.wait(), seconds)
        except TimeoutError:
            return False
        return True

    async def _start(self, *, listens_at_once: bool) -> _Worker:
        ours, theirs = socket.socketpair()
        role = WorkerRole(theirs.fileno(), listens_at_once)
        with theirs:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "serin_server",
                *self._arguments,
                env={**os.environ, **role.make_environment()},
                pass_fds=(role.fd,),
            )
        worker = _Worker(process, ours)
        self._living.add(worker)
        _LOG.info("worker started", extra={"facts": {"pid": process.pid}})
        task = asyncio.create_task(self._listen(worker))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if self._leave.is_set():
            process.send_signal(signal.SIGTERM)
        return worker

    async def _listen(self, worker: _Worker) -> None:
        worker.line.setblocking(False)
        reader, worker.writer = await asyncio.open_unix_connection(sock=worker.line, limit=MAX_MESSAGE_BYTES)
        try:
            while line := await reader.readline():
                message = orjson.loads(line)
                if "ready" in message:
                    worker.is_ready.set()
                    self._maybe_serve(worker)
                elif "snapshot" in message:
                    worker.snapshot = message["snapshot"]
                    worker.has_answered.set()
                elif "want" in message:
                    task = asyncio.create_task(self._answer_scrape(worker))
                    self._tasks.add(task)
                    task.add_done_callback(self._tasks.discard)
        except OSError:
            pass  # The worker died; `_keep` sees it too.
        finally:
            worker.has_answered.set()
            worker.writer.close()

    def _maybe_serve(self, worker: _Worker) -> None:
        if self._are_all_ready:
            worker.send(serve=True)
            return
        ready = [each for each in self._living if each.is_ready.is_set()]
        if len(ready) == self._wanted:
            self._are_all_ready = True
            _LOG.info("all workers are ready", extra={"facts": {"workers": len(ready)}})
            for each in ready:
                each.send(serve=True)

    async def _answer_scrape(self, asker: _Worker) -> None:
        async with self._scraping:
            workers = list(self._living)
            for worker in workers:
                worker.has_answered.clear()
                worker.send(want="snapshot")
            waiting = [asyncio.create_task(worker.has_answered.wait()) for worker in workers]
            _, late = await asyncio.wait(waiting, timeout=_SNAPSHOT_SECONDS)
            for task in late:
                task.cancel()
            # Those of a worker that has died meanwhile are in `retired` already.
            merged = merge_snapshots([self._retired, *(worker.snapshot for worker in self._living)])
        asker.send(metrics=render_snapshot(merged).decode())
