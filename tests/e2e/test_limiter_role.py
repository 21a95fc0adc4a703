"""Limiter instances over one Redis, asked without a gateway: what they share, and what each does while
Redis is gone."""
import signal
import time

import pytest

import cluster as parts
from conftest import eventually

CONFIG = """
limits:
  - domain: api
    descriptors:
      - {key: tenant, limits: [{name: rate, rate: 10/h, when_gone: refuse}]}
      - {key: window, limits: [{name: window, algorithm: sliding_window, rate: 3/h, when_gone: refuse}]}
      - {key: job, limits: [{name: jobs, concurrency: 2, ttl: 5m}]}
      - {key: refuse, limits: [{rate: 10/h, when_gone: refuse}]}
      - {key: allow, limits: [{rate: 1/h, when_gone: allow}]}
      - {key: local, limits: [{rate: 10/h, when_gone: local}]}
      - {key: other, limits: [{rate: 10/h, when_gone: local}]}
"""
DEADLINE = 0.5  # Of calls to Redis where it is missed.
SHORT = ("--set", f"store.redis.deadline={DEADLINE * 1000:.0f}ms", "--set", "gateway.limiters.deadline=5s")


@pytest.fixture
def cluster(tmp_path):
    started = parts.Cluster(tmp_path)
    yield started
    started.stop()


@pytest.fixture
def two(cluster):
    redis = cluster.redis()
    return [cluster.limiter(redis, config=CONFIG) for _ in range(2)]


def check(limiter, pair, **more):
    return limiter.check("api", pair, **more)


@pytest.mark.sanitized
def test_instances_count_as_one(two):
    answers = [check(two[n % 2], "tenant=a") for n in range(12)]
    assert [answer.body["remaining"] for answer in answers] == [9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 0, 0]
    assert [answer.status for answer in answers] == [200] * 10 + [429] * 2
    assert {answer.body["decided_by"] for answer in answers[:11]} == {"store"}
    refusal = answers[10]
    assert (refusal.body["allowed"], refusal.body["limited_by"], refusal.body["limit"]) == (False, "rate", 10)
    assert refusal.fields["ratelimit-policy"] == '"rate";q=10;w=3600' and 0 < int(refusal.fields["retry-after"]) <= 360
    assert check(two[1], "tenant=b").body["remaining"] == 9  # Another key.


def test_a_dry_run_charges_nothing(two):
    for limiter in two:
        for _ in range(3):
            assert check(limiter, "tenant=a", cost=10, dry_run=True).status == 200
    assert check(two[0], "tenant=a", cost=10).status == 200
    assert check(two[1], "tenant=a", dry_run=True).status == 429


def test_all_limits_of_a_check_are_charged_or_none(two):
    both = {"domain": "api", "descriptors": [[["tenant", "a"]], [["window", "a"]]]}
    answers = [two[n % 2].ask("POST", "/v1/check", both) for n in range(5)]
    assert [answer.status for answer in answers] == [200, 200, 200, 429, 429]
    assert answers[3].body["limited_by"] == "window"
    assert [each["name"] for each in answers[0].body["limits"]] == ["rate", "window"]
    assert check(two[0], "tenant=a").body["remaining"] == 6


def test_checks_are_decided_one_by_one(two):
    one = {"domain": "api", "descriptors": [[["window", "w"]]]}
    answer = two[0].ask("POST", "/v1/checks", [one] * 4 + [{**one, "domain": "nope"}])
    assert answer.status == 200
    assert [each.get("allowed") for each in answer.body] == [True, True, True, False, None]
    assert answer.body[4]["status"] == 404 and answer.body[4]["field"] == "domain"
    assert check(two[1], "window=w").status == 429


def test_brief_checks_leave_the_limits_out(two):
    asked = [{"domain": "api", "descriptors": [[["window", "b"]]]}]
    (full,), (brief,) = (two[0].ask("POST", "/v1/checks" + query, asked).body for query in ("", "?brief=1"))
    assert set(full) - set(brief) == {"limits"} and set(brief) < set(full)
    assert brief["remaining"] == full["remaining"] - 1 and brief["ratelimit"]
    assert two[0].ask("POST", "/v1/checks?brief=2", asked).status == 422
    assert check(two[1], "window=b").status == 200, "what was refused has charged nothing"


