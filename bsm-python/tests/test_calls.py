"""Every method, once and in both styles: one story, told by an adapter that lets blocking calls be awaited."""

from __future__ import annotations

import datetime
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

import bsm
import bsm.aio

CLASSES = ["Desk", "Admin", "Agent", "Customer"]


class Told:
    """A handle of either style, whose calls are awaited and noted."""

    def __init__(self, handle: Any, called: set[tuple[str, str]]) -> None:
        self._handle = handle
        self._called = called

    def __getattr__(self, name: str) -> Any:
        self._called.add((type(self._handle).__name__, name))
        member = getattr(self._handle, name)
        if not callable(member):
            return member

        def call(*arguments: Any, **named: Any) -> Any:
            return self._told(member(*arguments, **named))

        return call

    def _told(self, answer: Any) -> Any:
        if type(answer).__name__ in CLASSES:
            return Told(answer, self._called)
        if hasattr(answer, "__await__") or hasattr(answer, "__aiter__"):
            return answer
        return rows(answer) if type(answer).__name__ == "Listing" else soon(answer)


async def soon(answer: Any) -> Any:
    return answer


async def rows(listing: bsm.Listing[Any]) -> AsyncIterator[Any]:
    for row in listing:
        yield row


async def all_of(listing: Any) -> list[Any]:
    return [row async for row in listing]


async def story(desk: Told, copy: Told, tmp_path: Path) -> None:
    await desk.health()
    grace = await desk.bootstrap("Grace Hopper", "grace@example.org", external_ref="g")
    admin, agent = desk.admin(grace), desk.agent(grace)
    assert admin.actor == agent.actor == grace.id
    assert await desk.user_by_email("GRACE@example.org") == grace
    ben = await admin.create_user("Ben Turner", "ben@example.org", "agent", external_ref="b")
    ada = await admin.create_user("Ada Lovelace", "ada@example.org", bsm.Role.CUSTOMER)
    dee = await admin.create_user("Dee", "dee@example.org", "customer")
    dee = await admin.change_user(dee, full_name="Dee Dodd", external_ref="d")
    assert (dee.full_name, dee.email, dee.external_ref) == ("Dee Dodd", "dee@example.org", "d")
    assert (await admin.change_role(dee, "agent")).role is bsm.Role.AGENT
    assert not (await admin.deactivate_user(dee)).active
    assert (await admin.reactivate_user(dee)).active
    customer = desk.customer(ada)
    assert await customer.me() == ada
    feed = await customer.events()

    for staff, mark in ((admin, "1"), (agent, "2")):
        await staff_story(staff, customer, ben, ada, mark)
    await admin_story(admin, customer)
    await customer_story(desk, customer, admin, ada)

    assert (await customer.events(since=feed.position)).events
    assert (await desk.events(only="user", limit=3)).events
    far = datetime.datetime(9000, 1, 1, tzinfo=datetime.timezone.utc)
    assert await desk.close_resolved(far) > 0
    assert await desk.trim(far) > 0
    await desk.expire_positions()
    with pytest.raises(bsm.PositionExpired) as expired:
        await customer.events(since=feed.position)
    assert (await customer.events(since=expired.value.resume)).more is False
    await admin.delete_user(dee)
    exported = await desk.export_to(tmp_path / "desk.jsonl")
    assert await copy.import_from(tmp_path / "desk.jsonl") == exported
    found = await copy.verify()
    assert found.is_clean and found.rows == exported
    with pytest.raises(FileExistsError):
        await desk.export_to(str(tmp_path / "desk.jsonl"))
    await copy.close()


