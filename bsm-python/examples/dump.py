"""Writes what a desk has of each incident of a log, a line of JSON each: `python dump.py LOG STORE`, after `replay.py LOG STORE`.

The lines are those that the program `replay` writes by `--dump`, to the byte: two desks that took the same log have the same dump,
whatever played it and wherever they are.
"""

import csv
import json
import sys
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

import bsm


def moment(time: datetime | None) -> str | None:
    return time.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ") if time else None


def dump(log: Path, store: str) -> Iterator[str]:
    """A line for each incident, in the order of the log."""
    with bsm.open(store) as desk, log.open(newline="") as file:
        admin = desk.admin(desk.user_by_email("import-admin@replay.example"))
        for number in dict.fromkeys(row["number"] for row in csv.DictReader(file)):
            ticket = admin.ticket_by_external_ref(number)
            # When it went there last, by its history: a ticket that was reopened and closed keeps no time of being resolved.
            times: dict[str | None, datetime] = {}
            entries = list(admin.history(ticket, order="oldest_first", limit=500))
            for entry in entries:
                times |= {change.after: entry.occurred_at for change in entry.changes if change.field == "status"}
            line = {
                "external_ref": ticket.external_ref, "status": ticket.status, "impact": ticket.impact,
                "urgency": ticket.urgency, "priority": list(bsm.Priority).index(ticket.priority) + 1,
                "reopenings": ticket.reopen_count, "group": ticket.group, "history": len(entries),
                "resolved_at": moment(times.get("resolved")), "closed_at": moment(times.get("closed")),
            }
            yield json.dumps(line, separators=(",", ":"), ensure_ascii=False)


if __name__ == "__main__":
    print(*dump(Path(sys.argv[1]), sys.argv[2]), sep="\n")
