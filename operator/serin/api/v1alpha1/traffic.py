"""Who splits the requests between the versions: `spec.traffic` of a ModelDeployment. It changes in place."""

from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from serin.api.quantity import parse_quantity
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

    scope: Annotated[
        Literal["Model", "Namespace"],
        Field(
            description="Model: routers for this model alone. Namespace: all models of the namespace that say so share "
            "theirs, which have the largest of the replicas and resources that one of them asks for."
        ),
    ] = "Model"
    idle: Annotated[
        Literal["Keep", "Bypass"],
        Field(
            description="While nothing is on trial. Keep: requests go through the routers. Bypass: the user Service "
            "leads to the pods, and there are no routers but those that a namespace shares."
        ),
    ] = "Keep"
    replicas: Annotated[int, Field(ge=1, le=20, description="Router pods.")] = 2
    resources: Annotated[Opaque, Field(description="Requests and limits of a router's container.")] = {
        "requests": {"cpu": "50m", "memory": "64Mi"},
        "limits": {"memory": "256Mi"},
    }

    @field_validator("resources")
    @classmethod
    def _require_amounts(cls, resources: Opaque, info: ValidationInfo) -> Opaque:
        """Those of a shared router are compared: what cannot be would be refused for all of its models."""
        if info.data.get("scope") == "Namespace" and not _has_amounts_alone(resources):
            expected = "with scope Namespace expected requests and limits of cpu and memory alone, such as 20m and 64Mi"
            raise PydanticCustomError("shared_resources", expected)
        return resources


def _has_amounts_alone(resources: Opaque) -> bool:
    if not resources.keys() <= {"requests", "limits"}:
        return False
    sections = resources.values()
    if not all(isinstance(section, dict) and section.keys() <= {"cpu", "memory"} for section in sections):
        return False
    amounts = [parse_quantity(amount) for section in sections for amount in section.values()]
    return all(amount is not None and amount.is_finite() and amount >= 0 for amount in amounts)


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
