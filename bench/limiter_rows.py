"""The limiter's rows: decisions over TCP and HTTP beside its peers, start and memory, and the table in one process."""
import contextlib
import json
import socket
import statistics
import subprocess
import time

import limiter_peers
import servers
from limiter_load import (CONNECTIONS, KEYS, THROTTLE, WRK_GET, Started, alternate, answered, bench, decided, ours,
                          pinned, post, redis_benchmark, span, wrk)
from queue_measure import LOAD_CORE, SERVER_CORE, Series, table, throughput

# GCRA as people write it for Redis: the server's clock, one key, an expiry.
LUA_GCRA = """
local interval, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local tat = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now)
local next_tat = tat + interval
if next_tat - now > interval * burst then return {1, 0, next_tat - now - interval * burst} end
redis.call('SET', KEYS[1], next_tat, 'PX', math.ceil((next_tat - now) / 1000))
return {0, math.floor((interval * burst - (next_tat - now)) / interval), 0}
"""


def lua(pipeline, run):
    def drive(server):
        sha = subprocess.run(["redis-cli", "-p", str(server.port), "SCRIPT", "LOAD", LUA_GCRA], capture_output=True,
                             text=True, check=True).stdout.strip()
        return redis_benchmark(server, "EVALSHA", sha, "1", "user:__rand_int__", "1000", "100", pipeline=pipeline,
                               seconds=run.seconds)
    return drive


def tcp_contenders(run, pipeline):
    def command(*words, pin=LOAD_CORE):
        def drive(server):
            answered(server, ["PING"] if words[0] == "-t" else words)
            return redis_benchmark(server, *words, pipeline=pipeline, seconds=run.seconds, pin=pin)
        return drive
    redis, crab = pinned(limiter_peers.redis), pinned(limiter_peers.throttlecrab)
    one, two = ours(1, SERVER_CORE), ours(2)
    return [("redis PING", redis, command("-t", "ping_mbulk")),
            ("redis INCR", redis, command("INCR", "counter:__rand_int__")),
            ("redis Lua GCRA (EVALSHA)", redis, lua(pipeline, run)),
            ("throttlecrab THROTTLE", crab, command("THROTTLE", *THROTTLE[1:])),
            ("ratelimmq CL.THROTTLE, 1 thread", one, command(*THROTTLE)),
            ("ratelimmq CHECK, 1 thread", one, command("CHECK", "api", "tenant=__rand_int__")),
            ("ratelimmq CL.THROTTLE, 2 threads, nothing pinned", two, command(*THROTTLE, pin=()))]


PINNED = (f"{CONNECTIONS} connections, {KEYS:,} keys. Each server on core 0, the load (`%s`) on core 1, unless said; "
          "throughput is that of one core. CPU: time on a core of all threads of the server, user and system.")


def tcp(run):
    series = alternate(run, tcp_contenders(run, 1))
    return throughput("Decisions over TCP, one request at a time", PINNED % "redis-benchmark", series, series[0])


def pipelined(run):
    series = alternate(run, tcp_contenders(run, 32))
    return throughput("Decisions over TCP, pipelined by 32", PINNED % "redis-benchmark", series, series[1])


# (name, how it is started, path, body with ~ for the number of a key, what an answer that allows has)
ASKED = [
    ("throttlecrab POST /throttle", pinned(limiter_peers.throttlecrab), "/throttle",
     '{"key":"t~","max_burst":100,"count_per_period":1000000,"period":1}', '"allowed":true'),
    ("gubernator POST /v1/GetRateLimits", pinned(limiter_peers.gubernator), "/v1/GetRateLimits",
     '{"requests":[{"name":"api","uniqueKey":"t~","hits":"1","limit":"1000000","duration":"1000"}]}', "UNDER_LIMIT"),
    ("envoyproxy/ratelimit POST /json, and its Redis", pinned(limiter_peers.ratelimit), "/json",
     '{"domain":"api","descriptors":[{"entries":[{"key":"tenant","value":"t~"}]}]}', "limitRemaining"),
    ("ratelimmq POST /v1/check, 1 thread", ours(1, SERVER_CORE), "/v1/check",
     '{"domain":"api","descriptors":[[["tenant","t~"]]]}', '"allowed":true'),
    ("ratelimmq POST /v1/check, 2 threads, nothing pinned", ours(2), "/v1/check",
     '{"domain":"api","descriptors":[[["tenant","t~"]]]}', '"allowed":true'),
]


