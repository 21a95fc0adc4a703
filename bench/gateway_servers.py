"""What the gateway's rows measure: our roles, nginx as an upstream and as a proxy, Redis, the FastAPI services."""
import collections
import json
import os
import pathlib
import re
import shutil
import subprocess
import time
import urllib.request

import servers
from queue_measure import running_seconds

HERE = pathlib.Path(__file__).resolve().parent
FASTAPI = servers.TOP / "build/peers/fastapi/bin/python"
REDIS = pathlib.Path("/usr/bin/redis-check-rdb")  # In Debian the server itself, by the name it is started with.


class Fleet:
    """Servers that are started together, and what they have spent by name."""

    def __init__(self, folder):
        self.folder, self.members = folder, []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for server in reversed(self.members):
            server.stop()

    def add(self, name, process, port, workers=()):
        server = servers.Server(name, process, workers)
        server.port = port
        self.members.append(server)
        return server

    def spent(self):
        """CPU seconds by name; those of one name together."""
        total = collections.Counter()
        for server in self.members:
            total[server.name] += running_seconds(server)
        return total

    def redis(self):
        binary = self.folder / "redis-server"
        if REDIS.exists() and not binary.exists():
            binary.symlink_to(REDIS)
        port = servers.free_port()
        process = subprocess.Popen([str(binary if binary.exists() else "redis-server"), "--port", str(port), "--bind",
                                    "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", str(self.folder)],
                                   stdout=subprocess.DEVNULL)
        server = self.add("redis", process, port)
        servers.wait_for_port(port, process)
        return server

    def role(self, role, config, pin=()):
        """`serve`, `gateway` or `limiter`; every listener on a free port. Its api is `api`."""
        file = self.folder / f"{role}-{servers.free_port()}.yaml"
        listeners = {"serve": "tcp api gateway", "gateway": "api gateway", "limiter": "api limiter"}[role].split()
        file.write_text("listen: {" + ", ".join(f'{name}: "127.0.0.1:0"' for name in listeners) + "}\n"
                        f"data: {file.with_suffix('.data')}\n" + config)
        process = subprocess.Popen([*pin, str(servers.BINARY), role, "--config", str(file), "--log-level", "error"],
                                   stdout=subprocess.PIPE, cwd=self.folder)
        ports = dict(re.findall(r"(\w+)=\S*?:(\d+)(?:\s|$)", process.stdout.readline().decode()))
        server = self.add(role, process, None)
        if not ports:
            raise RuntimeError(f"ratelimmq {role} does not start")
        server.port, server.api = int(ports[listeners[-1]]), int(ports["api"])
        return server

    def nginx(self, name, port, location, before="", pin=()):
        """One worker, which is what is measured."""
        place = self.folder / f"nginx-{port}"
        place.mkdir()
        file = place / "nginx.conf"
        file.write_text(NGINX.format(folder=place, port=port, location=location, before=before))
        process = subprocess.Popen([*pin, shutil.which("nginx") or "/usr/sbin/nginx", "-c", str(file), "-e",
                                    str(place / "e")])
        server = self.add(name, process, port)
        servers.wait_for_port(port, process)
        server.workers = children(process.pid)
        return server

    def upstream(self, sizes, pin=()):
        """Static files of so many bytes at /NAME."""
        root = self.folder / "files"
        root.mkdir(exist_ok=True)
        for name, size in sizes.items():
            (root / name).write_bytes(b"x" * size)
        return self.nginx("upstream", servers.free_port(), f"location / {{ root {root}; }}", pin=pin)

    def uvicorn(self, app, *, workers=1, **environment):
        port = servers.free_port()
        process = subprocess.Popen(
            [str(FASTAPI), "-m", "uvicorn", f"fastapi_gateway:{app}", "--port", str(port), "--workers", str(workers),
             "--log-level", "warning", "--no-access-log", "--timeout-keep-alive", "60"], cwd=HERE / "peers",
            stderr=(self.folder / "uvicorn.log").open("a"),
            env={**os.environ, "PORT": str(port), "PYTHONDONTWRITEBYTECODE": "1",
                 **{name: str(value) for name, value in environment.items()}})
        server = self.add(app, process, port)
        servers.wait_for_port(port, process)
        if workers > 1:
            while len(children(process.pid)) < workers + 1:  # With one that tracks what they share.
                time.sleep(0.05)
            server.workers = children(process.pid)
        return server


def children(pid):
    return [int(child) for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def fetch(port, path, body=None):
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers={"Content-Type": "application/json"},
                                     data=None if body is None else json.dumps(body).encode())
    with urllib.request.urlopen(request, timeout=60) as answer:
        return answer.read().decode()


def wait_for_instances(gateway, count):
    deadline = time.monotonic() + 30
    while len(json.loads(fetch(gateway.port, "/rate_limiters"))["instances"]) < count:
        if time.monotonic() > deadline:
            raise RuntimeError("instances do not register")
        time.sleep(0.05)


def counter(server, name, **labels):
    """The sum of a counter's samples that carry these labels."""
    total = 0.0
    for line in fetch(server.api, "/metrics").splitlines():
        if re.match(name + r"[{ ]", line) and all(f'{key}="{value}"' in line for key, value in labels.items()):
            total += float(line.split()[-1])
    return total


def scripts_run(redis):
    said = subprocess.run(["redis-cli", "-p", str(redis.port), "INFO", "commandstats"], capture_output=True, text=True,
                          check=True).stdout
    return sum(int(calls) for calls in re.findall(r"cmdstat_evalsha:calls=(\d+)", said))


NGINX = """
user root;
worker_processes 1; daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log error;
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 1000000000; sendfile on; tcp_nopush on; open_file_cache max=100;
  client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  {before}
  server {{ listen 127.0.0.1:{port}; {location} }}
}}
"""
