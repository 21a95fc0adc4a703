"""Speed: enqueues, cycles, and how long an answer takes, beside peers."""
import pathlib
import shutil
import tempfile

import queue_peers
import servers
from queue_measure import LOAD_CORE, SERVER_CORE, Series, loaded, number, run_bare, table, throughput

CONNECTIONS, BODY = 50, 128


class Contender:
    """A server that can be started anew for each measurement, and the load that it is put under."""

    def __init__(self, name, start, **load):
        self.series, self.start, self.load = Series(name), start, load

    def measure(self, folder, verb, pin=(), **load):
        place = pathlib.Path(tempfile.mkdtemp(dir=folder))
        server = None
        try:
            server = self.start(place)
            if server is None:
                self.series.note = "not measured: it could not be had"
                return
            outcome = loaded(server, verb, connections=CONNECTIONS, body=BODY, pin=pin, **self.load, **load)
            if not outcome["operations"]:
                raise RuntimeError(f"nothing was done in {outcome['seconds']:.1f} s")
            self.series.add(outcome)
        except RuntimeError as error:
            self.series.note = f"not measured: {error}"
        finally:
            if server:
                server.stop()
            shutil.rmtree(place, ignore_errors=True)


def ours(durability, threads=2, pin=()):
    return lambda place: servers.ratelimmq(place, threads, flags=("--durability", durability), pin=pin)


def alternate(contenders, rounds, folder, verb, **load):
    for _ in range(rounds):
        for contender in contenders:
            contender.measure(folder, verb, **load)
    return [contender.series for contender in contenders]


def durable(place_of):
    return lambda place: place_of(place, True)


def fleeting(place_of, pin=()):
    return lambda place: place_of(place, False, pin)


def enqueue(run):
    lines = []
    for pipeline in (64, 1):
        contenders = [
            Contender("Redis LPUSH, appendfsync always", durable(queue_peers.redis), peer="redis"),
            Contender("ratelimmq, fsync", ours("fsync")),
            Contender("ratelimmq, fsync, 16 queues", ours("fsync"), queues=16),
            Contender("Redis XADD, appendfsync always", durable(queue_peers.redis), peer="redis-stream"),
            Contender("beanstalkd -f0", durable(queue_peers.beanstalkd), peer="beanstalkd"),
            Contender("NATS JetStream, sync_interval always", durable(queue_peers.nats), peer="nats"),
            Contender("RabbitMQ, quorum queue", durable(queue_peers.rabbitmq), peer="rabbitmq"),
        ]
        series = alternate(contenders, run.rounds, run.folder, "enqueue", pipeline=pipeline, seconds=run.seconds)
        lines += throughput(
            f"Durable enqueue, {how(pipeline)}",
            f"{BODY}-byte bodies, {CONNECTIONS} connections, one queue unless said; an answer is synced to the disk. "
            "Ours: 2 threads. Nothing is pinned.", series, series[0])
    return lines


def how(pipeline):
    return "one request at a time" if pipeline == 1 else f"pipelined by {pipeline}"


def enqueue_weaker(run):
    lines = []
    for pipeline in (64, 1):
        contenders = [
            Contender("Redis LPUSH, no file", fleeting(queue_peers.redis), peer="redis"),
            Contender("ratelimmq, os", ours("os")),
            Contender("ratelimmq, memory", ours("memory")),
            Contender("Redis XADD, no file", fleeting(queue_peers.redis), peer="redis-stream"),
            Contender("beanstalkd, no log", fleeting(queue_peers.beanstalkd), peer="beanstalkd"),
        ]
        series = alternate(contenders, run.rounds, run.folder, "enqueue", pipeline=pipeline,
                           seconds=run.seconds / 2)
        lines += throughput(
            f"Enqueue without a sync, {how(pipeline)}",
            "As above, but: ours `os` (written to the system) and `memory`; the peers keep no file.",
            series, series[0])
    return lines


def latency(run):
    """Open loop: requests leave at a steady rate; a span counts from when it was due to leave."""
    lines = []
    for pipeline in (64, 1):
        top = Contender("closed loop", ours("fsync"))
        alternate([top], 3, run.folder, "enqueue", pipeline=pipeline, seconds=run.seconds / 2)
        rate = top.series.median("rate") / 2
        mine, bare = Contender("ratelimmq, fsync", ours("fsync")), Series("bare write + fdatasync loop")
        # A record of such a message is 240 bytes long (log_bytes_total over log_records_total).
        for _ in range(run.rounds):
            mine.measure(run.folder, "enqueue", pipeline=pipeline, rate=rate, seconds=run.seconds)
            bare.add(run_bare(run.folder, rate, pipeline, BODY + 112, run.seconds))
        us = lambda value: f"{value:.0f}"
        ratio = mine.series.median("p99_us") / bare.median("p99_us")
        lines += [[f"{one.name}, {how(pipeline)}", f"{number(rate)}/s", one.spread("p50_us", us),
                   one.spread("p99_us", us), f"{ratio:.2f}" if one is mine.series else "1"]
                  for one in (bare, mine.series)]
    return table("How long a durable enqueue takes at half load",
                 f"{CONNECTIONS} connections; requests leave at half the rate that a closed loop reached, batches "
                 "together when pipelined; from the instant when it was due to leave. The bare loop writes and syncs "
                 "all that is there at once, into a preallocated file, without a network.",
                 ["", "rate", "p50, µs", "p99, µs", "p99 to bare"], lines)


def cycles(run):
    contenders = [Contender("ratelimmq, fsync, one queue", ours("fsync")),
                  Contender("ratelimmq, fsync, 16 queues", ours("fsync"), queues=16)]
    series = alternate(contenders, run.rounds, run.folder, "cycle", pipeline=100, count=100, overlap=1,
                       seconds=run.seconds)
    return throughput("Durable full cycles",
                      "Each connection sends 100 ENQUEUE, a DEQUEUE COUNT 100 and the ACK of 100 at once; a cycle is a "
                      "message that went all the way, three synced records. 2 threads, nothing is pinned.",
                      series, series[0])


def memory_cycles(run):
    lines = []
    for pipeline in (64, 1):
        contenders = [
            Contender("beanstalkd, no log: put, reserve, delete", fleeting(queue_peers.beanstalkd, SERVER_CORE),
                      peer="beanstalkd"),
            Contender("Redis, no file: LPUSH, RPOP", fleeting(queue_peers.redis, SERVER_CORE), peer="redis"),
            Contender("ratelimmq, memory: ENQUEUE, DEQUEUE, ACK", ours("memory", 1, SERVER_CORE)),
        ]
        if pipeline > 1:
            contenders += [
                Contender(f"Redis, no file: LPUSH, RPOP of {pipeline}", fleeting(queue_peers.redis, SERVER_CORE),
                          peer="redis", count=pipeline),
                Contender(f"ratelimmq, memory: ENQUEUE, DEQUEUE and ACK of {pipeline}",
                          ours("memory", 1, SERVER_CORE), count=pipeline)]
        series = alternate(contenders, run.rounds, run.folder, "cycle", pipeline=pipeline, seconds=run.seconds / 2,
                           pin=LOAD_CORE)
        lines += throughput(f"Full cycles in memory, one thread, {how(pipeline)}",
                            "Each server on core 0, the load on core 1.", series, series[0])
    return lines
