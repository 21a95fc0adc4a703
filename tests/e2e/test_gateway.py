"""A gateway that asks limiter instances over one Redis: the loop of its requests, instances that come,
go and die, and who may register them."""
import collections
import concurrent.futures
import hashlib
import signal
import threading

import pytest

import cluster as parts
from conftest import eventually

QUICK = (*parts.PATIENT, "--set", "gateway.compute_hash.rounds=1000")
TEN_OF_TWENTY = collections.Counter({200: 10, 429: 10})


@pytest.fixture
def cluster(tmp_path):
    started = parts.Cluster(tmp_path)
    yield started
    started.stop()


def hash_of(text, rounds):
    digest = text.encode()
    for _ in range(rounds):
        digest = hashlib.sha256(digest).digest()
    return digest.hex()


def compute(gateway, text="test_data", fields=()):
    return gateway.ask("POST", "/compute_hash", {"data": text}, fields)


def at_once(count, call):
    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        return list(pool.map(lambda _: call(), range(count)))


def limits_of_gateway(limit, more=""):
    return f"limits:\n  - domain: gateway\n    descriptors:\n      - {{key: client_ip, limit: {limit}}}\n{more}"


def registered(gateway, *limiters):
    """Waits until they are, and up."""
    def up():
        states = {port: each["state"] for port, each in gateway.instances().items()}
        return all(states.get(limiter.port) == "up" for limiter in limiters)
    eventually(up, "the limiters have registered")


@pytest.mark.sanitized
def test_of_twenty_requests_at_once_ten_go_through(cluster):
    redis = cluster.redis()
    gateway = cluster.gateway([*parts.PATIENT, "--set", "store.kind=redis", "--set",
                               f"store.redis.url=redis://127.0.0.1:{redis.port}"])
    limiters = [cluster.limiter(redis, gateway) for _ in range(3)]
    registered(gateway, *limiters)
    answers = at_once(20, lambda: compute(gateway))
    assert collections.Counter(answer.status for answer in answers) == TEN_OF_TWENTY
    right = hash_of("test_data", 200_000)
    for answer in answers:
        if answer.status == 200:
            assert answer.body["hash"] == right and answer.body.keys() == {"hash", "cached"}
        else:
            check_refusal(answer)
        assert answer.fields["ratelimit-policy"] == '"client_ip";q=10;w=10' and answer.fields["x-request-id"]
    remaining = [answer.fields["ratelimit"].split(";")[1] for answer in answers if answer.status == 200]
    assert sorted(remaining) == sorted(f"r={n}" for n in range(10))
    assert len({answer.fields["x-request-id"] for answer in answers}) == 20


def check_refusal(answer):
    problem, fields = answer.body, answer.fields
    assert fields["content-type"] == "application/problem+json"
    assert problem["status"] == 429 and problem["title"] == "Too Many Requests" and problem["code"] == "LIMITED"
    assert problem["type"] == "https://iana.org/assignments/http-problem-types#quota-exceeded"
    assert problem["violated-policies"] == ["client_ip"] and "client_ip" in problem["detail"]
    wait = int(fields["retry-after"])
    assert 1 <= wait <= 10 and fields["ratelimit"].startswith('"client_ip";r=0;t=')
    assert int(fields["ratelimit"].split("t=")[1]) <= wait


def test_a_hash_is_cached_in_memory_and_in_redis(cluster):
    redis = cluster.redis()
    config = limits_of_gateway("1000/h")
    limiter = cluster.limiter(redis, config=config)
    cached = [*QUICK, "--set", "store.kind=redis", "--set", f"store.redis.url=redis://127.0.0.1:{redis.port}"]
    for first in (False, True):  # The second gateway finds in Redis what the first one computed.
        gateway = cluster.gateway(cached)
        gateway.ask("POST", "/register_rate_limiter", {"host": "127.0.0.1", "port": limiter.port})
        assert [compute(gateway, "ä").body for _ in range(2)] == [
            {"hash": hash_of("ä", 1000), "cached": first}, {"hash": hash_of("ä", 1000), "cached": True}]
    redis.kill()
    assert compute(gateway, "ä").body["cached"] is True
    eventually(lambda: gateway.ask("GET", "/health").body["store"] == "down", "the cache's Redis is missed")


@pytest.mark.parametrize("body, status, field", [
    (b"{", 400, None), (b"[]", 422, "data"), ({"dat": "x"}, 422, "data"), ({"data": 7}, 422, "data"),
    ({"data": None}, 422, "data")])
def test_what_is_no_text_is_not_hashed(start, body, status, field):
    server = start(config=limits_of_gateway("1000/h"))
    answer = parts.ask(server.ports["gateway"], "POST", "/compute_hash", body)
    assert answer.status == status and answer.body["status"] == status and answer.body.get("field") == field


