"""What the cache believes when watches, lists and our own writes tell different stories."""

import pytest
from serin.core.facts import Key
from serin.runtime.cache import Cache, slim
from serin.runtime.kinds import WATCHED
from serin.runtime.ports import Listing, ObjectRef

from .objects import make_live

WEATHER = Key("ml", "weather")


@pytest.fixture
def cache() -> Cache:
    return Cache()


def version_of(cache: Cache, kind: str, name: str = "weather") -> int | None:
    live = cache.get(ObjectRef(kind, "ml", name))
    return int(live["metadata"]["resourceVersion"]) if live else None


def test_an_older_word_about_an_object_is_no_news(cache: Cache) -> None:
    assert cache.store(make_live("Deployment", version=10))
    assert not cache.store(make_live("Deployment", version=9))
    assert not cache.store(make_live("Deployment", version=10))
    assert version_of(cache, "Deployment") == 10


def test_versions_are_compared_as_numbers(cache: Cache) -> None:
    cache.store(make_live("Deployment", version=9))
    assert cache.store(make_live("Deployment", version=10))


def test_a_late_event_of_a_deleted_object_does_not_bring_it_back(cache: Cache) -> None:
    cache.store(make_live("Deployment", version=10))
    assert cache.remove(make_live("Deployment", version=12))
    assert not cache.store(make_live("Deployment", version=11))
    assert version_of(cache, "Deployment") is None


def test_an_object_made_again_under_the_name_of_a_deleted_one_is_taken_in(cache: Cache) -> None:
    cache.store(make_live("Deployment", version=10))
    cache.remove(make_live("Deployment", version=12))
    assert cache.store(make_live("Deployment", version=13))


def test_a_late_deletion_does_not_remove_the_object_made_after_it(cache: Cache) -> None:
    cache.store(make_live("Deployment", version=20))
    assert not cache.remove(make_live("Deployment", version=12))
    assert version_of(cache, "Deployment") == 20


def test_a_list_drops_what_it_does_not_hold_and_keeps_what_is_newer_than_itself(cache: Cache) -> None:
    cache.store(make_live("Deployment", "gone", version=10))
    cache.store(make_live("Deployment", "new", version=30))
    cache.store(make_live("Deployment", "old", version=11))

    changed = cache.replace("Deployment", Listing([make_live("Deployment", "old", version=15)], 20))

    assert sorted(live["metadata"]["name"] for live in changed) == ["gone", "old"]
    assert [version_of(cache, "Deployment", name) for name in ("gone", "new", "old")] == [None, 30, 15]


def test_after_a_list_an_event_from_before_it_brings_nothing_back(cache: Cache) -> None:
    cache.replace("Deployment", Listing([], 20))
    assert not cache.store(make_live("Deployment", version=19))
    assert cache.store(make_live("Deployment", version=21))


def test_a_list_from_before_a_deletion_does_not_bring_the_object_back(cache: Cache) -> None:
    cache.store(make_live("Deployment", version=10))
    cache.remove(make_live("Deployment", version=30))
    assert cache.replace("Deployment", Listing([make_live("Deployment", version=10)], 20)) == []
    assert version_of(cache, "Deployment") is None


def test_an_object_that_got_its_labels_back_unchanged_is_taken_in_by_the_next_list(cache: Cache) -> None:
    cache.replace("Deployment", Listing([], 20))
    cache.replace("Deployment", Listing([make_live("Deployment", version=15)], 25))
    assert version_of(cache, "Deployment") == 15


def test_everything_of_one_model_deployment_is_found_by_its_key(cache: Cache) -> None:
    cache.store(make_live("ModelDeployment"))
    cache.store(make_live("Rollout", "by-hand", spec={"modelDeployment": "weather"}, metadata={"labels": {}}))
    cache.store(make_live("Deployment", "b"))
    cache.store(make_live("Deployment", "a"))
    cache.store(make_live("Deployment", "other", metadata={"labels": {"serin.dev/model-deployment": "other"}}))

    owned = cache.owned(WEATHER)

    names = {kind: [live["metadata"]["name"] for live in lives] for kind, lives in owned.items() if lives}
    assert names == {"ModelDeployment": ["weather"], "Rollout": ["by-hand"], "Deployment": ["a", "b"]}


def test_an_object_whose_label_moves_it_away_leaves_its_former_owner(cache: Cache) -> None:
    cache.store(make_live("Deployment", version=10))
    moved = make_live("Deployment", version=11, metadata={"labels": {"serin.dev/model-deployment": "other"}})
    cache.store(moved)
    assert cache.owned(WEATHER)["Deployment"] == []
    assert len(cache.owned(Key("ml", "other"))["Deployment"]) == 1


def test_the_cache_is_primed_when_every_kind_has_been_listed(cache: Cache) -> None:
    for kind in WATCHED:
        assert not cache.is_primed
        cache.replace(kind, Listing([], 1))
    assert cache.is_primed


def test_a_pod_is_kept_without_what_nobody_reads() -> None:
    pod = make_live(
        "Pod",
        spec={"containers": [{"name": "server", "image": "serin/server:1", "env": [{"name": "A"}]}], "volumes": [{}]},
        status={"phase": "Running", "podIPs": [], "conditions": []},
        metadata={"annotations": {"a": "b"}, "managedFields": [{}]},
    )
    slimmed = slim("Pod", pod)
    assert slimmed["spec"] == {"containers": [{"name": "server", "image": "serin/server:1"}]}
    assert slimmed["status"] == {"phase": "Running", "conditions": []}
    assert "annotations" not in slimmed["metadata"]
    assert "managedFields" not in slimmed["metadata"]


def test_other_kinds_lose_only_their_book_keeping() -> None:
    annotations = {"kubectl.kubernetes.io/last-applied-configuration": "{}", "mine": "1"}
    slimmed = slim("Deployment", make_live("Deployment", spec={"replicas": 1}, metadata={"annotations": annotations}))
    assert slimmed["metadata"]["annotations"] == {"mine": "1"}
    assert slimmed["spec"] == {"replicas": 1}
