"""A Digraph of the `graphviz` package that needs no `dot` program to show itself:
Graphviz in the wheel will do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import graphviz

from ..support.files import write_whole
from .process import HELP, run_apart, run_here


class Digraph(graphviz.Digraph):  # type: ignore[misc]  # it ships no types
    """A `graphviz.Digraph` in every respect; where there is no Graphviz at all, it says in a
    sentence what to install.

    `pipe`, `render`, `view` and the picture in a notebook come to the three functions that are
    replaced here.
    """

    @property
    def _pipe_lines(self) -> Callable[..., bytes]:
        def pipe(
            engine: str, form: str, lines: Iterable[str], *, input_encoding: str, **options: Any
        ) -> bytes:
            dot = "".join(lines)
            try:
                drawn: bytes = original(
                    engine, form, iter([dot]), input_encoding=input_encoding, **options
                )
            except graphviz.ExecutableNotFound:
                return _without_program(dot, form, engine)
            return drawn

        original = super()._pipe_lines
        return pipe

    @property
    def _pipe_lines_string(self) -> Callable[..., str]:
        def pipe(
            engine: str, form: str, lines: Iterable[str], *, encoding: str, **options: Any
        ) -> str:
            return self._pipe_lines(engine, form, lines, input_encoding=encoding, **options).decode(
                encoding
            )

        return pipe

    @property
    def _render(self) -> Callable[..., str]:
        def render(
            engine: str, form: str, filepath: str, *, outfile: Any = None, **options: Any
        ) -> str:
            try:
                path: str = original(engine, form, filepath, outfile=outfile, **options)
            except graphviz.ExecutableNotFound:
                dot = Path(filepath).read_text(encoding=self.encoding)
                path = str(
                    write_whole(
                        outfile or f"{filepath}.{form}", _without_program(dot, form, engine)
                    )
                )
            return path

        original = super()._render
        return render

    def _repr_mimebundle_(
        self, include: Any = None, exclude: Any = None, **_: Any
    ) -> dict[str, bytes | str]:
        try:
            bundle: dict[str, bytes | str] = super()._repr_mimebundle_(include, exclude)
        except ImportError as error:  # a notebook would show where it was raised, at length
            return {"text/plain": f"{error}"}
        return bundle

    def _mime_(self) -> tuple[str, str]:
        ((kind, content),) = self._repr_mimebundle_().items()
        return kind, str(content)


def _without_program(dot: str, form: str, engine: str) -> bytes:
    """Drawn by the wheel. Raises ImportError, saying what to install,
    where it is not there either.
    """
    try:
        # apart, for Graphviz has something to say about fonts
        return run_apart(dot, form, engine=engine)
    except TimeoutError:
        drawn = run_here(dot, form, engine)
    except ImportError:
        drawn = None
    if drawn is None:
        raise ImportError(HELP) from None
    return drawn
