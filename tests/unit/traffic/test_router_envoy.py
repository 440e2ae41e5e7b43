"""What users get of a real Envoy that follows the router's configuration. docs/traffic.md promises it."""

import asyncio
import re
from collections import Counter
from collections.abc import Mapping

import pytest
from serin.api.v1alpha1.traffic import Sticky
from serin.core.model_deployment.names import deployment_name
from serin.core.plan import Mirror
from serin_testkit.local_envoy import DRAIN_TOKEN, Answer, LocalEnvoy
from unit.traffic.intents import BASELINE, CANARY, COOKIE, STABLE, USER, a_split, an_intent

NAMES = {"weather-11111111": "stable", "weather-11111111-baseline": "baseline", "weather-22222222": "canary"}


def tracks(answers: list[Answer]) -> list[str]:
    assert {answer.status for answer in answers} == {200}
    return [NAMES[answer.body] for answer in answers]


def users(count: int) -> list[Mapping[str, str]]:
    return [{"x-user-id": f"user-{number}"} for number in range(count)]


async def test_five_percent_of_20_000_requests_are_five_percent() -> None:
    async with LocalEnvoy.run(a_split(5)) as envoy:
        count = Counter(tracks(await envoy.send({} for _ in range(20_000))))

    # 3.2 standard deviations of 20,000 throws; the third track takes what is left.
    assert 0.045 < count["canary"] / 20_000 < 0.055
    assert 0.045 < count["baseline"] / 20_000 < 0.055


async def test_zero_and_a_hundred_are_exact_with_all_tracks_there() -> None:
    async with LocalEnvoy.run(an_intent({STABLE: 100.0, CANARY: 0.0})) as envoy:
        assert Counter(tracks(await envoy.send({} for _ in range(2000)))) == {"stable": 2000}
        await envoy.follow(an_intent({CANARY: 100.0}))
        assert Counter(tracks(await envoy.send({} for _ in range(2000)))) == {"canary": 2000}


async def test_nobody_leaves_the_canary_or_the_baseline_while_their_weights_rise() -> None:
    before: list[str] = []
    async with LocalEnvoy.run(a_split(1, sticky=USER)) as envoy:
        for percent in (1, 5, 20, 45):
            await envoy.follow(a_split(percent, sticky=USER))
            now = tracks(await envoy.send(users(4000)))
            assert tracks(await envoy.send(users(400))) == now[:400], "the same user gets the same again"
            assert all(new == old for old, new in zip(before, now, strict=False) if old != "stable")
            assert abs(now.count("canary") / 4000 - percent / 100) < 0.03
            before = now


async def test_with_another_salt_other_users_are_the_first() -> None:
    async with LocalEnvoy.run(a_split(10, sticky=USER)) as envoy:
        one = tracks(await envoy.send(users(1000)))
        await envoy.follow(a_split(10, sticky=USER, salt="weather-33333333"))
        other = tracks(await envoy.send(users(1000)))

    in_both = sum(a == b == "canary" for a, b in zip(one, other, strict=True))
    assert in_both < 30, "1 % by chance"


async def test_the_cookie_of_the_first_answer_brings_the_same_track_and_stays_through_a_rising_weight() -> None:
    async with LocalEnvoy.run(a_split(20, sticky=COOKIE)) as envoy:
        first = await envoy.send({} for _ in range(500))
        cookies = [{"cookie": f"theme=dark; {answer.headers['set-cookie'].split(';')[0]}; a=b"} for answer in first]
        again = await envoy.send(cookies)
        assert tracks(again) == tracks(first)
        assert not any("set-cookie" in answer.headers for answer in again)
        await envoy.follow(a_split(45, sticky=COOKIE))
        later = tracks(await envoy.send(cookies))

    assert all(new == old for old, new in zip(tracks(first), later, strict=True) if old != "stable")


async def test_a_header_that_names_the_user_goes_over_the_cookie() -> None:
    async with LocalEnvoy.run(a_split(20, sticky=Sticky(header="x-user-id", cookie=True))) as envoy:
        alone = tracks(await envoy.send(users(300)))
        with_cookie = [{**user, "cookie": f"serin-user=other-{number}"} for number, user in enumerate(users(300))]
        assert tracks(await envoy.send(with_cookie)) == alone


