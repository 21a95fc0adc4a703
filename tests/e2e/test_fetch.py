"""`ratelimmq fetch` against a server on loopback, and the library as others build against it."""
import collections
import http.server
import json
import os
import pathlib
import signal
import subprocess
import threading
import time

import pytest

from conftest import BINARY, SECONDS_MAX, TOP


class Answering(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        server = self.server
        host = self.request.getsockname()[0]
        with server.lock:
            server.requests.append((host, self.path, time.monotonic()))
            server.open[host] += 1
            server.most_of_a_host = max(server.most_of_a_host, server.open[host])
            server.most = max(server.most, sum(server.open.values()))
        try:
            status, fields, body, delay = server.script(host, self.path)
            time.sleep(delay)
        finally:
            with server.lock:
                server.open[host] -= 1
        self.send_response(status)
        for name, value in fields.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Web(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 1024

    def __init__(self):
        super().__init__(("0.0.0.0", 0), Answering)
        self.lock = threading.Lock()
        self.open = collections.Counter()
        self.requests, self.most, self.most_of_a_host = [], 0, 0
        self.script = lambda host, path: (200, {}, b"hello", 0)

    def handle_error(self, *_):
        pass  # A client that went away in the middle.

    def url(self, host=1, path="/"):
        return f"http://127.0.0.{host}:{self.server_port}{path}"


@pytest.fixture
def web():
    server = Web()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def fetch(*arguments, **keywords):
    keywords.setdefault("timeout", SECONDS_MAX)
    return subprocess.run([str(BINARY), "fetch", *arguments], capture_output=True, text=True, **keywords)


def records(done):
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.sanitized
def test_records_have_the_promised_fields_and_the_exit_code_tells(web):
    web.script = lambda host, path: (404, {}, b"no", 0) if path == "/no" else (200, {}, b"hello", 0)
    done = fetch(web.url(), web.url(2), "--json")
    assert done.returncode == 0, done.stderr
    for record in records(done):
        assert set(record) == {"ok", "status_code", "bytes_read", "elapsed_ms", "url", "error"}
        assert record["ok"] and record["status_code"] == 200 and record["bytes_read"] == 5
        assert record["elapsed_ms"] > 0 and record["error"] is None
    done = fetch(web.url(), web.url(path="/no"), "http://127.0.0.1:1/", "--json")
    assert done.returncode == 1
    assert sorted(record["status_code"] for record in records(done)) == [0, 200, 404]
    assert fetch().returncode == 2
    assert fetch("--rate", "often", web.url()).returncode == 2
    assert fetch("--file", "/nowhere/at/all").returncode == 2


@pytest.mark.sanitized
def test_a_list_is_read_line_by_line_and_a_bad_line_is_told(web, tmp_path):
    urls = tmp_path / "urls"
    urls.write_bytes(b"# list\r\n\r\n%s\r\nnonsense\n%s" % (web.url().encode(), web.url(2).encode()))
    by_ok = {record["ok"]: record for record in records(fetch("--file", str(urls), "--json"))}
    assert by_ok[False]["url"] == "nonsense" and by_ok[False]["error"].startswith("line 4: ")
    assert len(web.requests) == 2
    piped = fetch("--file", "-", "--json", input=urls.read_text())
    assert len(records(piped)) == 3 and piped.returncode == 1


def test_caps_are_kept_and_everything_comes(web, tmp_path):
    web.script = lambda host, path: (200, {}, b"x" * 100, 0.01)
    urls = tmp_path / "urls"
    urls.write_text("".join(web.url(1 + i % 9, f"/{i}") + "\n" for i in range(600)))
    done = fetch("--file", str(urls), "--total", "12", "--per-host", "2", "--json")
    assert done.returncode == 0
    assert {record["url"] for record in records(done)} == set(urls.read_text().split())
    assert web.most <= 12 and web.most_of_a_host <= 2


def test_a_rate_is_kept(web):
    began = time.monotonic()
    assert fetch(*[web.url()] * 30, "--host-rate", "20/s burst 1").returncode == 0
    assert time.monotonic() - began >= 29 / 20
    at = [when for _, _, when in web.requests]
    assert all(later - earlier > 0.85 for earlier, later in zip(at, at[19:]))


@pytest.mark.sanitized
def test_retry_after_holds_the_host_back_and_does_not_count(web):
    answered = []

    def script(host, path):
        answered.append(time.monotonic())
        first = time.monotonic() < answered[0] + 0.5
        return (429, {"Retry-After": "1"}, b"", 0) if first else (200, {}, b"ok", 0)

    web.script = script
    done = fetch(*[web.url(path=f"/{i}") for i in range(20)], "--per-host", "4", "--json")
    assert done.returncode == 0, done.stdout
    early = [when for when in answered if 0.5 < when - answered[0] < 0.95]
    assert early == [] and len(answered) <= 24


@pytest.mark.sanitized
def test_bodies_become_files_that_no_url_can_place(web, tmp_path):
    web.script = lambda host, path: (404 if path == "/no" else 200, {}, path.encode(), 0)
    out = tmp_path / "out"
    done = fetch(web.url(path="/a/../../../b%2f..%2fc?secret=1"), web.url(path="/no"), "--json",
                 "--out", str(out))
    ok = next(record for record in records(done) if record["ok"])
    assert pathlib.Path(ok["file"]).parent == out
    assert pathlib.Path(ok["file"]).read_bytes().startswith(b"/")
    assert "secret" not in ok["file"]
    assert [str(each) for each in out.iterdir()] == [ok["file"]]


@pytest.mark.sanitized
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_it_with_what_is_done(web, number):
    web.script = lambda host, path: (200, {}, b"", 0 if path == "/quick" else SECONDS_MAX)
    process = subprocess.Popen(
        [str(BINARY), "fetch", web.url(path="/quick"), web.url(path="/slow"), "--json"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert json.loads(process.stdout.readline())["ok"]
    process.send_signal(number)
    rest, errors = process.communicate(timeout=SECONDS_MAX)
    assert process.returncode == 128 + number and rest == b"" and errors == b""


def test_a_reader_that_goes_away_ends_it_quietly(web, tmp_path):
    urls = tmp_path / "urls"
    urls.write_text((web.url() + "\n") * 3000)
    process = subprocess.Popen([str(BINARY), "fetch", "--file", str(urls), "--json"],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(timeout=SECONDS_MAX) == 1
    assert process.stderr.read() == b"" and len(web.requests) < 3000


def test_a_pipe_that_is_slow_is_fetched_as_it_comes(web):
    process = subprocess.Popen([str(BINARY), "fetch", "--file", "-", "--json"], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE)
    for i in range(3):
        process.stdin.write(web.url(path=f"/{i}").encode() + b"\n")
        process.stdin.flush()
        assert json.loads(process.stdout.readline())["url"].endswith(f"/{i}")
    process.stdin.close()
    assert process.wait(timeout=SECONDS_MAX) == 0


def test_the_guard_keeps_private_addresses_out_when_it_is_asked_to(web):
    done = fetch(web.url(), "--guard", "block", "--json")
    assert done.returncode == 1 and "loopback" in records(done)[0]["error"] and web.requests == []
    assert fetch(web.url(), "--guard", "block", "--allow", "127.0.0.0/8").returncode == 0
    done = fetch(web.url(), "--guard", "report")
    assert done.returncode == 0 and "loopback" in done.stderr


def test_people_get_a_table_and_totals(web):
    done = fetch(web.url(1), web.url(2), web.url(2, "/x"))
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["STATUS", "BYTES", "MS", "URL"]
    assert lines[-1].split()[:2] == ["3", "0"] and lines[-1].endswith("(all)")
    assert lines[-3].endswith(f"127.0.0.2:{web.server_port}")


def test_the_installed_library_is_built_against(web, tmp_path):
    build = BINARY.parent
    if not (build / "cmake_install.cmake").exists():
        pytest.skip("the binary does not lie in a build folder")
    prefix = tmp_path / "prefix"
    quiet = {"stdout": subprocess.DEVNULL, "check": True, "timeout": 300}
    subprocess.run(["cmake", "--install", str(build), "--prefix", str(prefix)], **quiet)
    subprocess.run(["cmake", "-S", str(TOP / "examples/pool"), "-B", str(tmp_path / "build"),
                    f"-DCMAKE_PREFIX_PATH={prefix}"], **quiet)
    subprocess.run(["cmake", "--build", str(tmp_path / "build")], **quiet)
    done = subprocess.run([str(tmp_path / "build/pool"), web.url(), web.url(2)], capture_output=True, text=True,
                          timeout=SECONDS_MAX)
    assert done.returncode == 0 and done.stdout.count(" 5 bytes") == 2
    assert os.path.exists(prefix / "bin/ratelimmq")