class Traffic:
    """Requests of `threads` clients, one after another, until stop()."""

    def __init__(self, gateway, threads=6):
        self.gateway, self.statuses, self.over = gateway, [], threading.Event()
        self.pool = concurrent.futures.ThreadPoolExecutor(threads)
        self.running = [self.pool.submit(self.run) for _ in range(threads)]

    def run(self):
        while not self.over.is_set():
            self.statuses.append(compute(self.gateway).status)

    def wait_for(self, more):
        target = len(self.statuses) + more
        eventually(lambda: len(self.statuses) >= target, f"{more} requests are answered")

    def stop(self):
        self.over.set()
        for each in self.running:
            each.result()
        self.pool.shutdown()
        return collections.Counter(self.statuses)


def test_a_limiter_that_is_killed_takes_capacity_and_nothing_else(cluster):
    redis = cluster.redis()
    gateway = cluster.gateway([*QUICK, "--set", "gateway.limiters.ttl=4s"])
    limiters = [cluster.limiter(redis, gateway, config=limits_of_gateway("{rate: 100/h, algorithm: sliding_window}"))
                for _ in range(3)]
    registered(gateway, *limiters)
    traffic = Traffic(gateway)
    traffic.wait_for(40)
    limiters[0].kill()
    traffic.wait_for(200)
    seen = traffic.stop()
    assert set(seen) <= {200, 429, 503}
    lost = seen[503]  # Asked of the dead one, perhaps charged there: the answer is unknown.
    assert lost <= 6 and 100 - lost <= seen[200] <= 100
    again = Traffic(gateway)
    again.wait_for(60)
    assert set(again.stop()) == {429}
    eventually(lambda: limiters[0].port not in gateway.instances(), "the dead one is forgotten")
    assert {limiter.port for limiter in limiters[1:]} <= gateway.instances().keys()


def test_a_limiter_that_hangs_is_ejected_and_comes_back(cluster):
    redis = cluster.redis()
    gateway = cluster.gateway(["--set", "gateway.limiters.deadline=1s", "--set", "gateway.limiters.ttl=1m",
                               "--set", "gateway.compute_hash.rounds=1"])
    config = limits_of_gateway("{rate: 50/h, algorithm: sliding_window}")
    limiters = [cluster.limiter(redis, gateway, config=config) for _ in range(2)]
    registered(gateway, *limiters)
    limiters[0].send(signal.SIGSTOP)
    traffic = Traffic(gateway, threads=2)
    eventually(lambda: gateway.instances()[limiters[0].port]["state"] != "up", "the one that hangs is ejected")
    traffic.wait_for(100)
    limiters[0].send(signal.SIGCONT)
    eventually(lambda: gateway.instances()[limiters[0].port]["state"] == "up", "it is asked again")
    seen = traffic.stop()
    assert seen[200] <= 50 and seen[429] > 0 and set(seen) <= {200, 429, 503}


@pytest.mark.sanitized
def test_a_limiter_that_is_stopped_leaves_first(cluster):
    redis = cluster.redis()
    gateway = cluster.gateway(QUICK)
    limiters = [cluster.limiter(redis, gateway, config=limits_of_gateway("{rate: 30/h, algorithm: sliding_window}"))
                for _ in range(2)]
    registered(gateway, *limiters)
    traffic = Traffic(gateway)
    traffic.wait_for(20)
    assert limiters[0].stop() == 0
    assert gateway.instances().keys() == {limiters[1].port}
    traffic.wait_for(60)
    seen = traffic.stop()
    assert seen[200] == 30 and set(seen) == {200, 429}  # Nobody was asked who was gone.
    assert gateway.stop() == 0


WHEN_NONE = """
gateway:
  routes:
    - {path: /compute_hash, when_none: %s, decide: {domain: gateway, descriptors: ["client_ip={client_ip}"]}}
"""


def test_without_limiters_a_route_refuses(cluster):
    redis = cluster.redis()
    gateway = cluster.gateway([*QUICK, "--set", "gateway.limiters.ttl=3s"])
    limiter = cluster.limiter(redis, gateway)
    registered(gateway, limiter)
    assert compute(gateway).status == 200
    health = gateway.ask("GET", "/health")
    assert health.status == 200 and (health.body["status"], health.body["limiters"]) == ("ok", 1)
    limiter.kill()
    eventually(lambda: compute(gateway).status == 503, "nobody is left to ask")
    answer = compute(gateway)
    assert answer.fields["content-type"] == "application/problem+json"
    assert answer.body["status"] == 503 and answer.body["reason"] in ("failure", "no_instance")
    assert answer.body["type"] == "https://iana.org/assignments/http-problem-types#temporary-reduced-capacity"
    eventually(lambda: gateway.ask("GET", "/health").status == 503, "its health says so")
    assert gateway.ask("GET", "/health").body["limiters"] == 0


