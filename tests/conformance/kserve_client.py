"""Runs in KServe's own environment: FOLDER/feeds.npz is sent by KServe's clients, what they read is written beside it.

usage: kserve_client.py http://HOST:PORT GRPC_HOST:PORT json|binary FOLDER
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from kserve import InferenceGRPCClient, InferenceRESTClient, InferInput, InferRequest, RESTConfig
from kserve.protocol.infer_type import RequestedOutput
from kserve.utils.numpy_codec import from_np_dtype


def make_request(feeds: dict[str, Any], *, is_binary: bool) -> InferRequest:
    inputs = []
    for name, array in feeds.items():
        tensor = InferInput(name, list(array.shape), from_np_dtype(array.dtype))
        tensor.set_data_from_numpy(array, binary_data=is_binary)
        inputs.append(tensor)
    outputs = [RequestedOutput(name.replace("in_", "out_"), {"binary_data": is_binary}) for name in feeds]
    return InferRequest("m", inputs, request_id="7", request_outputs=outputs)


async def ask_health(rest: Any, url: str, grpc: Any) -> dict[str, bool]:
    return {
        "REST server live": await rest.is_server_live(url),
        "REST server ready": await rest.is_server_ready(url),
        "REST model ready": await rest.is_model_ready(url, "m"),
        "gRPC server live": await grpc.is_server_live(),
        "gRPC server ready": await grpc.is_server_ready(),
        "gRPC model ready": await grpc.is_model_ready("m"),
    }


async def main(url: str, grpc_address: str, form: str, folder: Path) -> None:
    with np.load(folder / "feeds.npz", allow_pickle=True) as loaded:
        request = make_request(dict(loaded), is_binary=form == "binary")
    async with InferenceRESTClient(RESTConfig(protocol="v2")) as rest, InferenceGRPCClient(grpc_address) as grpc:
        answers = {"REST": await rest.infer(url, request, model_name="m"), "gRPC": await grpc.infer(request)}
        facts = {"health": await ask_health(rest, url, grpc), "ids": [answer.id for answer in answers.values()]}
    for protocol, answer in answers.items():
        np.savez(folder / f"{protocol}.npz", **{output.name: output.as_numpy() for output in answer.outputs})
    (folder / "facts.json").write_text(json.dumps(facts))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], Path(sys.argv[4])))
