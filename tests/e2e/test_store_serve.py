"""Brokers whose limits are in one Redis: what two of them count as one by each protocol, what a connection
sees in which order, and what each does while Redis is gone."""
import socket
import threading
import time

import pytest
import redis as client_of_redis

import cluster as parts
from conftest import eventually

CONFIG = """
store: {kind: redis, mode: strict}
limits:
  - domain: api
    descriptors:
      - {key: tenant, limits: [{name: rate, rate: 10/h, when_gone: refuse}]}
      - {key: window, limits: [{name: window, algorithm: sliding_window, rate: 3/h, when_gone: refuse}]}
      - {key: job, limits: [{name: jobs, concurrency: 2, ttl: 5m}]}
      - {key: many, limits: [{name: many, rate: 100/h}]}
      - {key: refuse, limits: [{name: refuse, rate: 10/h, when_gone: refuse}]}
      - {key: allow, limits: [{name: allow, rate: 1/h, when_gone: allow}]}
      - {key: local, limits: [{name: local, rate: 10/h, when_gone: local}]}
      - {key: work, limits: [{name: work, rate: 50/s burst 1}]}
      - {key: slot, limits: [{name: slots, concurrency: 2, ttl: 5m}]}
queues:
  limited: {decide: {domain: api, descriptors: ["work={queue}"]}}
  narrow: {decide: {domain: api, descriptors: ["slot={queue}"]}}
gateway:
  routes:
    - {path: /compute_hash, decide: {domain: api, descriptors: ["window={client_ip}"]}}
"""
DEADLINE = 0.5  # Of calls to Redis where it is missed.
SHORT = ("--set", f"store.redis.deadline={DEADLINE * 1000:.0f}ms", "--set", "gateway.limiters.deadline=5s")


class Broker(parts.Role):
    listener = "api"

    def __init__(self, folder, redis, arguments=parts.PATIENT, config=CONFIG):
        super().__init__(folder, "serve", ["--tcp", "127.0.0.1:0", "--gateway", "127.0.0.1:0",
                                           "--set", f"store.redis.url=redis://127.0.0.1:{redis.port}", *arguments],
                         config)
        self.lines = None

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.ports["tcp"]), timeout=parts.SECONDS_MAX)

    def say(self, *lines):
        """Sends lines in one piece, returns as many answers."""
        with self.connect() as link:
            link.sendall("".join(line + "\n" for line in lines).encode())
            file = link.makefile("rb")
            return [file.readline().decode().rstrip("\n") for _ in lines]

    def line(self, text):
        return self.say(text)[0]

    def resp(self):
        return client_of_redis.Redis(host="127.0.0.1", port=self.ports["tcp"], socket_timeout=parts.SECONDS_MAX)

    def check(self, pair, **more):
        return self.ask("POST", "/v1/check", {"domain": "api", "descriptors": [[pair.split("=", 1)]], **more})


@pytest.fixture
def cluster(tmp_path):
    started = parts.Cluster(tmp_path)
    yield started
    started.stop()


def broker(cluster, redis, **options):
    return cluster.add(Broker(cluster.next_folder("broker"), redis, **options))


@pytest.fixture
def two(cluster):
    redis = cluster.redis()
    return [broker(cluster, redis) for _ in range(2)]


def json_of(text):
    return parts.json.loads(text)


def by_line(one, pair):
    return json_of(one.line(f"CHECK api {pair}"))


def by_resp(one, pair):
    with one.resp() as link:
        return record(link.execute_command("CHECK", "api", pair))


def by_http(one, pair):
    return one.check(pair).body


@pytest.mark.sanitized
def test_brokers_count_as_one_by_every_protocol(two):
    one, other = two
    ways = [by_line, by_resp, by_http]
    answers = [ways[n % 3](two[n % 2], "tenant=a") for n in range(12)]
    assert [bool(answer["allowed"]) for answer in answers] == [True] * 10 + [False] * 2
    assert [answer["remaining"] for answer in answers] == [9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 0, 0]
    for answer in answers[:11]:  # The last refusal may be remembered.
        assert answer["decided_by"] in ("store", b"store")
    assert by_line(one, "tenant=b")["remaining"] == 9 and by_line(other, "tenant=b")["remaining"] == 8


def test_a_pipeline_is_decided_exactly(two):
    one, other = two
    allowed = 0
    for n in range(4):
        answers = two[n % 2].say(*["CHECK api many=a"] * 50)
        allowed += sum(json_of(answer)["allowed"] for answer in answers)
    assert allowed == 100
    pipe = one.resp().pipeline(transaction=False)
    for _ in range(60):
        pipe.execute_command("CHECK", "api", "many=b")
    answers = pipe.execute()
    assert len(answers) == 60 and by_line(other, "many=b")["remaining"] == 39


