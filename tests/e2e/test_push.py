"""Queues that push their messages over HTTP, to receivers that answer well, badly or not at all."""
import collections
import json
import random
import signal
import time
import urllib.error
import urllib.request

import pytest
import redis

from conftest import eventually
from receiver import SECRET, Receiver

SECRETS = {"HOOK_SECRET": SECRET}
HOSTS = [f"127.0.0.{n}" for n in range(2, 8)]


def config(dispatch="", push="", queue="", more=""):
    return f"""
shards: 2
dispatch: {{allow: [127.0.0.0/8], backoff_base: 50ms, backoff_max: 500ms, probe: 2s{dispatch}}}
queues:
  hooks:
    backoff: {{base: 20ms, factor: 2, max: 200ms}}
    {queue}
    push: {{url: "{{header:url}}", timeout: 1s, signing_secret_env: HOOK_SECRET{push}}}
{more}
"""


@pytest.fixture
def receive():
    receivers = []

    def make(*arguments, **options):
        receivers.append(Receiver(*arguments, **options))
        return receivers[-1]

    yield make
    for receiver in receivers:
        receiver.stop()


def connect(server):
    return redis.Redis(host="127.0.0.1", port=server.ports["tcp"], socket_timeout=30)


def record(answer):
    if isinstance(answer, dict):
        return {key.decode(): value for key, value in answer.items()}
    return {answer[i].decode(): answer[i + 1] for i in range(0, len(answer), 2)}


def enqueue(client, messages, queue="hooks"):
    """messages: (body, url) → ids, in their order."""
    pipe = client.pipeline(transaction=False)
    for body, url in messages:
        pipe.execute_command("ENQUEUE", queue, body, "HEADER", "url", url)
    return pipe.execute()


def dead(client, queue="hooks"):
    return [record(each) for each in client.execute_command("DEAD", queue, "COUNT", 1000)]


def stats(client, queue="hooks"):
    return record(client.execute_command("QUEUE", "STATS", queue))


def why(client, message):
    return record(client.execute_command("WHY", message))


def hosts(client, *words):
    return {record(each)["host"].decode(): record(each)
            for each in client.execute_command("DISPATCH", *words)}


def get(server, path):
    with urllib.request.urlopen(server.api(path), timeout=30) as answer:
        return answer.read().decode()


def metrics(server):
    values = collections.defaultdict(float)
    for line in get(server, "/metrics").splitlines():
        if not line.startswith("#"):
            name, value = line.rsplit(" ", 1)
            values[name] = float(value)
    return values


def depth(client, queue="hooks"):
    row = stats(client, queue)
    return sum(row[state] for state in ("ready", "delayed", "leased"))


def empties(client, queue="hooks", seconds=120):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if depth(client, queue) == 0:
            return
        time.sleep(0.05)
    raise AssertionError(f"still {stats(client, queue)}")


# ---- What comes of an answer.


@pytest.mark.sanitized
def test_a_message_is_pushed_signed_and_gone(start, receive):
    receiver = receive(secret=SECRET)
    server = start(config=config(), environment=SECRETS)
    client = connect(server)
    message = client.execute_command("ENQUEUE", "hooks", b"\x00body\xff", "HEADER", "url",
                                     receiver.url(path="/a?b=c"), "HEADER", "X-Tenant", "acme",
                                     "HEADER", "Content-Type", "text/plain")
    eventually(lambda: receiver.accepted, "it is pushed")
    (got,) = receiver.requests
    assert (got.method, got.path, got.body) == ("POST", "/a?b=c", b"\x00body\xff")
    assert got.fields["ratelimmq-message-id"] == message.decode()
    assert got.fields["ratelimmq-queue"] == "hooks"
    assert got.fields["ratelimmq-attempt"] == "1"
    assert got.fields["content-type"] == "text/plain"
    assert got.fields["x-tenant"] == "acme"
    assert "url" not in got.fields
    assert receiver.problems == []
    empties(client)


