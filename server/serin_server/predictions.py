"""A model's outputs to the answer of `/predict`: predictions, probabilities and whatever else there is, by row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from serin_server.oip.datatypes import Array
from serin_server.oip.encode import make_json_values
from serin_server.oip.signature import Signature, TensorSpec


@dataclass(frozen=True, slots=True)
class OutputRoles:
    prediction: str
    probability: str | None
    others: tuple[str, ...]


def decide_roles(signature: Signature) -> OutputRoles:
    """Probabilities are told by their name, and only beside another output; the first of the rest is the prediction."""
    outputs = signature.outputs
    probability = next((spec for spec in outputs if _looks_like_probability(spec)), None) if len(outputs) > 1 else None
    prediction = next(spec for spec in outputs if spec is not probability)
    others = tuple(spec.name for spec in outputs if spec is not prediction and spec is not probability)
    return OutputRoles(prediction.name, None if probability is None else probability.name, others)


def make_predictions(
    roles: OutputRoles, outputs: dict[str, Array], class_labels: dict[str, tuple[Any, ...]]
) -> dict[str, Any]:
    answer: dict[str, Any] = {"predictions": _make_row_values(outputs[roles.prediction])}
    if roles.probability is not None:
        answer["probabilities"] = make_json_values(outputs[roles.probability])
        if roles.probability in class_labels:
            answer["classes"] = class_labels[roles.probability]
    if roles.others:
        answer["outputs"] = {name: _make_row_values(outputs[name]) for name in roles.others}
    return answer


def _looks_like_probability(spec: TensorSpec) -> bool:
    return spec.datatype.is_float and "prob" in spec.name.lower()


def _make_row_values(array: Array) -> Any:
    """One value per row where a row has only one."""
    has_one_column = array.ndim == 2 and array.shape[1] == 1
    return make_json_values(array.reshape(-1) if has_one_column else array)
