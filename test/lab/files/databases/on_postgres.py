"""The bank in PostgreSQL."""
import os
import signal
import subprocess

import psycopg2

from bank import DURABLE, RUN_DIRECTORY
from server import Server, must, output_of
from sql_bank import SqlBank

NAME = os.environ.get("POSTGRES_DB", "autonomy")
USER = os.environ.get("POSTGRES_USER", "autonomy")
PASSWORD = os.environ.get("POSTGRES_PASSWORD", "lab-secret")
PROGRAMS = "/usr/lib/postgresql/17/bin"
UPSERT = "ON CONFLICT (id) DO UPDATE SET {column} = accounts.{column} + excluded.{column}"
SETTINGS = {
    "listen_addresses": "*",
    "unix_socket_directories": RUN_DIRECTORY,
    "jit": "off",
    "max_connections": "20",
    # Less than the tables: pages are written out of turn all the time, not only by a checkpoint.
    "shared_buffers": "1MB",
    # A checkpoint, and log segments that are used anew, for every megabyte that is written: during any copy that is
    # not of one moment the log it would need is gone.
    "max_wal_size": "2MB",
    "min_wal_size": "2MB",
    "checkpoint_timeout": "30s",
    "checkpoint_completion_target": "0.1",
    "checkpoint_warning": "0",
    "log_checkpoints": "off",
    "fsync": "on" if DURABLE else "off",
    "synchronous_commit": "on" if DURABLE else "off",
    "autovacuum_naptime": "5s",
}


class Postgres(Server):
    directory = "/var/lib/postgresql/data"
    user = "postgres"
    # "Fast shutdown": connections are ended, not waited for.
    stop_signal = signal.SIGINT
    # Who connects before it serves is told so, and that is logged.
    complaint = "(FATAL|PANIC|ERROR):  (?!the database system is)"

    def command(self):
        settings = [f"--{name}={value}" for name, value in SETTINGS.items()]
        return [f"{PROGRAMS}/postgres", "-D", self.directory, *settings]

    def initialise(self):
        secret = f"{RUN_DIRECTORY}/password"
        with open(secret, "w", encoding="ascii") as file:
            file.write(PASSWORD)
        authentication = ["--auth-local=trust", "--auth-host=scram-sha-256"]
        options = ["--wal-segsize=1", "--data-checksums", "--locale=C.UTF-8", "--no-sync"]
        names = ["-U", USER, f"--pwfile={secret}"]
        command = [f"{PROGRAMS}/initdb", "-D", self.directory, *authentication, *options, *names]
        must(command, user=self.user)

    def connect(self):
        try:
            connection = self.open(NAME)
        except psycopg2.OperationalError as error:
            if "does not exist" not in str(error):
                raise
            with self.open("postgres").cursor() as cursor:
                cursor.connection.autocommit = True
                cursor.execute(f'CREATE DATABASE "{NAME}"')
            connection = self.open(NAME)
        # Room in each page keeps the table as small as it was made.
        return SqlBank(connection, UPSERT, table_options="WITH (fillfactor = 60)")

    def open(self, database):
        return psycopg2.connect(host=RUN_DIRECTORY, user=USER, dbname=database)

    def check(self):
        """What PostgreSQL's own tools find wrong with a server that runs."""
        options = ["--host", RUN_DIRECTORY, "--username", USER]
        everything = ["--all", "--install-missing", "--heapallindexed"]
        failed, said = output_of([f"{PROGRAMS}/pg_amcheck", *options, *everything])
        if failed or said != "":
            return f"pg_amcheck: {said}"
        failed, said = output_of([f"{PROGRAMS}/pg_dumpall", *options], stdout=subprocess.DEVNULL)
        return f"pg_dumpall: {said}" if failed else None
