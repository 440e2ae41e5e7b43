"""Where requests of one pod are counted: by the pod itself, or by each router that sends it some.

A place is named by the pod, or by the pod and the router. The counters of routers are never added up before they are
compared with earlier ones: a router that was restarted would look like a restart of every pod.
"""

_AT = "@"  # in no name of a pod


def place_at_router(pod: str, router: str) -> str:
    return f"{pod}{_AT}{router}"


def pod_of_place(place: str) -> str:
    return place.partition(_AT)[0]


def describe_place(place: str) -> str:
    """For people, as a part of a sentence."""
    pod, _, router = place.partition(_AT)
    return f"{pod} by router {router}" if router else pod
