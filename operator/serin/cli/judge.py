"""`kubectl serin judge`: what Serin would have decided on recorded counts, and when.

Exit codes: 0 judged, whatever the verdict; 2 bad input or usage.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import click

from serin.api.v1alpha1.plan import Analysis, Metric
from serin.api.v1alpha1.shared import duration_seconds
from serin.cli.bad_input import BadInputError
from serin.cli.counts_file import Recording, read_recording, render_counts
from serin.cli.drift_replay import replay_drift
from serin.cli.drift_report import render_drift_json, render_drift_report
from serin.cli.joint_replay import replay_jointly
from serin.cli.plan_file import read_analysis
from serin.cli.plot import render_plot
from serin.cli.prometheus_counts import Past, PastCounts
from serin.cli.replay import replay
from serin.cli.report import render_joint_json, render_joint_report, render_json, render_report
from serin.core.evidence.settings import Settings
from serin.core.metric_presets import PRESETS
from serin.core.rollout.analysis import make_settings
from serin.core.rollout.drifts import make_drift_settings
from serin.core.rollout.questions import has_own_selectors, make_question


class Moment(click.ParamType[datetime]):
    """A time with its zone, as `date --iso-8601=seconds` prints it."""

    name = "TIME"

    def convert(self, value: str | datetime, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        if isinstance(value, datetime):
            return value
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r}, expected a time such as 2026-11-24T14:03:00Z", param, ctx)
        if moment.tzinfo is None:
            self.fail(f"{value!r} has no zone, expected a time such as 2026-11-24T14:03:00Z", param, ctx)
        return moment


@click.command()
@click.argument("counts", required=False, type=click.Path(path_type=Path))
@click.option("--plan", type=click.Path(path_type=Path), help="YAML of a rollout plan, or of its analysis alone.")
@click.option("--json", "as_json", is_flag=True, help="All numbers of all intervals, for programs.")
@click.option("--plot", type=click.Path(path_type=Path), metavar="OUT.SVG", help="Draw the evidence over time.")
@click.option("--prometheus", metavar="URL", help="Ask this Prometheus for the counts of a past rollout.")
@click.option("--baseline", metavar="SELECTOR", help="Its pods, as label matchers: pod=~'weather-1a2b-baseline-.*'")
@click.option("--canary", metavar="SELECTOR", help="Likewise.")
@click.option(
    "--preset",
    type=click.Choice(sorted(name for name, preset in PRESETS.items() if not preset.is_in_router)),
    default="Serin",
    show_default=True,
    help="Whose counters they are, where the plan's metric names none.",
)
@click.option("--metric", metavar="NAME", help="Of several the one to judge; default: the first that is no Categories.")
@click.option("--stable", metavar="SELECTOR", help="Likewise; without it nothing is learned about bursts.")
@click.option("--from", "begin", type=Moment(), help="When the comparison began, after its warm-up.")
@click.option("--to", "end", type=Moment(), help="When it ended.")
@click.option("--write-counts", type=click.Path(path_type=Path), metavar="OUT.CSV", help="Keep what was judged.")
@click.option("--block", type=float, metavar="SECONDS", help="Expert: default 60.")
@click.option("--serial-block", type=float, metavar="SECONDS", help="Expert: default 120.")
def judge(
    counts: Path | None,
    plan: Path | None,
    as_json: bool,
    plot: Path | None,
    write_counts: Path | None,
    **further: Any,
) -> None:
    """Say what Serin would have decided on COUNTS, a CSV file with one row per interval, or on a past rollout.

    The columns are interval_seconds, and requests and failures of stable1, stable2, baseline and canary, such as
    canary_requests. A row that says "start" ends an optional history, in which only the stable columns count.

    A past rollout is asked for with --prometheus, --baseline, --canary, --from and --to.

    --block and --serial-block say over how long bursts and the dependence between intervals are measured. The
    operator uses the defaults.

    Exit code: 0 judged, whatever the verdict; 2 bad input.
    """
    analysis = read_analysis(plan)
    metric = _find_metric(analysis, further["metric"])
    if counts is not None and further["prometheus"]:
        raise click.UsageError("COUNTS and --prometheus exclude each other: give one of them")
    if metric.type == "Categories":
        click.echo(_judge_predictions(analysis, metric, as_json, [counts, plot, write_counts], further))
        return
    recordings = _read_past(analysis, metric, further) if counts is None else {metric.name: read_recording(counts)}
    settings = _with_blocks(make_settings(analysis, metric), further["block"], further["serial_block"])
    if write_counts is not None:
        if len(recordings) > 1:
            raise click.UsageError("--write-counts keeps one stream: give the metric a single one of its bounds")
        (recording,) = recordings.values()
        _write("--write-counts", write_counts, render_counts(recording))
    if len(recordings) > 1:
        joint = replay_jointly(metric.name, recordings, settings)
        told, as_text = joint.streams[joint.telling], render_joint_json if as_json else render_joint_report
        text = as_text(joint)
    else:
        (recording,) = recordings.values()
        told = replay(recording.history, recording.intervals, settings)
        text = render_json(told) if as_json else render_report(told)
    if plot is not None:
        _write("--plot", plot, render_plot(told))
    click.echo(text)


def _find_metric(analysis: Analysis, name: str | None) -> Metric:
    if name is None:
        return next(metric for metric in analysis.metrics if metric.type != "Categories")
    found = next((metric for metric in analysis.metrics if metric.name == name), None)
    if found is None:
        known = ", ".join(metric.name for metric in analysis.metrics)
        raise click.UsageError(f"--metric {name}, expected a metric of the plan: {known}")
    return found


def _judge_predictions(
    analysis: Analysis, metric: Metric, as_json: bool, files: Sequence[Path | None], past: Mapping[str, Any]
) -> str:
    if any(files):
        raise click.UsageError(
            f"metric {metric.name} is of type Categories: it is asked for with --prometheus, and neither kept nor drawn"
        )
    counts, wanted = _find_past(analysis, metric, past)
    settings = make_drift_settings(metric, make_settings(analysis, metric))
    found = replay_drift(counts.read_predictions(wanted), settings)
    return render_drift_json(found) if as_json else render_drift_report(found)


def _read_past(analysis: Analysis, metric: Metric, past: Mapping[str, Any]) -> Mapping[str, Recording]:
    counts, wanted = _find_past(analysis, metric, past)
    return counts.read(wanted)


def _find_past(analysis: Analysis, metric: Metric, past: Mapping[str, Any]) -> tuple[PastCounts, Past]:
    missing = [option for option, name in _PAST_OPTIONS.items() if not past[name]]
    if missing:
        raise click.UsageError(f"without COUNTS a past rollout is judged, which needs {', '.join(missing)}")
    begin, end = past["begin"], past["end"]
    if begin >= end:
        raise click.UsageError(f"--from {begin.isoformat()}, expected a time before --to {end.isoformat()}")
    lookback = timedelta(seconds=duration_seconds(analysis.dispersion.lookback))
    wanted = Past(past["baseline"], past["canary"], past["stable"], begin, end, lookback_begin=begin - lookback)
    preset = PRESETS[past["preset"]]
    if metric.type == "Histogram" and metric.buckets is None and preset.buckets is None:
        raise click.UsageError(f"--preset {past['preset']} has no histogram: name one in buckets of {metric.name!r}")
    if metric.type == "Categories" and not has_own_selectors(metric) and preset.predictions is None:
        raise click.UsageError(f"--preset {past['preset']} counts no predictions: name a counter in {metric.name!r}")
    question = make_question(metric, (), metric.bounds, None if has_own_selectors(metric) else preset)
    return PastCounts(past["prometheus"], question, duration_seconds(analysis.interval)), wanted


_PAST_OPTIONS = {
    "--prometheus": "prometheus",
    "--baseline": "baseline",
    "--canary": "canary",
    "--from": "begin",
    "--to": "end",
}


def _with_blocks(settings: Settings, block_seconds: float | None, serial_block_seconds: float | None) -> Settings:
    try:
        return replace(
            settings,
            block_seconds=settings.block_seconds if block_seconds is None else block_seconds,
            serial_block_seconds=settings.serial_block_seconds
            if serial_block_seconds is None
            else serial_block_seconds,
        )
    except ValueError as error:
        raise BadInputError(str(error)) from error


def _write(option: str, path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise BadInputError(f"{option} {path}: expected a file that can be written, but {error.strerror}") from error
