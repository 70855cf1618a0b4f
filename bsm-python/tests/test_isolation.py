"""Who may do what: every method of every portal, by everybody who might call it.

A method that has no row fails the test. Of what is Ada's, Cora is told nothing, and changes nothing.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

import bsm
from conftest import People, people

# Stands in every text of Ada's, so that it is seen where it does not belong.
HERS = "zebrafinch"

# What qualifies a handle, and calls nothing.
QUALIFIERS = {"actor", "at", "keyed", "expecting", "seeing", "last_stamp"}


@dataclass
class World:
    """A desk on which most things are Ada's, each in a state in which what is done to it is legal."""

    desk: bsm.Desk
    who: People

    def __post_init__(self) -> None:
        admin, ada = self.desk.admin(self.who.grace), self.desk.customer(self.who.ada)
        self.laptop = admin.create_service("Laptop", "Hardware", "10.00 EUR")
        phone = admin.create_service("Phone", "Hardware", "10.00 EUR", needs_approval=True)
        self.unused = admin.create_service("Unused", "Hardware", "10.00 EUR")
        self.submitted = ada.submit_request(self.laptop, details=HERS)
        self.unapproved = ada.submit_request(phone, details=HERS)
        self.fulfilled = admin.fulfil_request(ada.submit_request(self.laptop, details=HERS))
        rated = admin.fulfil_request(ada.submit_request(self.laptop, details=HERS))
        self.rating = ada.rate(rated, 4, HERS)
        admin.submit_request_for(self.laptop, self.who.ada, external_ref="outer-request")
        self.fresh = ada.open_ticket(HERS, description=HERS)
        self.held = admin.hold_ticket(admin.assign_ticket(ada.open_ticket(HERS), self.who.ben), "vendor")
        self.resolved = admin.resolve_ticket(ada.open_ticket(HERS))
        self.closed = admin.close_ticket(admin.resolve_ticket(ada.open_ticket(HERS)))
        admin.open_ticket("Outer", external_ref="outer-ticket")
        self.draft = admin.create_article("Draft", "unpublished")
        self.published = admin.publish_article(admin.create_article("Published", "for all"))
        self.idle = admin.create_user("Idle", "idle@example.org", "customer", external_ref="outer-user")
        self.gone = admin.deactivate_user(admin.create_user("Gone", "gone@example.org", "customer"))


Row = Callable[[Any, World], Any]