async def staff_story(staff: Told, customer: Told, ben: bsm.User, ada: bsm.User, mark: str) -> None:
    """What admins and agents do."""
    assert await staff.user(ben.id) == ben == await staff.user_by_external_ref("b")
    assert await staff.user_by_email("ben@example.org") == ben
    assert ben in await all_of(staff.users(role="agent"))

    article = await staff.create_article("Printing", "Use the other printer.", category="printers")
    article = await staff.change_article(article, body="Use the blue printer.", category=None)
    assert (article.title, article.category) == ("Printing", None)
    article = await staff.publish_article(article)
    assert await all_of(customer.articles()) == [article] == await all_of(staff.articles(status="published"))
    assert await customer.article(article) == await staff.article(article.id) == article
    await staff.withdraw_article(article)
    await staff.publish_article(article)
    assert (await staff.archive_article(article)).status is bsm.ArticleStatus.ARCHIVED
    with pytest.raises(bsm.Invalid) as both:
        await all_of(staff.articles(status="draft", author=ben))
    assert (both.value.field, both.value.other) == ("author", "status")

    yesterday = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=1)
    ticket = await staff.at(yesterday).open_ticket(
        "Screen stays black", description="Since noon.", impact="high", urgency="high", category="hardware",
        subcategory="screens", channel="phone", group="desktops", assigned_to=ben, requested_for=ada, created_by=ben,
        external_ref=f"INC{mark}",
    )
    assert ticket.priority is bsm.Priority.CRITICAL and not ticket.priority_overridden
    assert ticket.created_at == yesterday
    assert ticket == await staff.ticket(ticket) == await staff.ticket_by_number(ticket.number)
    assert ticket == await staff.ticket_by_external_ref(f"INC{mark}")
    ticket = await staff.change_ticket(ticket, priority="low", category=None, group="laptops", title="Black screen")
    assert (ticket.priority, ticket.priority_overridden) == ("low", True)
    assert (ticket.category, ticket.subcategory, ticket.group) == (None, "screens", "laptops")
    ticket = await staff.change_ticket(ticket, priority=None, status="in_progress", assigned_to=None)
    assert (ticket.priority, ticket.status, ticket.assigned_to) == ("critical", "in_progress", None)
    assert (await staff.assign_ticket(ticket, ben.id.uuid)).assigned_to == ben.id
    assert await all_of(staff.tickets(assignee=ben, channel="phone")) == [await staff.ticket(ticket)]
    await staff.unassign_ticket(str(ticket.id))
    assert ticket.id in [row.id for row in await all_of(staff.tickets(unassigned=True))]
    await staff.hold_ticket(ticket, "vendor")
    await staff.start_ticket(ticket)
    note = await staff.add_note(ticket, "Ordered a cable.")
    assert await all_of(staff.notes(ticket)) == [note]
    resolved = await staff.resolve_ticket(ticket)
    await staff.touch_ticket(ticket)
    await staff.reopen_ticket(ticket)
    with pytest.raises(bsm.Conflict) as conflict:
        await staff.expecting(resolved.version).resolve_ticket(ticket)
    assert (conflict.value.id, conflict.value.expected) == (ticket.id, resolved.version)
    await staff.resolve_ticket(ticket)
    await staff.close_ticket(ticket)
    follow_up = await staff.keyed(f"again {mark}").follow_up(ticket, "Black again")
    assert follow_up == await staff.keyed(f"again {mark}").follow_up(ticket, "Black again")
    assert follow_up.follow_up_of == ticket.id and follow_up.requested_for == ada.id
    assert (await staff.cancel_ticket(follow_up)).status is bsm.TicketStatus.CANCELLED
    entries = await all_of(staff.history(ticket, limit=2))
    assert [entry.version for entry in entries] == list(range(1, len(entries) + 1))
    assert entries[::-1] == await all_of(staff.history(ticket.id, order="newest_first"))
    assert (await staff.events(limit=500)).position
    stamp = staff.last_stamp
    if stamp is not None:
        assert await staff.seeing(stamp).ticket(ticket)
    watch = await once(staff.watch(since="oldest", only=["ticket"]))
    watch.close()


async def once(watch: Any) -> Any:
    """A watch of either style, begun."""
    begun = await watch
    return begun


