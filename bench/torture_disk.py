"""A disk of its own for a server, that can be filled, stalled, and have its power cut: ext4 in a file,
mounted through a loop device. Needs root and loop devices; Unavailable says what is missing.

`cut` is the ioctl with which file systems are tested: from then on every write and sync fails, nothing
that was not synced reaches the file, and the next mount replays the journal as after a real power cut."""
import contextlib
import fcntl
import os
import shutil
import struct
import subprocess
import time

IMAGE_BYTES = 192 << 20
FIFREEZE, FITHAW = 0xC0045877, 0xC0045878
SHUTDOWN, WITHOUT_LOG_FLUSH = 0x8004587D, 2


class Unavailable(Exception):
    """This fault cannot be made here."""


def run(*command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if done.returncode != 0:
        raise Unavailable(f"{command[0]}: {(done.stderr or done.stdout).strip()}")


class Disk:
    def __init__(self, folder):
        if os.geteuid() != 0:
            raise Unavailable("needs root")
        for program in ("mkfs.ext4", "losetup", "mount", "umount"):
            if shutil.which(program) is None:
                raise Unavailable(f"needs {program}")
        folder.mkdir(parents=True)
        self.image, self.path = folder / "image", folder / "mount"
        self.path.mkdir()
        self.mounted = self.frozen = False
        with open(self.image, "wb") as file:
            file.truncate(IMAGE_BYTES)
        run("mkfs.ext4", "-q", "-F", "-m", "0", self.image)
        self.mount()

    def mount(self):
        run("mount", "-o", "loop", self.image, self.path)
        self.mounted = True

    def control(self, number, argument):
        folder = os.open(self.path, os.O_RDONLY)
        try:
            fcntl.ioctl(folder, number, struct.pack("I", argument))
        except OSError as error:
            raise Unavailable(f"ioctl: {error.strerror}") from error
        finally:
            os.close(folder)

    def fill(self):
        """Not a byte is left."""
        with open(self.path / "filler", "ab", buffering=0) as file:
            for size in (1 << 20, 1 << 12, 1):
                with contextlib.suppress(OSError):
                    while True:
                        file.write(b"\0" * size)

    def free(self):
        (self.path / "filler").unlink(missing_ok=True)

    def stall(self, seconds):
        """Whoever writes or syncs waits for so long."""
        self.control(FIFREEZE, 0)
        self.frozen = True
        try:
            time.sleep(seconds)
        finally:
            self.thaw()

    def thaw(self):
        if self.frozen:
            self.control(FITHAW, 0)
            self.frozen = False

    def cut(self):
        self.control(SHUTDOWN, WITHOUT_LOG_FLUSH)

    def replay(self):
        """After a cut, when nobody has a file open any more: what the platter has."""
        self.unmount()
        self.mount()

    def unmount(self):
        for _ in range(100):  # A killed process may take a moment to let go.
            if subprocess.run(["umount", str(self.path)], capture_output=True).returncode == 0:
                self.mounted = False
                return
            time.sleep(0.05)
        run("umount", self.path)

    def close(self):
        self.thaw()
        if self.mounted:
            self.unmount()
        self.image.unlink(missing_ok=True)
