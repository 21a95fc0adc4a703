"""A curve as an SVG file: several lines over a logarithmic axis, each in a colour with its words."""
import math

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 760, 300, 64, 16, 64, 56
INK, FAINT, COLOURS = "#1f2937", "#9ca3af", ("#2563eb", "#15803d", "#dc2626", "#b45309")


def text(x, y, words, size=12, colour=INK, anchor="start", weight="normal"):
    return (f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{colour}" text-anchor="{anchor}" '
            f'font-weight="{weight}">{words}</text>')


def rounded_up(value):
    step = 10 ** math.floor(math.log10(value))
    return next(step * k for k in (1, 2, 5, 10) if step * k >= value)


def draw(file, title, lines, label):
    """`lines`: words → [(x, y)…]. y begins at zero."""
    xs = sorted({x for points in lines.values() for x, _ in points})
    top = rounded_up(max(y for points in lines.values() for _, y in points))
    low, high = math.log10(xs[0]), math.log10(xs[-1])

    def at_x(x):
        return LEFT + (math.log10(x) - low) / (high - low) * (WIDTH - LEFT - RIGHT)

    def at_y(y):
        return HEIGHT - BOTTOM - y / top * (HEIGHT - TOP - BOTTOM)

    parts = [text(LEFT, 22, title, 15, weight="bold")]
    for k in range(5):
        y = top * k / 4
        parts.append(f'<line x1="{LEFT}" y1="{at_y(y):.1f}" x2="{WIDTH - RIGHT}" y2="{at_y(y):.1f}" '
                     f'stroke="{FAINT}" stroke-width="0.5"/>')
        parts.append(text(LEFT - 8, at_y(y) + 4, f"{y:g}", 11, FAINT, "end"))
    for x in xs:
        parts.append(text(at_x(x), HEIGHT - BOTTOM + 18, f"{x:,}", 11, FAINT, "middle"))
    parts.append(text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 14, label, 12, INK, "middle"))
    place = LEFT
    for colour, (words, points) in zip(COLOURS, lines.items()):
        path = " ".join(f"{at_x(x):.1f},{at_y(y):.1f}" for x, y in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{at_x(x):.1f}" cy="{at_y(y):.1f}" r="3.5" fill="{colour}"/>' for x, y in points]
        parts.append(text(place, 46, words, 12, colour))
        place += 8 * len(words) + 24
    file.write_text(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
                    f'font-family="sans-serif"><rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>'
                    + "".join(parts) + "</svg>\n")
