"""A BentoML service: `bentoml serve bentoml_server:OnnxModel --port PORT`."""

from __future__ import annotations

from typing import Any

import bentoml
from session import answer_document, load_session


@bentoml.service(name="m", workers=1, logging={"access": {"enabled": False}})
class OnnxModel:
    def __init__(self) -> None:
        self.session = load_session()

    @bentoml.api(route="/v2/models/m/infer")
    def infer(self, inputs: list[dict[str, Any]]) -> dict[str, Any]:
        return answer_document(self.session, inputs)
