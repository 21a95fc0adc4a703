"""Clients that load one server over all of its lives and write down what they see, its rules as the
checker is told, and the server itself, started and ended again and again. Of test_kill.py, of
test_torture.py and of bench/torture."""
import multiprocessing
import random
import signal
import subprocess
import time

from conftest import BINARY, Server
from history import SECONDS_MAX, Client, Gone, Recorder, now, record_of, word

SKEW_MS = 50  # The wall clock may be stepped between two lives.
QUEUES = ("plain", "strict", "rated", "keyed", "shared", "quick", "fleeting")
SHARES = (6, 4, 3, 3, 1, 2, 1)  # Of the messages; what the limits let go is less.
TURNS = {"heavy": 3, "light": 1, "other": 1}  # Keys of the queue `turns` and their weights; a Judge alone uses it.
TURNS_EACH = 8  # Messages of a weight of one; a third of all is taken, so no key runs out of them.
RECOVERY_MS = SECONDS_MAX * 1000  # From a start to the first delivery, while clients ask.
FORK = multiprocessing.get_context("fork")

CONFIG = """
limits:
  - domain: out
    descriptors:
      - {key: queue, value: rated, limits: [{name: rated, rate: 300/s, burst: 30}]}
      - {key: pool, limits: [{name: pool, algorithm: sliding_window, rate: 60/s}]}
      - key: tenant
        limits: [{name: tenant, rate: 80/s, burst: 8}, {name: jobs, concurrency: 6, ttl: 60s}]
  - domain: api
    descriptors:
      - {key: kept, limits: [{name: kept, rate: 100/s, burst: 40, durable: true}]}
queues:
  plain: {lease: 400ms, attempts: 40, backoff: {base: 20ms, factor: 2, max: 200ms}, dedup_window: 3s}
  rated: {lease: 400ms, attempts: 6, backoff: {base: 20ms, factor: 2, max: 200ms},
          decide: {domain: out, descriptors: ["queue={queue}"]}}
  shared: {lease: 400ms, attempts: 40, backoff: {base: 20ms, factor: 2, max: 200ms},
           decide: {domain: out, descriptors: ["pool=one"]}}
  keyed: {lease: 400ms, attempts: 40, backoff: {base: 20ms, factor: 2, max: 200ms},
          decide: {domain: out, descriptors: ["tenant={header:tenant}"]}}
  strict: {lease: 400ms, attempts: 40, backoff: {base: 10ms, factor: 2, max: 100ms},
           in_flight_per_key: 1}
  quick: {lease: 400ms, attempts: 40, durability: os}
  fleeting: {lease: 400ms, attempts: 40, durability: memory}
  turns: {lease: 60s, weights: {heavy: 3}}
"""

# The same, as the checker is told.
RULES = """queue 0 plain dedup_window=3000
queue 0 strict in_flight_per_key=1
queue 0 quick durability=os
queue 0 fleeting durability=memory
limit 0 0 rated gcra=300/1000000000 burst=30 by=queue queues=rated
limit 0 0 pool sliding=60/1000000000 by=all queues=shared
limit 0 0 tenant gcra=80/1000000000 burst=8 by=tag queues=keyed
limit 0 0 jobs concurrency=6 by=tag queues=keyed
limit 0 0 kept gcra=100/1000000000 burst=40 by=key durable=1
"""


class Work:
    """One client process: repeats step() over all lives of the server."""

    def __init__(self, name, port, folder, seed, stop):
        self.random = random.Random(f"{seed} {name}")
        self.recorder = Recorder(folder / f"{name}.history")
        self.client = Client(name, port, self.recorder)
        self.name, self.stop, self.serial = name, stop, 0

    def run(self):
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        while not self.stop.is_set():
            try:
                if self.client.connection is None:
                    self.client.connect()
                    self.client.clock()
                self.step()
            except Gone:
                time.sleep(0.005)
        self.client.close()
        self.recorder.close()

    def chance(self, share):
        return self.random.random() < share


