"""A web server on loopback that holds a model, for what is fetched by the server under test."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

Reply = Callable[[BaseHTTPRequestHandler], None]


@contextmanager
def web_server(*replies: Reply) -> Iterator[str]:
    """Answers the first request by the first reply, and so on; gives the model's address."""
    remaining = list(replies)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            remaining.pop(0)(self)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/models/m.onnx"
        finally:
            server.shutdown()
            thread.join()
