"""Who may do what: rights for all namespaces or for some, and users whose own roles grow."""

from typing import Any

import yaml
from serin_testkit.helm import CHART, Helm, Manifest, find

RULES = yaml.safe_load((CHART / "rules.yaml").read_text(encoding="utf-8"))
CLUSTER_WIDE = {"ClusterRole", "ClusterRoleBinding"}


def roles(manifests: list[Manifest]) -> dict[tuple[str, str | None], Any]:
    """Rules of the roles that are bound to the operator, by kind and namespace."""
    bound = {
        (manifest["roleRef"]["kind"], manifest["metadata"].get("namespace"), manifest["roleRef"]["name"])
        for manifest in manifests
        if manifest["kind"].endswith("Binding")
    }
    found = {}
    for manifest in manifests:
        kind, metadata = manifest["kind"], manifest["metadata"]
        if (kind, metadata.get("namespace"), metadata["name"]) in bound:
            found[kind, metadata.get("namespace")] = manifest["rules"]
    return found


def test_one_role_for_all_namespaces(newest_helm: Helm) -> None:
    assert roles(newest_helm.render()) == {("ClusterRole", None): RULES}


def test_a_role_in_each_namespace_and_no_right_beyond(newest_helm: Helm) -> None:
    manifests = newest_helm.render({"watchNamespaces": ["team-a", "serin-system"]})
    assert roles(manifests) == {("Role", "team-a"): RULES, ("Role", "serin-system"): RULES}
    assert not any(manifest["kind"] == "ClusterRoleBinding" for manifest in manifests)


def test_somebody_with_rights_in_one_namespace_only_can_install(newest_helm: Helm) -> None:
    values = {"watchNamespaces": ["mine"], "crds": {"install": False}, "rbac": {"aggregate": False}}
    manifests = newest_helm.render(values, namespace="mine")
    assert {manifest["metadata"].get("namespace") for manifest in manifests} == {"mine"}


def test_every_binding_names_the_account_that_the_pod_has(newest_helm: Helm) -> None:
    for values in ({}, {"watchNamespaces": ["a", "b"]}, {"serviceAccount": {"create": False, "name": "given"}}):
        manifests = newest_helm.render(values)
        account = find(manifests, "Deployment")["spec"]["template"]["spec"]["serviceAccountName"]
        expected = {"kind": "ServiceAccount", "name": account, "namespace": "serin-system"}
        bindings = [manifest for manifest in manifests if manifest["kind"].endswith("Binding")]
        assert bindings
        assert all(binding["subjects"] == [expected] for binding in bindings)


def test_two_releases_of_one_name_have_cluster_roles_of_their_own(newest_helm: Helm) -> None:
    def names(namespace: str) -> set[str]:
        return {
            manifest["metadata"]["name"]
            for manifest in newest_helm.render(namespace=namespace)
            if manifest["kind"] in CLUSTER_WIDE
        }

    assert names("serin-a").isdisjoint(names("serin-b"))


def test_no_rule_has_a_wildcard_or_touches_secrets() -> None:
    for rule in RULES:
        assert "*" not in {*rule["apiGroups"], *rule["resources"], *rule["verbs"]}
        assert not {"secrets", "namespaces", "nodes", "customresourcedefinitions"} & {*rule["resources"]}


def test_who_may_view_or_edit_a_namespace_may_do_so_with_its_models(newest_helm: Helm) -> None:
    prefix = "rbac.authorization.k8s.io/aggregate-to-"
    into = {
        manifest["metadata"]["name"]: {
            label.removeprefix(prefix) for label in manifest["metadata"]["labels"] if prefix in label
        }
        for manifest in newest_helm.render()
        if manifest["kind"] == "ClusterRole" and manifest["metadata"]["name"] != "serin"
    }
    assert into == {
        "serin-view": {"view", "edit", "admin"},
        "serin-edit": {"edit", "admin"},
        "serin-admin": {"admin"},
    }
