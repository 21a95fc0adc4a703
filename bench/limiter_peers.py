"""Peers of the limiter: how each is had, started on free loopback ports, and what it calls itself.

Debian's packages come with apt-get, crates with cargo, Go modules with go; what is built lies below build/peers, and a
program that lies there already, or in PATH, is taken as it is. A peer that cannot be had is Missing, with the reason
in one line."""
import contextlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

import machine
import servers

PLACE = servers.TOP / "build/peers"
PACKAGES = {"redis-benchmark": "redis-tools", "nginx": "nginx-light", "wrk": "wrk", "haproxy": "haproxy",
            "protoc": "protobuf-compiler"}  # The last one builds throttlecrab.
CRAB = "throttlecrab-server"
CRAB_VERSION = "0.4.40"
# (module, version, its program, name below build/peers)
RATELIMIT = ("github.com/envoyproxy/ratelimit", "v1.4.1-0.20260122083618-3fb702589d36", "src/service_cmd",
             "envoy-ratelimit")
GUBERNATOR = ("github.com/gubernator-io/gubernator/v2", "v2.13.0", "cmd/gubernator", "gubernator")


class Missing(Exception):
    """The peer cannot be had: why, in one line."""


def found(tool):
    """In PATH, where Debian keeps servers, or built below build/peers; else None."""
    for place in (shutil.which(tool), f"/usr/sbin/{tool}", PLACE / tool, PLACE / tool / "bin" / tool):
        if place and pathlib.Path(place).is_file():
            return str(place)
    return None


def last_words(text):
    """The last line that says something, without any address."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    words = re.sub(r"\S+://\S+", "", lines[-1] if lines else "no reason given")
    return re.sub(r"\s+", " ", words)[:160]


def run(command, **options):
    done = subprocess.run(command, capture_output=True, text=True, **options)
    if done.returncode != 0:
        raise Missing(last_words(done.stderr or done.stdout))
    return done.stdout


def packages():
    missing = sorted(package for tool, package in PACKAGES.items() if not found(tool))
    sudo = [] if os.geteuid() == 0 else ["sudo"]
    for package in missing:
        with contextlib.suppress(Missing):
            run([*sudo, "apt-get", "install", "-y", "-q", "--no-install-recommends", package])


def from_debian(tool):
    binary = found(tool)
    if not binary:
        raise Missing(f"Debian's package {PACKAGES[tool]} could not be installed")
    return binary


def from_crates(name, version):
    if not found(name):
        if not shutil.which("cargo"):
            raise Missing("there is no cargo to build it with")
        run(["cargo", "install", name, "--version", version, "--locked", "--root", str(PLACE / name)],
            env={**os.environ, "CARGO_TARGET_DIR": str(PLACE / "cargo")})
    return found(name)


def from_go(module, version, program, name):
    """Not `go install`: a module that replaces others is built where it lies."""
    if not found(name):
        if not shutil.which("go"):
            raise Missing("there is no Go to build it with")
        said = subprocess.run(["go", "mod", "download", "-json", f"{module}@{version}"], capture_output=True,
                              text=True, cwd=PLACE).stdout
        outcome = json.loads(said or '{"Error": "go mod download says nothing"}')
        if "Error" in outcome:
            raise Missing("its Go module: " + last_words(outcome["Error"]).split(": ")[-1])
        run(["go", "build", "-ldflags", f"-X main.Version={version}", "-o", str(PLACE / name), f"./{program}"],
            cwd=outcome["Dir"])
    return found(name)


def install():
    """What can be had now, so that no round waits for a compiler; says what cannot."""
    PLACE.mkdir(parents=True, exist_ok=True)
    packages()
    for name, get in {"haproxy": lambda: from_debian("haproxy"), CRAB: lambda: from_crates(CRAB, CRAB_VERSION),
                      RATELIMIT[3]: lambda: from_go(*RATELIMIT), GUBERNATOR[3]: lambda: from_go(*GUBERNATOR)}.items():
        try:
            get()
        except Missing as reason:
            print(f"{name}: {reason}", file=sys.stderr, flush=True)


HAPROXY = """
global
  nbthread 1
  maxconn 4096
defaults
  mode http
  timeout client 60s
  timeout server 60s
  timeout connect 5s
frontend limited
  bind 127.0.0.1:{port}
  stick-table type string len 32 size 1m expire 10s store http_req_rate(1s)
  http-request track-sc0 url_param(k)
  http-request deny deny_status 429 if {{ sc_http_req_rate(0) gt 1000000 }}
  http-request return status 200
"""


def listening(name, command, port, **options):
    """A process that answers at this port as soon as it is returned."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options)
    server = servers.Server(name, process)
    server.port = server.api = port
    try:
        servers.wait_for_port(port, process)
    except BaseException:
        server.stop()
        raise
    return server