def test_without_limiters_a_route_may_let_on(cluster):
    gateway = cluster.gateway(QUICK, config=WHEN_NONE % "allow")
    for _ in range(12):
        answer = compute(gateway, "x")
        assert answer.status == 200 and answer.body["hash"] == hash_of("x", 1000)
        assert answer.fields["x-decided-by"] == "when_none" and "ratelimit" not in answer.fields
    health = gateway.ask("GET", "/health")
    assert health.status == 200 and health.body["limiters"] == 0


def test_limiters_wait_for_their_gateway(cluster):
    redis, port = cluster.redis(), parts.free_port()
    limiters = [cluster.limiter(redis, port) for _ in range(2)]
    eventually(lambda: "registration failed" in limiters[0].log_text(), "the first try has failed")
    gateway = cluster.gateway(QUICK, port=port)
    registered(gateway, *limiters)
    answers = at_once(20, lambda: compute(gateway))
    assert collections.Counter(answer.status for answer in answers) == TEN_OF_TWENTY
    gateway.kill()
    gateway = cluster.gateway(QUICK, port=port)
    registered(gateway, *limiters)


def register(gateway, body, fields=(), path="/register_rate_limiter"):
    return gateway.ask("POST", path, body, fields)


@pytest.fixture
def alone(cluster):
    return cluster.gateway(QUICK, environment={"RATELIMMQ_REGISTRATION_SECRET": "let me in"})


def test_a_registration_is_answered_with_what_is_known(alone):
    one, two = {"host": "127.0.0.1", "port": 9}, {"host": "::1", "port": 9, "ttl_s": 60}
    assert register(alone, one)[::2] == (200, {"registered": True, "instances": 1, "ttl_s": 10})
    assert register(alone, one)[::2] == (200, {"registered": True, "instances": 1, "ttl_s": 10})
    assert register(alone, two)[::2] == (200, {"registered": True, "instances": 2, "ttl_s": 60})
    assert {(each["host"], each["port"]) for each in alone.ask("GET", "/rate_limiters").body["instances"]} == {
        ("127.0.0.1", 9), ("::1", 9)}
    assert register(alone, one, path="/deregister_rate_limiter")[::2] == (200, {"registered": False, "instances": 1})
    gone = register(alone, one, path="/deregister_rate_limiter")
    assert gone.status == 404 and gone.body["code"] == "NOTFOUND"


@pytest.mark.parametrize("body, status, field", [
    (b"{", 400, None), ({"port": 9}, 422, "host"), ({"host": "127.0.0.1"}, 422, "port"),
    ({"host": "127.0.0.1", "port": 0}, 422, "port"), ({"host": "127.0.0.1", "port": "9"}, 422, "port"),
    ({"host": "127.0.0.1", "port": 65536}, 422, "port"), ({"host": "a b", "port": 9}, 422, "host"),
    ({"host": "192.0.2.1", "port": 9}, 422, "host"), ({"host": "169.254.169.254", "port": 9}, 422, "host"),
    ({"host": "127.0.0.1", "port": 9, "ttl_s": 0}, 422, "ttl_s")])
def test_a_registration_that_is_wrong_is_told_where(alone, body, status, field):
    for path in ("/register_rate_limiter", "/deregister_rate_limiter"):
        answer = register(alone, body, path=path)
        assert (answer.status, answer.body.get("field")) == (status, field)
        assert answer.fields["content-type"] == "application/problem+json"
    assert alone.instances() == {}


def test_who_comes_through_a_proxy_needs_the_secret(alone):
    body, passed_on = {"host": "127.0.0.1", "port": 9}, ("X-Forwarded-For", "192.0.2.1")
    for fields in ((passed_on,), (passed_on, ("Authorization", "Bearer let me out"))):
        answer = register(alone, body, fields)
        assert answer.status == 401 and answer.body["code"] == "NOAUTH" and alone.instances() == {}
        assert answer.fields["www-authenticate"] == "Bearer"
    assert register(alone, body, (passed_on, ("Authorization", "Bearer let me in"))).status == 200
    assert alone.ask("GET", "/rate_limiters", fields=(passed_on,)).status == 401
    assert register(alone, body, (("Origin", "http://example.com"),)).status == 403


@pytest.mark.sanitized
def test_serve_asks_its_own_limits(start):
    server = start(arguments=["--threads", "2", "--set", "gateway.compute_hash.rounds=1000"])
    port = server.ports["gateway"]
    answers = at_once(20, lambda: parts.ask(port, "POST", "/compute_hash", {"data": "x"}))
    assert collections.Counter(answer.status for answer in answers) == TEN_OF_TWENTY
    assert {answer.body["hash"] for answer in answers if answer.status == 200} == {hash_of("x", 1000)}
    for answer in answers:
        if answer.status == 429:
            check_refusal(answer)
    health = parts.ask(port, "GET", "/health")
    assert health.status == 200 and health.body == {"status": "ok", "limiters": 1, "store": "up"}
    assert parts.ask(port, "GET", "/rate_limiters").body == {"instances": [{"host": "embedded", "state": "up"}]}
    assert server.say("WHY gateway client_ip=127.0.0.1")[0].count('"remaining":0') == 1
