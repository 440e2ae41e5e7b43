"""Downloads over connections that break: from web servers, the Hugging Face hub and object stores."""

from __future__ import annotations

import json
from collections.abc import Callable
from email.message import Message
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from serin_server.model_source import ModelSource, fetched_model
from serin_server.sources.errors import ModelSourceError
from unit.server.onnx_models import save_linear_model
from unit.server.server_process import ServerProcess
from unit.server.web_server import Reply, web_server

CONTENT = bytes(range(256)) * 4000
LENGTH = len(CONTENT)

Heads = list["Message[str, str]"]


class Store:
    """A place with one object, which knows ranges and ends a connection after `sent` bytes of it."""

    def __init__(self, content: bytes = CONTENT, etag: str = '"one"') -> None:
        self.content = content
        self.etag = etag
        self.heads: Heads = []
        self.paths: list[str] = []

    def send(self, sent: int | None = None, *, knows_ranges: bool = True) -> Reply:
        def reply(handler: BaseHTTPRequestHandler) -> None:
            self.heads.append(handler.headers)
            self.paths.append(handler.path)
            start = int(handler.headers.get("Range", "bytes=0-")[6:-1])
            if handler.headers.get("If-Match", self.etag) != self.etag:
                handler.send_error(412)
                return
            is_part = knows_ranges and bool(start) and handler.headers.get("If-Range", self.etag) == self.etag
            body = self.content[start:] if is_part else self.content
            handler.send_response(206 if is_part else 200)
            if is_part:
                handler.send_header("Content-Range", f"bytes {start}-{len(self.content) - 1}/{len(self.content)}")
            handler.send_header("Content-Length", str(len(body)))
            handler.send_header("ETag", self.etag)
            handler.send_header("Last-Modified", "Tue, 24 Nov 2026 16:53:14 GMT")
            handler.end_headers()
            handler.wfile.write(body[:sent])

        return reply

    def change(self, content: bytes, etag: str) -> None:
        self.content, self.etag = content, etag

    @property
    def ranges(self) -> list[str | None]:
        return [head.get("Range") for head in self.heads]


def fetch(uri: str, tmp_path: Path, environment: dict[str, str] | None = None) -> bytes:
    source = ModelSource(uri, None, tmp_path)
    with fetched_model(source, pause=lambda _: None, environment=environment or {}) as path:
        return path.read_bytes()


def after(change: Callable[[], None], reply: Reply) -> Reply:
    def changed(handler: BaseHTTPRequestHandler) -> None:
        change()
        reply(handler)

    return changed


# -- web servers ------------------------------------------------------------------------------------------------------


def test_a_broken_download_goes_on_where_it_broke(tmp_path: Path) -> None:
    store = Store()
    with web_server(store.send(300_000), store.send(300_000), store.send()) as uri:
        assert fetch(uri, tmp_path) == CONTENT
    assert store.ranges == [None, "bytes=300000-", "bytes=600000-"]
    assert store.heads[1]["If-Range"] == '"one"'


