"""Clients that write down what they see of a server (docs/formats/history.md)."""
import re
import time

import redis

SECONDS_MAX = 30  # Without an answer for so long a server hangs, and the test says so.


def now():
    return time.monotonic_ns()  # One clock for all processes of a machine.


def word(value):
    """As one word; equal texts are equal words."""
    data = value if isinstance(value, bytes) else str(value).encode()
    return "".join(chr(b) if 0x20 < b < 0x7f and b not in b"%," else f"%{b:02X}" for b in data)


class Recorder:
    """One file of one process."""

    def __init__(self, path):
        self.file = open(path, "w")
        self.file.write("history 1\n")

    def line(self, verb, *words, **options):
        texts = [verb, *(str(w) for w in words)]
        texts += [f"{name}={value}" for name, value in options.items() if value is not None]
        self.file.write(" ".join(texts) + "\n")

    def close(self):
        self.file.close()


def outcome_of(answer):
    """Of an answer that is no success: may it have happened?"""
    return "info" if isinstance(answer, Exception) and str(answer).startswith("UNKNOWN") else "fail"


def record_of(answer):
    if isinstance(answer, dict):
        return {k.decode(): v for k, v in answer.items()}
    return {answer[i].decode(): answer[i + 1] for i in range(0, len(answer), 2)}


class Gone(Exception):
    """The connection was lost."""


