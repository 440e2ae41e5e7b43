"""All log lines of the process, ours and the libraries', in one form: JSON in a cluster, colours on a terminal."""

import logging
import sys
from typing import TextIO

import structlog

from serin.adapters.settings import LogFormat, LogLevel

QUIET_LOGGERS = ("kopf.objects", "kopf.activities", "aiohttp.access", "urllib3", "asyncio")
"""Libraries that tell of every event and request; from them only what is wrong."""


def set_up_logging(log_format: LogFormat, level: LogLevel, stream: TextIO = sys.stderr) -> None:
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_endings(log_format, stream)],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in QUIET_LOGGERS:
        logging.getLogger(name).setLevel(logging.WARNING)


def _endings(log_format: LogFormat, stream: TextIO) -> list[structlog.typing.Processor]:
    # Tracebacks without local variables: those hold credentials.
    if log_format == "console" or (log_format == "auto" and stream.isatty()):
        plain = structlog.dev.plain_traceback
        return [structlog.dev.ConsoleRenderer(colors=stream.isatty(), exception_formatter=plain)]
    traceback = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
    return [structlog.processors.ExceptionRenderer(traceback), structlog.processors.JSONRenderer()]
