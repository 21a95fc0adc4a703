"""Size: memory of what waits, restarts, many queues and keys, the turns of a shard, and wake-ups."""
import re
import shutil
import signal
import socket
import statistics
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path

import curve
import servers
from queue_measure import LOAD_CORE, SERVER_CORE, loaded, number, run_load, running_seconds, table

FILL = {"connections": 20, "pipeline": 128, "body": 128}


class Place:
    """A directory that a server keeps its data in, over several starts."""

    def __init__(self, folder):
        self.path = Path(tempfile.mkdtemp(dir=folder))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)

    def start(self, threads, durability, config=None, pin=()):
        return servers.ratelimmq(self.path, threads, config, ("--durability", durability),
                                 self.path / "data", pin)


def settle(server):
    """Waits until the server has nothing left to do behind its answers: a snapshot, an expiry."""
    before = running_seconds(server)
    for _ in range(120):
        time.sleep(0.5)
        now = running_seconds(server)
        if now - before < 0.005:
            return
        before = now


def filled(server, count, **load):
    """Resident bytes that a message took."""
    before = server.resident_bytes()
    run_load("enqueue", port=server.port, operations=count, **FILL, **load)
    settle(server)
    return (server.resident_bytes() - before) / count


def drained(server, count, per_verb):
    return loaded(server, "drain", clock=running_seconds, pin=LOAD_CORE, connections=1, operations=count,
                  **({"count": per_verb} if per_verb > 1 else {}))


def refilled(server):
    run_load("enqueue", port=server.port, operations=1000, connections=1, pipeline=100, body=128)


def dequeue_costs(full, small, rounds):
    """Server time on a core of a message that is dequeued and acknowledged, µs: (server, COUNT) → rounds."""
    costs = {(server, per): [] for server in (full, small) for per in (1, 100)}
    for _ in range(rounds):
        for (server, per), values in costs.items():
            if server is small:
                drop(server)
                refilled(server)
            values.append(drained(server, 900, per)["cpu_us"])
    return {key: statistics.median(values) for key, values in costs.items()}


def drop(server):
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(b"QUEUE PURGE bench\n")
        connection.recv(64)


def waiting(run):
    many = 1_000_000 if run.quick else run.waiting
    rounds = 5 if run.quick else 25
    lines = []
    with Place(run.folder) as place, Place(run.folder) as other:
        full, small = place.start(1, "os", pin=SERVER_CORE), other.start(1, "os", pin=SERVER_CORE)
        bytes_each = filled(full, many)
        lines.append([f"a waiting message, of {many:,}", f"{bytes_each:.1f} bytes", "100"])
        refilled(small)
        costs = dequeue_costs(full, small, rounds)
        for per in (1, 100):
            a, b = costs[full, per], costs[small, per]
            lines.append([f"DEQUEUE COUNT {per} and ACK, a message, with {many:,} waiting; with 1,000",
                          f"{a:.2f} µs; {b:.2f} µs: ratio {a / b:.2f}", "ratio 1.5"])
        full.stop()
        small.stop()
    return lines_of_memory(run, lines, rounds)


def lines_of_memory(run, lines, rounds):
    million = 200_000 if run.quick else 1_000_000
    each = {}
    for what, load in {"plain": {}, "key": {"keys": million}, "id": {"dedup": 1}}.items():
        with Place(run.folder) as place:
            server = place.start(1, "os")
            each[what] = filled(server, million, **load)
            server.stop()
    lines.append([f"a live key, of {million:,}, beside its one message", f"{each['key'] - each['plain']:.0f} bytes",
                  "300"])
    lines.append([f"a deduplication id, of {million:,}", f"{each['id'] - each['plain']:.0f} bytes", "60"])
    return table("Memory of what waits",
                 "The server's resident size (VmRSS) after it was filled less before, 128-byte bodies on disk, "
                 "durability os, 1 thread, one queue; the cost is server time on a core, median of "
                 f"{rounds} × 900 messages, two servers in turn, pinned to core 0, the load on core 1.", ["", "measured", "at most"], lines)


