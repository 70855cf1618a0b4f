"""What a call costs over the same call from Rust: both sides take turns, so that they meet the same machine.

Run it with a module that was built for release: `python cost.py` builds and runs `cost.rs` by cargo.
"""

from __future__ import annotations

import gc
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import bsm

ROUNDS = 15
CALLS = {"get": 5_000, "page": 500}
ALLOWED = {"get": 3_000, "page": 25_000}


def measure(call: Callable[[], object], calls: int) -> float:
    """Nanoseconds for each call."""
    began = time.perf_counter_ns()
    for _ in range(calls):
        call()
    return (time.perf_counter_ns() - began) / calls


def main() -> None:
    rust = subprocess.Popen(
        ["cargo", "run", "--quiet", "--release", "--package", "bsm-python", "--example", "cost"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )
    assert rust.stdin and rust.stdout

    def beneath(what: str) -> float:
        assert rust.stdin and rust.stdout
        print(what, CALLS[what], file=rust.stdin, flush=True)
        return float(rust.stdout.readline())

    with bsm.open("memory:") as desk:
        admin = desk.admin(desk.bootstrap("Grace Hopper", "grace@example.org"))
        ticket = [admin.open_ticket(f"Ticket {number}") for number in range(500)][-1]
        open_tickets = admin.tickets(phase="open")
        calls: dict[str, Callable[[], object]] = {"get": lambda: admin.ticket(ticket.id), "page": open_tickets.page}
        gc.disable()
        for what, call in calls.items():
            beneath(what)
            measure(call, CALLS[what])
            pairs = [(beneath(what), measure(call, CALLS[what])) for _ in range(ROUNDS)]
            here, there = statistics.median(pair[1] for pair in pairs), statistics.median(pair[0] for pair in pairs)
            over = statistics.median(here - there for there, here in pairs)
            print(f"{what}: Rust {there / 1000:.2f} µs, Python {here / 1000:.2f} µs, over {over / 1000:.2f} µs"
                  f" (allowed {ALLOWED[what] / 1000:.0f} µs)")
        gc.enable()
        before = 0
        for part in range(5):
            measure(calls["get"], 20_000)
            after = resident()
            print(f"{20_000 * (part + 1)} calls: {after} KiB resident" + (f" ({after - before:+})" if part else ""))
            before = after
        print(f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss} KiB at most")
    rust.stdin.close()
    sys.exit(rust.wait())


def resident() -> int:
    """Kibibytes of this process that are in memory."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


if __name__ == "__main__":
    main()
