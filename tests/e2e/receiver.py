"""A web server that somebody else might run: it answers, refuses, hangs and hangs up by chance, and
counts what is open to each of its hosts."""
import asyncio
import base64
import collections
import hashlib
import hmac
import random
import socket
import threading
import time

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def signature(secret, message, timestamp, body):
    """Standard Webhooks, written from its specification and not from our code."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{message}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


Request = collections.namedtuple("Request", "at host method path fields body")


class Receiver:
    """behave(request, count) → (status, fields) or one of "hang", "close", "half". `count`: how often
    this body has come to this receiver."""

    def __init__(self, behave=lambda request, count: (200, {}), hosts=("127.0.0.1",), latency=(0, 0),
                 secret=None, seed=1):
        self.behave, self.hosts, self.latency, self.secret = behave, hosts, latency, secret
        self.random = random.Random(seed)
        self.requests = []              # In the order in which they came.
        self.accepted = collections.defaultdict(list)  # Body → requests answered with 2xx.
        self.answers = []               # (time, host, status or word)
        self.times = collections.Counter()
        self.open = collections.defaultdict(dict)      # Host → {task: socket}
        self.most_of_host = collections.Counter()
        self.most = 0
        self.problems = []
        self.loop = asyncio.new_event_loop()
        self.ready = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()
        assert self.ready.wait(30)

    # The thread of the server.

    def run(self):
        asyncio.set_event_loop(self.loop)
        self.loop.run_until_complete(self.listen())
        self.ready.set()
        self.loop.run_forever()
        for server in self.servers:
            server.close()
        tasks = asyncio.all_tasks(self.loop)
        for task in tasks:
            task.cancel()
        self.loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self.loop.close()

    async def listen(self):
        self.servers, self.port = [], 0
        for host in self.hosts:
            server = await asyncio.start_server(self.serve, host, self.port, backlog=1024)
            self.port = server.sockets[0].getsockname()[1]
            self.servers.append(server)

    async def serve(self, reader, writer):
        host = writer.get_extra_info("sockname")[0]
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                connection = object()
                self.opens(host, connection, writer.get_extra_info("socket"))
                try:
                    if not await self.answer(host, head, reader, writer):
                        return
                finally:
                    del self.open[host][connection]
        except (asyncio.IncompleteReadError, ConnectionError, TimeoutError):
            pass
        finally:
            writer.close()

    def opens(self, host, connection, sock):
        self.open[host][connection] = sock
        # What the other side has closed is not open, though its task has not heard of it yet.
        of_host = sum(alive(each) for each in self.open[host].values())
        in_all = of_host + sum(alive(each) for name, socks in self.open.items() if name != host
                               for each in socks.values())
        self.most_of_host[host] = max(self.most_of_host[host], of_host)
        self.most = max(self.most, in_all)

    async def answer(self, host, head, reader, writer):
        """False: the connection is over."""
        line, *lines = head.decode("latin-1").split("\r\n")[:-2]
        method, path, _ = line.split(" ")
        fields = {name.lower(): value.strip() for name, value in (each.split(":", 1) for each in lines)}
        body = await reader.readexactly(int(fields.get("content-length", 0)))
        request = Request(time.monotonic(), host, method, path, fields, body)
        self.requests.append(request)
        self.check(request)
        self.times[body] += 1
        what = self.behave(request, self.times[body])
        await asyncio.sleep(self.random.uniform(*self.latency))
        self.answers.append((time.monotonic(), host, what if isinstance(what, str) else what[0]))
        if what == "hang":
            await reader.read(1)  # Until the other side gives up.
            return False
        if what == "close":
            return False
        if what == "half":
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly so much")
            await writer.drain()
            return False
        status, more = what
        if 200 <= status < 300:
            self.accepted[body].append(request)
        text = "".join(f"{name}: {value}\r\n" for name, value in more.items())
        writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: 2\r\n{text}\r\nok".encode())
        await writer.drain()
        return True

    def check(self, request):
        if self.secret is None:
            return
        fields = request.fields
        try:
            wanted = signature(self.secret, fields["webhook-id"], fields["webhook-timestamp"],
                               request.body)
            if wanted not in fields["webhook-signature"].split(" "):
                self.problems.append(f"wrong signature: {fields}")
            if abs(int(fields["webhook-timestamp"]) - time.time()) > 300:
                self.problems.append(f"old timestamp: {fields}")
            if fields["webhook-id"] != fields["ratelimmq-message-id"] or "." in fields["webhook-id"]:
                self.problems.append(f"wrong id: {fields}")
        except (KeyError, ValueError) as error:
            self.problems.append(f"{error!r}: {fields}")

    # For the tests' thread.

    def url(self, host=None, path="/hook"):
        return f"http://{host or self.hosts[0]}:{self.port}{path}"

    def stop(self):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(timeout=30)


def alive(sock):
    try:
        return sock._sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False
