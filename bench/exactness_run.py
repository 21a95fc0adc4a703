"""Exactness: limiter processes over one Redis, clients at several times the limit, and whether what
was admitted keeps every key's bound over every interval.

A request counts inside an interval only if all of it lies inside: from before it is sent to after its
answer is read. `use` is what was admitted of the whole units that the limits let through from a key's
first request to its last."""
import bisect
import collections
import concurrent.futures
import json
import multiprocessing
import pathlib
import random
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests/e2e"))
import cluster as parts

CONFIG = """
limits:
  - domain: exact
    descriptors:
      - {{key: key, limit: {{rate: {rate}/s, burst: {burst}, when_gone: refuse, mode: {mode}}}}}
"""
ARGUMENTS = ("--threads", "1", "--set", "store.redis.deadline=2s", "--set", "gateway.limiters.deadline=5s")
CLOCKS_APART = 0.0005  # By how much the store's wall clock may run faster than ours: it is steered.
SECONDS_LOST = 10      # After so long a client gives an answer up; it then counts as not admitted.

SKEW = 5               # Seconds by which the wall clocks of instances are wrong, one forward, the next back.

Admission = collections.namedtuple("Admission", "start end")
Plan = collections.namedtuple("Plan", "ports keys together rate seed start end")


class Terms:
    """together: keys asked for in one request. skew: wall clocks are wrong and stepped. restart: Redis dies and
    comes back empty. A quiet run disturbs nothing."""

    def __init__(self, seconds=8, keys=50, instances=4, clients=4, rate=10, burst=10, times=3, together=1, mode="strict",
                 disturb=True, skew=False, restart=False, failover=False, seed=1):
        self.seconds, self.keys, self.instances, self.clients = seconds, keys, instances, clients
        self.rate, self.burst, self.times, self.together, self.mode = rate, burst, times, together, mode
        self.disturb, self.skew, self.restart, self.failover, self.seed = disturb, skew, restart, failover, seed

    @property
    def lost_units(self):
        """What a Redis that forgets may let through beside the bound."""
        return self.burst if self.restart or self.failover else 0


class Outcome:
    """excess: the most units over the bound, of any key over any interval; at most 0 is exact."""

    def __init__(self, terms):
        self.terms, self.statuses, self.excess = terms, collections.Counter(), float("-inf")
        self.use = self.use_least = self.latency = 0.0
        self.events, self.by = [], collections.Counter()

    @property
    def exact(self):
        return self.excess <= self.terms.lost_units

    @property
    def admitted(self):
        return self.statuses[200]

    def rows(self):
        count = {name: self.statuses[name] for name in (200, 429, 503, "lost")}
        asked, terms = sum(self.statuses.values()), self.terms
        return [("requests", asked), ("in limits", f"{asked / (terms.rate * terms.keys * terms.seconds):.2f}"),
                ("admitted", count[200]), ("limited", count[429]), ("refused, no store", count[503]),
                ("no answer", count["lost"]),
                ("most over a bound, units", f"{self.excess:.3f} {self.said()}"),
                *[(f"decided by {by}", count) for by, count in sorted(self.by.items()) if count],
                ("use of all limits", f"{self.use:.2%}"), ("use of the least used key", f"{self.use_least:.2%}"),
                ("answered within, median", f"{self.latency * 1000:.2f} ms"),
                *[(f"at {at:.1f} s", what) for at, what in self.events]]

    def said(self):
        if self.excess <= 0:
            return "(exact)"
        return f"(Redis forgot: at most {self.terms.lost_units})" if self.exact else "BROKEN"


def excess(admissions, rate, burst):
    """By how many units the worst interval [a, b] is over burst + rate · (b − a); below 0: none is.

    Starts from the last to the first; a tree over the ends knows, for the admissions that start at or
    after a, the greatest of (how many have ended by b) − rate · b."""
    ends = sorted(admission.end for admission in admissions)
    size = 1 << max(len(ends) - 1, 1).bit_length()
    count, best = [0] * (2 * size), [float("-inf")] * (2 * size)
    used, worst = collections.Counter(), float("-inf")
    for start, end in sorted(admissions, reverse=True):
        leaf = bisect.bisect_left(ends, end) + used[end]
        used[end] += 1
        at = leaf + size
        count[at], best[at] = 1, 1 - rate * end
        while at > 1:
            at //= 2
            count[at] = count[2 * at] + count[2 * at + 1]
            best[at] = max(best[2 * at], count[2 * at] + best[2 * at + 1])
        worst = max(worst, best[1] + rate * start)
    return worst - burst


