"""The process: settings, listen, model, signals, exit code.

It listens before it has a model, so that probes are answered (alive, not ready) during a long download. A model that
cannot be served ends the process with one plain sentence, on stderr and where `kubectl describe pod` shows it.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from time import monotonic
from typing import NoReturn

import uvloop

from serin_server.cpu_limit import observe_cpus, observe_workers
from serin_server.dispatch import Dispatcher
from serin_server.endpoints import Endpoints
from serin_server.inference.engine import ModelLoadError
from serin_server.input_ranges import find_misfit
from serin_server.lifecycle import Lifecycle
from serin_server.log_lines import configure_logging
from serin_server.long_runs import LongRuns
from serin_server.model_source import ModelSource, fetched_model
from serin_server.ports import Ports, StartError, maybe_make_grpc_listener, reserve_ports
from serin_server.routes import Router
from serin_server.served_model import ServedModel, load_served_model
from serin_server.settings import Settings, SettingsError, parse_settings
from serin_server.sources.errors import ModelSourceError
from serin_server.telemetry import Telemetry
from serin_server.wire import connection
from serin_server.workers.channel import Channel, WorkerRole, take_worker_role
from serin_server.workers.supervisor import Supervisor

_LOG = logging.getLogger("serin_server")

_MAX_TERMINATION_MESSAGE_BYTES = 4096
"""Kubernetes keeps no more of it."""


def main() -> int:
    termination_log = Path("/dev/termination-log")
    try:
        settings = parse_settings(sys.argv[1:], os.environ)
        termination_log = settings.termination_log
        configure_logging(settings.log_format)
        role = take_worker_role()
        workers = 1 if role is not None else settings.workers or observe_workers()
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(serve(settings, role) if workers == 1 else supervise(settings, workers))
    except (SettingsError, StartError) as error:
        sentence = f"serin_server: {error}"
        sys.stderr.write(sentence + "\n")
        write_termination_message(termination_log, sentence)
        return 2 if isinstance(error, SettingsError) else 1


async def supervise(settings: Settings, workers: int) -> int:
    with ExitStack() as reserved:
        port = reserve_ports(settings, reserved)
        return await Supervisor([*sys.argv[1:], "--http-port", str(port)], workers).run()


async def serve(settings: Settings, role: WorkerRole | None = None) -> int:
    """`role`: of a worker among several."""
    loop = asyncio.get_running_loop()
    lifecycle = Lifecycle()
    telemetry = Telemetry(settings.model_name, settings.model_version, settings.latency_buckets, settings.input_ranges)
    pool = ThreadPoolExecutor(max_workers=observe_cpus(), thread_name_prefix="inference")
    dispatcher = Dispatcher(
        LongRuns(pool, telemetry, settings.run_limits), telemetry, settings.max_delay_seconds, settings.refused_outside
    )
    endpoints = Endpoints(
        settings.model_name, settings.model_version, lifecycle, telemetry, dispatcher, settings.max_body_bytes
    )
    leave = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, leave.set)

    channel = None if role is None else await Channel.open(role, telemetry, leave.set)
    names = (settings.model_name, settings.model_version)
    router = Router(
        endpoints,
        telemetry,
        names,
        settings.bearer_token,
        settings.request_log,
        None if channel is None else channel.scrape,
    )
    ports = Ports(settings, router, maybe_make_grpc_listener(settings, lifecycle, telemetry, dispatcher))
    if role is None or role.listens_at_once:
        await ports.open(are_shared=role is not None)
    model = await _load_unless_told_to_leave(settings, telemetry, leave)
    if model is not None and channel is not None:
        await channel.wait_until_all_are_ready(leave)
    if model is not None:
        if not ports.are_open:
            await ports.open(are_shared=True)
        lifecycle.become_ready(model)
        _tell_ready(settings, telemetry)
        ports.show_ready(is_ready=True)
        await leave.wait()
    if ports.are_open:
        await _drain(settings, lifecycle, ports)
    return 0


def _tell_ready(settings: Settings, telemetry: Telemetry) -> None:
    facts = {
        "model": settings.model_name,
        "version": settings.model_version,
        "load_seconds": round(telemetry.load_seconds, 3),
        "compiled": _is_compiled(),
    }
    _LOG.info("ready", extra={"facts": facts})


def _is_compiled() -> bool:
    """As in the image; run from the sources it serves just the same and costs more. See hack/compile-server."""
    return Path(connection.__file__).suffix != ".py"


async def _load_unless_told_to_leave(
    settings: Settings, telemetry: Telemetry, leave: asyncio.Event
) -> ServedModel | None:
    start = monotonic()
    loading = asyncio.ensure_future(_load_in_thread(settings))
    leaving = asyncio.ensure_future(leave.wait())
    await asyncio.wait((loading, leaving), return_when=asyncio.FIRST_COMPLETED)
    leaving.cancel()
    if not loading.done():
        loading.cancel()
        return None
    try:
        model = loading.result()
    except (ModelSourceError, ModelLoadError) as error:
        what = f"model {settings.model_name!r} version {settings.model_version!r}"
        raise StartError(f"cannot serve {what}: {error}") from error
    misfit = find_misfit(settings.input_ranges, model.signature)
    if misfit is not None:
        raise StartError(f"cannot serve model {settings.model_name!r}: {misfit}")
    telemetry.record_loaded(monotonic() - start, model.signature, model.roles)
    return model


async def _load_in_thread(settings: Settings) -> ServedModel:
    """In a thread of its own, which nobody waits for: SIGTERM must be able to interrupt a download."""
    loop = asyncio.get_running_loop()
    loaded: asyncio.Future[ServedModel] = loop.create_future()

    def settle(model: ServedModel | None, error: Exception | None) -> None:
        if loaded.cancelled():
            return
        if model is not None:
            loaded.set_result(model)
        elif error is not None:
            loaded.set_exception(error)

    def load() -> None:
        try:
            model, error = load_model(settings), None
        except Exception as caught:  # noqa: BLE001 - raised again in the loop
            model, error = None, caught
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle, model, error)

    threading.Thread(target=load, name="model-loader", daemon=True).start()
    return await loaded


def load_model(settings: Settings) -> ServedModel:
    source = ModelSource(settings.model_uri, settings.model_digest, settings.download_directory)
    with fetched_model(source) as path:
        return load_served_model(path, settings.model_name, settings.model_version, settings.threads, settings.batching)


async def _drain(settings: Settings, lifecycle: Lifecycle, ports: Ports) -> None:
    drain_seconds = settings.drain_seconds if lifecycle.phase.is_ready else 0.0
    lifecycle.start_draining()
    ports.show_ready(is_ready=False)
    ports.start_leaving(drain_seconds)
    _LOG.info("draining", extra={"facts": {"seconds": drain_seconds}})
    if drain_seconds:
        await asyncio.sleep(drain_seconds)
    cut_off = await ports.finish(settings.finish_seconds)
    _LOG.info("stopped", extra={"facts": {"connections_cut_off": cut_off}})


def write_termination_message(path: Path, sentence: str) -> None:
    """Only into a file that is there: Kubernetes makes it, and nobody else wants one in /dev."""
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_TRUNC), "wb") as file:
            file.write(sentence.encode()[:_MAX_TERMINATION_MESSAGE_BYTES])
    except OSError:
        return


def run() -> NoReturn:
    """The console script `serin-server`."""
    exit_code = main()
    logging.shutdown()
    # A download, a load or a run that nobody waits for any more may still have its thread, inside C++ that cannot be
    # stopped: an ordinary exit would wait for it, or pull the interpreter away under it.
    os._exit(exit_code)


if __name__ == "__main__":
    run()
