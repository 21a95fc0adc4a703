"""`ratelimmq bench` against real servers: ours over each talk, and the peers that are installed."""
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time

import pytest

from cluster import Redis, free_port
from conftest import BINARY, SECONDS_MAX, TOP, Server, eventually

sys.path.insert(0, str(TOP / "bench"))
import queue_peers

ONE = """
limits:
  - domain: bench
    descriptors:
      - { key: key, limits: [ { name: each, rate: 100/s burst 5 } ] }
      - { key: queue, value: paced, limit: 100/s burst 1 }
queues: { paced: { decide: { domain: bench, descriptors: ["queue={queue}"] }, durability: memory } }
"""


def run(*arguments, code=0):
    done = subprocess.run([str(BINARY), "bench", *map(str, arguments)], capture_output=True, text=True,
                          timeout=2 * SECONDS_MAX)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout if code == 0 else done.stdout + done.stderr


def measured(*arguments, code=0):
    return json.loads(run(*arguments, "--json", code=code))


def judged(*histories, code=0):
    done = subprocess.run([str(BINARY), "check", *map(str, histories)], capture_output=True, text=True,
                          timeout=SECONDS_MAX)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def target(server, talk):
    return f"http://127.0.0.1:{server.ports['api']}" if talk == "http" else f"127.0.0.1:{server.ports['tcp']}"


@pytest.mark.parametrize("talk", ["line", "resp", "http"])
def test_a_cycle_loses_nothing_and_its_history_is_allowed(start, talk, tmp_path):
    server = start()
    history = tmp_path / "history"
    outcome = measured(target(server, talk), "--talk", talk, "--work", "cycle", "--count", 500, "--connections", 5,
                       "--pipeline", 4, "--keys", 7, "--durability", "memory", "--server-pid", server.process.pid,
                       "--record", history)
    assert outcome["operations"] == 500 and outcome["errors"] == 0
    assert {verb: outcome["verbs"][verb]["count"] for verb in ("enqueue", "ack")} == {"enqueue": 500, "ack": 500}
    spread = outcome["latency_us"]
    assert 0 < spread["min"] <= spread["p50"] <= spread["p99"] <= spread["p99.99"] <= spread["max"]
    assert outcome["server"]["resident_bytes"] > 1_000_000
    assert outcome["settings"]["talk"] == talk and outcome["settings"]["durability"] == "memory"
    assert "500 messages, 500 deliveries" in judged(history)


@pytest.mark.parametrize("talk", ["line", "resp", "http"])
def test_checks_are_let_pass_as_the_limit_says(start, talk, tmp_path):
    server = start(config=ONE)
    history = tmp_path / "history"
    outcome = measured(target(server, talk), "--talk", talk, "--work", "check", "--keys-like", "one", "--rate", "500/s",
                       "--for", "1s", "--warm-up", "0s", "--connections", 4, "--limit", "100/s burst 5",
                       "--record", history)
    assert outcome["operations"] == 500 and outcome["errors"] == 0
    precision = outcome["precision"]
    assert precision["admitted"] == 500 - outcome["refused"] and precision["keys"] == 1
    assert precision["excess_certain"] <= 0
    judged(history)


def test_what_waits_is_let_pass_in_time_and_not_before(start):
    server = start(config=ONE)
    for work in (["--work", "check", "--keys-like", "one", "--limit", "100/s burst 5"],
                 ["--work", "dequeue", "--queue", "paced", "--limit", "100/s burst 1"]):
        if "dequeue" in work:
            run(target(server, "resp"), "--work", "enqueue", "--queue", "paced", "--count", 1000, "--pipeline", 100,
                "--connections", 1)
        outcome = measured(target(server, "resp"), *work, "--wait", "5s", "--for", "1s", "--warm-up", "0s",
                           "--connections", 3)
        precision = outcome["precision"]
        assert precision["admitted"] > 0 and precision["excess_certain"] <= 0
        assert precision["lateness_us"]["count"] > 0
        assert precision["of_limit"] <= 1.01


def test_a_consumer_that_waits_at_a_limit_is_promised_to_be_woken_in_time(start, tmp_path):
    server = start(config=ONE)
    filled, taken = tmp_path / "filled", tmp_path / "taken"
    run(target(server, "resp"), "--work", "enqueue", "--queue", "paced", "--count", 300, "--pipeline", 100,
        "--connections", 1, "--record", filled)
    measured(target(server, "resp"), "--work", "dequeue", "--queue", "paced", "--limit", "100/s burst 1", "--wait",
             "5s", "--for", "500ms", "--warm-up", "0s", "--connections", 3, "--threads", 2, "--record", taken)
    judged(filled, taken)
    lines = taken.read_text().splitlines(keepends=True)
    wakes = [line for line in lines if line.startswith("wake ")]
    assert wakes and all(line.endswith(" paced within=5010\n") for line in wakes)
    # Had those who waited been forgotten until the last delivery of all, it would have been found.
    first = int(wakes[0].split(" ")[1])
    late = [line for line in lines if not line.startswith(("deliver ", "ack ", "wake "))]
    taken.write_text("".join([*late, wakes[0], *(line for line in lines if line.startswith("deliver ") and
                                                 int(line.split(" ")[2]) < first)]))
    assert "of law wake" in judged(filled, taken, code=1)


