"""A server of somebody else: answers everything with 200 and tells of its failures only in its own counters.

Runs in a pod, with nothing but Python. The share of requests that it counts as failed is its one argument.
"""

import json
import random
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PORT = 9090
FAILED_SHARE = float(sys.argv[1]) if len(sys.argv) > 1 else 0.0

counts = {"asked": 0, "broken": 0}
lock = threading.Lock()


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/own/counters":
            with lock:
                text = f'asks_total{{kind="user"}} {counts["asked"]}\nbroken_asks_total {counts["broken"]}\n'
            self.answer(text, "text/plain; version=0.0.4")
        else:
            self.answer("", "text/plain", 200 if self.path in ("/up", "/alive") else 404)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        with lock:
            counts["asked"] += 1
            counts["broken"] += random.random() < FAILED_SHARE
        self.answer(json.dumps({"predictions": [0]}), "application/json")

    def answer(self, text: str, kind: str, code: int = 200) -> None:
        body = text.encode()
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        """Nothing: a line per request is of no use to anybody."""


class Server(ThreadingHTTPServer):
    request_queue_size = 128


if __name__ == "__main__":
    Server(("", PORT), Handler).serve_forever()
