"""`python -m bsm serve`: a desk over HTTP, to try it. It prints addresses, and tokens for an admin, an agent and a customer."""

from __future__ import annotations

import argparse
import secrets
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import NoReturn

import bsm
from bsm._bsm import Server, populate

# How long the printed tokens last, in seconds.
LASTS = 12 * 60 * 60

PATHS = {
    bsm.Role.ADMIN: [
        "/api/admin/customer-insights", "/api/admin/service-management", "/api/admin/customer-feedback", "/api/admin/events",
    ],
    bsm.Role.AGENT: ["/api/admin/unified?phase=open", "/api/admin/tickets?unassigned=true"],
    bsm.Role.CUSTOMER: [
        "/api/customer/services", "/api/customer/tickets", "/api/customer/ratings", "/api/customer/events",
    ],
}


def people(desk: bsm.Desk) -> Iterator[bsm.User]:
    """One active person of each role, found by way of the first admin, whom the oldest event tells of."""
    oldest = desk.events(only=[bsm.Entity.USER], limit=1).events
    made = [entry.key.id for event in oldest for entry in event.entries if entry.action is bsm.Action.CREATED]
    for role in bsm.Role if made else []:
        try:
            yield from [user for user in desk.admin(str(made[0])).users(role=role) if user.active][:1]
        except bsm.NotAllowed:
            return


def introduce(server: Server, desk: bsm.Desk) -> None:
    """Tells where the desk is, and how to try it."""
    place = f"http://{server.address}"
    print(f"A desk is at {place}, and described at {place}/api/openapi.json. To try it:\n")
    commands = []
    for user in people(desk):
        variable = user.role.upper()
        print(f"export {variable}={server.token(user, user.role, LASTS)} # {user.full_name}")
        commands += [f'curl -sS -H "Authorization: Bearer ${variable}" "{place}{path}"' for path in PATHS[user.role]]
    print("", *commands, "", sep="\n", flush=True)


def serve(arguments: argparse.Namespace) -> None:
    """Serves a desk until Ctrl-C or SIGTERM; an empty one is filled with the demonstration first."""
    secret = arguments.secret.read_bytes() if arguments.secret else secrets.token_bytes(32)
    with bsm.open(arguments.store) as desk:
        if arguments.bare:
            try:
                desk.bootstrap("Desk Admin", "admin@example.org")
            except bsm.AlreadyBootstrapped:
                pass
        else:
            populate(desk)
        try:
            server = Server(desk, arguments.listen, secret)
        except OSError as error:
            sys.exit(f"bsm: listening at {arguments.listen} (--listen names another HOST:PORT): {error}")
        try:
            introduce(server, desk)
            server.wait()
        except KeyboardInterrupt:
            pass
        finally:
            server.stop()


def terminated(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bsm")
    commands = parser.add_subparsers(required=True)
    serving = commands.add_parser("serve", help="serve a desk over HTTP, to try it", description=serve.__doc__)
    serving.add_argument("--store", default="memory:", metavar="URL", help="memory:, sled:FOLDER, or postgres://…")
    serving.add_argument("--listen", default="127.0.0.1:8460", metavar="ADDRESS", help="port 0 takes any that is free")
    serving.add_argument("--secret", type=Path, metavar="FILE", help="what signs tokens: 32 bytes or more; without it, they end with the server")
    serving.add_argument("--bare", action="store_true", help="leave an empty desk empty, save for an admin")
    serving.set_defaults(run=serve)
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, terminated)
    try:
        arguments.run(arguments)
    except (bsm.BsmError, OSError, ValueError) as error:
        sys.exit(f"bsm: {error}")


if __name__ == "__main__":
    main()
