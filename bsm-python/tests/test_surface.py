"""The classes against the source of bsm-core: what is written there and missing here fails, and so does the reverse."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path

import pytest

import bsm
import bsm.aio
from bsm import _bsm, _errors

CORE = Path(__file__).parents[2] / "bsm-core" / "src"
PACKAGE = Path(__file__).parents[1] / "python" / "bsm"

# The first lines of the core's blocks, and the classes that have their methods.
BLOCKS: dict[str, list[str]] = {
    "impl Desk {": ["Desk"],
    "impl<R: StaffRole> Portal<R> {": ["Admin", "Agent"],
    "impl Admin {": ["Admin"],
    "impl Customer {": ["Customer"],
    "impl<R> Portal<R> {": ["Admin", "Agent", "Customer"],
    "impl<R: PortalRole> Portal<R> {": ["Admin", "Agent", "Customer"],
}

# Methods of the desk that Python has in another way: it is opened by address, and whole desks go to files.
NOT_HERE = {"new", "builder", "store"}
ONLY_HERE = {"export_to", "import_from"}


def written() -> dict[str, set[str]]:
    """The public methods of the core's portals, by class."""
    found: dict[str, set[str]] = {"Desk": set(), "Admin": set(), "Agent": set(), "Customer": set()}
    for module in sorted((CORE / "portal").glob("*.rs")):
        block = ""
        for line in module.read_text().splitlines():
            if line.startswith("impl"):
                block = line
            if method := re.match(r"    pub (?:const )?(?:async )?fn (\w+)", line):
                for owner in BLOCKS.get(block, []):
                    found[owner].add(method[1])
    return found


def public(owner: object) -> set[str]:
    return {name for name in vars(owner) if not name.startswith("_")}


@pytest.mark.parametrize("name", ["Desk", "Admin", "Agent", "Customer"])
def test_every_method_is_here_in_both_styles(name: str) -> None:
    core = written()[name] - NOT_HERE
    assert len(core) > 10
    here, awaited = public(getattr(bsm, name)), public(getattr(bsm.aio, name))
    assert here == awaited
    assert here - ONLY_HERE == core


def test_every_error_is_here() -> None:
    source = (CORE / "error" / "name.rs").read_text()
    names = set(re.findall(r'=> "(\w+)"', source))
    errors = {error.__name__ for error in _errors.ERRORS} - {"BsmError"}
    assert len(names) > 30 and errors == names
    assert errors < set(bsm.__all__)


def test_everything_that_errors_tell_is_here() -> None:
    source = (CORE / "error" / "facts.rs").read_text()
    facts = re.findall(r"^    pub (\w+):", source, re.MULTILINE)
    assert {fact.rstrip("_") for fact in _errors.FACTS} == set(facts)


def test_every_word_is_here() -> None:
    source = (CORE / "model" / "enums.rs").read_text()
    for name in re.findall(r"^    pub enum (\w+) as", source, re.MULTILINE):
        assert name in bsm.__all__ or name == "Stars", name


def test_names_are_exported_once_and_all_are_there() -> None:
    for module in (bsm, bsm.aio):
        assert len(set(module.__all__)) == len(module.__all__)
        for name in module.__all__:
            thing = getattr(module, name)
            if inspect.isclass(thing):
                assert (thing.__module__, thing.__name__) == (module.__name__, name)


# Whose methods the stub writes once, under a name that there is only for type checkers.
SHARED = {
    "_Portal": ["Admin", "Agent", "Customer"],
    "_Staff": ["Admin", "Agent"],
    "_AsyncPortal": ["AsyncAdmin", "AsyncAgent", "AsyncCustomer"],
    "_AsyncStaff": ["AsyncAdmin", "AsyncAgent"],
}


def test_stubs_hold_the_documentation_of_the_module() -> None:
    tree = ast.parse((PACKAGE / "_bsm.pyi").read_text())
    documented = 0
    for written in tree.body:
        if not isinstance(written, (ast.ClassDef, ast.FunctionDef)):
            continue
        if written.name not in SHARED:
            assert ast.get_docstring(written) == inspect.getdoc(getattr(_bsm, written.name)), written.name
        for method in written.body:
            if isinstance(method, ast.FunctionDef) and not method.name.startswith("_"):
                for owner in SHARED.get(written.name, [written.name]):
                    here = inspect.getdoc(getattr(getattr(_bsm, owner), method.name))
                    assert here and ast.get_docstring(method) == here, f"{owner}.{method.name}"
                    documented += 1
    assert documented > 400