STAFF: dict[str, Row] = {
    "add_note": lambda portal, world: portal.add_note(world.fresh, "Called back."),
    "archive_article": lambda portal, world: portal.archive_article(world.published),
    "article": lambda portal, world: portal.article(world.draft),
    "articles": lambda portal, world: [row.to_dict() for row in portal.articles()],
    "assign_ticket": lambda portal, world: portal.assign_ticket(world.fresh, world.who.ben),
    "cancel_request": lambda portal, world: portal.cancel_request(world.submitted),
    "cancel_ticket": lambda portal, world: portal.cancel_ticket(world.fresh),
    "change_article": lambda portal, world: portal.change_article(world.draft, title="How not to"),
    "change_ticket": lambda portal, world: portal.change_ticket(world.fresh, category="mail"),
    "close_ticket": lambda portal, world: portal.close_ticket(world.resolved),
    "create_article": lambda portal, world: portal.create_article("How to", "Turn it off and on."),
    "delete_rating": lambda portal, world: portal.delete_rating(world.rating),
    "events": lambda portal, world: portal.events(),
    "follow_up": lambda portal, world: portal.follow_up(world.closed, "Again"),
    "fulfil_request": lambda portal, world: portal.fulfil_request(world.submitted),
    "history": lambda portal, world: [row.to_dict() for row in portal.history(world.fresh)],
    "hold_ticket": lambda portal, world: portal.hold_ticket(world.fresh, "vendor"),
    "make_ticket": lambda portal, world: portal.make_ticket(world.submitted),
    "notes": lambda portal, world: [row.to_dict() for row in portal.notes(world.fresh)],
    "open_ticket": lambda portal, world: portal.open_ticket("Mail is down", requested_for=world.who.ada),
    "publish_article": lambda portal, world: portal.publish_article(world.draft),
    "rating": lambda portal, world: portal.rating(world.rating),
    "rating_figures": lambda portal, world: portal.rating_figures(world.laptop),
    "rating_rows": lambda portal, world: [row.to_dict() for row in portal.rating_rows()],
    "reject_request": lambda portal, world: portal.reject_request(world.submitted),
    "reopen_ticket": lambda portal, world: portal.reopen_ticket(world.resolved),
    "request": lambda portal, world: portal.request(world.submitted),
    "request_by_external_ref": lambda portal, world: portal.request_by_external_ref("outer-request"),
    "request_by_number": lambda portal, world: portal.request_by_number(world.submitted.number),
    "request_rows": lambda portal, world: [row.to_dict() for row in portal.request_rows()],
    "requests": lambda portal, world: [row.to_dict() for row in portal.requests()],
    "resolve_ticket": lambda portal, world: portal.resolve_ticket(world.fresh),
    "schedule_request": lambda portal, world: portal.schedule_request(world.submitted, "2030-01-01T00:00:00Z"),
    "service": lambda portal, world: portal.service(world.laptop),
    "service_usage": lambda portal, world: [row.to_dict() for row in portal.service_usage()],
    "services": lambda portal, world: [row.to_dict() for row in portal.services()],
    "start_request": lambda portal, world: portal.start_request(world.submitted),
    "start_ticket": lambda portal, world: portal.start_ticket(world.fresh),
    "submit_request_for": lambda portal, world: portal.submit_request_for(world.laptop, world.who.ada),
    "summary": lambda portal, world: portal.summary(),
    "ticket": lambda portal, world: portal.ticket(world.fresh),
    "ticket_by_external_ref": lambda portal, world: portal.ticket_by_external_ref("outer-ticket"),
    "ticket_by_number": lambda portal, world: portal.ticket_by_number(world.fresh.number),
    "tickets": lambda portal, world: [row.to_dict() for row in portal.tickets()],
    "touch_ticket": lambda portal, world: portal.touch_ticket(world.fresh),
    "unassign_ticket": lambda portal, world: portal.unassign_ticket(world.held),
    "unified": lambda portal, world: [row.to_dict() for row in portal.unified()],
    "user": lambda portal, world: portal.user(world.who.ada),
    "user_by_email": lambda portal, world: portal.user_by_email("cora@example.org"),
    "user_by_external_ref": lambda portal, world: portal.user_by_external_ref("outer-user"),
    "users": lambda portal, world: [row.to_dict() for row in portal.users()],
    "watch": lambda portal, world: portal.watch().close(),
    "withdraw_article": lambda portal, world: portal.withdraw_article(world.published),
}

ADMIN: dict[str, Row] = {
    "approve_request": lambda portal, world: portal.approve_request(world.unapproved),
    "change_role": lambda portal, world: portal.change_role(world.idle, "agent"),
    "change_service": lambda portal, world: portal.change_service(world.laptop, name="Notebook"),
    "change_user": lambda portal, world: portal.change_user(world.who.ada, full_name="Ada L."),
    "create_service": lambda portal, world: portal.create_service("Desk", "Office", "5.00 EUR"),
    "create_user": lambda portal, world: portal.create_user("Eve", "eve@example.org", "agent"),
    "deactivate_user": lambda portal, world: portal.deactivate_user(world.who.ada),
    "delete_service": lambda portal, world: portal.delete_service(world.unused),
    "delete_user": lambda portal, world: portal.delete_user(world.idle),
    "reactivate_user": lambda portal, world: portal.reactivate_user(world.gone),
    "retire_service": lambda portal, world: portal.retire_service(world.laptop),
}