def test_a_drain_takes_out_what_a_count_put_in(start):
    server = start()
    place = target(server, "resp")
    filled = measured(place, "--work", "enqueue", "--count", 777, "--queues", 5, "--pipeline", 10, "--threads", 2)
    assert filled["operations"] == 777
    drained = measured(place, "--work", "drain", "--queues", 5, "--messages", 20, "--connections", 3)
    assert drained["operations"] == 777
    assert measured(place, "--work", "drain", "--queues", 5)["operations"] == 0


def test_a_stopped_server_shows_in_the_tail_of_an_open_loop(start):
    server = start()
    bench = subprocess.Popen([str(BINARY), "bench", target(server, "resp"), "--work", "ping", "--rate", "500/s",
                              "--for", "3s", "--warm-up", "0s", "--connections", "1", "--json"],
                             stdout=subprocess.PIPE, text=True)
    try:
        with pytest.raises(subprocess.TimeoutExpired):
            bench.wait(timeout=1)
        os.kill(server.process.pid, signal.SIGSTOP)
        with pytest.raises(subprocess.TimeoutExpired):
            bench.wait(timeout=1)
        os.kill(server.process.pid, signal.SIGCONT)
        outcome = json.loads(bench.communicate(timeout=SECONDS_MAX)[0])
    finally:
        bench.kill()
        bench.wait()
    assert outcome["operations"] == 1500 and outcome["errors"] == 0
    assert outcome["latency_us"]["p90"] > 100_000  # A third of the requests was due while it stood.


def test_a_load_outlives_its_server_and_nothing_answered_is_lost(tmp_path):
    (tmp_path / "server").mkdir()
    history = tmp_path / "history"
    server = Server(tmp_path / "server")
    place = target(server, "resp")
    bench = subprocess.Popen([str(BINARY), "bench", place, "--work", "cycle", "--for", "3s", "--warm-up", "0s",
                              "--connections", "4", "--pipeline", "3", "--lease", "100ms", "--keys", "5", "--record",
                              str(history), "--json"], stdout=subprocess.PIPE, text=True)
    try:
        with pytest.raises(subprocess.TimeoutExpired):
            bench.wait(timeout=1)
        killed = time.monotonic_ns()
        server.process.kill()
        server.stop()
        begun = time.monotonic_ns()
        server = Server(tmp_path / "server", tcp=place)
        ready = time.monotonic_ns()
        outcome = json.loads(bench.communicate(timeout=SECONDS_MAX)[0])
    finally:
        bench.kill()
        bench.wait()
        server.stop()
    assert outcome["connections_lost"] == 4 and 1 <= outcome["unanswered"] <= 12
    with open(history, "a") as file:
        file.write(f"kill {killed}\nstart {begun} {ready}\n")
    assert "2 lives" in judged(history)


def test_a_mix_draws_each_verb_as_often_as_its_weight_says(start):
    server = start(config=ONE)
    outcome = measured(target(server, "resp"), "--work", "check:8,enqueue:1,ping:1", "--count", 5000, "--pipeline", 50,
                       "--keys-like", "zipf:0.99", "--durability", "os")
    counts = {verb: spread["count"] for verb, spread in outcome["verbs"].items()}
    assert sum(counts.values()) == outcome["operations"] == 5000
    assert 3700 < counts["check"] < 4300 and 350 < counts["enqueue"] < 650


def test_usage_errors_name_the_flag(start):
    server = start()
    place = target(server, "resp")
    for words, told in {("--work", "nonsense"): "--work: ", ("--work", "incr"): "--work: incr cannot be asked",
                        ("--rate", "0"): "--rate: ", ("--keys-like", "zipf:x"): "--keys-like: ",
                        ("--for", "ten"): "--for: ", ("--talk", "resp", "--work", "request"): "--request: ",
                        ("--body", "3", "--record", "x"): "--body: ", ("--limit", "5/month"): "--limit: ",
                        ("--threads", "3", "--connections", "2"): "--threads: "}.items():
        assert told in run(place, *words, code=2)
    assert "TARGET: " in run("127.0.0.1", code=2)
    assert "refused" in run("127.0.0.1:1", "--for", "1s", code=2)


def test_error_answers_are_counted_by_their_kind_and_end_with_1(start):
    outcome = measured(target(start(), "line"), "--talk", "line", "--work", "check", "--count", 100, code=1)
    assert outcome["errors"] == 100 and outcome["operations"] == 0
    assert list(outcome["error_kinds"].values()) == [100]
    assert "NOTFOUND" in list(outcome["error_kinds"])[0]