def ready_after(place):
    begin = time.monotonic()
    server = place.start(2, "fsync")
    return server, time.monotonic() - begin


def killed(server):
    server.process.send_signal(signal.SIGKILL)
    server.process.wait()


def depth(server):
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(b"QUEUES\n")
        answer = b""
        while not answer.endswith(b"\n"):
            answer += connection.recv(65536)
    return sum(int(ready) for ready in re.findall(rb'"ready":(\d+)', answer))


def restart(run):
    many = 500_000 if run.quick else 10_000_000
    rounds = 1 if run.quick else 3
    log, kept, sizes = [], [], []
    with Place(run.folder) as place:
        server = place.start(2, "fsync")
        run_load("enqueue", port=server.port, operations=many, queues=16, **FILL)
        turns = turn_lines(server)
        killed(server)
        for _ in range(rounds):
            server, seconds = ready_after(place)
            kept.append(seconds)
            assert depth(server) >= many, f"{depth(server)} of {many} are there"
            killed(server)
        shots = list((place.path / "data").rglob("snapshot-*"))
        sizes = [sum(file.stat().st_size for file in (place.path / "data").rglob("log-*")),
                 sum(file.stat().st_size for file in shots)]
        for _ in range(rounds):
            for file in (place.path / "data").rglob("snapshot-*"):
                file.unlink()
            server, seconds = ready_after(place)
            log.append(seconds)
            assert depth(server) >= many, f"{depth(server)} of {many} are there"
            killed(server)
    text = lambda values: f"{statistics.median(values):.2f} s ({min(values):.2f}–{max(values):.2f})"
    return table(f"Restart with {many:,} live messages",
                 f"fsync, 16 queues, 2 shards, 128-byte bodies; killed (SIGKILL), page cache warm. Log "
                 f"{sizes[0] / 2**20:,.0f} MiB, newest snapshots {sizes[1] / 2**20:,.0f} MiB.",
                 ["", "ready after", "at most"],
                 [["from the log alone, snapshots deleted", text(log), "10 s"],
                  ["from the newest snapshot and the log behind it", text(kept), "3 s"]]) + turns


def scraped(server):
    with urllib.request.urlopen(f"http://127.0.0.1:{server.api}/metrics") as answer:
        return answer.read().decode()


def buckets(text, family):
    """Upper bound → how many up to it, of all shards."""
    total = {}
    for bound, count in re.findall(rf'^{family}_bucket{{[^}}]*le="([^"]+)"[^}}]*}} (\S+)', text, re.M):
        total[float(bound)] = total.get(float(bound), 0) + float(count)
    return dict(sorted(total.items()))


def share_below(counts, share):
    whole = max(counts.values())
    return next((bound for bound, count in counts.items() if whole and count >= share * whole), 0)


def turn_lines(server):
    counts = buckets(scraped(server), "ratelimmq_engine_turn_seconds")
    lines, before = [], 0
    for bound, count in counts.items():
        if count > before:
            lines.append([f"{bound * 1e6:g} µs", f"{count - before:,.0f}"])
        before = count
    return table("Turns of the shards while these went in", "From ratelimmq_engine_turn_seconds.",
                 ["up to", "turns"], lines)


def turns(run):
    many = 500_000 if run.quick else 10_000_000
    binary = servers.BINARY.parent / "bench/shard_bench"
    out = []
    for limits, keys in (("none", 0), ("queue", 1_000_000), ("key", 1_000_000)):
        done = subprocess.run([str(binary), "--dir", str(run.folder / "shard"), "--messages", str(many), "--keys",
                               str(min(keys, many)), "--limits", limits], capture_output=True, text=True, check=True)
        out += [f"One shard without a server, {many:,} messages, limits: {limits}, keys: {min(keys, many):,}, "
                "durability os:", "", "```", *done.stdout.splitlines(), "```", ""]
    words = ["### Turns of a shard", "", *out]
    print("\n".join(words), flush=True)
    return words


