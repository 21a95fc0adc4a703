"""bench/sweep_points.py: a curve ends where the machine does, and says so."""
import pathlib
import subprocess
import sys
import types

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "bench"))
import sweep_points

NOTHING = {}


class Clock:
    """Stands still but for what a test lets pass."""

    def __init__(self, monkeypatch):
        self.seconds = 0
        monkeypatch.setattr(sweep_points.time, "monotonic", lambda: self.seconds)


@pytest.fixture
def points(tmp_path):
    run = types.SimpleNamespace(folder=tmp_path, point_seconds=60)
    return lambda counts, needs=lambda count, before: NOTHING, **more: sweep_points.Points(run, counts, needs, **more)


def test_a_point_that_would_take_too_long_ends_its_curve(points, monkeypatch):
    clock, curve, seen = Clock(monkeypatch), points([10, 100, 1000, 10_000]), []
    for count in curve:
        seen.append(count)
        clock.seconds += count / 20  # 0.5 s, 5 s, 50 s; then 500 s.
    assert seen == [10, 100, 1000]
    assert "from 10,000 on: about 8 minutes, and a point may take 1" in curve.left_out


def test_a_curve_whose_work_stays_the_same_is_not_cut_for_its_counts(points, monkeypatch):
    clock, curve, seen = Clock(monkeypatch), points([1, 10, 100], grows=False), []
    for count in curve:
        seen.append(count)
        clock.seconds += 50
    assert seen == [1, 10, 100] and curve.left_out == ""


@pytest.mark.parametrize("need, told", [("memory", "of memory"), ("disk", "of disk"), ("files", "open files")])
def test_what_the_machine_lacks_is_asked_before_the_point_is_begun(points, need, told):
    curve = points([1, 1 << 50], lambda count, before: {need: count})
    assert list(curve) == [1]
    assert told in curve.left_out


def test_what_is_there_already_is_not_asked_for_again(points):
    asked = []
    list(points([10, 100], lambda count, before: asked.append((count, before)) or NOTHING))
    assert asked == [(10, 0), (100, 10)]


def test_a_program_that_is_not_done_in_time_ends_the_curve(points):
    curve = points([1, 2])

    def endless():
        raise subprocess.TimeoutExpired("table_bench", 60)

    assert [curve.bounded(count, endless) for count in curve] == [None]
    assert "from 1 on: it was not done after 1 minutes" in curve.left_out
