"""What the tests share: a desk on every store, and people who use it."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

import bsm

POSTGRES = "BSM_TEST_POSTGRES_URL"

STORES = ["memory", "sled", *(["postgres"] if POSTGRES in os.environ else [])]


def pytest_report_header() -> str:
    return f"stores: {', '.join(STORES)}" + ("" if POSTGRES in os.environ else f"; {POSTGRES} names no server")


@pytest.fixture(params=STORES)
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of an empty desk, on each store in turn."""
    if request.param == "memory":
        yield "memory:"
    elif request.param == "sled":
        yield f"sled:{tmp_path / 'desk'}"
    else:
        server = os.environ[POSTGRES]
        schema = f"python_{uuid.uuid4().hex}"
        yield f"{server}{'&' if '?' in server else '?'}schema={schema}"
        # Without the options that are a desk's and not a server's.
        with psycopg.connect(server.split("?")[0], autocommit=True) as connection:
            connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(schema)))


@dataclass
class People:
    """Those who use a desk: Grace runs it, Ben works on tickets, Ada and Cora are customers."""

    grace: bsm.User
    ben: bsm.User
    ada: bsm.User
    cora: bsm.User


def people(desk: bsm.Desk) -> People:
    grace = desk.bootstrap("Grace Hopper", "grace@example.org")
    admin = desk.admin(grace)
    return People(
        grace=grace,
        ben=admin.create_user("Ben Turner", "ben@example.org", "agent"),
        ada=admin.create_user("Ada Lovelace", "ada@example.org", "customer"),
        cora=admin.create_user("Cora Lane", "cora@example.org", "customer"),
    )


@pytest.fixture
def desk() -> Iterator[bsm.Desk]:
    """A desk in memory."""
    with bsm.open("memory:") as desk:
        yield desk


@pytest.fixture
def staff(desk: bsm.Desk) -> People:
    """The people of `desk`."""
    return people(desk)
