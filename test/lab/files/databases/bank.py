"""The bank every database of the lab holds, who writes to it, and what must be true of any copy of it.

Money only moves: the balances always add up to what the accounts started with, every account is its start plus what
the ledger says, and the ledger's numbers have no gap. A copy made of states of two moments breaks one of these.
"""
import collections
import os
import random
import time

ACCOUNTS = 20000
BALANCE = 1000
# One transaction touches twice as many accounts, far from each other: many pages, so that a torn one shows.
TRANSFERS = 32
# The ledger is folded into the accounts' starts at this length, or the database would grow without an end.
LEDGER_ROWS = 12000
# What makes an account's row as long as one of a real database.
PADDING = "autonomy" * 40
RUN_DIRECTORY = "/run/bank"
# Whether every commit waits for the disk. Otherwise it is lost, or half of it, when the power fails and unsynced writes
# are gone: not when a process or a whole host is killed.
DURABLE = os.environ.get("DURABLE") == "1"

Transfer = collections.namedtuple("Transfer", "seq source target amount")
Account = collections.namedtuple("Account", "start balance")
# What a copy holds: `accounts` by number, the `ledger`, and the number of the last transfer that was `folded`.
State = collections.namedtuple("State", "accounts ledger folded")


def sums(transfers):
    """What transfers add to each account."""
    changes = collections.Counter()
    for transfer in transfers:
        changes[transfer.source] -= transfer.amount
        changes[transfer.target] += transfer.amount
    return sorted(changes.items())


def next_transfers(last):
    numbers = range(last + 1, last + 1 + TRANSFERS)
    return [
        Transfer(seq, *random.sample(range(ACCOUNTS), 2), random.randint(1, 100)) for seq in numbers
    ]


def problem_of(state):
    """What is wrong with a bank; None when nothing is."""
    accounts, ledger, folded = state
    if len(accounts) != ACCOUNTS:
        return f"{len(accounts)} accounts, not {ACCOUNTS}"
    total = sum(account.balance for account in accounts.values())
    if total != ACCOUNTS * BALANCE:
        return f"the balances add up to {total}, not {ACCOUNTS * BALANCE}"
    numbers = sorted(transfer.seq for transfer in ledger)
    if numbers != list(range(folded + 1, folded + 1 + len(numbers))):
        return f"the ledger's numbers have a gap after {folded}"
    if (folded + len(numbers)) % TRANSFERS != 0:
        return f"the ledger ends in the middle of a transaction, at {folded + len(numbers)}"
    expected = {number: account.start for number, account in accounts.items()}
    for number, change in sums(ledger):
        expected[number] += change
    wrong = [number for number, account in accounts.items() if account.balance != expected[number]]
    return f"{len(wrong)} accounts are not their start plus their ledger" if wrong else None


def transactions_of(state):
    return (state.folded + len(state.ledger)) // TRANSFERS


def write(name, connect, idle):
    """Write for ever, again and again connecting to a database that comes and goes, `idle` times as long at rest."""
    while True:
        try:
            bank = connect()
            bank.create()
            write_while_connected(bank, f"{RUN_DIRECTORY}/progress-{name}", idle)
        except Exception as error:
            print(f"writer of {name}: {type(error).__name__}: {error}", flush=True)
            time.sleep(0.3)


def write_while_connected(bank, progress_file, idle):
    # Whether a commit came through that was cut off, only the database knows.
    folded, last = bank.numbers()
    progress = os.open(progress_file, os.O_WRONLY | os.O_CREAT, 0o644)
    while True:
        started = time.monotonic()
        bank.transfer(next_transfers(last))
        last += TRANSFERS
        if last - folded > LEDGER_ROWS:
            folded = last - LEDGER_ROWS // 2
            bank.fold(folded)
        os.pwrite(progress, b"%020d\n" % (last // TRANSFERS), 0)
        time.sleep(min(0.05, idle * (time.monotonic() - started)))