def point(run, messages, **load):
    """Bytes a message, and server µs a cycle, with so many queues or keys."""
    with Place(run.folder) as place:
        server = place.start(1, "os", pin=SERVER_CORE)
        each = filled(server, messages, **load)
        cost = loaded(server, "cycle", clock=running_seconds, pin=LOAD_CORE, connections=20, pipeline=32, body=128,
                      operations=messages // 5, first=messages, **load)["cpu_us"]
        server.stop()
    return each, cost


def curves(run):
    messages = 100_000 if run.quick else 1_000_000
    lines, out = [], []
    pictures = {"queues": (1, 10, 100, 1000, 10_000, 100_000), "keys": (1, 10, 100, 1000, 10_000, 100_000, 1_000_000)}
    for what, counts in pictures.items():
        points = [(count, *point(run, messages, **{what: count})) for count in counts if count <= messages]
        lines += [[f"{count:,} {what}", f"{each:.0f}", f"{cost:.2f}"] for count, each, cost in points]
        if not run.quick:
            curve.draw(run.pictures / f"queue_{what}.svg", f"Many {what}: {messages:,} messages, one thread",
                       {"bytes a message": [(count, each) for count, each, _ in points],
                        "server time of a cycle, in 100 ns": [(count, cost * 10) for count, _, cost in points]}, what)
        out += [f"![Memory of a message and time of a cycle, over the number of {what}](pictures/queue_{what}.svg)", ""]
    return table("Many queues and many keys",
                 f"{messages:,} waiting messages spread over so many; bytes: resident, a message, with its share of "
                 "queue or key; time: server CPU of ENQUEUE, DEQUEUE and ACK, pipelined by 32 over 20 connections. "
                 "Durability os; one thread on core 0, the load on core 1.",
                 ["", "bytes a message", "µs a cycle"], lines) + out


LIMITED = """
limits: [{domain: pace, descriptors: [{key: queue, value: bench, limit: 100/s burst 1}]}]
queues: {bench: {decide: {domain: pace, descriptors: ["queue={queue}"]}}}
"""


def paced(port, count):
    """Seconds between the deliveries to a consumer that waits; each ACK leaves with the next DEQUEUE."""
    gaps, before = [], None
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        ack = b""
        for _ in range(count):
            connection.sendall(ack + b"DEQUEUE bench WAIT 5000\n")
            answer = b""
            while b'"receipt"' not in answer or not answer.endswith(b"\n"):
                answer += connection.recv(65536)
            now = time.monotonic()
            if before:
                gaps.append(now - before)
            before = now
            ack = b"ACK " + re.search(rb'"receipt":"([^"]+)"', answer)[1] + b"\n"
    return gaps


def lateness(run):
    count = 300 if run.quick else 3000
    lines = []
    for durability in ("memory", "fsync"):
        with Place(run.folder) as place:
            server = place.start(2, durability, LIMITED)
            run_load("enqueue", port=server.port, operations=count + 100, connections=1, pipeline=100, body=128)
            late = sorted((gap - 0.01) * 1e6 for gap in paced(server.port, count))
            counts = buckets(scraped(server), "ratelimmq_engine_lateness_seconds")
            server.stop()
        lines.append([durability, *(f"≤ {share_below(counts, share) * 1e6:g}" for share in (0.5, 0.99)),
                      *(f"{late[int(share * len(late))]:.0f}" for share in (0.5, 0.99))])
    return table("Lateness of a wake-up",
                 f"One consumer waits (DEQUEUE … WAIT) at a limit of 100/s, burst 1, {count} deliveries, otherwise "
                 "idle. By the server: from the instant that a wake was due to the lease, its buckets' bounds. By the "
                 "client: a span between two answers less 10 ms, the sync included.",
                 ["durability", "server p50, µs", "server p99, µs", "client p50, µs", "client p99, µs"], lines)
