"""The model's own interface: a valid OpenAPI description, and a page that needs nothing from elsewhere."""

from __future__ import annotations

import re

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from unit.server.server_process import ServerProcess

SERVERS = ("linear_server", "echo_server", "named_features_server", "rain_server", "lookup_server", "patient_server")


@pytest.mark.parametrize("name", SERVERS)
def test_the_description_is_valid_openapi(name: str, request: pytest.FixtureRequest) -> None:
    server: ServerProcess = request.getfixturevalue(name)
    description = server.get("/openapi.json").json
    assert description["openapi"].startswith("3.1")
    OpenAPIV31SpecValidator(description).validate()
    assert {"/predict", "/score", "/v2/models/m/infer"} <= description["paths"].keys()


def test_the_page_loads_nothing_from_elsewhere(linear_server: ServerProcess) -> None:
    page = linear_server.get("/docs")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    text = page.body.decode()
    assert "/predict" in text
    assert re.findall(r"""(?:src|href|url\(|import|fetch\()\s*=?\s*["']?(?:https?:)?//""", text) == []
