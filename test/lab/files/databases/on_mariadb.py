"""The bank in MariaDB."""
import os
import re

import pymysql

from bank import DURABLE, PADDING, RUN_DIRECTORY
from server import Server, must, output_of
from sql_bank import SqlBank

NAME = os.environ.get("MARIADB_DATABASE", "autonomy")
USER = os.environ.get("MARIADB_USER", "autonomy")
PASSWORD = os.environ.get("MARIADB_PASSWORD", "lab-secret")
SOCKET = f"{RUN_DIRECTORY}/mariadb.sock"
UPSERT = "ON DUPLICATE KEY UPDATE {column} = {column} + VALUES({column})"
SETTINGS = {
    "bind-address": "*",
    "socket": SOCKET,
    "pid-file": f"{RUN_DIRECTORY}/mariadb.pid",
    "max-connections": "20",
    "performance-schema": "off",
    "key-buffer-size": "1M",
    "aria-pagecache-buffer-size": "1M",
    "innodb-buffer-pool-size": "6M",
    # The pool is too small to be fast without the kernel's cache behind it.
    "innodb-data-file-buffering": "ON",
    # The log is a ring: the smaller it is, the sooner the part is overwritten that a copy would need.
    "innodb-log-file-size": "4M",
    "innodb-log-buffer-size": "2M",
    "innodb-undo-tablespaces": "0",
    # Changed pages go to the disk at once, out of the order in which they were changed.
    "innodb-max-dirty-pages-pct": "0",
    "innodb-io-capacity": "2000",
    "innodb-flush-log-at-trx-commit": "1" if DURABLE else "2",
    # `fast` writes twice as well, and does not wait for the disk in between.
    "innodb-doublewrite": "ON" if DURABLE else "fast",
}


class MariaDb(Server):
    directory = "/var/lib/mysql"
    user = "mysql"
    complaint = r"\[ERROR\]"

    def command(self):
        settings = [f"--{name}={value}" for name, value in SETTINGS.items()]
        return ["mariadbd", "--no-defaults", f"--datadir={self.directory}", *settings]

    def initialise(self):
        files = [f"--datadir={self.directory}", "--innodb-undo-tablespaces=0"]
        names = ["--user=mysql", "--auth-root-authentication-method=socket", "--skip-test-db"]
        must(["mariadb-install-db", "--no-defaults", *files, *names, "--innodb-log-file-size=4M"])

    def connect(self):
        connection = pymysql.connect(unix_socket=SOCKET, user="root")
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE IF NOT EXISTS {NAME}")
            account = f"'{USER}'@'%' IDENTIFIED BY '{PASSWORD}'"
            cursor.execute(f"GRANT ALL ON {NAME}.* TO {account}")
        connection.select_db(NAME)
        # More than the buffer pool holds.
        return SqlBank(connection, UPSERT, padding=PADDING * 3)

    def check(self):
        """What MariaDB's own tool finds wrong with a server that runs."""
        options = ["--no-defaults", f"--socket={SOCKET}", "--all-databases", "--check"]
        failed, said = output_of(["mariadb-check", *options])
        wrong = re.search(r"(?im)^(error|.*corrupt).*$", said)
        if failed or wrong:
            return f"mariadb-check: {wrong.group() if wrong else said}"
        return None