async def test_a_quarter_is_mirrored_and_users_get_nothing_of_it() -> None:
    async with LocalEnvoy.run(an_intent({STABLE: 100.0}, mirror=Mirror(CANARY, 25.0))) as envoy:
        envoy.pods[CANARY].status = 500
        assert Counter(tracks(await envoy.send({} for _ in range(12_000)))) == {"stable": 12_000}
        await asyncio.sleep(0.2)
        mirrored = envoy.pods[CANARY].requests

    assert abs(mirrored / 12_000 - 0.25) < 0.013


@pytest.mark.parametrize("track", ["canary", "baseline", "stable"])
async def test_a_tester_chooses_the_track_whatever_the_weights(track: str) -> None:
    async with LocalEnvoy.run(an_intent({STABLE: 100.0, BASELINE: 0.0, CANARY: 0.0})) as envoy:
        assert set(tracks(await envoy.send([{"x-serin-track": track}] * 50))) == {track}


async def test_a_canary_that_only_fails_is_left_after_five_failures_and_stable_answers_in_its_place() -> None:
    async with LocalEnvoy.run(an_intent({STABLE: 50.0, CANARY: 50.0})) as envoy:
        envoy.pods[CANARY].status = 500
        statuses = Counter([(await envoy.get()).status for _ in range(200)])

    assert statuses[500] == 5


async def test_failures_of_stable_are_answers_and_take_no_pod_away() -> None:
    async with LocalEnvoy.run(an_intent({STABLE: 100.0})) as envoy:
        envoy.pods[STABLE].status = 500
        assert {(await envoy.get()).status for _ in range(50)} == {500}
        envoy.pods[STABLE].status = 200
        assert (await envoy.get()).status == 200


async def test_a_canary_whose_pods_are_gone_costs_no_request() -> None:
    async with LocalEnvoy.run(an_intent({STABLE: 50.0, CANARY: 50.0})) as envoy:
        await envoy.send({} for _ in range(100))
        await envoy.pods[CANARY].stop()
        assert Counter(tracks(await envoy.send({} for _ in range(500)))) == {"stable": 500}


async def test_two_hundred_changes_of_the_weights_under_load_cost_no_request() -> None:
    changes = [a_split(percent % 46, sticky=USER if percent % 2 else None) for percent in range(50)]
    switched = an_intent({CANARY: 100.0}, stable=CANARY)
    alone = an_intent({CANARY: 100.0}, stable=CANARY, backends=(CANARY,))
    # As a rollout goes: pods are known before they get a weight, and until the last of them is gone.
    changes += [an_intent({STABLE: 100.0}), an_intent({CANARY: 100.0}), switched, alone, switched]
    stopped = asyncio.Event()
    answers: list[Answer] = []

    async with LocalEnvoy.run(changes[0]) as envoy:

        async def load() -> None:
            connection = envoy.connect()
            while not stopped.is_set():
                answers.append(await connection.get("/"))
            await connection.close()

        clients = [asyncio.create_task(load()) for _ in range(4)]
        for number in range(200):
            await envoy.follow(changes[number % len(changes)])
        stopped.set()
        await asyncio.gather(*clients)

    assert len(answers) > 1000
    assert Counter(answer.status for answer in answers).keys() == {200}


async def test_an_answer_may_take_longer_than_envoys_own_timeout() -> None:
    async with LocalEnvoy.run(an_intent({STABLE: 100.0})) as envoy:
        envoy.pods[STABLE].delay_seconds = 16
        assert (await envoy.get()).status == 200


