"""The limiter's rows: decisions over TCP and HTTP beside its peers, start and memory, and the table in one process."""
import contextlib
import json
import re
import socket
import statistics
import subprocess
import time
import urllib.request

import limiter_peers
import servers
from queue_measure import LOAD_CORE, SERVER_CORE, Series, running_seconds, table, throughput

CONNECTIONS, KEYS = 50, 100_000
LIMIT = "limits: [{domain: api, descriptors: [{key: tenant, limit: 1000000/s}]}]\n"
THROTTLE = ("CL.THROTTLE", "user:__rand_int__", "100", "1000", "1")

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


def ours(threads, pin=()):
    return lambda folder: servers.ratelimmq(folder, threads, LIMIT, pin=pin)


def pinned(start):
    return lambda folder: start(folder, SERVER_CORE)


class Started:
    """Servers by the way they are started, each once; ended together."""

    def __init__(self, folder):
        self.folder, self.by_start = folder, {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for server in self.by_start.values():
            if isinstance(server, servers.Server):
                server.stop()

    def get(self, start):
        """The server; Missing or RuntimeError, the same each time, if there is none."""
        if start not in self.by_start:
            try:
                self.by_start[start] = start(self.folder)
            except (limiter_peers.Missing, RuntimeError, OSError) as error:
                self.by_start[start] = error
        if isinstance(self.by_start[start], Exception):
            raise self.by_start[start]
        return self.by_start[start]


def redis_benchmark(server, *command, seconds=0.0, requests=0, pipeline=1, connections=CONNECTIONS, pin=LOAD_CORE,
                    keys=KEYS):
    """Requests and the rest of what redis-benchmark counts: so many, or about as many as fit in the time."""
    if not requests:
        short = redis_benchmark(server, *command, requests=4000 * pipeline**0.7 // 1, pipeline=pipeline, pin=pin,
                                connections=connections, keys=keys)
        requests = max(short["rate"] * seconds, 2 * connections)
    before, began = running_seconds(server), time.monotonic()
    done = subprocess.run([*pin, "redis-benchmark", "-p", str(server.port), "-c", str(connections), "-n",
                           str(int(requests)), "-P", str(pipeline), "-r", str(keys), "--csv", *command],
                          capture_output=True, text=True, check=True, timeout=120)
    took, spent = time.monotonic() - began, running_seconds(server) - before
    if "rror" in done.stderr or not done.stdout:
        raise RuntimeError(f"redis-benchmark: {limiter_peers.last_words(done.stderr)}")
    # test, rps, then in ms: mean, least, p50, p95, p99, most
    numbers = [float(value) for value in re.findall(r'"([\d.]+)"', done.stdout.splitlines()[-1])]
    return {"rate": numbers[0], "cpu_us": spent * 1e6 / int(requests), "p50_us": numbers[3] * 1e3,
            "p99_us": numbers[5] * 1e3, "seconds": took}


def in_ms(words):
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s)", words).groups()
    return float(number) * {"us": 1, "ms": 1e3, "s": 1e6}[unit]


WRK_POST = """
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
local n = 0
request = function()
  n = (n + 1) % {keys}
  return wrk.format(nil, "{path}", nil, {body})
end
"""
WRK_GET = """
local n = 0
request = function()
  n = (n + 1) % {keys}
  return wrk.format("GET", "/?k=t" .. n)
end
"""


def post(path, body):
    """A wrk script; `~` in the body is the number of a key."""
    before, after = body.split("~")
    return WRK_POST.format(keys=KEYS, path=path, body=f"'{before}' .. n .. '{after}'")


def wrk(server, seconds, script, folder, pin=LOAD_CORE):
    file = folder / "wrk.lua"
    file.write_text(script)
    before = running_seconds(server)
    done = subprocess.run([*pin, "wrk", "-t", "1", "-c", str(CONNECTIONS), "-d", f"{seconds:.0f}s", "--latency", "-s",
                           str(file), f"http://127.0.0.1:{server.api}/"], capture_output=True, text=True, check=True)
    spent = running_seconds(server) - before
    errors = re.search(r"Non-2xx or 3xx responses: (\d+)", done.stdout)
    requests = int(re.search(r"(\d+) requests in", done.stdout)[1])
    if errors or not requests:
        raise RuntimeError(errors[0] if errors else "no request was answered")
    quantile = lambda which: in_ms(re.search(rf"{which}%\s+(\S+)", done.stdout)[1])
    return {"rate": float(re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)[1]), "cpu_us": spent * 1e6 / requests,
            "p50_us": quantile(50), "p99_us": quantile(99)}


def alternate(run, contenders):
    """Rounds of (name, start, drive) in turn, all servers up meanwhile: a series of each."""
    series = [Series(name) for name, _, _ in contenders]
    with Started(run.folder) as started:
        for _ in range(run.rounds):
            for one, (_, start, drive) in zip(series, contenders):
                try:
                    one.add(drive(started.get(start)))
                except (limiter_peers.Missing, RuntimeError, OSError, subprocess.SubprocessError) as error:
                    one.note = f"not measured: {error}"
    return series


def answered(server, words):
    """One request before the load: an error would be answered fast, too."""
    said = subprocess.run(["redis-cli", "-p", str(server.port), *(word.replace("__rand_int__", "1") for word in words)],
                          capture_output=True, text=True).stdout
    if not said.strip() or said.startswith(("ERR", "WRONG", "NO")):
        raise RuntimeError(f"it answers {said.strip() or 'nothing'}")


def decided(server, path, body, expected):
    request = urllib.request.Request(f"http://127.0.0.1:{server.api}{path}", data=body.replace("~", "1").encode(),
                                     headers={"Content-Type": "application/json"})
    said = urllib.request.urlopen(request, timeout=10).read().decode()
    if expected not in said:
        raise RuntimeError(f"it answers {said[:100]}")


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
        server = servers.ratelimmq(run.folder, 1, LIMIT, pin=SERVER_CORE)
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
                           *(["--benchmark_min_time=0.05"] if run.quick else [])],
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


ROWS = {"tcp": tcp, "pipelined": pipelined, "http": http, "start": start, "idle": idle, "table": in_process}
