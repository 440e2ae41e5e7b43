"""A new version keeps the signature that callers of the old one rely on."""

from typing import Any

import pytest
from serin.core.contract.signature import InvalidMetadataError, Signature, find_breaches, read_signature


def a_signature(**changed: Any) -> Signature:
    """Seven weather features in, a label and two probabilities out; `None` takes a tensor away."""
    tensors = {"features": ("FP32", [-1, 7]), "label": ("INT64", [-1]), "probabilities": ("FP32", [-1, 2])} | changed
    listed = {
        name: {"name": name, "datatype": tensor[0], "shape": tensor[1]} for name, tensor in tensors.items() if tensor
    }
    inputs = [name for name in listed if name in ("features", "season")]
    return read_signature(
        {"inputs": [listed[name] for name in inputs], "outputs": [listed[n] for n in listed if n not in inputs]}
    )


def test_the_same_signature_breaks_nothing() -> None:
    assert find_breaches(a_signature(), a_signature()) == ()


@pytest.mark.parametrize(
    ("change", "breach"),
    [
        ({"label": ("BYTES", [-1])}, "output label has datatype BYTES instead of INT64"),
        ({"label": ("INT64", [-1, 1])}, "output label has shape [-1, 1] instead of [-1]"),
        ({"probabilities": None}, "output probabilities is gone"),
        ({"probabilities": ("FP32", [-1, 3])}, "output probabilities has shape [-1, 3] instead of [-1, 2]"),
        ({"probabilities": ("FP32", [-1, -1])}, "output probabilities has shape [-1, -1] instead of [-1, 2]"),
        ({"features": ("FP32", [-1, 6])}, "input features has shape [-1, 6] instead of [-1, 7]"),
        ({"features": ("FP32", [1, 7])}, "input features has shape [1, 7] instead of [-1, 7]"),
        ({"features": ("FP64", [-1, 7])}, "input features has datatype FP64 instead of FP32"),
        ({"season": ("BYTES", [-1])}, "input season is asked for, and no caller sends it"),
    ],
)
def test_what_callers_would_stumble_over_is_named(change: dict[str, Any], breach: str) -> None:
    assert find_breaches(a_signature(), a_signature(**change)) == (breach,)


@pytest.mark.parametrize(
    "change",
    [
        {"features": ("FP32", [-1, -1])},  # takes more than before
        {"probabilities": ("FP32", [1, 2])},  # answers less than it could before
        {"variance": ("FP32", [-1])},  # tells more than before
    ],
)
def test_what_no_caller_notices_breaks_nothing(change: dict[str, Any]) -> None:
    assert find_breaches(a_signature(), a_signature(**change)) == ()


def test_sizes_may_come_as_text() -> None:
    tensor = {"name": "x", "datatype": "FP32", "shape": ["-1", "7"]}
    assert read_signature({"inputs": [tensor], "outputs": []}).inputs[0].shape == (-1, 7)


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ([], "expected a JSON object, got list"),
        ({"outputs": []}, "inputs: expected a list of tensors, got nothing"),
        ({"inputs": [1], "outputs": []}, r"inputs\[0\]: expected an object, got int"),
        ({"inputs": [{"name": "x"}], "outputs": []}, r"inputs\[0\]: expected name and datatype as strings"),
        (
            {"inputs": [{"name": "x", "datatype": "FP32", "shape": ["N"]}], "outputs": []},
            r"inputs\[0\].shape: expected a list of integers",
        ),
        (
            {"inputs": [], "outputs": [{"name": "y", "datatype": "FP32"}]},
            r"outputs\[0\].shape: expected a list of integers, got nothing",
        ),
    ],
)
def test_metadata_that_is_none_is_refused_by_its_field(metadata: Any, message: str) -> None:
    with pytest.raises(InvalidMetadataError, match=message):
        read_signature(metadata)
