"""The dispatcher's rows: what a request costs the client, what waiting ones cost, who delays whom."""
import json
import pathlib
import resource
import shutil
import signal
import subprocess
import time

import servers
from queue_measure import Series, table

PYTHON = servers.TOP / "build/peers/python/bin/python"
HERE = pathlib.Path(__file__).resolve().parent

NGINX = """
worker_processes 1; daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log error;
worker_rlimit_nofile 65536;
events {{ worker_connections 32768; }}
http {{
  access_log off; keepalive_requests 1000000000; keepalive_timeout 3600s;
  client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  log_format instant '$msec $server_addr';
  server {{
    listen 0.0.0.0:{port} backlog=32768 reuseport;
    location / {{ return 200 "ok"; }}
    location /logged {{ access_log {folder}/arrivals.log instant; return 200 "ok"; }}
    location /busy {{ add_header Retry-After 3600 always; return 429; }}
  }}
}}
"""


class Nginx(servers.Server):
    def __init__(self, folder):
        port = servers.free_port()
        file = folder / "nginx.conf"
        file.write_text(NGINX.format(folder=folder, port=port))
        process = subprocess.Popen([shutil.which("nginx") or "/usr/sbin/nginx", "-c", str(file), "-e",
                                    str(folder / "e")])
        servers.wait_for_port(port, process)
        super().__init__("nginx", process)
        self.port = port


def host(i):
    return f"127.{1 + i // 60000}.{i // 250 % 240}.{1 + i % 250}"


def write_urls(file, port, count, hosts, path="/"):
    with file.open("w") as out:
        for i in range(count):
            out.write(f"http://{host(i % hosts)}:{port}{path}\n")
    return file


def spent(command, **options):
    """CPU seconds of the command and its threads, the seconds it took, and what it printed."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, **options)
    after, ended = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]}: {(done.stderr or done.stdout).strip()[-500:]}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return cpu, ended - began, done.stdout


class Client:
    """One way to fetch a file of URLs."""

    def __init__(self, name, requests, command):
        self.series, self.requests, self.command = Series(name), requests, command

    def measure(self, run, nginx, in_flight, hosts):
        per_host = max(1, in_flight // 10)
        files = {count: write_urls(run.folder / f"{count}.txt", nginx.port, count, hosts)
                 for count in (1, self.requests)}
        try:
            idle, _, _ = spent(self.command(files[1], in_flight, per_host))
            cpu, seconds, _ = spent(self.command(files[self.requests], in_flight, per_host))
        except (RuntimeError, FileNotFoundError) as error:
            self.series.note = f"not measured: {error}"
            return
        self.series.add({"rate": self.requests / seconds, "cpu_us": (cpu - idle) * 1e6 / self.requests,
                         "per_cpu": self.requests / max(1e-9, cpu - idle)})


def curl_command(file, in_flight):
    """curl takes 300 at most."""
    config = file.with_suffix(".curl")
    config.write_text("".join(f'url = "{url}"\noutput = "/dev/null"\n' for url in file.read_text().split()))
    return ["curl", "-s", "--parallel", "--parallel-max", min(300, in_flight), "--config", config]


def ours(file, in_flight, per_host):
    return [servers.BINARY, "fetch", "--file", file, "--total", in_flight, "--per-host", per_host, "--json"]


def clients(run):
    scale = 10 if run.quick else 1
    loop = servers.BINARY.parent / "bench/curl_loop"
    return [
        Client("a bare loop over libcurl", 100_000 // scale,
               lambda file, flight, cap: [loop, f"@{file}", 0, flight]),
        Client("ratelimmq fetch", 100_000 // scale, ours),
        Client("aiohttp", 20_000 // scale,
               lambda file, flight, cap: [PYTHON, HERE / "peers/aiohttp_fetch.py", file, flight, cap]),
        Client("Scrapy", 5_000 // scale,
               lambda file, flight, cap: [PYTHON, HERE / "peers/scrapy_fetch.py", file, flight, cap]),
        Client("curl --parallel", 20_000 // scale,
               lambda file, flight, cap: curl_command(file, flight)),
    ]


def wrk(run, nginx, in_flight):
    """The ceiling: a client that reads no more of an answer than it must, at one URL."""
    series = Series("wrk, one URL (the ceiling)")
    for _ in range(run.rounds):
        seconds = 1 if run.quick else 4
        cpu, _, said = spent(["wrk", "-t", 1, "-c", in_flight, "-d", f"{seconds}s", f"http://127.0.0.1:{nginx.port}/"])
        done = int(said.split(" requests in ")[0].split()[-1])
        series.add({"rate": done / seconds, "cpu_us": cpu * 1e6 / done, "per_cpu": done / cpu})
    return series


def requests(run):
    lines = []
    hosts = 200
    for in_flight in (50, 500):
        nginx = Nginx(run.folder)
        try:
            all_clients = clients(run)
            for _ in range(run.rounds):
                for client in all_clients:
                    client.measure(run, nginx, in_flight, hosts)
            series = [client.series for client in all_clients] + [wrk(run, nginx, in_flight)]
        finally:
            nginx.stop()
        us = next(one for one in series if one.name.startswith("ratelimmq"))
        rows = []
        for one in series:
            if not one.outcomes:
                rows.append([one.name, one.note or "not measured", "", "", ""])
                continue
            ratio = us.median("per_cpu") / one.median("per_cpu") if us.outcomes else float("nan")
            rows.append([one.name, one.spread("per_cpu"), f"{ratio:.2f}",
                         one.spread("cpu_us", lambda value: f"{value:.1f}"), one.spread("rate")])
        lines += table(
            f"Requests, {in_flight} in flight",
            f"GET of 2 bytes from {hosts} hosts, kept alive; at most {max(1, in_flight // 10)} to one host where the "
            "client knows such a cap (the bare loop, curl and wrk do not; curl takes 300 in flight at most). Ours "
            "writes a JSON line for each.",
            ["", "requests a client CPU-second, median (min–max)", "ours, times as many", "client CPU of each, µs",
             "requests a second"], rows)
    return lines


def waiting(run):
    """In process: what the scheduler itself costs."""
    bench = servers.BINARY.parent / "bench/dispatch_bench"
    rows = []
    outcomes = {}
    for count in (1_000, 1_000_000 // (10 if run.quick else 1)):
        outcomes[count] = Series(f"{count:,} waiting")
        for _ in range(run.rounds):
            outcomes[count].add(json.loads(spent([bench, "--waiting", count, "--hosts", min(count, 10_000)])[2]))
    few, many = outcomes.values()
    for one in (few, many):
        rows.append([one.name, one.spread("start_ns"), f"{one.median('start_ns') / few.median('start_ns'):.2f}",
                     one.spread("bytes_each") if one is many else "–"])
    return table("Requests that wait", "10,000 hosts at most, each with a cap of its own; no sockets: the scheduler "
                 "alone starts a request, ends it, and takes in another. Resident bytes of each that waits, without "
                 "its URL (`dispatch_bench`).",
                 ["", "starting one, ns, median (min–max)", "ratio", "bytes each"], rows)


def done_within(run, nginx, blocked_hosts):
    """Seconds until the good hosts' URLs are all fetched, while others are blocked for an hour."""
    good, each = 10, 200 if run.quick else 4000
    file = run.folder / "blocked.txt"
    with file.open("w") as out:
        for _ in range(100):  # First: who waits is in the window when the clock begins.
            out.writelines(f"http://{host(good + h)}:{nginx.port}/busy\n" for h in range(blocked_hosts))
        for _ in range(each):
            out.writelines(f"http://{host(h)}:{nginx.port}/\n" for h in range(good))
    process = subprocess.Popen([str(servers.BINARY), "fetch", "--file", str(file), "--total", "100", "--per-host", "8",
                                "--retries", "1", "--window", "1000000", "--json"], stdout=subprocess.PIPE, text=True)
    first = last = None
    seen = 0
    for line in process.stdout:
        if json.loads(line)["ok"]:
            seen += 1
            last = time.monotonic()
            if seen == good * each // 10:  # Warm, and every blocked host has said so.
                first = last
            if seen == good * each:
                break
    process.send_signal(signal.SIGINT)
    process.stdout.close()
    process.wait()
    return good * each * 0.9 / (last - first)


