"""run-once.py ARGV...: runs a command and prints {"wall": ms, "cpu": ms of all descendants, "stdout": text} as JSON."""

import json
import resource
import subprocess
import sys
import time

started = time.monotonic()
done = subprocess.run(sys.argv[1:], stdin=subprocess.DEVNULL, capture_output=True, check=False)
wall = time.monotonic() - started
if done.returncode:
    sys.exit(done.stderr.decode(errors="replace"))
used = resource.getrusage(resource.RUSAGE_CHILDREN)
cpu = used.ru_utime + used.ru_stime
print(json.dumps({"wall": wall * 1000, "cpu": cpu * 1000, "stdout": done.stdout.decode(errors="replace")}))
