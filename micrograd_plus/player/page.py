"""A player as HTML: one page that needs nothing else, by itself or inside another page.

The modules are put together as they are, without comments and needless spaces, compressed, and
unpacked by a few lines of their own; a policy in the page lets these two scripts run, by their
hashes, and nothing else.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
import zlib
from functools import cache
from importlib.resources import files
from typing import Any

from ..drawing.svg import DARK, LIGHT

MODULES = (
    "numbers.js",
    "arithmetic.js",
    "elements.js",
    "scene.js",
    "writing.js",
    "player.js",
    "alone.js",
)  # each behind those it imports
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
IMPORT = re.compile(r"^import [^;]*;\n", re.MULTILINE)
EXPORT = re.compile(r"^export (default \{ render \};\n?)?", re.MULTILINE)
IMPORTED = re.compile(r'^import (\{[^}]*\}) from "\./(\w+)\.js";\n', re.MULTILINE)
TEXT = re.compile(r'("(?:[^"\\]|\\.)*"|`[^`]*`)')
# a text inside a text, a pattern: not a division
UNSURE = re.compile(r"[`']|/(?! )|(?<! )/")
AROUND_SIGNS = re.compile(r" ?([=(){}\[\],;:<>?&|!*]+) ?|(?<=[\w)\]]) ([+-]) (?=[\w(])")
IN_SHEETS = re.compile(r" ?([{};,]|(?<=[\w-]:)) ?")
NEEDLESS_BREAK = re.compile(r"(?<=[{};,(\[=?:&|])\n|\n(?=[)}\].?:&|])")
EXPORTED = re.compile(r"^export (?:async )?(?:function|class|const) (\w+)", re.MULTILINE)

DARK_MARKS = {"plus": "#6cb6ff", "minus": "#f0883e", "now": "#ffd33d", "focus": "#79c0ff"}

PAGE = (
    '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
    '<meta http-equiv="Content-Security-Policy" content="{policy}">'
    '<meta name="viewport" content="width=device-width, initial-scale=1">'
    "<style>{css}</style></head><body>"
    '<main id="player"><div class="mgp-player" data-theme="{theme}"><div class="stage">{svg}</div>'
    "</div></main>"
    '<script type="application/octet-stream" id="packed">{packed}</script>{more}'
    "<script>{loader}</script></body></html>"
)
# of a page whose picture has its own colours
BARE = (
    ":root{color-scheme:light dark}body{margin:0}"
    ".stage{text-align:center}.stage svg{max-width:100%;height:auto}"
)
POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src {scripts}"
# Those of base64.b85encode, but for signs that markup, a formula or a style sheet reads.
DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#[%,])*+-;.=/?@^_:{|}~"
OURS = str.maketrans("&<>`$(", ",./:[]")
# The texts that `packed` put into an element; and a script, put into the page with its looks. Five
# digits are four bytes; of fewer bytes there is one digit more than these are.
UNPACK = f"""
const DIGITS = "{DIGITS}";
const bytesOf = (text) => {{
  const view = new DataView(new ArrayBuffer(4 * Math.ceil(text.length / 5)));
  for (let at = 0; at < text.length; at += 5) {{
    let four = 0;
    for (const digit of text.slice(at, at + 5).padEnd(5, "~")) {{
      four = four * 85 + DIGITS.indexOf(digit);
    }}
    view.setUint32((at / 5) * 4, four);
  }}
  return new Uint8Array(view.buffer, 0, Math.floor((text.length * 4) / 5));
}};
const inflated = (element) => {{
  const bytes = bytesOf(element.textContent);
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate")));
}};
const unpacked = async (element) => (await inflated(element).text()).split("\\0");
const begin = (text, looks) => {{
  const script = document.createElement("script");
  script.textContent = text;
  const style = document.createElement("style");
  style.textContent = looks;
  document.head.append(style);
  document.body.append(script);
}};
"""
LOADER = f"""
(async () => {{{UNPACK}
  const texts = await unpacked(document.getElementById("packed"));
  const [script, looks, contents] = texts;
  window.micrograd_plus = JSON.parse(contents);
  begin(script, looks);
}})();
"""
START = """
{ const el = document.getElementById("player");
  const contents = window.micrograd_plus;
  const still = el.querySelector("svg.mgp");
  contents.views[0].svg = new XMLSerializer().serializeToString(still);
  contents.alone = true;
  el.replaceChildren();
  render({ model: { get: () => contents }, el }); }
