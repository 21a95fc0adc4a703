"""The real process is killed again and again under load; what its clients saw must be legal.

RATELIMMQ_KILL_ROUNDS  how often (3)      RATELIMMQ_KILL_SEED  repeats a run's choices (its timing
RATELIMMQ_KILL_KEEP    a folder for the histories of a run that failed               is never equal)
"""
import os
import pathlib
import random
import re
import shutil
import time

from history import Recorder, lines_without, now
from lives import RECOVERY_MS, RULES, SKEW_MS, Judge, Lives, Load, check

ROUNDS = int(os.environ.get("RATELIMMQ_KILL_ROUNDS", "3"))
SEED = int(os.environ.get("RATELIMMQ_KILL_SEED", "0")) or random.SystemRandom().randrange(1, 2**32)
KEEP = os.environ.get("RATELIMMQ_KILL_KEEP")


def run_rounds(lives, choices):
    for _ in range(ROUNDS):
        time.sleep(0.2 + 1.5 * choices.random())
        lives.judge(Judge.pile)
        lives.stop() if choices.random() < 0.15 else lives.kill()
        if choices.random() < 0.2:  # Killed while it starts, too.
            lives.start(wait=False)
            time.sleep(choices.random() * 0.05)
            lives.kill()
        lives.start()
        lives.judge(Judge.take_turns, Judge.counts)
        if choices.random() < 0.3:
            lives.judge(lambda judge: judge.redrive("rated"))
    time.sleep(0.5)


def test_a_server_that_is_killed_again_and_again_keeps_every_promise(tmp_path):
    print(f"RATELIMMQ_KILL_SEED={SEED} rounds={ROUNDS}")
    folder = tmp_path / "histories"
    folder.mkdir()
    recorder = Recorder(folder / "server.history")
    recorder.file.write(RULES)
    lives = Lives(tmp_path / "server", recorder)
    lives.start()
    load = Load(lives.port, folder, SEED)
    try:
        load.start()
        lives.within = RECOVERY_MS
        run_rounds(lives, random.Random(SEED))
        load.stop()
        lives.settle()
    finally:
        load.kill()
        lives.server.stop()
    recorder.close()
    judge_histories(folder, tmp_path)


def judge_histories(folder, tmp_path):
    files = sorted(folder.iterdir())
    verdict = check("--allow-clock-skew", str(SKEW_MS), *files)
    if verdict.returncode != 0 and KEEP:
        shutil.copytree(tmp_path, pathlib.Path(KEEP) / f"kill-{SEED}", dirs_exist_ok=True)
    assert verdict.returncode == 0, f"seed {SEED}\n{verdict.stdout}{verdict.stderr}"
    print(verdict.stdout)
    text = "".join(f.read_text().removeprefix("history 1\n") for f in files)
    verbs = [line.split(" ", 1)[0] for line in text.splitlines()]
    assert verbs.count("deliver") > 100 * ROUNDS and verbs.count("check") > 50 * ROUNDS
    find_what_is_planted("history 1\n" + text, tmp_path)


def find_what_is_planted(text, tmp_path):
    """The test of the test: violations that are written by hand are found."""
    acked = next(line.split(" ")[4] for line in text.splitlines()
                 if line.startswith("ack ") and line.split(" ")[3] == "ok")
    delivery = next(line for line in text.splitlines(keepends=True)
                    if line.startswith("deliver ") and line.split(" ")[5] == acked)
    later = now()
    words = delivery.split(" ")
    words[1:3] = [str(later), str(later + 1)]
    again = " ".join(words).replace(f" {acked} ", " r-planted ").replace("attempt=", "attempt=9")
    skewed = re.sub(r"^(backlog .* turns light) weight=1$", r"\1 weight=30", text, count=1, flags=re.M)
    planted = {"recovery": text.replace(f" within={RECOVERY_MS}\n", " within=0\n"), "fairness": skewed,
               "lost": lines_without(text, words[4]), "resurrected": text + again,
               "unexpected": text.replace(f" {words[6]} ", " another ", 1) + again}
    for law, history in planted.items():
        file = tmp_path / f"{law}.history"
        file.write_text(history)
        verdict = check("--allow-clock-skew", str(SKEW_MS), file)
        assert verdict.returncode == 1 and f"of law {law}" in verdict.stdout, (law, verdict)
