"""Puts the picture on a terminal, over the last one; elsewhere prints a line now and then."""

import re
import shutil
import sys
from collections.abc import Sequence
from typing import TextIO

PLAIN_EVERY_SECONDS = 10.0
CLEAR_TO_END = "\x1b[0J"
BOLD, GREEN, RED, NORMAL = "\x1b[1m", "\x1b[32m", "\x1b[31m", "\x1b[0m"


class Screen:
    def __init__(self, out: TextIO = sys.stdout) -> None:
        self._out = out
        self._is_terminal = out.isatty()
        self._lines_drawn = 0
        self._plain_at: float | None = None

    def draw(self, frame: Sequence[str], line: str, now: float) -> None:
        """`frame` replaces the last one on a terminal; `line` is printed elsewhere, not more often than useful."""
        if self._is_terminal:
            # A line that wraps would take two rows, and the next frame would start in the wrong one.
            columns = shutil.get_terminal_size().columns - 1
            back = f"\x1b[{self._lines_drawn}A" if self._lines_drawn else ""
            self._out.write(f"{back}\r{CLEAR_TO_END}" + "".join(f"{_paint(text[:columns])}\n" for text in frame))
            self._lines_drawn = len(frame)
        elif self._plain_at is None or now - self._plain_at >= PLAIN_EVERY_SECONDS:
            self._plain_at = now
            self._out.write(f"{line}\n")
        self._out.flush()

    def start(self) -> None:
        """What is drawn from now on comes below; the last picture stays."""
        if self._lines_drawn:
            self._out.write("\n")
        self._lines_drawn = 0
        self._plain_at = None

    def say(self, text: str) -> None:
        """A line that stays."""
        self.start()
        self._out.write(f"{text}\n")
        self._out.flush()


def _paint(text: str) -> str:
    """Colours for the eye; nothing is told by them alone."""
    if text.startswith("Version "):
        return f"{BOLD}{text}{NORMAL}"
    colour = RED if text.lstrip().startswith("bad") else GREEN
    return re.sub("█+", lambda bar: f"{colour}{bar.group()}{NORMAL}", text)
