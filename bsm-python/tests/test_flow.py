"""The owner's flow, on every store and in both styles: each step is seen by the other side's watch."""

from __future__ import annotations

import decimal

import bsm
import bsm.aio
from conftest import people


def told(event: bsm.Event | bsm.OwnEvent | None) -> set[tuple[bsm.Entity, bsm.Action]]:
    assert event is not None, "the other side is told"
    entries = event.entries if isinstance(event, bsm.Event) else event.updates
    return {(entry.key.entity, entry.action) for entry in entries}


def test_the_six_steps(address: str) -> None:
    with bsm.open(address) as desk:
        someone = people(desk)
        admin, customer = desk.admin(someone.grace), desk.customer(someone.ada)
        laptop = admin.create_service("New laptop", "Hardware", "1200.00 EUR")
        with admin.watch() as seen_by_admin, customer.watch() as seen_by_customer:
            request = customer.submit_request(laptop, details="For the new office.")
            assert told(seen_by_admin.next(timeout=30)) == {("request", "created")}
            assert told(seen_by_customer.next(timeout=30)) == {("request", "created")}
            assert [row.request_id for row in admin.unified(phase="open")] == [request.id]

            ticket = admin.make_ticket(request)
            assert ticket.category == "customer_request"
            assert told(seen_by_customer.next(timeout=30)) == {("request", "changed"), ("ticket", "created")}
            rows = admin.unified(phase="open").page().rows
            assert [(row.source, row.status, row.customer and row.customer.full_name) for row in rows] == [
                (bsm.Source.TICKET, bsm.TicketStatus.NEW, "Ada Lovelace"),
                (bsm.Source.REQUEST, bsm.RequestStatus.IN_PROGRESS, "Ada Lovelace"),
            ]
            assert {row.ticket_id for row in rows} == {ticket.id}
            assert {row.request_id for row in rows} == {request.id}

            assert admin.resolve_ticket(ticket).status is bsm.TicketStatus.RESOLVED
            assert told(seen_by_customer.next(timeout=30)) == {("request", "changed"), ("ticket", "changed")}
            assert customer.request(request).status is bsm.RequestStatus.FULFILLED

            rating = customer.rate(request, 5, "It flies.")
            seen_by_admin.next(timeout=30)
            seen_by_admin.next(timeout=30)
            assert ("rating", "created") in told(seen_by_admin.next(timeout=30))

        summary = admin.summary()
        assert (summary.ratings.count, summary.ratings.mean) == (1, decimal.Decimal("5.00"))
        assert [(sum.amount, sum.currency) for sum in summary.revenue] == [(decimal.Decimal("1200.00"), "EUR")]
        assert [row.rating for row in admin.rating_rows(service=laptop)] == [rating]


async def test_the_six_steps_awaited(address: str) -> None:
    async with bsm.aio.open(address) as desk:
        grace = await desk.bootstrap("Grace Hopper", "grace@example.org")
        admin = desk.admin(grace)
        ada = await admin.create_user("Ada Lovelace", "ada@example.org", "customer")
        customer = desk.customer(ada)
        laptop = await admin.create_service("New laptop", "Hardware", bsm.Money(1200, "EUR"))
        async with admin.watch() as seen_by_admin, customer.watch() as seen_by_customer:
            request = await customer.submit_request(laptop)
            assert told(await seen_by_admin.next(timeout=30)) == {("request", "created")}
            assert told(await seen_by_customer.next(timeout=30)) == {("request", "created")}
            assert [row.request_id async for row in admin.unified(phase="open")] == [request.id]

            ticket = await admin.make_ticket(request)
            assert ticket.category == "customer_request"
            assert told(await anext(aiter(seen_by_customer))) == {("request", "changed"), ("ticket", "created")}
            assert len((await admin.unified(phase="open").page()).rows) == 2

            await admin.resolve_ticket(ticket)
            assert told(await seen_by_customer.next(timeout=30)) == {("request", "changed"), ("ticket", "changed")}

            await customer.rate(request, 4)
            await seen_by_admin.next(timeout=30)
            await seen_by_admin.next(timeout=30)
            assert ("rating", "created") in told(await seen_by_admin.next(timeout=30))
        summary = await admin.summary()
        assert summary.ratings.distribution == (0, 0, 0, 1, 0)
        assert summary.requests == {bsm.RequestStatus.FULFILLED: 1}