def test_each_answer_has_its_outcome(start, receive):
    plan = {b"ok": [(204, {})], b"fails": [(500, {}), (404, {}), (302, {"Location": "/"}), (200, {})],
            b"gone": [(410, {})], b"hangs": ["hang", (200, {})], b"closes": ["close", (200, {})],
            b"half": ["half", (200, {})], b"busy": [(429, {"Retry-After": "1"}), (200, {})],
            b"away": [(503, {"Retry-After": "1"}), (200, {})], b"hopeless": [(400, {})] * 9}
    receiver = receive(lambda request, count: plan[request.body][count - 1],
                       hosts=[f"127.0.0.{n}" for n in range(10, 10 + len(plan))], secret=SECRET)
    server = start(config=config(queue="attempts: 5"), environment=SECRETS)
    client = connect(server)
    ids = dict(zip(plan, enqueue(client, [(body, receiver.url(host)) for body, host in
                                          zip(plan, receiver.hosts)])))
    empties(client)
    assert receiver.problems == []
    assert set(receiver.accepted) == set(plan) - {b"gone", b"hopeless"}
    letters = {each["body"]: each for each in dead(client)}
    assert set(letters) == {b"gone", b"hopeless"}
    assert letters[b"gone"]["reason"].startswith(b"410")
    assert letters[b"hopeless"]["reason"].startswith(b"400")
    assert receiver.times[b"gone"] == 1 and receiver.times[b"hopeless"] == 5
    by_body = collections.defaultdict(list)
    for request in receiver.requests:
        by_body[request.body].append(request)
    for body, requests in by_body.items():
        assert {each.fields["webhook-id"] for each in requests} == {ids[body].decode()}, body
    # Being told to come again is no failure; attempts tell the receiver how often it was asked.
    assert [each.fields["ratelimmq-attempt"] for each in by_body[b"busy"]] == ["1", "2"]
    assert stats(client)["failed"] == 3 + 1 + 1 + 1 + 1 + 5  # fails, gone, hangs, closes, half, hopeless
    assert stats(client)["requeued"] == 2
    for body in (b"busy", b"away"):
        assert by_body[body][1].at - by_body[body][0].at >= 0.99


def test_a_url_that_is_none_goes_to_the_dead_letters_with_the_reason(start, receive):
    server = start(config=config(), environment=SECRETS)
    client = connect(server)
    enqueue(client, [("scheme", "ftp://127.0.0.1/"), ("user", "http://u:secret@127.0.0.1/"),
                     ("none", "")])
    client.execute_command("ENQUEUE", "hooks", "absent")
    eventually(lambda: len(dead(client)) == 4, "all are dead letters")
    for letter in dead(client):
        assert letter["reason"], letter
        assert b"secret" not in letter["reason"]


# ---- The guard.


def test_the_guard_refuses_what_only_we_can_reach(start, receive):
    receiver = receive()
    text = config().replace("allow: [127.0.0.0/8]", "allow: []")
    server = start(config=text, environment=SECRETS)
    client = connect(server)
    bodies = {"metadata": "http://169.254.169.254/latest/meta-data/", "loopback": receiver.url(),
              "number": f"http://2130706433:{receiver.port}/", "private": "http://10.0.0.1/",
              "name": f"http://localhost:{receiver.port}/", "six": f"http://[::1]:{receiver.port}/",
              "mapped": f"http://[::ffff:127.0.0.1]:{receiver.port}/"}
    enqueue(client, bodies.items())
    eventually(lambda: len(dead(client)) == len(bodies), "all are refused")
    assert receiver.requests == []
    reasons = {each["body"].decode(): each["reason"].decode() for each in dead(client)}
    assert "metadata" in reasons["metadata"], reasons
    assert "loopback" in reasons["loopback"] and "loopback" in reasons["number"], reasons
    assert metrics(server)['ratelimmq_dispatch_attempts_total{outcome="blocked_ssrf"}'] == len(bodies)


