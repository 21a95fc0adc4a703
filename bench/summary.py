"""docs/benchmarks.md: the one entry. It is made of the sections' own pages alone, so it can be written anew at any
time: what is beside whom, ratios with pictures, where a peer is ahead, what limits each."""
import re

import curve

# Page → (what it measures, the command that writes it).
SECTIONS = {
    "limiter": ("decisions over TCP and HTTP, in process; memory", "bench/run --only limiter"),
    "sweeps": ("curves over keys, connections, backlog, bodies, queues, instances", "bench/run --only sweeps"),
    "queue": ("enqueues, cycles, answers at half load, memory, restarts", "bench/run --only queue"),
    "dispatch": ("requests that we send, waiting ones, blocked hosts, rates", "bench/run --only dispatch"),
    "gateway": ("strict decisions, proxying, cached hashes, what a limit step adds", "bench/run --only gateway"),
}
CPU, RATE = "CPU", "a second"


class Comparison:
    """One of our lines in a table, and the peers' lines that have the words `beside` and lack the words `skip`.
    `column`: words in the column's head; `more`: more is better."""

    def __init__(self, section, title, ours, column, *, more=False, unit="µs", picture=None, beside="", skip=None):
        self.section, self.title, self.ours, self.column = section, title, ours, column
        self.more, self.unit, self.picture, self.beside, self.skip = more, unit, picture, beside, skip

    def is_peer(self, words):
        return "ratelimmq" not in words and self.beside in words and not (self.skip and self.skip in words)


COMPARISONS = [
    Comparison("limiter", "Decisions over TCP, one request at a time", "ratelimmq CL.THROTTLE, 1 thread", CPU,
               picture="limiter_tcp"),
    Comparison("limiter", "Decisions over TCP, pipelined by 32", "ratelimmq CL.THROTTLE, 1 thread", CPU,
               picture="limiter_pipelined"),
    Comparison("limiter", "Decisions over HTTP, kept alive", "ratelimmq POST /v1/check, 1 thread", CPU,
               picture="limiter_http"),
    Comparison("queue", "Durable enqueue, pipelined by 64", "ratelimmq, fsync", RATE, more=True, unit="a second",
               picture="queue_enqueue"),
    Comparison("queue", "Durable enqueue, one request at a time", "ratelimmq, fsync", RATE, more=True,
               unit="a second"),
    Comparison("queue", "Full cycles in memory, one thread, pipelined by 64",
               "ratelimmq, memory: ENQUEUE, DEQUEUE, ACK", CPU, skip="of 64", picture="queue_cycles"),
    Comparison("queue", "Full cycles in memory, one thread, pipelined by 64",
               "ratelimmq, memory: ENQUEUE, DEQUEUE and ACK of 64", CPU, beside="of 64"),
    Comparison("queue", "Full cycles in memory, one thread, one request at a time",
               "ratelimmq, memory: ENQUEUE, DEQUEUE, ACK", CPU),
    Comparison("dispatch", "Requests, 50 in flight", "ratelimmq fetch", "client CPU of each"),
    Comparison("dispatch", "Requests, 500 in flight", "ratelimmq fetch", "client CPU of each",
               picture="dispatch_requests"),
    *(Comparison("gateway", f"Strict decisions, {keys} keys", f"{law}: ratelimmq limiter", "Redis CPU of each",
                 beside=law) for keys in ("50,000", "1,000") for law in ("GCRA", "sliding window, exact")),
    *(Comparison("gateway", "Proxying with a local decision", f"ratelimmq serve, {size}", CPU, beside=size)
      for size in ("1KiB", "64KiB")),
    Comparison("gateway", "/compute_hash, computed before", "ratelimmq: gateway, 3 instances, Redis", CPU,
               picture="gateway_hash"),
]

LIMITS = """\
- One request at a time over TCP, the kernel's share of a request is most of it (a bare echo over loopback, in the
  curve over connections). Pipelined, it is parsing, the hash, and memory.
- In process: the hash, a lock and a division on few keys; the latency of memory on many, one at a time; in batches its
  bandwidth (the curve over keys).
- HTTP: reading and writing the heads.
- Durable enqueues: fdatasync, shared by all that wait for it (the curve over bodies); cycles in memory: three requests.
- Fetching: libcurl. The gateway: the exchange with an instance.
- The load shares the two cores with the server, so requests a second say less than CPU of each."""


def tables(text):
    """Title → (head, rows of cells)."""
    out, title = {}, None
    for line in text.splitlines():
        if line.startswith("### "):
            title = line[4:].strip()
        elif line.startswith("|") and title:
            cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
            if title not in out:
                out[title] = (cells, [])
            elif not set(line) <= set("|- "):
                out[title][1].append(cells)
    return out


