"""An operator that is killed in the middle of a comparison comes to the numbers that it would have come to anyway.

Every status that it wrote holds the counters as they were consumed. From these the counts of all intervals are put
together and given to `kubectl serin judge`, which knows nothing of the kill.
"""

import json
import math
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from cluster.installation import Operator
from cluster.kubectl import Json
from cluster.traffic import Traffic
from cluster.weather import PLAN, Weather, a_weather
from serin.api.v1alpha1.plan import Analysis, Metric
from serin.cli.counts_file import Recording, render_counts
from serin.cli.main import main
from serin.core.evidence.counters import CounterState, Track, Tracks, Waiting, close_interval
from serin.core.evidence.counts import Increments
from serin.core.rollout.analysis import make_settings
from serin.core.rollout.streams import Engine, Stream

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

# Without history: what the offline command is to be given are the counts of the comparison alone.
ANALYSIS: Json = {**PLAN["analysis"], "minDuration": "40s", "dispersion": {"lookback": "0s"}}


def test_a_killed_operator_ends_with_the_numbers_of_one_that_never_died(
    weather: Weather, traffic: Traffic, operator: Operator, tmp_path: Path
) -> None:
    before = weather.namespace.recording.version
    rollout = weather.roll_out(a_weather(weather.good_version).with_plan(analysis=ANALYSIS))
    weather.until_judged(rollout)
    operator.kill()
    weather.until_phase(rollout, "Promoted")

    streams = recorded_streams(weather, rollout, before)
    judged = [
        find_increments(earlier.counters, later.counters)
        for earlier, later in pairwise(streams)
        if later.evidence.intervals > earlier.evidence.intervals  # not a look of the warm-up
    ]
    replay = judge(judged, tmp_path)

    last = streams[-1].evidence
    assert len(replay["intervals"]) == len(judged) > 5
    assert replay["verdict"] == "Promote"
    settings = make_settings(Analysis.model_validate(ANALYSIS), Metric.model_validate(ANALYSIS["metrics"][0]))
    assert math.isclose(replay["intervals"][-1]["log_good"], last.log_good, rel_tol=1e-9)
    assert math.isclose(replay["intervals"][-1]["log_bad"], last.log_bad(settings), rel_tol=1e-9)
    assert sum(found.canary.requests for found in judged) == last.canary.requests


def recorded_streams(weather: Weather, rollout: str, since: int) -> list[Stream]:
    """The stream of the success rate after every look that changed it, in order."""
    streams: list[Stream] = []
    for seen in weather.events_of("Rollout", since=since):
        engine = Engine.from_json((seen.object.get("status") or {}).get("engine") or {})
        if seen.place[1] == rollout and engine and (not streams or engine.streams["success-rate"] != streams[-1]):
            streams.append(engine.streams["success-rate"])
    return streams


def find_increments(earlier: CounterState, later: CounterState) -> Increments:
    tracks = (Track(readings, ready=frozenset(readings)) for readings in (later.stable, later.baseline, later.canary))
    closed, _ = close_interval(earlier, Tracks(*tracks))
    assert not isinstance(closed, Waiting), "a status was written without an interval that closed"
    return closed


def judge(intervals: list[Increments], folder: Path) -> Json:
    counts, plan = folder / "counts.csv", folder / "plan.yaml"
    counts.write_text(render_counts(Recording(history=(), intervals=tuple(intervals))))
    plan.write_text(yaml.safe_dump(ANALYSIS))
    told = CliRunner().invoke(main, ["judge", str(counts), "--plan", str(plan), "--json"], catch_exceptions=False)
    assert told.exit_code == 0, told.output
    replay: Json = json.loads(told.output)
    return replay
