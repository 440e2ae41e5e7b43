"""Flags and variables."""

from __future__ import annotations

import pytest
from serin_server.settings import SettingsError, parse_settings

URI = ["--model-uri", "/models/m"]


def test_only_the_model_must_be_given() -> None:
    settings = parse_settings(URI, {})
    assert (settings.model_uri, settings.model_name, settings.http_port) == ("/models/m", "model", 8080)
    assert (settings.threads, settings.drain_seconds, settings.model_digest) == (1, 5.0, None)


def test_a_flag_wins_over_its_variable() -> None:
    environment = {"SERIN_MODEL_URI": "/from/variable", "SERIN_MODEL_NAME": "v", "SERIN_HTTP_PORT": "9000"}
    settings = parse_settings(["--model-name", "f"], environment)
    assert (settings.model_uri, settings.model_name, settings.http_port) == ("/from/variable", "f", 9000)


def test_a_variable_that_kubernetes_made_for_a_service_is_no_setting() -> None:
    assert parse_settings(URI, {"SERIN_HTTP_PORT": "tcp://10.96.0.7:80"}).http_port == 8080


@pytest.mark.parametrize(
    ("arguments", "environment", "expected"),
    [
        ([], {}, "--model-uri (SERIN_MODEL_URI) is missing"),
        ([*URI, "--http-port", "http"], {}, "--http-port: expected a whole number from 0 to 65535, got 'http'"),
        (URI, {"SERIN_THREADS": "0"}, "SERIN_THREADS: expected a whole number from 1 to 1024, got '0'"),
        ([*URI, "--drain-seconds", "soon"], {}, "--drain-seconds: expected seconds from 0 to 86400, got 'soon'"),
        ([*URI, "--drain-seconds", "nan"], {}, "--drain-seconds: expected seconds from 0 to 86400, got 'nan'"),
        ([*URI, "--model-digest", "md5:1"], {}, "--model-digest: expected sha256: and 64 hexadecimal digits"),
        ([*URI, "--model-name", "a/b"], {}, "--model-name: expected a name without slashes and spaces, got 'a/b'"),
        ([*URI, "--log-format", "xml"], {}, "--log-format: expected one of auto, json, plain, got 'xml'"),
        ([*URI, "--latency-buckets", "1,1"], {}, "--latency-buckets: expected growing numbers of seconds"),
        ([*URI, "--log-requests", "2"], {}, "--log-requests: expected a share from 0 to 1, got '2'"),
        ([*URI, "--log-payloads", "yes"], {}, "--log-payloads: expected true or false, got 'yes'"),
        ([*URI, "--out-of-range", "drop"], {}, "--out-of-range: expected one of count, reject, got 'drop'"),
        ([*URI, "--input-ranges", "x"], {}, "--input-ranges: expected ranges such as temperature=-40:60"),
        ([*URI, "--colour"], {}, "unrecognized arguments: --colour"),
    ],
)
def test_a_value_that_cannot_be_used_is_named(arguments: list[str], environment: dict[str, str], expected: str) -> None:
    with pytest.raises(SettingsError) as raised:
        parse_settings(arguments, environment)
    assert str(raised.value).startswith(expected)


def test_help_explains_every_flag_and_its_variable(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse_settings(["--help"], {})
    text = capsys.readouterr().out
    assert "--drain-seconds" in text
    assert "[SERIN_DRAIN_SECONDS]" in text
