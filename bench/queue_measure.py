"""What a load did: operations a second as the client counts them, and what the server spent on them."""
import json
import pathlib
import statistics
import subprocess

import servers

LOAD_CORE = ["taskset", "-c", "1"]
SERVER_CORE = ["taskset", "-c", "0"]


def load_binary():
    return servers.BINARY.parent / "bench/queue_load"


def run_load(verb, *, pin=(), **options):
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    done = subprocess.run([*pin, str(load_binary()), verb, *words], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"queue_load {verb} {' '.join(words)}: {done.stderr.strip()}")
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
