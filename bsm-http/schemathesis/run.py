"""Tries every route by schemathesis, as an admin and as a customer, against a server of its own.

    python run.py --server target/debug/desk-server --store memory: [--scale N] [--least CASES]

Fails if schemathesis finds anything, if there were fewer cases than asked for under a root, if the server failed once, or if a writing
route did less than 30 % of what was asked of it rightly. The streams of events, which do not end, have tests of their own.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
# How many requests are made up for each route of a root, beside those that cover it: the customer's has fewer routes.
EXAMPLES = {"admin": 30, "customer": 170}
# A writing route must do this share of what was asked of it rightly.
SHARE = 0.30
WRITING = ("POST", "PUT", "PATCH", "DELETE")


def start(server: str, store: str) -> tuple[subprocess.Popen[str], str, dict[str, str]]:
    """The server, where it is, and the tokens that it prints."""
    process = subprocess.Popen([server, "--store", store, "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    tokens: dict[str, str] = {}
    place = ""
    for line in process.stdout:
        if found := re.search(r"http://[0-9.:]+", line):
            place = place or found[0]
        if found := re.match(r"export (\w+)=(\S+)", line):
            tokens[found[1]] = found[2]
        if line.startswith("curl") and "/api/customer/events" in line:
            return process, place, tokens
    sys.exit(f"the server ended with {process.wait()}")


def try_root(root: str, place: str, tokens: dict[str, str], options: argparse.Namespace) -> list[str]:
    """What is wrong with the routes under a root."""
    with tempfile.TemporaryDirectory() as folder:
        tally = Path(folder, "tally.json")
        environment = os.environ | tokens | {"DESK": place, "TALLY": str(tally)}
        command = [
            str(Path(sys.executable).with_name("st")), "--config-file", "schemathesis.toml",
            "run", f"{place}/api/openapi.json", "--header", f"Authorization: Bearer {tokens[root.upper()]}",
            "--include-path-regex", f"^/api/{root}/", "--exclude-path-regex", "/events$",
            "--phases", "examples,coverage,fuzzing", "--max-examples", str(max(1, round(EXAMPLES[root] * options.scale))), "--seed", str(options.seed),
            "--warnings", "off",
        ]
        done = subprocess.run(command, cwd=HERE, env=environment, check=False)
        counts = json.loads(tally.read_text(encoding="utf-8"))
    wrong = [f"{root}: schemathesis ended with {done.returncode}"] if done.returncode else []
    operations = sorted({name.rsplit(" ", 1)[0] for name in counts if name.endswith(" cases")})
    cases = sum(counts[f"{operation} cases"] for operation in operations)
    print(f"{root}: {cases} cases of {len(operations)} routes, {counts.get('server errors', 0)} server errors")
    if cases < options.least:
        wrong.append(f"{root}: {cases} cases, and {options.least} were asked for")
    if counts.get("server errors"):
        wrong.append(f"{root}: the server failed")
    for operation in operations:
        right, accepted = (counts.get(f"{operation} {what}", 0) for what in ("right", "accepted"))
        if operation.startswith(WRITING):
            print(f"  {operation}: {accepted} of {right} right ones accepted")
            if accepted < SHARE * right or not right:
                wrong.append(f"{operation}: {accepted} of {right} right ones accepted")
    return wrong


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", required=True, help="the program desk-server")
    parser.add_argument("--store", default="memory:", help="the address of an empty desk")
    parser.add_argument("--scale", type=float, default=1.0, help="how many times as many cases")
    parser.add_argument("--least", type=int, default=0, help="the least number of cases under each root")
    parser.add_argument("--seed", type=int, default=20_160_229)
    options = parser.parse_args()
    process, place, tokens = start(options.server, options.store)
    try:
        wrong = [fault for root in ("admin", "customer") for fault in try_root(root, place, tokens, options)]
    finally:
        process.send_signal(signal.SIGTERM)
        ended = process.wait(timeout=30)
    if ended:
        wrong.append(f"the server ended with {ended}")
    if wrong:
        sys.exit("\n".join(wrong))


if __name__ == "__main__":
    main()
