"""One query for all who ask the same at the same time, each of them gets the series of its own pods.

Comparisons look on one grid of moments (core/rollout/analysis.py), so their questions arrive together. A batch is open
until nobody has joined it for a moment; it is closed after some seconds in any case. A query that Prometheus refuses
may be one that is too large: it is asked again in halves, down to each asker's own.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from serin.adapters.prometheus_connection import RefusedError, UnavailableError
from serin.adapters.prometheus_query import PodName
from serin.adapters.prometheus_samples import InvalidAnswerError
from serin.runtime.ports import Clock

QUIET_SECONDS = 0.03
"""A batch that nobody has joined for so long is asked for."""

LONGEST_WAIT_SECONDS = 3.0
"""Hundreds of reconciles take a second or two to come to their question; each asks once per interval."""

MOST_PODS_AT_ONCE = 1000
"""In one query for the latest samples: some 40 KB of names, and an answer of some megabytes."""

MOST_PASTS_AT_ONCE = 60
"""Pods in one query for the past: each has hundreds of samples of each of its series."""


class Window(NamedTuple):
    """The samples of the last so many seconds, as they were scraped."""

    seconds: int


class Past(NamedTuple):
    """Values on a grid of moments."""

    start: datetime
    end: datetime
    step_seconds: float


class Selection(NamedTuple):
    """What is asked for, but for the pods: askers with equal selections share a query."""

    selector: str
    span: Window | Past

    @property
    def most_pods(self) -> int:
        return MOST_PODS_AT_ONCE if isinstance(self.span, Window) else MOST_PASTS_AT_ONCE


Series = Mapping[str, Any]
Ask = Callable[[Selection, Sequence[PodName]], Awaitable[Any]]


@dataclass(eq=False, slots=True)
class _Part:
    """What one asker wants, or a piece of it."""

    pods: tuple[PodName, ...]
    answer: "asyncio.Future[list[Series]]"


@dataclass(eq=False, slots=True)
class _Batch:
    parts: list[_Part] = field(default_factory=list)


class PrometheusBatches:
    """`ask` sends one query and returns what Prometheus answered."""

    def __init__(self, ask: Ask, clock: Clock) -> None:
        self._ask = ask
        self._clock = clock
        self._open: dict[Selection, _Batch] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def close(self) -> None:
        for task in self._tasks:
            task.cancel()

    async def read(self, selection: Selection, pods: Sequence[PodName]) -> list[Series]:
        """The series of these pods. Raises UnavailableError, or InvalidAnswerError."""
        batch = self._open.get(selection)
        if batch is None:
            batch = self._open[selection] = _Batch()
            task = asyncio.create_task(self._close_and_ask(selection, batch), name="batch of a Prometheus query")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        parts = [_Part(piece, asyncio.get_running_loop().create_future()) for piece in _cut(pods, selection.most_pods)]
        batch.parts += parts
        found = await asyncio.gather(*(part.answer for part in parts))
        return [series for of_part in found for series in of_part]

    async def _close_and_ask(self, selection: Selection, batch: _Batch) -> None:
        await self._wait_until_quiet(batch)
        del self._open[selection]
        await asyncio.gather(*(self._answer(selection, group) for group in _group(batch.parts, selection.most_pods)))

    async def _wait_until_quiet(self, batch: _Batch) -> None:
        began, joined = self._clock.monotonic_seconds(), -1
        while joined != len(batch.parts) and self._clock.monotonic_seconds() - began < LONGEST_WAIT_SECONDS:
            joined = len(batch.parts)
            await self._clock.sleep(QUIET_SECONDS)

    async def _answer(self, selection: Selection, parts: Sequence[_Part]) -> None:
        try:
            found = _by_pod(await self._ask(selection, sorted({pod for part in parts for pod in part.pods})))
        except RefusedError as error:
            if len(parts) == 1:
                _fail(parts, error)
                return
            middle = len(parts) // 2
            await self._answer(selection, parts[:middle])
            await self._answer(selection, parts[middle:])
        except (UnavailableError, InvalidAnswerError) as error:
            _fail(parts, error)
        except BaseException:
            # A bug, or the end: nobody may wait for ever.
            _fail(parts, UnavailableError("the query was given up"))
            raise
        else:
            for part in parts:
                if not part.answer.done():  # its asker may have been cancelled
                    part.answer.set_result([series for pod in part.pods for series in found.get(pod, ())])


def _fail(parts: Iterable[_Part], error: Exception) -> None:
    for part in parts:
        if not part.answer.done():
            part.answer.set_exception(type(error)(*error.args))


def _cut(pods: Sequence[PodName], most: int) -> Iterable[tuple[PodName, ...]]:
    return (tuple(pods[begin : begin + most]) for begin in range(0, len(pods), most))


def _group(parts: Sequence[_Part], most: int) -> list[list[_Part]]:
    """Neighbours together, as long as they are not too many pods for one query."""
    groups: list[list[_Part]] = []
    pods = most
    for part in parts:
        if pods + len(part.pods) > most:
            groups.append([])
            pods = 0
        groups[-1].append(part)
        pods += len(part.pods)
    return groups


def _by_pod(answer: Any) -> Mapping[PodName, list[Series]]:
    """Series without a pod are of no use to anybody."""
    if not isinstance(answer, list):
        raise InvalidAnswerError(f"{type(answer).__name__} instead of a list of series")
    found: defaultdict[PodName, list[Series]] = defaultdict(list)
    for series in answer:
        try:
            labels = series["metric"]
            pod = PodName(labels.get("namespace", ""), labels.get("pod", ""))
        except (AttributeError, KeyError, TypeError) as error:
            raise InvalidAnswerError(f"a series without its labels: {str(series)[:200]}") from error
        found[pod].append(series)
    return found
