"""FastAPI with onnxruntime, as most people would write it. Port: first argument."""

from __future__ import annotations

import sys
from typing import Any

import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel
from session import answer_document, load_session


class Tensor(BaseModel):
    name: str
    datatype: str
    shape: list[int]
    data: list[float]


class InferRequest(BaseModel):
    inputs: list[Tensor]


app = FastAPI()
session = load_session()


@app.get("/v2/health/ready")
async def ready() -> dict[str, bool]:
    return {"ready": True}


@app.post("/v2/models/m/infer")
async def infer(request: InferRequest) -> dict[str, Any]:
    return answer_document(session, request.model_dump()["inputs"])


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", access_log=False)