# Peers.

@pytest.fixture
def peer(tmp_path):
    """peer(words…) → its process; it listens on the port behind them."""
    processes = []

    def listens(port):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            return False
        return True

    def starter(port, *command):
        processes.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=tmp_path))
        eventually(lambda: listens(port), f"{command[0]} listens")
        return processes[-1]

    yield starter
    for process in processes:
        process.terminate()
        process.wait()


def test_redis_is_driven_too(tmp_path):
    server = Redis(tmp_path / "redis")
    try:
        drive_redis(server)
    finally:
        server.stop()


def drive_redis(server):
    place = f"redis://127.0.0.1:{server.port}"
    for work in ("ping", "incr", "gcra-lua", "cycle"):
        outcome = measured(place, "--work", work, "--count", 500, "--pipeline", 8, "--connections", 5,
                           "--server-pid", server.process.pid)
        assert outcome["operations"] == 500 and outcome["errors"] == 0
    limited = measured(place, "--work", "gcra-lua", "--keys-like", "one", "--throttle", "50/1s burst 5", "--limit",
                       "50/1s burst 5", "--count", 2000, "--seed", 3)
    assert limited["refused"] > 0 and limited["precision"]["excess_certain"] <= 0
    assert measured(place, "--talk", "redis-stream", "--work", "enqueue", "--queue", "stream", "--durability", "fsync",
                    "--count", 100)["operations"] == 100
    assert measured(place, "--work", "request", "--request", "SET {key} {body}", "--count", 100)["operations"] == 100


def test_beanstalkd_is_driven_too(peer):
    if not shutil.which("beanstalkd"):
        pytest.skip("no beanstalkd")
    port = free_port()
    peer(port, "beanstalkd", "-l", "127.0.0.1", "-p", str(port))
    for work in ("enqueue", "drain", "cycle"):
        outcome = measured(f"127.0.0.1:{port}", "--talk", "beanstalk", "--work", work,
                           *(() if work == "drain" else ("--count", 300)), "--pipeline", 3)
        assert outcome["operations"] == 300 and outcome["errors"] == 0


def test_rabbitmq_is_driven_too(tmp_path):
    server = queue_peers.rabbitmq(tmp_path, True)
    if server is None:
        pytest.skip("no RabbitMQ")
    try:
        for body in (128, 300_000):  # The second one in three frames.
            outcome = measured(f"127.0.0.1:{server.port}", "--talk", "rabbit", "--work", "enqueue", "--body", body,
                               "--count", 300, "--pipeline", 3, "--connections", 5)
            assert outcome["operations"] == 300 and outcome["errors"] == 0
        assert waiting_in_rabbitmq(server.port) == 600
    finally:
        server.stop()


def waiting_in_rabbitmq(port):
    """What a passive queue.declare tells of the queue `bench`."""
    def method(channel, group, name, rest):
        payload = struct.pack(">HH", group, name) + rest
        return struct.pack(">BHI", 1, channel, len(payload)) + payload + b"\xce"

    def text(words):
        return struct.pack(">B", len(words)) + words

    with socket.create_connection(("127.0.0.1", port), timeout=SECONDS_MAX) as link, link.makefile("rb") as answers:
        def answer():
            kind, _, size = struct.unpack(">BHI", answers.read(7))
            return answers.read(size + 1)[:-1] if kind == 1 else answer()

        link.sendall(b"AMQP\0\0\x09\x01")
        answer()
        login = struct.pack(">I", 0) + text(b"PLAIN") + struct.pack(">I", 12) + b"\0guest\0guest" + text(b"en_US")
        link.sendall(method(0, 10, 11, login))
        answer()
        link.sendall(method(0, 10, 31, struct.pack(">HIH", 2047, 131_072, 0))
                     + method(0, 10, 40, text(b"/") + text(b"") + b"\0"))
        answer()
        link.sendall(method(1, 20, 10, text(b"")))
        answer()
        passive = 1
        link.sendall(method(1, 50, 10, b"\0\0" + text(b"bench") + bytes([passive]) + struct.pack(">I", 0)))
        said = answer()
        return struct.unpack_from(">I", said, 5 + said[4])[0]


def test_nats_is_driven_too(peer, tmp_path):
    nats = shutil.which("nats-server") or str(TOP / "build/peers/nats-server")
    if not os.path.exists(nats):
        pytest.skip("no nats-server")
    port = free_port()
    peer(port, nats, "-a", "127.0.0.1", "-p", str(port), "-js", "-sd", str(tmp_path))
    for work in ("ping", "enqueue", "drain", "cycle"):
        outcome = measured(f"nats://127.0.0.1:{port}", "--work", work, "--durability", "memory",
                           *(() if work == "drain" else ("--count", 300)), "--pipeline", 3)
        assert outcome["operations"] == 300 and outcome["errors"] == 0