def test_a_download_that_makes_progress_is_not_given_up(tmp_path: Path) -> None:
    store = Store()
    pieces = [store.send(LENGTH // 20 + 1) for _ in range(20)]
    with web_server(*pieces) as uri:
        assert fetch(uri, tmp_path) == CONTENT


def test_a_model_that_changes_under_a_download_is_fetched_anew(tmp_path: Path) -> None:
    store = Store()
    other = CONTENT[::-1] * 2
    with web_server(store.send(300_000), after(lambda: store.change(other, '"two"'), store.send())) as uri:
        assert fetch(uri, tmp_path) == other


def test_a_server_without_ranges_is_asked_for_all_of_it_again(tmp_path: Path) -> None:
    store = Store()
    with web_server(store.send(300_000), store.send(knows_ranges=False)) as uri:
        assert fetch(uri, tmp_path) == CONTENT


def test_a_weak_tag_promises_no_bytes_so_the_date_stands_in(tmp_path: Path) -> None:
    store = Store(etag='W/"one"')
    with web_server(store.send(300_000), store.send()) as uri:
        assert fetch(uri, tmp_path) == CONTENT
    assert store.heads[1]["If-Range"] == "Tue, 24 Nov 2026 16:53:14 GMT"


def test_a_server_that_always_breaks_at_the_same_place_is_given_up(tmp_path: Path) -> None:
    store = Store()
    replies = [store.send(300_000), *(store.send(0) for _ in range(6))]
    with (
        web_server(*replies) as uri,
        pytest.raises(ModelSourceError, match=r"after 6 attempts: .*(expected|IncompleteRead)"),
    ):
        fetch(uri, tmp_path)


def test_the_process_serves_a_model_whose_connection_broke_half_way(tmp_path: Path) -> None:
    content = save_linear_model(tmp_path / "m.onnx").read_bytes()
    store = Store(content)
    with web_server(store.send(len(content) // 2), store.send()) as uri, ServerProcess(uri) as server:
        warning = server.wait_for_log("download failed, will retry")
        assert warning["received_bytes"] == len(content) // 2
        server.wait_for_log("ready")


# -- the hub ----------------------------------------------------------------------------------------------------------


def send_away(to: str, heads: Heads) -> Reply:
    def reply(handler: BaseHTTPRequestHandler) -> None:
        heads.append(handler.headers)
        handler.send_response(302)
        handler.send_header("Location", to)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return reply


def endpoint_of(uri: str) -> str:
    return uri.removesuffix("/models/m.onnx")


def test_a_hub_address_names_repository_file_and_revision(tmp_path: Path) -> None:
    store = Store()
    with web_server(store.send(), store.send()) as uri:
        environment = {"HF_ENDPOINT": endpoint_of(uri), "HF_TOKEN": "hush"}
        assert fetch("hf://org/repo/onnx/m.onnx@refs/pr/1", tmp_path, environment) == CONTENT
        assert fetch("hf://org/repo", tmp_path, environment) == CONTENT
    assert store.paths == ["/org/repo/resolve/refs%2Fpr%2F1/onnx/m.onnx", "/org/repo/resolve/main/model.onnx"]
    assert store.heads[0]["Authorization"] == "Bearer hush"


def test_the_hub_s_token_stays_with_the_hub(tmp_path: Path) -> None:
    store, heads = Store(), Heads()
    with web_server(store.send()) as elsewhere:
        within = send_away("/moved", heads)
        with web_server(within, send_away(elsewhere, heads)) as uri:
            environment = {"HF_ENDPOINT": endpoint_of(uri), "HF_TOKEN": "hush"}
            assert fetch("hf://org/repo", tmp_path, environment) == CONTENT
    assert [head["Authorization"] for head in heads] == ["Bearer hush"] * 2
    assert store.heads[0]["Authorization"] is None


# -- object stores ----------------------------------------------------------------------------------------------------


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], dict[str, str]]:
    """The environment for a store at this address; the library reads it by itself."""

    def use(uri: str) -> dict[str, str]:
        environment = {
            "AWS_ENDPOINT_URL": endpoint_of(uri),
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "hush",
            "AWS_REGION": "eu-central-1",
        }
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        return environment

    return use


S3 = Callable[[str], dict[str, str]]


def test_an_object_is_fetched_signed_and_goes_on_where_it_broke(tmp_path: Path, s3: S3) -> None:
    store = Store()
    with web_server(store.send(600_000), store.send()) as uri:
        assert fetch("s3://models/weather/2.onnx", tmp_path, s3(uri)) == CONTENT
    assert store.paths == ["/models/weather/2.onnx"] * 2
    assert store.heads[0]["Authorization"].startswith("AWS4-HMAC-SHA256 Credential=key/")
    assert store.heads[1]["If-Match"] == '"one"'
    assert [head["Range"] is None for head in store.heads] == [True, False]


def test_an_object_that_changes_under_a_download_is_fetched_anew(tmp_path: Path, s3: S3) -> None:
    store = Store()
    other = CONTENT[::-1]
    change = after(lambda: store.change(other, '"two"'), store.send())
    with web_server(store.send(600_000), change, store.send()) as uri:
        assert fetch("s3://models/m.onnx", tmp_path, s3(uri)) == other


def refuse(status: int) -> Reply:
    def reply(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return reply


@pytest.mark.parametrize(
    ("replies", "expected"),
    [
        ([refuse(404)], "cannot download s3://models/m.onnx: there is no such object"),
        ([refuse(403)], "cannot download s3://models/m.onnx: The operation lacked the necessary privileges"),
        ([refuse(503)] * 6, "cannot download s3://models/m.onnx after 6 attempts: .*503"),
    ],
)
def test_an_object_that_cannot_be_had_is_explained(tmp_path: Path, s3: S3, replies: list[Reply], expected: str) -> None:
    with web_server(*replies) as uri, pytest.raises(ModelSourceError, match=expected) as raised:
        fetch("s3://models/m.onnx", tmp_path, s3(uri))
    assert "\n" not in str(raised.value)


def test_a_store_outside_the_cluster_is_not_asked_over_plain_http(tmp_path: Path) -> None:
    with pytest.raises(ModelSourceError, match="could be tampered with"):
        fetch("s3://models/m.onnx", tmp_path, {"AWS_ENDPOINT_URL": "http://example.com"})


def test_an_azure_container_without_an_account_is_explained(tmp_path: Path) -> None:
    with pytest.raises(ModelSourceError, match=r"cannot use az://models: .*Account must be specified"):
        fetch("az://models/m.onnx", tmp_path)


def test_a_google_object_is_fetched_with_the_credentials_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store()
    with web_server(store.send()) as uri:
        account = {
            "gcs_base_url": endpoint_of(uri),
            "disable_oauth": True,
            "client_email": "",
            "private_key": "",
            "private_key_id": "",
        }
        credentials = tmp_path / "account.json"
        credentials.write_text(json.dumps(account))
        monkeypatch.setenv("GOOGLE_SERVICE_ACCOUNT", str(credentials))
        environment = {"GOOGLE_BASE_URL": endpoint_of(uri)}
        monkeypatch.setenv("GOOGLE_BASE_URL", endpoint_of(uri))
        assert fetch("gs://models/m.onnx", tmp_path, environment) == CONTENT
    assert store.paths == ["/models/m%2Eonnx"]
