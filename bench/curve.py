"""Pictures of measurements as small SVG files: curves over a logarithmic axis, and bars. They follow the reader's
light or dark colours."""
import math

WIDTH, LEFT, RIGHT, BOTTOM, PLOT = 760, 72, 20, 56, 190
COLOURS = ("#3b82f6", "#16a34a", "#e11d48", "#d97706", "#8b5cf6", "#0891b2")
LIMIT = "#8b949e"  # What the machine sets, dashed.
STYLE = ("<style>text{fill:#1f2937}.f{fill:#6b7280}.g{stroke:#d1d5db;stroke-width:.6}.b{fill:#fff}"
         "@media(prefers-color-scheme:dark){text{fill:#e5e7eb}.f{fill:#9ca3af}.g{stroke:#374151}.b{fill:#0d1117}}"
         "</style>")


def text(x, y, words, size=12, kind="", anchor="start", colour=""):
    more = (f' class="{kind}"' if kind else "") + (f' style="fill:{colour}"' if colour else "")
    more += f' text-anchor="{anchor}"' if anchor != "start" else ""
    words = words.replace("&", "&amp;").replace("<", "&lt;")
    return f'<text x="{x:.0f}" y="{y:.0f}" font-size="{size}"{more}>{words}</text>'


def short(value):
    """10 k for 10,000."""
    for size, sign in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if value >= size:
            return f"{value / size:.3g}{sign}"
    return f"{value:.3g}"


def rounded_up(value):
    step = 10 ** math.floor(math.log10(value))
    return next(step * k for k in (1, 2, 5, 10) if step * k >= value * (1 - 1e-9))


def write(file, height, parts):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
                    f'font-family="sans-serif">{STYLE}<rect class="b" width="{WIDTH}" height="{height}"/>'
                    + "".join(parts) + "</svg>\n")


class Scale:
    """Where a value lies between two places; logarithmic, or from zero."""

    def __init__(self, low, high, begin, end, log):
        self.low, self.high, self.begin, self.end, self.log = low, high, begin, end, log

    def at(self, value):
        if self.log:
            share = math.log(value / self.low) / math.log(self.high / self.low) if self.high > self.low else 0.5
        else:
            share = value / self.high
        return self.begin + share * (self.end - self.begin)

    def ticks(self):
        if not self.log:
            return [self.high * k / 4 for k in range(5)]
        first, last = round(math.log10(self.low)), round(math.log10(self.high))
        return [10.0 ** k for k in range(first, last + 1, 1 + (last - first) // 8)]


def legend(lines, limits):
    """Words in their colours, as many in a row as fit, and how low they reach."""
    parts, x, y = [], LEFT, 46
    for i, words in enumerate(lines):
        wide = 7 * len(words) + 44
        if x > LEFT and x + wide > WIDTH - RIGHT:
            x, y = LEFT, y + 18
        parts.append(f'<line x1="{x}" y1="{y - 4}" x2="{x + 18}" y2="{y - 4}" {stroke(i, words in limits)}/>')
        parts.append(text(x + 24, y, words))
        x += wide
    return parts, y


def stroke(i, is_limit):
    if is_limit:
        return f'stroke="{LIMIT}" stroke-width="2" stroke-dasharray="5 4"'
    return f'stroke="{COLOURS[i % len(COLOURS)]}" stroke-width="2"'


def draw(file, title, lines, label, *, log_y=False, limits=()):
    """`lines`: words → [(x, y)…]; those in `limits` are what the machine sets. y begins at zero, if not `log_y`."""
    xs = sorted({x for points in lines.values() for x, _ in points})
    ys = [y for points in lines.values() for _, y in points if y > 0]
    parts, low_legend = legend(lines, limits)
    top, bottom = low_legend + 20, low_legend + 20 + PLOT
    low = 10.0 ** math.floor(math.log10(min(ys))) if log_y else 0
    high = 10.0 ** math.ceil(math.log10(max(ys)) - 1e-9) if log_y else rounded_up(max(ys))
    across, up = Scale(xs[0], xs[-1], LEFT, WIDTH - RIGHT, True), Scale(low, high, bottom, top, log_y)
    parts.append(text(LEFT, 22, title, 15))
    for y in up.ticks():
        parts.append(f'<line class="g" x1="{LEFT}" y1="{up.at(y):.1f}" x2="{WIDTH - RIGHT}" y2="{up.at(y):.1f}"/>')
        parts.append(text(LEFT - 8, up.at(y) + 4, short(y), 11, "f", "end"))
    for i, x in enumerate(xs):
        if i == 0 or across.at(x) - across.at(xs[i - 1]) > 34 or i == len(xs) - 1:
            parts.append(text(across.at(x), bottom + 18, short(x), 11, "f", "middle"))
    parts.append(text((LEFT + WIDTH - RIGHT) / 2, bottom + 42, label, 12, "", "middle"))
    for i, (words, points) in enumerate(lines.items()):
        path = " ".join(f"{across.at(x):.0f},{up.at(y):.1f}" for x, y in points)
        parts.append(f'<polyline points="{path}" fill="none" {stroke(i, words in limits)}/>')
        if words not in limits:
            parts += [f'<circle cx="{across.at(x):.0f}" cy="{up.at(y):.1f}" r="3" fill="{COLOURS[i % len(COLOURS)]}"/>'
                      for x, y in points]
    write(file, bottom + BOTTOM, parts)


def bars(file, title, rows, label):
    """`rows`: (words, value, whether it is ours)."""
    left, step, top = min(430, 30 + 7 * max(len(words) for words, _, _ in rows)), 22, 40
    most = max(value for _, value, _ in rows)
    parts = [text(12, 22, title, 15)]
    for i, (words, value, is_ours) in enumerate(rows):
        y, wide = top + i * step, (WIDTH - left - 70) * value / most
        parts.append(text(left - 8, y + 12, words, 12, "", "end"))
        parts.append(f'<rect x="{left}" y="{y}" width="{max(1, wide):.0f}" height="15" rx="2" '
                     f'fill="{COLOURS[0] if is_ours else LIMIT}"/>')
        parts.append(text(left + wide + 6, y + 12, short(value), 12, "f"))
    parts.append(text(left, top + len(rows) * step + 14, label, 11, "f"))
    write(file, top + len(rows) * step + 26, parts)
