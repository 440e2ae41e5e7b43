"""Shows what is beyond the size budget: files over 400 lines, functions over 50 lines or over 6 parameters.

A place beyond it needs its reason in REASONS, where reviewers see it; an entry that is no longer needed is an error.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

SOURCES = ("operator", "server", "hack", "tests", "manifests/examples", "benchmarks")
FILE_LINES, FUNCTION_LINES, PARAMETERS = 400, 50, 6

REASONS: dict[str, str] = {}


def measure(path: Path) -> Iterator[tuple[str, str]]:
    """Places beyond the budget, each with what is too much."""
    text = path.read_text()
    lines = text.count("\n")
    if lines > FILE_LINES:
        yield str(path), f"{lines} lines, {FILE_LINES} allowed"
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        place = f"{path}:{node.name}"
        length = (node.end_lineno or node.lineno) - node.lineno + 1
        if length > FUNCTION_LINES:
            yield place, f"{length} lines, {FUNCTION_LINES} allowed"
        arguments = node.args
        count = len([a for a in (*arguments.posonlyargs, *arguments.args) if a.arg not in ("self", "cls")])
        count += len(arguments.kwonlyargs)
        if count > PARAMETERS:
            yield place, f"{count} parameters, {PARAMETERS} allowed"


def main() -> int:
    paths = sorted(path for source in SOURCES for path in Path(source).rglob("*.py"))
    beyond = dict(found for path in paths for found in measure(path))
    for place, excess in beyond.items():
        print(f"{place}: {excess}. {REASONS.get(place, 'No reason in hack/size_budget.py: split it, or say why not.')}")
    idle = REASONS.keys() - beyond.keys()
    for place in sorted(idle):
        print(f"{place}: within the budget now, take it out of hack/size_budget.py")
    return 1 if idle or beyond.keys() - REASONS.keys() else 0


if __name__ == "__main__":
    sys.exit(main())
