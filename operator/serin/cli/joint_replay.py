"""One verdict from the streams of one metric, after each interval: what the operator would have known.

A Ratio has one stream, a Histogram one for each of its bounds.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from serin.cli.counts_file import Recording
from serin.cli.replay import DECIDED, Replay, Step, replay
from serin.core.evidence.combination import combine
from serin.core.evidence.settings import Settings
from serin.core.evidence.verdict import EvidenceState, Outcome, advance, judge


@dataclass(frozen=True)
class JointReplay:
    """By stream what it shows alone, and what all say together; `interval` counts from 1, as in a Replay."""

    streams: Mapping[str, Replay]
    verdict: Outcome
    interval: int | None
    sentence: str

    @property
    def telling(self) -> str:
        """The stream that says most about the verdict."""
        if self.verdict is Outcome.REJECT:
            return max(self.streams, key=lambda name: self._last(name).log_bad)
        return min(self.streams, key=lambda name: self._last(name).log_proven)

    def _last(self, name: str) -> Step:
        return self.streams[name].steps[(self.interval or 0) - 1]


def replay_jointly(metric: str, recordings: Mapping[str, Recording], settings: Settings) -> JointReplay:
    """The recordings have the same intervals."""
    replays = {name: replay(found.history, found.intervals, settings) for name, found in recordings.items()}
    states = {name: EvidenceState.begin(found.history, settings) for name, found in recordings.items()}
    length = min(len(found.intervals) for found in recordings.values())
    verdict = combine({metric: {name: judge(state, settings) for name, state in states.items()}}, {metric: settings})
    for i in range(length):
        states = {name: advance(states[name], found.intervals[i], settings) for name, found in recordings.items()}
        judgements = {name: judge(state, settings) for name, state in states.items()}
        verdict = combine({metric: judgements}, {metric: settings})
        if verdict.outcome in DECIDED:
            return JointReplay(replays, verdict.outcome, i + 1, verdict.sentence)
    outcome, sentence = verdict.outcome, verdict.sentence
    if outcome is Outcome.ANALYZING:
        outcome, sentence = Outcome.INCONCLUSIVE, f"Inconclusive: the counts end before a decision. {sentence}"
    return JointReplay(replays, outcome, length or None, sentence)
