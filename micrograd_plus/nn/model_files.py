"""Model files: the parameters of a model as JSON, by name, with a version and what the model is.

A file is data that a stranger may have written. It is read into a model that stands already, and
nothing of it is believed before all of it is checked against that model; until then the model is
not touched. Numbers are written with all their digits, so they come back bit by bit.
"""

from __future__ import annotations

import json
import math
import os
import stat
from collections.abc import Mapping
from itertools import chain
from operator import is_
from pathlib import Path
from typing import Any

from ..engine import Value
from ..support.files import write_whole
from ..support.strict_json import depth, is_exact, parsed, require_format, short_integer, shown
from .modules import Module, assign

FORMAT, VERSION = "micrograd_plus model", 1
_WIDEST = -2.2250738585072014e-308  # no float takes more characters


def save(model: Module, path: str | os.PathLike[str]) -> Path:
    """Write the parameters of a model to a file, which appears whole or not at all; gives its path.

    Beside them it has the model's `architecture`, in which a function that serves as activation
    goes by its name alone. Raises ValueError, and writes nothing, when a parameter is nan or
    infinite, and OSError where the system says so.
    """
    groups, target = _groups(model), Path(path)
    for name, group in groups.items():
        for i, p in enumerate(group):
            if not math.isfinite(p.data):
                raise ValueError(
                    f"{name}[{i}] is {p.data}: a model that has come to such numbers is not worth "
                    "a file"
                )
    if target.exists() and not target.is_file():
        raise ValueError(f"{shown(str(target))} is there, and is no file that could be replaced")
    numbers = {name: [p.data for p in group] for name, group in groups.items()}
    return write_whole(target, _text(model, numbers).encode())


def load(model: Module, path: str | os.PathLike[str]) -> None:
    """Give a model the parameters that `save` wrote, once the whole file has been found right for
    it.

    Raises ValueError, saying what is wrong, when the file is no model file of this version, is
    larger than one of this model can be, or does not have exactly this model's architecture and
    parameters as finite numbers; OSError when it cannot be read. The model then has changed in
    nothing.
    """
    groups, source = _groups(model), Path(path)
    widest_numbers = {name: [_WIDEST] * len(group) for name, group in groups.items()}
    widest = _text(model, widest_numbers)
    try:
        numbers = _numbers(_read(source, widest), model, groups)
    except ValueError as error:
        raise ValueError(f"{shown(str(source))} was not loaded: {error}") from None
    assign([p for group in groups.values() for p in group], numbers)


def _groups(model: Module) -> dict[str, list[Value]]:
    """The parameters by name, or all in one list where the names are not those of all."""
    parameters, groups = model.parameters(), model.named_parameters()
    named = list(chain.from_iterable(groups.values()))
    if len(named) != len(parameters) or not all(map(is_, named, parameters)):
        groups = {"parameters": parameters}
    for name, group in groups.items():
        for i, p in enumerate(group):
            if p.primitive is not None:
                raise ValueError(
                    f"{name}[{i}] is computed, by {p.primitive.name}, and cannot be given a number"
                )
    return groups


def _text(model: Module, numbers: dict[str, list[float]]) -> str:
    head = {"format": FORMAT, "version": VERSION, "architecture": model.architecture()}
    entries, lines = _entries(head, " "), _entries(numbers, "  ")
    return f'{{\n{entries},\n "parameters": {{\n{lines}\n }}\n}}\n'


def _entries(entries: Mapping[str, Any], indent: str) -> str:
    """The entries of an object, one a line."""
    pairs = [(json.dumps(name), json.dumps(e, allow_nan=False)) for name, e in entries.items()]
    return ",\n".join(f"{indent}{name}: {entry}" for name, entry in pairs)


# Reading. -----------------------------------------------------------------------------------------
def _read(path: Path, widest: str) -> Any:
    """What the JSON in a file says; not read if it is larger or deeper than what was written with
    the widest numbers.
    """
    text = _decoded(_content(path, largest=1000 + 2 * len(widest)))  # room for other spaces
    deepest = depth(widest)
    too_deep = f"its brackets are nested deeper than {deepest}, as no file for this model is"
    if depth(text) > deepest:
        raise ValueError(too_deep)
    return parsed(text, too_deep, short_integer)


def _content(path: Path, largest: int) -> bytes:
    """What is in a regular file of at most so many bytes;
    other things are neither read nor waited for.
    """
    with open(path, "rb", opener=_open_at_once) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise ValueError("it is no regular file")
        content = file.read(largest + 1)
    if len(content) > largest:
        raise ValueError(f"no file for this model is longer than {largest} bytes")
    return content


def _open_at_once(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _decoded(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise ValueError(f"it is no UTF-8 text: {error.reason} at byte {error.start}") from None


def _numbers(found: Any, model: Module, groups: dict[str, list[Value]]) -> list[float]:
    """The numbers in the order of the parameters; ValueError unless all that was found is what
    this model needs.
    """
    require_format(found, FORMAT, "it is no model file")
    version = found.get("version")
    if version != VERSION:
        raise ValueError(
            f"it has version {shown(version)}, and this program reads version {VERSION}"
        )
    zeros = {name: [0.0] * len(group) for name, group in groups.items()}
    wanted = json.loads(_text(model, zeros))
    _require_like(found, {**wanted, "parameters": found.get("parameters")}, "the file")
    _require_like(found["parameters"], zeros, "parameters", numbers=True)
    known: dict[Value, float] = {}
    for name, group in groups.items():
        for i, (p, number) in enumerate(zip(group, found["parameters"][name])):
            if known.setdefault(p, float(number)) != number:
                raise ValueError(f"{name}[{i}] is a parameter that was given another number before")
    return [known[p] for group in groups.values() for p in group]


def _require_like(found: Any, wanted: Any, where: str, numbers: bool = False) -> None:
    """Raise ValueError, naming the first place, unless both are the same;
    with `numbers`, other ones may stand in it.
    """
    if numbers and type(wanted) is float:
        if not is_exact(found):
            raise ValueError(f"{where} is {shown(found)}, and no number that a float holds exactly")
    elif type(found) is not type(wanted) or (
        not isinstance(wanted, dict | list) and found != wanted
    ):
        raise ValueError(f"{where} is {shown(found)}, and {shown(wanted)} in the model")
    elif isinstance(wanted, dict):
        for name in [*wanted, *found]:
            if name not in found or name not in wanted:
                raise ValueError(
                    f"{where} {'has' if name in found else 'lacks'} {shown(name)}, unlike the model"
                )
            _require_like(found[name], wanted[name], f"{where}.{name}", numbers)
    elif isinstance(wanted, list):
        if len(found) != len(wanted):
            raise ValueError(f"{where} has {len(found)} entries, and {len(wanted)} in the model")
        for i, (one, other) in enumerate(zip(found, wanted)):
            _require_like(one, other, f"{where}[{i}]", numbers)
