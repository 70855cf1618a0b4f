"""Gives the requests that schemathesis makes up what only a desk can: ids of rows, versions, numbers, keys.

A part of a request that is made up to be wrong stays as it is. What is made up to be right is completed: a path gets the id of a row in a
state in which the command is legal, made for it; a body gets people and services that are there; headers get the row's version, a key of
their own and a moment in the past.
"""

from __future__ import annotations

import itertools
import json
import os
import uuid
from collections import Counter
from collections.abc import Callable
from typing import Any

import requests
import schemathesis
from schemathesis.core.parameters import ParameterLocation

DESK = os.environ["DESK"]
TALLY = os.environ["TALLY"]
TOKENS = {role: os.environ[role.upper()] for role in ("admin", "agent", "customer")}

session = requests.Session()
count = itertools.count()


def ask(role: str, method: str, path: str, body: Any = None) -> Any:
    """What the desk answers somebody; anything but success is a mistake of these hooks."""
    headers = {"Authorization": f"Bearer {TOKENS[role]}"}
    response = session.request(method, f"{DESK}/api{path}", json=body, headers=headers, timeout=30)
    assert response.ok, f"{method} {path}: {response.status_code} {response.text}"
    return response.json() if response.content else None


ME = ask("customer", "GET", "/customer/me")["id"]
AGENT = next(user["id"] for user in ask("admin", "GET", "/admin/users?role=agent")["rows"] if user["active"])
PRICE = {"amount": "12.50", "currency": "EUR"}
SERVICE = {"name": "Loan laptop", "category": "Hardware", "price": PRICE}


def service(**more: Any) -> str:
    return ask("admin", "POST", "/admin/service-management", SERVICE | more)["id"]


OFFERED, APPROVED_FIRST = service(), service(needs_approval=True)


def user(role: str = "customer") -> str:
    new = {"full_name": "Somebody", "email": f"{uuid.uuid4()}@example.org", "role": role, "external_ref": str(uuid.uuid4())}
    return ask("admin", "POST", "/admin/users", new)["id"]


def inactive() -> str:
    person = user()
    ask("admin", "POST", f"/admin/users/{person}/deactivate")
    return person


def ticket(*moves: str) -> str:
    new = {"title": "Screen stays black", "requested_for": ME, "external_ref": str(uuid.uuid4())}
    made = ask("admin", "POST", "/admin/tickets", new)["id"]
    for move in moves:
        ask("admin", "POST", f"/admin/tickets/{made}/{move}")
    return made


def assigned() -> str:
    made = ticket()
    ask("admin", "POST", f"/admin/tickets/{made}/assign", {"assigned_to": AGENT})
    return made


def request(*moves: str, of: str = OFFERED) -> str:
    new = {"service": of, "customer": ME, "external_ref": str(uuid.uuid4())}
    made = ask("admin", "POST", "/admin/requests", new)["id"]
    for move in moves:
        ask("admin", "POST", f"/admin/requests/{made}/{move}")
    return made


def rating() -> str:
    return ask("customer", "POST", "/customer/ratings", {"request": request("fulfil"), "rating": "4"})["id"]


def article(*moves: str) -> str:
    made = ask("admin", "POST", "/admin/articles", {"title": "How to", "body": "Turn it off and on."})["id"]
    for move in moves:
        ask("admin", "POST", f"/admin/articles/{made}/{move}")
    return made


# Rows that are read and not changed are made once.
KEPT = {"ticket": ticket("resolve", "close"), "request": request("fulfil"), "rating": rating(), "article": article("publish")}

# Whose row a path names, by the part behind the root, and in which state a command finds it.
ROWS: dict[str, tuple[str, Callable[[], str]]] = {
    "service-management": ("/admin/service-management/{}", service),
    "customer-feedback": ("/admin/customer-feedback/{}", rating),
    "users": ("/admin/users/{}", user),
    "requests": ("/admin/requests/{}", request),
    "tickets": ("/admin/tickets/{}", ticket),
    "articles": ("/admin/articles/{}", article),
}
STATES: dict[str, Callable[[], str]] = {
    "users/reactivate": inactive,
    "requests/approve": lambda: request(of=APPROVED_FIRST),
    "tickets/follow-ups": lambda: KEPT["ticket"],
    "tickets/reopen": lambda: ticket("resolve"),
    "tickets/close": lambda: ticket("resolve"),
    "tickets/unassign": assigned,
    "articles/archive": lambda: article("publish"),
    "articles/withdraw": lambda: article("publish"),
}


