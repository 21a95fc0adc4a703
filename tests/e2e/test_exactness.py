"""Limits over one Redis hold over every interval, whoever is asked and whoever dies (bench/exactness is
the long run of this)."""
import pathlib
import random
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "bench"))
import exactness_run as exactness


def worst_by_hand(admissions, rate, burst):
    return max(sum(start <= each.start and each.end <= end for each in admissions) - rate * (end - start) - burst
               for start in {each.start for each in admissions} for end in {each.end for each in admissions}
               if any(start <= each.start and each.end <= end for each in admissions))


def test_the_worst_interval_is_found():
    dice = random.Random(7)
    for _ in range(200):
        admissions = []
        for _ in range(dice.randint(1, 12)):
            start = dice.randint(0, 20)
            admissions.append(exactness.Admission(start, start + dice.randint(0, 5)))
        rate, burst = dice.choice([0.3, 1, 4]), dice.randint(1, 3)
        assert exactness.excess(admissions, rate, burst) == pytest.approx(worst_by_hand(admissions, rate, burst))


def test_one_admission_too_many_is_seen():
    kept = [exactness.Admission(n / 10, n / 10) for n in range(100)]
    assert exactness.excess(kept, rate=10, burst=1) <= 1e-9
    assert exactness.excess([*kept, exactness.Admission(5.05, 5.05)], rate=10, burst=1) == pytest.approx(1)


def test_bounds_are_kept_while_an_instance_dies_and_another_is_paused(tmp_path):
    terms = exactness.Terms(seconds=8, keys=50, instances=4, clients=4)
    outcome = exactness.run(tmp_path, terms)
    for name, value in outcome.rows():
        print(f"{name:<28} {value}")
    assert outcome.excess <= 0
    assert len(outcome.events) == 4 and outcome.statuses["lost"] > 0  # There were clients at the one that was killed.
    assert outcome.use >= 0.8 and outcome.statuses[429] > 0


def test_bounds_are_kept_by_grants_while_clocks_are_wrong_and_stepped(tmp_path):
    terms = exactness.Terms(seconds=8, keys=20, rate=40, burst=160, together=4, mode="granted", skew=True)
    outcome = exactness.run(tmp_path, terms)
    for name, value in outcome.rows():
        print(f"{name:<28} {value}")
    assert outcome.excess <= 0
    assert outcome.by["grant"] > 0 and outcome.use >= 0.8