def test_the_guard_refuses_our_own_ports_and_metadata_in_an_allowed_network(start, receive):
    receiver = receive()
    text = config().replace("allow: [127.0.0.0/8]", "allow: [127.0.0.0/8, 169.254.0.0/16]")
    server = start(config=text, environment=SECRETS)
    client = connect(server)
    enqueue(client, [("self", server.api("/v1/queues/hooks/messages")), ("allowed", receiver.url()),
                     ("metadata", "http://169.254.169.254/")])
    eventually(lambda: len(dead(client)) == 2, "two are refused")
    eventually(lambda: receiver.accepted, "the other one is allowed")
    reasons = {each["body"].decode(): each["reason"].decode() for each in dead(client)}
    assert set(reasons) == {"self", "metadata"}


def test_report_mode_lets_through_and_logs(start, receive):
    receiver = receive()
    text = config(", guard: report").replace("allow: [127.0.0.0/8]", "allow: []")
    server = start(config=text, environment=SECRETS)
    enqueue(connect(server), [(f"m{n}", receiver.url()) for n in range(100)])
    eventually(lambda: len(receiver.accepted) == 100, "all come")
    lines = [line for line in server.log_text().splitlines() if "the guard would refuse" in line]
    assert 0 < len(lines) <= 20 and "range=loopback" in lines[0]


# ---- Many, to hosts that fail.


def flaky(seed):
    """The same for each body and attempt, whatever the order."""
    def behave(request, count):
        if request.body.startswith(b"gone"):
            return 410, {}
        if request.body.startswith(b"never"):
            return 404, {}
        chance = random.Random(f"{seed} {request.body} {count}").random()
        for share, what in ((0.008, (429, {"Retry-After": "1"})), (0.004, (503, {"Retry-After": "1"})),
                            (0.04, (500, {})), (0.02, "close"), (0.02, "half"), (0.008, "hang")):
            if chance < share:
                return what
            chance -= share
        return 200, {}
    return behave


def flood(count):
    messages = [(f"m{n}", HOSTS[n % len(HOSTS)]) for n in range(count)]
    messages += [(f"gone{n}", HOSTS[n % len(HOSTS)]) for n in range(10)]
    return messages + [(f"never{n}", HOSTS[n % len(HOSTS)]) for n in range(10)]


def test_flaky_hosts_lose_no_message_and_see_no_more_than_their_caps(start, receive):
    receiver = receive(flaky(7), hosts=HOSTS, latency=(0, 0.01), secret=SECRET)
    text = config(", total: 15, per_host: 4", queue="attempts: 12").replace("timeout: 1s", "timeout: 3s")
    server = start(config=text, environment=SECRETS)
    client = connect(server)
    messages = flood(3000)
    enqueue(client, [(body, receiver.url(host)) for body, host in messages])
    empties(client, seconds=180)
    assert receiver.problems == []
    letters = {each["body"].decode(): each["reason"].decode() for each in dead(client)}
    wanted = {body for body, _ in messages if not body.startswith("m")}
    assert set(letters) == wanted
    assert all(reason[:3] == ("410" if body.startswith("gone") else "404")
               for body, reason in letters.items())
    assert {body.decode() for body in receiver.accepted} == {body for body, _ in messages} - wanted
    # Answered with 200 means never pushed again.
    twice = {body: [(each.at, each.fields["ratelimmq-attempt"]) for each in requests]
             for body, requests in receiver.accepted.items() if len(requests) > 1}
    assert not twice
    assert max(receiver.most_of_host.values()) == 4
    assert receiver.most == 15
    # A host that asked for a second was left alone for it: in flight answers may still come in.
    quiet_after_answers(receiver, 0.9)
    check_metrics(metrics(server), len(messages))


def quiet_after_answers(receiver, seconds, in_flight=4):
    """After a host has asked to be left alone, no more than what was on its way comes."""
    for at, host, status in receiver.answers:
        if status not in (429, 503):
            continue
        later = [each for each in receiver.requests
                 if each.host == host and at + 0.05 < each.at < at + seconds]
        assert len(later) <= in_flight, (host, at, len(later))