@pytest.mark.sanitized
def test_answers_leave_in_the_order_of_their_requests(two):
    lines = []
    for n in range(100):
        lines += [f"CHECK api many=o{n}", f"PING n{n}", "CHECK nowhere a=b", f"CHECK api many=o{n} COST x"]
    answers = two[0].say(*lines)
    for n in range(100):
        check, ping, unknown, bad = answers[4 * n:4 * n + 4]
        assert json_of(check)["remaining"] == 99 and ping == f"n{n}"
        assert unknown == "NOTFOUND there is no domain 'nowhere'" and bad.startswith("ERR ")


def test_a_connection_sees_what_it_did(two):
    hold = two[0].line("ACQUIRE api job=x TTL 60000")
    assert two[0].line("ACQUIRE api job=x TTL 60000").startswith("h")
    refused, released, free = two[1].say("CHECK api job=x", f"RELEASE {hold}", "CHECK api job=x")
    assert not json_of(refused)["allowed"] and released == "OK" and json_of(free)["allowed"]
    four, forgot, whole = two[0].say("CHECK api tenant=f COST 4", "FORGET api tenant=f", "CHECK api tenant=f DRYRUN")
    assert json_of(four)["remaining"] == 6 and forgot == "OK" and json_of(whole)["remaining"] == 10
    ok, blocked = two[0].say("BLOCK api tenant=g 60000", "CHECK api tenant=g")
    assert ok == "OK" and json_of(blocked)["limited_by"] == "blocked"


@pytest.mark.sanitized
def test_a_reservation_of_one_is_committed_at_the_other(two):
    one, other = two
    made = one.line("RESERVE api tenant=a COST 8 TTL 60000")
    assert other.line("RESERVE api tenant=a COST 3 TTL 60000").startswith("LIMITED by rate retry_after_ms=")
    assert other.line(f"COMMIT {made} 5") == "5"
    assert one.line(f"COMMIT {made} 5").startswith("NOTFOUND ")
    (row,) = json_of(one.line("WHY api tenant=a"))
    assert row["remaining"] == 5 and row["limit"] == 10
    second = one.ask("POST", "/v1/reservations", {"domain": "api", "descriptors": [[["tenant", "a"]]], "cost": 5,
                                                  "ttl_ms": 60000}).body["id"]
    assert other.line(f"CANCEL {second}") == "OK" and one.line(f"CANCEL {second}").startswith("NOTFOUND ")
    assert by_line(other, "tenant=a")["remaining"] == 4


def test_holds_are_taken_renewed_and_released_anywhere(two):
    one, other = two
    first, second = one.line("ACQUIRE api job=a TTL 60000"), other.line("ACQUIRE api job=a TTL 60000")
    assert first.startswith("h") and second.startswith("h")
    assert one.line("ACQUIRE api job=a TTL 60000").startswith("LIMITED by jobs ")
    assert one.line(f"RENEW {second} 60000") == "OK" and one.line(f"RELEASE {second}") == "OK"
    assert other.ask("PUT", f"/v1/holds/{second}", {"ttl_ms": 60000}).status == 404
    with other.resp() as link:
        assert link.execute_command("ACQUIRE", "api", "job=a", "TTL", 60000).startswith(b"h")


def test_blocks_and_forgetting_are_seen_everywhere(two):
    one, other = two
    assert one.line("BLOCK api tenant=a 60000") == "OK"
    eventually(lambda: by_line(other, "tenant=a")["limited_by"] == "blocked", "the block is seen")
    assert other.line("BLOCK api tenant=a 0") == "OK"
    eventually(lambda: by_line(one, "tenant=a")["allowed"], "the block is over")
    assert other.line("FORGET api tenant=a") == "OK"
    eventually(lambda: json_of(one.line("WHY api tenant=a"))[0]["remaining"] == 10, "it is forgotten")


def test_what_a_broker_does_itself_is_its_own(two):
    one, other = two
    assert one.line("BLOCK outbound host=example.org 60000") == "OK"
    assert json_of(one.line("WHY outbound host=example.org"))[0]["blocked_until_ms"] > 0
    assert json_of(other.line("WHY outbound host=example.org"))[0]["blocked_until_ms"] is None
    hold = one.line("ACQUIRE outbound host=example.com TTL 60000")
    assert one.line(f"RENEW {hold} 60000") == "OK" and other.line(f"RELEASE {hold}").startswith("NOTFOUND ")
    assert json_of(one.line("CHECK outbound queue=q"))["decided_by"] == "store"
    own, shared, unknown = one.ask("POST", "/v1/checks", [
        {"domain": domain, "descriptors": [[["host", "example.org"]]]} for domain in ("outbound", "api", "no")]).body
    assert own["limited_by"] == "blocked" and own["decided_by"] == "memory"
    assert own["limits"][0]["descriptor"] == "host=example.org"
    assert shared["allowed"] and unknown["status"] == 404