def blocked(run):
    nginx = Nginx(run.folder)
    try:
        without, beside = Series("10 hosts"), Series("the same beside 990 blocked hosts")
        for _ in range(run.rounds):
            without.add({"rate": done_within(run, nginx, 0)})
            beside.add({"rate": done_within(run, nginx, 990)})
    finally:
        nginx.stop()
    rows = [[one.name, one.spread("rate"), f"{one.median('rate') / without.median('rate'):.2f}"]
            for one in (without, beside)]
    return table("Blocked hosts", "99 % of the hosts answer 429 with Retry-After 3600 and 100 URLs of each wait.",
                 ["", "requests a second to the others, median (min–max)", "ratio"], rows)


def over_the_law(instants, per_second, burst):
    """The largest excess over burst + rate · t in any interval, in units; at most 0: kept."""
    worst, lowest = float("-inf"), float("inf")
    for i, at in enumerate(instants):  # i + 1 - j units within at - instants[j].
        lowest = min(lowest, i - per_second * at)
        worst = max(worst, i + 1 - per_second * at - lowest - burst)
    return worst


def rates(run):
    hosts, per_second, burst, seconds = 20, 50, 5, 4 if run.quick else 20
    nginx = Nginx(run.folder)
    try:
        count = hosts * (per_second * seconds + burst)
        file = write_urls(run.folder / "rates.txt", nginx.port, count, hosts, "/logged")
        spent([servers.BINARY, "fetch", "--file", file, "--total", 200, "--per-host", 50, "--host-rate",
               f"{per_second}/s burst {burst}", "--json"])
        time.sleep(0.2)
        arrivals = {}
        for line in (run.folder / "arrivals.log").read_text().splitlines():
            at, where = line.split()
            arrivals.setdefault(where, []).append(float(at))
    finally:
        nginx.stop()
    used, worst = [], []
    for instants in arrivals.values():
        instants.sort()
        used.append((len(instants) - burst) / per_second / (instants[-1] - instants[0]))
        worst.append(over_the_law(instants, per_second, burst))
    return table("Rates", f"{hosts} hosts at {per_second}/s burst {burst} each for {seconds} s, as nginx logs them: the way "
                 "there shifts an arrival by some milliseconds, at this rate a part of a unit.",
                 ["hosts", "used, least", "used, median", "largest excess over burst + rate · t, units"],
                 [[len(used), f"{min(used):.4f}", f"{sorted(used)[len(used) // 2]:.4f}", f"{max(worst):.2f}"]])
