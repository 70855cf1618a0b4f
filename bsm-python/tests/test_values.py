"""What stands for the desk's data: equal by value, hashed, pickled, shown and taken apart; and what may stand for it in a call."""

from __future__ import annotations

import asyncio
import copy
import datetime
import decimal
import enum
import json
import pickle
import uuid
from pathlib import Path
from typing import Any

import pytest

import bsm
import bsm.aio
from bsm import _errors
from conftest import People, people

RENAMED: dict[str, str] = {"assignment_group": "group", "from": "before", "to": "after"}


@pytest.fixture
def everything(desk: bsm.Desk, staff: People) -> dict[str, Any]:
    """One of each class, by name."""
    admin, customer = desk.admin(staff.grace), desk.customer(staff.ada)
    service = admin.create_service("New laptop", "Hardware", "1200.00 EUR")
    watch, own = admin.watch(), customer.watch()
    request = customer.submit_request(service)
    ticket = admin.make_ticket(request)
    admin.resolve_ticket(ticket)
    rating = customer.rate(request, 3, "Fine.")
    note = admin.add_note(ticket, "Delivered.")
    article = admin.create_article("Printing", "Use the other printer.")
    event, own_event, summary = next(watch), next(own), admin.summary()
    unified = list(admin.unified())
    samples = [
        staff.grace, service, admin.request(request), admin.ticket(ticket), rating, note, article, event, own_event, summary,
        summary.ratings, summary.revenue[0], unified[0], event.entries[0], event.entries[0].changes[0], event.entries[0].key,
        own_event.updates[0], unified[0].customer, next(iter(admin.request_rows())), next(iter(admin.rating_rows())),
        next(iter(admin.service_usage())), service.price, ticket.id, staff.ada.id, article.id, service.id, request.id,
        rating.id, note.id,
    ]
    return {type(sample).__name__: sample for sample in samples} | {"RequestInUnified": unified[1]}


def test_there_is_one_of_each_class(everything: dict[str, Any]) -> None:
    plain = {
        name for name in bsm.__all__
        if isinstance(thing := getattr(bsm, name), type) and thing.__module__ == "bsm" and not issubclass(thing, (enum.Enum, Exception))
    }
    handles = {"Desk", "Admin", "Agent", "Customer", "Watch", "Listing", "Page", "EventPage", "Verification"}
    assert plain - handles == everything.keys() - {"RequestInUnified"}


def test_they_are_values(everything: dict[str, Any]) -> None:
    for name, sample in everything.items():
        again = pickle.loads(pickle.dumps(sample))
        assert again == sample and hash(again) == hash(sample) and again is not sample, name
        assert repr(again) == repr(sample) and copy.deepcopy(sample) == sample
        assert sample != object() and sample != "text"
        assert len({sample, again}) == 1
    assert len(set(everything.values())) == len(everything)


def test_they_are_frozen(everything: dict[str, Any]) -> None:
    for name, sample in everything.items():
        with pytest.raises(AttributeError):
            sample.id = 1
        with pytest.raises(AttributeError):
            sample.version = 1
        with pytest.raises(AttributeError):
            sample.nothing_of_the_kind = 1
        assert "object at 0x" not in repr(sample), name


def test_they_have_an_attribute_for_everything_that_serde_writes(everything: dict[str, Any]) -> None:
    for name, sample in everything.items():
        if not hasattr(sample, "to_dict"):
            continue
        written: dict[str, Any] = sample.to_dict()
        assert json.loads(json.dumps(written)) == written
        names = {RENAMED.get(member, member) for member in written}
        taken: tuple[str, ...] = sample.__match_args__
        assert names - {"created_at"} == set(taken) - {"created_at"}, name
        for member in names:
            assert hasattr(sample, member), (name, member)


def test_rows_are_taken_apart(everything: dict[str, Any]) -> None:
    match everything["Ticket"]:
        case bsm.Ticket(status=bsm.TicketStatus.RESOLVED, category="customer_request", title=title):
            assert title == "New laptop"
        case other:
            pytest.fail(repr(other))
    match everything["Money"]:
        case bsm.Money(amount, "EUR"):
            assert amount == decimal.Decimal("1200.00")
        case other:
            pytest.fail(repr(other))


def test_times_are_aware(everything: dict[str, Any]) -> None:
    ticket = everything["Ticket"]
    assert isinstance(ticket.resolved_at, datetime.datetime) and ticket.resolved_at.tzinfo is datetime.timezone.utc
    assert ticket.created_at == ticket.id.created_at <= ticket.updated_at
    assert ticket.to_dict()["created_at"] == f"{ticket.created_at:%Y-%m-%dT%H:%M:%S.%f}Z"