async def test_a_router_that_must_go_finishes_its_requests_and_sends_clients_away() -> None:
    async with LocalEnvoy.run(an_intent({STABLE: 100.0})) as envoy:
        envoy.pods[STABLE].delay_seconds = 4
        running = asyncio.create_task(envoy.get("/slow"))
        await asyncio.sleep(0.3)
        envoy.pods[STABLE].delay_seconds = 0
        draining = asyncio.create_task(envoy.ask("/drain", {"x-serin-drain": DRAIN_TOKEN}))
        await asyncio.sleep(0.3)

        assert (await envoy.get()).headers["connection"] == "close"
        assert (await running).status == 200
        with pytest.raises(OSError, match="Connect"):
            await envoy.get()
        assert not draining.done(), "the pod lives on until this answer"
        draining.cancel()
        await asyncio.gather(draining, return_exceptions=True)


async def test_a_restarted_router_comes_up_with_the_last_weights_and_needs_nobody() -> None:
    async with LocalEnvoy.run(a_split(5)) as envoy:
        await envoy.follow(an_intent({CANARY: 100.0}))
        await envoy.kill()
        await envoy.start()
        await envoy.until_follows(an_intent({CANARY: 100.0}))
        assert tracks([await envoy.get()]) == ["canary"]


async def test_the_port_for_metrics_gives_nothing_but_metrics_readiness_and_state() -> None:
    async with LocalEnvoy.run(a_split(5)) as envoy:
        for path in ("/config_dump", "/quitquitquit", "/stats", "/drain", "/", "/runtime_modify"):
            assert (await envoy.ask(path)).status == 404, path
        assert (await envoy.ask("/drain", {"x-serin-drain": "a guess"})).status == 404
        assert (await envoy.get("/config_dump")).body in NAMES


async def test_metrics_tell_requests_failures_and_latencies_per_track() -> None:
    async with LocalEnvoy.run(a_split(30)) as envoy:
        await envoy.send({} for _ in range(300))
        await asyncio.sleep(5.5)  # histograms are brought together every 5 s
        metrics = (await envoy.ask("/metrics")).body
        reached = {route: pods.requests for route, pods in envoy.pods.items()}

    for route, requests in reached.items():
        name = route.revision + ("-baseline" if route is BASELINE else "")
        (total,) = re.findall(rf'envoy_cluster_endpoint_rq_total{{envoy_cluster_name="{name}",[^}}]*}} (\d+)', metrics)
        assert int(total) == requests
        bounds = re.findall(rf'upstream_rq_time_bucket{{envoy_cluster_name="{name}-or-stable",le="([^"]+)"}}', metrics)
        assert bounds[:3] == ["0.5", "1", "2.5"]
        assert bounds[-1] == "+Inf"


async def test_a_pods_failures_are_5xx_and_refused_connections_and_not_4xx_or_clients_that_left() -> None:
    counted: dict[str, tuple[int, int]] = {}
    async with LocalEnvoy.run(an_intent({STABLE: 100.0})) as envoy:

        async def send(what: str, status: int) -> None:
            envoy.pods[STABLE].status = status
            before = await count_of_stable(envoy)
            await envoy.get()
            after = await count_of_stable(envoy)
            counted[what] = (after[0] - before[0], after[1] - before[1])

        for status in (200, 404, 429, 500, 503):
            await send(str(status), status)
        envoy.pods[STABLE].delay_seconds = 0.5
        before = await count_of_stable(envoy)
        leaving = asyncio.create_task(envoy.get())
        await asyncio.sleep(0.2)
        leaving.cancel()
        await asyncio.sleep(0.5)
        assert await count_of_stable(envoy) == before, "a client that left is in neither"
        await envoy.pods[STABLE].stop()
        await send("refused", 200)

    assert counted.pop("refused")[1] > 0
    assert counted == {"200": (1, 0), "404": (1, 0), "429": (1, 0), "500": (0, 1), "503": (0, 1)}


async def count_of_stable(envoy: LocalEnvoy) -> tuple[int, int]:
    """Good and bad ones, as the preset Router reads them."""
    metrics = (await envoy.ask("/metrics")).body
    name = deployment_name(STABLE)
    found = (
        re.findall(rf'envoy_cluster_endpoint_rq_{what}{{envoy_cluster_name="{name}",[^}}]*}} (\d+)', metrics)
        for what in ("success", "error")
    )
    good, bad = (int(count) for (count,) in found)
    return good, bad
