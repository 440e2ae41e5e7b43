"""What people read."""

import pytest
from serin.core.evidence.counts import Counts
from serin.core.evidence.dispersion import Dispersion, Source
from serin.core.evidence.sentences import describe, duration, evidence_word, percent
from serin.core.evidence.settings import Settings
from serin.core.evidence.verdict import Judgement, Outcome

SETTINGS = Settings()


def sentence(outcome: Outcome, **changes: object) -> str:
    numbers: dict[str, object] = {
        "is_good_enough": False,
        "good": 0.6,
        "bad": 0.0,
        "evidence_good": 6.1,
        "evidence_bad": 0.4,
        "baseline": Counts(5210, 53),
        "canary": Counts(5188, 51),
        "unmatched_baseline": 0.0,
        "unmatched_canary": 0.0,
        "margin": 0.005,
        "data_seconds": 520.0,
        "requests_needed": 2100,
        "eta_seconds": 210.0,
        "dispersion": Dispersion(1.2, 1.1, 1.0, Source.HISTORY),
        "proven_worse_at_most": 0.0071,
        **changes,
    }
    return describe(Judgement(outcome=outcome, **numbers), SETTINGS)  # type: ignore[arg-type]


def test_while_analyzing_the_rates_the_harm_and_the_time_to_go_are_told() -> None:
    assert sentence(Outcome.ANALYZING) == (
        "Canary 0.98 % failed of 5,188, baseline 1.02 % of 5,210: no sign of harm, about 3 min 30 s to go."
    )


@pytest.mark.parametrize(
    ("evidence_bad", "words"), [(2.9, "no sign of harm"), (3, "some evidence of harm"), (50, "strong evidence of harm")]
)
def test_the_words_for_harm_follow_the_evidence(evidence_bad: float, words: str) -> None:
    assert words in sentence(Outcome.ANALYZING, evidence_bad=evidence_bad)


@pytest.mark.parametrize(
    ("eta_seconds", "words"),
    [
        (None, "time to go not known yet"),
        (0.0, "about 10 s to go"),
        (61.0, "about 1 min 10 s to go"),
        (7200.0, "no promotion in sight within the 21 min 20 s left"),
    ],
)
def test_the_time_to_go_promises_no_more_than_is_known(eta_seconds: float | None, words: str) -> None:
    assert sentence(Outcome.ANALYZING, eta_seconds=eta_seconds).endswith(f", {words}.")


def test_a_promotion_states_what_was_proven() -> None:
    assert sentence(Outcome.PROMOTE) == (
        "Promoted: with 95 % confidence the canary fails at most 0.5 pp more often than the baseline "
        "(0.98 % vs 1.02 %, 5,188 vs 5,210 requests)."
    )


def test_equal_numbers_of_requests_are_told_once() -> None:
    assert "9,400 requests each" in sentence(Outcome.PROMOTE, canary=Counts(9400, 92), baseline=Counts(9400, 95))


def test_a_rejection_states_both_rates_the_time_and_the_chance_of_an_error() -> None:
    assert sentence(Outcome.REJECT, canary=Counts(1000, 61), baseline=Counts(1000, 10), data_seconds=40.0) == (
        "Rejected: the canary fails 6.1 %, the baseline 1.00 %, over the same 40 s. "
        "A canary as good as the baseline would show this in fewer than 1 of 100 rollouts."
    )


def test_an_inconclusive_end_states_what_was_missing_and_what_helps() -> None:
    text = sentence(
        Outcome.INCONCLUSIVE,
        canary=Counts(900, 9),
        baseline=Counts(910, 9),
        requests_needed=3990,
        eta_seconds=9600.0,
    )
    assert text == (
        "Inconclusive: 900 of about 4,900 requests seen. At this rate a decision takes another 2 h 40 min. "
        "Raise the canary's share of the requests, the margin or maxDuration."
    )


@pytest.mark.parametrize(
    ("baseline", "canary", "words"),
    [
        (0, 0, "no request has reached the baseline or the canary"),
        (0, 50, "no request has reached the baseline, 50 have reached the canary"),
        (50, 0, "no request has reached the canary, 50 have reached the baseline"),
        (50, 50, "baseline and canary have not had requests at the same time"),
    ],
)
def test_no_data_names_the_variant_without_requests(baseline: int, canary: int, words: str) -> None:
    text = sentence(Outcome.NO_DATA, unmatched_baseline=float(baseline), unmatched_canary=float(canary))
    assert text == f"No data yet: {words}."


@pytest.mark.parametrize(
    ("evidence", "word"),
    [(0.1, "none"), (2.99, "none"), (3, "some"), (10, "strong"), (99, "strong"), (100, "decisive")],
)
def test_evidence_has_four_words(evidence: float, word: str) -> None:
    assert evidence_word(evidence, threshold=100) == word


@pytest.mark.parametrize(
    ("rate", "text"),
    [
        (0.0, "0 %"),
        (0.00001, "<0.01 %"),
        (0.0098, "0.98 %"),
        (0.061, "6.1 %"),
        (0.5, "50.0 %"),
        (0.99999, ">99.9 %"),
        (1.0, "100 %"),
    ],
)
def test_a_percentage_never_claims_a_false_zero_or_hundred(rate: float, text: str) -> None:
    assert percent(rate) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (40, "40 s"),
        (60, "1 min"),
        (210, "3 min 30 s"),
        (3599.9, "1 h"),
        (9600, "2 h 40 min"),
        (7200, "2 h"),
    ],
)
def test_a_duration_has_at_most_two_units(seconds: float, text: str) -> None:
    assert duration(seconds) == text
