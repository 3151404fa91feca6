"""load-dump.py KIND DUMP: loads the dump of one of the lab's databases into a fresh one, by the database's own tools.

Prints as JSON whether the bank in it is whole, and its transactions. Runs in a container of the database's image.
"""
import importlib
import json
import os
import shutil
import subprocess
import sys

sys.path.insert(0, "/bank")
bank = importlib.import_module("bank")
DIRECTORY = "/private/fresh"
# A dump of everything has the user that loads it, too.
USUAL = ("current user cannot be dropped", 'role "autonomy" already exists')


def output_of(command, dump):
    with open(dump, "rb") as file:
        result = subprocess.run(command, stdin=file, capture_output=True, check=False)
    lines = (result.stderr + result.stdout).decode(errors="replace").splitlines()
    return result.returncode, [line for line in lines if not line.endswith(USUAL)]


def must(command, dump):
    code, lines = output_of(command, dump)
    if code != 0 or any("ERROR" in line for line in lines):
        raise RuntimeError(f"{command[0]} ended with {code}: {' '.join(lines)[:500]}")


def fresh(server):
    """An empty database that runs."""
    server.directory = DIRECTORY
    server.prepare()
    started = server.start_logged()
    if started:
        raise RuntimeError(started)
    return server


def load_postgres(module, dump):
    server = fresh(module.Postgres())
    client = ["psql", f"--host={bank.RUN_DIRECTORY}", f"--username={module.USER}"]
    must([*client, "--quiet", "--output=/dev/null", "--dbname=postgres"], dump)
    return server.connect(), server.check()


def load_mariadb(module, dump):
    server = fresh(module.MariaDb())
    must(["mariadb", "--no-defaults", f"--socket={module.SOCKET}", "--user=root"], dump)
    return server.connect(), server.check()


def load_redis(module, dump):
    shutil.copy(dump, f"{DIRECTORY}/dump.rdb")
    for path in (bank.RUN_DIRECTORY, DIRECTORY, f"{DIRECTORY}/dump.rdb"):
        shutil.chown(path, module.Redis.user)
    # With an append-only file, which it has not, it would not look at anything else.
    module.SETTINGS["appendonly"] = "no"
    server = module.Redis()
    server.directory = DIRECTORY
    problem = server.check_files() or server.start_logged()
    if problem:
        raise RuntimeError(problem)
    return server.connect(), None


def load_sqlite(module, dump):
    must(["sqlite3", "-bail", f"{DIRECTORY}/journal.db"], dump)
    module.DIRECTORY = DIRECTORY
    return module.connect("journal"), module.check_file("journal")


LOADERS = {
    "postgres": load_postgres,
    "mariadb": load_mariadb,
    "redis": load_redis,
    "sqlite": load_sqlite,
}


def main():
    kind, dump = sys.argv[1:]
    for directory in (bank.RUN_DIRECTORY, DIRECTORY):
        os.makedirs(directory, exist_ok=True)
    try:
        connected, problem = LOADERS[kind](importlib.import_module(f"on_{kind}"), dump)
        state = connected.read()
        problem, transactions = problem or bank.problem_of(state), bank.transactions_of(state)
    except Exception as error:
        problem, transactions = f"{type(error).__name__}: {error}", 0
    verdict = {"consistent": not problem, "transactions": transactions}
    print(json.dumps(verdict | ({"problem": problem} if problem else {})))


main()