def request_of(keys, port):
    body = json.dumps([{"domain": "exact", "descriptors": [[["key", str(key)]]]} for key in keys])
    return (f"POST /v1/checks HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}").encode()


LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


def answer_of(link):
    """Status and body of the next answer, read to its end. OSError: there is none."""
    text = b""
    while True:
        piece = link.recv(65536)
        if not piece:
            raise ConnectionResetError("closed")
        text += piece
        head, end, body = text.partition(b"\r\n\r\n")
        length = LENGTH.search(head)
        if end and length and len(body) >= int(length[1]):
            return int(text[9:12]), body


ALLOWED, BY_STORE = re.compile(rb'"allowed":(true|false),"limited_by":'), re.compile(rb'"decided_by":"(\w+)"')


def statuses_of(status, body, keys):
    """As if each key had been asked for alone."""
    if status != 200:
        return [status] * keys
    allowed, by = ALLOWED.findall(body), BY_STORE.findall(body)
    if len(allowed) != keys or len(by) != keys:
        raise RuntimeError(f"an answer is not understood: {body[:300]}")
    return [200 if each == b"true" else 503 if who == b"refuse" else 429 for each, who in zip(allowed, by)]


class Worker(threading.Thread):
    """One connection that asks for one key after another at its own pace, of any instance that answers."""

    def __init__(self, plan, at, seed):
        super().__init__()
        self.plan, self.random, self.at = plan, random.Random(seed), at
        self.link, self.log = None, []

    def run(self):
        keys = self.random.sample(range(self.plan.keys), self.plan.keys)
        due = self.plan.start + self.random.random() / self.plan.rate
        for n in range(1 << 60):
            time.sleep(max(0.0, due - time.monotonic()))
            if time.monotonic() >= self.plan.end:
                break
            self.log += self.ask([keys[(n * self.plan.together + i) % len(keys)] for i in range(self.plan.together)])
            due = max(due + self.random.expovariate(self.plan.rate), time.monotonic() - 1)  # Pauses are made up for.
        self.leave()

    def leave(self):
        if self.link is not None:
            self.link.close()
        self.link = None

    def ask(self, keys):
        port = self.plan.ports[self.at]
        request = request_of(keys, port)
        start = time.monotonic()
        try:
            if self.link is None:
                self.link = socket.create_connection(("127.0.0.1", port), timeout=SECONDS_LOST)
                self.link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.link.sendall(request)
            answer = answer_of(self.link)
            statuses = statuses_of(*answer, len(keys))
        except OSError:
            self.leave()
            self.at = self.random.randrange(len(self.plan.ports))
            statuses = ["lost"] * len(keys)
        end = time.monotonic()
        return [(key, start, end, status) for key, status in zip(keys, statuses)]


