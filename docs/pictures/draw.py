#!/usr/bin/env python3
"""Draws the pictures of docs/algorithms.md: `python3 docs/pictures/draw.py` rewrites the SVG files
beside it. Each law is played, in fractions, against the same arrivals, so that the curves are
what the law does and not what somebody thinks it does."""

from fractions import Fraction as F
from pathlib import Path

WIDTH, LEFT, RIGHT, TOP = 760, 54, 16, 44
INK, FAINT, CURVE, FILL, YES, NO = "#1f2937", "#9ca3af", "#2563eb", "#dbeafe", "#15803d", "#dc2626"
SECONDS = 12
N = 4  # Burst, count of a window, cap.
WINDOW = 4  # Seconds.
# Six at once on an idle key, some singles, then bursts on both sides of the window edge at 8 s.
ARRIVALS = [F(1, 2), F(6, 10), F(7, 10), F(8, 10), F(9, 10), F(1), F(22, 10), F(31, 10),
            F(72, 10), F(74, 10), F(76, 10), F(78, 10), F(79, 10),
            F(82, 10), F(84, 10), F(86, 10), F(88, 10), F(10), F(112, 10)]


class Picture:
    def __init__(self, title, height, top_value):
        self.height, self.base = height, height - 74
        self.unit = F(self.base - TOP, 1) / F(top_value)
        self.parts = []
        self.text(LEFT, 22, title, size=15, weight="bold")

    def x(self, t):
        return float(LEFT + F(t) * (WIDTH - LEFT - RIGHT) / SECONDS)

    def y(self, value):
        return float(self.base - F(value) * self.unit)

    def text(self, x, y, words, size=12, colour=INK, anchor="start", weight="normal"):
        self.parts.append(f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{colour}" '
                          f'text-anchor="{anchor}" font-weight="{weight}">{words}</text>')

    def line(self, x1, y1, x2, y2, colour=INK, width=1.0, dash=""):
        dashes = f' stroke-dasharray="{dash}"' if dash else ""
        self.parts.append(f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" '
                          f'stroke="{colour}" stroke-width="{width}"{dashes}/>')

    def box(self, x, y, width, height, colour, edge="none"):
        self.parts.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" '
                          f'rx="2" fill="{colour}" stroke="{edge}"/>')

    def axes(self, values, label):
        for t in range(SECONDS + 1):
            self.line(self.x(t), self.base, self.x(t), self.base + 4)
            self.text(self.x(t), self.base + 17, f"{t} s", 11, FAINT, "middle")
        self.line(self.x(0), self.base, self.x(SECONDS), self.base)
        for value in values:
            self.text(LEFT - 8, self.y(value) + 4, value, 11, FAINT, "end")
        self.text(LEFT, TOP - 6, label, 11, FAINT)

    def limit(self, value, words):
        self.line(self.x(0), self.y(value), self.x(SECONDS), self.y(value), NO, 1.2, "6 4")
        self.text(self.x(SECONDS), self.y(value) - 5, words, 11, NO, "end")

    def edges(self):
        for t in range(0, SECONDS + 1, WINDOW):
            self.line(self.x(t), TOP, self.x(t), self.base, FAINT, 1, "2 4")

    def curve(self, points):
        path = " ".join(f"{self.x(t):.1f},{self.y(v):.1f}" for t, v in points)
        floor = f"{self.x(points[-1][0]):.1f},{self.base} {self.x(points[0][0]):.1f},{self.base}"
        self.parts.append(f'<polygon points="{path} {floor}" fill="{FILL}"/>')
        self.parts.append(f'<polyline points="{path}" fill="none" stroke="{CURVE}" '
                          'stroke-width="2"/>')

    def arrivals(self, decisions):
        y = self.base + 36
        for t, allowed in decisions:
            fill, edge = (YES, YES) if allowed else ("white", NO)
            self.parts.append(f'<circle cx="{self.x(t):.1f}" cy="{y}" r="4.5" fill="{fill}" '
                              f'stroke="{edge}" stroke-width="1.6"/>')
        admitted = sum(allowed for _, allowed in decisions)
        self.text(LEFT, self.height - 12, f"arrivals: {admitted} allowed (filled), "
                  f"{len(decisions) - admitted} refused (rings)", 11)

    def save(self, name):
        body = "\n".join(self.parts)
        Path(__file__).with_name(name).write_text(
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {self.height}" '
            f'width="{WIDTH}" height="{self.height}" font-family="sans-serif">\n'
            f'<rect width="{WIDTH}" height="{self.height}" fill="white"/>\n{body}\n</svg>\n')


def play(used, charge):
    """Asks for one unit at each arrival. `used(t)` are the units in use, `charge(t)` takes one."""
    decisions = []
    for t in ARRIVALS:
        allowed = used(t) + 1 <= N
        if allowed:
            charge(t)
        decisions.append((t, allowed))
    return decisions


def sampled(used_before, instants):
    """The curve through `instants`: the value on arriving there and the value on leaving."""
    points = []
    for t in sorted(instants):
        points += [(t, used_before(t, False)), (t, used_before(t, True))]
    return points