def check_metrics(values, messages):
    for name in ("requests_total{", 'attempts_total{outcome="success"}', 'attempts_total{outcome="retry"}',
                 'attempts_total{outcome="dead"}', 'attempts_total{outcome="timeout"}', "inflight ",
                 'waiting{reason="host_cap"}', 'waiting{reason="global_cap"}', 'waiting{reason="backoff"}',
                 'phase_duration_seconds_count{phase="connect"}', "oldest_waiting_seconds ",
                 "host_backoff_active ", 'host_inflight{host="other"}'):
        wanted = "ratelimmq_dispatch_" + name.strip()
        assert any(each.startswith(wanted) for each in values), name
    for outcome in ("success", "retry", "dead", "timeout"):
        assert values[f'ratelimmq_dispatch_attempts_total{{outcome="{outcome}"}}'] > 0, outcome
    success = sum(value for name, value in values.items()
                  if name.startswith("ratelimmq_dispatch_attempts_total") and 'outcome="success"' in name)
    assert success == messages - 20
    labels = {name for name in values if name.startswith("ratelimmq_dispatch_") and "host=" in name}
    assert len({name.split('host="')[1].split('"')[0] for name in labels}) <= 21


# ---- One host at a time.


def test_a_burst_of_429_blocks_the_host_once_and_others_go_on(start, receive):
    busy, free = HOSTS[0], HOSTS[1]
    began = time.monotonic()

    def behave(request, count):
        if request.host == busy and time.monotonic() < until[0]:
            return 429, {"Retry-After": "5"}
        return 200, {}

    until = [began + 60]
    receiver = receive(behave, hosts=[busy, free], latency=(0.05, 0.05), secret=SECRET)
    server = start(config=config(", per_host: 8"), environment=SECRETS)
    client = connect(server)
    ids = enqueue(client, [(f"busy{n}", receiver.url(busy)) for n in range(50)])
    eventually(lambda: receiver.answers, "the host has answered")
    until[0] = 0
    first = receiver.answers[0][0]
    eventually(lambda: any(why(client, each)["limited_by"] == b"blocked" for each in ids[-1:]),
               "WHY says it")
    told = why(client, ids[-1])
    assert told["reason"] == b"limited" and told["limited_by"] == b"blocked"
    assert time.time() * 1000 < told["until_ms"] < time.time() * 1000 + 6500
    row = hosts(client)[f"{busy}:{receiver.port}"]
    assert row["waiting"] == 50 and row["blocked_until_ms"] > time.time() * 1000
    assert row["reason"], row
    (alone,) = json.loads(get(server, f"/v1/dispatch/{busy}:{receiver.port}"))
    assert alone["waiting"] == 50 and alone["blocked_until_ms"] == row["blocked_until_ms"]
    enqueue(client, [(f"free{n}", receiver.url(free)) for n in range(50)])
    eventually(lambda: sum(body.startswith(b"free") for body in receiver.accepted) == 50, "others go")
    empties(client)
    of_busy = [each.at - first for each in receiver.requests if each.host == busy]
    assert sum(at < 4.9 for at in of_busy) <= 8  # One burst: what was in flight.
    assert min(at for at in of_busy if at > 4.9) < 20  # ... and once: 5 s, not 5 · 8.
    back = min(each.at for each in receiver.requests if each.host == busy and each.at - first > 4.9)
    assert all(each.at < back for each in receiver.requests if each.host == free)
    assert stats(client)["failed"] == 0 and not dead(client)