class Client:
    """One connection at a time, and a line for each of its operations."""

    def __init__(self, name, port, recorder):
        self.name, self.port, self.recorder = name, port, recorder
        self.connections = 0
        self.connection = None
        self.since = 0  # The last instant at which it was surely connected.

    @property
    def conn(self):
        return f"{self.name}.{self.connections}"

    def connect(self):
        self.close()
        connection = redis.Connection(host="127.0.0.1", port=self.port, socket_timeout=SECONDS_MAX)
        self.connections += 1
        try:
            connection.connect()
        except (redis.ConnectionError, OSError) as error:
            raise Gone from error
        self.connection = connection
        self.since = now()

    def close(self):
        if self.connection is None:
            return
        begin = now()
        self.connection.disconnect()
        self.connection = None
        self.recorder.line("close", begin, now(), self.conn)

    def lost(self):
        self.connection.disconnect()
        self.connection = None
        self.recorder.line("close", self.since, now(), self.conn)

    def send(self, commands):
        """Returns when it was sent; raises Gone if perhaps not all of it was."""
        begin = now()
        try:
            self.connection.send_packed_command(self.connection.pack_commands(commands))
        except (redis.ConnectionError, OSError):
            return begin, False
        return begin, True

    def read(self):
        """The answer, or an error as a value; None and False if the connection was lost."""
        try:
            answer = self.connection.read_response()
        except redis.ResponseError as error:
            answer = error
        except redis.TimeoutError as error:
            raise AssertionError(f"{self.name}: no answer for {SECONDS_MAX} s") from error
        except (redis.ConnectionError, OSError):
            return None, False
        self.since = now()
        return answer, True

    def run(self, commands, told):
        """Sends them in one go; told(index, begin, end, answer) for each, answer None: unknown."""
        begin, connected = self.send(commands)
        for index in range(len(commands)):
            answer = None
            if connected:
                answer, connected = self.read()
            told(index, begin, now(), answer if connected else Gone())
        if not connected:
            self.lost()
            raise Gone

    def ask(self, *command):
        """Of what need not be recorded."""
        answers = []
        self.run([command], lambda index, begin, end, answer: answers.append((begin, end, answer)))
        return answers[0]

    # The verbs.

    def enqueue(self, messages, vanish=False):
        """messages: dicts of queue, body and options. Returns their outcomes."""
        commands = []
        for m in messages:
            command = ["ENQUEUE", m["queue"], m["body"]]
            for option in ("key", "priority", "delay", "ttl", "attempts", "cost", "dedup"):
                if m.get(option) is not None:
                    command += [option.upper(), m[option]]
            if m.get("tag") is not None:
                command += ["HEADER", "tenant", m["tag"]]
            commands.append(command)
        outcomes = []

        def told(index, begin, end, answer):
            m = messages[index]
            ok = isinstance(answer, bytes)
            outcome = "ok" if ok else "info" if isinstance(answer, Gone) else outcome_of(answer)
            outcomes.append(outcome)
            options = {k: m.get(k) for k in ("priority", "delay", "ttl", "cost", "attempts")}
            options |= {k: word(m[k]) for k in ("key", "tag", "dedup") if m.get(k) is not None}
            self.recorder.line("enqueue", begin, end, outcome, word(m["queue"]), word(m["body"]),
                               id=word(answer) if ok else None, **options)

        if vanish:
            begin, _ = self.send(commands)
            self.close()
            for index in range(len(messages)):
                told(index, begin, now(), Gone())
        else:
            self.run(commands, told)
        return outcomes

    def dequeue(self, queues, count=1, wait=0, lease=None, vanish=False):
        command = ["DEQUEUE", *queues, "COUNT", count, "WAIT", wait]
        if lease is not None:
            command += ["LEASE", lease]
        deliveries = []

        def told(index, begin, end, answer):
            if not isinstance(answer, list):
                unknown = isinstance(answer, Gone) or outcome_of(answer) == "info"
                if answer is not None and unknown:
                    names = ",".join(word(q) for q in queues)
                    self.recorder.line("dequeue", begin, end, "info", names)
                return
            for row in answer:
                m = record_of(row)
                deliveries.append(m)
                self.recorder.line(
                    "deliver", begin, end, word(m["queue"]), word(m["id"]), word(m["receipt"]),
                    word(m["body"]), conn=self.conn, attempt=m["attempt"],
                    until=m["lease_until_ms"] if lease != 0 else None, lease=lease, enqueued=m["enqueued_at_ms"],
                    key=word(m["key"]) if m["key"] else None, priority=m["priority"])

        if vanish:
            begin, _ = self.send([command])
            self.close()
            told(0, begin, now(), Gone())
        else:
            self.run([command], told)
        return deliveries

    def ack(self, receipts):
        def told(index, begin, end, answer):
            if isinstance(answer, int):
                outcome = {len(receipts): "ok", 0: "fail"}.get(answer, "info")
            else:
                outcome = "info" if isinstance(answer, Gone) else outcome_of(answer)
            for receipt in receipts:
                self.recorder.line("ack", begin, end, outcome, word(receipt))

        self.run([["ACK", *receipts]], told)

    def settle(self, verb, receipt, *words, **options):
        """NACK, REQUEUE, EXTEND."""
        def told(index, begin, end, answer):
            if isinstance(answer, Gone):
                outcome = "info"
            else:
                outcome = outcome_of(answer) if isinstance(answer, Exception) else "ok"
            if verb == "EXTEND" and outcome == "ok":
                options["until"] = int(answer)
            self.recorder.line(verb.lower(), begin, end, outcome, word(receipt), **options)

        self.run([[verb, receipt, *words]], told)

    def remove(self, message):
        def told(index, begin, end, answer):
            outcome = {1: "ok", 0: "fail"}.get(answer) if isinstance(answer, int) else "info"
            self.recorder.line("remove", begin, end, outcome, word(message))

        self.run([["REMOVE", message]], told)

    def check(self, domain, descriptor, limit, value, cost):
        """One descriptor that meets one limit."""
        def told(index, begin, end, answer):
            outcome = "info" if isinstance(answer, Gone) else "fail"
            if isinstance(answer, (list, dict)):
                outcome = "ok" if record_of(answer)["allowed"] else "fail"
            elif not isinstance(answer, Gone):
                outcome = outcome_of(answer)
            self.recorder.line("check", begin, end, outcome, limit, word(value), cost=cost)

        self.run([["CHECK", domain, descriptor, "COST", cost]], told)

    def clock(self):
        begin, end, answer = self.ask("TIME")
        seconds, microseconds = (int(part) for part in answer)
        self.recorder.line("clock", begin, end, seconds * 10**9 + microseconds * 1000)


def lines_without(text, message):
    """A history as if the message of this id had never been delivered."""
    receipts = set(re.findall(rf"^deliver \d+ \d+ \S+ {re.escape(message)} (\S+)", text, re.M))
    return "".join(
        line for line in text.splitlines(keepends=True)
        if not (line.startswith("deliver ") and line.split(" ")[4] == message)
        and not (line.split(" ", 1)[0] in ("ack", "nack", "requeue", "extend")
                 and line.split(" ")[4].strip() in receipts))
