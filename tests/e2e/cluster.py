"""A Redis, limiter instances and a gateway as real processes on free loopback ports, each stopped by
its own process id. bench/exactness uses it too, so it needs no pytest."""
import collections
import contextlib
import ctypes
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import time

TOP = pathlib.Path(__file__).resolve().parents[2]
BINARY = TOP / os.environ.get("RATELIMMQ_BINARY", "build/release/ratelimmq")
SECONDS_MAX = 30  # For whatever must happen at all; never a measure of speed.
PATIENT = ("--set", "gateway.limiters.deadline=5s", "--set", "store.redis.deadline=2s")  # Of slow machines.
OFF = ("--tcp", "off", "--gateway", "off", "--limiter", "off")

LIBC = ctypes.CDLL(None, use_errno=True)
PR_SET_PDEATHSIG = 1


def die_with_parent():
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


Answer = collections.namedtuple("Answer", "status fields body")


def ask(port, method, path, body=None, fields=(), connection=None):
    """One request. `body`: bytes, or what becomes JSON. Fields of the answer have lower-case names."""
    sent = dict(fields)
    if body is not None and not isinstance(body, bytes):
        body, sent = json.dumps(body).encode(), {"Content-Type": "application/json", **sent}
    link = connection or http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS_MAX)
    try:
        link.request(method, path, body, sent)
        answer = link.getresponse()
        text = answer.read()
        names = {name.lower(): value for name, value in answer.getheaders()}
    finally:
        if connection is None:
            link.close()
    is_json = "json" in names.get("content-type", "")
    return Answer(answer.status, names, json.loads(text) if is_json else text)


class Process:
    def __init__(self, folder, command, environment=None, **options):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.command, self.options = folder, command, options
        self.environment = environment or {}
        self.launch()

    def launch(self):
        env = {name: value for name, value in os.environ.items() if not name.startswith("RATELIMMQ_")}
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(self.command, cwd=self.folder, stderr=log, preexec_fn=die_with_parent,
                                            env={**env, **self.environment}, **{"stdout": log, **self.options})

    def log_text(self):
        return (self.folder / "log").read_text(errors="replace")

    def send(self, number):
        self.process.send_signal(number)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        """SIGTERM, or what it takes. Returns the exit code."""
        if self.process.poll() is None:
            self.process.terminate()
            self.process.send_signal(signal.SIGCONT)
            try:
                self.process.wait(timeout=SECONDS_MAX)
            except subprocess.TimeoutExpired:
                self.kill()
        if self.process.stdout:
            self.process.stdout.close()
        return self.process.returncode


class Redis(Process):
    """Debian's redis-check-rdb is the server if it is called so."""

    def __init__(self, folder, arguments=()):
        folder.mkdir(parents=True, exist_ok=True)
        program = shutil.which("redis-server")
        if program is None:
            program = folder / "redis-server"
            program.symlink_to("/usr/bin/redis-check-rdb")
        self.port = free_port()
        super().__init__(folder, [str(program), "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(folder),
                                  "--save", "", "--appendonly", "no", "--daemonize", "no", *arguments])
        self.wait()

    def ask(self, *words):
        return subprocess.run(["redis-cli", "-p", str(self.port), *words], capture_output=True, text=True,
                              check=True).stdout.strip()

    def again(self):
        """On the same port, empty."""
        self.launch()
        self.wait()

    def wait(self):
        deadline = time.monotonic() + SECONDS_MAX
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1) as link:
                link.sendall(b"PING\r\n")
                if link.recv(16).startswith(b"+PONG"):
                    return
            time.sleep(0.01)
        raise AssertionError(f"Redis does not answer: {self.log_text()}")