def haproxy(folder, pin):
    port = servers.free_port()
    file = folder / "haproxy.cfg"
    file.write_text(HAPROXY.format(port=port))
    return listening("haproxy", [*pin, from_debian("haproxy"), "-db", "-f", str(file)], port)


def throttlecrab(folder, pin):
    port, api = servers.free_port(), servers.free_port()
    binary = from_crates(CRAB, CRAB_VERSION)
    server = listening(CRAB, [*pin, binary, "--http", "--http-host", "127.0.0.1", "--http-port", str(api), "--redis",
                              "--redis-host", "127.0.0.1", "--redis-port", str(port),
                              "--log-level", "error"], port, cwd=folder)
    servers.wait_for_port(api, server.process)
    server.api = api
    return server


class Pair(servers.Server):
    """A server and the one that it keeps its state in, counted together."""

    def __init__(self, server, store):
        super().__init__(server.name, server.process, [server.process.pid, store.process.pid])
        self.port, self.api, self.store = server.port, server.api, store

    def stop(self):
        super().stop()
        self.store.stop()


RATELIMIT_CONFIG = """
domain: api
descriptors:
  - key: tenant
    rate_limit: {unit: second, requests_per_unit: 1000000}
"""


def ratelimit(folder, pin):
    binary, port = from_go(*RATELIMIT), servers.free_port()
    place = folder / "envoy"
    (place / "ratelimit/config").mkdir(parents=True, exist_ok=True)
    (place / "ratelimit/config/api.yaml").write_text(RATELIMIT_CONFIG)
    store = servers.redis_server(folder, pin=pin)
    said = {"HOST": "127.0.0.1", "PORT": port, "GRPC_HOST": "127.0.0.1", "GRPC_PORT": servers.free_port(),
            "DEBUG_HOST": "127.0.0.1", "DEBUG_PORT": servers.free_port(), "USE_STATSD": "false", "LOG_LEVEL": "error",
            "RUNTIME_ROOT": place, "RUNTIME_SUBDIRECTORY": "ratelimit", "RUNTIME_WATCH_ROOT": "false",
            "REDIS_SOCKET_TYPE": "tcp", "REDIS_URL": f"127.0.0.1:{store.port}"}
    try:
        return Pair(listening("ratelimit", [*pin, binary], port,
                              env={**os.environ, **{name: str(value) for name, value in said.items()}}), store)
    except BaseException:
        store.stop()
        raise


def gubernator(folder, pin):
    binary, port, peer = from_go(*GUBERNATOR), servers.free_port(), servers.free_port()
    said = {"GUBER_HTTP_ADDRESS": f"127.0.0.1:{port}", "GUBER_GRPC_ADDRESS": f"127.0.0.1:{peer}",
            "GUBER_ADVERTISE_ADDRESS": f"127.0.0.1:{peer}", "GUBER_PEER_DISCOVERY_TYPE": "none",
            "GUBER_CACHE_SIZE": "200000", "GUBER_LOG_LEVEL": "error"}
    return listening("gubernator", [*pin, binary], port, cwd=folder, env={**os.environ, **said})


def redis(folder, pin):
    from_debian("redis-benchmark")
    return servers.redis_server(folder, pin=pin)


def nginx(folder, pin):
    from_debian("nginx")
    return servers.nginx(folder, pin)


def built(name):
    """The version that a program was built with, as Go's linker was told."""
    if not found(name) or not shutil.which("go"):
        return "not there"
    said = subprocess.run(["go", "version", "-m", found(name)], capture_output=True, text=True).stdout
    version, go = re.search(r"main\.Version=([^\s\"]+)", said), re.search(r": (go\S+)", said)
    return f"{version[1] if version else '(version unknown)'}, built by {go[1] if go else 'Go'}"


def versions():
    """One line for each peer: version, and the settings that matter."""
    def of(tool, *flags):
        return machine.first_line(found(tool), *flags) if found(tool) else f"{tool}: not there"
    return [f"- {of('redis-check-rdb', '--version')} (Debian); `--save '' --appendonly no`.",
            f"- {of('nginx', '-v')} (Debian); one worker, access log off, limit_req with a zone of 32 MB.",
            f"- {of('haproxy', '-v').split(' - ')[0]} (Debian); one thread, a stick-table of 1 M strings, "
            "http_req_rate.",
            f"- {CRAB} {CRAB_VERSION if found(CRAB) else 'is not there'} (crate, cargo's release build); its HTTP and "
            "RESP ports, periodic store.",
            f"- envoyproxy/ratelimit {built(RATELIMIT[3])}; POST /json, its Redis on the same core and counted with "
            "it, no local cache, no statsd.",
            f"- gubernator {built(GUBERNATOR[3])}; POST /v1/GetRateLimits, one node, a cache of 200,000."]
