"""The examples, and the README's words: run as they stand."""

from __future__ import annotations

import csv
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import bsm

ROOT = Path(__file__).parents[2]
EXAMPLES = Path(__file__).parents[1] / "examples"
LOG = ROOT / "examples" / "data" / "incident_log.csv"
DUMP = ROOT / "examples" / "data" / "incident_log.dump.jsonl"


def replay(store: str) -> str:
    command = [sys.executable, str(EXAMPLES / "replay.py"), str(LOG), store]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout


def test_the_log_is_replayed_once_and_is_what_it_says(address: str, tmp_path: Path) -> None:
    store = f"sled:{tmp_path / 'kept'}" if address == "memory:" else address
    with LOG.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert replay(store) == f"{len(rows)} rows\n"
    assert replay(store) == "0 rows\n"
    counts = Counter(row["number"] for row in rows)
    lasts = {row["number"]: row for row in rows}
    with bsm.open(store) as desk:
        admin = desk.admin(desk.user_by_email("import-admin@replay.example"))
        tickets = {ticket.external_ref: ticket for ticket in admin.tickets()}
        assert tickets.keys() == lasts.keys()
        for number, last in lasts.items():
            ticket = tickets[number]
            assert len(list(admin.history(ticket, limit=3))) == ticket.version == counts[number]
            assert ticket.priority == last["priority"].split(" - ")[1].lower()
            assert ticket.group == (None if last["assignment_group"] == "?" else last["assignment_group"])
            assert ticket.reopen_count == int(last["reopen_count"])
        assert desk.verify().is_clean


def test_what_python_replayed_is_what_rust_replayed(address: str, tmp_path: Path) -> None:
    store = f"sled:{tmp_path / 'kept'}" if address == "memory:" else address
    replay(store)
    command = [sys.executable, str(EXAMPLES / "dump.py"), str(LOG), store]
    dumped = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout
    # What the program `replay` writes by `--dump`; a test of its own holds it to that.
    assert dumped == DUMP.read_text()


def test_the_readme_runs_as_it_stands(tmp_path: Path) -> None:
    section = (ROOT / "README.md").read_text().split("### From Python\n", 1)[1].split("\n### ", 1)[0]
    blocks = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    assert blocks
    for block in blocks:
        done = subprocess.run([sys.executable, "-c", block], capture_output=True, text=True, cwd=tmp_path, check=False)
        assert (done.returncode, done.stderr) == (0, ""), done
