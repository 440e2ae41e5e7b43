"""Results to docs/verdict-measured.md, the summary in docs/verdict.md and the plots."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from verdict.methods import (
    METHODS,
    NO_HISTORY,
    NO_HISTORY_1,
    PEERS,
    RAMP,
    RAMP_1,
    SERIN,
    SERIN_1,
    Method,
)
from verdict.plots import render_errors_plot, render_speed_plot
from verdict.results import Results
from verdict.scenarios import (
    AT_MARGIN,
    BROKEN,
    EQUAL,
    EXTRA,
    LIMITS,
    PLUS_1,
    PLUS_5,
    ROBUSTNESS,
    USUAL,
    Scenario,
)

BEGIN, END = "<!-- written by make bench-verdict -->", "<!-- end of what make bench-verdict wrote -->"
BOUND = 5.0
# Two standard errors of 2,000 runs above the bound are taken for chance.
WORTH_A_MARK = BOUND + 200 * math.sqrt(0.05 * 0.95 / 2000)
COMPARED = (*PEERS, SERIN, NO_HISTORY)

INTRODUCTION = """\
# The verdict, measured

`make bench-verdict` simulates rollouts, lets Serin's engine and the methods of others judge the very same ones, and
writes this page. It shows its progress and goes on where it was stopped (`AGAIN=1` forgets what was simulated,
`TABLES=main` does the first table alone). What is computed is explained in [verdict.md](verdict.md).

100 requests/s, Poisson: 10 % each to baseline and canary, 80 % to the stable pods in two halves; a look every 10 s,
30 minutes at most, no `minDuration` (without history its default, 5 minutes); margin max(0.5 pp, 20 % of the rate).
Serin learns the dispersion from an hour of history, if nothing else is said. Every method may be wrong in 5 % of the
cases where it knows such a bound (α = β = 5 %). "At the margin" the canary is worse by exactly the margin at every
moment. A run that is not decided after 30 minutes counts with 30. Failures and requests are those of the canary until
the decision, means; times are medians, and the 95th percentile after the stroke.
"""

METHODS_NOTE = """\
Argo Rollouts and Flagger compare the canary's success rate of the last minute with a constant, every minute: Argo ten
times, with `failureLimit` failures allowed (more end the run) and `consecutiveErrorLimit` 4; Flagger until ten checks
have passed, or `threshold` have failed, added up. "Tuned" Argo knows the service: its threshold is the success rate
less the margin; 95 % is the example of Argo's documentation, 99 % that of Flagger's. Kayenta's judge (Mann-Whitney,
98 % interval, tolerance 0.25) sees 30 points of one minute and is approximated by order statistics. The z-tests, Wald's
SPRT (on whose failure each is, with the true base rate declared), the mixture SPRT and the asymptotic confidence
sequence (arXiv 2103.06476) test both questions one-sided; all but "one look" every 10 s. None of these is the original
program.
"""

NOTES = {
    "robustness": """\
False reject % (equal canary) / false promote % (canary at the margin), 99 % service. Bold: above 5 % by more than two
standard errors. Incident: everything fails 20 % in minutes 3–6, on top of a wave of the rate. Bursts: failures in
groups of geometric size. Crash: a pod fails 60 % for 10 s; episode: 30 % for 60 s; stable, baseline and canary pods
alike. Warm-up: baseline and canary fail 3 pp more for two minutes, stable does not. No traffic: none for 5 minutes,
then in half of the intervals.""",
    "decided": """\
Serin with history at α = 5 %. An equal canary that is not promoted within 30 minutes is *inconclusive*: they hold too
few independent failures to tell.""",
    "extra": """\
False reject % / false promote % as above; bursts of Pareto size have the shape 1.5, noise is log-normal. Noise that is
private to a pod and slower than the 60-s blocks in which dispersion is learned is a known weak spot.""",
    "limits": """\
