"""The gateway's rows: what a proxied request and a cached hash cost, and what asking an instance adds."""
import hashlib
import json
import subprocess

import gateway_servers
import servers
from gateway_measure import (GATEWAY, INSTANCE, LIMIT, STORE, WINDOW_S, Wrk, alternate, cores_awake, ratio, spread, us,
                             window)
from gateway_servers import Fleet, counter, fetch
from queue_measure import LOAD_CORE, SERVER_CORE, Series, number, running_seconds, table

CLIENTS = 200_000  # Addresses that requests are said to come from.
ROUNDS = 200_000
TEXTS = 20
CALLERS = 128

LIMIT_REQ = """limit_req_zone $binary_remote_addr zone=z:10m rate=1000000r/s;
  upstream app {{ server 127.0.0.1:{port}; keepalive 64; keepalive_requests 1000000000; }}"""
PROXY_PASS = """location / { limit_req zone=z burst=1000000 nodelay; proxy_pass http://app; proxy_http_version 1.1;
  proxy_set_header Connection ""; proxy_set_header Host $http_host; proxy_max_temp_file_size 0;
  proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_set_header X-Forwarded-Proto $scheme;
  proxy_set_header X-Forwarded-Host $http_host; }"""


def nginx_proxy(fleet, upstream):
    return fleet.nginx("proxy", servers.free_port(), PROXY_PASS, before=LIMIT_REQ.format(port=upstream.port),
                       pin=SERVER_CORE)


def our_proxy(fleet, upstream):
    return fleet.role("serve", "threads: 1\n" + GATEWAY.format(
        more=f'routes: [{{path: /, upstream: "http://127.0.0.1:{upstream.port}", '
             'decide: {domain: gateway, descriptors: ["client_ip={client_ip}"]}}]') +
        "limits: [{domain: gateway, descriptors: [{key: client_ip, limit: 1000000/s burst 1000000}]}]\n",
        pin=SERVER_CORE)


def proxied(run, start, file, size):
    with Fleet(run.folder / f"p{servers.free_port()}") as fleet:
        fleet.folder.mkdir()
        upstream = fleet.upstream({file: size}, pin=LOAD_CORE)
        proxy = start(fleet, upstream)
        url = f"http://127.0.0.1:{proxy.port}/{file}"
        Wrk(50, 1, url, pin=LOAD_CORE).outcome()
        cpu = running_seconds(proxy)
        done, bad = Wrk(50, run.seconds, url, pin=LOAD_CORE).outcome()
        if bad:
            raise RuntimeError(f"{bad} of {done} were refused or failed")
        return {"rate": done / run.seconds, "cpu_us": (running_seconds(proxy) - cpu) * 1e6 / done}


def proxy(run):
    rows = []
    for file, size in (("1KiB", 1024), ("64KiB", 65536)):
        series = alternate(run, [
            (Series(f"nginx limit_req + proxy_pass, {file}"), lambda: proxied(run, nginx_proxy, file, size)),
            (Series(f"ratelimmq serve, {file}"), lambda: proxied(run, our_proxy, file, size))])
        rows += [[one.name, spread(one, "cpu_us", us), ratio(one, series[0], "cpu_us"), spread(one, "rate")]
                 for one in series]
    return table("Proxying with a local decision",
                 "GET of a file of an nginx upstream, connections kept alive on both sides, 50 clients (`wrk`). One "
                 "worker or thread on a core of its own; client and upstream share the other. The limit is so high "
                 "that nothing is refused; both add X-Forwarded-For, -Proto and -Host.",
                 ["", "CPU of each request, µs, median (min–max)", "ratio", "requests a second"], rows)


HASH_LIMITS = (f"limits: [{{domain: gateway, descriptors: [{{key: client_ip, limits: [{{algorithm: sliding_window, "
               f"rate: {10 * LIMIT}/{WINDOW_S}s}}]}}]}}]\n")
HASH_ROUTE = 'routes: [{path: /compute_hash, decide: {domain: gateway, descriptors: ["client_ip={client_ip}"]}}]'


def gateway_of(fleet, role, more="", store=""):
    return fleet.role(role, "threads: 2\n" + store + GATEWAY.format(
        more=f"compute_hash: {{rounds: {ROUNDS}}}, " + (more or HASH_ROUTE)) + HASH_LIMITS)


def instances_of(fleet, gateway, store, count):
    for _ in range(count):
        fleet.role("limiter", f'threads: 1\n{store}{INSTANCE}limiter: {{register_with: '
                              f'["http://127.0.0.1:{gateway.port}"]}}\n{HASH_LIMITS}')
    gateway_servers.wait_for_instances(gateway, count)


def decided(gateway):
    return counter(gateway, "ratelimmq_gateway_decisions_total")


# Each starts its services: the gateway, and what counts its decisions.


def our_services(fleet):
    store = STORE.format(port=fleet.redis().port)
    gateway = gateway_of(fleet, "gateway", store=store)
    instances_of(fleet, gateway, store, 3)
    return gateway, lambda: decided(gateway)


def our_one_process(fleet):
    gateway = gateway_of(fleet, "serve")
    return gateway, lambda: decided(gateway)


def fastapi_services(fleet):
    redis = fleet.redis()
    law = {"REDIS": redis.port, "LIMIT": 10 * LIMIT, "WINDOW": WINDOW_S, "ROUNDS": ROUNDS}
    gateway = fleet.uvicorn("gateway", workers=2, **law)
    for _ in range(3):
        fleet.uvicorn("limiter", REGISTER_WITH=gateway.port, **law)
    gateway_servers.wait_for_instances(gateway, 3)
    return gateway, lambda: gateway_servers.scripts_run(redis)


