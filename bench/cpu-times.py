"""cpu-times.py ROUNDS: run each command of standard input (a JSON object: name -> argv) ROUNDS times,
taking turns, and print the CPU milliseconds (user + system, of all descendants) of every run as JSON."""

import json
import resource
import subprocess
import sys

commands = json.load(sys.stdin)
times = {name: [] for name in commands}
# The first round fills caches and is not counted.
for turn in range(int(sys.argv[1]) + 1):
    for name, argv in commands.items():
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        used = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
        if turn:
            times[name].append(used * 1000)
print(json.dumps(times))
