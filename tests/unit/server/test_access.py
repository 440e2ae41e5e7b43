"""With a bearer token only who knows it is served; health and metrics stay open."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from serin_server.settings import SettingsError, parse_settings
from unit.server.onnx_models import save_linear_model
from unit.server.server_process import ServerProcess


@pytest.fixture(scope="module")
def guarded_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    directory = tmp_path_factory.mktemp("guarded")
    token = directory / "token"
    token.write_text("open sesame\n")
    with ServerProcess(save_linear_model(directory / "m.onnx"), "--bearer-token-file", str(token)) as server:
        yield server.wait_until_ready()


@pytest.mark.parametrize("given", ["Bearer open sesame", "bearer  open sesame"])
def test_who_knows_the_token_is_served(guarded_server: ServerProcess, given: str) -> None:
    assert guarded_server.post("/predict", [[0] * 6], {"Authorization": given}).status == 200


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer open"}, {"Authorization": "Basic open sesame"}])
def test_who_does_not_know_it_is_a_401_and_counted(guarded_server: ServerProcess, headers: dict[str, str]) -> None:
    before = guarded_server.count_requests("predict", 401) or 0
    answer = guarded_server.post("/predict", [[0] * 6], headers)
    assert (answer.status, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert guarded_server.count_requests("predict", 401) == before + 1
    assert guarded_server.get("/v2/models/m").status == 401


@pytest.mark.parametrize("path", ["/v2/health/live", "/v2/health/ready", "/v2/models/m/ready", "/metrics"])
def test_health_and_metrics_need_no_token(guarded_server: ServerProcess, path: str) -> None:
    assert guarded_server.get(path).status == 200


def test_a_token_that_would_guard_nothing_is_refused(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.touch()
    arguments = ["--model-uri", "/m", "--bearer-token-file"]
    with pytest.raises(SettingsError, match="expected a file with a token in it"):
        parse_settings([*arguments, str(empty)], {})
    with pytest.raises(SettingsError, match="expected a readable file"):
        parse_settings([*arguments, str(tmp_path / "none")], {})
