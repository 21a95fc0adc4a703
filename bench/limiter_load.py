"""How the limiter and its peers are put under load: redis-benchmark, wrk and `ratelimmq bench`; rounds in turn."""
import json
import re
import subprocess
import urllib.request

import limiter_peers
import servers
from queue_measure import LOAD_CORE, SERVER_CORE, Series, running_seconds

CONNECTIONS, KEYS = 50, 100_000
LIMIT = "limits: [{domain: api, descriptors: [{key: tenant, limit: 1000000/s}]}]\n"
THROTTLE = ("CL.THROTTLE", "user:__rand_int__", "100", "1000", "1")


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


def redis_benchmark(server, *command, seconds=0.0, requests=0, pipeline=1, pin=LOAD_CORE):
    """What redis-benchmark counts: of so many requests, or of about as many as fit in the time."""
    if not requests:
        short = redis_benchmark(server, *command, requests=int(4000 * pipeline**0.7), pipeline=pipeline, pin=pin)
        requests = int(short["rate"] * seconds) + CONNECTIONS
    before = running_seconds(server)
    done = subprocess.run([*pin, "redis-benchmark", "-p", str(server.port), "-c", str(CONNECTIONS), "-n",
                           str(requests), "-P", str(pipeline), "-r", str(KEYS), "--csv", *command],
                          capture_output=True, text=True, check=True, timeout=120)
    spent = running_seconds(server) - before
    if "rror" in done.stderr or not done.stdout:
        raise RuntimeError(f"redis-benchmark: {limiter_peers.last_words(done.stderr)}")
    # requests a second; then in ms: mean, least, p50, p95, p99, most
    numbers = [float(value) for value in re.findall(r'"([\d.]+)"', done.stdout.splitlines()[-1])]
    return {"rate": numbers[0], "cpu_us": spent * 1e6 / requests, "p50_us": numbers[3] * 1e3,
            "p99_us": numbers[5] * 1e3}


def bench(server, *words, scheme="tcp", port=None, pin=LOAD_CORE):
    """What `ratelimmq bench` says of the server, ours or a peer, in the shape of the other loads."""
    pids = [word for pid in server.pids() for word in ("--server-pid", str(pid))]
    done = subprocess.run([*pin, str(servers.BINARY), "bench", f"{scheme}://127.0.0.1:{port or server.port}", "--json",
                           "--warm-up", "500ms", *pids, *map(str, words)], capture_output=True, text=True, timeout=120)
    said = json.loads(done.stdout or "{}")
    if done.returncode != 0 or not said:
        raise RuntimeError(f"ratelimmq bench: {said.get('error_kinds') or limiter_peers.last_words(done.stderr)}")
    spans = {f"{name.replace('.', '_')}_us": said["latency_us"][name] for name in ("p50", "p99", "p99.9", "p99.99")}
    return {"rate": said["rate"], "cpu_us": said["server"]["cpu_us_per_operation"], **spans, **said}


def span(seconds):
    return f"{seconds * 1000:.0f}ms"


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
    quantile = lambda which: in_ms(re.search(rf"(?m)^\s+{which}%\s+(\S+)", done.stdout)[1])
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
