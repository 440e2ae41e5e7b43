"""What `kubectl serin judge` says about recorded counts."""

from pathlib import Path

import pytest
from unit.cli.command import EQUAL, HEADER, IDLE, QUIET_HISTORY, REFERENCE, WORSE, Desk, column

QUICK = "{minDuration: 10s, maxDuration: 10m, dispersion: {mode: Fixed, value: 1}}"


def test_a_broken_canary_is_rejected_in_the_interval_in_which_the_evidence_suffices(desk: Desk) -> None:
    judged = desk.judged([*QUIET_HISTORY, "start", EQUAL, WORSE, EQUAL])
    assert (judged["verdict"], judged["interval"]) == ("Reject", 2)
    assert judged["sentence"].startswith("Rejected: the canary fails 25.5 %, the baseline 1.00 %, over the same 20 s.")


def test_an_equal_canary_is_promoted_not_before_the_minimum_duration(desk: Desk) -> None:
    judged = desk.judged([*QUIET_HISTORY, "start", *["10,4000,40,4000,40,1000,10,1000,10"] * 60])
    assert (judged["verdict"], judged["interval"]) == ("Promote", 30)
    assert judged["sentence"].startswith("Promoted: with 95 % confidence")


def test_a_verdict_stays_and_the_numbers_go_on(desk: Desk) -> None:
    judged = desk.judged([WORSE, *[EQUAL] * 20], plan=QUICK)
    assert column(judged, "verdict") == ["Reject"] * 21
    assert len(set(column(judged, "log_good"))) == 21


def test_the_longest_duration_with_data_is_inconclusive(desk: Desk) -> None:
    judged = desk.judged([EQUAL, IDLE, EQUAL, EQUAL], plan="{minDuration: 10s, maxDuration: 20s}")
    assert (judged["verdict"], judged["interval"]) == ("Inconclusive", 3)
    assert "about" in judged["sentence"]


def test_counts_that_end_before_a_decision_are_inconclusive_and_say_so(desk: Desk) -> None:
    judged = desk.judged(REFERENCE)
    assert (judged["verdict"], judged["interval"]) == ("Inconclusive", 6)
    assert judged["sentence"].startswith("Inconclusive: the counts end before a decision. Canary 6.3 % failed of 504,")
    assert set(column(judged, "verdict")) == {"Analyzing"}


def test_an_idle_service_is_never_decided(desk: Desk) -> None:
    judged = desk.judged([IDLE] * 1000)
    assert (judged["verdict"], judged["interval"]) == ("NoData", 1000)
    assert judged["sentence"] == "No data yet: no request has reached the baseline or the canary."


def test_no_rows_are_no_data(desk: Desk) -> None:
    assert desk.judged([]) == desk.judged([*QUIET_HISTORY, "start"])
    assert desk.judged([]) == {
        "intervals": [],
        "verdict": "NoData",
        "interval": None,
        "sentence": "No data yet: no request has reached the baseline or the canary.",
    }


def test_the_json_has_these_fields_and_no_others(desk: Desk) -> None:
    judged = desk.judged(REFERENCE)
    assert list(judged) == ["intervals", "verdict", "interval", "sentence"]
    assert len(judged["intervals"]) == 6
    for interval in judged["intervals"]:
        assert list(interval) == [
            "log_good",
            "log_bad",
            "log_bad_likelihood",
            "log_bad_pairs",
            "phi",
            "phi_reject",
            "kappa",
            "base_rate",
            "margin",
            "verdict",
        ]


def test_history_makes_the_verdict_faster(desk: Desk) -> None:
    slightly_worse = ["10,400,4,400,4,100,1,100,5"] * 100
    with_history = desk.judged([*QUIET_HISTORY, "start", *slightly_worse])
    without = desk.judged(slightly_worse)
    assert with_history["verdict"] == without["verdict"] == "Reject"
    assert with_history["interval"] < without["interval"]


def test_unknown_stable_halves_teach_nothing(desk: Desk) -> None:
    unknown = ["10,,,,,100,1,100,1"] * 30
    one_known = ["10,400,4,,,100,1,100,1"] * 30
    assert set(column(desk.judged(unknown), "phi")) == set(column(desk.judged(one_known), "phi")) == {3.0}
    assert desk.judged(["10,,,,", "start", EQUAL]) == desk.judged([EQUAL])


def test_one_known_half_still_tells_the_base_rate(desk: Desk) -> None:
    assert column(desk.judged(["10,,,,,100,1,100,1"]), "base_rate") == [0.5 / 100]
    assert column(desk.judged(["10,400,4,,,100,1,100,1"]), "base_rate") == [4.5 / 500]


def test_people_get_a_table_up_to_the_decision_and_the_sentence(desk: Desk) -> None:
    lines = desk.judge([WORSE, EQUAL], plan=QUICK).stdout.splitlines()
    assert lines[0].split() == [
        "INTERVAL", "TIME", "BASELINE", "CANARY", "BASE", "RATE", "MARGIN", "GOOD", "BAD", "VERDICT",
    ]  # fmt: skip
    assert lines[1].split("   ")[-1] == "Reject"
    assert lines[2] == "(1 of 2 intervals; --json prints all)"
    assert lines[-1].startswith("Rejected: ")


def test_the_table_stays_small_and_ends_with_the_last_interval(desk: Desk) -> None:
    lines = desk.judge([IDLE] * 1000).stdout.splitlines()
    assert len(lines) < 30
    assert any(line.startswith("1000 ") for line in lines)


def test_without_rows_only_the_sentence_is_printed(desk: Desk) -> None:
    assert desk.judge([]).stdout == "No data yet: no request has reached the baseline or the canary.\n"


def test_the_order_of_the_columns_does_not_matter(desk: Desk) -> None:
    names, row = HEADER.split(","), WORSE.split(",")
    turned = desk.judge([",".join(reversed(row))], header=",".join(reversed(names)))
    assert turned.stdout == desk.judge([WORSE]).stdout


@pytest.mark.parametrize("seconds", ["0", "-1", "inf", "nan"])
def test_a_block_without_a_length_is_refused(desk: Desk, seconds: str) -> None:
    result = desk.judge([EQUAL], f"--block={seconds}")
    assert result.exit_code == 2
    assert f"block_seconds is {float(seconds)}, expected more than 0" in result.stderr


def test_the_example_of_the_documentation_is_real(desk: Desk) -> None:
    blocks = (Path(__file__).parents[3] / "docs" / "judge.md").read_text().split("```")[1::2]
    plan, output, counts = (
        next(block for block in blocks if mark in block) for mark in ("dispersion: ", "TIME", "start\n")
    )
    header, *rows = counts.strip().splitlines()
    result = desk.judge(rows, plan=plan.removeprefix("yaml"), header=header)
    assert result.stdout.strip() == output.strip()
