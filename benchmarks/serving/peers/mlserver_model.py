"""An MLServer runtime for ONNX: `mlserver start FOLDER` with `implementation: mlserver_model.OnnxModel`."""

from __future__ import annotations

from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse
from session import load_session


class OnnxModel(MLModel):  # type: ignore[misc]
    async def load(self) -> bool:
        self.session = load_session()
        self.names = [output.name for output in self.session.get_outputs()]
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        feeds = {tensor.name: NumpyCodec.decode_input(tensor) for tensor in payload.inputs}
        answers = self.session.run(self.names, feeds)
        outputs = [NumpyCodec.encode_output(name, array) for name, array in zip(self.names, answers, strict=True)]
        return InferenceResponse(model_name=self.name, outputs=outputs)
