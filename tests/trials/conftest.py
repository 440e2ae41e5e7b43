"""The fixtures of the cluster rung, for suites that each need minutes and a machine without other work."""

from cluster.conftest import _cluster, namespace, operator, prometheus, pytest_runtest_makereport

__all__ = ["_cluster", "namespace", "operator", "prometheus", "pytest_runtest_makereport"]
