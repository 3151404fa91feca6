"""The bank in SQLite: one in a database with a rollback journal, one in a database with a write-ahead log."""
import os
import sqlite3

from bank import DURABLE, PADDING
from sql_bank import SqlBank

DIRECTORY = "/var/lib/sqlite"
UPSERT = "ON CONFLICT (id) DO UPDATE SET {column} = {column} + excluded.{column}"
MODES = {
    "journal": ["PRAGMA journal_mode = DELETE"],
    # Often from the log into the database: a copy of both is rarely of one moment.
    "wal": [
        "PRAGMA journal_mode = WAL",
        "PRAGMA wal_autocheckpoint = 100",
    ],
}


def connect(mode):
    # By default Python commits before a statement that makes a table; here a bank appears whole or not at all.
    connection = sqlite3.connect(f"{DIRECTORY}/{mode}.db", timeout=10, autocommit=True)
    for pragma in (*MODES[mode], f"PRAGMA synchronous = {'FULL' if DURABLE else 'OFF'}"):
        connection.execute(pragma)
    # A cache of less than a transaction: pages go to the file before the commit.
    connection.execute("PRAGMA cache_size = 50")
    connection.autocommit = False
    # SQLite has only its file; the longer that takes to copy, the more is committed meanwhile.
    return SqlBank(connection, UPSERT, mark="?", padding=PADDING * 3)


def check_file(mode):
    """What SQLite itself finds wrong with the database."""
    if not os.path.exists(f"{DIRECTORY}/{mode}.db"):
        return "there is no database"
    connection = sqlite3.connect(f"{DIRECTORY}/{mode}.db")
    (said,) = connection.execute("PRAGMA integrity_check").fetchone()
    connection.close()
    return None if said == "ok" else said
