"""The Open Inference Protocol V2 over gRPC.

`service` turns the bytes of a request into the bytes of its answer and knows no sockets; `listener` and `health` alone
import grpcio. `inference_pb2` is generated from `inference.proto` by hack/generate_messages.py.
"""
