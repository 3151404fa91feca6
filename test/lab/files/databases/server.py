"""A database server as a child process."""
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time

from bank import DURABLE, RUN_DIRECTORY

START_SECONDS = 40


def output_of(command, **options):
    """Whether a command failed, and all that it said."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "errors": "replace"}
    result = subprocess.run(command, check=False, **pipes | options)
    said = (result.stderr or "") + (result.stdout or "")
    return result.returncode != 0, said.strip()


def must(command, **options):
    failed, said = output_of(command, **options)
    if failed:
        raise RuntimeError(f"{command[0]}: {said}")


class Server:
    """What the database servers have in common; each says its directory, user, command and checks."""

    stop_signal = signal.SIGTERM

    def __init__(self):
        self.process = None
        self.log = None

    def prepare(self):
        """Make an empty directory a database. One that holds anything is never touched: it may be a bad copy."""
        shutil.chown(RUN_DIRECTORY, self.user)
        if os.listdir(self.directory):
            return
        os.chmod(self.directory, 0o700)
        shutil.chown(self.directory, self.user, self.user)
        self.initialise()
        if DURABLE:
            must(["sync", "--file-system", self.directory])

    def start(self, log=None):
        self.log = log
        identity = {"user": self.user, "group": self.user, "extra_groups": []}
        # Its own group: a signal for the container's first process is not one for the database.
        options = {"start_new_session": True, "stdin": subprocess.DEVNULL, "cwd": self.directory}
        self.process = subprocess.Popen(
            self.command(), stdout=log, stderr=subprocess.STDOUT, **identity, **options
        )

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(self.stop_signal)
        self.process.wait()

    def start_logged(self):
        """Start, and wait until it serves; returns why it does not."""
        self.start(tempfile.TemporaryFile())
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                return self.complaint_said() or self.lines()[-1]
            if self.complaint_said():
                break
            try:
                self.connect()
                return None
            except Exception as error:
                said = f"{type(error).__name__}: {error}"
                time.sleep(0.05)
        return self.complaint_said() or said

    def lines(self):
        self.log.seek(0)
        lines = self.log.read().decode(errors="replace").splitlines()
        return [line for line in lines if line.strip()] or ["it said nothing"]

    def complaint_said(self):
        """The first line of the log that says why; what comes after it follows from it."""
        return next((line for line in self.lines() if re.search(self.complaint, line)), None)

    def check_files(self):
        """What is wrong with the files, before the server starts; None when nothing is."""
        return None
