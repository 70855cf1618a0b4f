"""How desks live with the interpreter: its lock, signals, forks, and its end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

import bsm
from conftest import People
from programs import PATIENCE, ends_clean


def test_a_blocking_call_lets_other_threads_run(desk: bsm.Desk, staff: People) -> None:
    watch = desk.watch()
    seen: list[bsm.Event] = []
    waiting = threading.Thread(target=lambda: seen.extend([next(watch)]))
    waiting.start()
    # Were the lock held by the one who waits, this thread would never come to say anything.
    ticket = desk.admin(staff.grace).open_ticket("Fan is loud")
    waiting.join(PATIENCE)
    assert [entry.key.id for event in seen for entry in event.entries] == [ticket.id]


def test_threads_share_a_desk(desk: bsm.Desk, staff: People) -> None:
    admin = desk.admin(staff.grace)

    def open_some() -> None:
        for number in range(25):
            admin.open_ticket(f"Ticket {number}")

    threads = [threading.Thread(target=open_some) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert admin.summary().ticket_count == 200
    assert desk.verify().is_clean


def test_ctrl_c_ends_a_call_that_waits(desk: bsm.Desk, staff: People) -> None:
    watch = desk.watch()
    threading.Timer(0.2, signal.raise_signal, [signal.SIGINT]).start()
    with pytest.raises(KeyboardInterrupt):
        for _ in watch:
            pass
    # Nothing is lost by it: the same watch goes on.
    ticket = desk.admin(staff.grace).open_ticket("Fan is loud")
    assert next(watch).entries[0].key.id == ticket.id


WAITING = {
    "a watch": """
        import bsm
        desk = bsm.open("memory:")
        watch = desk.watch()
        print("waits", flush=True)
        for event in watch:
            pass
    """,
    "a watch in a loop": """
        import asyncio
        import bsm.aio
        async def main():
            async with bsm.aio.open("memory:") as desk, desk.watch() as watch:
                print("waits", flush=True)
                async for event in watch:
                    pass
        asyncio.run(main())
    """,
}


@pytest.mark.parametrize("what", WAITING)
def test_ctrl_c_ends_a_program_that_waits_for(what: str) -> None:
    script = WAITING[what]
    command = [sys.executable, "-c", textwrap.dedent(script)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as program:
        assert program.stdout and program.stderr
        assert program.stdout.readline() == "waits\n"
        program.send_signal(signal.SIGINT)
        said = program.stderr.read()
        assert program.wait(PATIENCE) == -signal.SIGINT
    assert said.splitlines()[-1] == "KeyboardInterrupt"


def test_a_handler_that_raises_nothing_ends_nothing(desk: bsm.Desk) -> None:
    came: list[int] = []
    before = signal.signal(signal.SIGUSR1, lambda number, frame: came.append(number))
    try:
        threading.Timer(0.1, signal.raise_signal, [signal.SIGUSR1]).start()
        assert desk.watch().next(timeout=0.5) is None
        assert came == [signal.SIGUSR1]
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_closing_ends_watches(desk: bsm.Desk) -> None:
    watches = [desk.watch(), desk.watch()]
    ended: list[list[bsm.Event]] = []

    def follow(watch: bsm.Watch[bsm.Event]) -> None:
        ended.append(list(watch))

    threads = [threading.Thread(target=follow, args=(watch,)) for watch in watches]
    for thread in threads:
        thread.start()
    time.sleep(0.1)
    watches[0].close()  # itself,
    desk.close()  # and with its desk
    for thread in threads:
        thread.join(PATIENCE)
    assert ended == [[], []]
    assert next(watches[1], "ended") == "ended"


def in_child(work: str, address: str = "memory:") -> str:
    """What a child says, whose parent has a desk with a user `grace`, an `admin`, a `watch`, a list and a call."""
    script = f"""
        import os, sys
        import bsm
        desk = bsm.open(sys.argv[1])
        grace = desk.bootstrap("Grace Hopper", "grace@example.org")
        admin, watch = desk.admin(grace), desk.watch()
        tickets = admin.tickets()
        admin.open_ticket("Fan is loud")
        def refused(call):
            try:
                call()
            except bsm.Closed as error:
                assert "forked" in str(error), error
                print("refused")
        if (child := os.fork()) == 0:
            {work}
            sys.exit(0)
        _, status = os.waitpid(child, 0)
        assert status == 0, status
        # The parent goes on as before.
        assert admin.open_ticket("Mouse is lame").number == "TKT-000002"
        assert len(watch.next(timeout=30).entries) == 1
    """
    return ends_clean(script, address)


def test_a_child_may_not_use_the_desk_of_its_parent(address: str) -> None:
    calls = ["desk.health()", "admin.summary()", "list(tickets)", "next(watch)", "desk.close()", "desk.admin(grace)"]
    said = in_child("; ".join(f"refused(lambda: {call})" for call in calls), address)
    assert said.split() == ["refused"] * len(calls)


def test_a_child_drops_the_desk_of_its_parent_and_opens_its_own() -> None:
    said = in_child(
        'del desk, admin, watch, tickets; own = bsm.open("memory:"); print(own.bootstrap("Ada", "ada@example.org").role)'
    )
    assert said == "admin\n"


def test_a_child_that_is_multiprocessing_s(tmp_path: Path) -> None:
    ends_clean(
        """
        import multiprocessing, sys
        import bsm
        desk = bsm.open(f"sled:{sys.argv[1]}")
        def child():
            try:
                desk.health()
            except bsm.Closed:
                return
            raise SystemExit(1)
        process = multiprocessing.get_context("fork").Process(target=child)
        process.start()
        process.join()
        assert process.exitcode == 0
        """,
        str(tmp_path / "desk"),
    )


OPEN_AT_THE_END = {
    "a desk": "",
    "a watch": "watch = desk.watch()",
    "a thread that watches": """
        import threading, time
        threading.Thread(target=lambda: list(desk.watch()), daemon=True).start()
        time.sleep(0.2)
    """,
    "threads that command": """
        import threading, time
        def command():
            try:
                while True:
                    admin.open_ticket("Fan is loud")
            except bsm.Closed:
                pass
        for _ in range(4):
            threading.Thread(target=command, daemon=True).start()
        time.sleep(0.2)
    """,
    "an exception that refers to it": """
        try:
            admin.ticket(grace.id.uuid)
        except bsm.NotFound as error:
            kept = error
    """,
}


@pytest.mark.parametrize("what", OPEN_AT_THE_END)
def test_the_end_of_a_program_with(what: str, tmp_path: Path) -> None:
    script = """
        import sys
        import bsm
        desk = bsm.open(f"sled:{sys.argv[1]}")
        grace = desk.bootstrap("Grace Hopper", "grace@example.org")
        admin = desk.admin(grace)
    """
    ends_clean(textwrap.dedent(script) + textwrap.dedent(OPEN_AT_THE_END[what]), str(tmp_path / "desk"))
    # It was closed: the folder is free, and whole.
    with bsm.open(f"sled:{tmp_path / 'desk'}") as desk:
        assert desk.verify().is_clean


def test_the_end_comes_while_threads_are_in_calls() -> None:
    script = """
        import threading, time
        import bsm

        desk = bsm.open("memory:")
        admin = desk.admin(desk.bootstrap("Grace Hopper", "grace@example.org"))

        def command():
            try:
                while True:
                    admin.open_ticket("Fan is loud")
            except bsm.Closed:
                pass

        def follow():
            for event in desk.watch():
                pass

        for _ in range(4):
            threading.Thread(target=command, daemon=True).start()
            threading.Thread(target=follow, daemon=True).start()
        time.sleep(0.05)
    """
    for _ in range(12):
        # As fast as it can: in development mode the end comes too late to meet them.
        ends_clean(script, options=())


def test_the_end_of_a_program_closes_what_is_open() -> None:
    said = ends_clean(
        """
        import atexit, threading

        def last():
            # What was registered first comes last.
            thread.join(30)
            print(thread.is_alive(), ended)
            try:
                desk.health()
            except bsm.Closed:
                print("closed")

        atexit.register(last)
        import bsm

        desk, ended = bsm.open("memory:"), []
        watch = desk.watch()
        thread = threading.Thread(target=lambda: ended.append(list(watch)), daemon=True)
        thread.start()
        """
    )
    assert said == "False [[]]\nclosed\n"


def test_a_name_in_use(tmp_path: Path) -> None:
    with bsm.open(f"sled:{tmp_path / 'desk'}"), pytest.raises(bsm.InUse):
        bsm.open(f"sled:{tmp_path / 'desk'}")
    assert os.path.isdir(tmp_path / "desk")