def test_the_gateway_of_a_broker_asks_the_store(two):
    answers = [two[n % 2].ask("POST", "/compute_hash", {"data": "x"}, listener="gateway").status for n in range(5)]
    assert answers == [200] * 3 + [429] * 2


def test_a_key_with_a_law_of_its_own_is_refused(two):
    assert two[0].say("CL.THROTTLE k 4 1 1", "PING") == [
        "ERR CL.THROTTLE is not there where limits are kept in a store", "PONG"]


# ---- Queues.

def record(answer):
    """RESP3 gives a map, RESP2 a flat array of names and values."""
    if isinstance(answer, dict):
        return {key.decode(): value for key, value in answer.items()}
    return {answer[i].decode(): answer[i + 1] for i in range(0, len(answer), 2)}


def dequeue(link, *words):
    return [record(each) for each in link.execute_command("DEQUEUE", *words) or []]


def enqueue(one, queue, count):
    with one.resp() as link:
        for n in range(count):
            link.execute_command("ENQUEUE", queue, f"{queue} {n}")


def drain(one, queue, count, instants):
    with one.resp() as link:
        while count > 0:
            for got in dequeue(link, queue, "WAIT", 20000, "COUNT", 5):
                instants.append(time.monotonic())
                link.execute_command("ACK", got["receipt"])
                count -= 1


@pytest.mark.sanitized
def test_deliveries_of_two_brokers_keep_one_rate(two):
    for one in two:
        enqueue(one, "limited", 40)
    instants = []
    threads = [threading.Thread(target=drain, args=(one, "limited", 40, instants)) for one in two]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=parts.SECONDS_MAX)
    assert len(instants) == 80
    # 80 at 50 a second, burst 1: the last one is charged 79 gaps behind the first, and a unit may wait 250 ms for
    # its use.
    assert max(instants) - min(instants) >= 79 / 50 - 0.3


def test_slots_are_shared_by_the_deliveries_of_two_brokers(two):
    one, other = two
    for each in two:
        enqueue(each, "narrow", 2)
    with one.resp() as first, other.resp() as second:
        held = dequeue(first, "narrow", "COUNT", 2, "WAIT", 10000)
        while len(held) < 2:
            held += dequeue(first, "narrow", "COUNT", 1, "WAIT", 10000)
        assert dequeue(second, "narrow", "WAIT", 300) == []
        refused = json_of(other.line("CHECK api slot=narrow"))
        assert (refused["allowed"], refused["limited_by"]) == (False, "slots")
        assert first.execute_command("ACK", held[0]["receipt"]) == 1
        assert len(dequeue(second, "narrow", "WAIT", 20000)) == 1


def test_a_dequeue_that_does_not_wait_gets_work(two):
    enqueue(two[0], "narrow", 1)
    with two[0].resp() as link:
        assert len(dequeue(link, "narrow")) == 1


def test_a_check_that_waits_is_decided_in_the_store(two):
    one, other = two
    assert one.say(*["CHECK api work=w COST 1"])  # The burst.
    answers = [json_of(each.line("CHECK api work=w WAIT 20000")) for each in two]
    assert [(answer["allowed"], answer["decided_by"]) for answer in answers] == [(True, "store")] * 2
    waited = other.check("work=w", wait_ms=20000)
    assert waited.status == 200 and waited.body["decided_by"] == "store"


def test_a_broker_that_is_killed_comes_back_with_its_leases(cluster):
    redis = cluster.redis()
    one = broker(cluster, redis)
    enqueue(one, "narrow", 3)
    with one.resp() as link:
        held = []
        while len(held) < 2:
            held += dequeue(link, "narrow", "COUNT", 2, "WAIT", 10000, "LEASE", 60000)
    one.kill()
    one.process.stdout.close()
    one.launch()
    one.take_ports("serve")
    with one.resp() as link:
        assert dequeue(link, "narrow", "WAIT", 200) == []  # Both slots are still held.
        assert link.execute_command("ACK", held[0]["receipt"]) == 1
        assert len(dequeue(link, "narrow", "WAIT", 20000)) == 1


def test_no_message_is_lost_while_redis_is_gone(cluster):
    redis = cluster.redis()
    one = broker(cluster, redis, arguments=SHORT)
    enqueue(one, "limited", 20)
    instants = []
    drain(one, "limited", 5, instants)
    redis.kill()
    drain(one, "limited", 5, instants)  # The limit says local.
    redis.again()
    drain(one, "limited", 10, instants)
    assert one.ask("GET", "/v1/queues/limited").body["ready"] == 0


