"""Starts the real binary on free loopback ports and stops it by its own process id."""
import os
import pathlib
import re
import signal
import socket
import subprocess
import time

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
BINARY = TOP / os.environ.get("RATELIMMQ_BINARY", "build/release/ratelimmq")
SECONDS_MAX = 30  # For whatever must happen at all; never a measure of speed.


def pytest_configure(config):
    config.addinivalue_line("markers", "sanitized: also run against the sanitizer build")


class Server:
    def __init__(self, folder, arguments=(), config=None, environment=None, tcp="127.0.0.1:0",
                 wait=True):
        self.folder = folder
        command = [str(BINARY), "serve", "--tcp", tcp, "--api", "127.0.0.1:0",
                   "--gateway", "127.0.0.1:0", "--data", str(folder / "data")]
        if config is not None:
            self.config = folder / "ratelimmq.yaml"
            self.config.write_text(config)
            command += ["--config", str(self.config)]
        env = {k: v for k, v in os.environ.items() if not k.startswith("RATELIMMQ_")}
        self.log = open(folder / "log", "ab")
        self.process = subprocess.Popen(command + list(arguments), stdout=subprocess.PIPE,
                                        stderr=self.log, cwd=folder, env={**env, **(environment or {})})
        self.ready = self.process.stdout.readline().decode().strip() if wait else ""
        self.ports = {name: int(port) for name, port in re.findall(r"(\w+)=\S*?:(\d+)(?:\s|$)", self.ready)}

    def log_text(self):
        return (self.folder / "log").read_text(errors="replace")

    def connect(self):
        connection = socket.create_connection(("127.0.0.1", self.ports["tcp"]), timeout=SECONDS_MAX)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def say(self, *lines):
        """Sends lines, returns as many answer lines."""
        with self.connect() as connection:
            connection.sendall("".join(line + "\n" for line in lines).encode())
            file = connection.makefile("rb")
            return [file.readline().decode().rstrip("\n") for _ in lines]

    def api(self, path):
        return f"http://127.0.0.1:{self.ports['api']}{path}"

    def wait(self):
        return self.process.wait(timeout=SECONDS_MAX)

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.wait()
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process.stdout.close()
        self.log.close()


@pytest.fixture
def start(tmp_path):
    """start(config=…, arguments=…) → a running Server; all are stopped at the end of the test."""
    servers = []

    def starter(arguments=(), config=None, environment=None, name=None):
        folder = tmp_path / (name or f"server{len(servers)}")
        folder.mkdir(exist_ok=True)
        servers.append(Server(folder, arguments, config, environment))
        return servers[-1]

    yield starter
    for server in servers:
        server.stop()


def eventually(check, what):
    """Waits until check() is true."""
    deadline = time.monotonic() + SECONDS_MAX
    while time.monotonic() < deadline:
        if check():
            return
        time.sleep(0.02)
    raise AssertionError(f"did not happen within {SECONDS_MAX} s: {what}")


LIMITS = """
limits:
  - domain: api
    descriptors:
      - key: client_ip
        limit: 2/h
      - key: tenant
        limits:
          - { name: tenant-rate, rate: 5/h }
          - { name: tenant-jobs, concurrency: 2, ttl: 60s }
"""


@pytest.fixture
def limits():
    return LIMITS
