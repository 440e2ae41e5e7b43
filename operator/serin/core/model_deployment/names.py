"""Every name and label that Serin gives. Role (stable, canary) is a label of the Deployment only, never of a pod."""

from serin.core.facts import Route, Track

MODEL_DEPLOYMENT_LABEL = "serin.dev/model-deployment"
REVISION_LABEL = "serin.dev/revision"
TRACK_LABEL = "serin.dev/track"
ROLE_LABEL = "serin.dev/role"
MANAGED_BY_LABEL = "app.kubernetes.io/managed-by"
COMPONENT_LABEL = "serin.dev/component"
"""What a child is for that is neither pods of a model nor the Service that users call."""
TRAFFIC = "traffic"
ROUTER = "router"
LISTENER = "listener"
"""A model's part of the routers that its namespace shares."""

SHARED = ""
"""In the place of a ModelDeployment's name: what serves several. No label selector takes it for one of theirs."""

SHARED_ROUTER = "serin-routers"
"""No name of a ModelDeployment's children ends like this."""

MANAGER = "serin"


def revision_name(model_deployment: str, content_hash: str) -> str:
    return f"{model_deployment}-{content_hash}"


def deployment_name(route: Route) -> str:
    return route.revision if route.track is Track.PRIMARY else f"{route.revision}-{route.track}"


def route_of(deployment: str) -> Route:
    """The route of a Deployment of this name: `deployment_name` the other way."""
    for track in (Track.BASELINE, Track.COMPARER):
        if deployment.endswith(f"-{track}"):
            return Route(deployment.removesuffix(f"-{track}"), track)
    return Route(deployment, Track.PRIMARY)


def rollout_name(model_deployment: str, attempt: int) -> str:
    return f"{model_deployment}-{attempt}"


def service_name(model_deployment: str, variant: str = "") -> str:
    return f"{model_deployment}-{variant}" if variant else model_deployment


def router_name(model_deployment: str) -> str:
    return f"{model_deployment}-{ROUTER}"


def router_labels(model_deployment: str) -> dict[str, str]:
    """Of the router's pods."""
    return {MODEL_DEPLOYMENT_LABEL: model_deployment, COMPONENT_LABEL: ROUTER}


def listener_name(model_deployment: str) -> str:
    return f"{model_deployment}-{LISTENER}"


def pod_labels(model_deployment: str, route: Route) -> dict[str, str]:
    """What a pod is: it stays true for the pod's whole life, whatever role its revision plays."""
    return {
        MODEL_DEPLOYMENT_LABEL: model_deployment,
        REVISION_LABEL: route.revision,
        TRACK_LABEL: route.track.value,
    }


def child_labels(model_deployment: str) -> dict[str, str]:
    return {MANAGED_BY_LABEL: MANAGER, MODEL_DEPLOYMENT_LABEL: model_deployment}
