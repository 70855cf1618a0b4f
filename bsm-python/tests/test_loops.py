"""How awaited calls live with their loop: they never hold it up, are cancelled with their task, and end with it."""

from __future__ import annotations

import asyncio
import textwrap
import time

import pytest

import bsm
import bsm.aio
from programs import ends_clean


AWAITED_AT_THE_END = {
    "a desk": "desk = await bsm.aio.open('memory:')",
    "a task that watches": """
        desk = await bsm.aio.open('memory:')
        async def watch():
            async for _ in desk.watch():
                pass
        task = asyncio.create_task(watch())
        await asyncio.sleep(0.1)
    """,
    "calls that nobody awaits any more": """
        desk = await bsm.aio.open('memory:')
        grace = await desk.bootstrap("Grace Hopper", "grace@example.org")
        tasks = [asyncio.create_task(desk.admin(grace).open_ticket("Fan is loud")) for _ in range(50)]
        await asyncio.sleep(0)
    """,
}


@pytest.mark.parametrize("what", AWAITED_AT_THE_END)
def test_the_end_of_a_loop_with(what: str) -> None:
    body = textwrap.indent(textwrap.dedent(AWAITED_AT_THE_END[what]), " " * 4)
    ends_clean(f"import asyncio\nimport bsm.aio\nkept = []\nasync def main():\n{body}\n    kept.append(desk)\nasyncio.run(main())")


def test_the_end_comes_while_threads_still_tell() -> None:
    # The desk and its runtime are gone a moment before the interpreter: its threads may be anywhere.
    script = """
        import asyncio
        import bsm.aio
        async def main():
            async with bsm.aio.open("memory:") as desk:
                grace = await desk.bootstrap("Grace Hopper", "grace@example.org")
                admin = desk.admin(grace)
                for _ in range(5):
                    await asyncio.gather(*[admin.user(grace.id) for _ in range(100)])
        asyncio.run(main())
    """
    for _ in range(40):
        # As fast as it can: in development mode the end comes too late to meet them.
        ends_clean(script, options=())


def test_nothing_is_awaited_once_the_end_has_begun() -> None:
    said = ends_clean(
        """
        import asyncio, atexit

        def last():
            try:
                asyncio.run(bsm.aio.remove("memory:"))
            except RuntimeError as error:
                print(error)

        atexit.register(last)
        import bsm.aio
        """
    )
    assert said == "cannot await a desk while the interpreter ends\n"


def test_a_loop_that_is_closed_is_told_nothing() -> None:
    ends_clean(
        """
        import asyncio, threading
        import bsm.aio
        loop = asyncio.new_event_loop()
        desk = loop.run_until_complete(bsm.aio.open("memory:").__aenter__())
        async def begin():
            call = desk.watch().next()
            call.send(None)
            return call
        call = loop.run_until_complete(begin())
        loop.close()
        other = asyncio.new_event_loop()
        grace = other.run_until_complete(desk.bootstrap("Grace Hopper", "grace@example.org"))
        other.close()
        """
    )


async def test_a_call_that_waits_does_not_hold_up_the_loop(desk: bsm.Desk) -> None:
    async with bsm.aio.open("memory:") as other:
        waiting = asyncio.create_task(other.watch().next())
        turns = 0
        for _ in range(100):
            await asyncio.sleep(0)
            turns += 1
        assert turns == 100 and not waiting.done()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting


async def test_cancelling_loses_nothing() -> None:
    async with bsm.aio.open("memory:") as desk:
        grace = await desk.bootstrap("Grace Hopper", "grace@example.org")
        admin = desk.admin(grace)
        async with admin.watch() as watch:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(anext(watch), 0.05)
            ticket = await admin.open_ticket("Fan is loud")
            event = await anext(watch)
            assert event.entries[0].key.id == ticket.id
        # Commands that are cancelled happened, or did not: whole either way.
        tasks = [asyncio.create_task(admin.open_ticket(f"Ticket {number}")) for number in range(200)]
        await asyncio.sleep(0.002)
        for task in tasks:
            task.cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        done = sum(isinstance(outcome, bsm.Ticket) for outcome in outcomes)
        assert done <= (await admin.summary()).ticket_count - 1 <= 200
        assert (await desk.verify()).is_clean


@pytest.mark.parametrize("when", ["before it is told", "after it is told", "when it is closed"])
async def test_an_event_that_meets_a_cancelled_call_is_the_next_again(when: str) -> None:
    loop = asyncio.get_running_loop()
    async with bsm.aio.open("memory:") as desk:
        grace = await desk.bootstrap("Grace Hopper", "grace@example.org")
        admin = desk.admin(grace)
        async with desk.watch() as watch:
            position = watch.position
            call = anext(watch)
            waiting = call if when == "when it is closed" else asyncio.create_task(call)
            if waiting is call:
                call.send(None)
            await asyncio.sleep(0.05)
            # The loop is held up until the event is on its way to it.
            command = admin.open_ticket("Fan is loud")
            command.send(None)
            time.sleep(0.3)
            if isinstance(waiting, asyncio.Task):
                loop.call_soon(waiting.cancel) if when == "after it is told" else waiting.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await waiting
            else:
                waiting.close()
                await asyncio.sleep(0.05)
            command.close()
            assert watch.position == position
            event = await watch.next(timeout=30)
            assert event is not None and event.entries[0].action is bsm.Action.CREATED
            assert watch.position == event.position != position
            assert await watch.next(timeout=0) is None


async def test_a_call_is_a_coroutine() -> None:
    async with bsm.aio.open("memory:") as desk:
        grace = await desk.bootstrap("Grace Hopper", "grace@example.org")
        admin = desk.admin(grace)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(admin.open_ticket(f"Ticket {number}")) for number in range(5)]
        assert len({task.result().id for task in tasks}) == 5
        call = admin.summary()
        assert asyncio.iscoroutine(call) and "summary" in repr(call)
        task = asyncio.create_task(admin.summary())
        assert "coro=<summary" in repr(task) and (await task).ticket_count == 5
        assert (await call).ticket_count == 5
        with pytest.raises(RuntimeError, match="already awaited"):
            await call
        unused = admin.summary()
        with pytest.warns(RuntimeWarning, match="summary.* was never awaited"):
            del unused
        closed = admin.summary()
        closed.close()
        with pytest.raises(bsm.NotFound):
            await admin.ticket(grace.id.uuid)


async def test_closing_ends_watches_that_are_awaited() -> None:
    async with bsm.aio.open("memory:") as desk:

        async def events(watch: bsm.aio.Watch[bsm.Event]) -> list[bsm.Event]:
            return [event async for event in watch]

        async with desk.watch() as first, desk.watch() as second:
            tasks = [asyncio.create_task(events(first)), asyncio.create_task(events(second))]
            await asyncio.sleep(0.05)
            first.close()
            await desk.close()
            assert await asyncio.gather(*tasks) == [[], []]


def test_a_desk_in_two_loops() -> None:
    desk = asyncio.run(_opened())
    assert asyncio.run(_count(desk)) == 0


async def _opened() -> bsm.aio.Desk:
    return await bsm.aio.open("memory:")


async def _count(desk: bsm.aio.Desk) -> int:
    found = await desk.verify()
    await desk.close()
    return found.rows
