"""All kinds of rounds of bench/torture, and the judge of each."""
import random
import shutil

import torture_limits
import torture_queue
from torture_disk import Unavailable  # noqa: F401: bench/torture's.
from torture_queue import parts

KINDS = {**{kind: torture_queue.run for kind in torture_queue.KINDS},
         **{kind: torture_limits.run for kind in torture_limits.KINDS}}


def run(kind, folder, seed, seconds):
    """One round; what the checker said of it. Raises what it found."""
    faults, histories, skew_ms = KINDS[kind](kind, folder, seed, random.Random(f"{seed} {kind}"), seconds)
    verdict = parts.check("--allow-clock-skew", skew_ms, *sorted(histories.iterdir()))
    assert verdict.returncode == 0, f"{kind}, seed {seed}\n{verdict.stdout}{verdict.stderr}"
    return f"{faults} faults, {verdict.stdout.strip()}"


def remove(folder):
    shutil.rmtree(folder, ignore_errors=True)
