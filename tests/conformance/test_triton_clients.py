"""Triton's client, as it is on the package index, over HTTP and gRPC, blocking and asynchronous."""

from __future__ import annotations

from typing import Any

import pytest
import tritonclient.grpc as grpc_client
import tritonclient.grpc.aio as grpc_aio_client
import tritonclient.http as http_client
import tritonclient.http.aio as http_aio_client
from conformance.conftest import Echo
from conformance.tensors import Tensors, are_same
from serin_server.oip.datatypes import DATATYPES
from tritonclient.utils import InferenceServerException, np_to_triton_dtype


def make_http_inputs(feeds: Tensors, *, is_binary: bool) -> list[Any]:
    inputs = []
    for name, array in feeds.items():
        tensor = http_client.InferInput(name, array.shape, np_to_triton_dtype(array.dtype))
        inputs.append(tensor.set_data_from_numpy(array, binary_data=is_binary))
    return inputs


def make_http_outputs(answer: Tensors, *, is_binary: bool) -> list[Any]:
    return [http_client.InferRequestedOutput(name, binary_data=is_binary) for name in answer]


def make_grpc_inputs(feeds: Tensors) -> list[Any]:
    inputs = []
    for name, array in feeds.items():
        tensor = grpc_client.InferInput(name, array.shape, np_to_triton_dtype(array.dtype))
        inputs.append(tensor.set_data_from_numpy(array))
    return inputs


def find_differences(result: Any, answer: Tensors) -> list[str]:
    return [name for name, expected in answer.items() if not are_same(result.as_numpy(name), expected)]


# -- every datatype, equal to what ONNX Runtime says ------------------------------------------------------------------


def test_grpc(echo: Echo) -> None:
    with grpc_client.InferenceServerClient(echo.grpc) as client:
        result = client.infer("m", make_grpc_inputs(echo.feeds), model_version="1", request_id="7")
    assert find_differences(result, echo.answer) == []
    assert result.get_response().id == "7"


async def test_grpc_asynchronously(echo: Echo) -> None:
    async with grpc_aio_client.InferenceServerClient(echo.grpc) as client:
        result = await client.infer("m", make_grpc_inputs(echo.feeds))
    assert find_differences(result, echo.answer) == []


def test_http_with_json_tensors(echo: Echo) -> None:
    with http_client.InferenceServerClient(echo.http) as client:
        result = client.infer(
            "m",
            make_http_inputs(echo.feeds, is_binary=False),
            outputs=make_http_outputs(echo.answer, is_binary=False),
            request_id="7",
        )
    assert find_differences(result, echo.answer) == []
    assert result.get_response()["id"] == "7"


async def test_http_with_json_tensors_asynchronously(echo: Echo) -> None:
    async with http_aio_client.InferenceServerClient(echo.http) as client:
        result = await client.infer(
            "m",
            make_http_inputs(echo.feeds, is_binary=False),
            outputs=make_http_outputs(echo.answer, is_binary=False),
        )
    assert find_differences(result, echo.answer) == []


def test_http_with_binary_tensors(echo: Echo) -> None:
    with http_client.InferenceServerClient(echo.http) as client:
        result = client.infer("m", make_http_inputs(echo.feeds, is_binary=True))
    assert find_differences(result, echo.answer) == []


async def test_http_with_binary_tensors_asynchronously(echo: Echo) -> None:
    async with http_aio_client.InferenceServerClient(echo.http) as client:
        result = await client.infer("m", make_http_inputs(echo.feeds, is_binary=True))
    assert find_differences(result, echo.answer) == []


@pytest.mark.parametrize("binary_half", ["inputs", "outputs"])
def test_http_with_one_half_binary_and_the_other_json(echo: Echo, binary_half: str) -> None:
    with http_client.InferenceServerClient(echo.http) as client:
        result = client.infer(
            "m",
            make_http_inputs(echo.feeds, is_binary=binary_half == "inputs"),
            outputs=make_http_outputs(echo.answer, is_binary=binary_half == "outputs"),
        )
    assert find_differences(result, echo.answer) == []


@pytest.mark.parametrize("algorithm", ["gzip", "deflate"])
def test_http_with_compressed_bodies(echo: Echo, algorithm: str) -> None:
    with http_client.InferenceServerClient(echo.http) as client:
        result = client.infer(
            "m",
            make_http_inputs(echo.feeds, is_binary=True),
            request_compression_algorithm=algorithm,
            response_compression_algorithm=algorithm,
        )
    assert find_differences(result, echo.answer) == []


@pytest.mark.parametrize("algorithm", ["gzip", "deflate"])
def test_grpc_with_compressed_messages(echo: Echo, algorithm: str) -> None:
    with grpc_client.InferenceServerClient(echo.grpc) as client:
        result = client.infer("m", make_grpc_inputs(echo.feeds), compression_algorithm=algorithm)
    assert find_differences(result, echo.answer) == []


# -- health, metadata, errors -----------------------------------------------------------------------------------------


@pytest.fixture(params=["http", "grpc"])
def client(request: pytest.FixtureRequest, echo: Echo) -> Any:
    module, address = (http_client, echo.http) if request.param == "http" else (grpc_client, echo.grpc)
    with module.InferenceServerClient(address) as connected:
        yield connected


def test_health(client: Any) -> None:
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("m")
    assert client.is_model_ready("m", "1")


def test_metadata(client: Any) -> None:
    as_json = {} if isinstance(client, http_client.InferenceServerClient) else {"as_json": True}
    assert client.get_server_metadata(**as_json)["name"] == "serin"
    metadata = client.get_model_metadata("m", **as_json)
    assert (metadata["name"], metadata["versions"], metadata["platform"]) == ("m", ["1"], "onnx_onnxv1")
    assert [tensor["name"] for tensor in metadata["inputs"]] == [f"in_{name}" for name in DATATYPES]
    assert [tensor["datatype"] for tensor in metadata["outputs"]] == list(DATATYPES)
    assert [int(size) for size in metadata["inputs"][0]["shape"]] == [-1, -1]


def test_an_unknown_model_is_an_error_with_the_words_that_triton_uses(client: Any) -> None:
    with pytest.raises(InferenceServerException) as error:
        client.get_model_metadata("nobody")
    assert "Request for unknown model: 'nobody' is not served here" in error.value.message()
    assert error.value.status() in ("404", "StatusCode.NOT_FOUND")


def test_an_input_of_another_datatype_is_an_error_that_names_it(echo: Echo) -> None:
    with grpc_client.InferenceServerClient(echo.grpc) as client, pytest.raises(InferenceServerException) as error:
        client.infer("m", make_grpc_inputs({"in_BOOL": echo.feeds["in_INT8"]}))
    assert error.value.status() == "StatusCode.INVALID_ARGUMENT"
    assert error.value.message() == "input 'in_BOOL': expected datatype BOOL, got 'INT8'"
    with http_client.InferenceServerClient(echo.http) as client, pytest.raises(InferenceServerException) as error:
        client.infer(
            "m",
            make_http_inputs({"in_BOOL": echo.feeds["in_INT8"]}, is_binary=False),
            outputs=make_http_outputs({"out_BOOL": echo.feeds["in_BOOL"]}, is_binary=False),
        )
    assert error.value.status() == "400"
    assert error.value.message() == "input 'in_BOOL': expected datatype BOOL, got 'INT8'"
