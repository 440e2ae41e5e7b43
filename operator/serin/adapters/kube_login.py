"""How to reach the API server and with which credentials: one answer for our client and for kopf's watches."""

import os
import time
from typing import Any

import kopf
from kubernetes.aio import config as kube_config
from kubernetes.aio.client import Configuration

USUAL_KUBECONFIG = os.path.expanduser("~/.kube/config")

FRESH_SECONDS = 60.0
"""How old a kubeconfig's credentials get before they are read again; the client takes the same for mounted tokens."""


async def load_configuration(kubeconfig: str | None) -> Configuration:
    """By this kubeconfig file, else by the pod's service account, else by ~/.kube/config."""
    # Proxies of the environment are left out: aiohttp reads ~/.netrc in a thread for every request to honour them. A
    # kubeconfig's own proxy-url counts.
    configuration = Configuration(client_session_kwargs={"trust_env": False})
    if kubeconfig is None and "KUBERNETES_SERVICE_HOST" in os.environ:
        kube_config.load_incluster_config(client_configuration=configuration)
        return configuration
    file = kubeconfig or USUAL_KUBECONFIG
    loader = await kube_config.load_kube_config(
        config_file=file, client_configuration=configuration, persist_config=False
    )
    configuration.refresh_api_key_hook = _Refresh(loader)
    return configuration


class _Refresh:
    """Reads token files and asks credential plugins again; the client itself does so only once."""

    def __init__(self, loader: Any) -> None:
        self._loader = loader
        self._read_at_seconds = time.monotonic()

    async def __call__(self, configuration: Configuration) -> None:
        if time.monotonic() - self._read_at_seconds > FRESH_SECONDS:
            self._read_at_seconds = time.monotonic()
            await self._loader.load_and_set(configuration)


async def make_connection_info(kubeconfig: str | None) -> kopf.ConnectionInfo:
    """The same for kopf. Everything is read afresh: kopf asks again only after the server refused the last answer."""
    configuration = await load_configuration(kubeconfig)
    header = await configuration.get_api_key_with_prefix("BearerToken")
    scheme, _, token = (header or "").strip().partition(" ")
    return kopf.ConnectionInfo(
        server=configuration.host,
        ca_path=configuration.ssl_ca_cert,
        insecure=not configuration.verify_ssl,
        scheme=scheme or None,
        token=token or None,
        certificate_path=configuration.cert_file,
        private_key_path=configuration.key_file,
        proxy_url=configuration.proxy,
    )
