"""A KServe predictor: `kserve_server.py --http_port PORT --enable_grpc false`."""

from __future__ import annotations

from typing import Any

from kserve import InferOutput, InferRequest, InferResponse, Model, ModelServer
from session import DATATYPES, load_session


class OnnxModel(Model):  # type: ignore[misc]
    def load(self) -> bool:
        self.session = load_session()
        self.outputs = [output.name for output in self.session.get_outputs()]
        self.ready = True
        return True

    async def predict(self, payload: InferRequest, *_: Any, **__: Any) -> InferResponse:
        feeds = {tensor.name: tensor.as_numpy() for tensor in payload.inputs}
        outputs = []
        for name, array in zip(self.outputs, self.session.run(self.outputs, feeds), strict=True):
            output = InferOutput(name, list(array.shape), DATATYPES[array.dtype.name])
            output.set_data_from_numpy(array, binary_data=False)
            outputs.append(output)
        return InferResponse(payload.id, self.name, outputs)


if __name__ == "__main__":
    model = OnnxModel("m")
    model.load()
    ModelServer().start([model])