# ---- What is told.

def metric(one, name):
    text = one.ask("GET", "/metrics").body.decode()
    return next(float(line.split()[-1]) for line in text.splitlines() if line.startswith(name + " "))


def info(one):
    with one.resp() as link:
        return link.info("limits")


def test_everything_says_where_limits_live(cluster):
    redis = cluster.redis()
    one = broker(cluster, redis, arguments=SHORT)
    by_line(one, "tenant=a")
    assert one.ask("GET", "/readyz").body == {"status": "ready"}
    eventually(lambda: info(one) == {"limits_in": "store", "store_up": 1, "store_instances": 1}, "INFO says it")
    assert metric(one, "ratelimmq_store_up") == 1
    assert metric(one, 'ratelimmq_limiter_decisions_total{domain="api",outcome="allowed"}') == 1
    redis.kill()
    by_line(one, "allow=a")
    eventually(lambda: one.ask("GET", "/readyz").status == 503, "it is not ready")
    assert info(one)["store_up"] == 0 and one.ask("GET", "/livez").status == 200


@pytest.mark.sanitized
def test_with_redis_gone_each_limit_does_as_it_says(cluster):
    redis = cluster.redis()
    one, other = (broker(cluster, redis, arguments=SHORT) for _ in range(2))
    for each in (one, other):
        eventually(lambda: metric(each, "ratelimmq_store_instances") == 2, "the brokers have counted themselves")
    redis.kill()
    for _ in range(12):  # More than the breaker wants to see before it opens.
        refused = by_line(one, "refuse=a")
        assert (refused["allowed"], refused["decided_by"], refused["limited_by"]) == (False, "refuse", "refuse")
        assert one.check("refuse=a").status == 503 and one.check("refuse=a").body["code"] == "ERR"
        allowed = by_line(one, "allow=a")
        assert (allowed["allowed"], allowed["decided_by"], allowed["limit"]) == (True, "allow", None)
    for each in (one, other):  # Each has half of ten.
        answers = [by_line(each, "local=a") for _ in range(7)]
        assert [answer["allowed"] for answer in answers] == [True] * 5 + [False] * 2
        assert {answer["decided_by"] for answer in answers} == {"local"}
    asked = one.say("RESERVE api tenant=a COST 1 TTL 1000", "ACQUIRE api job=a TTL 1000", "PING")
    assert all(answer.startswith("ERR the store cannot be asked: ") for answer in asked[:2]) and asked[2] == "PONG"
    redis.again()
    for each in (one, other):
        eventually(lambda: by_line(each, "refuse=b")["allowed"], "Redis is asked again")
        eventually(lambda: by_line(each, "local=b")["decided_by"] == "store", "the store decides")
        eventually(lambda: each.ask("GET", "/readyz").status == 200, "it is ready")


def test_an_unbounded_answer_has_no_fields(cluster):
    redis = cluster.redis()
    one = broker(cluster, redis, arguments=SHORT)
    redis.kill()
    answer = one.check("allow=a")
    assert answer.status == 200 and answer.body["limit"] is None and answer.body["remaining"] is None
    assert [row["limit"] for row in answer.body["limits"]] == [None]
    assert not [name for name in answer.fields if name.startswith("ratelimit")]


def test_a_stop_answers_what_is_owed(two):
    with two[0].connect() as link:
        link.sendall(b"CHECK api many=s\n" * 100 + b"SHUTDOWN\n")
        file = link.makefile("rb")
        answers = [file.readline() for _ in range(101)]
    assert sum(json_of(answer)["allowed"] for answer in answers[:100]) == 100 and answers[100] == b"BYE\n"
    assert two[0].process.wait(timeout=parts.SECONDS_MAX) == 0


@pytest.mark.parametrize("limits, said", [
    ("{rate: 10/h, durable: true}", "a limit in Redis cannot be durable"),
    ("{rate: 3/7ns}", "a store counts in whole microseconds")])
def test_limits_that_a_store_cannot_keep_are_named_at_the_start(tmp_path, limits, said):
    config = "store: {kind: redis}\nlimits: [{domain: api, descriptors: [{key: a, limits: [%s]}]}]\n" % limits
    (tmp_path / "config.yaml").write_text(config)
    done = parts.subprocess.run([str(parts.BINARY), "serve", "--config", str(tmp_path / "config.yaml"), "--data",
                                 str(tmp_path / "data")], capture_output=True, text=True, timeout=parts.SECONDS_MAX)
    assert done.returncode == 1 and said in done.stderr and "config.yaml:2:" in done.stderr
