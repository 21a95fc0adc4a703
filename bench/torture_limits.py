"""Rounds of torture against two limiters over one Redis: clients ask both for more than the limits let
through, the store dies, is replaced, or cannot be reached, and what was admitted is judged."""
import http.client
import json
import pathlib
import random
import socket
import sys
import threading
import time

import redis

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests/e2e"))
import cluster as parts
from history import Recorder, now
from torture_net import Namespace

RATE, BURST, KEYS, CLIENTS = 20, 10, 6, 4
CONFIG = f"""
limits:
  - domain: torture
    descriptors:
      - {{key: strict, limits: [{{name: strict, rate: {RATE}/s, burst: {BURST}, when_gone: refuse}}]}}
      - {{key: shared, limits: [{{name: shared, rate: {RATE}/s, burst: {BURST}, when_gone: local}}]}}
"""
SECONDS_LOST = 5
SKEW_MS = 5  # The store's clock is steered, ours is not.


class Limiter(parts.Role):
    listener = "limiter"

    def __init__(self, folder, store, host="127.0.0.1", namespace=None):
        self.host, self.namespace = host, namespace
        super().__init__(folder, "limiter", ["--limiter", f"{host}:0", "--threads", "1",
                                             "--set", "gateway.limiters.deadline=1s",
                                             "--set", "listen.trusted_networks=10.219.0.0/16"],
                         CONFIG + f"store:\n  kind: redis\n  redis: {{deadline: 200ms, {store}}}\n")

    def launch(self):
        if self.namespace:
            self.command = self.namespace.command(self.command)
        super().launch()

    @property
    def at(self):
        return self.host, self.ports["limiter"]


class Store(parts.Redis):
    def __init__(self, folder, host=None):
        self.host = host
        super().__init__(folder)

    def launch(self):
        if self.host and self.host not in self.command:
            self.command += ["--bind", "127.0.0.1", self.host, "--protected-mode", "no"]
        super().launch()

    def ask(self, *words):
        with redis.Redis(port=self.port, socket_timeout=2) as link:
            return link.execute_command(*words)


class Sentinel(parts.Process):
    def __init__(self, folder, master):
        self.port = parts.free_port()
        folder.mkdir(parents=True)
        (folder / "sentinel.conf").write_text(
            f"port {self.port}\nbind 127.0.0.1\ndir {folder}\nsentinel monitor main 127.0.0.1 {master.port} 1\n"
            "sentinel down-after-milliseconds main 400\nsentinel failover-timeout main 2000\n")
        super().__init__(folder, [master.command[0], str(folder / "sentinel.conf"), "--sentinel"])

    def master(self):
        with redis.Redis(port=self.port, socket_timeout=2, decode_responses=True) as link:
            return int(link.execute_command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "main")[1])


def wait_for(done, what):
    end = time.monotonic() + parts.SECONDS_MAX
    while time.monotonic() < end:
        try:
            if done():
                return
        except (redis.RedisError, OSError):
            pass
        time.sleep(0.02)
    raise AssertionError(f"did not happen within {parts.SECONDS_MAX} s: {what}")


class Client(threading.Thread):
    """Asks one limiter, and another one if that does not answer, until it is told to stop."""

    def __init__(self, name, ports, recorder, seed, stop):
        super().__init__()
        self.ports, self.recorder, self.stop = ports, recorder, stop
        self.dice, self.link, self.fault = random.Random(f"{seed} {name}"), None, None
        self.counts = {}

    def run(self):
        try:
            while not self.stop.is_set():
                self.step()
                time.sleep(0.002 + 0.006 * self.dice.random())
        except BaseException as fault:  # Told by the round, not by the thread.
            self.fault = fault
        self.recorder.close()

    def step(self):
        limit, key = self.dice.choice(("strict", "shared")), f"k{self.dice.randrange(KEYS)}"
        body = json.dumps({"domain": "torture", "descriptors": [[[limit, key]]]})
        begin, status = now(), None
        try:
            if self.link is None:
                host, port = self.dice.choice(self.ports)
                self.link = http.client.HTTPConnection(host, port, timeout=SECONDS_LOST)
            self.link.request("POST", "/v1/check", body, {"Content-Type": "application/json"})
            answer = self.link.getresponse()
            answer.read()
            status = answer.status
        except (OSError, http.client.HTTPException, socket.timeout):
            self.link = None
        assert status in (None, 200, 429, 503), status
        self.counts[status] = self.counts.get(status, 0) + 1
        self.recorder.line("check", begin, now(), {200: "ok", None: "info"}.get(status, "fail"), limit, key)
        if self.dice.random() < 0.02:
            self.link = None


