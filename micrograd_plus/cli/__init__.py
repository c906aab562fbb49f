"""The command line: draw an expression or a worked example, explain one of its gradients, write the
gallery of all worked examples.

Whatever goes wrong ends in a few clear lines on standard error and exit code 2, with nothing
written. A reader that leaves early, as `head` does, is nothing wrong.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import unicodedata
from collections.abc import Mapping, Sequence
from fractions import Fraction
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from subprocess import SubprocessError
from typing import Any, NoReturn, TextIO

from ..chain_rule import explain
from ..chain_rule.naming import Names
from ..chain_rule.rules import bracketed_name
from ..drawing import draw
from ..drawing.style import PARTS, THEMES
from ..engine import Value, nodes_below, tangents
from ..player import play
from ..player.lessons import DATA_SETS, LESSONS
from ..support.text import did_you_mean, listed, number, shortened, visible
from .expression import CONSTANTS, functions, parse
from .gallery import lectures, sources, write_gallery
from .worked import worked_example

PROGRAM = "micrograd-plus"
FAILURES = (
    ArithmeticError,
    ImportError,
    OSError,
    RuntimeError,
    SubprocessError,
    TypeError,
    ValueError,
)
INTERRUPTED = 130  # what shells give for Ctrl-C
PLAIN = str.maketrans(
    {
        "−": "-",
        "·": "*",
        "×": "*",
        "÷": "/",
        "≤": "<=",
        "≠": "!=",
        "→": "->",
        "∂": "d",
        "…": "...",
        "Σ": "sum",
        "√": "sqrt",
        "∛": "cbrt",
        "σ": "sigma",
        "²": "2",
        **{subscript: str(digit) for digit, subscript in enumerate("₀₁₂₃₄₅₆₇₈₉")},
    }
)
LONGEST_LINE = 2000  # characters of an error's line
LONGEST_WORD = 60  # characters of what was typed that an error shows
LONGEST_STEP = 60  # characters of a table's line that say what was computed
DIGITS = 12  # of a table's numbers
LEAST = {  # of each command, a line that works
    "draw": 'draw "e = (a + b) * (b + 1)" a=2 b=1',
    "play": 'play "e = (a + b) * (b + 1)" a=2 b=1 -o e.html',
    "explain": 'explain "a * b" a=2 b=1 --wrt b',
    "playground": "playground moons -o page.html",
    "gallery": "gallery -o pictures",
}


class CommandError(ValueError):
    """The command line does not say what to do."""


class _Parser(argparse.ArgumentParser):
    """An ArgumentParser that raises in place of printing its usage and leaving."""

    def error(self, message: str) -> NoReturn:
        raise CommandError(f"{message} (see {self.prog} --help)")

    def options(self) -> list[str]:
        """The options it knows."""
        return [option for action in self._actions for option in action.option_strings]


Commands = Mapping[str, _Parser]
Named = Mapping[str, Value]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and give its exit code: 0, 2 after an error, 130 after Ctrl-C."""
    try:
        _run(_with_negatives(sys.argv[1:] if argv is None else argv))
    except BrokenPipeError:
        # for what Python flushes last
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        _say(f"{PROGRAM}: interrupted", sys.stderr)
        return INTERRUPTED
    except FAILURES as error:
        lines = f"{PROGRAM}: {error}".split("\n")
        shown = [visible(line, LONGEST_LINE) for line in lines]
        _say("\n".join(shown), sys.stderr)
        return 2
    return 0


def _run(arguments: Sequence[str]) -> None:
    parser, commands = _parser()
    if not arguments:
        known = ", ".join(commands)
        raise CommandError(f"say what to do: {known} (see {PROGRAM} --help)")
    first = arguments[0]
    if first not in commands and not first.startswith("-"):
        raise CommandError(_no_command(first.strip(), commands))
    options, others = parser.parse_known_args(arguments)
    if options.command == "gallery":
        _require_known(others, options.command, commands)
        _gallery(options)
        return
    if options.command == "playground":
        _require_known(others, options.command, commands)
        _playground(options)
        return
    dashed = [other for other in others if other.startswith("-")]
    _require_known(dashed, options.command, commands)
    leaves = _numbers([*options.values, *others])
    named = worked_example(options.expression, leaves) or parse(options.expression, leaves)
    if options.command == "draw":
        _draw(options, named)
    elif options.command == "play":
        _play(options, named)
    else:
        _explain(options, named)


