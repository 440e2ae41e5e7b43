"""Runs `kubectl serin` on files written for the test."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result
from serin.cli.main import main
from unit.evidence.intervals import REFERENCE_ROWS

HEADER = (
    "interval_seconds,stable1_requests,stable1_failures,stable2_requests,stable2_failures,"
    "baseline_requests,baseline_failures,canary_requests,canary_failures"
)
REFERENCE = tuple(",".join(map(str, (10, *row))) for row in REFERENCE_ROWS)
EQUAL, WORSE, IDLE = "10,400,4,400,4,100,1,100,1", "10,400,4,400,4,100,1,100,50", "10,400,4,400,4,0,0,0,0"
QUIET_HISTORY = ("10,400,4,400,4,,,,",) * 360


class Desk:
    """A folder with the files of one test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def judge(self, rows: Iterable[str], *options: str, plan: str | None = None, header: str = HEADER) -> Result:
        counts = self.folder / "counts.csv"
        counts.write_text("\n".join([header, *rows]) + "\n")
        if plan is not None:
            (self.folder / "plan.yaml").write_text(plan)
            options = (*options, "--plan", str(self.folder / "plan.yaml"))
        return CliRunner().invoke(main, ["judge", str(counts), *options])

    def judged(self, rows: Iterable[str], *options: str, plan: str | None = None) -> Any:
        """The JSON that a successful run prints."""
        result = self.judge(rows, "--json", *options, plan=plan)
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    def refused(self, rows: Iterable[str], plan: str | None = None, header: str = HEADER) -> str:
        """The message of a run that refuses its input."""
        result = self.judge(rows, plan=plan, header=header)
        assert (result.exit_code, result.stdout) == (2, ""), result.output
        return result.stderr.replace(f"{self.folder}/", "").removeprefix("Error: ").strip()


def column(judged: Any, name: str) -> list[Any]:
    """One quantity over all intervals."""
    return [interval[name] for interval in judged["intervals"]]