class Round:
    """`lost`: how often the store has forgotten what was charged; `cuts`: how often it was out of reach."""

    def __init__(self, folder, seed, dice):
        self.folder, self.seed, self.dice = folder, seed, dice
        self.cluster = parts.Cluster(folder)
        self.faults = self.lost = self.cuts = 0
        self.namespace = None
        self.histories = folder / "histories"
        self.histories.mkdir()

    def add(self, kind, *arguments, **options):
        name = self.cluster.next_folder(kind.__name__.lower())
        return self.cluster.add(kind(name, *arguments, **options))

    def limiters(self, store, count=2):
        return [self.add(Limiter, store) for _ in range(count)]

    def run(self, seconds, limiters, fault):
        stop = threading.Event()
        clients = [Client(f"c{i}", [each.at for each in limiters], Recorder(self.histories / f"c{i}.history"),
                          self.seed, stop) for i in range(CLIENTS)]
        try:
            for client in clients:
                client.start()
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                time.sleep(0.5 + self.dice.random())
                fault()
                self.faults += 1
            time.sleep(1)
        finally:
            stop.set()
            for client in clients:
                client.join()
        for client in clients:
            if client.fault:
                raise client.fault
        admitted = sum(client.counts.get(200, 0) for client in clients)
        assert admitted > RATE * seconds, f"only {admitted} were admitted"
        self.write_rules()

    def write_rules(self):
        """docs/store.md: what the store forgets is one burst each time; without it, `local` lets every
        instance admit its share, from a state of its own."""
        recorder = Recorder(self.histories / "rules.history")
        second, forgotten = 10**9, BURST * self.lost
        recorder.line("limit", 0, 0, "strict", gcra=f"{RATE}/{second}", burst=BURST, excess=forgotten,
                      by="key", durable=1)
        alone = self.lost + self.cuts
        recorder.line("limit", 0, 0, "shared", gcra=f"{2 * RATE if alone else RATE}/{second}", burst=BURST,
                      excess=forgotten + BURST * alone, by="key", durable=1)
        recorder.close()

    def close(self):
        self.cluster.stop()
        if self.namespace:
            self.namespace.close()


def restarts(round_, seconds):
    store = round_.add(Store)

    def die():
        store.kill()
        time.sleep(round_.dice.random())
        store.again()
        round_.lost += 1

    round_.run(seconds, round_.limiters(f'url: "redis://127.0.0.1:{store.port}"'), die)


def failovers(round_, seconds):
    nodes = [round_.add(Store), round_.add(Store)]
    for node in nodes:
        node.ask("CONFIG", "SET", "repl-diskless-sync-delay", "0")
    nodes[1].ask("REPLICAOF", "127.0.0.1", nodes[0].port)
    sentinel = round_.add(Sentinel, nodes[0])

    def follows(master, replica):
        return (replica.ask("INFO", "replication").get("master_port") == master.port
                and replica.ask("INFO", "replication")["master_link_status"] == "up")

    def known():
        with redis.Redis(port=sentinel.port, decode_responses=True) as link:
            return any("master-link-status" in str(row) and f"{nodes[1].port}" in str(row)
                       for row in link.execute_command("SENTINEL", "REPLICAS", "main"))

    def fail():
        master, replica = nodes
        master.kill()
        wait_for(lambda: sentinel.master() == replica.port, "the replica becomes the master")
        master.again()
        master.ask("REPLICAOF", "127.0.0.1", replica.port)
        nodes.reverse()
        round_.lost += 1
        wait_for(lambda: follows(replica, master), "the old master follows the new one")

    wait_for(lambda: follows(*nodes) and known(), "the Sentinel knows the replica")
    store = f"sentinel: {{nodes: [\"127.0.0.1:{sentinel.port}\"], master: main}}"
    round_.run(seconds, round_.limiters(store), fail)


def partitions(round_, seconds):
    space = round_.namespace = Namespace()
    store = round_.add(Store, host=space.store[0])
    near = round_.add(Limiter, f'url: "redis://127.0.0.1:{store.port}"')
    far = round_.add(Limiter, f'url: "redis://{space.store[0]}:{store.port}"', host=space.clients[1], namespace=space)

    def cut():
        space.cut()
        time.sleep(0.5 + 2 * round_.dice.random())
        space.heal()
        round_.cuts += 1

    round_.run(seconds, [near, far], cut)


KINDS = {"redis": restarts, "failover": failovers, "partition": partitions}


def run(kind, folder, seed, dice, seconds):
    """→ the faults, the histories' folder, and by how much the clocks may differ, in milliseconds."""
    round_ = Round(folder, seed, dice)
    try:
        KINDS[kind](round_, seconds)
    finally:
        round_.close()
    return round_.faults, round_.histories, SKEW_MS