def client(plan, number, threads):
    """All requests of one process: (key, start, end, status)."""
    workers = [Worker(plan, (number + n) % len(plan.ports), f"{plan.seed} {number} {n}") for n in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return [request for worker in workers for request in worker.log]


class Clocks:
    """Wall clocks of instances that are wrong, by a library before theirs (bench/torture_clock.c)."""

    def __init__(self, folder):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.library, self.files = folder, folder / "clock.so", []
        source = pathlib.Path(__file__).with_name("torture_clock.c")
        subprocess.run(["cc", "-O1", "-shared", "-fPIC", "-o", str(self.library), str(source)], check=True)

    def environment(self):
        file = self.folder / f"shift{len(self.files)}"
        file.write_bytes(struct.pack("q", 0))
        self.files.append(file)
        self.set(file, SKEW if len(self.files) % 2 else -SKEW)
        return {"LD_PRELOAD": str(self.library), "TORTURE_CLOCK": str(file)}

    @staticmethod
    def set(file, seconds):
        with open(file, "r+b") as mapped:  # In place: the process has it mapped.
            mapped.write(struct.pack("q", int(seconds * 1e9)))

    def step(self, dice):
        for file in self.files:
            self.set(file, dice.uniform(-SKEW, SKEW))


def disturb(limiters, redis, clocks, terms, start, outcome):
    """In the middle one instance is killed and comes back, another one is paused for a while; wall clocks are
    stepped, Redis (with `failover` a cluster) loses what it knows, if the terms say so."""
    def at(part, what):
        time.sleep(max(0.0, start + part * terms.seconds - time.monotonic()))
        outcome.events.append((time.monotonic() - start, what))
    at(0.3, "an instance is killed")
    limiters[0].kill()
    at(0.4, "another one is paused")
    limiters[1].send(signal.SIGSTOP)
    if clocks:
        at(0.45, f"wall clocks are stepped, by up to {SKEW} s")
        clocks.step(random.Random(terms.seed))
    if terms.restart:
        at(0.5, "Redis is killed, and comes back empty")
        redis.kill()
        redis.again()
    if terms.failover:
        at(0.5, "the master of all these keys is killed, and its replica takes over")
        redis.fullest_master().kill()
    at(0.6, "it goes on")
    limiters[1].send(signal.SIGCONT)
    at(0.7, "the killed one is started again")
    limiters[0].again()


def judge(outcome, requests):
    terms, admitted, spans = outcome.terms, collections.defaultdict(list), {}
    for key, start, end, status in requests:
        outcome.statuses[status] += 1
        first, last = spans.get(key, (start, end))
        spans[key] = min(first, start), max(last, end)
        if status == 200:
            admitted[key].append(Admission(start, end))
    rate = terms.rate * (1 + CLOCKS_APART)
    outcome.excess = max((excess(each, rate, terms.burst) for each in admitted.values()), default=-terms.burst)
    possible = {key: int(terms.burst + terms.rate * (last - first)) for key, (first, last) in spans.items()}
    outcome.use = outcome.admitted / sum(possible.values())
    outcome.use_least = min(len(admitted[key]) / possible[key] for key in spans)
    took = sorted(end - start for _, start, end, _ in requests)
    outcome.latency = took[len(took) // 2]


def decided_by(limiters):
    """As the instances count, those that were started again from then on."""
    found = collections.Counter()
    for limiter in limiters:
        text = limiter.ask("GET", "/metrics", listener="api").body.decode()
        for by, count in re.findall(r'ratelimmq_store_decisions_total{by="(\w+)"} (\d+)', text):
            found[by] += int(count)
    return found


def run(folder, terms):
    """The whole of it → Outcome. Everything that it starts it stops."""
    outcome, started = Outcome(terms), parts.Cluster(folder)
    try:
        redis = started.redis_cluster() if terms.failover else started.redis()
        config = CONFIG.format(rate=terms.rate, burst=terms.burst, mode=terms.mode)
        clocks = Clocks(folder / "clocks") if terms.skew else None
        store = redis.arguments() if terms.failover else []
        address = redis.nodes[0] if terms.failover else redis
        limiters = [started.limiter(address, arguments=[*ARGUMENTS, *store], config=config,
                                    environment=clocks.environment() if clocks else None)
                    for _ in range(terms.instances)]
        threads = 4
        pace = terms.times * terms.rate * terms.keys / (terms.clients * threads * terms.together)
        begin = time.monotonic() + 1
        plan = Plan([limiter.port for limiter in limiters], terms.keys, terms.together, pace, terms.seed, begin, begin + terms.seconds)
        with concurrent.futures.ProcessPoolExecutor(
                terms.clients, mp_context=multiprocessing.get_context("fork")) as pool:
            running = [pool.submit(client, plan, number, threads) for number in range(terms.clients)]
            if terms.disturb:
                disturb(limiters, redis, clocks, terms, begin, outcome)
            requests = [request for each in running for request in each.result()]
        outcome.by = decided_by(limiters)
        judge(outcome, requests)
    finally:
        started.stop()
    return outcome
