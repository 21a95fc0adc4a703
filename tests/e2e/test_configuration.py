"""Configuration of the real binary: listeners, locks, reload, and what it says when it refuses."""
import signal
import socket
import subprocess

import pytest

from conftest import BINARY, eventually

pytestmark = pytest.mark.sanitized


def run(*arguments, cwd=None):
    return subprocess.run([str(BINARY), *arguments], capture_output=True, timeout=60, text=True, cwd=cwd)


def test_the_ready_line_prints_the_real_ports(start):
    server = start()
    assert server.ready.startswith("ready ") and server.ports["tcp"] > 0 and server.ports["api"] > 0


def test_a_listener_can_be_off(start):
    server = start(arguments=["--api", "off"])
    assert "api" not in server.ports and server.say("PING") == ["PONG"]


def test_a_busy_port_is_named(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        done = run("serve", "--tcp", address, "--api", "off", "--gateway", "off", "--data", str(tmp_path / "data"))
    assert done.returncode == 1
    assert "tcp" in done.stderr and address in done.stderr and "in use" in done.stderr


def test_the_data_directory_is_locked(start):
    first = start(name="one")
    done = run("serve", "--tcp", "127.0.0.1:0", "--api", "off", "--gateway", "off", "--data", str(first.folder / "data"))
    assert done.returncode == 1 and "data" in done.stderr and str(first.process.pid) in done.stderr


def test_a_public_address_needs_trusted_networks(tmp_path):
    done = run("serve", "--tcp", "0.0.0.0:0", "--api", "off", "--gateway", "off", "--data", str(tmp_path / "data"))
    assert done.returncode == 1 and "trusted_networks" in done.stderr


LOW = "limits:\n  - {domain: api, descriptors: [{key: k, limit: 2/h}]}\n"
HIGH = "limits:\n  - {domain: api, descriptors: [{key: k, limit: 9/h}]}\n"
BAD = "limits:\n  - {domain: api, descriptors: [{key: k, limit: 9/fortnight}]}\n"


def limit_now(server):
    return server.say("LIMITS api")[0]


def test_sighup_reloads_and_what_was_used_stays_used(start):
    server = start(config=LOW)
    server.say("CHECK api k=1", "CHECK api k=1")
    server.config.write_text(HIGH)
    server.process.send_signal(signal.SIGHUP)
    eventually(lambda: '"9/h"' in limit_now(server), "the new limit is in force")
    assert '"remaining":6' in server.say("CHECK api k=1")[0].replace(" ", "")


def test_a_change_of_the_file_reloads(start):
    server = start(config=LOW)
    server.config.write_text(HIGH)
    eventually(lambda: '"9/h"' in limit_now(server), "the new limit is in force")


def test_a_faulty_file_keeps_the_old_limits_and_says_why(start):
    server = start(config=LOW)
    server.config.write_text(BAD)
    server.process.send_signal(signal.SIGHUP)
    eventually(lambda: "fortnight" in server.log_text(), "the log says why")
    assert '"2/h"' in limit_now(server)
    metrics = subprocess.run(["curl", "-s", server.api("/metrics")], capture_output=True, text=True).stdout
    assert "ratelimmq_config_last_reload_successful 0" in metrics


def test_check_config_names_line_and_column(tmp_path):
    file = tmp_path / "bad.yaml"
    file.write_text(BAD)
    done = run("check-config", str(file))
    assert done.returncode == 1
    assert "bad.yaml:2:" in done.stderr and "fortnight" in done.stderr
    file.write_text("limits:\n\t- domain: api\n")
    done = run("check-config", str(file))
    assert done.returncode == 1 and "bad.yaml:2:1" in done.stderr and "tab" in done.stderr


def test_print_config_is_what_the_server_would_use(tmp_path):
    file = tmp_path / "c.yaml"
    file.write_text(HIGH + "threads: 3\n")
    done = run("serve", "--config", str(file), "--print-config", "--tcp", "127.0.0.1:1")
    assert done.returncode == 0
    assert "threads: 3" in done.stdout and "127.0.0.1:1" in done.stdout and "9/h" in done.stdout
    again = tmp_path / "again.yaml"
    again.write_text(done.stdout)
    assert run("check-config", str(again)).returncode == 0


def test_version_and_help(tmp_path):
    assert run("--version").stdout.startswith("ratelimmq ")
    text = run("--help").stdout
    for word in ("serve", "check-config", "client"):
        assert word in text


def test_the_client_talks_to_the_port(start, limits):
    server = start(config=limits)
    port = str(server.ports["tcp"])
    assert run("client", "--port", port, "PING").stdout == "PONG\n"
    done = run("client", "--port", port, "CHECK", "nowhere", "a=b")
    assert done.returncode == 1 and "NOTFOUND" in done.stdout + done.stderr


def test_the_servers_own_traffic_can_be_limited(start):
    server = start(config="limits: [{domain: server, descriptors: [{key: client_ip, limit: 3/h}]}]\n")
    answers = server.say(*["PING"] * 5)
    assert answers[:3] == ["PONG"] * 3
    assert all(a.startswith("LIMITED") and "retry_after_ms=" in a for a in answers[3:])