def test_a_host_that_is_down_opens_its_breaker_and_attempts_are_kept(start, receive):
    up = [False]
    receiver = receive(lambda request, count: (200, {}) if up[0] else "close", secret=SECRET)
    server = start(config=config(", per_host: 2, backoff_base: 300ms, backoff_max: 300ms, "
                                 "breaker_failures: 3").replace("backoff_base: 50ms, ", "", 1)
                   .replace("backoff_max: 500ms, ", "", 1), environment=SECRETS)
    client = connect(server)
    enqueue(client, [(f"m{n}", receiver.url()) for n in range(200)])
    eventually(lambda: stats(client)["failed"] >= 3, "it has failed")
    time.sleep(1)
    assert stats(client)["failed"] < 30  # Three, and a probe now and then.
    eventually(lambda: hosts(client)[f"127.0.0.1:{receiver.port}"]["reason"] in (b"breaker", b"half open"),
               "DISPATCH says it")
    up[0] = True
    empties(client)
    assert len(receiver.accepted) == 200 and not dead(client)


# ---- Ends.


def test_a_kill_in_the_middle_loses_nothing(start, receive):
    receiver = receive(hosts=HOSTS, latency=(0.01, 0.03), secret=SECRET)
    server = start(config=config(", total: 10, per_host: 4"), environment=SECRETS)
    client = connect(server)
    bodies = [f"m{n}" for n in range(600)]
    enqueue(client, [(body, receiver.url(HOSTS[n % 6])) for n, body in enumerate(bodies)])
    eventually(lambda: len(receiver.accepted) > 100, "some are pushed")
    server.process.kill()
    server.process.wait()
    assert len(receiver.accepted) < 600
    server = start(name=server.folder.name, config=config(", total: 10, per_host: 4"),
                   environment=SECRETS)
    empties(connect(server))
    assert {body.decode() for body in receiver.accepted} == set(bodies)
    assert not dead(connect(server)) and receiver.problems == []
    # At least once: what was in flight may have come twice, under the same id.
    for requests in receiver.accepted.values():
        assert len({each.fields["webhook-id"] for each in requests}) == 1
    assert sum(len(each) > 1 for each in receiver.accepted.values()) <= 64
    assert max(receiver.most_of_host.values()) <= 4 and receiver.most <= 10


@pytest.mark.sanitized
def test_a_stop_ends_what_runs_and_hands_back_the_rest(start, receive):
    receiver = receive(hosts=HOSTS, latency=(0.05, 0.1), secret=SECRET)
    server = start(config=config(", total: 10, per_host: 4"), environment=SECRETS)
    client = connect(server)
    enqueue(client, [(f"m{n}", receiver.url(HOSTS[n % 6])) for n in range(300)])
    eventually(lambda: len(receiver.accepted) > 20, "some are pushed")
    server.process.send_signal(signal.SIGTERM)
    assert server.wait() == 0
    assert len(receiver.accepted) < 300
    server = start(name=server.folder.name, config=config(", total: 10, per_host: 4"),
                   environment=SECRETS)
    client = connect(server)
    empties(client)
    assert len(receiver.accepted) == 300
    assert max(len(each) for each in receiver.accepted.values()) == 1  # Exactly once, even.
    assert stats(client)["failed"] == 0


def test_a_stop_does_not_wait_for_a_receiver_that_hangs(start, receive):
    hangs = [True]
    receiver = receive(lambda request, count: "hang" if hangs[0] else (200, {}), secret=SECRET)
    text = config(push=", timeout: 60s", more="bounds: {stop_timeout: 500ms}").replace("timeout: 1s, ", "")
    server = start(config=text, environment=SECRETS)
    client = connect(server)
    enqueue(client, [(f"m{n}", receiver.url()) for n in range(20)])
    eventually(lambda: len(receiver.requests) == 8, "as many as may hang")
    began = time.monotonic()
    server.process.send_signal(signal.SIGTERM)
    assert server.wait() == 0
    assert time.monotonic() - began < 10
    hangs[0] = False
    server = start(name=server.folder.name, config=text, environment=SECRETS)
    empties(connect(server), seconds=30)  # Handed back: no lease of 70 s is waited for.
    assert len(receiver.accepted) == 20


# ---- Settings.


