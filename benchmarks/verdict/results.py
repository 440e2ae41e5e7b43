"""What results.json holds, as the tables show it; "–" for what was not simulated."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from verdict.methods import Method
from verdict.scenarios import Canary, Scenario

MISSING = "–"


@dataclass(frozen=True)
class Results:
    stored: Mapping[str, Any]

    def find(self, scenario: Scenario, canary: Canary, method: Method) -> Mapping[str, float] | None:
        """The summary of one method in one cell."""
        for group in ("peers", "serin", "no-history", "ramp"):
            methods = self.stored.get(f"{scenario.name}/{canary.name}/{group}", {}).get("methods", {})
            if method.name in methods:
                found: Mapping[str, float] = methods[method.name]
                return found
        return None

    def has(self, scenario: Scenario, canary: Canary, method: Method) -> bool:
        return self.find(scenario, canary, method) is not None

    def share(self, scenario: Scenario, canary: Canary, method: Method, what: str) -> float | None:
        """In percent of the runs; `what` is promoted, rejected or rejected_in_two."""
        found = self.find(scenario, canary, method)
        return None if found is None else 100 * found[what] / found["runs"]

    def percent(self, scenario: Scenario, canary: Canary, method: Method, what: str) -> str:
        share = self.share(scenario, canary, method, what)
        return MISSING if share is None else f"{share:.1f}"

    def in_two(self, scenario: Scenario, canary: Canary, method: Method) -> str:
        return f"{self.percent(scenario, canary, method, 'rejected_in_two')} %"

    def minutes(self, scenario: Scenario, canary: Canary, method: Method) -> str:
        found = self.find(scenario, canary, method)
        return MISSING if found is None else f"{found['minutes_median']:.1f} / {found['minutes_late']:.1f}"

    def median(self, scenario: Scenario, canary: Canary, method: Method) -> str:
        found = self.find(scenario, canary, method)
        return MISSING if found is None else f"{found['minutes_median']:.1f}"

    def failures(self, scenario: Scenario, canary: Canary, method: Method) -> str:
        found = self.find(scenario, canary, method)
        return MISSING if found is None else f"{found['failures_mean']:,.0f}"

    def worst(self, method: Method, canary: Canary, what: str, scenarios: Iterable[Scenario]) -> str:
        """The largest share and its scenario."""
        shares = [(self.share(scenario, canary, method, what), scenario.title) for scenario in scenarios]
        known = [(share, title) for share, title in shares if share is not None]
        if not known:
            return MISSING
        share, title = max(known)
        return f"{share:.1f} % ({title})"

    def describe(self) -> str:
        """Where the numbers come from."""
        facts = self.stored.get("measured")
        cells = [cell for key, cell in self.stored.items() if key != "measured"]
        if not facts or not cells:
            return "Nothing is simulated yet.\n"
        cpu_seconds = sum(cell["methods"]["cost"]["cpu_seconds"] for cell in cells)
        main_cpu_seconds = sum(
            cell["methods"]["cost"]["cpu_seconds"] for key, cell in self.stored.items() if key.startswith("99/")
        )
        runs = min(cell["runs"] for cell in cells)
        return (
            f"Simulated on {facts['date']} with the engine of commit {facts['commit']}: {runs:,} runs of each of "
            f"{len(cells)} cells, seed {facts['seed']} (standard error: 0.5 points near 5 %, 0.2 near 1 %). "
            f"{facts['cpus']} × {facts['cpu']}, Python {facts['python']}, numpy {facts['numpy']}; "
            f"{cpu_seconds / 60:.0f} minutes of CPU, {main_cpu_seconds / 60:.1f} of them for the 99 % service.\n"
        )
