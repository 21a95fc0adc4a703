"""A network namespace with two links to ours: one for clients, one to a store, which can be cut. A link
that is down loses packets without a word, as a partition does. Needs root, iproute2 and veth."""
import os
import shutil
import subprocess

from torture_disk import Unavailable, run


class Namespace:
    def __init__(self):
        if os.geteuid() != 0:
            raise Unavailable("needs root")
        if shutil.which("ip") is None:
            raise Unavailable("needs iproute2")
        number = os.getpid() % 250
        self.name, self.links = f"torture{os.getpid()}", [f"tt{os.getpid()}c", f"tt{os.getpid()}s"]
        # Here and there, of both links.
        self.clients, self.store = (f"10.219.{number}.1", f"10.219.{number}.2"), (f"10.220.{number}.1", f"10.220.{number}.2")
        run("ip", "netns", "add", self.name)
        try:
            self.connect()
        except Unavailable:
            self.close()
            raise

    def connect(self):
        inside = ("ip", "-n", self.name)
        run(*inside, "link", "set", "lo", "up")
        for link, (here, there) in zip(self.links, (self.clients, self.store)):
            run("ip", "link", "add", link, "type", "veth", "peer", "name", "p" + link[2:], "netns", self.name)
            run("ip", "addr", "add", f"{here}/30", "dev", link)
            run("ip", "link", "set", link, "up")
            run(*inside, "addr", "add", f"{there}/30", "dev", "p" + link[2:])
            run(*inside, "link", "set", "p" + link[2:], "up")

    def command(self, words):
        return ["ip", "netns", "exec", self.name, *words]

    def cut(self):
        run("ip", "link", "set", self.links[1], "down")

    def heal(self):
        run("ip", "link", "set", self.links[1], "up")

    def close(self):
        for link in self.links:
            subprocess.run(["ip", "link", "del", link], capture_output=True)
        subprocess.run(["ip", "netns", "del", self.name], capture_output=True)
