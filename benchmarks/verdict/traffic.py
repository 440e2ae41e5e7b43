"""Draws the counts of rollouts: requests and failures of both stable halves, baseline and canary, interval by interval.

Each chunk of runs has a seed of its own, so that it comes out the same whatever was simulated before.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from verdict.scenarios import (
    EQUAL,
    HISTORY_INTERVALS,
    INTERVAL_SECONDS,
    INTERVALS,
    MARGIN_ABSOLUTE,
    MARGIN_RELATIVE,
    MINUTE,
    SEED,
    Bursts,
    Canary,
    Noise,
    PodEvent,
    Scenario,
)

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

FIRST, SECOND, BASELINE, CANARY = range(4)
PODS_PER_HALF = 4


@dataclass(frozen=True)
class Paths:
    """Counts by run, interval and track: FIRST and SECOND half of stable, BASELINE, CANARY."""

    requests: Ints
    failures: Ints


@dataclass(frozen=True)
class History:
    """Counts by run, interval and half of stable, FIRST and SECOND, before the comparison."""

    requests: Ints
    failures: Ints


@dataclass(frozen=True)
class Window:
    """A stretch of time, in intervals after the begin of the comparison; negative ones are history."""

    first: int
    intervals: int

    @property
    def is_history(self) -> bool:
        return self.first < 0

    @property
    def times(self) -> Ints:
        return np.arange(self.first, self.first + self.intervals)


COMPARISON = Window(0, INTERVALS)
HISTORY = Window(-HISTORY_INTERVALS, HISTORY_INTERVALS)


def make_generator(scenario: Scenario, of: str, chunk: int) -> Generator:
    """The source of randomness of one chunk; `of` is a canary's name, or says what else is drawn."""
    return np.random.default_rng([SEED, zlib.crc32(f"{scenario.name}/{of}".encode()), chunk])


def draw_paths(scenario: Scenario, canary: Canary, chunk: int, runs: int) -> Paths:
    return Paths(*_draw(make_generator(scenario, canary.name, chunk), scenario, canary, runs, COMPARISON))


def draw_history(scenario: Scenario, chunk: int, runs: int) -> History:
    """The same for every canary of the scenario: the stable pods do not know of it."""
    requests, failures = _draw(make_generator(scenario, "history", chunk), scenario, EQUAL, runs, HISTORY)
    return History(requests[..., :BASELINE], failures[..., :BASELINE])


def make_canary_rate(rate: Floats, canary: Canary) -> Floats:
    """The canary's failure rate where the baseline has `rate`."""
    margin = np.maximum(MARGIN_ABSOLUTE, MARGIN_RELATIVE * rate)
    extra = margin if canary.extra is None else canary.extra
    return np.clip(np.maximum(rate + extra, canary.least_rate), 0.0, 1.0)


def _draw(rng: Generator, scenario: Scenario, canary: Canary, runs: int, window: Window) -> tuple[Ints, Ints]:
    # What is independent between pods needs no pods: a half is then one of four times the traffic.
    by_pod = scenario.pod_event is not None or (scenario.noise is not None and not scenario.noise.is_shared)
    pods_per_half = PODS_PER_HALF if by_pod else 1
    scale = PODS_PER_HALF / pods_per_half
    pod_scale = np.array([scale] * (2 * pods_per_half) + [1.0, 1.0])
    rates = draw_rates(rng, scenario, canary, (runs, window.intervals, pod_scale.size), window)
    mean_requests = scenario.variant_rps * INTERVAL_SECONDS * _shape_traffic(rng, scenario, runs, window) * pod_scale
    requests = rng.poisson(np.broadcast_to(mean_requests, (runs, window.intervals, pod_scale.size)))
    failures = _draw_failures(rng, scenario.bursts, requests, rates)
    ends = [0, pods_per_half, 2 * pods_per_half, 2 * pods_per_half + 1]
    return np.add.reduceat(requests, ends, axis=2), np.add.reduceat(failures, ends, axis=2)


