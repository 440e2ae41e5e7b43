"""The warm-up: what young pods do is not judged, but a canary that is broken need not be given a minute of requests.

Canary and baseline are equally young, so the test for harm is as right in the warm-up as after it. It runs on numbers
of its own, which end with the warm-up. Only failures count, for slow first answers are what a warm-up is for; only a
difference that no cold cache explains; and only at a tenth of `falseReject`, so that this second test adds no more than
that tenth to the errors of the comparison.
"""

from collections.abc import Mapping
from dataclasses import replace

from serin.core.evidence.combination import Verdict, combine
from serin.core.evidence.counts import Increments
from serin.core.evidence.settings import Settings
from serin.core.evidence.verdict import EvidenceState, Judgement, Outcome, advance, judge
from serin.core.rollout.streams import Stream

# By so much more of its requests must the canary have failed: ten percentage points.
BROKEN_DIFFERENCE = 0.1
# The alternatives that are bet on are this and a multiple, 20 and 50 points more: with those of a usual margin a canary
# that fails half of one request per second is found one interval later.
BROKEN_MARGIN = 0.2
SHARE_OF_FALSE_REJECT = 0.1


def make_warmup_settings(settings: Settings) -> Settings:
    """Of a metric. The stable pods are no match for young ones, whatever the canary is compared with later."""
    return replace(
        settings,
        false_reject=SHARE_OF_FALSE_REJECT * settings.false_reject,
        margin_absolute=BROKEN_MARGIN,
        margin_relative=0.0,
        tolerance=0.0,
        control_includes_stable=False,
    )


def watch_warmup(stream: Stream, closed: Increments, settings: Settings) -> Stream:
    """A stream of failures after one more interval; what it has learned of bursts before weighs here, too."""
    before = stream.warmup or EvidenceState(bursts=stream.evidence.bursts)
    return replace(stream, warmup=advance(before, closed, make_warmup_settings(settings)))


def find_broken(streams: Mapping[str, Stream], settings: Mapping[str, Settings]) -> Verdict | None:
    """The verdict on a canary that is broken already; None while it is not, and before the first interval.

    Streams of failures have the names of their metrics.
    """
    watched = {name: stream.warmup for name, stream in streams.items() if stream.warmup is not None}
    used = {name: make_warmup_settings(settings[name]) for name in watched}
    judgements = {name: judge(state, used[name]) for name, state in watched.items()}
    if not any(map(_is_broken, judgements.values())):
        return None
    verdict = combine({name: {name: judgement} for name, judgement in judgements.items()}, used)
    return verdict if verdict.outcome is Outcome.REJECT else None


def _is_broken(judgement: Judgement) -> bool:
    return judgement.canary.failure_rate - judgement.baseline.failure_rate >= BROKEN_DIFFERENCE
