"""The bank in the SQL which PostgreSQL, MariaDB and SQLite have in common."""
from bank import ACCOUNTS, BALANCE, PADDING, Account, State, Transfer, sums


class SqlBank:
    """A bank behind a connection of Python's DB-API, which is in a transaction after its first statement."""

    def __init__(self, connection, upsert, mark="%s", padding=PADDING, table_options=""):
        self.connection = connection
        self.cursor = connection.cursor()
        self.upsert = upsert
        self.mark = mark
        self.padding = padding
        self.table_options = table_options

    def create(self):
        if self.exists():
            return
        columns = "id INTEGER PRIMARY KEY, start BIGINT NOT NULL, balance BIGINT NOT NULL"
        self.run(f"CREATE TABLE accounts ({columns}, padding VARCHAR(1000)) {self.table_options}")
        columns = "seq BIGINT PRIMARY KEY, source INTEGER, target INTEGER, amount INTEGER"
        self.run(f"CREATE TABLE ledger ({columns})")
        self.run("CREATE TABLE folds (id INTEGER PRIMARY KEY, seq BIGINT NOT NULL)")
        rows = [(number, BALANCE, BALANCE, self.padding) for number in range(ACCOUNTS)]
        self.insert("accounts (id, start, balance, padding)", rows)
        # Last: where the tables of a database are not part of a transaction, this says that all are whole.
        self.insert("folds", [(1, 0)])
        self.connection.commit()

    def exists(self):
        """True when a bank was created whole; what is left of one that was not is removed."""
        try:
            self.run("SELECT seq FROM folds")
            if self.cursor.fetchone() is not None:
                return True
        except Exception:
            self.connection.rollback()
        for table in ("accounts", "ledger", "folds"):
            self.run(f"DROP TABLE IF EXISTS {table}")
        return False

    def numbers(self):
        """The last number that was folded, and the last one."""
        self.run("SELECT seq, (SELECT max(seq) FROM ledger) FROM folds")
        folded, last = self.cursor.fetchone()
        self.connection.commit()
        return folded, folded if last is None else last

    def transfer(self, transfers):
        self.add("balance", sums(transfers))
        self.insert("ledger (seq, source, target, amount)", transfers)
        self.connection.commit()

    def fold(self, upto):
        self.run(f"SELECT * FROM ledger WHERE seq <= {upto}")
        self.add("start", sums(Transfer(*row) for row in self.cursor.fetchall()))
        self.run(f"DELETE FROM ledger WHERE seq <= {upto}")
        self.run(f"UPDATE folds SET seq = {upto}")
        self.connection.commit()

    def read(self):
        self.run("SELECT id, start, balance FROM accounts")
        accounts = {number: Account(start, balance) for number, start, balance in self.cursor}
        self.run("SELECT * FROM ledger")
        ledger = [Transfer(*row) for row in self.cursor]
        self.run("SELECT seq FROM folds")
        (folded,) = self.cursor.fetchone()
        return State(accounts, ledger, folded)

    def add(self, column, changes):
        """Add to many accounts in one statement: it takes the same time as the disk does, not the network."""
        self.insert(
            "accounts (id, start, balance)",
            [(number, change, change) for number, change in changes],
            self.upsert.format(column=column),
        )

    def insert(self, table, rows, suffix=""):
        for at in range(0, len(rows), 1000):
            part = rows[at : at + 1000]
            group = f"({', '.join([self.mark] * len(part[0]))})"
            statement = f"INSERT INTO {table} VALUES {', '.join([group] * len(part))} {suffix}"
            self.cursor.execute(statement, [value for row in part for value in row])

    def run(self, statement):
        self.cursor.execute(statement)
