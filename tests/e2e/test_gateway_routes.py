"""The gateway as a proxy: which route a request takes, what of it reaches the upstream, and what of the
answer comes back."""
import contextlib
import http.client
import http.server
import json
import socket
import threading

import pytest

import cluster as parts

MEGABYTES = bytes(range(256)) * (20 * 1024)  # 5 of them.


class Upstream(http.server.ThreadingHTTPServer):
    """Tells what it got: the body comes back, and what else there was in X-Got."""
    daemon_threads = True

    def __init__(self, name):
        super().__init__(("127.0.0.1", 0), UpstreamTalk)
        self.name, self.port, self.connections = name, self.server_address[1], []
        self.thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05})
        self.thread.start()

    def get_request(self):
        connection, address = super().get_request()
        self.connections.append(connection)
        return connection, address

    def stop(self):
        self.shutdown()
        self.thread.join()
        for connection in self.connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self.server_close()


class UpstreamTalk(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = parts.SECONDS_MAX

    def log_message(self, *_):
        pass

    def body(self):
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        pieces = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            pieces.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(pieces)

    def serve(self):
        body = self.body()
        got = {"from": self.server.name, "method": self.command, "path": self.path,
               "fields": [[name.lower(), value] for name, value in self.headers.items()]}
        self.send_response(418 if self.path.endswith("/teapot") else 200)
        self.send_header("X-Got", json.dumps(got))
        self.send_header("X-Request-Id", "upstream's")
        self.send_header("Keep-Alive", "timeout=5")
        self.send_header("Connection", "x-secret")
        self.send_header("X-Secret", "hop")
        if self.path.endswith("/chunked"):
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for at in range(0, len(body), 100_000):
                piece = body[at:at + 100_000]
                self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            self.wfile.write(b"0\r\n\r\n")
        else:
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_DELETE = serve


@pytest.fixture
def upstreams():
    started = [Upstream(name) for name in ("one", "two", "three")]
    yield started
    for each in started:
        each.stop()


CONFIG = """
gateway:
  routes:
    - {{path: /, upstream: "http://127.0.0.1:{0}", max_request: 16MiB}}
    - {{path: /api, upstream: "http://127.0.0.1:{1}"}}
    - {{path: /api/small, upstream: "http://127.0.0.1:{1}", max_request: 1KiB}}
    - {{path: /api, host: three.example, upstream: "http://127.0.0.1:{2}"}}
"""


@pytest.fixture
def cluster(tmp_path):
    started = parts.Cluster(tmp_path)
    yield started
    started.stop()


@pytest.fixture
def gateway(cluster, upstreams):
    return cluster.gateway(config=CONFIG.format(*(each.port for each in upstreams)))


def got(answer):
    return json.loads(answer.fields["x-got"])


def field(answer, name):
    """All values that the upstream got, in their order."""
    return [value for key, value in got(answer)["fields"] if key == name]


@pytest.mark.parametrize("path, host, name", [
    ("/", None, "one"), ("/x?a=b", None, "one"), ("/apix", None, "one"), ("/api", None, "two"), ("/api/", None, "two"),
    ("/api/x/y", None, "two"), ("/api/x", "three.example", "three"), ("/api/x", "THREE.example:80", "three"),
    ("/x", "three.example", "one"), ("/api", "four.example", "two"), ("/%61pi/x", None, "two"),
    ("/x/../api", None, "two"), ("//api", None, "two")])
def test_the_longest_route_wins(gateway, path, host, name):
    answer = gateway.ask("GET", path, fields=[("Host", host)] if host else [])
    assert answer.status == 200 and (got(answer)["from"], got(answer)["method"]) == (name, "GET")
    if not path.startswith("//"):  # Python's server makes one slash of two.
        assert got(answer)["path"] == path  # As it was written.
    assert field(answer, "host") == [host or f"127.0.0.1:{gateway.port}"]


def test_no_route_is_not_found(cluster, upstreams):
    gateway = cluster.gateway(config=f"gateway: {{routes: [{{path: /api, upstream: 'http://127.0.0.1:"
                                     f"{upstreams[0].port}'}}]}}")
    answer = gateway.ask("GET", "/")
    assert answer.status == 404 and answer.fields["content-type"] == "application/problem+json"
    assert gateway.ask("GET", "/api").status == 200


def test_the_upstream_is_told_who_asked(gateway):
    lies = [("X-Forwarded-For", "198.51.100.1"), ("X-Forwarded-Proto", "https"), ("X-Real-IP", "198.51.100.1"),
            ("Forwarded", "for=198.51.100.1"), ("X_Forwarded_For", "198.51.100.1")]
    answer = gateway.ask("GET", "/", fields=[*lies, ("X-Request-Id", "mine"), ("X-Kept", "yes")])
    assert field(answer, "x-forwarded-for") == ["127.0.0.1"] and field(answer, "x-real-ip") == ["127.0.0.1"]
    assert field(answer, "x-forwarded-proto") == ["http"] and field(answer, "x-kept") == ["yes"]
    assert field(answer, "x-forwarded-host") == [f"127.0.0.1:{gateway.port}"]
    assert field(answer, "forwarded") == field(answer, "x_forwarded_for") == []
    assert field(answer, "x-request-id") == ["mine"] and answer.fields["x-request-id"] == "mine"


def test_a_trusted_proxy_is_believed(cluster, upstreams):
    config = CONFIG.format(*(each.port for each in upstreams))
    gateway = cluster.gateway(["--set", "gateway.client_address.trusted_proxies=127.0.0.0/8"], config=config)
    answer = gateway.ask("GET", "/", fields=[("X-Forwarded-For", "198.51.100.1"), ("X-Forwarded-Proto", "https")])
    assert field(answer, "x-forwarded-for") == ["198.51.100.1, 127.0.0.1"]
    assert field(answer, "x-real-ip") == ["198.51.100.1"] and field(answer, "x-forwarded-proto") == ["https"]


def test_fields_of_one_hop_go_no_further(gateway):
    answer = gateway.ask("POST", "/", b"x", [
        ("Connection", "x-mine, keep-alive"), ("X-Mine", "hop"), ("Keep-Alive", "timeout=9"), ("TE", "trailers"),
        ("Proxy-Authorization", "Basic eDp5"), ("Upgrade", "websocket"), ("X-Kept", "yes")])
    assert answer.status == 200 and answer.body == b"x" and field(answer, "x-kept") == ["yes"]
    for name in ("x-mine", "keep-alive", "te", "proxy-authorization", "upgrade"):
        assert field(answer, name) == [], name
    assert "x-mine" not in " ".join(field(answer, "connection"))
    assert "x-secret" not in answer.fields and "keep-alive" not in answer.fields
    assert "x-secret" not in answer.fields.get("connection", "")


@pytest.mark.sanitized
@pytest.mark.parametrize("path", ["/", "/chunked"])
@pytest.mark.parametrize("chunked", [False, True])
def test_large_bodies_go_through_whole(gateway, path, chunked):
    body = iter([MEGABYTES[at:at + 77_777] for at in range(0, len(MEGABYTES), 77_777)]) if chunked else MEGABYTES
    link = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=parts.SECONDS_MAX)
    fields = {"Transfer-Encoding": "chunked"} if chunked else {}
    link.request("POST", path, body, encode_chunked=chunked, headers=fields)
    answer = link.getresponse()
    assert answer.status == 200 and answer.read() == MEGABYTES
    link.request("GET", "/again")
    assert link.getresponse().status == 200
    link.close()


