"""Peers of the queues: message servers from Debian's packages, and NATS as its Go module builds it."""
import os
import pathlib
import shutil
import subprocess
import time

import servers

# (tool, Debian package)
PACKAGES = {"redis-server": "redis-server", "beanstalkd": "beanstalkd", "rabbitmq-server": "rabbitmq-server"}
NATS = "github.com/nats-io/nats-server/v2@v2.10.29"
RABBIT = pathlib.Path("/usr/lib/rabbitmq/bin")


def install():
    missing = sorted({package for tool, package in PACKAGES.items()
                      if not shutil.which(tool) and not pathlib.Path("/usr/sbin", tool).exists()})
    if missing:
        sudo = [] if os.geteuid() == 0 else ["sudo"]
        subprocess.run([*sudo, "apt-get", "install", "-y", "-q", "--no-install-recommends", *missing],
                       check=False)


def nats_binary():
    """Built once, below build/; None if there is no Go to build it with."""
    found = shutil.which("nats-server")
    if found:
        return found
    binary = servers.TOP / "build/peers/nats-server"
    if not binary.exists() and shutil.which("go"):
        subprocess.run(["go", "install", NATS], env={**os.environ, "GOBIN": str(binary.parent)}, check=False)
    return str(binary) if binary.exists() else None


def redis(folder, durable, pin=()):
    always = ("--appendonly", "yes", "--appendfsync", "always", "--auto-aof-rewrite-percentage", "0")
    return servers.redis_server(folder, always if durable else ("--appendonly", "no"), pin)


def beanstalkd(folder, durable, pin=()):
    port = servers.free_port()
    log = ["-b", str(folder), "-f0"] if durable else []
    process = subprocess.Popen([*pin, "beanstalkd", "-l", "127.0.0.1", "-p", str(port), *log])
    servers.wait_for_port(port, process)
    server = servers.Server("beanstalkd", process)
    server.port = port
    return server


def nats(folder, durable, pin=()):
    binary = nats_binary()
    if binary is None:
        return None
    port = servers.free_port()
    file = folder / "nats.conf"
    interval = "sync_interval: always" if durable else ""
    file.write_text(f"listen: 127.0.0.1:{port}\njetstream {{ store_dir: '{folder}/js'\n{interval} }}\n")
    process = subprocess.Popen([*pin, binary, "-c", str(file)], stderr=subprocess.DEVNULL)
    servers.wait_for_port(port, process)
    server = servers.Server("nats-server", process)
    server.port = port
    return server


class Rabbit(servers.Server):
    """The node and the epmd of its own."""

    def __init__(self, process, epmd, worker):
        super().__init__("rabbitmq", process, [worker])
        self.epmd = epmd

    def stop(self):
        super().stop()
        self.epmd.terminate()
        self.epmd.wait()


def child_named(pid, name):
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            if name in pathlib.Path(f"/proc/{child}/comm").read_text():
                return int(child)
            below = child_named(child, name)
            if below:
                return below
    return None


def rabbitmq(folder, durable, pin=()):
    if not RABBIT.exists():
        return None
    port, names = servers.free_port(), servers.free_port()
    (folder / "rabbit.conf").write_text(f"listeners.tcp.1 = 127.0.0.1:{port}\ndisk_free_limit.absolute = 50MB\n")
    (folder / "plugins").write_text("[].\n")
    environment = {**os.environ, "HOME": str(folder), "ERL_EPMD_PORT": str(names),
                   "RABBITMQ_NODENAME": f"bench{port}@localhost", "RABBITMQ_DIST_PORT": str(servers.free_port()),
                   "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"), "RABBITMQ_LOG_BASE": str(folder / "logs"),
                   "RABBITMQ_CONFIG_FILE": str(folder / "rabbit.conf"), "RABBITMQ_PID_FILE": str(folder / "pid"),
                   "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins")}
    epmd = subprocess.Popen(["epmd", "-address", "127.0.0.1", "-port", str(names)])
    process = subprocess.Popen([*pin, str(RABBIT / "rabbitmq-server")], env=environment, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60
        while "Server startup complete" not in "".join(
                log.read_text() for log in (folder / "logs").glob("*.log")):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("rabbitmq does not start")
            time.sleep(0.1)
        worker = process.pid
        if "beam" not in pathlib.Path(f"/proc/{worker}/comm").read_text():
            worker = child_named(worker, "beam")
        server = Rabbit(process, epmd, worker)
    except BaseException:
        process.kill()
        epmd.kill()
        raise
    server.port = port
    return server


def versions():
    def first_line(*command):
        try:
            done = subprocess.run(command, capture_output=True, text=True)
        except FileNotFoundError:
            return f"{command[0]}: not there"
        return (done.stdout + done.stderr).strip().splitlines()[0]
    rabbit = subprocess.run(["dpkg-query", "-W", "-f", "RabbitMQ ${Version}", "rabbitmq-server"],
                            capture_output=True, text=True).stdout
    return [f"- {first_line('redis-server', '--version')}; appends: `--appendonly yes --appendfsync always`, no "
            "rewriting while measured; else `--appendonly no`.",
            f"- {first_line('beanstalkd', '-v')}; `-b DIR -f0`, or no log.",
            f"- {first_line(nats_binary() or 'nats-server', '--version')}; JetStream, file storage, one replica, "
            "`sync_interval: always`; built from its Go module.",
            f"- {rabbit or 'RabbitMQ: not there'}; quorum queue of one node, persistent messages, publisher confirms."]
