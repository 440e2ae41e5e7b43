"""Mirrored requests: does the candidate answer as stable does?"""

import json
import math
import random
from statistics import median

import pytest
from serin.core.evidence.agreement import (
    Agreement,
    AgreementSettings,
    Answer,
    find_interval,
    judge_agreement,
    log_evidence_against,
)
from serin.core.evidence.agreement_sentences import describe_agreement
from serin.core.evidence.verdict import Outcome

SETTINGS = AgreementSettings(minimum=0.98, false_reject=0.05, false_promote=0.05)


@pytest.mark.parametrize(
    ("requests", "agreed", "low", "high"), [(500, 490, 0.94917592, 0.99494217), (60, 60, 0.91062642, 1.0)]
)
def test_the_confidence_sequence_has_its_reference_values(
    requests: float, agreed: float, low: float, high: float
) -> None:
    interval = find_interval(Agreement(requests, agreed), error=0.05)
    assert [interval.low, interval.high] == pytest.approx([low, high], abs=1e-8)


def test_before_the_first_request_every_share_is_possible() -> None:
    interval = find_interval(Agreement(), error=0.05)
    assert (interval.low, interval.high) == (0.0, 1.0)
    judgement = judge_agreement(Agreement(), SETTINGS)
    assert judgement.answer is Answer.UNDECIDED
    told = describe_agreement(judgement, SETTINGS, {}, Outcome.ANALYZING)
    assert told == "No answer to a copy of a request has been compared yet."


@pytest.mark.parametrize(
    ("share", "answer", "requests"),
    [
        (0.90, Answer.FAIL, 44),
        (0.95, Answer.FAIL, 282),
        (0.97, Answer.FAIL, 2517),
        (0.99, Answer.PASS, 1933),
        (0.995, Answer.PASS, 703),
        (1.0, Answer.PASS, 320),
    ],
)
def test_the_requests_until_an_answer_are_those_of_the_documentation(
    share: float, answer: Answer, requests: int
) -> None:
    needed = []
    for seed in range(41):
        rng, agreement, answered = random.Random(seed), Agreement(), Answer.UNDECIDED
        step = max(1, requests // 40)
        while answered is Answer.UNDECIDED:
            agreement = agreement.add(step, sum(rng.random() < share for _ in range(step)))
            answered = judge_agreement(agreement, SETTINGS).answer
        needed.append((agreement.requests, answered))
    assert sum(answered is answer for _, answered in needed) >= 39
    assert median(count for count, _ in needed) == pytest.approx(requests, rel=0.35)


@pytest.mark.parametrize("share", [0.5, 0.9, 0.98])
def test_evidence_against_the_true_share_has_a_mean_of_one(share: float) -> None:
    mean = math.fsum(
        math.comb(12, s) * share**s * (1 - share) ** (12 - s) * math.exp(log_evidence_against(Agreement(12, s), share))
        for s in range(13)
    )
    assert mean == pytest.approx(1.0)


def test_of_100_candidates_exactly_at_the_minimum_few_are_decided() -> None:
    answers = []
    for seed in range(100):
        rng, agreement, answered = random.Random(seed), Agreement(), Answer.UNDECIDED
        while answered is Answer.UNDECIDED and agreement.requests < 3000:
            agreement = agreement.add(100, sum(rng.random() < SETTINGS.minimum for _ in range(100)))
            answered = judge_agreement(agreement, SETTINGS).answer
        answers.append(answered)
    assert sum(answered is not Answer.UNDECIDED for answered in answers) <= 5


@pytest.mark.parametrize(
    ("counts", "outcome", "begin", "end"),
    [
        ((1000, 900), Outcome.REJECT, "Rejected: 90 % of 1,000 answers agree", "fewer than 1 of 100 rollouts."),
        ((5000, 4990), Outcome.PROMOTE, "Promoted: with 95 % confidence at least 98 % of", "10 differ: 10 in type."),
        ((500, 495), Outcome.INCONCLUSIVE, "Inconclusive: 99 % of 500 answers agree", "5 differ: 5 in type."),
        ((10, 10), Outcome.ANALYZING, "100 % of 10 answers agree", "to 100 % of all do; 98 % have to."),
    ],
)
def test_the_sentences_say_what_was_seen_and_what_has_to_be(
    counts: tuple[float, float], outcome: Outcome, begin: str, end: str
) -> None:
    strict, agreement = AgreementSettings(minimum=0.98), Agreement(*counts)
    differences = {"status": 0.0, "type": agreement.requests - agreement.agreed}
    told = describe_agreement(judge_agreement(agreement, strict), strict, differences, outcome)
    assert told.startswith(begin)
    assert told.endswith(end)


def test_a_restart_changes_nothing() -> None:
    for kept in (Agreement(7, 5), Agreement()):
        assert Agreement.from_json(json.loads(json.dumps(kept.to_json()))) == kept


@pytest.mark.parametrize("stored", [{}, {"requests": 3}, {"requests": 3, "agreed": 4}, {"requests": 3, "agreed": None}])
def test_a_damaged_store_is_refused(stored: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="agree"):
        Agreement.from_json(stored)


@pytest.mark.parametrize("field", ["minimum", "false_reject", "false_promote"])
def test_a_setting_out_of_range_is_refused_by_name(field: str) -> None:
    with pytest.raises(ValueError, match=f"{field} is 1.5"):
        AgreementSettings(**{"minimum": 0.98, field: 1.5})
