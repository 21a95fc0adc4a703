"""What a load did: operations a second as the client counts them, and what the server spent on them."""
import json
import pathlib
import statistics
import subprocess

import servers

LOAD_CORE = ["taskset", "-c", "1"]
SERVER_CORE = ["taskset", "-c", "0"]


TALKS = {"ratelimmq": "resp", "redis": "redis", "redis-stream": "redis-stream", "beanstalkd": "beanstalk",
         "nats": "nats", "rabbitmq": "rabbit"}
# Names of options where `ratelimmq bench` has others.
NAMES = {"count": "messages", "operations": "count"}


def words_of(options):
    """`seconds`, `rate`, `dedup`, `keys` and so on as flags of `ratelimmq bench`."""
    words = []
    for name, value in options.items():
        if name == "seconds":
            words += ["--for", f"{round(value * 1000)}ms", "--warm-up", "0s"]
        elif name == "rate":
            words += ["--rate", f"{round(value)}/s"]
        elif name == "keys":
            words += ["--keys", str(value), "--keys-like", "turn"]
        elif name in ("dedup", "overlap"):
            words += [f"--{name}"] if value else []
        else:
            words += [f"--{NAMES.get(name, name)}", str(value)]
    return words


def run_load(verb, *, port, peer="ratelimmq", pin=(), **options):
    """What `ratelimmq bench` measured: enqueue; cycle: in, out, acknowledged; drain: out, acknowledged."""
    words = ["--talk", TALKS[peer], "--work", "dequeue" if verb == "drain" else verb, *words_of(options)]
    done = subprocess.run([*pin, str(servers.BINARY), "bench", f"127.0.0.1:{port}", *words, "--json"],
                          capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"bench {' '.join(words)}: {(done.stderr + done.stdout).strip()}")
    outcome = json.loads(done.stdout)
    spread = outcome["latency_us"]
    return {**outcome, "p50_us": spread["p50"], "p99_us": spread["p99"], "p999_us": spread["p99.9"],
            "longest_us": spread["max"]}


def run_bare(folder, rate, together, message_bytes, seconds):
    """The same fields of bare_log: a write and a sync, without a server."""
    words = [str(folder), str(round(rate)), str(together), str(message_bytes), str(seconds)]
    done = subprocess.run([str(servers.BINARY.parent / "bench/bare_log"), *words], capture_output=True, text=True,
                          check=True)
    return json.loads(done.stdout)


def running_seconds(server):
    """Time on a core of all threads there are, to the nanosecond: for spans of a few milliseconds."""
    total = 0
    for pid in server.pids():
        for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
            total += int((task / "schedstat").read_text().split()[0])
    return total / 1e9


def loaded(server, verb, *, clock=None, pin=(), **options):
    """The load's own words, and `cpu_us`: the server's time for each operation."""
    clock = clock or servers.Server.cpu_seconds
    before = clock(server)
    outcome = run_load(verb, port=server.port, pin=pin, **options)
    outcome["cpu_us"] = (clock(server) - before) * 1e6 / max(1, outcome["operations"])
    return outcome


def number(value):
    if value >= 1e4:
        return f"{value / 1e3:.0f} k"
    if value >= 1e3:
        return f"{value / 1e3:.1f} k"
    return f"{value:.3g}"


class Series:
    """One line of a table: the outcomes of its rounds."""

    def __init__(self, name, note=None):
        self.name, self.note, self.outcomes = name, note, []

    def add(self, outcome):
        self.outcomes.append(outcome)

    def median(self, what):
        return statistics.median(outcome[what] for outcome in self.outcomes)

    def spread(self, what, text=number):
        values = [outcome[what] for outcome in self.outcomes]
        return f"{text(statistics.median(values))} ({text(min(values))}–{text(max(values))})"


def table(title, words, head, lines):
    out = [f"### {title}", ""]
    if words:
        out += [words, ""]
    out += ["| " + " | ".join(head) + " |", "|" + "---|" * len(head),
            *("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines), ""]
    print("\n".join(out), flush=True)
    return out


def throughput(title, words, series, base):
    """Lines beside `base`: operations a second, server CPU of each, and how long an answer took."""
    lines = []
    for one in series:
        if not one.outcomes:
            lines.append([one.name, one.note or "not measured", "", "", ""])
            continue
        ratio, cost = (one.median(what) / base.median(what) for what in ("rate", "cpu_us"))
        lines.append([one.name, one.spread("rate"), f"{ratio:.2f}",
                      f"{one.spread('cpu_us', lambda v: f'{v:.2f}')}; {cost:.2f}",
                      f"{one.median('p50_us') / 1e3:.2f} / {one.median('p99_us') / 1e3:.2f}"])
    return table(title, words, ["", "a second, median (min–max)", f"ratio to {base.name}",
                                "server CPU of each, µs; ratio", "answer after, ms: p50 / p99"], lines)