The canary is 1 pp worse, but not while the incident lasts, in which it fails as much as everything else. It is then not
worse in every interval, and the bound does not speak of it. Promoted by Serin:""",
    "ramp": """\
The shares of canary and baseline each: 10 % all the time, or 1, 2, 5, 10, 25, 45 %, a step after 20 s, held while
E_bad is at least 1.5, one step back at 10. α = 5 %.""",
}


def write_report(stored: dict[str, Any], docs: Path) -> None:
    results = Results(stored)
    (docs / "verdict-measured.md").write_text(render_page(results))
    (docs / "images/verdict-errors.svg").write_text(render_errors_plot(results))
    (docs / "images/verdict-speed.svg").write_text(render_speed_plot(results))
    page = docs / "verdict.md"
    before, _, rest = page.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    page.write_text(f"{before}{BEGIN}\n{render_summary(results)}\n{END}{after}")


def render_page(results: Results) -> str:
    parts = [INTRODUCTION, results.describe(), METHODS_NOTE]
    parts += ["![Errors by scenario](images/verdict-errors.svg)\n", "![Cost and time](images/verdict-speed.svg)\n"]
    for scenario in USUAL:
        at_margin = f"worse by {100 * scenario.margin:.3g} pp is at the margin"
        parts.append(f"## {scenario.title} service\n\nA canary {at_margin}.\n")
        parts.append(_render_service(results, scenario))
    for key, title, table in (
        ("robustness", "Robustness", _render_errors(results, ROBUSTNESS)),
        ("decided", "What is decided", _render_decided(results)),
        ("extra", "Extra scenarios", _render_errors(results, EXTRA)),
        ("limits", "Beyond the bound", _render_limits(results)),
        ("ramp", "The ramp", _render_ramp(results)),
    ):
        parts.append(f"## {title}\n\n{NOTES[key]}\n")
        parts.append(table)
    return "\n".join(parts)


def render_summary(results: Results) -> str:
    """For docs/verdict.md: what was promised and what came out."""
    rows = []
    for method, bound in ((SERIN, 5), (SERIN_1, 1), (NO_HISTORY, 5), (NO_HISTORY_1, 1)):
        worst_reject = results.worst(method, EQUAL, "rejected", (*USUAL, *ROBUSTNESS))
        worst_promote = results.worst(method, AT_MARGIN, "promoted", (*USUAL, *ROBUSTNESS))
        rows.append((method.title, f"≤ {bound} %", worst_reject, "≤ 5 %", worst_promote))
    scenarios = len(USUAL) + len(ROBUSTNESS)
    bounds = _table(("", "false reject allowed", "measured, worst", "false promote allowed", "measured, worst"), rows)
    speeds = _table(("99 % service, α = 1 %", "constant 10 %", "ramp"), _speed_rows(results))
    return (
        f"{results.describe()}\nThe worst of {scenarios} scenarios (three services, and those of robustness; those "
        f"that have no number on the other page yet are left out), 2,000 runs each:\n\n{bounds}\n{speeds}"
    )


def _speed_rows(results: Results) -> Iterable[Sequence[str]]:
    for title, canary, show in (
        ("equal canary: minutes until the decision (median / 95 %)", EQUAL, results.minutes),
        ("+1 pp: minutes until the decision", PLUS_1, results.minutes),
        ("+5 pp: minutes until the decision", PLUS_5, results.minutes),
        ("broken canary: minutes until the decision", BROKEN, results.minutes),
        ("broken canary rejected within two intervals", BROKEN, results.in_two),
        ("failed requests of a broken canary until then", BROKEN, results.failures),
    ):
        yield title, show(USUAL[0], canary, SERIN_1), show(USUAL[0], canary, RAMP_1)


def _render_service(results: Results, scenario: Scenario) -> str:
    head = (
        "Method",
        "equal: rejected %",
        "promoted %",
        "min",
        "at the margin: promoted %",
        "+1 pp: promoted %",
        "min",
        "failures",
        "+5 pp: min",
        "failures",
        "broken: min",
        "failures",
    )
    rows = []
    for method in METHODS:
        row = [
            method.title,
            results.percent(scenario, EQUAL, method, "rejected"),
            results.percent(scenario, EQUAL, method, "promoted"),
            results.minutes(scenario, EQUAL, method),
            results.percent(scenario, AT_MARGIN, method, "promoted"),
            results.percent(scenario, PLUS_1, method, "promoted"),
            results.minutes(scenario, PLUS_1, method),
            results.failures(scenario, PLUS_1, method),
        ]
        for canary in (PLUS_5, BROKEN):
            row += [results.median(scenario, canary, method), results.failures(scenario, canary, method)]
        rows.append(row)
    return _table(head, rows)


def _render_errors(results: Results, scenarios: Sequence[Scenario]) -> str:
    """Scenarios in rows: there are more of them than fit beside each other."""
    return _table(
        ("Scenario", *(method.title for method in COMPARED)),
        [(scenario.title, *(_errors(results, scenario, method) for method in COMPARED)) for scenario in scenarios],
    )


def _errors(results: Results, scenario: Scenario, method: Method) -> str:
    return " / ".join(
        _mark(results.share(scenario, canary, method, what))
        for canary, what in ((EQUAL, "rejected"), (AT_MARGIN, "promoted"))
    )


def _mark(percent: float | None) -> str:
    if percent is None:
        return "–"
    return f"**{percent:.1f}**" if percent > WORTH_A_MARK else f"{percent:.1f}"


def _render_decided(results: Results) -> str:
    head = ("Scenario", "equal: promoted %", "min", "+5 pp: rejected %", "min", "broken: rejected %", "min", "failures")
    return _table(
        head,
        [
            (
                scenario.title,
                results.percent(scenario, EQUAL, SERIN, "promoted"),
                results.minutes(scenario, EQUAL, SERIN),
                results.percent(scenario, PLUS_5, SERIN, "rejected"),
                results.minutes(scenario, PLUS_5, SERIN),
                results.percent(scenario, BROKEN, SERIN, "rejected"),
                results.minutes(scenario, BROKEN, SERIN),
                results.failures(scenario, BROKEN, SERIN),
            )
            for scenario in (USUAL[0], *ROBUSTNESS)
        ],
    )


def _render_limits(results: Results) -> str:
    return _table(
        ("Incident from minute 3 on", "with history %", "without history %"),
        [
            (scenario.title, *(results.percent(scenario, PLUS_1, method, "promoted") for method in (SERIN, NO_HISTORY)))
            for scenario in LIMITS
        ],
    )


def _render_ramp(results: Results) -> str:
    head = (
        "",
        "10 %: rejected %",
        "promoted %",
        "min",
        "failures",
        "ramp: rejected %",
        "promoted %",
        "min",
        "failures",
    )
    rows = []
    for scenario in (*USUAL, *ROBUSTNESS):
        for canary in (EQUAL, AT_MARGIN, PLUS_1, PLUS_5, BROKEN):
            if not results.has(scenario, canary, RAMP):
                continue
            row = [f"{scenario.title}, {canary.title}"]
            for method in (SERIN, RAMP):
                row += [
                    results.percent(scenario, canary, method, "rejected"),
                    results.percent(scenario, canary, method, "promoted"),
                    results.minutes(scenario, canary, method),
                    results.failures(scenario, canary, method),
                ]
            rows.append(row)
    return _table(head, rows)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Without the rows of which nothing is known."""
    known = [row for row in rows if any(set(field) - set("– /") for field in row[1:])]
    if not known:
        return "Not simulated yet.\n"
    lines = ["| " + " | ".join(head) + " |", "|---" + "|---:" * (len(head) - 1) + "|"]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in known)]) + "\n"