def named(path: str, method: str) -> tuple[str, str] | None:
    """The id of a row that a command of this path is legal for, and where the row is read; nothing if the path names none."""
    root, collection, *rest = path.removeprefix("/api/").split("/")
    if not rest or rest[0] != "{id}":
        return None
    if collection == "services":
        return OFFERED, f"/admin/service-management/{OFFERED}"
    where, fresh = ROWS[collection]
    if method == "GET":
        fresh = lambda: KEPT.get(collection.removesuffix("s"), None) or ROWS[collection][1]()  # noqa: E731
    if root == "customer" and collection == "articles":
        fresh = lambda: KEPT["article"]  # noqa: E731
    made = STATES.get(f"{collection}/{rest[-1]}", fresh)()
    return made, where.format(made)


def others(path: str) -> dict[str, str]:
    """What stands in a path beside an id."""
    if "{number}" in path:
        root, kind = path.removeprefix("/api/").split("/")[:2]
        return {"number": ask("admin", "GET", f"/admin/{kind}/{KEPT[kind.removesuffix('s')]}")["number"]}
    if "{email}" in path:
        return {"email": ask("admin", "GET", f"/admin/users/{user()}")["email"]}
    if "{external_ref}" in path:
        kind = path.split("/")[3]
        row = ask("admin", "GET", f"/admin/{kind}/{ROWS[kind][1]()}")
        return {"external_ref": row["external_ref"]}
    if "{entity}" in path:
        return {"entity": "ticket", "id": KEPT["ticket"]}
    return {}


# Members of bodies that name what must be there.
LIVE: dict[str, Callable[[], Any]] = {
    "service": lambda: OFFERED,
    "customer": lambda: ME,
    "assigned_to": lambda: AGENT,
    "requested_for": lambda: ME,
    "created_by": lambda: AGENT,
    "request": lambda: request("fulfil"),
    "price": lambda: PRICE,
    "email": lambda: f"{uuid.uuid4()}@example.org",
    "external_ref": lambda: str(uuid.uuid4()),
    "opened_at": lambda: "2016-02-29T01:16:00Z",
}


def is_right(case: schemathesis.Case, where: ParameterLocation) -> bool:
    """Whether a part of the request was made up to be right."""
    part = case.meta.components.get(where) if case.meta else None
    return part is None or part.mode.is_positive


@schemathesis.hook
def before_call(context: Any, case: schemathesis.Case, kwargs: Any) -> None:
    path, method = case.operation.path, case.operation.method.upper()
    row = None
    if case.path_parameters and is_right(case, ParameterLocation.PATH):
        row = named(path, method)
        if row:
            case.path_parameters["id"] = row[0]
        case.path_parameters.update(others(path))
    if is_right(case, ParameterLocation.HEADER):
        headers = case.headers
        if "if-match" in headers:
            del headers["if-match"]
            if row:
                bearer = {"Authorization": f"Bearer {TOKENS['admin']}"}
                headers["if-match"] = session.get(f"{DESK}/api{row[1]}", headers=bearer, timeout=30).headers["etag"]
        if "idempotency-key" in headers:
            headers["idempotency-key"] = f"{next(count)}-{uuid.uuid4()}"
        if "bsm-occurred-at" in headers:
            headers["bsm-occurred-at"] = "2016-02-29T01:16:00Z"
        # Stamps are one store's own; a desk that has none gives none.
        headers.pop("bsm-stamp", None)
    if isinstance(case.body, dict) and is_right(case, ParameterLocation.BODY):
        for member, live in LIVE.items():
            if case.body.get(member) is not None:
                case.body[member] = live()
        if path.endswith("/users/{id}") and method == "PATCH":
            case.body.setdefault("full_name", "Somebody Else")


tally: Counter[str] = Counter()


@schemathesis.hook
def after_call(context: Any, case: schemathesis.Case, response: Any) -> None:
    operation = f"{case.operation.method.upper()} {case.operation.path}"
    right = all(is_right(case, where) for where in ParameterLocation)
    probe = case.method.upper() != case.operation.method.upper()
    tally[f"{operation} cases"] += 1
    if right and not probe:
        tally[f"{operation} right"] += 1
        if 200 <= response.status_code < 400:
            tally[f"{operation} accepted"] += 1
    if response.status_code >= 500:
        tally["server errors"] += 1
    # Written now and then: nobody says when the last one was.
    if sum(tally.values()) % 50 < 4:
        write()


def write() -> None:
    with open(TALLY, "w", encoding="utf-8") as file:
        json.dump(tally, file, indent=1, sort_keys=True)


import atexit  # noqa: E402

atexit.register(write)
