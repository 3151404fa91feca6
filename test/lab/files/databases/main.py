"""main.py KIND serve | write NAME | check COPY DIRECTORY: the first process of a container with one of the lab's databases.

serve: the database, and a process that writes to it without an end.
check: looks whether COPY is a consistent database, by means of a copy of it at DIRECTORY, and prints that as JSON.
"""
import importlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time

import bank

SERVERS = {"postgres": "Postgres", "mariadb": "MariaDb", "redis": "Redis"}


def server_of(kind):
    return getattr(importlib.import_module(f"on_{kind}"), SERVERS[kind])()


def writers_of(kind):
    """Names of the writers, and what connects each to its bank."""
    if kind != "sqlite":
        return {kind: server_of(kind).connect}
    sqlite = importlib.import_module("on_sqlite")
    return {mode: lambda mode=mode: sqlite.connect(mode) for mode in sqlite.MODES}


def serve(kind):
    """Run until a signal, or until one of the processes ends: then the container's restart policy decides."""
    # A signal for a first process that has no handler for it is dropped.
    stopping = []
    for one in (signal.SIGTERM, signal.SIGINT):
        signal.signal(one, lambda *_: stopping.append(True))
    server = None
    if kind in SERVERS:
        server = server_of(kind)
        server.prepare()
        server.start()
    writers = [
        subprocess.Popen([sys.executable, "-u", __file__, kind, "write", name])
        for name in writers_of(kind)
    ]
    processes = [*writers, *([server.process] if server else [])]
    while not stopping and all(process.poll() is None for process in processes):
        time.sleep(0.05)
    for writer in writers:
        writer.terminate()
        writer.wait()
    if server:
        server.stop()
    sys.exit(0 if stopping else 1)


def check(kind, copy, directory):
    """The verdict on a copy; only a copy of the copy is touched, with the attributes of its root."""
    subprocess.run(["cp", "-a", copy, directory], check=True)
    find = check_sqlite if kind == "sqlite" else check_server
    problems, transactions = find(kind, directory)
    verdict = {"consistent": not problems, "transactions": transactions}
    if problems:
        verdict["problem"] = " ".join("; ".join(problems).split())
    print(json.dumps(verdict))


def check_sqlite(_kind, directory):
    sqlite = importlib.import_module("on_sqlite")
    sqlite.DIRECTORY = directory
    problems, transactions = [], 0
    for mode in sqlite.MODES:
        problem = None
        try:
            problem = sqlite.check_file(mode)
            problem, found = judge(sqlite.connect(mode), problem)
            transactions += found
        except Exception as error:
            problem = problem or f"{type(error).__name__}: {error}"
        if problem:
            problems.append(f"{mode}.db: {problem}")
    return problems, transactions


def check_server(kind, directory):
    server = server_of(kind)
    server.directory = directory
    if not os.listdir(server.directory):
        return ["the directory is empty"], 0
    shutil.chown(bank.RUN_DIRECTORY, server.user)
    # The files first: a server that starts mends what it can.
    problem = server.check_files() or server.start_logged()
    if problem:
        return [problem], 0
    try:
        problem, transactions = judge(server.connect(), server.check())
        problem = problem or server.complaint_said()
    except Exception as error:
        problem, transactions = f"{type(error).__name__}: {error}", 0
    return [problem] if problem else [], transactions


def judge(connected, problem):
    state = connected.read()
    return problem or bank.problem_of(state), bank.transactions_of(state)


def main():
    kind, verb, *words = sys.argv[1:]
    os.makedirs(bank.RUN_DIRECTORY, exist_ok=True)
    if verb == "write":
        # The lab's hosts share their processors; a copy of SQLite's small file meets a commit only if these are many.
        bank.write(words[0], writers_of(kind)[words[0]], idle=1 if kind == "sqlite" else 2)
    elif verb == "check":
        check(kind, *words)
    else:
        serve(kind)


main()