def http(run):
    def fetched(server):
        return wrk(server, run.seconds + 1, WRK_GET.format(keys=KEYS), run.folder)

    def posted(name, path, body, expected):
        def drive(server):
            decided(server, path, body, expected)
            return wrk(server, run.seconds + 1, post(path, body), run.folder,
                       () if "nothing pinned" in name else LOAD_CORE)
        return drive
    series = alternate(run, [
        ("nginx limit_req, an empty answer", pinned(limiter_peers.nginx), fetched),
        ("HAProxy stick-table, an empty answer", pinned(limiter_peers.haproxy), fetched),
        *((name, begin, posted(name, *rest)) for name, begin, *rest in ASKED)])
    return throughput("Decisions over HTTP, kept alive",
                      PINNED % "wrk" + " nginx and HAProxy decide and answer nothing else; the others read a JSON "
                      "body and say the decision in another.", series, series[0])


def latency(run):
    """Open loop: a request leaves when it is due, whatever is answered, and its span counts from then."""
    rate = "2k/s" if run.quick else "20k/s"
    def steady(work, *words, **more):
        return lambda server: bench(server, "--work", work, *words, "--rate", rate, "--for", span(run.seconds),
                                    "--connections", CONNECTIONS, port=server.api if more.get("scheme") == "http" else
                                    server.port, **more)
    redis, one = pinned(limiter_peers.redis), ours(1, SERVER_CORE)
    series = alternate(run, [("redis PING", redis, steady("ping", scheme="redis")),
                             ("redis INCR", redis, steady("incr", scheme="redis")),
                             ("redis Lua GCRA (EVALSHA)", redis, steady("gcra-lua", scheme="redis")),
                             ("ratelimmq CL.THROTTLE, 1 thread", one, steady("throttle")),
                             ("ratelimmq POST /v1/check, 1 thread", one, steady(
                                 "check", "--domain", "api", "--descriptor", "tenant={key}", scheme="http"))])
    us = lambda value: f"{value:.0f}"
    return table(f"How long an answer takes at {rate}", f"Open loop (`ratelimmq bench --rate {rate}`), {CONNECTIONS} "
                 f"connections, {KEYS:,} keys: a request leaves when it is due, whatever has been answered, and its "
                 "span counts from then (coordinated omission is in it). Each server on core 0, the load on core 1.",
                 ["", "p50, µs, median (min–max)", "p99, µs", "p99.9, µs", "p99.99, µs", "server CPU, µs"],
                 [[one.name, one.note or "not measured", "", "", "", ""] if not one.outcomes else
                  [one.name, *(one.spread(what, us) for what in ("p50_us", "p99_us", "p99_9_us", "p99_99_us")),
                   one.spread("cpu_us", lambda value: f"{value:.1f}")] for one in series])


EXACT = "limits: [{domain: bench, descriptors: [{key: key, limit: 1000/s burst 10}]}]\n"


def precision(run):
    """One key that is asked for far more often than it is allowed."""
    rows = []
    begin = lambda folder: servers.ratelimmq(folder, 2, EXACT)
    asked = {"as fast as it answers": (), "each waits for its turn (CHECK … WAIT)": ("--wait", "5s")}
    for name, words in asked.items():
        ask = lambda server, words=words: bench(
            server, "--work", "check", "--keys-like", "one", "--connections", CONNECTIONS, "--limit",
            "1000/s burst 10", "--for", span(run.seconds), *words, pin=())
        one = alternate(run, [(name, begin, ask)])[0]
        if not one.outcomes:
            rows.append([name, one.note, "", "", "", ""])
            continue
        said = [outcome["precision"] for outcome in one.outcomes]
        spread = lambda values, text: f"{text(statistics.median(values))} ({text(min(values))}–{text(max(values))})"
        rows.append([name, spread([p["of_limit"] for p in said], lambda v: f"{v:.4f}"),
                     *(spread([p[what] for p in said], lambda v: f"{v:.1f}")
                       for what in ("excess_certain", "excess_seen")),
                     *(spread([p["lateness_us"][q] for p in said], lambda v: f"{v:.0f}") if words else "–"
                       for q in ("p50", "p99"))])
    return table("How exactly a rate is kept",
                 f"CHECK of one key, 1000/s burst 10, {CONNECTIONS} connections, 2 threads, nothing pinned "
                 "(`ratelimmq bench --limit`). Excess: units over burst + rate · t in the worst interval of any "
                 "length; certain: whenever between question and answer each was decided (above 0 the law is "
                 "broken), seen: by the instants of the answers. Lateness: from the instant that the law lets one "
                 "pass to the arrival of its answer.",
                 ["", "of the limit was used", "excess, certain", "excess, seen", "lateness, µs: p50", "p99"], rows)


