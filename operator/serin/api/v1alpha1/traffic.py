"""Who splits the requests between the versions: `spec.traffic` of a ModelDeployment. It changes in place."""

from typing import Annotated, Literal

from pydantic import Field

from serin.api.v1alpha1.shared import Opaque, Rule, Schema


class Sticky(Schema):
    """A user stays with the version that he has got, and a rising weight takes the canary from nobody."""

    header: Annotated[
        str | None,
        Field(
            pattern="^[a-z0-9]([-a-z0-9_]*[a-z0-9])?$",
            max_length=64,
            description="A request header that names the user, in lower case.",
        ),
    ] = None
    cookie: Annotated[bool, Field(description="Users without that header get a cookie that names them.")] = False


class RouterSettings(Schema):
    """The Envoys of the provider Router."""

    idle: Annotated[
        Literal["Keep", "Bypass"],
        Field(
            description="While nothing is on trial. Keep: requests go through the routers. Bypass: there are none, and "
            "the user Service leads to the pods."
        ),
    ] = "Keep"
    replicas: Annotated[int, Field(ge=1, le=20, description="Router pods.")] = 2
    resources: Annotated[Opaque, Field(description="Requests and limits of a router's container.")] = {
        "requests": {"cpu": "20m", "memory": "64Mi"},
        "limits": {"memory": "256Mi"},
    }


class ParentRef(Schema):
    """A Gateway that the route is attached to."""

    name: Annotated[str, Field(min_length=1, max_length=253, description="Of the Gateway.")]
    namespace: Annotated[
        str | None,
        Field(
            pattern="^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
            max_length=63,
            description="Of the Gateway; the ModelDeployment's own when left out. Its listeners must allow routes of "
            "this one.",
        ),
    ] = None
    section_name: Annotated[
        str | None, Field(min_length=1, max_length=253, description="One of its listeners; all when left out.")
    ] = None


class GatewayApiSettings(Schema):
    """The HTTPRoute of the provider GatewayAPI."""

    parent_refs: Annotated[
        tuple[ParentRef, ...], Field(min_length=1, max_length=8, description="Gateways through which users come.")
    ]
    hostnames: Annotated[
        tuple[
            Annotated[
                str,
                Field(
                    pattern=r"^(\*\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$", max_length=253
                ),
            ],
            ...,
        ],
        Field(max_length=16, description="Names that users call; every name of the listeners when left out."),
    ] = ()


class Traffic(Schema):
    """Who splits the requests."""

    RULES = (
        Rule(
            "self.provider != 'GatewayAPI' || has(self.gatewayAPI)",
            "provider GatewayAPI needs gatewayAPI: name the Gateway in gatewayAPI.parentRefs",
        ),
        Rule(
            "self.provider != 'GatewayAPI' || !(has(self.sticky.header) || self.sticky.cookie)",
            "sticky does not go with provider GatewayAPI: the sessions of a Gateway would keep users on a rejected "
            "version; leave sticky out, or choose provider Router",
        ),
    )
    provider: Annotated[
        Literal["Router", "GatewayAPI", "Replicas"],
        Field(
            description="Router: Envoys that Serin runs before the pods, exact to 0.01 %. GatewayAPI: a Gateway of the "
            "cluster, by a route of Serin's. Replicas: the user Service itself, by the number of ready pods."
        ),
    ] = "Router"
    sticky: Annotated[Sticky, Field(description="For the provider Router.")] = Sticky()
    router: Annotated[RouterSettings, Field(description="For the provider Router.")] = RouterSettings()
    gateway_api: Annotated[
        GatewayApiSettings | None, Field(alias="gatewayAPI", description="For the provider GatewayAPI.")
    ] = None
