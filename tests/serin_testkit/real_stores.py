"""Stores that answer Prometheus's questions in its place: a Thanos that asks one, a Mimir that one writes to.

`url` is the store's; store and Prometheus come and go together.
"""

from pathlib import Path

import requests

from serin_testkit.real_prometheus import RealPrometheus, find_free_port

MIMIR = """
multitenancy_enabled: true
usage_stats: {enabled: false}
server:
  http_listen_address: 127.0.0.1
  http_listen_port: HTTP_PORT
  grpc_listen_address: 127.0.0.1
  grpc_listen_port: GRPC_PORT
  log_level: warn
memberlist: {bind_addr: [127.0.0.1], bind_port: GOSSIP_PORT}
blocks_storage:
  backend: filesystem
  filesystem: {dir: mimir/blocks}
  tsdb: {dir: mimir/tsdb}
  bucket_store: {sync_dir: mimir/sync}
ingester:
  ring: {instance_addr: 127.0.0.1, kvstore: {store: inmemory}, replication_factor: 1, min_ready_duration: 0s}
distributor: {ring: {instance_addr: 127.0.0.1, kvstore: {store: inmemory}}}
store_gateway: {sharding_ring: {instance_addr: 127.0.0.1, kvstore: {store: inmemory}, replication_factor: 1}}
frontend: {address: 127.0.0.1}
query_scheduler: {ring: {instance_addr: 127.0.0.1, kvstore: {store: inmemory}}}
compactor: {data_dir: mimir/compactor, sharding_ring: {instance_addr: 127.0.0.1, kvstore: {store: inmemory}}}
"""

TO_MIMIR = """
remote_write:
- url: URL/api/v1/push
  headers: {X-Scope-OrgID: TENANT}
  queue_config: {batch_send_deadline: 100ms}
"""


class RealThanos(RealPrometheus):
    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._query = f"127.0.0.1:{find_free_port()}"
        self.url = f"http://{self._query}"

    def start(self) -> None:
        super().start()
        sidecar = f"127.0.0.1:{find_free_port()}"
        self._begin(
            "thanos",
            "sidecar",
            f"--prometheus.url=http://{self.address}",
            "--tsdb.path=data",
            f"--grpc-address={sidecar}",
            f"--http-address=127.0.0.1:{find_free_port()}",
        )
        self._begin(
            "thanos",
            "query",
            f"--endpoint={sidecar}",
            f"--http-address={self._query}",
            f"--grpc-address=127.0.0.1:{find_free_port()}",
        )
        self._until("Thanos knows of its Prometheus", self._knows_store)

    def _knows_store(self) -> bool:
        stores = requests.get(f"{self.url}/api/v1/stores", timeout=5).json()["data"]
        return any(store["lastError"] is None for of_kind in stores.values() for store in of_kind)


class RealMimir(RealPrometheus):
    tenant = "ml-team"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._port = find_free_port()
        self.url = f"http://127.0.0.1:{self._port}/prometheus"
        push = TO_MIMIR.replace("URL", f"http://127.0.0.1:{self._port}").replace("TENANT", self.tenant)
        self.more_configuration = push

    def start(self) -> None:
        ports = {"HTTP_PORT": self._port, "GRPC_PORT": find_free_port(), "GOSSIP_PORT": find_free_port()}
        configuration = MIMIR
        for name, port in ports.items():
            configuration = configuration.replace(name, str(port))
        (self._folder / "mimir.yml").write_text(configuration)
        targets = "distributor,ingester,querier,query-frontend,query-scheduler,store-gateway,compactor"
        self._begin("mimir", "-config.file=mimir.yml", f"-target={targets}")
        ready = f"http://127.0.0.1:{self._port}/ready"
        self._until("Mimir is ready", lambda: requests.get(ready, timeout=5).ok)
        self._until("Mimir answers", lambda: self.query("up[1m]") is not None)
        super().start()
