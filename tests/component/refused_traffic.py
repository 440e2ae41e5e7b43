"""What the definitions refuse of `spec.traffic`, in the form of `refused_objects.py`."""

from component.refused_objects import model_deployment, row

TRAFFIC_RULES = [
    row(
        "a Gateway that nobody names",
        model_deployment(traffic__provider="GatewayAPI"),
        "spec.traffic",
        "provider GatewayAPI needs gatewayAPI: name the Gateway in gatewayAPI.parentRefs",
    ),
    row(
        "sessions that keep users on a rejected version",
        model_deployment(
            traffic={
                "provider": "GatewayAPI",
                "gatewayAPI": {"parentRefs": [{"name": "public"}]},
                "sticky": {"header": "x-user-id"},
            }
        ),
        "spec.traffic",
        "sticky does not go with provider GatewayAPI: the sessions of a Gateway would keep users on a rejected "
        "version; leave sticky out, or choose provider Router",
    ),
    row(
        "no Gateway in the list",
        model_deployment(traffic={"provider": "GatewayAPI", "gatewayAPI": {"parentRefs": []}}),
        "spec.traffic.gatewayAPI.parentRefs",
        "at least 1",
    ),
    row(
        "a name that no DNS has",
        model_deployment(
            traffic={
                "provider": "GatewayAPI",
                "gatewayAPI": {"parentRefs": [{"name": "public"}], "hostnames": ["http://weather"]},
            }
        ),
        "spec.traffic.gatewayAPI.hostnames[0]",
        "match",
    ),
]