@pytest.mark.parametrize(
    "text", ["1970-01-01T00:00:00+00:00", "2016-02-29T01:16:00.000001+05:30", "9999-12-31T23:59:59.999999+00:00"]
)
def test_times_come_back_to_the_microsecond(desk: bsm.Desk, staff: People, text: str) -> None:
    admin, time = desk.admin(staff.grace), datetime.datetime.fromisoformat(text)
    service = admin.create_service("Move", "Rooms", "0 EUR")
    request = admin.submit_request_for(service, staff.ada)
    assert admin.schedule_request(request, time).scheduled_for == time
    other = admin.submit_request_for(service, staff.ada)
    assert admin.schedule_request(other, text).scheduled_for == time


@pytest.mark.parametrize("time", [datetime.datetime(2026, 1, 1), datetime.datetime(1969, 12, 31, tzinfo=datetime.timezone.utc), "soon"])
def test_what_is_no_moment_is_refused(desk: bsm.Desk, staff: People, time: Any) -> None:
    with pytest.raises(bsm.Invalid) as refused:
        desk.trim(time)
    assert refused.value.field == "time"


def test_a_row_may_be_named_in_many_ways(desk: bsm.Desk, staff: People) -> None:
    admin = desk.admin(str(staff.grace.id))
    ticket = admin.open_ticket("Fan is loud")
    names: list[Any] = [ticket, ticket.id, ticket.id.uuid, str(ticket.id), ticket.id.uuid.urn, ticket.id.uuid.hex.upper()]
    for name in names:
        assert admin.ticket(name) == ticket
        assert bsm.TicketId(name) == ticket.id
    assert uuid.UUID(str(ticket.id)) == ticket.id.uuid
    wrong: list[Any] = [staff.grace, staff.grace.id, 7, None, b"x", ticket.id.uuid.bytes]
    for name in wrong:
        with pytest.raises(TypeError):
            admin.ticket(name)
    with pytest.raises(bsm.Invalid) as malformed:
        admin.ticket("TKT-000001")
    assert (malformed.value.entity, malformed.value.field, malformed.value.reason) == ("ticket", "id", "malformed")


def test_ids_are_ordered_by_creation(desk: bsm.Desk, staff: People) -> None:
    admin = desk.admin(staff.grace)
    ids = [admin.open_ticket(f"Ticket {number}").id for number in range(20)]
    assert sorted(ids, key=lambda id: id.created_at) == sorted(ids) == ids


@pytest.mark.parametrize("amount", ["49.90", decimal.Decimal("49.9"), decimal.Decimal("4.99E+1")])
def test_money(amount: Any) -> None:
    money = bsm.Money(amount, "EUR")
    assert (str(money), money.amount, money.currency) == ("49.90 EUR", decimal.Decimal("49.90"), "EUR")
    assert money == bsm.Money.parse("49.9 EUR") and money.to_dict() == {"amount": "49.90", "currency": "EUR"}


@pytest.mark.parametrize(("amount", "currency", "field"), [
    ("-1", "EUR", "price"), ("1.001", "EUR", "price"), (decimal.Decimal("NaN"), "EUR", "price"),
    (decimal.Decimal("Infinity"), "EUR", "price"), ("1" * 60, "EUR", "price"), (10**40, "EUR", "price"), ("1", "XXY", "currency"),
])
def test_what_is_no_money_is_refused(amount: Any, currency: str, field: str) -> None:
    with pytest.raises(bsm.Invalid) as refused:
        bsm.Money(amount, currency)
    assert refused.value.field == field


def test_floats_are_no_money(desk: bsm.Desk, staff: People) -> None:
    amount: Any = 49.9
    with pytest.raises(TypeError):
        bsm.Money(amount, "EUR")
    with pytest.raises(TypeError):
        desk.admin(staff.grace).create_service("Move", "Rooms", amount)


def test_words_are_strings(desk: bsm.Desk, staff: People) -> None:
    word: str = bsm.Phase.OPEN
    assert word == "open" and bsm.Phase("open") is bsm.Phase.OPEN and f"{bsm.Phase.OPEN}" == "open"
    assert pickle.loads(pickle.dumps(bsm.TicketStatus.ON_HOLD_VENDOR)) is bsm.TicketStatus.ON_HOLD_VENDOR
    ticket = desk.admin(staff.grace).open_ticket("Fan is loud", impact=bsm.Impact.HIGH, urgency="high")
    assert ticket.priority is bsm.Priority.CRITICAL
    with pytest.raises(bsm.Invalid) as refused:
        desk.admin(staff.grace).open_ticket("Fan is loud", impact="huge")
    assert (refused.value.field, refused.value.legal) == ("impact", ("high", "medium", "low"))
    assert isinstance(refused.value, ValueError)


@pytest.mark.parametrize("limit", [0, -1, 501, 2**70, -(2**70)])
def test_a_page_has_its_limits(desk: bsm.Desk, staff: People, limit: int) -> None:
    with pytest.raises(bsm.Invalid) as refused:
        desk.admin(staff.grace).tickets(limit=limit).page()
    assert (refused.value.field, refused.value.min, refused.value.max) == ("limit", "1", "500")


