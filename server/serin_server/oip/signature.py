"""What a model takes and gives: names, datatypes and shapes."""

from __future__ import annotations

from dataclasses import dataclass, field

from serin_server.oip.datatypes import Datatype

DYNAMIC = -1
"""The protocol's mark of a dimension that the request chooses."""


@dataclass(frozen=True, slots=True)
class TensorSpec:
    name: str
    datatype: Datatype
    shape: tuple[int, ...] | None
    """None: the model does not say, every shape is passed on to it."""
    subject: str = field(init=False, compare=False)
    """Begins the errors about the tensor. Made once: most requests are right and would pay for it."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "subject", f"input {self.name!r}")

    def takes(self, shape: tuple[int, ...]) -> bool:
        if self.shape is None:
            return True
        if len(shape) != len(self.shape):
            return False
        for want, got in zip(self.shape, shape, strict=True):  # noqa: SIM110 - `all` would triple the cost per request
            if want not in (DYNAMIC, got):
                return False
        return True

    @property
    def has_dynamic_rows(self) -> bool:
        return self.shape is not None and self.shape[:1] == (DYNAMIC,)

    @property
    def is_scalar_per_row(self) -> bool:
        return self.shape is not None and (len(self.shape) == 1 or (len(self.shape) == 2 and self.shape[1] == 1))

    def __str__(self) -> str:
        return f"{self.name!r} ({self.datatype} {list(self.shape) if self.shape is not None else 'of any shape'})"


@dataclass(frozen=True, slots=True)
class Signature:
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    output_names: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "output_names", tuple(spec.name for spec in self.outputs))

    def describe_inputs(self) -> str:
        return ", ".join(map(str, self.inputs))
