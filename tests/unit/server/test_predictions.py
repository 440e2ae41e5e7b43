"""Which output is what in the answer of `/predict`."""

from __future__ import annotations

import numpy as np
from serin_server.oip.datatypes import DATATYPES
from serin_server.oip.encode import encode_json
from serin_server.oip.signature import Signature, TensorSpec
from serin_server.predictions import OutputRoles, decide_roles, make_predictions


def make_signature(*outputs: tuple[str, str]) -> Signature:
    return Signature((), tuple(TensorSpec(name, DATATYPES[datatype], (-1,)) for name, datatype in outputs))


def test_probabilities_are_told_by_name_wherever_they_stand() -> None:
    roles = OutputRoles("label", "Probabilities", ("extra",))
    assert decide_roles(make_signature(("label", "INT64"), ("Probabilities", "FP32"), ("extra", "FP32"))) == roles
    assert decide_roles(make_signature(("Probabilities", "FP32"), ("label", "INT64"), ("extra", "FP32"))) == roles


def test_a_single_output_is_the_prediction_whatever_its_name() -> None:
    assert decide_roles(make_signature(("probability", "FP32"))) == OutputRoles("probability", None, ())


def test_one_column_is_written_as_one_value_per_row() -> None:
    answer = make_predictions(OutputRoles("y", None, ()), {"y": np.array([[1.5], [2.5]], np.float32)}, {})
    assert encode_json(answer) == b'{"predictions":[1.5,2.5]}'


def test_arrays_out_of_row_major_order_are_written_in_it() -> None:
    answer = make_predictions(OutputRoles("y", None, ()), {"y": np.array([[1, 2], [3, 4]]).T}, {})
    assert encode_json(answer) == b'{"predictions":[[1,3],[2,4]]}'
