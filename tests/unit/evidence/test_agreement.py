"""Mirrored requests: does the candidate answer as stable does?"""

import itertools
import json
import math
import random
from statistics import median

import pytest
from serin.core.evidence.agreement import (
    Agreement,
    AgreementSettings,
    Answer,
    PairedOutcomes,
    find_interval,
    judge_agreement,
    judge_pairs,
    log_evidence_against,
)

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
    assert (judgement.answer, judgement.sentence) == (
        Answer.UNDECIDED,
        "No mirrored request has been compared yet.",
    )


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


def test_the_sentences_say_what_was_seen_and_what_had_to_be() -> None:
    strict = AgreementSettings(minimum=0.98)
    assert judge_agreement(Agreement(1000, 900), strict).sentence.startswith(
        "Failed: 90 % of 1,000 mirrored requests agree, with 95 % confidence 86"
    )
    assert judge_agreement(Agreement(1000, 900), strict).sentence.endswith("fewer than 1 of 100 rollouts.")
    assert judge_agreement(Agreement(5000, 4990), strict).sentence.endswith("at least 98 % had to.")
    assert judge_agreement(Agreement(10, 10), strict).sentence.endswith(
        "at least 98 % must, more mirrored requests are needed."
    )


def test_a_restart_changes_nothing() -> None:
    for kept in (Agreement(7, 5), Agreement()):
        assert Agreement.from_json(json.loads(json.dumps(kept.to_json()))) == kept
    pairs = PairedOutcomes(9, 2, 1)
    assert PairedOutcomes.from_json(json.loads(json.dumps(pairs.to_json()))) == pairs


@pytest.mark.parametrize("stored", [{}, {"requests": 3}, {"requests": 3, "agreed": 4}, {"requests": 3, "agreed": None}])
def test_a_damaged_store_is_refused(stored: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="agree"):
        Agreement.from_json(stored)
    with pytest.raises(ValueError, match="outcomes"):
        PairedOutcomes.from_json(stored)


@pytest.mark.parametrize("field", ["minimum", "false_reject", "false_promote"])
def test_a_setting_out_of_range_is_refused_by_name(field: str) -> None:
    with pytest.raises(ValueError, match=f"{field} is 1.5"):
        AgreementSettings(**{"minimum": 0.98, field: 1.5})


class TestPairs:
    MARGIN = 0.005

    def answer(self, requests: float, only_candidate: float, only_stable: float) -> Answer:
        return judge_pairs(PairedOutcomes(requests, only_candidate, only_stable), self.MARGIN, 0.01, 0.05).answer

    def test_differences_that_are_mostly_the_candidates_fault_fail_it(self) -> None:
        assert self.answer(100_000, 30, 3) is Answer.FAIL
        assert self.answer(100_000, 30, 28) is not Answer.FAIL

    def test_few_differences_in_many_requests_pass_it(self) -> None:
        assert self.answer(2000, 2, 2) is Answer.PASS
        assert self.answer(100, 0, 0) is Answer.UNDECIDED

    def test_what_both_get_wrong_does_not_count(self) -> None:
        # An equal candidate of a service that fails 1 % needs 4,880 requests per variant without pairs.
        assert self.answer(1000, 0, 0) is Answer.PASS

    def test_evidence_has_a_mean_of_at_most_one_under_every_null(self) -> None:
        size = 8

        def mean(candidate: float, stable: float, which: str) -> float:
            total = 0.0
            for b, c in itertools.product(range(size + 1), repeat=2):
                if b + c <= size:
                    ways = math.factorial(size) / (math.factorial(b) * math.factorial(c) * math.factorial(size - b - c))
                    chance = ways * candidate**b * stable**c * (1 - candidate - stable) ** (size - b - c)
                    total += chance * math.exp(getattr(judge_pairs(PairedOutcomes(size, b, c), 0.1, 0.01, 0.05), which))
            return total

        for rate in (0.02, 0.2, 0.45):
            assert mean(rate, rate, "log_bad") <= 1 + 1e-9
            assert mean(rate / 2, rate, "log_bad") <= 1 + 1e-9
            assert mean(rate + 0.1, rate, "log_good") <= 1 + 1e-9
            assert mean(min(rate + 0.3, 1 - rate), rate, "log_good") <= 1 + 1e-9

    def test_impossible_counts_are_refused(self) -> None:
        with pytest.raises(ValueError, match="2 and 2 of 3 requests"):
            PairedOutcomes(3, 2, 2)
        with pytest.raises(ValueError, match="margin is 0"):
            judge_pairs(PairedOutcomes(), 0, 0.01, 0.05)
