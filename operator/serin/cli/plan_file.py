"""The plan of a rollout, or its analysis alone, from YAML to the verdict's settings.

The same models as in the cluster. What the API server adds to them is repeated here, because no API server is asked:
it would drop unknown fields with a warning, and refuse what the rules of the CRD forbid.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from serin.api.v1alpha1.plan import Analysis, Plan
from serin.api.v1alpha1.shared import duration_seconds
from serin.cli.bad_input import BadInputError


def read_analysis(path: Path | None) -> Analysis:
    """The analysis of the plan in a file; without a file that of a plan that says nothing."""
    if path is None:
        return Analysis()
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise BadInputError(f"{path}: expected a readable YAML file, but {error}") from error
    return parse_analysis(data if data is not None else {}, str(path))


def parse_analysis(data: Any, file: str) -> Analysis:
    """The analysis of a plan as YAML data; `file` is for the messages."""
    if not isinstance(data, dict):
        raise BadInputError(f"{file}: {data!r}, expected a plan, such as `analysis: {{maxDuration: 30m}}`")
    is_analysis = bool(data) and not (data.keys() & _wire_names(Plan))
    try:
        plan = Plan.model_validate({"analysis": data} if is_analysis else data)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise BadInputError(f"{file}, {place}: {first['input']!r}, expected: {first['msg']}") from error
    written = {"analysis": data} if is_analysis else data
    for problem in (*_unknown(written, plan.model_dump(mode="json", by_alias=True), ""), *_broken_rules(plan.analysis)):
        raise BadInputError(f"{file}, {problem}")
    return plan.analysis


def _wire_names(model: type[Plan]) -> set[str]:
    return {field.alias or name for name, field in model.model_fields.items()}


def _unknown(written: Any, known: Any, place: str) -> Iterator[str]:
    """Fields that somebody wrote and no model has: a typo must not become a default."""
    if isinstance(written, dict) and isinstance(known, dict):
        for name, value in written.items():
            if name not in known:
                yield f"{place}{name}: no such field, expected one of {', '.join(sorted(known))}"
            else:
                yield from _unknown(value, known[name], f"{place}{name}.")
    elif isinstance(written, list) and isinstance(known, list):
        for i, (value, known_value) in enumerate(zip(written, known, strict=True)):
            yield from _unknown(value, known_value, f"{place}{i}.")


def _broken_rules(analysis: Analysis) -> Iterator[str]:
    """The rules of the CRD that concern the numbers."""
    interval, longest = duration_seconds(analysis.interval), duration_seconds(analysis.max_duration)
    margin, dispersion = analysis.metrics[0].margin, analysis.dispersion
    if interval < 1:
        yield f"analysis.interval: {analysis.interval!r}, expected at least 1s"
    if longest < interval:
        yield f"analysis.maxDuration: {analysis.max_duration!r}, expected at least interval ({analysis.interval})"
    if duration_seconds(analysis.min_duration) > longest:
        yield f"analysis.minDuration: {analysis.min_duration!r}, expected at most maxDuration ({analysis.max_duration})"
    if all(metric.type == "Categories" for metric in analysis.metrics):
        yield "analysis.metrics: nothing but Categories, expected at least one Ratio or Histogram"
    if margin.absolute == margin.relative == 0:
        yield "analysis.metrics.0.margin: absolute and relative are 0, expected one of them to be more"
    if (dispersion.mode == "Fixed") != (dispersion.value is not None):
        yield f"analysis.dispersion.value: {dispersion.value}, expected a value with mode Fixed, and only there"
