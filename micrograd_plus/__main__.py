"""The command line: draw an expression, explain one of its gradients, write the gallery of worked examples.

Whatever goes wrong ends in a few clear lines on standard error and exit code 2, with nothing written.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from subprocess import SubprocessError
from typing import NoReturn, TextIO

from .drawing import draw
from .engine import Value, nodes_below, tangents
from .explain import explain
from .expression import parse
from .gallery import write_gallery
from .text import number, visible

PROGRAM = "micrograd-plus"
FAILURES = (ArithmeticError, ImportError, OSError, RuntimeError, SubprocessError, TypeError, ValueError)
PLAIN = str.maketrans({"−": "-", "·": "*", "×": "x", "÷": "/", "→": "->", "∂": "d", "Σ": "sum", "…": "..."})


class CommandError(ValueError):
    """The command line does not say what to do."""


class _Parser(argparse.ArgumentParser):
    """An ArgumentParser that raises in place of printing its usage and leaving."""

    def error(self, message: str) -> NoReturn:
        raise CommandError(f"{message} (see {self.prog} --help)")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and give its exit code: 0, or 2 after an error."""
    try:
        options, others = _parser().parse_known_args(_with_negatives(sys.argv[1:] if argv is None else argv))
        unknown = [other for other in others if other.startswith("-") or options.command == "gallery"]
        if unknown:
            raise CommandError(f"unknown: {' '.join(unknown)} (see {PROGRAM} {options.command} --help)")
        if options.command == "gallery":
            _gallery(options)
        else:
            named = parse(options.expression, _numbers([*options.values, *others]))
            (_draw if options.command == "draw" else _explain)(options, named)
    except FAILURES as error:
        _say("\n".join(visible(line, 2000) for line in f"{PROGRAM}: {error}".split("\n")), sys.stderr)
        return 2
    return 0


def _with_negatives(argv: Sequence[str]) -> list[str]:
    """The arguments, with a blank before an expression that opens with a minus, lest it be taken for an option."""
    return [f" {arg}" if re.match(r"-[^-oh]|-[oh].*[-+*/(]", arg) else arg for arg in argv]


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog=PROGRAM, description=__doc__, allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"{PROGRAM} {_version()}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    drawing = commands.add_parser("draw", help="draw an expression, or print its values and gradients", allow_abbrev=False)
    explaining = commands.add_parser("explain", help="tell how one gradient comes about", allow_abbrev=False)
    for command in (drawing, explaining):
        command.add_argument("expression", help='such as "e = (a + b) * (b + 1)", or several separated by semicolons')
        command.add_argument("values", nargs="*", metavar="name=number", help="the value of each leaf, as in a=2 b=1")
        command.add_argument("--wrt", metavar="NAME", help="the name to differentiate with respect to")
    drawing.add_argument("-o", "--output", type=Path, metavar="FILE", help="ends in .svg, .png, .pdf, .dot or .html")
    drawing.add_argument("--mode", choices=("reverse", "forward"), default="reverse", help="which way to sweep")
    drawing.add_argument("--constants", choices=("fold", "show"), default="fold")
    drawing.add_argument("--collapse", choices=("auto", "none", "neuron", "layer"), default="auto")
    drawing.add_argument("--rankdir", choices=("LR", "TB", "RL", "BT"), default="LR", help="from the leaves to the output")
    explaining.add_argument("--limit", type=int, default=5, help="how many paths to list")
    gallery = commands.add_parser("gallery", help="write every worked example into one offline page", allow_abbrev=False)
    gallery.add_argument("-o", "--output", type=Path, default=Path("gallery"), metavar="DIR", help="default: ./gallery")
    return parser


def _version() -> str:
    try:
        return version("micrograd-plus")
    except PackageNotFoundError:
        return "from a folder, not installed"


def _numbers(assignments: Sequence[str]) -> dict[str, float]:
    """The leaves' values from a=2 b=1."""
    numbers: dict[str, float] = {}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        if not equals:
            raise CommandError(f"values are given as name=number, as in a=2, not as {assignment!r}")
        if name in numbers:
            raise CommandError(f"{name} is given twice")
        try:
            numbers[name] = float(text)
        except ValueError:
            raise CommandError(f"{assignment}: {text!r} is not a number") from None
    return numbers


def _wrt(options: argparse.Namespace, named: Mapping[str, Value]) -> Value:
    if options.wrt is None:
        raise CommandError(f"say with respect to what: --wrt {' or --wrt '.join(list(named)[:3])}")
    if options.wrt not in named:
        raise CommandError(f"there is no {options.wrt} in the expression; it has {', '.join(named)}")
    return named[options.wrt]


def _draw(options: argparse.Namespace, named: Mapping[str, Value]) -> None:
    *_, (name, output) = named.items()
    if options.mode == "forward":
        source = _wrt(options, named)
        tangent = tangents(nodes_below(output), {source: 1.0})
        heading, derivatives = f"d/d{options.wrt}", {k: tangent.get(v, 0.0) for k, v in named.items()}
    else:
        if options.wrt is not None:
            raise CommandError("--wrt belongs to --mode forward")
        source = None
        output.backward()
        heading, derivatives = f"d{name}/d…", {k: v.grad for k, v in named.items()}
    if options.output is None:
        rows = [(k, number(v.data, 12), number(derivatives[k], 12)) for k, v in named.items()]
        rows.insert(0, ("name", "value", heading))
        widths = [max(map(len, column)) for column in zip(*rows)]
        _say("\n".join("  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in rows))
        return
    picture = draw(output, mode=options.mode, wrt=source, constants=options.constants, collapse=options.collapse,
                   rankdir=options.rankdir)
    try:
        _say(str(picture.save(options.output)))
    except OSError as error:
        raise CommandError(f"cannot write {options.output}: {error.strerror}") from None


def _explain(options: argparse.Namespace, named: Mapping[str, Value]) -> None:
    *_, output = named.values()
    _say(str(explain(output, _wrt(options, named), limit=options.limit)))


def _gallery(options: argparse.Namespace) -> None:
    try:
        _say(str(write_gallery(options.output)))
    except OSError as error:
        raise CommandError(f"cannot write into {options.output}: {error.strerror}") from None


def _say(text: str, file: TextIO | None = None) -> None:
    """Print, in plain characters and escapes where the terminal's encoding lacks better ones."""
    stream = file or sys.stdout
    if stream is None:  # closed by whoever started us
        return
    encoding = stream.encoding or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        text = text.translate(PLAIN)
    print(text.encode(encoding, "backslashreplace").decode(encoding), file=stream)


if __name__ == "__main__":
    sys.exit(main())
