"""Plays an incident log into a desk, one command for each row: `python replay.py LOG [STORE]`.

Stopped at any moment and run again it goes on where the desk is: its history has one entry for each row that was applied.
"""

import csv
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timezone
from functools import cache, partial
from itertools import groupby
from pathlib import Path

import bsm

STATES = {
    "New": "new", "Active": "in_progress", "Awaiting User Info": "on_hold_customer", "Awaiting Problem": "on_hold_problem",
    "Awaiting Vendor": "on_hold_vendor", "Awaiting Evidence": "on_hold_evidence", "Resolved": "resolved", "Closed": "closed"}
CHANNELS = {"IVR": "phone", "Self service": "portal", "Walk-in": "walk_in", "Direct opening": "other", "?": "other"}
UNKNOWN, HYPHENS = ("", "?"), str.maketrans(" _", "--")
FOLLOWS = {2: "critical", 3: "high", 4: "moderate", 5: "low", 6: "low"}


def known(text: str) -> str | None:
    return None if text in UNKNOWN else text


def time(text: str) -> datetime | None:
    return datetime.strptime(text, "%d-%m-%Y %H:%M").replace(tzinfo=timezone.utc) if known(text) else None


def replay(log: Path, store: str) -> int:
    """Plays what the desk does not have yet; gives how many rows that were."""
    applied = 0
    with bsm.open(store) as desk, log.open(newline="") as file:
        try:
            importer = desk.user_by_email("import-admin@replay.example")
        except bsm.NoneWith:
            importer = desk.bootstrap("Import admin", "import-admin@replay.example")
        admin = desk.admin(importer)

        @cache
        def person(column: str, name: str) -> bsm.UserId | None:
            """Whom a column names, entered when it first does: every column numbers its people on its own."""
            try:
                return None if name in UNKNOWN else admin.user_by_external_ref(f"{column}:{name}").id
            except bsm.NoneWith:
                email, role = f"{name}@{column}.example", "customer" if column == "caller_id" else "agent"
                return admin.create_user(name, email.translate(HYPHENS), role, external_ref=f"{column}:{name}").id

        for number, rows in groupby(csv.DictReader(file), lambda row: row["number"]):
            ticket: bsm.Ticket | None = None
            with suppress(bsm.NoneWith):
                ticket = admin.ticket_by_external_ref(number)
            for place, row in list(enumerate(rows, 1))[ticket.version if ticket else 0:]:
                agent = desk.agent(person("sys_updated_by", row["sys_updated_by"]) or importer).keyed(f"{number}:{place}")
                agent = agent.at(time(row["sys_updated_at"]) or datetime.now(timezone.utc))
                impact, urgency, priority = (row[level].lower().split(" - ") for level in ("impact", "urgency", "priority"))
                follows = FOLLOWS[int(impact[0]) + int(urgency[0])]
                if ticket:
                    take: Callable[..., bsm.Ticket] = partial(agent.expecting(ticket.version).change_ticket, ticket)
                else:
                    take = partial(
                        agent.open_ticket, f"Incident {number}", external_ref=number, opened_at=time(row["opened_at"]),
                        channel=CHANNELS.get(row["contact_type"], row["contact_type"].lower()),
                        requested_for=person("caller_id", row["caller_id"]), created_by=person("opened_by", row["opened_by"]))
                ticket = take(
                    status=STATES[row["incident_state"]], impact=impact[1], urgency=urgency[1],
                    priority=None if priority[1] == follows else priority[1], category=known(row["category"]),
                    subcategory=known(row["subcategory"]), group=known(row["assignment_group"]),
                    assigned_to=person("assigned_to", row["assigned_to"]))
                applied += 1
    return applied


if __name__ == "__main__":
    print(replay(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "memory:"), "rows")
