"""Recorded counts, from CSV to intervals.

One row is one interval. Rows before a row that says `start` are history, which knows the stable pods only. Rows are
counted as a spreadsheet does: the header is row 1.
"""

import csv
import io
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from serin.cli.bad_input import BadInputError
from serin.core.evidence.counts import Counts, Increments, StableHalves
from serin.core.evidence.dispersion import HistoryInterval

SECONDS = "interval_seconds"
STABLE_TRACKS, COMPARED_TRACKS = ("stable1", "stable2"), ("baseline", "canary")
COLUMNS = (
    SECONDS,
    *(f"{track}_{what}" for track in (*STABLE_TRACKS, *COMPARED_TRACKS) for what in ("requests", "failures")),
)
START = "start"
# Beyond these, shares of the requests become 0 or 1 by rounding; nobody counted that.
LEAST, MOST = 0.001, 1e12


@dataclass(frozen=True)
class Recording:
    """What happened before the comparison, and in it."""

    history: tuple[HistoryInterval, ...]
    intervals: tuple[Increments, ...]


@dataclass(frozen=True)
class Row:
    """The cells of one row by column, and where it stands."""

    file: str
    number: int
    cells: Mapping[str, str]

    def refuse(self, column: str, expected: str) -> BadInputError:
        return BadInputError(
            f"{self.file}, row {self.number}, column {column}: {self.cells[column]!r}, expected {expected}"
        )

    def number_in(self, column: str) -> float:
        try:
            value = float(self.cells[column])
        except ValueError:
            value = math.nan
        if not (math.isfinite(value) and value >= 0):
            raise self.refuse(column, "a number of at least 0")
        if value != 0 and not LEAST <= value <= MOST:
            raise self.refuse(column, f"0, or a number from {LEAST} to {MOST:,.0f}")
        return value

    def seconds(self) -> float:
        value = self.number_in(SECONDS)
        if value == 0:
            raise self.refuse(SECONDS, "more than 0")
        return value

    def counts(self, track: str) -> Counts:
        requests, failures = self.number_in(f"{track}_requests"), self.number_in(f"{track}_failures")
        if failures > requests:
            raise self.refuse(f"{track}_failures", f"at most {track}_requests ({requests:g})")
        return Counts(requests, failures)

    def known_counts(self, track: str) -> Counts | None:
        """None where both cells are empty: unknown is not 0."""
        is_unknown = not self.cells[f"{track}_requests"] and not self.cells[f"{track}_failures"]
        return None if is_unknown else self.counts(track)

    def stable_halves(self) -> StableHalves | None:
        first, second = (self.known_counts(track) for track in STABLE_TRACKS)
        return StableHalves(first, second) if first is not None and second is not None else None

    def past(self) -> HistoryInterval | None:
        """The row as history; None when a half is unknown."""
        for track in COMPARED_TRACKS:
            if (self.known_counts(track) or Counts()).requests > 0:
                raise self.refuse(f"{track}_requests", f"nothing or 0 before the row {START!r}")
        seconds, halves = self.seconds(), self.stable_halves()
        return HistoryInterval(halves, seconds) if halves is not None else None

    def increments(self) -> Increments:
        """The row as an interval of the comparison."""
        stable = Counts()
        for track in STABLE_TRACKS:
            stable = stable + (self.known_counts(track) or Counts())
        return Increments(
            stable=stable,
            baseline=self.counts("baseline"),
            canary=self.counts("canary"),
            seconds=self.seconds(),
            stable_halves=self.stable_halves(),
        )


def read_recording(path: Path) -> Recording:
    """The recording in a file. BadInputError when there is none."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        return parse_recording(io.StringIO(text), str(path))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadInputError(f"{path}: expected a readable CSV file in UTF-8, but {error}") from error


def parse_recording(lines: Iterable[str], file: str) -> Recording:
    """The recording in lines of CSV; `file` is for the messages."""
    rows = _rows(lines, file)
    starts = [i for i, row in enumerate(rows) if row.cells[SECONDS] == START]
    if len(starts) > 1:
        raise rows[starts[1]].refuse(SECONDS, f"a number: {START!r} stands already in row {rows[starts[0]].number}")
    before, after = (rows[: starts[0]], rows[starts[0] + 1 :]) if starts else ([], rows)
    past = [row.past() for row in before]
    return Recording(
        history=tuple(interval for interval in past if interval is not None),
        intervals=tuple(row.increments() for row in after),
    )


def _rows(lines: Iterable[str], file: str) -> list[Row]:
    reader = csv.reader(lines)
    header = tuple(cell.strip() for cell in next(reader, []))
    if sorted(header) != sorted(COLUMNS):
        wrong = [*(f"{name!r} is missing" for name in COLUMNS if name not in header)]
        wrong += [f"{name!r} is not known" for name in header if name not in COLUMNS]
        raise BadInputError(
            f"{file}, row 1: {'; '.join(wrong) or 'a column stands twice'}; expected the header {','.join(COLUMNS)}"
        )
    rows = []
    for cells in reader:
        stripped = [cell.strip() for cell in cells]
        if not any(stripped):
            continue
        if len(stripped) > len(header):
            raise BadInputError(
                f"{file}, row {reader.line_num}, column {len(header) + 1}: {stripped[len(header)]!r}, "
                f"expected {len(header)} columns"
            )
        # Short rows are those of history and `start`; elsewhere the empty cell is refused by its name.
        stripped += [""] * (len(header) - len(stripped))
        rows.append(Row(file, reader.line_num, dict(zip(header, stripped, strict=True))))
    return rows


def render_counts(recording: Recording) -> str:
    """The recording as a file that `read_recording` reads."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(COLUMNS)
    for past in recording.history:
        writer.writerow([past.seconds, *_cells(past.halves.first, past.halves.second, None, None)])
    if recording.history:
        writer.writerow([START])
    for found in recording.intervals:
        halves = found.stable_halves
        stable = (halves.first, halves.second) if halves else (found.stable, None)
        writer.writerow([found.seconds, *_cells(*stable, found.baseline, found.canary)])
    return written.getvalue()


def _cells(*tracks: Counts | None) -> list[float | str]:
    return [cell for counts in tracks for cell in ((counts.requests, counts.failures) if counts else ("", ""))]
