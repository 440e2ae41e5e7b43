"""Does the new version take every request that the old one takes, and answer it in the same form?

Input are the two versions' metadata of the Open Inference Protocol V2 (`GET /v2/models/{name}`): names, datatypes and
shapes, -1 for a dimension of any size. Accuracy is none of its business, and a new output harms nobody.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

ANY_SIZE = -1


class InvalidMetadataError(ValueError):
    """An answer that is no metadata of the protocol; tells the field."""


@dataclass(frozen=True, slots=True)
class Tensor:
    name: str
    datatype: str
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Signature:
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]


def read_signature(metadata: Any) -> Signature:
    """From decoded JSON. Raises InvalidMetadataError."""
    if not isinstance(metadata, Mapping):
        raise InvalidMetadataError(f"expected a JSON object, got {_kind(metadata)}")
    return Signature(_read_tensors(metadata, "inputs"), _read_tensors(metadata, "outputs"))


def find_breaches(stable: Signature, candidate: Signature) -> tuple[str, ...]:
    """What callers of `stable` would stumble over in `candidate`; empty: nothing."""
    inputs, outputs = _by_name(stable.inputs), _by_name(stable.outputs)
    their_inputs, their_outputs = _by_name(candidate.inputs), _by_name(candidate.outputs)
    return (
        *(f"input {name} is asked for, and no caller sends it" for name in their_inputs if name not in inputs),
        *_compare(inputs, their_inputs, "input"),
        *_compare(outputs, their_outputs, "output"),
    )


def _compare(
    stable: Mapping[str, Tensor], candidate: Mapping[str, Tensor], what: Literal["input", "output"]
) -> tuple[str, ...]:
    breaches = []
    for name, ours in stable.items():
        theirs = candidate.get(name)
        if theirs is None:
            breaches.append(f"{what} {name} is gone")
        elif ours.datatype != theirs.datatype:
            breaches.append(f"{what} {name} has datatype {theirs.datatype} instead of {ours.datatype}")
        elif not _fits(ours.shape, theirs.shape, what):
            breaches.append(f"{what} {name} has shape {list(theirs.shape)} instead of {list(ours.shape)}")
    return tuple(breaches)


def _fits(ours: Sequence[int], theirs: Sequence[int], what: Literal["input", "output"]) -> bool:
    """An input may become wider (a fixed size any size), an output narrower; never the other way."""
    wide, narrow = (theirs, ours) if what == "input" else (ours, theirs)
    return len(wide) == len(narrow) and all(w in (n, ANY_SIZE) for w, n in zip(wide, narrow, strict=True))


def _read_tensors(metadata: Mapping[str, Any], field: str) -> tuple[Tensor, ...]:
    listed = metadata.get(field)
    if not isinstance(listed, list):
        raise InvalidMetadataError(f"{field}: expected a list of tensors, got {_kind(listed)}")
    return tuple(_read_tensor(entry, f"{field}[{index}]") for index, entry in enumerate(listed))


def _read_tensor(entry: Any, place: str) -> Tensor:
    if not isinstance(entry, Mapping):
        raise InvalidMetadataError(f"{place}: expected an object, got {_kind(entry)}")
    name, datatype, shape = entry.get("name"), entry.get("datatype"), entry.get("shape")
    if not isinstance(name, str) or not isinstance(datatype, str):
        raise InvalidMetadataError(f"{place}: expected name and datatype as strings")
    if not isinstance(shape, list) or not all(isinstance(size, int | float | str) for size in shape):
        raise InvalidMetadataError(f"{place}.shape: expected a list of integers, got {_kind(shape)}")
    try:
        # Some servers write 64-bit integers as text.
        return Tensor(name, datatype, tuple(int(size) for size in shape))
    except (ValueError, OverflowError) as error:
        raise InvalidMetadataError(f"{place}.shape: expected a list of integers, got {shape}") from error


def _by_name(tensors: Sequence[Tensor]) -> dict[str, Tensor]:
    return {tensor.name: tensor for tensor in tensors}


def _kind(value: Any) -> str:
    return "nothing" if value is None else type(value).__name__