def test_a_queue_becomes_a_push_queue_and_stops_being_one(start, receive):
    receiver = receive(latency=(0.01, 0.01))
    server = start(config=config(", per_host: 3", push=", method: POST"), environment=SECRETS)
    client = connect(server)
    ids = enqueue(client, [(f"m{n}", "-") for n in range(100)], queue="later")
    assert why(client, ids[0])["reason"] == b"no consumer"
    client.execute_command("QUEUE", "SET", "later", "push.url", receiver.url(path="/{queue}"))
    empties(client, "later")
    assert len(receiver.accepted) == 100 and receiver.requests[0].path == "/later"
    assert receiver.most <= 3  # Of messages that were there before, too.
    client.execute_command("QUEUE", "SET", "later", "push.url", receiver.url(path="/other"),
                           "push.method", "PUT")
    enqueue(client, [("put", "-")], queue="later")
    eventually(lambda: receiver.accepted[b"put"], "it is pushed")
    assert (receiver.requests[-1].method, receiver.requests[-1].path) == ("PUT", "/other")
    client.execute_command("QUEUE", "PAUSE", "later", "out")
    enqueue(client, [("paused", "-")], queue="later")
    time.sleep(0.3)
    assert not receiver.accepted[b"paused"]
    client.execute_command("QUEUE", "RESUME", "later")
    eventually(lambda: receiver.accepted[b"paused"], "it goes on")
    client.execute_command("QUEUE", "SET", "later", "push.url", "")
    (kept,) = enqueue(client, [("kept", "-")], queue="later")
    time.sleep(0.3)
    assert why(client, kept)["reason"] == b"no consumer" and not receiver.accepted[b"kept"]
    client.execute_command("QUEUE", "DELETE", "later")


def test_a_reload_changes_the_caps_at_once(start, receive):
    receiver = receive(latency=(0.02, 0.02), secret=SECRET)
    server = start(config=config(", per_host: 1"), environment=SECRETS)
    client = connect(server)
    enqueue(client, [(f"m{n}", receiver.url()) for n in range(400)])
    eventually(lambda: len(receiver.accepted) > 5, "some are pushed")
    assert receiver.most == 1
    server.config.write_text(config(", per_host: 6"))
    eventually(lambda: receiver.most == 6, "more at a time")
    empties(client)
    assert receiver.most == 6 and len(receiver.accepted) == 400


def test_the_rate_of_a_host_is_kept(start, receive):
    receiver = receive(hosts=HOSTS[:2], secret=SECRET)
    server = start(config=config(', host_rate: "40/s burst 1"'), environment=SECRETS)
    client = connect(server)
    enqueue(client, [(f"{host} {n}", receiver.url(host)) for host in HOSTS[:2] for n in range(80)])
    empties(client)
    for host in HOSTS[:2]:
        times = sorted(each.at for each in receiver.requests if each.host == host)
        assert len(times) == 80 and times[-1] - times[0] > 79 / 40 - 0.1


def test_a_missing_or_faulty_secret_refuses_the_file_and_is_not_shown(start, tmp_path):
    for name, environment in {"none": {}, "bad": {"HOOK_SECRET": "whsec_hunter2"}}.items():
        server = start(config=config(), environment=environment, name=name)
        assert server.wait() == 1
        log = server.log_text()
        assert "hooks" in log or ":8:" in log
        assert "HOOK_SECRET" in log and "hunter2" not in log


def test_a_queue_whose_secret_is_not_there_is_not_pushed(start, receive):
    receiver = receive()
    server = start(config=config(), environment=SECRETS)
    client = connect(server)
    client.execute_command("QUEUE", "SET", "other", "push.url", receiver.url(),
                           "push.signing_secret_env", "NOT_THERE")
    (message,) = enqueue(client, [("m", "-")], queue="other")
    time.sleep(0.3)
    assert why(client, message)["reason"] == b"no consumer" and not receiver.requests
    assert "variable=NOT_THERE" in server.log_text()