class Producer(Work):
    backlog = ()  # Messages without an answer that had a deduplication id: said again.

    def message(self):
        r = self.random
        self.serial += 1
        m = {"queue": r.choices(QUEUES, SHARES)[0], "body": f"{self.name}-{self.serial}"}
        if m["queue"] == "keyed":
            m["tag"] = f"t{r.randrange(4)}"
        if m["queue"] != "plain" or self.chance(0.7):
            m["key"] = f"k{r.randrange(6)}"
        if self.chance(0.1):
            m["delay"] = r.randrange(1, 600)
        if self.chance(0.05):
            m["priority"] = r.randrange(3)
        if self.chance(0.03):
            m["ttl"] = r.randrange(200, 3000)
        if self.chance(0.05):
            m["attempts"] = r.randrange(1, 4)
        if m["queue"] == "rated" and self.chance(0.1):
            m["cost"] = r.randrange(2, 5)
        if m["queue"] == "plain" and self.chance(0.4):
            m["dedup"] = f"d{self.name}-{r.randrange(200)}"
        if self.chance(0.02):
            m["body"] += "-" + "x" * r.randrange(20000)
        return m

    def step(self):
        messages = [self.message() for _ in range(self.random.choice((1, 1, 1, 4, 16)))]
        for m in self.backlog:
            messages.append(m | {"body": m["body"] + "-again"})
        self.backlog = ()
        vanish = self.chance(0.01)
        try:
            outcomes = self.client.enqueue(messages, vanish)
            self.backlog = [m for m, o in zip(messages, outcomes) if o == "info" and "dedup" in m]
        except Gone:
            self.backlog = [m for m in messages if "dedup" in m][:5]
            raise
        if vanish:
            raise Gone
        time.sleep(self.random.random() * 0.01)


class Consumer(Work):
    def step(self):
        r = self.random
        lease = r.choice((300, 400, 400, 600, 0))
        queues = r.sample(QUEUES, r.choice((1, 2, 3)))
        vanish = self.chance(0.02)
        deliveries = self.client.dequeue(queues, r.choice((1, 1, 3, 10)), r.choice((0, 20, 150)),
                                         lease, vanish)
        if vanish:
            raise Gone
        kind = r.random()
        if kind < 0.55:
            if deliveries:
                self.client.ack([m["receipt"] for m in deliveries])
        else:
            for m in deliveries:
                self.settle(m, lease)

    def settle(self, m, lease):
        r, receipt, client = self.random, m["receipt"], self.client
        kind = r.random()
        if kind < 0.45:
            client.ack([receipt])
        elif kind < 0.60:
            client.settle("NACK", receipt, "REASON", "because")
        elif kind < 0.68:
            delay = r.randrange(1, 200)
            client.settle("NACK", receipt, "DELAY", delay, delay=delay)
        elif kind < 0.70:
            client.settle("NACK", receipt, "DEAD", dead=1)
        elif kind < 0.78:
            client.settle("REQUEUE", receipt)
        elif kind < 0.86:
            client.settle("EXTEND", receipt, 500)
            client.ack([receipt])
        elif kind < 0.90:
            client.remove(m["id"])
        elif kind < 0.93:
            time.sleep(0.45)  # Its lease is over, unless it was tied.
            client.ack([receipt])
        elif kind < 0.95:
            client.close()
            raise Gone
        # Else it is forgotten.


class Checker(Work):
    def step(self):
        who = f"w{self.random.randrange(3)}"
        cost = self.random.choice((1, 1, 2, 5))
        self.client.check("api", f"kept={who}", "kept", who, cost)
        if self.chance(0.3):
            self.client.check("out", "pool=one", "pool", "*", 1)
        time.sleep(self.random.random() * 0.01)


