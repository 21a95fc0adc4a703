"""The line server: PING, SHUTDOWN, unknown lines, signals, and the clean exit code."""
import signal
import socket
import subprocess

import pytest

pytestmark = pytest.mark.sanitized


def test_ping_is_answered_with_lf_and_crlf(start):
    server = start()
    with server.connect() as connection:
        connection.sendall(b"PING\nPING\r\nping\n")
        file = connection.makefile("rb")
        assert [file.readline() for _ in range(3)] == [b"PONG\n"] * 3


def test_shutdown_says_bye_and_exits_0(start):
    server = start()
    with server.connect() as connection:
        connection.sendall(b"SHUTDOWN\n")
        assert connection.makefile("rb").read() == b"BYE\n"
    assert server.wait() == 0


def test_any_other_line_is_an_unknown_command(start):
    server = start()
    assert server.say("HELO", "", "put x", "PING") == ["ERR unknown command"] * 3 + ["PONG"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_stop_as_cleanly(start, number):
    server = start()
    with server.connect() as connection:
        connection.sendall(b"PING\n")
        assert connection.makefile("rb").readline() == b"PONG\n"
        server.process.send_signal(number)
        assert server.wait() == 0


def test_netcat_gets_its_answer(start):
    server = start()
    done = subprocess.run(["nc", "-N", "127.0.0.1", str(server.ports["tcp"])], input=b"PING\nQUIT\n",
                          capture_output=True, timeout=30)
    assert done.stdout == b"PONG\nOK\n"


def test_commands_behind_shutdown_are_not_run(start):
    server = start()
    with server.connect() as connection:
        connection.sendall(b"PING\nSHUTDOWN\nPING\n")
        assert connection.makefile("rb").read() == b"PONG\nBYE\n"
    assert server.wait() == 0


def test_half_a_command_and_a_closed_socket_harm_nobody(start):
    server = start()
    for half in (b"PI", b"*2\r\n$4\r\nPI", b'CHECK api "a', b"*1000"):
        with server.connect() as connection:
            connection.sendall(half)
    assert server.say("PING") == ["PONG"]


def test_ten_thousand_pipelined_commands_are_answered_in_order(start):
    server = start()
    with server.connect() as connection:
        connection.sendall(b"".join(b"PING n%d\n" % i for i in range(10_000)))
        connection.shutdown(socket.SHUT_WR)
        assert connection.makefile("rb").read() == b"".join(b"n%d\n" % i for i in range(10_000))
