"""HTTP/1.1 over asyncio. What a path means is decided elsewhere (`application.Application`)."""
