"""gRPC from outside the cluster: Triton's client, one connection for all calls, through a node port of the Service."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import numpy
import tritonclient.grpc as triton
from cluster.kubectl import Kubectl
from tritonclient.utils import InferenceServerException

PAUSE_SECONDS = 0.02
TIMEOUT_SECONDS = 5.0
FEATURES = [[12.5, 0.8, 10.0, 180.0, 4.0, 1013.0, 1.0]]


class Calls:
    """Made by `calling`. `versions` counts who answered, `failed` has what went wrong."""

    def __init__(self, address: str) -> None:
        self._client = triton.InferenceServerClient(address)
        self._input = triton.InferInput("features", [1, len(FEATURES[0])], "FP32")
        self._input.set_data_from_numpy(numpy.array(FEATURES, dtype=numpy.float32))
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._go_on, daemon=True)
        self.versions: Counter[str] = Counter()
        self.failed: list[str] = []

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join()
        self._client.close()

    def _go_on(self) -> None:
        while not self._stopping.is_set():
            try:
                answer = self._client.infer("weather", [self._input], client_timeout=TIMEOUT_SECONDS)
                self.versions[answer.get_response().model_version] += 1
            except InferenceServerException as error:
                self.failed.append(str(error))
            time.sleep(PAUSE_SECONDS)


@contextmanager
def calling(kubectl: Kubectl, service: str) -> Iterator[Calls]:
    """Some forty calls a second, as long as the block runs."""
    calls = Calls(_address_of(kubectl, service))
    calls.start()
    try:
        yield calls
    finally:
        calls.stop()


def _address_of(kubectl: Kubectl, service: str) -> str:
    (node, *_) = kubectl.read("get", "nodes")["items"]
    host = next(found["address"] for found in node["status"]["addresses"] if found["type"] == "InternalIP")
    ports = kubectl.read("get", "service", service)["spec"]["ports"]
    return f"{host}:{next(port['nodePort'] for port in ports if port['name'] == 'grpc')}"
