"""Counts that cannot be judged are refused with file, row, column, value and what was expected."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from serin.cli.main import main
from unit.cli.command import EQUAL, HEADER, Desk


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("10,400,4,400,4,100,1,100,x", "column canary_failures: 'x', expected a number of at least 0"),
        ("10,400,4,400,4,100,1,-1,0", "column canary_requests: '-1', expected a number of at least 0"),
        ("10,400,4,400,4,nan,1,100,1", "column baseline_requests: 'nan', expected a number of at least 0"),
        ("10,400,4,400,4,100,1,inf,1", "column canary_requests: 'inf', expected a number of at least 0"),
        ("10,400,4,400,4,100,1,100,101", "column canary_failures: '101', expected at most canary_requests (100)"),
        ("10,400,4,400,4,100,1,,", "column canary_requests: '', expected a number of at least 0"),
        ("10,400,4,400,4,100,1", "column canary_requests: '', expected a number of at least 0"),
        ("10,400,,400,4,100,1,100,1", "column stable1_failures: '', expected a number of at least 0"),
        (
            "10,400,4,400,4,1e300,1,1,1",
            "column baseline_requests: '1e300', expected 0, or a number from 0.001 to 1,000,000,000,000",
        ),
        (
            "10,400,4,400,4,1e-9,0,1,1",
            "column baseline_requests: '1e-9', expected 0, or a number from 0.001 to 1,000,000,000,000",
        ),
        ("0,400,4,400,4,100,1,100,1", "column interval_seconds: '0', expected more than 0"),
        (",400,4,400,4,100,1,100,1", "column interval_seconds: '', expected a number of at least 0"),
        ("10,400,4,400,4,100,1,100,1,7", "column 10: '7', expected 9 columns"),
    ],
)
def test_a_bad_cell_is_named(desk: Desk, row: str, message: str) -> None:
    assert desk.refused([EQUAL, row]) == f"counts.csv, row 3, {message}"


def test_history_knows_the_stable_pods_only(desk: Desk) -> None:
    message = "counts.csv, row 2, column baseline_requests: '100', expected nothing or 0 before the row 'start'"
    assert desk.refused([EQUAL, "start", EQUAL]) == message


def test_the_comparison_starts_once(desk: Desk) -> None:
    message = "counts.csv, row 4, column interval_seconds: 'start', expected a number: 'start' stands already in row 2"
    assert desk.refused(["start", EQUAL, "start"]) == message


def test_a_missing_and_an_unknown_column_are_named(desk: Desk) -> None:
    message = desk.refused([], header=HEADER.replace("canary_failures", "canary_errors"))
    assert message.startswith("counts.csv, row 1: 'canary_failures' is missing; 'canary_errors' is not known; expected")


def test_a_column_that_stands_twice_is_refused(desk: Desk) -> None:
    assert "row 1: a column stands twice" in desk.refused([], header=f"{HEADER},canary_failures")


def test_an_empty_file_has_no_header(desk: Desk) -> None:
    assert "row 1: 'interval_seconds' is missing" in desk.refused([], header="")


def test_empty_lines_spaces_and_the_mark_of_a_spreadsheet_do_not_matter(desk: Desk) -> None:
    spaced = ["", "start,,,,,,,,", EQUAL.replace(",", " , "), ",,,,,,,,"]
    assert desk.judge(spaced, header=f"\ufeff{HEADER}").stdout == desk.judge([EQUAL]).stdout


def test_a_file_that_is_no_csv_is_refused(desk: Desk) -> None:
    assert "expected a readable CSV file" in desk.refused(["9" * 200_000])


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["judge", str(tmp_path / "none.csv")])
    assert result.exit_code == 2
    assert "none.csv: expected a readable CSV file" in result.stderr