def test_an_unknown_domain_is_not_found(two):
    answer = two[0].check("nope", "a=b")
    assert answer.status == 404 and answer.body["code"] == "NOTFOUND"
    assert two[0].ask("POST", "/v1/reservations", {"domain": "nope", "descriptors": [[["a", "b"]]], "cost": 1,
                                                   "ttl_ms": 1000}).status == 404


def opened(limiter, what, pair, **more):
    return limiter.ask("POST", f"/v1/{what}", {"domain": "api", "descriptors": [[pair.split("=")]], "ttl_ms": 60000,
                                               **more})


def why(limiter, pair):
    (row,) = limiter.ask("POST", "/v1/why", {"domain": "api", "descriptors": [[pair.split("=")]]}).body
    return row


@pytest.mark.sanitized
def test_a_reservation_is_settled_at_another_instance(two):
    one, other = two
    made = opened(one, "reservations", "tenant=a", cost=8)
    assert made.status == 201 and made.fields["location"] == f"/v1/reservations/{made.body['id']}"
    refused = opened(other, "reservations", "tenant=a", cost=3)
    assert refused.status == 429 and refused.body["violated-policies"] == ["rate"]
    path = made.fields["location"]
    assert other.ask("POST", f"{path}/commit", {"cost": 5})[::2] == (200, {"charged": 5})
    assert why(one, "tenant=a")["remaining"] == 5
    assert one.ask("POST", f"{path}/commit", {"cost": 5}).status == 404
    second = opened(other, "reservations", "tenant=a", cost=5)
    assert one.ask("DELETE", second.fields["location"]).status == 204
    assert one.ask("DELETE", second.fields["location"]).status == 404
    assert check(other, "tenant=a", cost=5).status == 200


def test_holds_are_taken_renewed_and_released_anywhere(two):
    one, other = two
    first, second = opened(one, "holds", "job=a"), opened(other, "holds", "job=a")
    assert (first.status, second.status) == (201, 201)
    assert opened(one, "holds", "job=a").status == 429
    assert one.ask("PUT", second.fields["location"], {"ttl_ms": 60000}).status == 204
    assert one.ask("DELETE", second.fields["location"]).status == 204
    assert other.ask("PUT", second.fields["location"], {"ttl_ms": 60000}).status == 404
    assert opened(other, "holds", "job=a").status == 201


def test_an_abandoned_hold_ends_by_itself(two):
    one, other = two
    for _ in range(2):
        assert opened(one, "holds", "job=a", ttl_ms=300).status == 201
    assert opened(one, "holds", "job=b").status == 201  # Another key is free.
    eventually(lambda: opened(other, "holds", "job=a").status == 201, "a place is free again")


def test_blocks_and_forgetting_are_seen_everywhere(two):
    one, other = two
    check(one, "tenant=a", cost=4)
    assert why(other, "tenant=a")["remaining"] == 6 and why(other, "tenant=a")["remaining"] == 6
    block = {"domain": "api", "descriptor": [["tenant", "a"]]}
    assert one.ask("POST", "/v1/block", {**block, "ms": 60000}).status == 204
    eventually(lambda: check(other, "tenant=a").status == 429, "the block is seen")
    assert check(other, "tenant=a").body["limited_by"] == "blocked"
    assert abs(why(other, "tenant=a")["blocked_until_ms"] / 1000 - time.time() - 60) < parts.SECONDS_MAX
    assert other.ask("POST", "/v1/block", {**block, "ms": 0}).status == 204
    eventually(lambda: check(one, "tenant=a").status == 200, "the block is over")
    assert other.ask("POST", "/v1/forget", block).status == 204
    eventually(lambda: why(one, "tenant=a")["remaining"] == 10, "what was used is forgotten")


def test_a_limiter_has_limits_and_no_queues(two):
    rows = two[0].ask("GET", "/v1/limits/api").body
    assert {"rate", "window", "jobs"} <= {row["name"] for row in rows}
    for path in ("/v1/queues", "/livez", "/metrics"):
        assert two[0].ask("GET", path).status == 404  # Those are the api listener's.
    assert two[0].ask("GET", "/livez", listener="api").body == {"status": "live"}
    assert two[0].ask("GET", "/readyz", listener="api").body == {"status": "ready"}


def metric(limiter, name):
    text = limiter.ask("GET", "/metrics", listener="api").body.decode()
    return next(float(line.split()[-1]) for line in text.splitlines() if line.startswith(name + " "))


