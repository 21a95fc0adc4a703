"""A load by wrk, rounds in turn, and the settings that several of the gateway's rows share."""
import contextlib
import os
import re
import subprocess
import sys
import time

from gateway_servers import HERE
from queue_measure import number

LIMIT, WINDOW_S = 10, 10
STORE = ('store: {{kind: redis, mode: strict, when_gone: refuse, redis: {{url: "redis://127.0.0.1:{port}", '
         'deadline: 2s}}}}\n')
# Long deadlines: on a machine that clients share, none may be answered without a decision.
INSTANCE = "gateway: {limiters: {deadline: 5s}}\n"
GATEWAY = 'gateway: {{limiters: {{deadline: 5s}}, client_address: {{trusted_proxies: [127.0.0.0/8]}}, {more}}}\n'


def us(value):
    return f"{value:.1f}"


def alternate(run, contenders):
    """Rounds of (series, measure) in turn; what fails says so in its line."""
    for _ in range(run.rounds):
        for one, measure in contenders:
            try:
                one.add(measure())
            except RuntimeError as error:
                one.name += f" (a round failed: {error})"
    return [one for one, _ in contenders]


def spread(one, what, text=number):
    return one.spread(what, text) if one.outcomes else "–"


def ratio(above, below, what):
    return f"{above.median(what) / below.median(what):.2f}" if above.outcomes and below.outcomes else "–"


def window(run, counts, clock):
    """What was counted in the midst of a load, after its first second; the CPU of it; the time."""
    time.sleep(1)
    before, cpu, began = counts(), clock(), time.monotonic()
    time.sleep(run.seconds)
    after, late_cpu, seconds = counts(), clock(), time.monotonic() - began
    counted = [late - early for late, early in zip(after, before)]
    if not counted[0]:
        raise RuntimeError("nothing was counted")
    return counted, late_cpu - cpu, seconds


@contextlib.contextmanager
def cores_awake():
    """Something of the lowest class runs on every core: a virtual machine's core that halts is given back by its
    host after milliseconds at times, which at a small load is all that a high quantile shows."""
    spinners = []
    try:
        for core in os.sched_getaffinity(0):
            spinners.append(subprocess.Popen([sys.executable, "-c", "while True: pass"]))
            os.sched_setaffinity(spinners[-1].pid, {core})
            os.sched_setscheduler(spinners[-1].pid, os.SCHED_IDLE, os.sched_param(0))
        yield
    finally:
        for one in spinners:
            one.kill()
            one.wait()


class Wrk:
    """A load that runs until it is stopped, or for its seconds."""

    def __init__(self, connections, seconds, url, script=None, arguments=(), pin=()):
        self.process = subprocess.Popen(
            [*pin, "wrk", "-t", "1", "-c", str(connections), "-d", f"{seconds}s",
             *(["-s", str(HERE / "wrk" / script)] if script else []), url,
             *(["--", *map(str, arguments)] if script else [])], stdout=subprocess.PIPE, text=True)

    def outcome(self):
        said = self.process.communicate()[0]
        done = re.search(r"(\d+) requests in", said)
        bad = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
        broken = re.search(r"Socket errors: (.*)", said)
        if broken and not re.fullmatch(r"connect 0, read 0, write 0, timeout \d+", broken[1]):
            raise RuntimeError(f"wrk: {broken[1]}")
        if not done:
            raise RuntimeError(f"wrk: {said.strip()}")
        return int(done[1]), int(bad[1]) if bad else 0
