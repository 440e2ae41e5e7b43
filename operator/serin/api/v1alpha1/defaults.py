"""A rule that tells whether somebody asked for something: CEL that holds while a part of an object has its defaults.

The API server fills in defaults before it weighs the rules, so a field that was left out cannot be told from one that
was written with its default; neither asks for anything.
"""

from collections.abc import Iterator
from typing import Any

from serin.api.v1alpha1.shared import Schema


def is_default(path: str, defaults: Schema) -> str:
    """The CEL expression for the object at this path, such as `self.analysis`."""
    return " && ".join(_conditions(path, defaults))


def _conditions(path: str, defaults: Schema) -> Iterator[str]:
    for name, field in type(defaults).model_fields.items():
        yield from _equals(f"{path}.{field.alias}", getattr(defaults, name))


def _equals(place: str, value: Any) -> Iterator[str]:
    match value:
        case Schema():
            yield from _conditions(place, value)
        case None:
            yield f"!has({place})"
        case ():
            yield f"(!has({place}) || {place}.size() == 0)"
        case tuple():
            yield f"{place}.size() == {len(value)}"
            for index, item in enumerate(value):
                yield from _equals(f"{place}[{index}]", item)
        case bool():
            yield place if value else f"!{place}"
        case str():
            yield f"{place} == '{value}'"
        case int() | float():
            yield f"{place} == {value!r}"
        case _:
            raise TypeError(f"{place}: a default of type {type(value).__name__} has no form in CEL")
