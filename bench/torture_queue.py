"""Rounds of torture against a server with queues: clients load it and write down what they see, a fault
comes every second or so, at the end everything is healed, emptied, and judged."""
import pathlib
import shutil
import signal
import struct
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests/e2e"))
import lives as parts
from history import Recorder, now
from torture_disk import Disk, Unavailable

SECOND = 10**9
STEP_MAX = 5  # Seconds by which the wall clock is set forward or back.


class Round:
    """One server, its clients and its disk. The histories are in `folder`/histories."""

    def __init__(self, folder, seed, dice, own_disk=False, clock=False, power=False):
        self.dice, self.faults = dice, 0
        self.histories = folder / "histories"
        self.histories.mkdir(parents=True)
        self.disk = Disk(folder / "disk") if own_disk else None
        self.shift = Shift(folder) if clock else None
        config, rules = parts.CONFIG, parts.RULES
        if power:  # What need not be synced may be lost by a power cut: so it must be, here.
            config, rules = config.replace("durability: os", "durability: fsync"), rules.replace("=os", "=fsync")
        self.recorder = Recorder(self.histories / "server.history")
        self.recorder.file.write(rules)
        self.recorder.file.flush()
        self.lives = parts.Lives(folder / "server", self.recorder, config,
                                 ("--data", str(self.disk.path / "data")) if self.disk else (),
                                 self.shift.environment if self.shift else None)
        self.load, self.seed = None, seed

    def run(self, seconds, fault):
        """fault(self): one of them, healed again."""
        try:
            self.lives.start()
            self.load = parts.Load(self.lives.port, self.histories, self.seed)
            self.load.start()
            self.lives.within = parts.RECOVERY_MS
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                time.sleep(0.2 + self.dice.random())
                fault(self)
                self.faults += 1
            time.sleep(0.3)
            self.load.stop()
            self.lives.settle()
            self.lives.stop()
        finally:
            if self.disk:
                self.disk.thaw()
            if self.load:
                self.load.kill()
            if self.lives.server:
                self.lives.server.stop()
            if self.disk:
                self.disk.close()
            self.recorder.close()

    def skew_ms(self):
        return parts.SKEW_MS + (self.shift.range_ms() if self.shift else 0)


class Shift:
    """A wall clock that is ours to set (bench/torture_clock.c)."""

    def __init__(self, folder):
        if shutil.which("cc") is None:
            raise Unavailable("needs a C compiler")
        library, self.file = folder / "torture_clock.so", folder / "shift"
        source = pathlib.Path(__file__).with_name("torture_clock.c")
        built = subprocess.run(["cc", "-O1", "-shared", "-fPIC", "-o", str(library), str(source)],
                               capture_output=True, text=True)
        if built.returncode != 0:
            raise Unavailable(f"cc: {built.stderr.strip()}")
        self.file.write_bytes(struct.pack("q", 0))
        self.environment = {"LD_PRELOAD": str(library), "TORTURE_CLOCK": str(self.file)}
        self.seen = [0]  # Of each life: what a life began with is what it keeps.

    def set(self, seconds):
        with open(self.file, "r+b") as file:  # In place: the server has it mapped.
            file.write(struct.pack("q", int(seconds * SECOND)))
        self.now = seconds

    def range_ms(self):
        return int((max(self.seen) - min(self.seen)) * 1000)


def kill(round_):
    round_.lives.judge(parts.Judge.pile)
    if round_.dice.random() < 0.15:
        round_.lives.stop()
    else:
        round_.lives.kill()
    if round_.dice.random() < 0.2:  # While it starts, too.
        round_.lives.start(wait=False)
        time.sleep(round_.dice.random() * 0.05)
        round_.lives.kill()
    round_.lives.start()
    round_.lives.judge(parts.Judge.take_turns)


def pause(round_):
    """Longer than a lease, now and then."""
    process = round_.lives.server.process
    process.send_signal(signal.SIGSTOP)
    time.sleep(round_.dice.choice((0.02, 0.1, 0.3, 0.6, 1.5)))
    process.send_signal(signal.SIGCONT)


def full(round_):
    round_.disk.fill()
    time.sleep(0.2 + round_.dice.random())
    if round_.dice.random() < 0.3:  # Killed while there is no room, and started where there is none.
        round_.lives.kill()
        round_.disk.free()
        round_.lives.start()
    round_.disk.free()


def slow(round_):
    for _ in range(round_.dice.randrange(1, 8)):
        round_.disk.stall(round_.dice.choice((0.01, 0.05, 0.2, 0.8)))
        time.sleep(0.05)


def power(round_):
    """What was not synced is gone; the server, which still runs, sees every write fail."""
    round_.lives.judge(parts.Judge.pile)
    round_.disk.cut()
    time.sleep(round_.dice.random() * 0.2)
    round_.recorder.line("kill", now())
    round_.lives.server.process.kill()
    round_.lives.server.process.wait()
    round_.lives.server.stop()
    round_.disk.replay()
    round_.lives.start()
    round_.lives.judge(parts.Judge.take_turns)


def clock(round_):
    """A running server must not care; the next one begins with what the clock then says."""
    round_.shift.set(round_.dice.uniform(-STEP_MAX, STEP_MAX))
    if round_.dice.random() < 0.4:
        time.sleep(0.2)
        round_.lives.kill()
        round_.shift.seen.append(round_.shift.now)
        round_.lives.start()


KINDS = {"kill": (kill, {}), "pause": (pause, {}), "full": (full, {"own_disk": True}),
         "slow": (slow, {"own_disk": True}), "power": (power, {"own_disk": True, "power": True}),
         "clock": (clock, {"clock": True})}


def run(kind, folder, seed, dice, seconds):
    """→ the faults, the histories' folder, and by how much the clocks may differ, in milliseconds."""
    fault, options = KINDS[kind]
    round_ = Round(folder, seed, dice, **options)
    round_.run(seconds, fault)
    return round_.faults, round_.histories, round_.skew_ms()
