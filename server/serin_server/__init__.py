"""Serin's model server: ONNX Runtime behind the Open Inference Protocol V2 and a plain `/predict`.

`wire` speaks HTTP and knows no models, `oip` turns bytes into tensors and back and knows no sockets, `inference`
runs the model and knows neither. The modules beside them join the three; `__main__` is the only wiring.
"""

__version__ = "0.1.0"