"""


def page(contents: dict[str, Any], *, framed: bool = False) -> str:
    """The page of a player; `framed` for one that stands inside another page, whose policy is that
    of its frame.
    """
    first, *others = contents["views"]
    still = first["svg"]
    shown = {**contents, "views": [{**first, "svg": ""}, *others]}
    texts = (started(START), looks(), as_text(shown))
    return page_of(contents, still, texts, LOADER, framed=framed)


def page_of(
    contents: dict[str, Any],
    still: str,
    texts: tuple[str, str, str],
    loader: str,
    *,
    css: str | None = None,
    more: str = "",
    may: str = "",
    framed: bool = False,
) -> str:
    """A page of a script, its looks and what it shows, with a still picture where scripts may not
    run, and the style sheet of that; `more` are elements beside them, `may` what else the policy
    lets scripts do.
    """
    begins = tight(loader)
    scripts = "'unsafe-inline'" if framed else f"{hashed(begins)} {hashed(texts[0])}"
    return PAGE.format(
        title=html.escape(contents["title"]),
        policy=POLICY.format(scripts=f"{scripts} {may}".strip()),
        css=colors() if css is None else css,
        theme=contents["theme"],
        svg=still,
        packed=packed(*texts),
        more=more,
        loader=begins,
    )


def module() -> str:
    """All of it as one ES module, whose `render({ model, el })` puts a player into an element."""
    style = json.dumps(colors() + looks())
    return f"{joined()}\nexport default {{ render: (where) => render(where, {style}) }};\n"


def started(start: str) -> str:
    """All of it as one script, which ends in `start`."""
    return f'"use strict";(() => {{{joined()}{start}}})();'


def packed(*texts: str) -> str:
    """Texts as digits that UNPACK reads: no text can become markup."""
    return deflated("\0".join(texts).encode())


def deflated(content: bytes) -> str:
    """Bytes as digits that UNPACK reads, five for four bytes."""
    return base64.b85encode(zlib.compress(content, 9)).decode().translate(OURS)


def as_text(contents: dict[str, Any]) -> str:
    """What a player shows, as JSON."""
    return json.dumps(contents, ensure_ascii=False, separators=(",", ":"))


def looks(sheet: str = "player.css") -> str:
    """A style sheet, without the colours."""
    return IN_SHEETS.sub(r"\1", tight(_read(sheet)))


@cache
def joined() -> str:
    """The modules one behind the other, without comments, imports and exports."""
    return "\n".join(squeezed(EXPORT.sub("", IMPORT.sub("", _read(name)))) for name in MODULES)


@cache
def linked(*names: str) -> str:
    """Modules one behind the other, each in a scope of its own, without comments; what one exports
    is in a constant of its name, so that two may have names in common.
    """
    return "\n".join([_in_scope(name, _read(f"{name}.js")) for name in names])


def _in_scope(name: str, text: str) -> str:
    exported = ",".join(EXPORTED.findall(text))
    body = squeezed(EXPORT.sub("", IMPORTED.sub(r"const \1=$\2;\n", text)))
    return f"const ${name}=(()=>{{{body}\nreturn {{{exported}}};}})();"


@cache
def colors() -> str:
    """The colours of pictures, light and dark, as classes."""
    light = "".join(f"--{name}:{color};" for name, color in LIGHT.items())
    dark = "".join(f"--{name}:{color};" for name, color in {**DARK, **DARK_MARKS}.items())
    classes = "".join(
        f".mgp-{name}-f{{fill:var(--{name})}}.mgp-{name}-s{{stroke:var(--{name})}}"
        for name in LIGHT
    )
    player = f".mgp-player{{{light}}}"
    is_dark = f'.mgp-player[data-theme="dark"]{{color-scheme:dark;{dark}}}'
    follows = f'.mgp-player[data-theme="auto"]{{color-scheme:light dark;{dark}}}'
    follows = f"@media (prefers-color-scheme:dark){{{follows}}}"
    wires = "svg.mgp text{white-space:pre}[data-wire]{stroke-width:1.3}[data-wire] path{fill:none}"
    return BARE + player + is_dark + follows + classes + wires


def tight(text: str) -> str:
    """A text of ours without its comments and indents."""
    lines = (line.strip() for line in COMMENT.sub("", text).split("\n"))
    return "\n".join(line for line in lines if line)


def squeezed(script: str) -> str:
    """A script of ours without comments, and without spaces and line breaks that say nothing; lines
    with a pattern, or a text in a text, keep their spaces.
    """
    lines = (_squeezed_line(line) for line in tight(script).split("\n"))
    return NEEDLESS_BREAK.sub("", "\n".join(lines))


def _squeezed_line(line: str) -> str:
    code_and_texts = TEXT.split(line)
    if line.count("`") > 2 or UNSURE.search("".join(code_and_texts[::2])):
        return line
    code_and_texts[::2] = [AROUND_SIGNS.sub(_sign, code) for code in code_and_texts[::2]]
    return "".join(code_and_texts)


def _sign(found: re.Match[str]) -> str:
    return found[1] or found[2]


def _read(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def hashed(script: str) -> str:
    """The source of a policy that lets one script run."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return f"'sha256-{digest}'"
