"""A replay as an SVG drawing: both evidences over time against the thresholds at which they decide.

The vertical axis is logarithmic, as evidence multiplies. The colours follow the reader's light or dark mode.
"""

import math
from html import escape

from serin.cli.replay import Replay, Step
from serin.core.evidence.sentences import duration

WIDTH, HEIGHT = 860, 420
LEFT, RIGHT, TOP, BOTTOM = 80, 650, 60, 370  # of the area with the lines; names stand on its right
DECADES_BELOW, DECADES_ABOVE = 2, 1  # shown beyond "no evidence" and beyond the higher threshold
TIME_STEPS_SECONDS = (10, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 43200, 86400)
MOST_TIME_STEPS = 7
LEAST_DISTANCE = 16  # of two lines of text

STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #1f2328; }
  .paper { fill: #ffffff; }
  .quiet { fill: #59636e; }
  .grid { stroke: #d1d9e0; stroke-width: 1; }
  .good { stroke: #0969da; } .good-text { fill: #0969da; }
  .bad { stroke: #bc4c00; } .bad-text { fill: #bc4c00; }
  .evidence { fill: none; stroke-width: 2; stroke-linejoin: round; }
  .threshold { stroke-width: 1.5; stroke-dasharray: 6 4; }
  .decision { stroke: #59636e; stroke-width: 1; stroke-dasharray: 2 3; }
  .title { font-size: 15px; font-weight: 600; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .paper { fill: #0d1117; }
    .quiet { fill: #9198a1; }
    .grid { stroke: #30363d; }
    .good { stroke: #58a6ff; } .good-text { fill: #58a6ff; }
    .bad { stroke: #f0883e; } .bad-text { fill: #f0883e; }
    .decision { stroke: #9198a1; }
  }
"""


class Axes:
    """From seconds and ln E to places in the drawing."""

    def __init__(self, replay: Replay) -> None:
        self.seconds = replay.seconds or replay.settings.interval_seconds
        highest = max(replay.settings.log_promote, replay.settings.log_reject) / math.log(10)
        self.top_decade = math.ceil(highest - 1e-9) + DECADES_ABOVE

    def x(self, seconds: float) -> float:
        return LEFT + (RIGHT - LEFT) * seconds / self.seconds

    def y(self, log_evidence: float) -> float:
        """Kept within the drawing: hopeless is hopeless, and decided is decided."""
        decades = min(max(log_evidence / math.log(10), -DECADES_BELOW), self.top_decade)
        return BOTTOM - (BOTTOM - TOP) * (decades + DECADES_BELOW) / (self.top_decade + DECADES_BELOW)


def render_plot(replay: Replay) -> str:
    """The drawing as the text of an SVG file."""
    axes = Axes(replay)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'width="{WIDTH}" height="{HEIGHT}" role="img">',
        f"<title>{escape(replay.sentence)}</title>",
        f"<style>{STYLE}</style>",
        f'<rect class="paper" width="{WIDTH}" height="{HEIGHT}"/>',
        _text(LEFT, 28, _headline(replay), "title"),
        *_evidence_axis(axes),
        *_time_axis(axes),
        *_thresholds(axes, replay),
        *_decision(axes, replay.decided),
        *_lines(axes, replay.steps),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _headline(replay: Replay) -> str:
    if replay.decided is None:
        return f"{replay.verdict.value}: no decision in {duration(replay.seconds)}"
    return f"{replay.verdict.value} after {duration(replay.decided.ends_at_seconds)}"


def _evidence_axis(axes: Axes) -> list[str]:
    parts = [_text(LEFT - 10, TOP - 12, "evidence", "quiet", "end")]
    for decade in range(-DECADES_BELOW, axes.top_decade + 1):
        y = axes.y(decade * math.log(10))
        # The lines are kept within the drawing, so its ends stand for all that lies beyond.
        beyond = {-DECADES_BELOW: "≤ ", axes.top_decade: "≥ "}.get(decade, "")
        parts.append(_line((LEFT, y), (RIGHT, y), "grid"))
        parts.append(_text(LEFT - 10, y + 4, f"{beyond}{10**decade:,}", "quiet", "end"))
    return parts


def _time_axis(axes: Axes) -> list[str]:
    fitting = (step for step in TIME_STEPS_SECONDS if axes.seconds / step <= MOST_TIME_STEPS)
    step = next(fitting, math.ceil(axes.seconds / MOST_TIME_STEPS))
    ticks = range(0, math.floor(axes.seconds) + 1, step)
    return [_text(axes.x(tick), BOTTOM + 22, duration(tick), "quiet", "middle") for tick in ticks]


def _thresholds(axes: Axes, replay: Replay) -> list[str]:
    settings, parts = replay.settings, []
    promote_y, reject_y = axes.y(settings.log_promote), axes.y(settings.log_reject)
    gap = reject_y - promote_y
    # The names must not lie on one another when the thresholds do.
    shift = max(0.0, LEAST_DISTANCE - abs(gap)) / 2 * (1 if gap > 0 else -1)
    for name, log_threshold, y, text_y in (
        ("good", settings.log_promote, promote_y, promote_y - shift),
        ("bad", settings.log_reject, reject_y, reject_y + shift),
    ):
        verb = "promotes" if name == "good" else "rejects"
        parts.append(_line((LEFT, y), (RIGHT, y), f"threshold {name}"))
        parts.append(_text(RIGHT + 10, text_y + 4, f"{verb} at {math.exp(log_threshold):.4g}", f"{name}-text"))
    return parts


def _decision(axes: Axes, decided: Step | None) -> list[str]:
    if decided is None:
        return []
    x = axes.x(decided.ends_at_seconds)
    return [_line((x, TOP), (x, BOTTOM), "decision"), _text(x, TOP - 8, decided.verdict.value, "quiet", "middle")]


def _lines(axes: Axes, steps: tuple[Step, ...]) -> list[str]:
    """Both evidences start at 1, which says nothing."""
    if not steps:
        return []
    parts = []
    for name, logs in (("good", [step.log_proven for step in steps]), ("bad", [step.log_bad for step in steps])):
        places = [(axes.x(0), axes.y(0))]
        places += [(axes.x(step.ends_at_seconds), axes.y(log)) for step, log in zip(steps, logs, strict=True)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        parts.append(f'<polyline class="evidence {name}" points="{path}"/>')
    return parts + _legend()


def _legend() -> list[str]:
    parts = []
    for name, label, y in (("good", "canary is good enough", BOTTOM - 24), ("bad", "canary is worse", BOTTOM)):
        parts.append(_line((RIGHT + 10, y), (RIGHT + 34, y), f"evidence {name}"))
        parts.append(_text(RIGHT + 42, y + 4, label, f"{name}-text"))
    return parts


def _line(start: tuple[float, float], end: tuple[float, float], style: str) -> str:
    return f'<line class="{style}" x1="{start[0]:.1f}" y1="{start[1]:.1f}" x2="{end[0]:.1f}" y2="{end[1]:.1f}"/>'


def _text(x: float, y: float, text: str, style: str, anchor: str = "start") -> str:
    return f'<text class="{style}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
