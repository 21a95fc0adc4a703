"""What a run was made on, in words, and what programs call themselves."""
import datetime
import os
import pathlib
import platform
import re
import subprocess
import time

import servers


def first_line(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    return (done.stdout + done.stderr).strip().splitlines()[0]


def build_type():
    cache = servers.BINARY.parent / "CMakeCache.txt"
    said = re.search(r"CMAKE_BUILD_TYPE:\w+=(\w+)", cache.read_text()) if cache.exists() else None
    return said[1] if said else "unknown"


def busy():
    """The share of all cores' time, in a second, that somebody else had; what the host kept is theirs."""
    def spent():
        fields = [int(word) for word in pathlib.Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
        return sum(fields), sum(fields) - fields[3] - fields[4]
    (all_before, busy_before), _, (all_after, busy_after) = spent(), time.sleep(1), spent()
    return (busy_after - busy_before) / max(1, all_after - all_before)


def lines():
    cpu = re.search(r"model name\s*:\s*(.*)", pathlib.Path("/proc/cpuinfo").read_text())
    memory = int(re.search(r"MemTotal:\s+(\d+)", pathlib.Path("/proc/meminfo").read_text())[1]) / 2**20
    others = busy()
    return [f"- Machine: {os.cpu_count()} cores, {cpu[1] if cpu else platform.machine()}, {memory:.0f} GiB, Linux "
            f"{platform.release()}; {datetime.date.today()}; servers and load on one machine, {others:.0%} of it "
            f"busy before{' (do not trust the numbers)' if others > 0.2 else ''}.",
            f"- {first_line(str(servers.BINARY), '--version')}; build {build_type()}."]


def build(folder, targets):
    if not (folder / "build.ninja").exists():
        subprocess.run(["cmake", "--preset", "release", "-B", str(folder), "--log-level=WARNING"], check=True,
                       cwd=servers.TOP)
    subprocess.run(["cmake", "--build", str(folder), "--target", *targets], check=True, stdout=subprocess.DEVNULL)
