"""The two plots as SVG text: which method errs where, and what right answers cost."""

from __future__ import annotations

import math
from collections.abc import Iterator
from html import escape

from verdict.methods import NO_HISTORY, PEERS, RAMP, SERIN, Method
from verdict.results import Results
from verdict.scenarios import AT_MARGIN, BROKEN, EQUAL, PLUS_1, ROBUSTNESS, USUAL, Canary, Scenario

STYLE = (
    "text{fill:#333}.title{font-weight:bold}.faint{fill:#777}.own{fill:#2a7de1}.peer{fill:#b8bec8}"
    ".good{fill:#cfe8d5}.poor{fill:#f9dfae}.bad{fill:#f2b6ad}.none{fill:#eee}.in{fill:#222}"
    "@media(prefers-color-scheme:dark){text{fill:#ddd}.faint{fill:#aaa}.in{fill:#222}.peer{fill:#666}.none{fill:#444}}"
)
ERRORS_SCENARIOS = (*USUAL[:1], *ROBUSTNESS)
ERRORS_METHODS = (*PEERS, NO_HISTORY, SERIN)
SPEED_METHODS = (*PEERS, SERIN, RAMP)
LEFT = 205


def _plain(method: Method) -> str:
    return method.title.replace("*", "")


def _svg(title: str, width: int, height: int, parts: list[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" '
        f'font-size="11" role="img"><title>{escape(title)}</title><style>{STYLE}</style>{"".join(parts)}</svg>\n'
    )


def render_errors_plot(results: Results) -> str:
    """A field for each method and scenario: false rejects above, false promotions below, coloured by the larger."""
    column, row, top = 62, 30, 104
    title = "False reject % (equal canary) above, false promote % (canary at the margin) below; allowed: 5 and 5"
    parts = [f'<text class="title" x="0" y="14">{title}</text>']
    for i, scenario in enumerate(ERRORS_SCENARIOS):
        x = LEFT + i * column + column / 2
        label = "quiet" if scenario is USUAL[0] else scenario.title
        parts.append(f'<text transform="translate({x:.0f} {top - 8}) rotate(-35)">{escape(label)}</text>')
    for j, method in enumerate(ERRORS_METHODS):
        y = top + j * row
        weight = ' class="title"' if method in (SERIN, NO_HISTORY) else ""
        parts.append(f'<text{weight} x="{LEFT - 8}" y="{y + 19}" text-anchor="end">{escape(_plain(method))}</text>')
        for i, scenario in enumerate(ERRORS_SCENARIOS):
            parts.append(_render_field(results, scenario, method, (LEFT + i * column, y), (column - 2, row - 2)))
    return _svg(title, LEFT + len(ERRORS_SCENARIOS) * column + 70, top + len(ERRORS_METHODS) * row + 4, parts)


def _render_field(
    results: Results, scenario: Scenario, method: Method, at: tuple[float, float], size: tuple[float, float]
) -> str:
    shares = [
        results.share(scenario, EQUAL, method, "rejected"),
        results.share(scenario, AT_MARGIN, method, "promoted"),
    ]
    known = [share for share in shares if share is not None]
    (x, y), (width, height) = at, size
    colour = "none" if not known else "good" if max(known) <= 6 else "poor" if max(known) <= 20 else "bad"
    middle = x + width / 2
    lines = "".join(
        f'<text class="in" x="{middle:.0f}" y="{y + 12 + 12 * i:.0f}" text-anchor="middle">'
        f"{'–' if share is None else f'{share:.1f}'}</text>"
        for i, share in enumerate(shares)
    )
    return f'<rect class="{colour}" x="{x}" y="{y}" width="{width}" height="{height}"/>{lines}'


def render_speed_plot(results: Results) -> str:
    """Bars on a logarithmic scale, with how often the answer is the right one."""
    title = "99 % service: what it takes to decide; bars are logarithmic"
    parts = [f'<text class="faint" x="0" y="12">{title}</text>']
    y = 18
    for heading, canary, field, right in (
        ("Broken canary: its failed requests until the decision (mean)", BROKEN, "failures_mean", "rejected"),
        ("Canary 1 pp worse: minutes until the decision (median)", PLUS_1, "minutes_median", "rejected"),
        ("Equal canary: minutes until the decision (median)", EQUAL, "minutes_median", "promoted"),
    ):
        y += 22
        parts.append(f'<text class="title" x="0" y="{y}">{heading}</text>')
        for bar in _render_bars(results, canary, field, right):
            parts.append(f'<g transform="translate(0 {y + 8})">{bar}</g>')
            y += 16
        y += 12
    return _svg(title, 760, y, parts)


def _render_bars(results: Results, canary: Canary, field: str, right: str) -> Iterator[str]:
    found = [(method, results.find(USUAL[0], canary, method)) for method in SPEED_METHODS]
    known = [(method, summary) for method, summary in found if summary is not None]
    lowest = 0.1 if field == "minutes_median" else 1.0
    scale = 330 / math.log10(max([summary[field] for _, summary in known], default=1) / lowest + 1)
    for method, summary in known:
        value = summary[field]
        width = max(1.0, scale * math.log10(value / lowest))
        share = 100 * summary[right] / summary["runs"]
        number = f"{value:,.0f}" if value >= 10 else f"{value:.1f}"
        yield (
            f'<text x="{LEFT - 8}" y="10" text-anchor="end">{escape(_plain(method))}</text>'
            f'<rect class="{"own" if method in (SERIN, RAMP) else "peer"}" x="{LEFT}" width="{width:.1f}" height="12"/>'
            f'<text x="{LEFT + width + 6:.1f}" y="10">{number}<tspan class="faint"> · {right} in {share:.1f} %'
            "</tspan></text>"
        )