class Judge(Client):
    """Asks what the queues say of themselves, and empties them."""

    def counts(self):
        waiting = 0
        for queue in (*QUEUES, "turns"):
            begin, end, answer = self.ask("QUEUE", "STATS", queue)
            if isinstance(answer, Exception):
                assert str(answer).startswith("NOTFOUND"), answer
                continue
            row = record_of(answer)
            waiting += row["ready"] + row["delayed"] + row["leased"]
            if queue == "fleeting":
                continue  # What it forgot is in no total.
            states = {name: row[name] for name in ("ready", "delayed", "leased", "dead")}
            gone = sum(row[name] for name in ("acked", "expired", "removed", "purged"))
            self.recorder.line("counts", begin, end, queue, enqueued=row["enqueued"], gone=gone,
                               **states)
        return waiting

    def drain(self):
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            deliveries = self.dequeue((*QUEUES, "turns"), 200, 200, 10_000)
            if deliveries:
                self.ack([m["receipt"] for m in deliveries])
            elif self.counts() == 0:
                return
        raise AssertionError("the queues are not empty after a minute")

    def pile(self):
        """Work of every key of `turns`, one key behind the other."""
        self.enqueue([{"queue": "turns", "key": key, "body": f"{self.name}-{key}-{i}"}
                      for key, weight in TURNS.items() for i in range(weight * TURNS_EACH)])

    def take_turns(self):
        """Behind a pile(): less than any key has, so all have work in all this time. It begins before the first
        delivery and ends behind the last by more than the checker allows clocks to differ."""
        begin, taken, most = now(), [], TURNS_EACH * sum(TURNS.values()) // 3
        time.sleep(0.003 * SKEW_MS)
        while len(taken) < most:
            deliveries = self.dequeue(["turns"], min(3, most - len(taken)), 1000, 60_000)
            assert deliveries, f"{self.name}: what was piled up is not there"
            taken += deliveries
        time.sleep(0.003 * SKEW_MS)
        end = now()
        for key, weight in TURNS.items():
            self.recorder.line("backlog", begin, end, "turns", key, weight=weight)
        self.ack([m["receipt"] for m in taken])

    def limits(self):
        """What the limits of keyed deliveries say that is held, and left."""
        for tenant in range(4):
            begin, end, rows = self.ask("WHY", "out", f"tenant=t{tenant}")
            assert isinstance(rows, list), rows
            for row in map(record_of, rows):
                name, left = row["name"].decode(), row["remaining"]
                if name == "jobs":
                    self.recorder.line("held", begin, end, name, f"t{tenant}", row["limit"] - left)
                else:
                    self.recorder.line("left", begin, end, name, f"t{tenant}", left)

    def redrive(self, queue):
        begin, end, answer = self.ask("REDRIVE", queue)
        assert isinstance(answer, int), answer
        self.recorder.line("redrive", begin, end, "ok", queue)

    def dead_letters(self):
        count = 0
        for queue in (*QUEUES, "turns"):
            after = []
            while True:
                _, _, rows = self.ask("DEAD", queue, "COUNT", 500, *after)
                if isinstance(rows, Exception) or not rows:
                    break
                for row in map(record_of, rows):
                    self.recorder.line("present", now(), queue, word(row["id"]), "dead")
                    after = ["AFTER", row["id"]]
                    count += 1
        self.recorder.line("drained", now())
        return count


class Lives:
    """The server, from start to start on one port and one data directory."""

    def __init__(self, folder, recorder, config=CONFIG, arguments=(), environment=None):
        folder.mkdir(exist_ok=True)
        self.folder, self.recorder, self.config = folder, recorder, config
        self.arguments, self.environment = arguments, environment
        self.port = self.judges = 0
        self.server = None
        self.within = None  # Milliseconds from a start to the first delivery: while clients ask.

    def start(self, wait=True):
        begin = now()
        self.server = Server(self.folder, self.arguments, self.config, self.environment,
                             f"127.0.0.1:{self.port}", wait)
        if wait:
            assert self.server.ports, self.server.log_text()[-2000:]
            self.port = self.server.ports["tcp"]
        self.recorder.line("start", begin, now(), within=self.within)

    def kill(self):
        assert self.server.process.poll() is None, "it died: " + self.server.log_text()[-2000:]
        self.recorder.line("kill", now())
        self.server.process.kill()
        self.server.process.wait()
        self.server.stop()

    def stop(self):
        begin = now()
        self.server.process.send_signal(signal.SIGTERM)
        assert self.server.wait() == 0, self.server.log_text()[-2000:]
        self.recorder.line("stop", begin, now())
        self.server.stop()

    def judge(self, *what):
        """One that does what it is told, over a connection of its own."""
        self.judges += 1
        judge = Judge(f"judge{self.judges}", self.port, self.recorder)
        judge.connect()
        for step in what:
            step(judge)
        judge.close()

    def settle(self):
        """Nothing else loads it any more: it is emptied, and says what it has counted."""
        self.judge(Judge.pile, Judge.limits, Judge.drain, Judge.dead_letters, Judge.counts, Judge.limits)
        assert self.server.process.poll() is None


class Load:
    """The client processes: from start() to stop() they work, whatever happens to the server."""

    KINDS = ((Producer, "p1"), (Producer, "p2"), (Checker, "c1"), (Checker, "c2"),
             *((Consumer, f"w{i}") for i in range(5)))

    def __init__(self, port, folder, seed):
        self.event = FORK.Event()
        self.works = [FORK.Process(target=self.work, args=(kind, name, port, folder, seed))
                      for kind, name in self.KINDS]

    def work(self, kind, name, port, folder, seed):
        kind(name, port, folder, seed, self.event).run()

    def start(self):
        for work in self.works:
            work.start()

    def stop(self):
        self.event.set()
        for work in self.works:
            work.join(60)
        assert [work.exitcode for work in self.works] == [0] * len(self.works)

    def kill(self):
        self.event.set()
        for work in self.works:
            if work.is_alive():
                work.kill()
            if work.pid is not None:
                work.join()


def check(*arguments):
    return subprocess.run([BINARY, "check", *map(str, arguments)], capture_output=True, text=True, timeout=300)