def test_the_metrics_say_who_decided(cluster):
    redis = cluster.redis()
    limiter = cluster.limiter(redis, config=CONFIG, arguments=SHORT)
    for pair in ("tenant=a", "allow=a", "local=a"):
        assert check(limiter, pair).body["decided_by"] == "store"
    assert metric(limiter, 'ratelimmq_store_decisions_total{by="store"}') == 3
    assert metric(limiter, "ratelimmq_store_up") == 1
    redis.kill()
    for pair, by in (("tenant=a", "refuse"), ("allow=a", "allow"), ("local=a", "local")):
        check(limiter, pair)
        assert metric(limiter, f'ratelimmq_store_decisions_total{{by="{by}"}}') == 1
    eventually(lambda: metric(limiter, "ratelimmq_store_up") == 0, "the store is missed")


def is_refused(answer):
    return answer.status == 503 and answer.fields["content-type"] == "application/problem+json"


@pytest.mark.sanitized
def test_with_redis_gone_each_limit_does_as_it_says(cluster):
    redis = cluster.redis()
    one, other = (cluster.limiter(redis, config=CONFIG, arguments=SHORT) for _ in range(2))
    for limiter in (one, other):
        eventually(lambda: metric(limiter, "ratelimmq_store_instances") == 2, "the instances have counted themselves")
    redis.kill()
    for _ in range(12):  # More than the breaker wants to see before it opens.
        assert is_refused(check(one, "refuse=a"))
        allowed = check(one, "allow=a")
        assert allowed.status == 200 and allowed.body["decided_by"] == "allow"
    for limiter in (one, other):  # Each has half of ten.
        answers = [check(limiter, "local=a") for _ in range(7)]
        assert [answer.status for answer in answers] == [200] * 5 + [429] * 2
        assert {answer.body["decided_by"] for answer in answers} == {"local"}
    assert opened(one, "reservations", "tenant=a", cost=1).status == 503
    assert opened(one, "holds", "job=a").status == 503
    assert one.ask("GET", "/readyz", listener="api").status == 503
    assert one.ask("GET", "/livez", listener="api").status == 200
    redis.again()
    for limiter in (one, other):
        eventually(lambda: check(limiter, "refuse=b").status == 200, "Redis is asked again")
        # One call of a slow machine may be late, and the next one open the breaker again.
        eventually(lambda: check(limiter, "local=b").body["decided_by"] == "store", "the store decides")
        eventually(lambda: limiter.ask("GET", "/readyz", listener="api").status == 200, "it is ready")


def test_a_redis_that_hangs_holds_nobody_longer_than_the_deadline(cluster):
    redis = cluster.redis()
    limiter = cluster.limiter(redis, config=CONFIG, arguments=SHORT)
    assert check(limiter, "refuse=a").status == 200
    redis.send(signal.SIGSTOP)
    for pair, status in (("refuse=a", 503), ("allow=a", 200), ("other=a", 200)) * 4:
        before = time.monotonic()
        assert check(limiter, pair).status == status
        assert time.monotonic() - before < 10 * DEADLINE
    redis.send(signal.SIGCONT)
    eventually(lambda: check(limiter, "refuse=b").status == 200, "Redis is asked again")
    assert check(limiter, "allow=b").body["decided_by"] == "store"


ROUTES = """
gateway:
  routes:
    - {path: /compute_hash, decide: {domain: api, descriptors: ["%s={client_ip}"]}}
"""


@pytest.mark.parametrize("kind, status, said", [
    ("refuse", 503, None), ("allow", 200, "allow"), ("local", 200, "local")])
def test_the_gateway_says_that_the_store_is_gone(cluster, kind, status, said):
    redis = cluster.redis()
    gateway = cluster.gateway([*parts.PATIENT, "--set", "gateway.compute_hash.rounds=1"], config=ROUTES % kind)
    limiter = cluster.limiter(redis, gateway, config=CONFIG, arguments=SHORT)
    eventually(lambda: limiter.port in gateway.instances(), "it has registered")
    redis.kill()
    for _ in range(5):
        answer = gateway.ask("POST", "/compute_hash", {"data": "x"})
        assert answer.status == status and answer.fields.get("x-decided-by") == said
        if status == 503:
            assert answer.body["reason"] == "store_refuse"
    assert gateway.instances()[limiter.port]["state"] == "up"  # The limiter did answer.
