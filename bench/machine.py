"""What a run was made on, in words, and what programs call themselves."""
import datetime
import os
import pathlib
import platform
import re
import subprocess

import servers


def first_line(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    return (done.stdout + done.stderr).strip().splitlines()[0]


def build_type():
    cache = servers.BINARY.parent / "CMakeCache.txt"
    said = re.search(r"CMAKE_BUILD_TYPE:\w+=(\w+)", cache.read_text()) if cache.exists() else None
    return said[1] if said else "unknown"


def lines():
    cpu = re.search(r"model name\s*:\s*(.*)", pathlib.Path("/proc/cpuinfo").read_text())
    memory = int(re.search(r"MemTotal:\s+(\d+)", pathlib.Path("/proc/meminfo").read_text())[1]) / 2**20
    load = os.getloadavg()[0]
    return [f"- Machine: {os.cpu_count()} cores, {cpu[1] if cpu else platform.machine()}, {memory:.0f} GiB, Linux "
            f"{platform.release()}; {datetime.date.today()}; servers and load on one machine, load average before "
            f"{load:.1f}{' (busy: do not trust the numbers)' if load > 1.5 else ''}.",
            f"- {first_line(str(servers.BINARY), '--version')}; build {build_type()}."]


def build(folder, targets):
    if not (folder / "build.ninja").exists():
        subprocess.run(["cmake", "--preset", "release", "-B", str(folder), "--log-level=WARNING"], check=True,
                       cwd=servers.TOP)
    subprocess.run(["cmake", "--build", str(folder), "--target", *targets], check=True, stdout=subprocess.DEVNULL)
