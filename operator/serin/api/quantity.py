"""Amounts as Kubernetes spells them: `1000m` of CPU is `1`, `1Ki` of memory is `1024`."""

from decimal import Decimal, InvalidOperation
from typing import Any

_SUFFIXES = {
    **{
        suffix: Decimal(10) ** power
        for suffix, power in zip("numkMGTPE", (-9, -6, -3, 3, 6, 9, 12, 15, 18), strict=True)
    },
    **{f"{suffix}i": Decimal(1024) ** (index + 1) for index, suffix in enumerate("KMGTPE")},
}


def parse_quantity(text: Any) -> Decimal | None:
    """None for what is none."""
    number, factor = str(text), Decimal(1)
    for suffix in (number[-2:], number[-1:]):
        if suffix in _SUFFIXES:
            number, factor = number.removesuffix(suffix), _SUFFIXES[suffix]
            break
    try:
        return Decimal(number) * factor
    except InvalidOperation:
        return None
