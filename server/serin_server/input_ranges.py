"""The numbers that an input is expected to hold, such as `temperature=-40:60` or `x[3]=0:` for one feature of a table.

What lies outside is counted. With `reject` the request is refused as well, before the model sees it. NaN is a missing
value and not out of any range.
"""

from __future__ import annotations

import enum
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from serin_server.oip.datatypes import Array
from serin_server.oip.errors import InvalidRequestError
from serin_server.oip.signature import Signature

_RANGE: Final = re.compile(r"(?P<input>.+?)(?:\[(?P<feature>\d+)\])?=(?P<least>[^=:]*):(?P<most>[^=:]*)")


class OutOfRange(enum.Enum):
    COUNT = "count"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class InputRange:
    input: str
    feature: int | None
    """The position in the row; None: all values of the input."""
    least: float
    most: float

    def count_outside(self, values: Array) -> int:
        """`values`: those of the feature, or of the whole input."""
        return int(np.count_nonzero((values < self.least) | (values > self.most)))

    def select(self, array: Array) -> Array:
        return array if self.feature is None else array[..., self.feature]

    def __str__(self) -> str:
        place = "" if self.feature is None else f", feature {self.feature}"
        return f"input {self.input!r}{place}: expected {self.least:g} to {self.most:g}"


def parse_input_ranges(text: str) -> tuple[InputRange, ...]:
    """Separated by commas, or one a line in the file behind an `@`. ValueError says what was expected."""
    if text.startswith("@"):
        try:
            text = Path(text[1:]).read_text()
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError("a readable file behind the @") from error
    return tuple(_parse_range(part.strip()) for part in re.split(r"[,\n]", text) if part.strip())


def find_misfit(ranges: Sequence[InputRange], signature: Signature) -> str | None:
    """A sentence on a range that means no number of this model; None: all do."""
    specs = {spec.name: spec for spec in signature.inputs}
    for wanted in ranges:
        spec = specs.get(wanted.input)
        if spec is None or spec.datatype.json_type not in (int, float):
            takes = signature.describe_inputs()
            return f"--input-ranges names {wanted.input!r}, which is no numeric input: it takes {takes}"
        if wanted.feature is None:
            continue
        width = spec.shape[-1] if spec.shape is not None and len(spec.shape) == 2 else 0
        if wanted.feature >= width:
            return f"--input-ranges names {wanted.input}[{wanted.feature}], but the input has {max(0, width)} features"
    return None


def check_ranges(ranges: Sequence[InputRange], feeds: dict[str, Array]) -> None:
    """InvalidRequestError names the first value outside."""
    for wanted in ranges:
        values = wanted.select(feeds[wanted.input])
        if wanted.count_outside(values):
            outside = values[(values < wanted.least) | (values > wanted.most)]
            raise InvalidRequestError(f"{wanted}, got {outside.flat[0]:g}")


def _parse_range(text: str) -> InputRange:
    found = _RANGE.fullmatch(text)
    expected = "ranges such as temperature=-40:60 or x[3]=0:1, separated by commas"
    if found is None:
        raise ValueError(expected)
    try:
        least = float(found["least"].strip() or "-inf")
        most = float(found["most"].strip() or "inf")
    except ValueError:
        raise ValueError(expected) from None
    if math.isnan(least) or math.isnan(most) or least > most:
        raise ValueError(f"{expected}, the smaller number first")
    feature = None if found["feature"] is None else int(found["feature"])
    return InputRange(found["input"], feature, least, most)
