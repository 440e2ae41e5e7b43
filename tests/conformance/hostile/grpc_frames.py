"""A call of gRPC as bytes, made by hand, and what came back read by hand."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import hpack
import numpy as np
from serin_server.grpc import inference_pb2 as pb
from serin_server.http2 import frames
from serin_server.http2.frames import make_frame, make_settings
from serin_server.http2.headers import encode_header
from unit.server.fake_http2 import read_frames

PATH = "/inference.GRPCInferenceService/ModelInfer"
GREETING = frames.PREFACE + make_settings({})


def make_message(text: bytes = b"x") -> bytes:
    request = pb.ModelInferRequest(model_name="m")
    values = (np.float32(0.5).tobytes(), np.int64(7).tobytes(), struct.pack("<I", len(text)) + text)
    for name, value in zip(("FP32", "INT64", "BYTES"), values, strict=True):
        request.inputs.add(name=f"in_{name}", datatype=name, shape=[1, 1])
        request.raw_input_contents.append(value)
    return request.SerializeToString()


def frame_message(message: bytes, flag: int = 0) -> bytes:
    return struct.pack(">BL", flag, len(message)) + message


def make_block(path: str = PATH, **more: str) -> bytes:
    headers = {":method": "POST", ":scheme": "http", ":path": path, "content-type": "application/grpc"}
    named = {**headers, **{name.replace("_", "-"): value for name, value in more.items()}}
    return b"".join(encode_header(name.encode(), value.encode()) for name, value in named.items())


def make_headers(stream_id: int, **more: str) -> bytes:
    return make_frame(frames.HEADERS, frames.END_HEADERS, stream_id, make_block(**more))


def make_data(stream_id: int, data: bytes, *, is_end: bool = True) -> bytes:
    pieces = [data[at : at + frames.MAX_FRAME_BYTES] for at in range(0, len(data), frames.MAX_FRAME_BYTES)] or [b""]
    last = len(pieces) - 1
    return b"".join(
        make_frame(frames.DATA, frames.END_STREAM if is_end and index == last else 0, stream_id, piece)
        for index, piece in enumerate(pieces)
    )


def make_call(stream_id: int = 1, message: bytes | None = None, **more: str) -> bytes:
    body = frame_message(make_message() if message is None else message)
    return make_headers(stream_id, **more) + make_data(stream_id, body)


def find_statuses(received: bytes) -> Iterator[tuple[int, int]]:
    """Stream and grpc-status, or the HTTP status where there is none, of each answer that has come to its end."""
    for frame in read_frames(received):
        if frame.kind == frames.HEADERS and frame.flags & frames.END_STREAM:
            headers = dict(hpack.Decoder().decode(frame.payload, raw=True))
            yield frame.stream_id, int(headers.get(b"grpc-status") or headers[b":status"])


def find_farewell(received: bytes) -> frames.ErrorCode | None:
    """Of the last GOAWAY."""
    farewells = [frame.code for frame in read_frames(received) if frame.kind == frames.GOAWAY]
    return farewells[-1] if farewells else None
