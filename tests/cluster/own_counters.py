"""A server of somebody else: answers with 200 if nothing else is said, and tells of its failures in its own counters.

Runs in a pod, with nothing but Python. Its one argument says, as JSON, the share of requests that it counts as failed,
how much slower than usual it is and how often it predicts rain: {"failed_share": 0.05, "slowness": 1.5}. What it
counts as failed it answers with `failed_code`, 200 if nothing is said. A share of answers, `error_share`, can be errors
all the same: status 500, and no word of them in the counters.
`GET /incident?share=0.2&seconds=60` makes it fail for a while, as everything does that shares a broken dependency;
`GET /crash` ends it.
"""

import json
import os
import random
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

PORT = 9090
BOUNDS_SECONDS = (0.01, 0.02, 0.03, 0.04, 0.06, 0.08)
MEDIAN_SECONDS, SPREAD = 0.02, 0.4
"""Of the log-normal time that an answer takes."""

options = {
    "failed_share": 0.0,
    "failed_code": 200,
    "error_share": 0.0,
    "slowness": 0.0,
    "rain_share": 0.3,
    **(json.loads(sys.argv[1]) if len(sys.argv) > 1 else {}),
}
counts = {"asked": 0, "broken": 0, "rain": 0}
slower_than = dict.fromkeys(BOUNDS_SECONDS, 0)
incident = {"share": 0.0, "until": 0.0}
lock = threading.Lock()


def render_counters() -> str:
    with lock:
        lines = [f'asks_total{{kind="user"}} {counts["asked"]}', f"broken_asks_total {counts['broken']}"]
        sky = {"rain": counts["rain"], "sun": counts["asked"] - counts["rain"]}
        lines += [f'skies_total{{sky="{name}"}} {count}' for name, count in sky.items()]
        lines += [f'ask_seconds_bucket{{le="{le}"}} {counts["asked"] - slower_than[le]}' for le in BOUNDS_SECONDS]
        lines += [f'ask_seconds_bucket{{le="+Inf"}} {counts["asked"]}', f"ask_seconds_count {counts['asked']}"]
    return "\n".join(lines) + "\n"


def begin_incident(query: str) -> None:
    wanted = parse_qs(query)
    incident["share"] = float(wanted["share"][0])
    incident["until"] = time.monotonic() + float(wanted["seconds"][0])


def failed_share() -> float:
    during_incident = incident["share"] if time.monotonic() < incident["until"] else 0.0
    return max(float(options["failed_share"]), during_incident)


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if parts.path == "/own/counters":
            self.answer(render_counters(), "text/plain; version=0.0.4")
        elif parts.path == "/incident":
            begin_incident(parts.query)
            self.answer("begun", "text/plain")
        elif parts.path == "/crash":
            os._exit(1)
        else:
            self.answer("", "text/plain", 200 if parts.path in ("/up", "/alive") else 404)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        took_seconds = 0.0
        if options["slowness"]:
            took_seconds = options["slowness"] * MEDIAN_SECONDS * random.lognormvariate(0, SPREAD)
            time.sleep(took_seconds)
        with lock:
            counts["asked"] += 1
            is_broken = random.random() < failed_share()
            counts["broken"] += is_broken
            counts["rain"] += random.random() < float(options["rain_share"])
            for bound in BOUNDS_SECONDS:
                slower_than[bound] += took_seconds > bound
        code = int(options["failed_code"]) if is_broken else 200
        if random.random() < float(options["error_share"]):
            code = 500
        self.answer(json.dumps({"predictions": [0]}), "application/json", code)

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