async def admin_story(admin: Told, customer: Told) -> None:
    """Services, requests and ratings."""
    laptop = await admin.create_service("New laptop", "Hardware", "1200.00 EUR", needs_approval=True)
    laptop = await admin.change_service(laptop, price=bsm.Money("999.5", "EUR"), description="Light.")
    assert (str(laptop.price), laptop.name, laptop.needs_approval) == ("999.50 EUR", "New laptop", True)
    desk_move = await admin.create_service("Desk move", "Rooms", "0 EUR")
    assert await all_of(customer.services(category="Rooms")) == [desk_move] == await all_of(admin.services(category="Rooms"))
    assert await customer.service(laptop) == await admin.service(laptop.id) == laptop
    spare = await admin.create_service("Spare", "Rooms", "1 EUR")
    assert not (await admin.retire_service(spare)).active
    await admin.delete_service(spare)

    request = await customer.submit_request(laptop, details="A big one.")
    with pytest.raises(bsm.IllegalMove) as illegal:
        await admin.start_request(request)
    assert illegal.value.from_ == "submitted" and "approved" in (illegal.value.legal or ())
    assert (await admin.approve_request(request)).status is bsm.RequestStatus.APPROVED
    day = datetime.datetime(2030, 5, 1, 9, tzinfo=datetime.timezone(datetime.timedelta(hours=2)))
    assert (await admin.schedule_request(request, day)).scheduled_for == day
    await admin.start_request(request)
    ticket = await admin.make_ticket(request, impact="medium", group="desktops")
    with pytest.raises(bsm.AlreadyConverted) as converted:
        await admin.make_ticket(request)
    assert (converted.value.id, converted.value.ticket) == (request.id, ticket.id)
    await admin.resolve_ticket(ticket)
    rating = await customer.rate(request, 4, "Good.")
    assert await admin.rating(rating) == rating and await all_of(customer.ratings()) == [rating]
    assert (await admin.rating_figures(laptop)).distribution == (0, 0, 0, 1, 0)
    assert (await admin.rating_figures()).count == 1
    [row] = await all_of(admin.rating_rows(service=laptop))
    assert (row.rating, row.service_name, row.customer.full_name) == (rating, "New laptop", "Ada Lovelace")
    await admin.delete_rating(rating)

    entered = await admin.submit_request_for(desk_move, request.customer_id, external_ref="REQ-7")
    assert entered == await admin.request(entered) == await admin.request_by_external_ref("REQ-7")
    assert entered == await admin.request_by_number(entered.number)
    await admin.start_request(entered)
    await admin.fulfil_request(entered)
    for end in (admin.reject_request, admin.cancel_request, customer.cancel_request):
        other = await customer.submit_request(desk_move)
        assert (await end(other)).phase is bsm.Phase.DROPPED
    assert len(await all_of(admin.requests(service=desk_move, phase="dropped", limit=1))) == 3
    assert {row.request.id for row in await all_of(admin.request_rows(status="fulfilled"))} == {request.id, entered.id}
    usage = {row.service.id: row for row in await all_of(admin.service_usage())}
    assert usage[desk_move.id].requests[bsm.RequestStatus.FULFILLED] == 1
    both = await all_of(admin.unified(customer=request.customer_id))
    assert {row.source for row in both} == {"ticket", "request"}
    assert (await admin.summary()).service_count == 2


async def customer_story(desk: Told, customer: Told, admin: Told, ada: bsm.User) -> None:
    """What is the customer's."""
    ticket = await customer.open_ticket("Mouse is lame", urgency="low")
    assert ticket == await customer.ticket(ticket) == await customer.ticket_by_number(ticket.number)
    assert [row.id for row in await all_of(customer.tickets(phase="open"))] == [ticket.id]
    assert ticket.id in [row.ticket_id for row in await all_of(customer.unified(source="ticket"))]
    requests = await all_of(customer.requests(status="fulfilled"))
    assert requests[0] == await customer.request(requests[0]) == await customer.request_by_number(requests[0].number)
    await admin.resolve_ticket(ticket)
    await customer.reopen_ticket(ticket)
    await admin.resolve_ticket(ticket)
    await customer.close_ticket(ticket)
    again = await customer.follow_up(ticket, "Mouse is lame again")
    assert (await customer.withdraw_ticket(again)).status is bsm.TicketStatus.CANCELLED
    updates = await customer.ticket_updates(ticket, limit=2)
    assert [update.by for update in updates] == ["you", "desk"]
    assert (await customer.ticket_updates(ticket, before=2))[0].version == 1
    keyed = customer.keyed("k").at(datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc)).expecting(1)
    with pytest.raises(bsm.NotFound):
        await keyed.ticket(ada.id.uuid)
    assert customer.last_stamp is None or customer.seeing(customer.last_stamp).actor == ada.id
    for handle in (customer, desk):
        watch = await once(handle.watch())
        assert await_free(watch.position)
        watch.close()


def await_free(position: str | None) -> bool:
    return bool(position)


def check(called: set[tuple[str, str]], module: Any) -> None:
    """Every public name of every class was used."""
    for name in CLASSES:
        members = {member for member in dir(getattr(module, name)) if not member.startswith("_")}
        missing = {member for member in members if (name, member) not in called}
        if name == "Agent":
            # The table is the same as the admin's: what both have was called through both.
            assert not missing & {"ticket", "open_ticket", "tickets"}, missing
            missing = {member for member in missing if ("Admin", member) not in called}
        assert not missing, (name, missing)


async def test_every_call_that_waits(address: str, tmp_path: Path) -> None:
    called: set[tuple[str, str]] = set()
    with bsm.open(address) as desk, bsm.open("memory:") as copy:
        told = Told(desk, called)
        await story(told, Told(copy, called), tmp_path)
        await told.close()
    check(called, bsm)


async def test_every_call_that_is_awaited(address: str, tmp_path: Path) -> None:
    called: set[tuple[str, str]] = set()
    async with bsm.aio.open(address) as desk, bsm.aio.open("memory:") as copy:
        told = Told(desk, called)
        await story(told, Told(copy, called), tmp_path)
        await told.close()
    check(called, bsm.aio)