def gcra():
    picture = Picture("GCRA: 1 unit a second, burst 4", 300, 5)
    tat = F(0)
    points, decisions = [(F(0), F(0))], []
    for t in ARRIVALS:
        if points[-1][1] > 0 and points[-1][0] + points[-1][1] < t:
            points.append((points[-1][0] + points[-1][1], F(0)))
        ahead = max(tat - t, F(0))
        points.append((t, ahead))
        allowed = ahead + 1 <= N
        if allowed:
            tat = max(tat, t) + 1
            points.append((t, tat - t))
        decisions.append((t, allowed))
    points.append((F(SECONDS), max(tat - SECONDS, F(0))))
    picture.curve(points)
    picture.axes(range(N + 1), "how far the TAT lies ahead of now, in units")
    picture.limit(N, "tolerance = burst")
    first = next(t for t, allowed in decisions if not allowed)
    picture.text(picture.x(first) + 12, picture.y(F(46, 10)) + 2,
                 "allowed while one more unit stays under the line", 11)
    picture.text(picture.x(F(51, 10)), picture.y(F(24, 10)), "leaks at the rate", 11, CURVE)
    picture.arrivals(decisions)
    picture.save("gcra.svg")


def fixed_window():
    picture = Picture("Fixed window: 4 units in each 4 s", 300, 5)
    charges = []

    def used(t, now=True):
        window = (t if now else t - F(1, 99)) // WINDOW
        return sum(1 for c in charges if c // WINDOW == window and (c < t or (now and c == t)))

    decisions = play(used, charges.append)
    picture.curve(sampled(used, set(ARRIVALS) | set(map(F, range(0, SECONDS + 1, WINDOW)))))
    picture.edges()
    picture.axes(range(N + 1), "units used in the window")
    picture.limit(N, "N")
    near = [t for t, allowed in decisions if allowed and 7 <= t <= 9]
    y = picture.y(F(46, 10))
    picture.line(picture.x(near[0]), y, picture.x(near[-1]), y, INK, 1.4)
    picture.text((picture.x(near[0]) + picture.x(near[-1])) / 2, y - 5,
                 f"{len(near)} units within {float(near[-1] - near[0]):.1f} s", 11, INK, "middle")
    picture.arrivals(decisions)
    picture.save("fixed_window.svg")


def sliding_counter():
    picture = Picture("Sliding window counter: 4 units a sliding 4 s, estimated", 300, 5)
    charges = []

    def estimate(t, now=True):
        seen = [c for c in charges if c < t or (now and c == t)]
        start = t // WINDOW * WINDOW
        current = sum(1 for c in seen if c >= start)
        previous = sum(1 for c in seen if start - WINDOW <= c < start)
        return F(previous) * (WINDOW - (t - start)) / WINDOW + current

    decisions = play(estimate, charges.append)
    picture.curve(sampled(estimate, set(ARRIVALS) | set(map(F, range(0, SECONDS + 1)))))
    picture.edges()
    picture.axes(range(N + 1), "older window · its share still covered + current window")
    picture.limit(N, "N")
    picture.text(picture.x(F(49, 10)), picture.y(F(34, 10)), "the older window slides out", 11,
                 CURVE)
    picture.arrivals(decisions)
    picture.save("sliding_counter.svg")


def sliding_log():
    picture = Picture("Sliding window log: 4 units in any 4 s, exactly", 330, 5)
    charges = []
    used = lambda t: sum(1 for c in charges if c > t - WINDOW)
    decisions = play(used, charges.append)
    lanes = [F(-1)] * N
    for charge in charges:
        lane = next(i for i, until in enumerate(lanes) if until <= charge)
        lanes[lane] = charge + WINDOW
        end = min(charge + WINDOW, F(SECONDS))
        picture.box(picture.x(charge), picture.y(lane + F(85, 100)),
                    picture.x(end) - picture.x(charge) - 1.5, float(picture.unit) * 0.7, FILL, CURVE)
    picture.axes([], "one bar a charge: it counts from its instant until one window later")
    picture.limit(N, "N bars at most, at any instant")
    picture.arrivals(decisions)
    picture.save("sliding_log.svg")


def concurrency():
    picture = Picture("Concurrency: at most 3 holds, each for at most 5 s", 300, 4)
    # Taken, ended, how. Red: the holder vanished.
    holds = [(F(1, 2), F(3), "released"), (F(1), F(6), "its time is over"), (F(2), F(4), "released"),
             (F(34, 10), F(7), "released"), (F(5), F(10), "its time is over"),
             (F(68, 10), F(9), "released"), (F(95, 10), F(SECONDS), "")]
    asked = [F(25, 10), F(56, 10)]
    lanes = [F(-1)] * 3
    taken = []
    for start, end, how in holds:
        lane = next(i for i, until in enumerate(lanes) if until <= start)
        lanes[lane] = end
        taken.append((start, True))
        edge = NO if "over" in how else CURVE
        picture.box(picture.x(start), picture.y(lane + F(85, 100)),
                    picture.x(end) - picture.x(start) - 1.5, float(picture.unit) * 0.7, FILL, edge)
        picture.text(picture.x(end) - 7, picture.y(lane + F(4, 10)), how, 11, INK, "end")
    live = lambda t: sum(1 for start, end, _ in holds if start <= t < end)
    decisions = sorted(taken + [(t, live(t) < 3) for t in asked])
    picture.axes([], "one bar a hold, from take to release or to the end of its time")
    picture.limit(3, "cap")
    picture.arrivals(decisions)
    picture.save("concurrency.svg")


for draw in (gcra, fixed_window, sliding_counter, sliding_log, concurrency):
    draw()