def _no_command(word: str, commands: Commands) -> str:
    shown = visible(word, LONGEST_WORD)
    near = did_you_mean(word, commands)
    if near:
        return f"there is no command {shown!r}; {near}"
    known = ", ".join(commands)
    example = LEAST["draw"]
    return f"there is no command {shown!r}; there are {known}, as in `{PROGRAM} {example}`"


def _require_known(unknown: Sequence[str], command: str, commands: Commands) -> None:
    """Refuse what the command does not know, with what may have been meant."""
    if not unknown:
        return
    first = unknown[0]
    word = first.partition("=")[0]
    hint = did_you_mean(word, commands[command].options())
    owners = [name for name, parser in commands.items() if word in parser.options()]
    if owners:
        hint = f"it is an option of {' and '.join(owners)}"
    elif not hint and re.match("-+[^-=]+=", first):
        meant = first.lstrip("-")
        hint = f"values have no dashes: {meant}"
    elif not hint:
        hint = f"say `{PROGRAM} {LEAST[command]}`"
    words = " ".join(unknown)
    raise CommandError(f"unknown: {words}; {hint} (see {PROGRAM} {command} --help)")


def _with_negatives(argv: Sequence[str]) -> list[str]:
    """The arguments, with a blank before an expression that opens with a minus,
    lest it be taken for an option.
    """
    return [f" {arg}" if re.match(r"-[^-oh]|-[oh].*[-+*/(]", arg) else arg for arg in argv]


def _parser() -> tuple[_Parser, Commands]:
    """The parser of the whole line, and that of each command."""
    parser = _Parser(prog=PROGRAM, description=__doc__, allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"{PROGRAM} {_version()}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    names = ", ".join(sorted(functions()))
    known = (
        f"Functions: {names}. Operators: + - * / ** and one comparison at a time, < <= > >= == !=."
    )
    drawing = commands.add_parser(
        "draw",
        help="draw an expression, or print its values and gradients",
        epilog=known,
        allow_abbrev=False,
    )
    explaining = commands.add_parser(
        "explain", help="tell how one gradient comes about", epilog=known, allow_abbrev=False
    )
    playing = commands.add_parser(
        "play",
        help="write a page that steps through an expression",
        epilog=known,
        allow_abbrev=False,
    )
    for command in (drawing, playing, explaining):
        command.add_argument(
            "expression",
            help='such as "e = (a + b) * (b + 1)", or several separated by semicolons; or the name '
            "of a worked example, such as sharif.gates",
        )
        command.add_argument(
            "values", nargs="*", metavar="name=number", help="the value of each leaf, as in a=2 b=1"
        )
        command.add_argument(
            "--wrt", metavar="NAME", help="the name to differentiate with respect to"
        )
    _add_playing(playing)
    drawing.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="FILE",
        help="ends in .svg, .png, .pdf, .tex, .html or .dot",
    )
    for command in (drawing, playing):
        command.add_argument(
            "--mode", choices=("reverse", "forward"), default="reverse", help="which way to sweep"
        )
    drawing.add_argument("--constants", choices=("fold", "show"), default="fold")
    drawing.add_argument("--collapse", choices=("auto", "none", "neuron", "layer"), default="auto")
    drawing.add_argument(
        "--rankdir",
        choices=("LR", "TB", "RL", "BT"),
        default="LR",
        help="from the leaves to the output",
    )
    _add_style(drawing)
    explaining.add_argument("--limit", type=int, default=5, help="how many paths to list")
    explaining.add_argument("--full", action="store_true", help="leave nothing of them out")
    explaining.add_argument("--digits", type=int, metavar="N", help="digits after the point")
    explaining.add_argument(
        "--table", action="store_true", help="the backward pass edge by edge in place of sentences"
    )
    _add_playground(commands)
    gallery = commands.add_parser(
        "gallery",
        help="write every worked example into one offline page",
        description=f"Write every worked example into one offline page. They are {sources()}.",
        allow_abbrev=False,
    )
    gallery.add_argument(
        "-o",
        "--output",
        type=Path,
        default=Path("gallery"),
        metavar="DIR",
        help="default: ./gallery",
    )
    gallery.add_argument(
        "--lecture", choices=lectures(), metavar="NAME", help=f"only {' or '.join(lectures())}"
    )
    return parser, commands.choices


def _add_playing(playing: argparse.ArgumentParser) -> None:
    """The options of a page to step through."""
    playing.add_argument(
        "-o",
        "--output",
        type=Path,
        default=Path("play.html"),
        metavar="FILE",
        help="default: play.html",
    )
    playing.add_argument("--quiz", choices=("gradients", "values"), help="what to hide and ask for")
    playing.add_argument("--theme", choices=THEMES, help="auto follows the reader's system")
    playing.add_argument("--digits", type=int, metavar="N", help="digits after the point")


