"""`python -m serin.installation_check [ADDRESS]`: does the installation work? What `helm test` runs.

Asks the operator at ADDRESS (http://127.0.0.1:8080) whether it is ready, and Prometheus with the operator's own
settings for anything at all. Each answer is a line; the exit code is 0 when both are good.
"""

import sys
from collections.abc import Iterator
from os import environ
from urllib.parse import urlsplit

import requests

from serin.adapters.prometheus_session import SessionError, make_session
from serin.adapters.settings import Settings, SettingsError, read_settings

TIMEOUT_SECONDS = 10.0


def find_troubles(operator_url: str, settings: Settings) -> Iterator[str]:
    try:
        answer = requests.get(f"{operator_url}/readyz", timeout=TIMEOUT_SECONDS)
    except requests.RequestException as error:
        yield f"the operator at {operator_url} does not answer: {error}. Next: kubectl describe its pod"
    else:
        if not answer.ok:
            yield f"the operator is not ready: {answer.text.strip()}. Next: look for missing rights or definitions"
    session = make_session(settings.prometheus_token_file, settings.prometheus_ca_file, settings.prometheus_tenant)
    # The address may hold a password.
    where = f"Prometheus at {urlsplit(settings.prometheus_url).hostname}"
    try:
        with session:
            answer = session.get(
                f"{settings.prometheus_url}/api/v1/query", params={"query": "vector(1)"}, timeout=TIMEOUT_SECONDS
            )
            found = answer.json()
    except SessionError as error:
        yield f"{where} is of no use: {error}. Next: see its address, token and tenant"
    except (requests.RequestException, ValueError) as error:
        yield f"{where} gives no answer: {type(error).__name__}. Next: see prometheus.url (SERIN_PROMETHEUS_URL)"
    else:
        if found.get("status") != "success":
            yield f"{where} does not speak as Prometheus does. Next: see prometheus.url (SERIN_PROMETHEUS_URL)"


def main() -> int:
    operator_url = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8080"
    try:
        troubles = list(find_troubles(operator_url, read_settings(environ)))
    except SettingsError as error:
        troubles = [str(error)]
    sys.stdout.write("\n".join(troubles or ["The operator is ready, and Prometheus answers it."]) + "\n")
    return 1 if troubles else 0


if __name__ == "__main__":
    sys.exit(main())
