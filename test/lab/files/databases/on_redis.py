"""The bank in Redis."""
import glob
import os

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from bank import ACCOUNTS, BALANCE, DURABLE, PADDING, RUN_DIRECTORY, Account, State, Transfer, sums
from server import Server, output_of

PASSWORD = os.environ.get("REDIS_PASSWORD", "lab-secret")
SOCKET = f"{RUN_DIRECTORY}/redis.sock"
SETTINGS = {
    "bind": "*",
    "requirepass": PASSWORD,
    "unixsocket": SOCKET,
    "maxmemory": "64mb",
    "appendonly": "yes",
    "appendfsync": "always" if DURABLE else "everysec",
    "save": "",
    # The append-only file is rewritten all the time: a copy of its parts has to be of one moment.
    "auto-aof-rewrite-min-size": "1mb",
    "auto-aof-rewrite-percentage": "1",
    # A file that is long to write is long to copy.
    "rdbcompression": "no",
}


class Redis(Server):
    directory = "/var/lib/redis"
    user = "redis"
    complaint = " # (?!WARNING)"

    def command(self):
        settings = [word for name, value in SETTINGS.items() for word in (f"--{name}", value)]
        return ["redis-server", "--dir", self.directory, *settings]

    def initialise(self):
        """Redis needs nothing but a directory."""

    def connect(self):
        # What the library would repeat may have been done: the writer asks the database first.
        once = Retry(NoBackoff(), 0)
        client = redis.Redis(unix_socket_path=SOCKET, password=PASSWORD, retry=once)
        client.ping()
        return RedisBank(client)

    def check_files(self):
        """What Redis's own tools find wrong with the files."""
        for manifest in glob.glob(f"{self.directory}/appendonlydir/*.manifest"):
            failed, said = output_of(["redis-check-aof", manifest])
            if failed:
                return f"redis-check-aof: {said.splitlines()[-1]}"
        for snapshot in glob.glob(f"{self.directory}/**/*.rdb", recursive=True):
            failed, said = output_of(["redis-check-rdb", snapshot])
            if failed:
                return f"redis-check-rdb: {said.splitlines()[-1]}"
        return None

    def check(self):
        return None


class RedisBank:
    """Balances and starts are a key each, so that a transaction is many commands of the append-only file."""

    def __init__(self, client):
        self.client = client

    def create(self):
        if self.client.get("folded") is not None:
            return
        with self.client.pipeline(transaction=True) as pipe:
            for number in range(ACCOUNTS):
                pipe.set(f"start:{number}", BALANCE).set(f"balance:{number}", BALANCE)
                pipe.set(f"padding:{number}", PADDING)
            pipe.set("folded", 0).execute()

    def numbers(self):
        folded = int(self.client.get("folded"))
        return folded, folded + self.client.llen("ledger")

    def transfer(self, transfers):
        with self.client.pipeline(transaction=True) as pipe:
            for number, change in sums(transfers):
                pipe.incrby(f"balance:{number}", change)
            pipe.rpush("ledger", *(" ".join(map(str, transfer)) for transfer in transfers))
            pipe.execute()

    def fold(self, upto):
        old = [transfer for transfer in self.ledger() if transfer.seq <= upto]
        with self.client.pipeline(transaction=True) as pipe:
            for number, change in sums(old):
                pipe.incrby(f"start:{number}", change)
            pipe.ltrim("ledger", len(old), -1).set("folded", upto).execute()

    def ledger(self):
        return [Transfer(*map(int, row.split())) for row in self.client.lrange("ledger", 0, -1)]

    def read(self):
        columns = [
            self.client.mget(f"{column}:{number}" for number in range(ACCOUNTS))
            for column in ("start", "balance")
        ]
        accounts = {
            number: Account(int(start), int(balance))
            for number, (start, balance) in enumerate(zip(*columns))
            if start is not None and balance is not None
        }
        return State(accounts, self.ledger(), int(self.client.get("folded") or 0))
