"""Short rounds of bench/torture: the faults that need nothing but processes, and, as root, a disk."""
import pathlib
import random
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "bench"))
import torture_rounds as rounds

SEED = random.SystemRandom().randrange(1, 2**31)


@pytest.mark.parametrize("kind", ["kill", "pause", "full", "power"])
def test_what_clients_see_stays_legal(kind, tmp_path):
    print(f"bench/torture --only {kind} --seed {SEED} --rounds 1 --round-seconds 1")
    try:
        print(rounds.run(kind, tmp_path, SEED, seconds=1))
    except rounds.Unavailable as reason:
        pytest.skip(str(reason))
