"""The verdict's mathematics over recorded intervals: what the operator would have known after each of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from serin.core.evidence.base_rate import plug_in_rate
from serin.core.evidence.counts import Increments
from serin.core.evidence.dispersion import Dispersion, HistoryInterval, decide_dispersion
from serin.core.evidence.sentences import describe
from serin.core.evidence.settings import Settings
from serin.core.evidence.verdict import EvidenceState, Judgement, Outcome, advance, judge, put_on_sides

DECIDED = (Outcome.PROMOTE, Outcome.REJECT, Outcome.INCONCLUSIVE)


@dataclass(frozen=True)
class Step:
    """One interval: what it saw, what was used for it, and the evidence and the verdict after it.

    A verdict stays once it is reached, as the operator would have acted on it; the numbers go on.
    """

    increments: Increments
    ends_at_seconds: float
    base_rate: float
    margin: float
    dispersion: Dispersion
    log_good: float
    log_proven: float  # what log_good counts for
    log_bad: float
    log_bad_likelihood: float
    log_bad_pairs: float
    verdict: Outcome


@dataclass(frozen=True)
class Replay:
    """All steps and what follows. `interval` counts from 1: the one that decided, else the last; None without any."""

    settings: Settings
    steps: tuple[Step, ...]
    verdict: Outcome
    interval: int | None
    sentence: str

    @property
    def seconds(self) -> float:
        """How long the comparison was."""
        return self.steps[-1].ends_at_seconds if self.steps else 0.0

    @property
    def decided(self) -> Step | None:
        """The step after which the operator would have acted."""
        return next((step for step in self.steps if step.verdict in DECIDED), None)


def replay(history: Sequence[HistoryInterval], intervals: Sequence[Increments], settings: Settings) -> Replay:
    """What Serin would have decided, and when."""
    state = EvidenceState.begin(history, settings)
    judgement, decided_after = judge(state, settings), None
    steps: list[Step] = []
    ends_at_seconds = 0.0
    for increments in intervals:
        before, state = state, advance(state, increments, settings)
        ends_at_seconds += increments.seconds
        if decided_after is None:
            judgement = judge(state, settings)
            if judgement.outcome in DECIDED:
                decided_after = len(steps) + 1
        steps.append(_step(before, state, increments, ends_at_seconds, judgement.outcome, settings))
    return _conclude(tuple(steps), judgement, decided_after, settings)


def _step(
    before: EvidenceState,
    after: EvidenceState,
    increments: Increments,
    ends_at_seconds: float,
    verdict: Outcome,
    settings: Settings,
) -> Step:
    base_rate = plug_in_rate(before.memory, put_on_sides(increments, settings).stable)
    return Step(
        increments=increments,
        ends_at_seconds=ends_at_seconds,
        base_rate=base_rate,
        margin=settings.margin_at(base_rate),
        dispersion=decide_dispersion(before.bursts, settings),
        log_good=after.log_good,
        log_proven=after.log_proven(settings),
        log_bad=after.log_bad(settings),
        log_bad_likelihood=after.harm.log_likelihood(after.intervals, settings),
        log_bad_pairs=after.harm.log_pairs(after.intervals, settings),
        verdict=verdict,
    )


def _conclude(steps: tuple[Step, ...], judgement: Judgement, decided_after: int | None, settings: Settings) -> Replay:
    verdict, sentence = judgement.outcome, describe(judgement, settings)
    if verdict is Outcome.ANALYZING:
        verdict, sentence = Outcome.INCONCLUSIVE, f"Inconclusive: the counts end before a decision. {sentence}"
    return Replay(settings, steps, verdict, decided_after or len(steps) or None, sentence)
