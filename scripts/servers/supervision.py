"""A child process that cannot outlive its test, and a directory that goes away with it."""

import ctypes
import fcntl
import os
import random
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

PR_SET_PDEATHSIG = 1
LIBRARY = ctypes.CDLL(None, use_errno=True)


class StartFailure(Exception):
    """The server did not become ready."""


def die_with_parent():
    """Runs in the child, before its program: the kernel kills it when this program is gone.

    The signal follows the thread that started the child, so only the main thread may do that.
    """
    LIBRARY.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


class RunDirectory:
    """A fresh directory. Those of programs that were killed are removed on the way.

    Each directory is locked by the program that uses it, so that nobody removes it too early.
    """

    def __init__(self, kind):
        self.home = os.path.join(tempfile.gettempdir(), f"blobrpc-servers-{os.getuid()}")
        os.makedirs(self.home, mode=0o700, exist_ok=True)
        if os.stat(self.home).st_uid != os.getuid():
            raise StartFailure(f"{self.home} belongs to somebody else")
        with open(os.path.join(self.home, "lock"), "w") as gate:
            fcntl.flock(gate, fcntl.LOCK_EX)
            self.remove_stale()
            self.path = tempfile.mkdtemp(prefix=f"{kind}-", dir=self.home)
            self.lock = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
            fcntl.flock(self.lock, fcntl.LOCK_EX)

    def remove_stale(self):
        for name in os.listdir(self.home):
            path = os.path.join(self.home, name)
            if not os.path.isdir(path):
                continue
            try:
                descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                continue
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                remove_with_leftovers(path)
            except BlockingIOError:
                pass
            finally:
                os.close(descriptor)

    def remove(self):
        remove_with_leftovers(self.path)


def note_leftovers(directory, paths):
    """Files that the server makes elsewhere, so that even the next program can remove them."""
    with open(os.path.join(directory, "leftovers"), "w") as file:
        file.write("\n".join(paths))


def remove_with_leftovers(directory):
    try:
        with open(os.path.join(directory, "leftovers")) as file:
            for path in file.read().splitlines():
                if os.path.lexists(path):
                    os.unlink(path)
    except OSError:
        pass
    shutil.rmtree(directory, ignore_errors=True)


class Child:
    """A server process in a session of its own."""

    def __init__(self, command, directory, environment):
        self.log_path = os.path.join(directory, "log")
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                command,
                cwd=directory,
                # Nothing of the caller's environment: no proxy, no credentials, no profile.
                env={"PATH": "/usr/bin:/bin", "HOME": directory, "TMPDIR": directory}
                | environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=die_with_parent,
            )

    def kill(self):
        """Ends the server and all that it started. A graceful end would take many seconds."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def wait_until(self, is_ready, seconds):
        """Asks again and again, because the servers say nothing when they are ready."""
        end = time.monotonic() + seconds
        reason = None
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise StartFailure(f"ended with {self.process.returncode}:\n{self.log_tail()}")
            try:
                if is_ready():
                    return
            except Exception as error:
                reason = error
            time.sleep(0.05)
        raise StartFailure(f"not ready after {seconds} s ({reason}):\n{self.log_tail()}")

    def log_tail(self):
        with open(self.log_path, "rb") as log:
            return log.read()[-4000:].decode(errors="replace")


def free_ports(count):
    """Ports below those that the kernel gives to clients, so that no connection takes one.

    Another program may still be quicker; the caller tries again then.
    """
    with open("/proc/sys/net/ipv4/ip_local_port_range") as file:
        lowest_of_clients = int(file.read().split()[0])
    candidates = range(10_000, lowest_of_clients)
    if len(candidates) < 10 * count:
        candidates = range(10_000, 65_000)
    ports = set()
    while len(ports) < count:
        port = random.choice(candidates)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        ports.add(port)
    return sorted(ports)


def watch_parent(on_end):
    """Calls `on_end` when the parent is gone, also when somebody else holds our standard input."""
    descriptor = os.pidfd_open(os.getppid())

    def wait():
        # Readable means that the process has ended.
        select.select([descriptor], [], [])
        on_end()

    threading.Thread(target=wait, daemon=True).start()
