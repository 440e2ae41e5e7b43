"""Where a model comes from, and what is checked on its way."""

from __future__ import annotations

import hashlib
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from serin_server.model_source import ModelSource, fetched_model
from serin_server.sources.errors import ModelSourceError
from serin_server.sources.web import is_inside_the_cluster
from unit.server.web_server import Reply, web_server

CONTENT = b"not really a model" * 1000
DIGEST = "sha256:" + hashlib.sha256(CONTENT).hexdigest()


def send(status: int, body: bytes = b"", **headers: str) -> Reply:
    def reply(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in {"Content_Length": str(len(body)), **headers}.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return reply


def fetch(uri: str, tmp_path: Path, digest: str | None = None) -> bytes:
    pauses: list[float] = []
    with fetched_model(ModelSource(uri, digest, tmp_path), pauses.append) as path:
        return path.read_bytes()


@pytest.mark.parametrize("form", ["{0}/m.onnx", "file://{0}/m.onnx"])
def test_a_path_and_a_file_uri_mean_the_same(tmp_path: Path, form: str) -> None:
    (tmp_path / "m.onnx").write_bytes(CONTENT)
    assert fetch(form.format(tmp_path), tmp_path, DIGEST) == CONTENT


def test_a_directory_means_its_model_onnx(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(CONTENT)
    assert fetch(str(tmp_path), tmp_path) == CONTENT


def test_a_download_is_checked_and_gone_afterwards(tmp_path: Path) -> None:
    with web_server(send(200, CONTENT)) as uri:
        assert fetch(uri, tmp_path, DIGEST) == CONTENT
    assert list(tmp_path.iterdir()) == []


def test_a_download_is_tried_again_after_what_may_pass(tmp_path: Path) -> None:
    too_short = send(200, CONTENT[:100], Content_Length=str(len(CONTENT)))
    with web_server(send(503), too_short, send(429), send(200, CONTENT)) as uri:
        assert fetch(uri, tmp_path, DIGEST) == CONTENT


def test_a_download_follows_redirects(tmp_path: Path) -> None:
    with web_server(send(200, CONTENT)) as target, web_server(send(302, Location=target)) as uri:
        assert fetch(uri, tmp_path) == CONTENT


@pytest.mark.parametrize(
    ("replies", "expected"),
    [
        ([send(404)], "the server answered 404 Not Found"),
        ([send(500)] * 6, "after 6 attempts: the server answered 500"),
        ([send(302, Location="http://example.com/m")], "http:// to example.com could be tampered with"),
    ],
)
def test_a_download_that_fails_says_why(tmp_path: Path, replies: list[Reply], expected: str) -> None:
    with web_server(*replies) as uri, pytest.raises(ModelSourceError, match=expected):
        fetch(uri, tmp_path)


def test_secrets_of_an_address_are_not_repeated(tmp_path: Path) -> None:
    with web_server(send(403)) as uri, pytest.raises(ModelSourceError) as raised:
        fetch(uri.replace("127.0.0.1", "localhost") + "?signature=hush", tmp_path)
    assert "hush" not in str(raised.value)


@pytest.mark.parametrize(
    ("uri", "digest", "expected"),
    [
        ("/nowhere/m.onnx", None, "cannot read /nowhere/m.onnx: No such file or directory"),
        ("oci://registry/model:1", None, "oci:// models are mounted into the pod by the operator"),
        ("configmap://models/m", None, "configmap:// models are mounted into the pod by the operator"),
        ("pvc://claim/m.onnx", None, "pvc:// models are mounted into the pod by the operator"),
        ("ftp://host/m.onnx", None, "expected a model URI with file://, https://, .* or a path, got ftp://"),
        ("hf://repository", None, "expected hf://organisation/repository/file@revision, got 'hf://repository'"),
        ("s3://bucket", None, "expected s3://bucket/path/model.onnx, got 's3://bucket'"),
        ("file://models/m.onnx", None, "expected file:///path with three slashes"),
        ("http://example.com/m.onnx", None, "could be tampered with"),
        ("https:///m.onnx", None, "got no host"),
    ],
)
def test_an_address_that_cannot_be_used_is_explained(
    tmp_path: Path, uri: str, digest: str | None, expected: str
) -> None:
    with pytest.raises(ModelSourceError, match=expected):
        fetch(uri, tmp_path, digest)


def test_another_file_than_promised_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"something else")
    with pytest.raises(ModelSourceError, match=f"its digest is wrong: expected {DIGEST}, got sha256:"):
        fetch(str(tmp_path), tmp_path, DIGEST)


def test_which_hosts_are_inside_the_cluster() -> None:
    inside = ["127.0.0.1", "::1", "10.1.2.3", "minio", "minio.storage.svc", "minio.storage.svc.cluster.local"]
    assert [host for host in inside if not is_inside_the_cluster(host)] == []
    assert not any(map(is_inside_the_cluster, ["8.8.8.8", "example.com", "svc.example.com"]))