def value(cell):
    """The first number of a cell: `12 k (11 k–13 k); 0.9` is 12000; None if there is none."""
    found = re.match(r"([\d.]+)( k| M)?", cell)
    return float(found[1]) * {" k": 1e3, " M": 1e6}.get(found[2], 1) if found else None


def measured(pages, one):
    """(words, value) of each line of a comparison's table, in its order; empty if it is not there."""
    head, rows = tables(pages.get(one.section, "")).get(one.title, ([], []))
    column = next((i for i, words in enumerate(head) if one.column in words), None)
    if column is None:
        return []
    return [(cells[0], value(cells[column]) if column < len(cells) else None) for cells in rows]


def said(number, unit):
    if unit == "µs":
        return f"{number:.3g} µs" if number < 1000 else f"{number:,.0f} µs"
    return f"{curve.short(number)} {unit}"


def lines_of(one, all_values):
    """Table lines of a comparison, and the ones where a peer is ahead."""
    mine = dict(all_values).get(one.ours)
    if not mine:
        return [], []
    lines, lost = [], []
    for words, number in all_values:
        if number is None or not one.is_peer(words):
            continue
        times = mine / number if one.more else number / mine
        ours, theirs = said(mine, one.unit), said(number, one.unit)
        lines.append(f"| {one.title} | {one.ours}: {ours} | {words}: {theirs} | {times:.2f} |")
        if times < 1:
            lost.append((times, f"- {one.title}: {words}, {1 / times:.2f} times ({theirs} beside our {ours})."))
    return lines, lost


def draw(pictures, one, all_values):
    rows = [(words, number, "ratelimmq" in words)
            for words, number in all_values if number]
    words = f"{one.unit}, more is better" if one.more else f"CPU of each, {one.unit}, less is better"
    curve.bars(pictures / f"{one.picture}.svg", one.title, rows, words)
    return [f"![{one.title}](pictures/{one.picture}.svg)", ""]


def dated(page):
    found = re.search(r"20\d\d-\d\d-\d\d", page)
    return found[0] if found else "–"


def page(pages, pictures):
    """The entry's text, from the sections' pages by name; pictures are written beside it."""
    rows, lost, shown, absent = [], [], [], []
    for one in COMPARISONS:
        values = measured(pages, one)
        lines, behind = lines_of(one, values)
        rows, lost = rows + lines, lost + behind
        if lines and one.picture:
            shown += draw(pictures, one, values)
    for name, text in pages.items():
        for title, (_, cells) in tables(text).items():
            absent += [f"- {title}: {row[0]}: {row[1]}." for row in cells if len(row) > 1 and
                       row[1].startswith("not measured")]
    machine = [line for line in pages.get("limiter", "").splitlines() if line.startswith("- ")]
    sections = [f"| [{name}](benchmarks-{name}.md) | {what} | `{command}` | {dated(pages[name])} |"
                if name in pages else f"| {name} | {what} | `{command}` | not run yet |"
                for name, (what, command) in SECTIONS.items()]
    curves = re.findall(r"^!\[.*$", pages.get("sweeps", ""), re.M)
    return "\n".join([
        "# Benchmarks", "",
        "Written by `bench/run`; run it to get your own. It installs the peers it can get (Debian's packages, crates, "
        "Go modules, PyPI), runs every row beside them on one machine, and writes these pages. Rounds alternate "
        "between the contenders; a number is the median of the rounds, with the smallest and the largest. The load "
        "shares the machine's cores with the server, so the number to compare is the server's CPU time of an "
        "operation. Each page says what is pinned, how durable an answer is, and with which settings.", "",
        "| page | what | command | run on |", "|---|---|---|---|", *sections, "",
        "## Machine, versions, settings", "", *machine, "",
        "## Ratios", "",
        "Above 1 we are ahead, below 1 the peer is.", "",
        "| | ours | beside | ratio |", "|---|---|---|---|", *rows, "", *shown,
        "## Where a peer is ahead", "",
        *([words for _, words in sorted(lost)] or ["Nowhere in these rows."]), "",
        "## Curves", "", "Dashed is what the machine sets, measured by the bare sketches of `bench/limits/`. Numbers: "
        "[sweeps](benchmarks-sweeps.md).", "", *(line for picture in curves for line in (picture, "")),
        "## What limits", "", LIMITS, "",
        "## Peers that could not be measured", "", *(sorted(set(absent)) or ["All were."]), ""])