def hashed(text):
    digest = text.encode()
    for _ in range(ROUNDS):
        digest = hashlib.sha256(digest).digest()
    return digest.hex()


def compute_all(gateway, right):
    for text, answer in right.items():
        for _ in range(2):
            said = json.loads(fetch(gateway.port, "/compute_hash", {"data": text}))
        if said != {"hash": answer, "cached": True}:
            raise RuntimeError(f"a wrong answer: {said}")


def cached_hashes(run, start, right):
    with Fleet(run.folder) as fleet:
        gateway, count = start(fleet)
        compute_all(gateway, right)
        load = Wrk(CALLERS, run.seconds + 2, f"http://127.0.0.1:{gateway.port}/compute_hash", "hash.lua",
                   (TEXTS, CLIENTS))
        (done,), spent, seconds = window(run, lambda: [count()], fleet.spent)
        made, bad = load.outcome()
        if bad:
            raise RuntimeError(f"{bad} of {made} were refused or failed")
        cost = {name: spent[name] * 1e6 / done for name in ("gateway", "serve", "limiter", "redis")}
        return {"rate": done / seconds, "all_us": sum(cost.values()), "gateway_us": cost[gateway.name],
                "limiter_us": cost["limiter"], "redis_us": cost["redis"]}


def hashes(run):
    right = {f"text-{i:03d}": hashed(f"text-{i:03d}") for i in range(TEXTS)}
    series = alternate(run, [
        (Series("FastAPI: gateway of 2 processes, 3 instances, Redis"),
         lambda: cached_hashes(run, fastapi_services, right)),
        (Series("ratelimmq: gateway, 3 instances, Redis"), lambda: cached_hashes(run, our_services, right)),
        (Series("ratelimmq serve: one process, no Redis"), lambda: cached_hashes(run, our_one_process, right))])
    rows = [[one.name, spread(one, "all_us", us), ratio(series[0], one, "all_us"), spread(one, "gateway_us", us),
             ratio(series[0], one, "gateway_us"), spread(one, "limiter_us", us), spread(one, "redis_us", us),
             spread(one, "rate")] for one in series]
    return table("/compute_hash, computed before",
                 f"{TEXTS} texts of {ROUNDS:,} rounds, {CLIENTS:,} client addresses at random (X-Forwarded-For of a "
                 f"trusted proxy), each with its exact sliding window, none refused; {CALLERS} connections (`wrk`). "
                 "Gateways of two threads or processes, instances of one. The peer is "
                 "`bench/peers/fastapi_gateway.py`.",
                 ["", "CPU of each request, all processes, µs, median (min–max)", "times less",
                  "the gateway's, µs", "times less", "the instances', µs", "Redis', µs", "requests a second"], rows)


def asked_and_plain(fleet):
    """A gateway with an upstream at /asked, where an instance decides, and at /plain."""
    upstream = fleet.upstream({"asked": 1024, "plain": 1024})
    store = STORE.format(port=fleet.redis().port)
    to = f'upstream: "http://127.0.0.1:{upstream.port}"'
    gateway = gateway_of(
        fleet, "gateway", f'routes: [{{path: /plain, {to}}}, {{path: /asked, {to}, decide: {{domain: gateway, '
        'descriptors: ["client_ip={client_ip}"]}}]', store)
    instances_of(fleet, gateway, store, 1)
    return gateway


def paced(gateway, rate, seconds):
    """What the paced client says of each path, in order."""
    done = subprocess.run([str(servers.BINARY.parent / "bench/paced_load"), str(gateway.port), "64", str(rate),
                           str(seconds), "/plain", "/asked"], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip())
    said = [json.loads(line) for line in done.stdout.splitlines()]
    if any(outcome["failed"] for outcome in said):
        raise RuntimeError(f"refused or failed: {done.stdout}")
    return said


def added(run):
    quantiles = ("p50_us", "p90_us", "p99_us", "p999_us")
    series = plain, asked, more = Series("without the limit step"), Series("with it"), Series("added")
    with Fleet(run.folder / "added") as fleet:
        fleet.folder.mkdir()
        gateway = asked_and_plain(fleet)
        full, bad = Wrk(64, run.seconds, f"http://127.0.0.1:{gateway.port}/asked", "asked.lua", (CLIENTS,)).outcome()
        if bad:
            raise RuntimeError(f"{bad} of {full} were refused or failed")
        rate = full / run.seconds / 10
        for _ in range(run.rounds):
            with cores_awake():
                without, with_it = paced(gateway, rate, 2 * run.seconds)
            plain.add(without)
            asked.add(with_it)
            more.add({what: with_it[what] - without[what] for what in quantiles})
    return table("What the limit step adds",
                 f"Gateway, one instance, Redis in strict mode, an nginx upstream (1 KiB). {number(rate)} requests a "
                 "second, a tenth of what wrk gets of them, at a steady pace on 64 connections, with the limit step "
                 "and without it in turn; from the instant that a request is due to the end of its answer "
                 "(`paced_load`). Something of the lowest class keeps the cores from halting, and a request during which the "
                 "host of this virtual machine took a core away for more than 0.25 ms is left out of both.",
                 ["", "p50, µs, median (min–max)", "p90, µs", "p99, µs", "p99.9, µs", "left out"],
                 [[one.name, *(spread(one, what, us) for what in quantiles),
                   spread(one, "left_out", lambda share: f"{share:.1%}") if one is not more else "–"]
                  for one in series])