def mib(value):
    return f"{value / 2**20:.1f}"


def start(run):
    """Milliseconds to the ready line, and what servers hold that nobody has asked yet."""
    ready = []
    for _ in range(3 if run.quick else 11):
        began = time.monotonic()
        server = servers.ratelimmq(run.folder, 2)
        ready.append((time.monotonic() - began) * 1000)
        server.stop()
    lines = []
    with Started(run.folder) as started:
        for name, begin in (("ratelimmq serve, 2 threads", ours(2)), ("redis-server", pinned(limiter_peers.redis)),
                            ("nginx, its one worker", pinned(limiter_peers.nginx)),
                            ("HAProxy", pinned(limiter_peers.haproxy)),
                            ("throttlecrab", pinned(limiter_peers.throttlecrab)),
                            ("gubernator", pinned(limiter_peers.gubernator)),
                            ("envoyproxy/ratelimit, and its Redis", pinned(limiter_peers.ratelimit))):
            try:
                server = started.get(begin)
                time.sleep(0.5)
                resident, own = server.resident_bytes(), server.own_bytes()
                lines.append([name, mib(resident), mib(server.shared_out_bytes()), mib(own)])
            except (limiter_peers.Missing, RuntimeError, OSError) as error:
                lines.append([name, f"not measured: {error}", "", ""])
    return table("Start, and memory at rest",
                 f"ratelimmq serve (all its listeners but the gateway, queues' logs opened and synced) is ready "
                 f"{statistics.median(ready):.0f} ms after its start ({min(ready):.0f}–{max(ready):.0f}, of "
                 f"{len(ready)}). Resident counts the pages of shared libraries; own is memory that it alone has "
                 "written (Private_Dirty of /proc/PID/smaps_rollup).",
                 ["", "resident, MiB", "its share (Pss), MiB", "own, MiB"], lines)


def idle(run):
    """What ten thousand connections that say nothing hold, and cost the others."""
    count = 500 if run.quick else 10_000
    alone, crowded = Series("alone"), Series(f"beside {count:,} idle connections")
    drive = lambda: redis_benchmark(server, *THROTTLE, seconds=run.seconds)
    with contextlib.ExitStack() as stack:
        server = ours(1, SERVER_CORE)(run.folder)
        stack.callback(server.stop)
        for _ in range(run.rounds):
            alone.add(drive())
        before = server.resident_bytes()
        for _ in range(count):
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", server.port)))
            connection.sendall(b"PING\n")
            if connection.recv(16) != b"PONG\n":
                raise RuntimeError("no PONG")
        each = (server.resident_bytes() - before) / count
        for _ in range(run.rounds):
            crowded.add(drive())
    return throughput(f"Idle connections: {count:,}", f"Resident: {each / 1024:.1f} KiB a connection. One thread on "
                      "core 0, 50 busy connections.", [alone, crowded], alone)


def in_process(run):
    """The table without a server: Google Benchmark's medians of CPU time."""
    done = subprocess.run([str(servers.BINARY.parent / "bench/table_bench"), "--benchmark_format=json",
                           f"--benchmark_repetitions={run.rounds}", "--benchmark_enable_random_interleaving=true",
                           f"--benchmark_min_time={0.05 if run.quick else 0.2}"],
                          capture_output=True, text=True, check=True)
    by_name = {}
    for one in json.loads(done.stdout)["benchmarks"]:
        if one["run_type"] == "iteration":
            by_name.setdefault(one["run_name"].replace("/real_time", ""), []).append(one)
    lines = []
    for name, rounds in sorted(by_name.items()):
        speeds = sorted(one.get("items_per_second", 1e9 / one["cpu_time"]) / 1e6 for one in rounds)
        each = f"{rounds[0]['bytes_per_key']:.1f}" if "bytes_per_key" in rounds[0] else ""
        lines.append([name, f"{statistics.median(speeds):.1f} ({speeds[0]:.1f}–{speeds[-1]:.1f})",
                      f"{1e3 / statistics.median(speeds):.1f}", each])
    return table("The table in one process", "`table_bench`: decisions of one GCRA limit, keys as text, their hash "
                 "part of the time (rows Hashing… are the hash alone). No sockets.",
                 ["", "millions a second, median (min–max)", "ns each", "bytes a key"], lines)


ROWS = {"tcp": tcp, "pipelined": pipelined, "http": http, "latency": latency, "precision": precision, "start": start,
        "idle": idle, "table": in_process}
