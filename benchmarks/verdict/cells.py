"""The simulation's units of work: one scenario with one canary, judged by one group of methods, in chunks of runs.

A chunk that is done is a file in the cache, a cell that is done an entry of results.json; both carry a fingerprint of
what made them, so a run goes on where it was stopped, and nothing stale is ever reused.
"""

from __future__ import annotations

import functools
import hashlib
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np
from serin.core.evidence.verdict import EvidenceState, advance
from verdict.decisions import Answer, Decisions
from verdict.engine import SETTINGS, SETTINGS_WITHOUT_HISTORY, begin_runs, decide_runs, make_increments
from verdict.methods import PEERS, RAMPED, WITH_HISTORY, WITHOUT_HISTORY, Method
from verdict.ramped import RAMP, decide_ramped
from verdict.scenarios import EQUAL, INTERVAL_SECONDS, SCENARIOS, Canary, Scenario
from verdict.traffic import Ints, draw_history, draw_paths

CHUNK_RUNS = 250
PROBE_RUNS = 40


class Group(StrEnum):
    """Methods that are run together: those of numpy are cheap, the engine is not."""

    PEERS = "peers"
    SERIN = "serin"
    RAMP = "ramp"
    NO_HISTORY = "no-history"


@dataclass(frozen=True)
class Cell:
    scenario: Scenario
    canary: Canary
    group: Group

    @property
    def key(self) -> str:
        return f"{self.scenario.name}/{self.canary.name}/{self.group}"

    @property
    def title(self) -> str:
        return f"{self.scenario.title}, {self.canary.title}: {self.group}"


Summary = Mapping[str, float]
"""Of one method in one cell: runs, how many were promoted and rejected, minutes, mean requests and failures."""


def simulate(cell: Cell, chunk: int, runs: int) -> dict[str, Decisions]:
    """The decisions of every method of the cell's group on the same draws, by the method's name."""
    if cell.group is Group.RAMP:
        return _name(RAMPED, decide_ramped(cell.scenario, cell.canary, chunk, _begun(cell.scenario, chunk, runs)))
    paths = draw_paths(cell.scenario, cell.canary, chunk, runs)
    match cell.group:
        case Group.SERIN:
            return _name(WITH_HISTORY, decide_runs(paths, _begun(cell.scenario, chunk, runs)))
        case Group.NO_HISTORY:
            begun = [EvidenceState.begin((), SETTINGS_WITHOUT_HISTORY)] * runs
            return _name(WITHOUT_HISTORY, decide_runs(paths, begun, SETTINGS_WITHOUT_HISTORY))
        case _:
            return {peer.name: peer.decide(paths, cell.scenario) for peer in PEERS}


@functools.lru_cache(maxsize=1)
def _begun(scenario: Scenario, chunk: int, runs: int) -> Sequence[EvidenceState]:
    """Kept for the next canary of the same scenario: an hour of history takes as long as an hour of comparison."""
    return begin_runs(draw_history(scenario, chunk, runs))


def _name(methods: Iterable[Method], decisions: Iterable[Decisions]) -> dict[str, Decisions]:
    return {method.name: decided for method, decided in zip(methods, decisions, strict=True)}


@functools.cache
def fingerprint_engine(has_history: bool) -> str:
    """What the engine makes of two rollouts, bit for bit: its results are the same while this is."""
    scenario = SCENARIOS["bursts5"]
    paths = draw_paths(scenario, EQUAL, 0, 2)
    seen: list[str] = []
    begin = begin_runs(draw_history(scenario, 0, 2)) if has_history else [EvidenceState.begin((), SETTINGS)] * 2
    for run, begun in enumerate(begin):
        state = begun
        for n, f in zip(paths.requests[run].tolist(), paths.failures[run].tolist(), strict=True):
            state = advance(state, make_increments(n, f), SETTINGS)
            seen.append(f"{state.proof.log_goods} {state.log_bad(SETTINGS)!r} {state.bursts}")
            if not has_history:
                seen.append(f"{state.doubt} {state.log_proven(SETTINGS)!r}")
    return hashlib.sha256("\n".join(seen).encode()).hexdigest()


def fingerprint(cell: Cell) -> str:
    """Of the draws and of what judges them."""
    digest = hashlib.sha256(repr((cell.scenario, cell.canary)).encode())
    paths = draw_paths(cell.scenario, cell.canary, 0, PROBE_RUNS)
    for counts in (paths.requests, paths.failures):
        digest.update(np.ascontiguousarray(counts).tobytes())
    match cell.group:
        case Group.PEERS:
            for peer in PEERS:
                digest.update(peer.name.encode() + _to_table(peer.decide(paths, cell.scenario)).tobytes())
        case Group.RAMP:
            digest.update(f"{fingerprint_engine(has_history=True)} {RAMP}".encode())
        case Group.SERIN:
            digest.update(fingerprint_engine(has_history=True).encode())
        case Group.NO_HISTORY:
            digest.update(fingerprint_engine(has_history=False).encode())
    return digest.hexdigest()[:16]


def simulate_to_files(work: Sequence[tuple[Cell, Path]], chunk: int) -> list[tuple[Cell, float]]:
    """One chunk of some cells of one scenario; their decisions are in the files then. CPU seconds that each took."""
    return [(cell, _simulate_to_file(cell, chunk, file)) for cell, file in work]


def _simulate_to_file(cell: Cell, chunk: int, file: Path) -> float:
    began = time.process_time()
    decisions = simulate(cell, chunk, CHUNK_RUNS)
    seconds = time.process_time() - began
    tables = {name: _to_table(decided) for name, decided in decisions.items()}
    unfinished = file.with_suffix(".part")
    with unfinished.open("wb") as out:
        np.savez_compressed(out, allow_pickle=False, cpu_seconds=np.array(seconds), **tables)
    unfinished.rename(file)
    return seconds


def summarize(files: Iterable[Path]) -> dict[str, Summary]:
    """By method, over all chunks of a cell; "cost" has the CPU seconds of all of them."""
    chunks = [dict(np.load(file)) for file in files]
    cpu_seconds = sum(float(chunk.pop("cpu_seconds")) for chunk in chunks)
    summaries = {name: dict(_summarize(np.concatenate([chunk[name] for chunk in chunks]))) for name in chunks[0]}
    return {**summaries, "cost": {"cpu_seconds": round(cpu_seconds, 1)}}


def _to_table(decided: Decisions) -> Ints:
    return np.stack([decided.answers, decided.intervals, decided.requests, decided.failures], axis=1)


def _summarize(table: Ints) -> Iterator[tuple[str, float]]:
    answers, intervals, requests, failures = table.T
    minutes = intervals * INTERVAL_SECONDS / 60
    yield "runs", len(answers)
    yield "promoted", int((answers == Answer.PROMOTE).sum())
    yield "rejected", int((answers == Answer.REJECT).sum())
    yield "rejected_in_two", int(((answers == Answer.REJECT) & (intervals <= 2)).sum())
    yield "minutes_median", round(float(np.median(minutes)), 2)
    yield "minutes_late", round(float(np.quantile(minutes, 0.95)), 2)
    yield "requests_mean", round(float(requests.mean()), 1)
    yield "failures_mean", round(float(failures.mean()), 2)