def _add_playground(commands: Any) -> None:
    """The command of a page in which a network learns."""
    command = commands.add_parser(
        "playground",
        help="write a page in which a network learns",
        description="Write a page in which a network learns, with data and settings to change.",
        allow_abbrev=False,
    )
    command.add_argument(
        "data", nargs="?", metavar="data", help=f"the set to begin with: {', '.join(DATA_SETS)}"
    )
    command.add_argument("--preset", metavar="NAME", help=f"a lesson: {', '.join(LESSONS)}")
    command.add_argument("--theme", choices=THEMES, help="auto follows the reader's system")
    command.add_argument(
        "-o",
        "--output",
        type=Path,
        default=Path("playground.html"),
        metavar="FILE",
        help="default: playground.html",
    )


def _add_style(drawing: argparse.ArgumentParser) -> None:
    """The options of a figure."""
    figure = drawing.add_argument_group("the figure", "how much it says, and how it looks")
    figure.add_argument(
        "--frames",
        action="store_true",
        help="the passes step by step: FILE is x.pdf, x-{:02}.png, x-{:02}.svg, x.svg or x.tex",
    )
    figure.add_argument("--show", metavar="PARTS", help=f"some of {','.join(PARTS)}")
    figure.add_argument("--digits", type=int, metavar="N", help="digits after the point")
    figure.add_argument("--theme", choices=THEMES, help="light unless asked")
    figure.add_argument(
        "--compact", action="store_true", default=None, help="little room, as on a slide"
    )
    figure.add_argument("--width", type=float, metavar="POINTS", help="of the whole picture")
    figure.add_argument("--font", help="a list of fonts as in CSS")
    figure.add_argument("--font-size", type=float, metavar="POINTS", help="of the numbers")
    figure.add_argument("--background", metavar="COLOR", help="a colour, or transparent")
    figure.add_argument("--color", action="append", metavar="NAME=COLOR", help="a box's colour")
    figure.add_argument("--open", metavar="NAMES", help="what to show in its parts, or all")
    figure.add_argument("--close", metavar="NAMES", help="what to show in one box, or all")
    figure.add_argument("--around", metavar="NAME", help="the node to show the surroundings of")
    figure.add_argument("--steps", type=int, default=2, metavar="N", help="wires around it")


def _style(options: argparse.Namespace) -> dict[str, Any]:
    """What was asked of the figure, as draw takes it."""
    names = ("digits", "theme", "compact", "width", "font", "font_size", "background", "around")
    asked: dict[str, Any] = {name: getattr(options, name) for name in names}
    asked["show"] = options.show.split(",") if options.show else None
    if options.color:
        asked["color"] = dict(pair.partition("=")[::2] for pair in options.color)
    for name in ("open", "close"):
        asked[name] = (getattr(options, name) or "").split(",") if getattr(options, name) else ()
    return asked | {"steps": options.steps}


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
        if not (equals and name):
            shown = visible(assignment, LONGEST_WORD)
            raise CommandError(
                "values are given as name=number, without blanks, as in a=2, not as "
                f"{shown!r}; the expression stands in quotes"
            )
        if name in numbers:
            raise CommandError(f"{name} is given twice")
        try:
            numbers[name] = float(text)
        except ValueError:
            meant = _number_meant(text)
            near = "" if meant is None else f"; did you mean {name}={meant!r}?"
            raise CommandError(f"{assignment}: {text!r} is not a number{near}") from None
    return numbers


def _number_meant(text: str) -> float | None:
    """The number that somebody may mean who writes 1,5 or 1/2 or pi."""
    if text in CONSTANTS:
        return CONSTANTS[text]
    try:
        plain = text.replace(",", ".").replace("−", "-")
        return float(Fraction(plain))
    except (ValueError, ArithmeticError):
        return None


def _wrt(options: argparse.Namespace, named: Named) -> Value:
    wrt = options.wrt
    if wrt is None:
        some = " or --wrt ".join(list(named)[:3])
        raise CommandError(f"say with respect to what: --wrt {some}")
    if wrt not in named:
        near = did_you_mean(wrt, named)
        hint = f" ({near})" if near else ""
        raise CommandError(f"there is no {wrt} in the expression{hint}; it has {listed(named)}")
    return named[wrt]


