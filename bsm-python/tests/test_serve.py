"""`python -m bsm serve`: what it prints works, its streams tell, and it ends when it is asked to."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from programs import PATIENCE


class Serving:
    """A server in a process of its own, and what it printed."""

    def __init__(self, *arguments: str) -> None:
        command = [sys.executable, "-m", "bsm", "serve", "--listen", "127.0.0.1:0", *arguments]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.printed: list[str] = []
        assert self.process.stdout
        for line in self.process.stdout:
            self.printed.append(line.rstrip())
            if "/api/customer/events" in line or ("--bare" in arguments and "/api/admin/events" in line):
                break
        exports = (re.fullmatch(r"export (\w+)=(\S+) # .+", line) for line in self.printed)
        self.tokens = {found[1]: found[2] for found in exports if found}

    @property
    def place(self) -> str:
        found = re.search(r"http://[0-9.:]+", self.printed[0])
        assert found, self.printed
        return found[0].rstrip(",")

    def request(self, who: str, path: str, body: Any = None) -> urllib.request.Request:
        headers = {"Authorization": f"Bearer {self.tokens[who]}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        return urllib.request.Request(f"{self.place}/api{path}", data, headers)

    def ask(self, who: str, path: str, body: Any = None) -> Any:
        with urllib.request.urlopen(self.request(who, path, body), timeout=PATIENCE) as answer:
            return json.load(answer)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        self.process.send_signal(how)
        _, said = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, said


@pytest.fixture
def serving() -> Iterator[Serving]:
    server = Serving()
    yield server
    if server.process.poll() is None:
        server.process.kill()
        server.process.communicate()


def test_it_serves_the_demonstration(serving: Serving) -> None:
    assert serving.tokens.keys() == {"ADMIN", "AGENT", "CUSTOMER"}
    assert sum(serving.ask("ADMIN", "/admin/customer-insights")["tickets"].values()) == 20
    assert len(serving.ask("CUSTOMER", "/customer/services")["rows"]) == 15
    commands = [line for line in serving.printed if line.startswith("curl") and "/events" not in line]
    assert len(commands) == 8
    for command in commands:
        found = re.search(r'\$(\w+)" "http://[^/]+/api(/[^"]+)"', command)
        assert found and serving.ask(found[1], found[2])
    with pytest.raises(urllib.error.HTTPError) as refused:
        serving.ask("CUSTOMER", "/admin/users")
    assert refused.value.code == 403


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_when_it_is_asked_to_and_so_do_its_streams(serving: Serving, how: signal.Signals) -> None:
    with urllib.request.urlopen(serving.request("CUSTOMER", "/customer/events"), timeout=PATIENCE) as stream:
        assert stream.readline().startswith(b"id: ")
        service = serving.ask("CUSTOMER", "/customer/services")["rows"][0]["id"]
        serving.ask("CUSTOMER", "/customer/requests", {"service": service})
        lines = (line.decode() for line in stream)
        assert '"created"' in next(line for line in lines if line.startswith("data: "))
        assert serving.stop(how) == (0, "")
        rest = "".join(lines)
    assert "event: problem" in rest and '"Closed"' in rest


def test_a_desk_is_kept_and_tokens_of_a_kept_secret_last(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"thirty-two bytes or more of chance")
    arguments = ("--bare", "--store", f"sled:{tmp_path / 'desk'}", "--secret", str(secret))
    first = Serving(*arguments)
    made = first.ask("ADMIN", "/admin/tickets", {"title": "Screen stays black"})
    token = first.tokens["ADMIN"]
    assert first.stop() == (0, "")
    second = Serving(*arguments)
    second.tokens["ADMIN"] = token
    assert second.ask("ADMIN", f"/admin/tickets/{made['id']}") == made
    assert second.stop() == (0, "")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--secret", "nowhere/at/all"], "nowhere/at/all"),
        (["--store", "nowhere:"], "store address"),
        (["--listen", "192.0.2.1:1"], "assign requested address"),
    ],
)
def test_it_says_what_it_cannot_do(arguments: list[str], words: str) -> None:
    command = [sys.executable, "-m", "bsm", "serve", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 1 and words in done.stderr and done.stderr.startswith("bsm: "), done
