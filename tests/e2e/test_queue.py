"""The queues of the real binary: work through redis-py, curl and nc, kills, stops, a full disk."""
import os
import signal
import subprocess
import threading
import time

import pytest
import redis

from conftest import BINARY, eventually

LIMITED = """
shards: 2
limits:
  - domain: outbound
    descriptors:
      - {key: queue, limit: 100/s burst 1}
queues:
  limited:
    decide: {domain: outbound, descriptors: ["queue={queue}"]}
  strict: {in_flight_per_key: 1}
"""


def connect(server):
    return redis.Redis(host="127.0.0.1", port=server.ports["tcp"], socket_timeout=30)


def record(answer):
    """RESP3 gives a map, RESP2 a flat array of names and values."""
    if isinstance(answer, dict):
        return {key.decode(): value for key, value in answer.items()}
    return {answer[i].decode(): answer[i + 1] for i in range(0, len(answer), 2)}


def dequeue(client, *words):
    return [record(each) for each in client.execute_command("DEQUEUE", *words) or []]


def again(start, server, **options):
    """The same data directory, in a new process."""
    return start(name=server.folder.name, **options)


@pytest.mark.sanitized
def test_a_message_is_enqueued_leased_and_acked(start):
    client = connect(start())
    message = client.execute_command("ENQUEUE", "q", "hello", "KEY", "k", "HEADER", "a", "b")
    (got,) = dequeue(client, "q")
    assert (got["id"], got["body"], got["key"], got["attempt"]) == (message, b"hello", b"k", 1)
    assert dequeue(client, "q") == []
    assert client.execute_command("ACK", got["receipt"]) == 1
    with pytest.raises(redis.ResponseError, match="STALE"):
        client.execute_command("ACK", got["receipt"])


@pytest.mark.sanitized
def test_a_waiting_consumer_gets_what_another_connection_enqueues(start):
    server = start(arguments=["--threads", "2", "--shards", "2"])
    got = []

    def consume():
        with connect(server) as client:
            got.extend(dequeue(client, "a", "b", "c", "d", "WAIT", 20000))

    consumer = threading.Thread(target=consume)
    consumer.start()
    time.sleep(0.1)
    connect(server).execute_command("ENQUEUE", "c", "x")
    consumer.join(timeout=25)
    assert [each["body"] for each in got] == [b"x"]


def test_work_goes_at_the_configured_rate_and_no_message_is_lost(start):
    server = start(config=LIMITED)
    producer = connect(server)
    pipe = producer.pipeline(transaction=False)
    for n in range(200):
        pipe.execute_command("ENQUEUE", "limited", n)
    assert len(set(pipe.execute())) == 200
    seen, times, lock = [], [], threading.Lock()

    def consume():
        with connect(server) as client:
            while True:
                batch = dequeue(client, "limited", "WAIT", 1000)
                if not batch:
                    return
                with lock:
                    seen.extend(int(each["body"]) for each in batch)
                    times.append(time.monotonic())
                client.execute_command("ACK", *[each["receipt"] for each in batch])

    consumers = [threading.Thread(target=consume) for _ in range(3)]
    for consumer in consumers:
        consumer.start()
    for consumer in consumers:
        consumer.join(timeout=60)
    assert sorted(seen) == list(range(200))
    assert max(times) - min(times) >= 1.9  # 199 intervals of 10 ms.


def test_a_consumer_that_is_gone_takes_no_message(start):
    server = start()
    gone = server.connect()
    gone.sendall(b"DEQUEUE q WAIT 60000\n")
    time.sleep(0.1)
    gone.close()
    time.sleep(0.1)
    client = connect(server)
    client.execute_command("ENQUEUE", "q", "x")
    assert [each["body"] for each in dequeue(client, "q")] == [b"x"]


def test_a_kill_keeps_messages_leases_and_receipts(start):
    server = start(arguments=["--shards", "2"])
    client = connect(server)
    for n in range(50):
        client.execute_command("ENQUEUE", f"q{n % 5}", n)
    held = dequeue(client, "q0", "COUNT", 3, "LEASE", 60000)
    (done,) = dequeue(client, "q1")
    assert client.execute_command("ACK", done["receipt"]) == 1
    server.process.kill()
    server.wait()
    client = connect(again(start, server))
    left = []
    for queue in ("q0", "q1", "q2", "q3", "q4"):
        left += [int(each["body"]) for each in dequeue(client, queue, "COUNT", 100)]
    assert sorted(left) == sorted(set(range(50)) - {int(each["body"]) for each in held + [done]})
    assert client.execute_command("ACK", *[each["receipt"] for each in held]) == 3
    with pytest.raises(redis.ResponseError, match="STALE"):
        client.execute_command("ACK", done["receipt"])


