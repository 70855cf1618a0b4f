"""Random commands on a desk and on a plain model of it: both answer alike, and hold the same in the end.

The model knows the two status tables and the priority matrix as ITIL's books have them, and nothing of the desk's code.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from types import EllipsisType

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

import bsm

HOLDS = {f"on_hold_{reason}" for reason in ("customer", "problem", "vendor", "evidence")}
WORKED_ON = {"new", "in_progress"} | HOLDS
PHASES = {"new": "open", "in_progress": "open", "resolved": "done", "closed": "done", "cancelled": "dropped"} | dict.fromkeys(
    HOLDS, "waiting")
LEVELS = ["high", "medium", "low"]
PRIORITIES = ["critical", "high", "moderate", "low", "low"]


def moves(status: str) -> set[str]:
    """Where staff can move a ticket."""
    if status in WORKED_ON:
        return (HOLDS | {"in_progress", "resolved", "cancelled"}) - {status}
    return {"in_progress", "closed"} if status == "resolved" else set()


@dataclass
class Ticket:
    status: str
    impact: str
    urgency: str
    assigned: bool = False
    request: Request | None = None
    version: int = 1

    @property
    def priority(self) -> str:
        return PRIORITIES[LEVELS.index(self.impact) + LEVELS.index(self.urgency)]


@dataclass
class Request:
    status: str = "submitted"
    ticket: bsm.TicketId | None = None
    stars: int | None = None


class Desks(RuleBasedStateMachine):
    tickets: Bundle[bsm.TicketId] = Bundle("tickets")
    requests: Bundle[bsm.RequestId] = Bundle("requests")

    def __init__(self) -> None:
        super().__init__()
        self.desk = bsm.open("memory:")
        self.grace = self.desk.bootstrap("Grace Hopper", "grace@example.org")
        self.admin = self.desk.admin(self.grace)
        self.ada = self.admin.create_user("Ada Lovelace", "ada@example.org", "customer")
        self.customer = self.desk.customer(self.ada)
        self.service = self.admin.create_service("New laptop", "Hardware", "10 EUR")
        self.plain: dict[bsm.TicketId, Ticket] = {}
        self.asked: dict[bsm.RequestId, Request] = {}

    def teardown(self) -> None:
        assert self.desk.verify().is_clean
        self.desk.close()

    @rule(target=tickets, title=st.text(min_size=1, max_size=30), impact=st.sampled_from(LEVELS), urgency=st.sampled_from(LEVELS))
    def open(self, title: str, impact: str, urgency: str) -> bsm.TicketId:
        return self.opened(title, impact, urgency)

    def opened(self, title: str, impact: str, urgency: str) -> bsm.TicketId:
        try:
            ticket = self.admin.open_ticket(title, impact=impact, urgency=urgency)
        except bsm.Invalid as refused:
            assert refused.field == "title" and refused.reason in ("empty", "control_character")
            ticket = self.admin.open_ticket("Fan is loud", impact=impact, urgency=urgency)
        self.plain[ticket.id] = Ticket("new", impact, urgency)
        return ticket.id

    @rule(id=tickets, to=st.sampled_from(["in_progress", "resolved", "closed", "cancelled", *sorted(HOLDS)]), changed=st.booleans())
    def move(self, id: bsm.TicketId, to: str, changed: bool) -> None:
        ticket = self.plain[id]
        by_name = {"in_progress": self.admin.start_ticket, "resolved": self.admin.resolve_ticket,
                   "closed": self.admin.close_ticket, "cancelled": self.admin.cancel_ticket}
        try:
            if to in HOLDS:
                answer = self.admin.hold_ticket(id, to.removeprefix("on_hold_"))
            elif changed and to != ticket.status:
                answer = self.admin.change_ticket(id, status=to)
            else:
                answer = by_name[to](id)
        except bsm.IllegalMove as refused:
            assert to not in moves(ticket.status), refused
            assert (refused.from_, refused.to, set(refused.legal or ())) == (ticket.status, to, moves(ticket.status))
            return
        assert to in moves(ticket.status)
        self.follow(ticket, to)
        ticket.status, ticket.version = to, ticket.version + 1
        assert (answer.status, answer.version) == (to, ticket.version)

    @staticmethod
    def follow(ticket: Ticket, to: str) -> None:
        """What a move of a ticket does to its request."""
        request = ticket.request
        if request is None:
            return
        if to == "resolved" and request.status not in ("fulfilled", "cancelled"):
            request.status = "fulfilled"
        if ticket.status == "resolved" and to == "in_progress" and request.status == "fulfilled" and request.stars is None:
            request.status = "in_progress"

    @rule(id=tickets, impact=st.sampled_from([*LEVELS, ...]), urgency=st.sampled_from([*LEVELS, ...]), assigned=st.booleans())
    def change(self, id: bsm.TicketId, impact: str | EllipsisType, urgency: str | EllipsisType, assigned: bool) -> None:
        ticket = self.plain[id]
        after = Ticket(
            ticket.status, ticket.impact if impact is ... else impact, ticket.urgency if urgency is ... else urgency, assigned,
            ticket.request, ticket.version + 1)
        same = (after.impact, after.urgency, after.assigned) == (ticket.impact, ticket.urgency, ticket.assigned)
        try:
            answer = self.admin.change_ticket(
                id, impact=impact, urgency=urgency, assigned_to=self.grace if assigned else None)
        except bsm.Finished:
            assert ticket.status in ("closed", "cancelled") and not same
            return
        assert same or ticket.status not in ("closed", "cancelled")
        self.plain[id] = after
        assert (answer.priority, answer.version) == (after.priority, after.version)

    @rule(target=requests)
    def ask(self) -> bsm.RequestId:
        request = self.customer.submit_request(self.service).id
        self.asked[request] = Request()
        return request

    @rule(target=tickets, id=requests)
    def convert(self, id: bsm.RequestId) -> bsm.TicketId:
        request = self.asked[id]
        try:
            ticket = self.admin.make_ticket(id)
        except bsm.AlreadyConverted as refused:
            assert request.ticket is not None and refused.ticket == request.ticket
            return request.ticket
        except bsm.IllegalMove:
            assert request.status in ("fulfilled", "cancelled")
            return self.opened("Fan is loud", "low", "low")
        assert request.ticket is None and request.status in ("submitted", "in_progress")
        request.ticket, request.status = ticket.id, "in_progress"
        self.plain[ticket.id] = Ticket("new", "low", "medium", request=request)
        return ticket.id

    @rule(id=requests)
    def cancel(self, id: bsm.RequestId) -> None:
        request = self.asked[id]
        try:
            self.customer.cancel_request(id)
        except bsm.IllegalMove:
            assert request.status in ("fulfilled", "cancelled")
        else:
            assert request.status in ("submitted", "in_progress")
            request.status = "cancelled"
            # Its ticket, if that is still worked on, goes with it.
            if request.ticket and self.plain[request.ticket].status in WORKED_ON:
                self.plain[request.ticket].status = "cancelled"
                self.plain[request.ticket].version += 1

    @rule(id=requests, stars=st.integers(0, 6))
    def rate(self, id: bsm.RequestId, stars: int) -> None:
        request = self.asked[id]
        try:
            self.customer.rate(id, stars)
        except bsm.Invalid as refused:
            assert refused.field == "rating" and stars in (0, 6)
        except bsm.AlreadyRated:
            assert request.stars is not None
        except bsm.NotFulfilled as refused:
            assert refused.from_ == request.status != "fulfilled"
        else:
            assert request.status == "fulfilled" and request.stars is None and 1 <= stars <= 5
            request.stars = stars

    @invariant()
    def the_totals_are_the_same(self) -> None:
        summary = self.admin.summary()
        assert summary.tickets == Counter(ticket.status for ticket in self.plain.values())
        assert summary.requests == Counter(request.status for request in self.asked.values())
        stars = [request.stars for request in self.asked.values() if request.stars is not None]
        assert summary.ratings.distribution == tuple(stars.count(number) for number in range(1, 6))

    @invariant()
    def the_lists_are_the_same(self) -> None:
        for phase in bsm.Phase:
            listed = {row.id for row in self.admin.tickets(phase=phase, limit=3)}
            assert listed == {id for id, ticket in self.plain.items() if PHASES[ticket.status] == phase}
        assigned = {row.id for row in self.admin.tickets(assignee=self.grace)}
        assert assigned == {id for id, ticket in self.plain.items() if ticket.assigned}
        rows = {row.ticket_id or row.request_id for row in self.customer.unified(limit=2)}
        own = {id for id, ticket in self.plain.items() if ticket.request}
        assert rows == own | {id for id, request in self.asked.items() if request.ticket is None}


TestDesks = Desks.TestCase
TestDesks.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