def draw_rates(
    rng: Generator, scenario: Scenario, canary: Canary, shape: tuple[int, int, int], window: Window
) -> Floats:
    """Failure rate by run, interval and pod; the last pod is the canary's, the one before it the baseline's."""
    runs, intervals, pods = shape
    base = scenario.base_rate * (1 + scenario.rate_wave * np.sin(2 * np.pi * window.times / (30 * MINUTE)))
    incident = scenario.incident
    if incident is not None:
        begin, end = incident.from_minute * MINUTE, incident.until_minute * MINUTE
        is_incident = (window.times >= begin) & (window.times < end)
        base = np.where(is_incident, incident.rate, base)
    base = np.broadcast_to(base, (runs, intervals))
    noise = scenario.noise
    if noise is not None and noise.is_shared:
        base = np.clip(base * _draw_noise(rng, noise, (runs, intervals)), 0.0, 1.0)
    rates = np.repeat(base[:, :, None], pods, axis=2)
    rates[..., -1] = make_canary_rate(base, canary)
    if incident is not None and incident.hits_alike:
        rates[:, is_incident, -1] = incident.rate
    if noise is not None and not noise.is_shared:
        rates *= _draw_noise(rng, noise, shape)
    if scenario.pod_event is not None:
        is_active = _draw_events(rng, scenario.pod_event, shape)
        rates = np.where(is_active, np.maximum(rates, scenario.pod_event.rate), rates)
    if scenario.warm_up is not None and not window.is_history:
        rates[:, : scenario.warm_up.seconds // INTERVAL_SECONDS, -2:] += scenario.warm_up.extra
    return np.clip(rates, 0.0, 1.0)


def _draw_noise(rng: Generator, noise: Noise, shape: tuple[int, ...]) -> Floats:
    length = noise.seconds // INTERVAL_SECONDS
    runs, intervals, *pods = shape
    blocks = rng.normal(-(noise.deviation**2) / 2, noise.deviation, (runs, -(-intervals // length), *pods))
    return np.exp(np.repeat(blocks, length, axis=1)[:, :intervals])


def _draw_events(rng: Generator, event: PodEvent, shape: tuple[int, int, int]) -> NDArray[np.bool_]:
    begins = rng.random(shape) < INTERVAL_SECONDS / (3600 * event.every_hours)
    is_active = begins.copy()
    for later in range(1, event.seconds // INTERVAL_SECONDS):
        is_active[:, later:] |= begins[:, :-later]
    return is_active


def _shape_traffic(rng: Generator, scenario: Scenario, runs: int, window: Window) -> Floats:
    """Traffic as a multiple of the usual, by run and interval."""
    shape = 1 + scenario.traffic_wave * np.sin(2 * np.pi * window.times / (10 * MINUTE))
    traffic = np.broadcast_to(shape, (runs, window.intervals))
    if scenario.silent_minutes and not window.is_history:
        is_silent = rng.random((runs, window.intervals)) < 0.5
        is_silent[:, : scenario.silent_minutes * MINUTE] = True
        traffic = np.where(is_silent, 0.0, traffic)
    return traffic[:, :, None]


def _draw_failures(rng: Generator, bursts: Bursts | None, requests: Ints, rates: Floats) -> Ints:
    if bursts is None:
        return rng.binomial(requests, rates)
    if bursts.pareto_shape:
        return np.minimum(_draw_pareto_sums(rng, bursts.pareto_shape, requests * rates), requests)
    groups = rng.poisson(requests * rates / bursts.mean)
    # A geometric size is 1 and the failures before the first success; their sum is negative binomial.
    more = rng.negative_binomial(np.maximum(groups, 1), 1 / bursts.mean)
    return np.minimum(np.where(groups > 0, groups + more, 0), requests)


def _draw_pareto_sums(rng: Generator, shape: float, mean_failures: Floats) -> Ints:
    mean_size = float(np.sum(np.arange(1.0, 1e6) ** -shape))  # of the whole part of a Pareto number from 1 on
    groups = rng.poisson(mean_failures / mean_size)
    sizes = np.minimum(np.floor(rng.random(int(groups.sum())) ** (-1 / shape)), 1e9).astype(np.int64)
    ends = np.concatenate([[0], np.cumsum(sizes)])
    last = np.cumsum(groups.ravel())
    sums: Ints = (ends[last] - ends[last - groups.ravel()]).reshape(groups.shape)
    return sums
