"""grpcio's asynchronous server with onnxruntime, as most people would write it. Port: first argument."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import grpc
import numpy as np
from serin_server.grpc import inference_pb2 as pb
from session import DATATYPES, DTYPES, load_session

SESSION = load_session()
NAMES = [output.name for output in SESSION.get_outputs()]


async def infer(request: pb.ModelInferRequest, _: Any) -> pb.ModelInferResponse:
    feeds = {
        tensor.name: np.frombuffer(raw, DTYPES[tensor.datatype]).reshape(tensor.shape)
        for tensor, raw in zip(request.inputs, request.raw_input_contents, strict=True)
    }
    response = pb.ModelInferResponse(model_name="m", id=request.id)
    for name, array in zip(NAMES, SESSION.run(NAMES, feeds), strict=True):
        response.outputs.add(name=name, datatype=DATATYPES[array.dtype.name], shape=array.shape)
        response.raw_output_contents.append(array.tobytes())
    return response


async def serve(port: int) -> None:
    server = grpc.aio.server()
    handler = grpc.unary_unary_rpc_method_handler(
        infer,
        request_deserializer=pb.ModelInferRequest.FromString,
        response_serializer=pb.ModelInferResponse.SerializeToString,
    )
    services = grpc.method_handlers_generic_handler("inference.GRPCInferenceService", {"ModelInfer": handler})
    server.add_generic_rpc_handlers((services,))
    server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
