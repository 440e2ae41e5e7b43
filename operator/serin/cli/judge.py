"""`kubectl serin judge`: what Serin would have decided on recorded counts, and when.

Exit codes: 0 judged, whatever the verdict; 2 bad input or usage.
"""

from dataclasses import replace
from pathlib import Path

import click

from serin.cli.bad_input import BadInputError
from serin.cli.counts_file import read_recording
from serin.cli.plan_file import read_settings
from serin.cli.plot import render_plot
from serin.cli.replay import replay
from serin.cli.report import render_json, render_report
from serin.core.evidence.settings import Settings


@click.command()
@click.argument("counts", type=click.Path(path_type=Path))
@click.option("--plan", type=click.Path(path_type=Path), help="YAML of a rollout plan, or of its analysis alone.")
@click.option("--json", "as_json", is_flag=True, help="All numbers of all intervals, for programs.")
@click.option("--plot", type=click.Path(path_type=Path), metavar="OUT.SVG", help="Draw the evidence over time.")
@click.option("--block", type=float, metavar="SECONDS", help="Expert: default 60.")
@click.option("--serial-block", type=float, metavar="SECONDS", help="Expert: default 120.")
def judge(
    counts: Path, plan: Path | None, as_json: bool, plot: Path | None, block: float | None, serial_block: float | None
) -> None:
    """Say what Serin would have decided on COUNTS, a CSV file with one row per interval.

    Its columns are interval_seconds, and requests and failures of stable1, stable2, baseline and canary, such as
    canary_requests. A row that says "start" ends an optional history, in which only the stable columns count.

    --block and --serial-block say over how long bursts and the dependence between intervals are measured. The
    operator uses the defaults.

    Exit code: 0 judged, whatever the verdict; 2 bad input.
    """
    recording = read_recording(counts)
    result = replay(recording.history, recording.intervals, _with_blocks(read_settings(plan), block, serial_block))
    if plot is not None:
        _write(plot, render_plot(result))
    click.echo(render_json(result) if as_json else render_report(result))


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


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise BadInputError(f"--plot {path}: expected a file that can be written, but {error.strerror}") from error
