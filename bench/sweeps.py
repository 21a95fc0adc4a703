"""Curves: one quantity from small to large, with what the machine sets drawn in.

The machine's limits are measured by bare sketches (bench/limits/): the latency of memory, small messages over
loopback TCP, fdatasync."""
import copy
import json
import math
import statistics
import subprocess
import tempfile

import curve
import gateway_rows
import limiter_load
import limiter_peers
import queue_peers
import queue_sizes
import servers
from queue_measure import LOAD_CORE, SERVER_CORE, Series, loaded, number, run_load, table
from sweep_points import GIB, Points

KEY_BYTES = 48
MESSAGE_BYTES = 96
QUEUE_BYTES = 1300
# What a point is taken to need: of a key and of a message with room to grow, of a connection at both of its ends.
KEY_ROOM, MESSAGE_ROOM, MESSAGE_DISK, CONNECTION_ROOM = 64, 128, 400, 128 * 1024


def limit(name, *words):
    """The lines of JSON that a sketch prints."""
    done = subprocess.run([str(servers.BINARY.parent / "bench" / name), *map(str, words)], capture_output=True,
                          text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def powers(first, last):
    return [10**k for k in range(first, last + 1)]


def picture(run, name, words, *rest, **more):
    curve.draw(run.pictures / f"sweep_{name}.svg", *rest, **more)
    return [f"![{words}](pictures/sweep_{name}.svg)", ""]


def decisions(run, count):
    """Nanoseconds one at a time, in batches, of a load from as much memory; and bytes of a key."""
    done = subprocess.run([*LOAD_CORE, str(servers.BINARY.parent / "bench/table_bench"), "--sweep", str(count),
                           f"--benchmark_filter=/{count}$", "--benchmark_format=json",
                           f"--benchmark_min_time={0.05 if run.quick else 0.3}",
                           f"--benchmark_repetitions={run.rounds}"], capture_output=True, text=True, check=True,
                          timeout=run.point_seconds)
    took = {"one": [], "batch": []}
    for one in json.loads(done.stdout)["benchmarks"]:
        if one["run_type"] == "iteration":
            took[one["run_name"].split("/")[1]].append(one["cpu_time"])
            each = one["bytes_per_key"]
    load = limit("memory_latency", count * KEY_BYTES)[0]["ns"]
    return statistics.median(took["one"]), statistics.median(took["batch"]), load, each


def keys(run):
    """Decisions of the table in one process, and the latency of memory over as many bytes."""
    points = Points(run, powers(0, 6 if run.quick else 8), lambda count, _: {"memory": count * KEY_ROOM})
    said = {count: points.bounded(count, lambda count=count: decisions(run, count)) for count in points}
    said = {count: numbers for count, numbers in said.items() if numbers}
    rows = [[f"{count:,}", f"{one:.1f}", f"{batch:.1f}", f"{load:.1f}", f"{each:.0f}" if count >= 10_000 else "–"]
            for count, (one, batch, load, each) in said.items()]
    words = ("one at a time", "in batches of 32", "one load from as much memory")
    lines = {name: [(count, numbers[i]) for count, numbers in said.items()] for i, name in enumerate(words)}
    return table(f"Keys, 1 to {max(said):,}",
                 "A decision of the table in one process (`table_bench --sweep`), CPU time, keys at random, "
                 "their text hashed; the limit: a load that waits for the load before it "
                 f"(`memory_latency`) in {KEY_BYTES} bytes for each key. What limits: with few keys the hash, the "
                 "lock and a division; with many one at a time, the latency of memory; batches hide it."
                 + points.left_out,
                 ["keys", "one at a time, ns", "batches of 32, ns", "one load, ns", "bytes a key"], rows) + picture(
        run, "keys", "Time of a decision over the number of keys", "Time of a decision, ns", lines, "keys",
        log_y=True, limits=words[2:])


def connections(run):
    """One request at a time on each."""
    points = Points(run, powers(0, 3 if run.quick else 4),
                    lambda count, _: {"files": count + 200, "memory": count * CONNECTION_ROOM})
    counts = list(points)
    loads = {"ratelimmq CL.THROTTLE": (limiter_load.ours(1, SERVER_CORE), "throttle", "tcp"),
             "redis PING": (limiter_load.pinned(limiter_peers.redis), "ping", "redis")}
    series = {(name, count): Series(name) for count in counts for name in loads}
    bare = {count: Series("bare echo") for count in counts}
    with limiter_load.Started(run.folder) as started:
        for _ in range(run.rounds):
            for count in counts:
                for name, (start, work, scheme) in loads.items():
                    series[name, count].add(limiter_load.bench(
                        started.get(start), "--work", work, "--connections", count, "--for",
                        limiter_load.span(max(run.seconds / 2, count / 4000)), scheme=scheme))
                said = limit("loopback", count, run.seconds / 3)[0]
                bare[count].add({"rate": said["round_trips_per_second"], "cpu_us": said["server_us"]})
    rows = [[f"{count:,}", *(cell for one in (*(series[name, count] for name in loads), bare[count])
                             for cell in (number(one.median("rate")), f"{one.median('cpu_us'):.2f}"))]
            for count in counts]
    limit_words = "bare echo over loopback TCP"
    lines = {name: [(count, series[name, count].median("cpu_us")) for count in counts] for name in loads}
    lines[limit_words] = [(count, bare[count].median("cpu_us")) for count in counts]
    return table(f"Connections, 1 to {counts[-1]:,}",
                 "One request at a time on each; server on core 0, `ratelimmq bench` on core 1. The limit: two bare "
                 "processes that send 32 bytes to and fro (`loopback`). What limits: the "
                 "kernel's share of a request, and the client, which gets no more of its core." + points.left_out,
                 ["connections", *(f"{name}: {what}" for name in (*loads, "bare echo")
                                   for what in ("requests/s", "server CPU, µs"))], rows) + picture(
        run, "connections", "Server CPU of a request over the number of connections", "Server CPU of a request, µs",
        lines, "connections", limits=[limit_words])


def backlog(run):
    """Messages that wait are added in between, so the server is filled once."""
    last = 1_000_000 if run.quick else run.waiting
    points = Points(run, [count for count in [*powers(3, 7), 50_000_000] if count <= last], lambda count, before: {
        "memory": (count - before) * MESSAGE_ROOM, "disk": (count - before) * MESSAGE_DISK})
    rows, costs, one_by_one, waiting = [], [], [], 0
    with queue_sizes.Place(run.folder) as place:
        server = place.start(1, "os", pin=SERVER_CORE)
        for count in points:
            before = server.resident_bytes()
            run_load("enqueue", port=server.port, operations=count - waiting, connections=20, pipeline=128, body=16)
            queue_sizes.settle(server)
            each = (server.resident_bytes() - before) / (count - waiting)
            waiting = count
            took = {per: drained(run, server, per) for per in (1, 100)}
            rows.append([f"{count:,}", f"{each:.0f}" if count > 10_000 else "–", f"{took[1]:.2f}",
                         f"{took[100]:.2f}", f"{server.resident_bytes() / 2**20:,.0f}"])
            one_by_one.append((count, took[1]))
            costs.append((count, took[100]))
        server.stop()
    counts = [count for count, _ in costs]
    memory = [(count, said["ns"] / 1e3) for count, said in
              zip(counts, limit("memory_latency", *(count * MESSAGE_BYTES for count in counts)))]
    words = "one load from as much memory"
    return table(f"Backlog, 1,000 to {counts[-1]:,}", "Messages of 16 bytes that wait in one queue, durability os, one "
                 "thread on core 0, the load on core 1. Server time on a core of a message that is dequeued and "
                 f"acknowledged, median of {run.rounds} × 900, each refilled. The limit is the latency of memory "
                 f"over {MESSAGE_BYTES} bytes a message." + points.left_out,
                 ["waiting", "resident bytes each", "DEQUEUE and ACK, µs", "COUNT 100, µs a message",
                  "resident, MiB"], rows) + picture(
        run, "backlog", "Server time of a dequeued message over the number that wait",
        "Server time of a dequeued and acknowledged message, µs",
        {"one at a time": one_by_one, "COUNT 100": costs, words: memory}, "messages that wait", log_y=True,
        limits=[words])


def drained(run, server, per):
    values = []
    for _ in range(run.rounds):
        values.append(queue_sizes.drained(server, 900, per)["cpu_us"])
        run_load("enqueue", port=server.port, operations=900, connections=1, pipeline=100, body=16)
    return statistics.median(values)


def body(run):
    """Durable enqueues of larger bodies, and a bare loop that syncs as many bytes at once."""
    points = Points(run, [16, 256, 4096, 65_536, 1_000_000], lambda size, _: {"disk": 4 * GIB})
    sizes = list(points)
    starts = {"ratelimmq ENQUEUE, fsync": (queue_starts(None), {}),
              "Redis XADD, appendfsync always": (queue_starts(queue_peers.redis), {"peer": "redis-stream"})}
    series = {(name, size): Series(name) for size in sizes for name in starts}
    for _ in range(run.rounds):
        for size in sizes:
            for name, (start, load) in starts.items():
                with tempfile.TemporaryDirectory(dir=run.folder) as place:
                    server = start(place)
                    try:
                        series[name, size].add(loaded(server, "enqueue", connections=50, pipeline=1, body=size,
                                                      seconds=run.seconds / 2, **load))
                    finally:
                        server.stop()
    # Up to 50 wait for a sync, and go with the next.
    bare = {size: 50 * said["syncs_per_second"] for size, said in
            zip(sizes, limit("fdatasync", run.folder, run.seconds / 3, *(50 * size for size in sizes)))}
    rows = [[f"{size:,}", *(cell for name in starts for cell in
                            (number(series[name, size].median("rate")), f"{series[name, size].median('cpu_us'):.1f}")),
             number(bare[size])] for size in sizes]
    words = "fdatasync of 50 bodies at once"
    lines = {name: [(size, series[name, size].median("rate")) for size in sizes] for name in starts}
    lines[words] = [(size, bare[size]) for size in sizes]
    return table("Bodies, 16 B to 1 MB", "Enqueues a second, each synced to the disk before its answer; 50 "
                 "connections, one request at a time on each, 2 threads, nothing pinned. The limit: a bare loop that "
                 "writes 50 bodies and syncs them (`fdatasync`). What limits: small ones the requests, large ones "
                 "the bytes, which are copied from socket to log (server CPU), and the disk." + points.left_out,
                 ["bytes", *(f"{name}: {what}" for name in starts for what in ("a second", "server CPU, µs")),
                  "bare loop: a second"], rows) + picture(
        run, "body", "Durable enqueues a second over the size of a body", "Durable enqueues a second", lines,
        "bytes of a body", log_y=True, limits=[words])


def queue_starts(peer):
    def start(place):
        if peer:
            return peer(queue_sizes.Path(place), True)
        return servers.ratelimmq(queue_sizes.Path(place), 2, flags=("--durability", "fsync"))
    return start


def queues(run):
    messages = 100_000 if run.quick else 1_000_000
    wanted = Points(run, powers(0, 5), lambda count, _: {
        "memory": messages * MESSAGE_ROOM * 2 + count * QUEUE_BYTES * 2, "disk": messages * MESSAGE_DISK},
                    grows=False)
    points = [(count, *queue_sizes.point(run, messages, queues=count)) for count in wanted]
    counts = [count for count, _, _ in points]
    memory = dict(zip(counts, limit("memory_latency", *(messages * MESSAGE_BYTES + count * QUEUE_BYTES for count in counts))))
    words = "one load from as much memory, ns"
    return table(f"Queues, 1 to {counts[-1]:,}",
                 f"{messages:,} messages of 128 bytes spread over so many queues; server time of "
                 "ENQUEUE, DEQUEUE and ACK, pipelined by 32 over 20 connections; durability os, one thread on core "
                 "0, the load on core 1. Bytes: resident, a message, with its share of a queue." + wanted.left_out,
                 ["queues", "µs a cycle", "bytes a message", "one load, ns"],
                 [[f"{count:,}", f"{cost:.2f}", f"{each:.0f}", f"{memory[count]['ns']:.0f}"]
                  for count, each, cost in points]) + picture(
        run, "queues", "Server time of a cycle over the number of queues",
        "Time of ENQUEUE, DEQUEUE and ACK, ns; bytes of a message",
        {"server time of a cycle, ns": [(count, cost * 1e3) for count, _, cost in points],
         "bytes of a message": [(count, each) for count, each, _ in points],
         words: [(count, memory[count]["ns"]) for count in counts]}, "queues", log_y=True, limits=[words])


def services(count):
    """A gateway, so many instances, and Redis in strict mode, as gateway_rows starts three."""
    def start(fleet):
        store = gateway_rows.STORE.format(port=fleet.redis().port)
        gateway = gateway_rows.gateway_of(fleet, "gateway", store=store)
        gateway_rows.instances_of(fleet, gateway, store, count)
        return gateway, lambda: gateway_rows.decided(gateway)
    return start


def instances(run):
    counts = (1, 2, 4, 8)
    right = {text: gateway_rows.hashed(text) for text in (f"text-{i:03d}" for i in range(gateway_rows.TEXTS))}
    series = {count: Series(str(count)) for count in counts}
    whole = copy.copy(run)
    whole.seconds = math.ceil(run.seconds)  # wrk takes no parts of one.
    for _ in range(min(run.rounds, 2)):
        for count in counts:
            series[count].add(gateway_rows.cached_hashes(whole, services(count), right))
    echo = limit("loopback", gateway_rows.CALLERS, run.seconds / 2)[0]
    words = "bare echo over loopback TCP"
    rows = [[count, number(series[count].median("rate")),
             *(f"{series[count].median(what):.1f}" for what in ("gateway_us", "limiter_us", "redis_us", "all_us"))]
            for count in counts]
    lines = {name: [(count, series[count].median(what)) for count in counts] for name, what in
             {"gateway": "gateway_us", "instances": "limiter_us", "Redis": "redis_us"}.items()}
    lines[words] = [(count, echo["server_us"]) for count in counts]
    return table("Limiter instances, 1 to 8", "A gateway (2 threads), so many limiter instances (1 thread each) and "
                 "one Redis in strict mode share the machine's two cores with the load (`wrk`, "
                 f"{gateway_rows.CALLERS} connections), so more instances cannot be faster here; the row shows what "
                 "they cost. /compute_hash of texts computed before, exact sliding windows of "
                 f"{gateway_rows.CLIENTS:,} clients. The limit: the CPU of a bare echo ({echo['server_us']:.1f} µs).",
                 ["instances", "requests a second", "gateway CPU, µs", "instances' CPU, µs", "Redis CPU, µs",
                  "all, µs"], rows) + picture(
        run, "instances", "CPU of a request over the number of instances", "CPU of a request, µs", lines,
        "instances", limits=[words])


ROWS = {"keys": keys, "connections": connections, "backlog": backlog, "body": body, "queues": queues,
        "instances": instances}
