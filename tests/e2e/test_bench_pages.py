"""bench/summary.py: docs/benchmarks.md is made of the tables of the other pages."""
import pathlib
import sys
import xml.dom.minidom

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "bench"))
import curve
import summary

LIMITER = """# Benchmarks of the limiter

- Machine: 2 cores; 2026-01-02.

### Decisions over TCP, one request at a time

| | a second | ratio to redis PING | server CPU of each, µs; ratio | answer after |
|---|---|---|---|---|
| redis PING | 88 k (80 k–90 k) | 1.00 | 4.00 (3.9–4.1); 1.00 | 1 / 2 |
| redis Lua | 40 k (39 k–41 k) | 0.50 | 16.0 (15–17); 4.00 | 1 / 2 |
| throttlecrab THROTTLE | not measured: there is no cargo to build it with | | | |
| ratelimmq CL.THROTTLE, 1 thread | 86 k (80 k–88 k) | 0.98 | 8.00 (7–9); 2.00 | 1 / 2 |
"""


@pytest.fixture
def entry(tmp_path):
    return summary.page({"limiter": LIMITER}, tmp_path / "pictures")


def part(entry, title):
    return entry.split(f"## {title}\n")[1].split("\n## ")[0]


def test_a_ratio_is_above_one_where_we_are_ahead(entry):
    ratios = {line.split("|")[3].split(":")[0].strip(): line.split("|")[4].strip()
              for line in part(entry, "Ratios").splitlines() if "| Decisions" in line}
    assert ratios == {"redis PING": "0.50", "redis Lua": "2.00"}


def test_where_a_peer_is_ahead_is_said(entry):
    assert "redis PING, 2.00 times (4 µs beside our 8 µs)" in part(entry, "Where a peer is ahead")
    assert "redis Lua" not in part(entry, "Where a peer is ahead")


def test_a_peer_that_could_not_be_had_is_named_with_the_reason(entry):
    assert "throttlecrab THROTTLE: not measured: there is no cargo" in part(entry, "Peers that could not be measured")


def test_the_date_and_the_machine_are_those_of_the_page(entry):
    assert "| `bench/run --only limiter` | 2026-01-02 |" in entry
    assert "- Machine: 2 cores" in part(entry, "Machine, versions, settings")
    assert "| `bench/run --only queue` | not run yet |" in entry


@pytest.mark.parametrize("cell, number", [("7.63 (7.60–7.67)", 7.63), ("12 k (11 k–13 k); 0.9", 12_000),
                                          ("2.5 M", 2.5e6), ("not measured", None), ("", None)])
def test_the_first_number_of_a_cell_counts(cell, number):
    assert summary.value(cell) == number


def test_pictures_are_svg_whose_values_lie_where_the_axis_says(entry, tmp_path):
    xml.dom.minidom.parse(str(tmp_path / "pictures/limiter_tcp.svg"))
    curve.draw(tmp_path / "c.svg", "t & t", {"a": [(1, 10), (10, 1000), (100, 100)], "b": [(1, 20), (100, 20)]}, "x",
               log_y=True, limits=["b"])
    lines = xml.dom.minidom.parse(str(tmp_path / "c.svg")).getElementsByTagName("polyline")
    points = [tuple(map(float, point.split(","))) for point in lines[0].getAttribute("points").split()]
    assert points[1][0] - points[0][0] == pytest.approx(points[2][0] - points[1][0], abs=1)  # Decades are even.
    assert points[0][1] - points[2][1] == pytest.approx(points[2][1] - points[1][1], abs=1)
    assert lines[0].getAttribute("stroke-dasharray") == "" and lines[1].getAttribute("stroke-dasharray") != ""
