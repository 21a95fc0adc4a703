"""Clients that nobody here wrote: redis-cli, redis-benchmark, redis-py, curl, promtool."""
import json
import subprocess

import pytest
import redis


def run(*command, stdin=None):
    return subprocess.run(command, input=stdin, capture_output=True, timeout=60, text=True)


# Debian 12's redis-py speaks RESP2 only; script/conformance runs these tests with PyPI's.
SPEAKS_RESP3 = int(redis.__version__.split(".")[0]) >= 5


@pytest.fixture(params=[2, 3] if SPEAKS_RESP3 else [2])
def client(request, start, limits):
    server = start(config=limits)
    options = {"protocol": request.param} if SPEAKS_RESP3 else {}
    with redis.Redis(host="127.0.0.1", port=server.ports["tcp"], **options) as client:
        yield client


def record(answer):
    """RESP3 gives a map, RESP2 a flat array of names and values."""
    if isinstance(answer, dict):
        return {key.decode(): value for key, value in answer.items()}
    return {answer[i].decode(): answer[i + 1] for i in range(0, len(answer), 2)}


def test_redis_py_drives_the_limits(client):
    assert client.ping()
    first = record(client.execute_command("CHECK", "api", "client_ip=1.2.3.4"))
    assert first["allowed"] == 1 and first["remaining"] == 1 and first["limit"] == 2
    client.execute_command("CHECK", "api", "client_ip=1.2.3.4")
    refused = record(client.execute_command("CHECK", "api", "client_ip=1.2.3.4"))
    assert refused["allowed"] == 0 and refused["limited_by"] == b"client_ip"
    assert 0 < refused["retry_after_ms"] <= 1_800_000
    with pytest.raises(redis.ResponseError, match="NOTFOUND"):
        client.execute_command("CHECK", "nowhere", "a=b")


def test_redis_py_pipelines(client):
    pipe = client.pipeline(transaction=False)
    for _ in range(100):
        pipe.execute_command("CL.THROTTLE", "k", 9, 100, 3600)
    answers = pipe.execute()
    assert [a[0] for a in answers] == [0] * 10 + [1] * 90
    assert answers[0] == [0, 10, 9, -1, 36]


def test_redis_py_reserves_and_holds(client):
    reservation = client.execute_command("RESERVE", "api", "tenant=a", "COST", 4, "TTL", 60000)
    assert client.execute_command("COMMIT", reservation, 1) == 1
    assert record(client.execute_command("CHECK", "api", "tenant=a", "DRYRUN"))["remaining"] is not None
    holds = [client.execute_command("ACQUIRE", "api", "tenant=b", "TTL", 60000) for _ in range(2)]
    with pytest.raises(redis.ResponseError, match=r"LIMITED .*retry_after_ms="):
        client.execute_command("ACQUIRE", "api", "tenant=b", "TTL", 60000)
    assert client.execute_command("RENEW", holds[0], 60000) in (b"OK", True, "OK")
    client.execute_command("RELEASE", holds[0])
    assert client.execute_command("ACQUIRE", "api", "tenant=b", "TTL", 60000)
    with pytest.raises(redis.ResponseError, match="NOTFOUND"):
        client.execute_command("RELEASE", holds[0])


def test_redis_py_sees_the_limits_and_why(client):
    client.execute_command("CHECK", "api", "tenant=w", "COST", 5)
    rows = [record(row) for row in client.execute_command("WHY", "api", "tenant=w")]
    assert [(row["name"], row["allowed"]) for row in rows] == [(b"tenant-rate", 0), (b"tenant-jobs", 1)]
    names = [record(row)["name"] for row in client.execute_command("LIMITS", "api")]
    assert names == [b"client_ip", b"tenant-rate", b"tenant-jobs"]


def test_redis_cli_connects_without_a_warning(start, limits):
    server = start(config=limits)
    for resp in ("-2", "-3"):
        done = run("redis-cli", resp, "-p", str(server.ports["tcp"]), "CL.THROTTLE", "user123" + resp, "15",
                   "30", "60", "1")
        assert done.stderr == ""
        assert done.stdout.split() == ["0", "16", "15", "-1", "2"]


def test_redis_cli_asks_for_the_commands_on_its_start(start):
    server = start()
    done = run("redis-cli", "-p", str(server.ports["tcp"]), stdin="PING\nECHO hello\nINFO server\n")
    assert done.stderr == ""
    assert "PONG" in done.stdout and "hello" in done.stdout and "redis_version" in done.stdout


def test_redis_benchmark_runs_without_a_warning(start):
    server = start()
    done = run("redis-benchmark", "-p", str(server.ports["tcp"]), "-n", "2000", "-c", "10", "-P", "16", "-q",
               "CL.THROTTLE", "k", "10", "100", "60")
    assert done.returncode == 0 and "WARNING" not in done.stdout + done.stderr
    assert "requests per second" in done.stdout
    done = run("redis-benchmark", "-p", str(server.ports["tcp"]), "-n", "2000", "-t", "ping_mbulk", "-q")
    assert done.returncode == 0 and "WARNING" not in done.stdout + done.stderr


def curl(*arguments):
    done = run("curl", "-sS", "-w", "\n%{http_code}", *arguments)
    assert done.returncode == 0, done.stderr
    body, _, status = done.stdout.rpartition("\n")
    return int(status), body


def test_curl_checks_a_limit(start, limits):
    server = start(config=limits)
    ask = json.dumps({"domain": "api", "descriptors": [[["client_ip", "9.9.9.9"]]]})
    seen = [curl("-H", "Content-Type: application/json", "-d", ask, server.api("/v1/check"))
            for _ in range(3)]
    assert [status for status, _ in seen] == [200, 200, 429]
    last = json.loads(seen[2][1])
    assert last["allowed"] is False and last["limited_by"] == "client_ip"


def test_curl_gets_health_version_and_a_problem(start):
    server = start()
    assert curl(server.api("/livez"))[0] == 200
    assert curl(server.api("/readyz"))[0] == 200
    assert "version" in json.loads(curl(server.api("/version"))[1])
    status, body = curl(server.api("/nowhere"))
    assert status == 404 and json.loads(body)["status"] == 404


def test_a_page_of_another_site_is_refused(start):
    server = start()
    for header in ("Host: evil.example", "Origin: http://evil.example", "Sec-Fetch-Site: cross-site"):
        assert curl("-H", header, server.api("/v1/limits"))[0] == 403, header


def test_promtool_accepts_the_metrics(start, limits):
    server = start(config=limits)
    server.say("CHECK api client_ip=1", "PING", "NOPE")
    status, text = curl(server.api("/metrics"))
    assert status == 200
    done = run("promtool", "check", "metrics", stdin=text)
    assert done.returncode == 0, done.stdout + done.stderr
    for name in ("ratelimmq_limiter_decisions_total", "ratelimmq_command_calls_total",
                 "ratelimmq_limiter_table_bytes", "ratelimmq_config_last_reload_successful",
                 "ratelimmq_build_info"):
        assert name in text