@pytest.mark.sanitized
def test_a_stop_answers_who_waits_and_exits_cleanly(start):
    server = start()
    with server.connect() as waiting:
        waiting.sendall(b"DEQUEUE q WAIT 300000\n")
        time.sleep(0.1)
        server.process.send_signal(signal.SIGTERM)
        assert server.wait() == 0
        assert waiting.makefile("rb").readline() in (b"NIL\n", b"SHUTDOWN the server is stopping\n")
    client = connect(again(start, server))
    assert client.ping()


def test_curl_waits_for_a_message(start):
    server = start()
    url = server.api("/v1/dequeue")
    curl = subprocess.Popen(["curl", "-s", "-m", "20", "-H", "Content-Type: application/json", "-d",
                             '{"queues": ["q"], "wait_ms": 15000}', url], stdout=subprocess.PIPE)
    time.sleep(0.2)
    connect(server).execute_command("ENQUEUE", "q", "by-curl")
    out, _ = curl.communicate(timeout=30)
    assert b"by-curl" in out


def test_the_number_of_shards_is_fixed_with_the_data_directory(start):
    server = start(arguments=["--shards", "3"])
    server.stop()
    done = subprocess.run([str(BINARY), "serve", "--tcp", "127.0.0.1:0", "--api", "off", "--gateway", "off", "--shards", "4",
                           "--data", str(server.folder / "data")], capture_output=True, timeout=60, text=True)
    assert done.returncode == 1 and "made with 3" in done.stderr
    assert connect(again(start, server)).ping()  # Any number: auto.


def test_a_reload_declares_queues_as_a_whole(start):
    server = start(config="queue_creation: closed\nqueues: {a: {}}\n")
    client = connect(server)
    assert client.execute_command("ENQUEUE", "a", "x")
    with pytest.raises(redis.ResponseError):
        client.execute_command("ENQUEUE", "b", "x")
    server.config.write_text("queue_creation: closed\nqueues: {a: {}, b: {}, c: {lease: 3}}\n")
    eventually(lambda: "queues" in server.log_text() or "c.lease" in server.log_text()
               or "is no span" in server.log_text(), "the fault is told")
    with pytest.raises(redis.ResponseError):
        client.execute_command("ENQUEUE", "b", "x")
    server.config.write_text("queue_creation: closed\nqueues: {a: {}, b: {}}\n")

    def there():
        try:
            return client.execute_command("ENQUEUE", "b", "x")
        except redis.ResponseError:
            return False

    eventually(there, "the new queue is there")


def test_durable_limits_survive_a_kill(start):
    config = "limits: [{domain: d, descriptors: [{key: k, limit: {rate: 5/h, durable: true}}]}]\n"
    admitted = 0
    server = start(config=config)
    for _ in range(3):
        client = connect(server)
        for _ in range(4):
            admitted += record(client.execute_command("CHECK", "d", "k=1"))["allowed"]
            time.sleep(0.02)
        server.process.kill()
        server.wait()
        server = again(start, server, config=config)
    assert 1 <= admitted <= 5


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small tmpfs needs root")
def test_a_full_disk_refuses_and_goes_on_when_there_is_room(start, tmp_path):
    data = tmp_path / "small"
    data.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=320m", "tmpfs", str(data)],
                             capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("cannot mount a tmpfs here")
    server = start(arguments=["--data", str(data / "d"), "--shards", "1"])
    try:
        client = connect(server)
        ids = []
        with pytest.raises(redis.exceptions.ReadOnlyError):  # redis-py's name for READONLY.
            while len(ids) < 1000:
                ids.append(client.execute_command("ENQUEUE", "q", b"x" * 900_000))
        assert ids
        got = dequeue(client, "q", "COUNT", 100)
        assert got and client.execute_command("ACK", *[each["receipt"] for each in got]) == len(got)
        filler = dequeue(client, "q", "COUNT", 1000)
        if filler:
            client.execute_command("ACK", *[each["receipt"] for each in filler])

        def room_again():
            try:
                return client.execute_command("ENQUEUE", "q", "small")
            except redis.exceptions.ReadOnlyError:
                return False

        eventually(room_again, "there is room again")
    finally:
        server.stop()
        subprocess.run(["umount", str(data)], check=True)
