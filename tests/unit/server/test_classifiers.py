"""A classifier of words: strings in, and probabilities in each form that scikit-learn's converter gives them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from unit.server.onnx_models import save_text_classifier
from unit.server.server_process import ServerProcess

ROWS = [["wet", "cold"], ["dry", "warm"]]


@pytest.fixture(params=[True, False, "columns"], ids=["maps", "tensor", "columns"])
def classifier(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    with ServerProcess(save_text_classifier(tmp_path / "m.onnx", request.param)) as server:
        yield request.param, server.wait_until_ready()


def test_words_are_classified_with_probabilities_in_every_form(classifier: tuple[bool | str, ServerProcess]) -> None:
    form, server = classifier
    answer = server.post("/predict", ROWS).json
    assert answer["predictions"] == [0, 1]
    if form == "columns":
        of_first, of_second = zip(*answer["outputs"].values(), strict=True)
    else:
        of_first, of_second = answer["probabilities"]
    assert of_first[0] > 0.5 > of_first[1]
    assert of_second[0] < 0.5 < of_second[1]
    assert answer.get("classes") == ([0, 1] if form is True else None)


def test_what_is_announced_is_what_infer_answers(classifier: tuple[bool | str, ServerProcess]) -> None:
    _, server = classifier
    words = {"name": "X", "shape": [2, 2], "datatype": "BYTES", "data": ROWS}
    given = server.post("/v2/models/m/infer", {"inputs": [words]}).json["outputs"]
    announced = server.get("/v2/models/m").json["outputs"]
    assert [(tensor["name"], tensor["datatype"]) for tensor in given] == [
        (tensor["name"], tensor["datatype"]) for tensor in announced
    ]
    assert [len(tensor["shape"]) for tensor in given] == [len(tensor["shape"]) for tensor in announced]


def test_a_number_among_the_words_is_named(classifier: tuple[bool | str, ServerProcess]) -> None:
    _, server = classifier
    assert server.post("/predict", [["wet", 1]]).error == "input 'X': expected a string (BYTES) at [0][1], got int"