class RedisCluster:
    """Three masters with a replica each; a master that is silent for a second is replaced."""

    MASTERS = 3

    def __init__(self, folder, add):
        buses = [str(free_port()) for _ in range(2 * self.MASTERS)]
        self.nodes = [add(Redis(folder / str(n), ["--cluster-enabled", "yes", "--cluster-node-timeout", "1000",
                                                  "--cluster-port", bus]))
                      for n, bus in enumerate(buses)]
        for n, (node, bus) in enumerate(zip(self.nodes, buses)):
            self.nodes[0].ask("CLUSTER", "MEET", "127.0.0.1", str(node.port), bus)
            if n < self.MASTERS:
                node.ask("CLUSTER", "ADDSLOTSRANGE", str(n * 16384 // self.MASTERS),
                             str((n + 1) * 16384 // self.MASTERS - 1))
        self.until(lambda node: "cluster_known_nodes:6" in node.ask("CLUSTER", "INFO"))
        for master, replica in zip(self.nodes, self.nodes[self.MASTERS:]):
            name = master.ask("CLUSTER", "MYID")
            self.until(lambda node: "OK" in node.ask("CLUSTER", "REPLICATE", name), [replica])
        self.until(lambda node: "cluster_state:ok" in node.ask("CLUSTER", "INFO"))
        self.until(lambda node: "master_link_status:up" in node.ask("INFO", "replication"),
                   self.nodes[self.MASTERS:])

    def until(self, holds, nodes=None):
        deadline = time.monotonic() + SECONDS_MAX
        while not all(holds(node) for node in nodes or self.nodes):
            assert time.monotonic() < deadline, "the cluster does not come together"
            time.sleep(0.05)

    def arguments(self):
        return ["--set", "store.redis.cluster=" + ",".join(f"127.0.0.1:{node.port}" for node in self.nodes)]

    def fullest_master(self):
        return max(self.nodes[:self.MASTERS], key=lambda node: int(node.ask("DBSIZE")))


class Role(Process):
    """The binary in one of its roles, with the ports of its ready line."""

    def __init__(self, folder, role, arguments, config=None, environment=None):
        command = [str(BINARY), role, *OFF, "--api", "127.0.0.1:0", "--data", str(folder / "data"), *arguments]
        if config is not None:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "ratelimmq.yaml").write_text(config)
            command += ["--config", str(folder / "ratelimmq.yaml")]
        super().__init__(folder, command, environment, stdout=subprocess.PIPE)
        self.take_ports(role)

    def take_ports(self, role):
        ready = self.process.stdout.readline().decode()
        self.ports = {name: int(port) for name, port in re.findall(r"(\w+)=\S*?:(\d+)(?:\s|$)", ready)}
        if not self.ports:
            self.stop()
            raise AssertionError(f"the {role} does not start: {self.log_text()}")

    def ask(self, method, path, body=None, fields=(), listener=None):
        return ask(self.ports[listener or self.listener], method, path, body, fields)


class Gateway(Role):
    listener = "gateway"

    def __init__(self, folder, arguments=(), config=None, environment=None, port=0):
        super().__init__(folder, "gateway", ["--gateway", f"127.0.0.1:{port}", *arguments], config, environment)
        self.port = self.ports["gateway"]

    def instances(self):
        return {each["port"]: each for each in self.ask("GET", "/rate_limiters").body["instances"]}


class Limiter(Role):
    listener = "limiter"

    def __init__(self, folder, redis, gateway=None, arguments=(), config=None, environment=None, port=0):
        arguments = ["--limiter", f"127.0.0.1:{port}", "--set", f"store.redis.url=redis://127.0.0.1:{redis}",
                     *arguments]
        if gateway is not None:
            arguments += ["--set", f"limiter.register_with=http://127.0.0.1:{gateway}"]
        super().__init__(folder, "limiter", arguments, config, environment)
        self.port = self.ports["limiter"]

    def again(self):
        """A new process on the same port."""
        self.process.stdout.close()
        self.command += ["--limiter", f"127.0.0.1:{self.port}"]  # The last one counts.
        self.launch()
        self.take_ports("limiter")

    def check(self, domain, *pairs, path="/v1/check", **more):
        """pairs: "key=value" of one descriptor."""
        descriptor = [pair.split("=", 1) for pair in pairs]
        return self.ask("POST", path, {"domain": domain, "descriptors": [descriptor], **more})


class Cluster:
    """Whatever was started through it is stopped by stop(), the last one first."""

    def __init__(self, folder):
        self.folder, self.started = folder, []

    def stop(self):
        for process in reversed(self.started):
            process.stop()

    def next_folder(self, name):
        return self.folder / f"{name}{len(self.started)}"

    def add(self, process):
        self.started.append(process)
        return process

    def redis(self):
        return self.add(Redis(self.next_folder("redis")))

    def redis_cluster(self):
        return RedisCluster(self.next_folder("cluster"), self.add)

    def gateway(self, arguments=PATIENT, **options):
        return self.add(Gateway(self.next_folder("gateway"), arguments, **options))

    def limiter(self, redis, gateway=None, arguments=PATIENT, **options):
        return self.add(Limiter(self.next_folder("limiter"), getattr(redis, "port", redis),
                                getattr(gateway, "port", gateway), arguments, **options))