def read_until(connection, end):
    read = b""
    while not read.endswith(end):
        piece = connection.recv(65536)
        assert piece, read
        read += piece
    return read


@pytest.mark.sanitized
def test_bodies_are_not_collected_first(cluster):
    """Each side gets the beginning of what has no end yet."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(parts.SECONDS_MAX)
        gateway = cluster.gateway(config=f"gateway: {{routes: [{{path: /, upstream: 'http://127.0.0.1:"
                                         f"{server.getsockname()[1]}'}}]}}")
        with socket.create_connection(("127.0.0.1", gateway.port), timeout=parts.SECONDS_MAX) as client:
            client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\nhello ")
            upstream, _ = server.accept()
            with upstream:
                upstream.settimeout(parts.SECONDS_MAX)
                read_until(upstream, b"\r\n\r\nhello ")
                client.sendall(b"world")
                read_until(upstream, b"world")
                upstream.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nHELLO ")
                read_until(client, b"\r\n\r\nHELLO ")
                upstream.sendall(b"WORLD")
                read_until(client, b"WORLD")


def test_a_body_over_the_routes_bound_is_refused(gateway):
    answer = gateway.ask("POST", "/api/small", bytes(2000))
    assert answer.status == 413 and answer.body["status"] == 413
    assert gateway.ask("POST", "/api/small", bytes(1000)).status == 200


def test_the_upstreams_status_is_the_answers(gateway):
    assert gateway.ask("GET", "/teapot").status == 418


def test_connections_are_kept_on_both_sides(gateway, upstreams):
    link = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=parts.SECONDS_MAX)
    link.connect()
    mine = link.sock
    for n in range(20):
        assert parts.ask(None, "POST", "/", b"%d" % n, connection=link).body == b"%d" % n
        assert link.sock is mine
    link.close()
    assert len(upstreams[0].connections) == 1


@pytest.mark.sanitized
def test_an_upstream_that_is_gone_is_a_bad_gateway(gateway, upstreams):
    assert gateway.ask("GET", "/").status == 200
    upstreams[0].stop()
    for method in ("GET", "POST"):
        answer = gateway.ask(method, "/new", b"x" if method == "POST" else None)
        assert answer.status == 502 and answer.fields["content-type"] == "application/problem+json"
    assert gateway.ask("GET", "/api").status == 200  # The others' routes go on.


LIMITED = """
limits:
  - domain: web
    descriptors:
      - {{key: tenant, limit: {{name: per-tenant, rate: 3/h}}}}
gateway:
  routes:
    - {{path: /, upstream: "http://127.0.0.1:{}", decide: {{domain: web, descriptors: ["tenant={{header:X-Tenant}}"]}}}}
"""


def test_a_refused_request_never_reaches_the_upstream(start, upstreams):
    server = start(config=LIMITED.format(upstreams[0].port), arguments=["--threads", "2"])

    def ask(tenant):
        return parts.ask(server.ports["gateway"], "GET", "/", fields=[("X-Tenant", tenant)] if tenant else [])

    answers = [ask("a") for _ in range(5)]
    assert [answer.status for answer in answers] == [200] * 3 + [429] * 2
    assert answers[0].fields["ratelimit-policy"] == '"per-tenant";q=3;w=3600' and "retry-after" in answers[3].fields
    assert "x-got" not in answers[3].fields and answers[3].body["violated-policies"] == ["per-tenant"]
    assert ask("b").status == 200
    assert [ask(None).status for _ in range(5)] == [200] * 5  # No such field: the limit does not apply.