# What every customer may do: each sees what is theirs.
EACH_OWN: dict[str, Row] = {
    "article": lambda portal, world: portal.article(world.published),
    "articles": lambda portal, world: [row.to_dict() for row in portal.articles()],
    "events": lambda portal, world: portal.events(),
    "me": lambda portal, world: portal.me(),
    "open_ticket": lambda portal, world: portal.open_ticket("Mail is down"),
    "ratings": lambda portal, world: [row.to_dict() for row in portal.ratings()],
    "requests": lambda portal, world: [row.to_dict() for row in portal.requests()],
    "service": lambda portal, world: portal.service(world.laptop),
    "services": lambda portal, world: [row.to_dict() for row in portal.services()],
    "submit_request": lambda portal, world: portal.submit_request(world.laptop),
    "tickets": lambda portal, world: [row.to_dict() for row in portal.tickets()],
    "unified": lambda portal, world: [row.to_dict() for row in portal.unified()],
    "watch": lambda portal, world: portal.watch().close(),
}

# What names something of Ada's: for another customer it is not there.
ADA_S: dict[str, Row] = {
    "cancel_request": lambda portal, world: portal.cancel_request(world.submitted),
    "close_ticket": lambda portal, world: portal.close_ticket(world.resolved),
    "follow_up": lambda portal, world: portal.follow_up(world.closed, "Again"),
    "rate": lambda portal, world: portal.rate(world.fulfilled, 5),
    "reopen_ticket": lambda portal, world: portal.reopen_ticket(world.resolved),
    "request": lambda portal, world: portal.request(world.submitted),
    "request_by_number": lambda portal, world: portal.request_by_number(world.submitted.number),
    "ticket": lambda portal, world: portal.ticket(world.fresh),
    "ticket_by_number": lambda portal, world: portal.ticket_by_number(world.fresh.number),
    "ticket_updates": lambda portal, world: portal.ticket_updates(world.fresh),
    "withdraw_ticket": lambda portal, world: portal.withdraw_ticket(world.fresh),
}

PORTALS: dict[str, dict[str, Row]] = {"Admin": STAFF | ADMIN, "Agent": STAFF, "Customer": EACH_OWN | ADA_S}
CALLERS = ["nobody", "ada", "cora", "agent", "admin"]


def table() -> Iterator[tuple[str, str, str, type[bsm.BsmError] | None]]:
    """Portal, method, who calls it, and what they are refused with."""
    for portal, rows in PORTALS.items():
        for method in rows:
            for caller in CALLERS:
                refused: type[bsm.BsmError] | None = bsm.NotAllowed
                if portal == "Customer" and caller in ("ada", "cora"):
                    hidden = bsm.NoneWith if method.endswith("_by_number") else bsm.NotFound
                    refused = hidden if method in ADA_S and caller == "cora" else None
                elif caller == "admin" and portal != "Customer" or caller == "agent" and portal == "Agent":
                    refused = None
                yield portal, method, caller, refused


def test_every_method_has_its_row() -> None:
    for name, rows in PORTALS.items():
        methods: set[str] = {method for method in dir(getattr(bsm, name)) if not method.startswith("_")}
        assert methods - QUALIFIERS == rows.keys()
    assert len(list(table())) > 600


@pytest.mark.parametrize("portal", PORTALS)
def test_everybody_gets_what_is_theirs_from_every_method(portal: str) -> None:
    for of, method, caller, refused in table():
        if of != portal:
            continue
        with bsm.open("memory:") as desk:
            world = World(desk, people(desk))
            actors = {
                "nobody": uuid.uuid4(),
                "ada": world.who.ada.id.uuid,
                "cora": world.who.cora.id.uuid,
                "agent": world.who.ben.id.uuid,
                "admin": world.who.grace.id.uuid,
            }
            handle = getattr(desk, portal.lower())(actors[caller])
            before = len(desk.events(limit=500).events)
            what = f"{portal}.{method} by {caller}"
            try:
                answer = PORTALS[portal][method](handle, world)
            except bsm.BsmError as error:
                assert refused is not None and type(error) is refused, f"{what}: {error!r}"
                assert len(desk.events(limit=500).events) == before, f"{what} was refused, and did something"
                answer = str(error)
            else:
                assert refused is None, f"{what} was let through"
            if caller in ("nobody", "cora"):
                assert HERS not in repr(answer), f"{what} tells {answer!r}"