def _draw(options: argparse.Namespace, named: Named) -> None:
    *_, (name, output) = named.items()
    if options.mode == "forward":
        source = _wrt(options, named)
        heading = f"∂·/∂{bracketed_name(shortened(options.wrt))}"
    else:
        if options.wrt is not None:
            raise CommandError("--wrt belongs to --mode forward")
        source = None
        heading = f"∂{bracketed_name(shortened(name))}/∂·"
        output.backward()
    if options.output is None:
        _say(_table(heading, named, source))
        return
    picture = draw(
        output,
        mode=options.mode,
        wrt=source,
        constants=options.constants,
        collapse=options.collapse,
        rankdir=options.rankdir,
        **_style(options),
    )
    try:
        saved = (
            picture.frames().save(options.output)
            if options.frames
            else [picture.save(options.output)]
        )
        _say("\n".join(map(str, saved)))
    except OSError as error:
        raise CommandError(f"cannot write {options.output}: {error.strerror}") from None


def _play(options: argparse.Namespace, named: Named) -> None:
    *_, output = named.values()
    if options.mode == "reverse" and options.wrt is not None:
        raise CommandError("--wrt belongs to --mode forward")
    player = play(
        output,
        options.mode,
        _wrt(options, named) if options.mode == "forward" else None,
        theme=options.theme,
        quiz=options.quiz or False,
        digits=options.digits,
    )
    try:
        _say(str(player.save(options.output)))
    except OSError as error:
        raise CommandError(f"cannot write {options.output}: {error.strerror}") from None


def _playground(options: argparse.Namespace) -> None:
    from ..player import playground  # it loads trainings and optimisers

    made = playground(data=options.data, preset=options.preset, theme=options.theme)
    try:
        _say(str(made.save(options.output)))
    except OSError as error:
        raise CommandError(f"cannot write {options.output}: {error.strerror}") from None


def _table(heading: str, named: Named, source: Value | None) -> str:
    """Every node in the order of evaluation: how it is computed, its value and its gradient.

    With a `source`, its derivative with respect to that in place of the gradient.
    """
    order = nodes_below(*named.values())
    if source is None:
        derivatives = {v: v.grad for v in order}
    else:
        derivatives = tangents(order, {source: 1.0})
    told = Names(order, None)
    rows = [("node", "value", heading)]
    for v in order:
        value = number(v.data, DIGITS)
        derivative = number(derivatives.get(v, 0.0), DIGITS)
        steps = [told(v) if v.primitive is None else told.defined(v)]
        names = [name for name, other in named.items() if other is v]
        steps += [f"{name} = {told(v)}" for name in names if name != v.label]
        rows += [(shortened(step, LONGEST_STEP), value, derivative) for step in steps]
    plain = [[_printable(text) for text in row] for row in rows]
    widths = [max(map(_columns, column)) for column in zip(*plain)]
    return "\n".join(_line(row, widths) for row in plain)


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    """The first text from the left, the others to the right."""
    blanks = [" " * (width - _columns(text)) for text, width in zip(row, widths)]
    numbers = [blank + text for blank, text in zip(blanks[1:], row[1:])]
    step = row[0] + blanks[0]
    return "  ".join([step, *numbers])


def _columns(text: str) -> int:
    """How many columns of a terminal a text fills."""
    seen = [c for c in text if not unicodedata.combining(c)]
    wide = [c for c in seen if unicodedata.east_asian_width(c) in "WF"]
    return len(seen) + len(wide)


def _explain(options: argparse.Namespace, named: Named) -> None:
    *_, output = named.values()
    source = _wrt(options, named)
    how = {"limit": options.limit, "full": options.full, "digits": options.digits}
    explanation = explain(output, source, **how)
    _say(str(explanation.table() if options.table else explanation))


def _gallery(options: argparse.Namespace) -> None:
    try:
        _say(str(write_gallery(options.output, options.lecture)))
    except OSError as error:
        raise CommandError(f"cannot write into {options.output}: {error.strerror}") from None


def _say(text: str, file: TextIO | None = None) -> None:
    stream = file or sys.stdout
    if stream is not None:  # closed by whoever started us
        print(_printable(text, stream), file=stream, flush=True)


def _printable(text: str, stream: TextIO | None = None) -> str:
    """The text in plain characters and escapes where the terminal's encoding lacks better ones."""
    encoding = getattr(stream or sys.stdout, "encoding", None) or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        text = text.translate(PLAIN)
    return text.encode(encoding, "backslashreplace").decode(encoding)
