"""What the answers to a preflight mean. Nothing goes on while a question has no answer."""

from dataclasses import replace
from typing import Any

import pytest
from serin.core.contract.golden_requests import Answer, GoldenRequest
from serin.core.facts import InvalidGolden, NoAnswer, PreflightFacts
from serin.core.rollout.preflight import Broken, Kept, NotAsked, Unusable, judge_preflight

SILENT = NoAnswer("/v2/models/weather was not answered within 10 s")
RAIN = GoldenRequest("/predict", body=[[1.0]], answer={"predictions": [1]}, has_answer=True)


def metadata(label: str = "INT64") -> Answer:
    features = {"name": "features", "datatype": "FP32", "shape": [-1, 7]}
    return Answer(200, {"inputs": [features], "outputs": [{"name": "label", "datatype": label, "shape": [-1]}]})


def answers(**found: Any) -> PreflightFacts:
    whole = PreflightFacts(
        candidate_pod="weather-2-abc",
        golden=(RAIN,),
        answers=(Answer(200, {"predictions": [1]}),),
        stable_metadata=metadata(),
        candidate_metadata=metadata(),
    )
    return replace(whole, **found)


def test_a_version_that_answers_as_callers_rely_on_keeps_its_contract() -> None:
    assert judge_preflight(answers()) == Kept("1 golden requests")


def test_without_golden_requests_inputs_and_outputs_are_what_counts() -> None:
    assert judge_preflight(answers(golden=(), answers=())) == Kept("its inputs and outputs")


def test_labels_that_became_text_break_it_twice() -> None:
    found = answers(answers=(Answer(200, {"predictions": ["1"]}),), candidate_metadata=metadata("BYTES"))
    assert judge_preflight(found) == Broken(
        (
            "output label has datatype BYTES instead of INT64",
            '/predict: predictions[0]: expected number 1, got string "1"',
        )
    )


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        ({"answers": (SILENT,)}, f"pod weather-2-abc: {SILENT.reason}"),
        ({"stable_metadata": SILENT}, f"the stable version: {SILENT.reason}"),
        ({"candidate_metadata": SILENT}, f"pod weather-2-abc: {SILENT.reason}"),
        ({"stable_metadata": Answer(503)}, "the stable version answers 503 when asked for its inputs and outputs"),
        ({"candidate_metadata": Answer(500)}, "pod weather-2-abc answers 500 when asked for its inputs and outputs"),
        ({"golden": NoAnswer("ConfigMap g could not be looked up")}, "ConfigMap g could not be looked up"),
    ],
)
def test_what_could_not_be_asked_is_neither_kept_nor_broken(found: dict[str, Any], reason: str) -> None:
    assert judge_preflight(answers(**found)) == NotAsked(reason)


def test_golden_requests_that_cannot_be_used_need_a_person() -> None:
    assert judge_preflight(answers(golden=InvalidGolden("there is no ConfigMap g"))) == Unusable(
        "there is no ConfigMap g"
    )


@pytest.mark.parametrize("tells_nothing", [Answer(404), Answer(200, {"hello": "world"}), Answer(200, is_json=False)])
def test_a_stable_version_that_tells_no_signature_has_none_to_keep(tells_nothing: Answer) -> None:
    assert judge_preflight(answers(stable_metadata=tells_nothing)) == Kept("1 golden requests")
    assert judge_preflight(answers(stable_metadata=tells_nothing, candidate_metadata=SILENT)) == Kept(
        "1 golden requests"
    )


def test_a_version_that_stops_telling_its_signature_breaks_it() -> None:
    judged = judge_preflight(answers(candidate_metadata=Answer(404)))
    assert judged == Broken(("it does not tell its inputs and outputs as the stable version does: status 404",))


def test_only_some_of_many_breaches_are_told() -> None:
    assert Broken(("a", "b", "c", "d", "e")).sentence == "a; b; c; and 2 more"
