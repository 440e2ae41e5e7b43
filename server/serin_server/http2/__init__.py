"""HTTP/2 over asyncio, the server's side of it, as far as gRPC needs it (RFC 9113).

`connection` reads frames and keeps their rules, `sending` writes answers within the peer's windows, `headers` decodes
header blocks. What a request means is decided elsewhere (`application.Application`). There is no push and there are no
priorities, and `content-length` is not compared with what comes: gRPC's messages tell their own length.
"""
