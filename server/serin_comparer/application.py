"""One port: it takes copies, whatever their path, and tells the comparer's own health and numbers.

The two never meet: a copy that is compared is a POST or a PUT.
"""

from __future__ import annotations

from aiohttp import web

from serin_comparer.copies import Copies, Copy, is_inference
from serin_comparer.telemetry import CONTENT_TYPE, Telemetry


def make_application(copies: Copies, telemetry: Telemetry, max_body_bytes: int) -> web.Application:
    async def ready(_: web.Request) -> web.Response:
        return web.Response(text="ready\n")

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=telemetry.render(), headers={"content-type": CONTENT_TYPE})

    async def take(request: web.Request) -> web.Response:
        if not is_inference(request.method, request.headers):
            telemetry.count_dropped("not_inference")
            return web.Response(status=202)
        if (request.content_length or 0) > max_body_bytes:
            telemetry.count_dropped("too_large")
            return web.Response(status=413)
        # Before the body is read: what finds no room costs no memory either.
        if not copies.has_room_for(request.content_length or 0):
            telemetry.count_dropped("full")
            return web.Response(status=503)
        try:
            body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            telemetry.count_dropped("too_large")
            return web.Response(status=413)
        is_taken = copies.take(Copy(request.method, request.raw_path, request.headers, body))
        return web.Response(status=202 if is_taken else 503)

    application = web.Application(client_max_size=max_body_bytes)
    application.router.add_get("/ready", ready)
    application.router.add_get("/metrics", metrics)
    application.router.add_route("*", "/{path:.*}", take)
    return application