def test_lists_go_both_ways(desk: bsm.Desk, staff: People) -> None:
    admin = desk.admin(staff.grace)
    tickets = [admin.open_ticket(f"Ticket {number}") for number in range(7)]
    listing = admin.tickets(limit=3, order="oldest_first")
    assert list(listing) == tickets == list(listing)
    first = listing.page()
    assert (list(first), len(first), first.previous) == (tickets[:3], 3, None)
    second = listing.page(first.next)
    assert list(second) == tickets[3:6]
    assert list(listing.page(second.previous)) == tickets[:3]
    assert pickle.loads(pickle.dumps(first)) == first
    with pytest.raises(bsm.InvalidCursor):
        admin.tickets(limit=3).page(first.next)
    with pytest.raises(bsm.InvalidCursor):
        admin.history(tickets[0]).page("x")
    since = tickets[2].created_at
    assert list(admin.tickets(created_from=since, created_to=tickets[4].created_at, order="oldest_first")) == tickets[2:5]


def test_errors_are_one_tree_and_also_what_python_has(desk: bsm.Desk, staff: People) -> None:
    admin = desk.admin(staff.grace)
    with pytest.raises(LookupError) as missing:
        admin.ticket(uuid.UUID(int=7))
    error = missing.value
    assert isinstance(error, bsm.NotFound) and (error.name, str(error.id)) == ("NotFound", str(uuid.UUID(int=7)))
    with pytest.raises(PermissionError) as refused:
        desk.admin(staff.ada).summary()
    assert isinstance(refused.value, bsm.NotAllowed) and refused.value.needs is bsm.Role.ADMIN
    with pytest.raises(LookupError):
        admin.assign_ticket(admin.open_ticket("Fan is loud"), uuid.UUID(int=7))
    with pytest.raises(bsm.BsmError):
        admin.keyed("").open_ticket("Fan is loud")


def test_errors_are_pickled() -> None:
    for kind in _errors.ERRORS:
        error = kind("said", field="title", legal=("a", "b"), most=3)
        again = pickle.loads(pickle.dumps(error))
        assert type(again) is kind and str(again) == "said" and again.facts == error.facts
        assert (again.field, again.legal, again.most, again.min) == ("title", ("a", "b"), 3, None)
        assert again.name == kind.__name__


def test_secrets_stay_where_they_are() -> None:
    address = "postgres://ada:s3cret@127.0.0.1:1/nowhere?schema=x&patience=100ms"
    with pytest.raises(ConnectionError) as refused:
        bsm.open(address)
    told = f"{refused.value!r} {refused.value.__notes__} {refused.value.__cause__}"
    assert isinstance(refused.value, bsm.Unavailable) and "s3cret" not in told
    for wrong in ("postgres:/ada:s3cret@x", "nosuch:s3cret", "s3cret", "sled:x?s3cret=1"):
        with pytest.raises(bsm.InvalidAddress) as unknown:
            bsm.open(wrong)
        assert wrong == "sled:x?s3cret=1" or "s3cret" not in str(unknown.value)


def test_a_desk_is_deleted(tmp_path: Path) -> None:
    address = f"sled:{tmp_path / 'desk'}"
    with bsm.open(address) as desk:
        people(desk)
    bsm.remove(address)
    bsm.remove(address)
    asyncio.run(bsm.aio.remove(address))
    with bsm.open(address) as desk:
        assert desk.verify().rows == 0


def test_text_that_is_none_is_refused(desk: bsm.Desk, staff: People) -> None:
    admin = desk.admin(staff.grace)
    for title in ("", "   ", "a\x00b", "x" * 201):
        with pytest.raises(bsm.Invalid) as refused:
            admin.open_ticket(title)
        assert (refused.value.entity, refused.value.field) == ("ticket", "title")
    with pytest.raises(ValueError):
        admin.open_ticket("half of a pair: \ud800")
    nothing: Any = None
    with pytest.raises(TypeError):
        admin.change_ticket(admin.open_ticket("Fan is loud"), title=nothing)
    with pytest.raises(TypeError):
        open_ticket: Any = admin.open_ticket
        open_ticket("Fan is loud", "by keyword only")


def test_files_fail_as_python_s_own(desk: bsm.Desk, staff: People, tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere" / "desk.jsonl"
    for call in (desk.export_to, desk.import_from):
        with pytest.raises(FileNotFoundError) as missing:
            call(nowhere)
        assert missing.value.filename == str(nowhere) and missing.value.strerror == "No such file or directory"
    assert desk.export_to(tmp_path / "desk.jsonl") == 4
    with pytest.raises(FileExistsError):
        desk.export_to(tmp_path / "desk.jsonl")
    with pytest.raises(bsm.NotEmpty):
        desk.import_from(tmp_path / "desk.jsonl")
    with bsm.open("memory:") as other, pytest.raises(bsm.InvalidImport):
        other.import_from(Path(__file__))
