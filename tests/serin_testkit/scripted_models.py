"""What the pods' model servers answer to the operator, by script: all have one signature, until told otherwise."""

from collections.abc import Callable, Mapping
from typing import Any

from serin.core.contract.golden_requests import Answer
from serin.core.facts import ModelQuestion, NoAnswer


def a_signature(label: str = "INT64") -> Mapping[str, Any]:
    features = {"name": "features", "datatype": "FP32", "shape": [-1, 7]}
    return {"inputs": [features], "outputs": [{"name": "label", "datatype": label, "shape": [-1]}]}


class ScriptedModels:
    """The port `ModelClient`; asked from the operator's thread, scripted by the test's."""

    def __init__(self, version_at: Callable[[str], str | None]) -> None:
        self._version_at = version_at
        self._answers: dict[tuple[str | None, str], Answer | NoAnswer] = {}
        self.asked: list[tuple[str | None, str]] = []
        """Version and path."""

    def let_answer(self, path: str, answer: Answer | NoAnswer, *, version: str | None = None) -> None:
        """Pods of this version, or of all, answer so from now on."""
        self._answers[version, path] = answer

    async def ask(self, question: ModelQuestion) -> Answer | NoAnswer:
        version, path = self._version_at(question.address), question.path
        self.asked.append((version, path))
        known = self._answers.get((version, path)) or self._answers.get((None, path))
        return known or Answer(200, a_signature())
