"""Servers to measure: started on free loopback ports in a folder of their own, stopped by process id."""
import contextlib
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import time

TOP = pathlib.Path(__file__).resolve().parents[1]
BINARY = TOP / "build/release/ratelimmq"
TICK = os.sysconf("SC_CLK_TCK")


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def wait_for_port(port, process):
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args[0]} ended with {process.returncode}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.01)
    raise RuntimeError(f"{process.args[0]} does not listen on {port}")


class Server:
    """A process, its ports, and what it has spent so far."""

    def __init__(self, name, process, workers=()):
        self.name, self.process = name, process
        self.workers = list(workers)  # Process ids that do the work, where they are not the first one.
        self.port = self.api = None

    def pids(self):
        return self.workers or [self.process.pid]

    def cpu_seconds(self):
        total = 0
        for pid in self.pids():
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            total += int(fields[11]) + int(fields[12])
        return total / TICK

    def resident_bytes(self):
        return sum(int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text())[1]) * 1024
                   for pid in self.pids())

    def own_bytes(self):
        """What would be free if it ended: no page of it belongs to another process, too, or to a file."""
        return self.rolled_up("Private_Dirty")

    def shared_out_bytes(self):
        """Resident, a page that several processes have counted as a part for each (Pss)."""
        return self.rolled_up("Pss")

    def rolled_up(self, what):
        return sum(int(re.search(rf"^{what}:\s+(\d+)", pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text(),
                                 re.M)[1]) * 1024 for pid in self.pids())

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout=20)
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def ratelimmq(folder, threads, config=None, flags=(), data=None, pin=()):
    command = [*pin, str(BINARY), "serve", "--tcp", "127.0.0.1:0", "--api", "127.0.0.1:0", "--gateway", "off", "--data",
               str(data or folder / f"data-{threads}-{free_port()}"), "--threads", str(threads),
               "--log-level", "error", *flags]
    if config:
        file = folder / "ratelimmq.yaml"
        file.write_text(config)
        command += ["--config", str(file)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=folder)
    server = Server(f"ratelimmq, {threads} thread{'s' if threads > 1 else ''}", process)
    ports = dict(re.findall(r"(\w+)=\S*?:(\d+)(?:\s|$)", process.stdout.readline().decode()))
    if not ports:
        raise RuntimeError("ratelimmq serve does not start")
    server.port, server.api = int(ports["tcp"]), int(ports["api"])
    return server


def redis_binary(folder):
    """Debian's redis-tools has the server, too: it is one binary that goes by the name it is started with."""
    other = pathlib.Path("/usr/bin/redis-check-rdb")
    if shutil.which("redis-server") or not other.exists():
        return "redis-server"
    link = pathlib.Path(folder, "redis-server")
    if not link.exists():
        link.symlink_to(other)
    return str(link)


def redis_server(folder, flags=("--appendonly", "no"), pin=()):
    port = free_port()
    process = subprocess.Popen([*pin, redis_binary(folder), "--port", str(port), "--bind", "127.0.0.1", "--save", "",
                                *flags, "--dir", str(folder)], stdout=subprocess.DEVNULL)
    wait_for_port(port, process)
    server = Server("redis-server", process)
    server.port = port
    return server


NGINX = """
worker_processes 1; daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log error;
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 1000000000;
  client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  limit_req_zone $arg_k zone=z:32m rate=1000000r/s;
  server {{
    listen 127.0.0.1:{port};
    location / {{ limit_req zone=z burst=1000000 nodelay; empty_gif; }}
  }}
}}
"""


def nginx(folder, pin=()):
    port = free_port()
    file = folder / "nginx.conf"
    file.write_text(NGINX.format(folder=folder, port=port))
    process = subprocess.Popen([*pin, shutil.which("nginx") or "/usr/sbin/nginx", "-c", str(file), "-e",
                                str(folder / "e")])
    wait_for_port(port, process)
    children = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    server = Server("nginx, 1 worker", process, workers=[int(pid) for pid in children])
    server.api = port
    return server
