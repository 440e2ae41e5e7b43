"""How much and how long an HTTP/2 peer may take. Sizes in bytes, times in seconds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    max_message_bytes: int = 16 * 1024 * 1024
    max_streams: int = 128
    """At once, per connection; a client with more calls opens a further connection or waits."""
    max_header_list_bytes: int = 16 * 1024
    """Counted as HTTP/2 counts: names, values and 32 bytes for each. A call with more of it is refused."""
    max_header_block_bytes: int = 64 * 1024
    """As sent and as decoded. More of it ends the connection: what is not decoded leaves the two sides apart."""
    stream_window_bytes: int = 65_535
    """So much of each request may come unasked; a longer message is asked for, see `Budget`. More of it would save long
    messages a round trip and let a peer put so much into memory times `max_streams`."""
    connection_window_bytes: int = 8 * 1024 * 1024
    """Given back as it is used: what is held is bounded by the streams' windows and by the budget."""
    preface_seconds: float = 10.0
    request_seconds: float = 60.0
    """How long a request may take from its first to its last frame."""
    write_seconds: float = 30.0
    """How long a peer may leave an answer unread, or give no window for it, before the connection is cut."""
    connection_age_seconds: float = 0.0
    """After so long, a tenth more or less, a client is sent to another connection; 0: never."""
    linger_seconds: float = 2.0
    """How long a connection that is done stays to be closed by the peer."""
    patience: int = 1000
    """How many frames that ask for work and are no part of a call (pings, resets, settings …) may come at once."""
    patience_per_second: int = 100
    patience_per_call: int = 10
    """Each finished call buys so many again: clients ping and open windows all the time while they get answers."""

    @property
    def budget_bytes(self) -> int:
        """Of long messages that one connection may be sending at the same time."""
        return 2 * (self.max_message_bytes + 5)
