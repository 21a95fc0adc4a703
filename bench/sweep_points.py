"""Which points of a curve are run: those that the machine has room for, and that should be done in time. A point that
is left out ends its curve, and the page says why."""
import pathlib
import re
import resource
import shutil
import subprocess
import time

GIB = 2**30


def available_bytes():
    return int(re.search(r"MemAvailable:\s+(\d+)", pathlib.Path("/proc/meminfo").read_text())[1]) * 1024


def lacking(folder, memory=0, disk=0, files=0):
    """Why so many bytes of memory, bytes below `folder` and files open in one process cannot be had; None: they can."""
    files_max = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if files > files_max:
        return f"it takes {files:,} open files, and `ulimit -n` is {files_max:,}"
    for need, there, what in ((memory, available_bytes(), "memory"), (disk, shutil.disk_usage(folder).free, "disk")):
        if need > there:
            return f"it takes {need / GIB:.1f} GiB of {what}, and {there / GIB:.1f} GiB are free"
    return None


class Points:
    """Yields the counts of a curve in their order while they can be had. What a caller does with one is timed: the next
    one is taken to last longer by as much as it is larger, or as long if the work does not grow.

    needs(count, before): the words of lacking(), where the server already holds `before`."""

    def __init__(self, run, counts, needs, grows=True):
        self.run, self.counts, self.needs, self.grows = run, counts, needs, grows
        self.left_out = ""

    def __iter__(self):
        before, seconds = 0, 0
        for count in self.counts:
            why = lacking(self.run.folder, **self.needs(count, before)) or self.too_long(seconds, before, count)
            if why:
                self.leave_out(count, why)
            if self.left_out:
                return
            began = time.monotonic()
            yield count
            before, seconds = count, time.monotonic() - began

    def too_long(self, seconds, before, count):
        expected = seconds * count / before if before and self.grows else seconds
        if expected <= self.run.point_seconds:
            return None
        return f"about {expected / 60:.0f} minutes, and a point may take {self.run.point_seconds / 60:g}"

    def leave_out(self, count, why):
        self.left_out = f" Left out from {count:,} on: {why}."

    def bounded(self, count, measure):
        """What measure() returns; None if a program that it runs is not done in the time of a point."""
        try:
            return measure()
        except subprocess.TimeoutExpired:
            self.leave_out(count, f"it was not done after {self.run.point_seconds / 60:g} minutes")
            return None
