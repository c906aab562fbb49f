/*
 * Numbers written into a picture: only what has changed is touched, and a number that has grown is
 * no wider than the room it has.
 */

import { drawn } from "./elements.js";

/**
 * @typedef {import("./scene.js").Piece} Piece
 * @typedef {"value" | "derivative" | "label"} Kind
 * @typedef {{kind: Kind, at: [number, number], room: number, group: SVGElement,
 *   lines: Piece[][], texts: SVGElement[]}} Spot
 */

const SIZES = { value: 13, derivative: 13, label: 11 };
const LINE = 13.4;
const MARGIN = { value: 6, derivative: 6, label: 0 };
const LEAST = 0.8;

/**
 * Whether the same pieces stand there.
 * @param {Piece[][]} lines
 * @param {Piece[][]} others
 */
function isSame(lines, others) {
  return lines.length === others.length && lines.every((line, k) => (
    line.length === others[k].length && line.every(([text, color], j) => (
      text === others[k][j][0] && color === others[k][j][1]
    ))
  ));
}

/** @param {Piece[]} line */
function plain(line) {
  return line.length === 1 ? line[0][0] : line.map(([text]) => text).join("");
}

export class Writing {
  /** @param {SVGSVGElement} svg */
  constructor(svg) {
    this.overlay = drawn("g", { class: "numbers", "aria-hidden": "true" });
    this.family = svg.getAttribute("font-family") ?? "sans-serif";
    this.widths = { value: new Map(), derivative: new Map(), label: new Map() };
    this.ruler = document.createElement("canvas").getContext("2d");
    svg.append(this.overlay);
  }

  /**
   * A place for a number, around its middle; `room` is how wide it may be.
   * @param {Kind} kind
   * @param {[number, number]} at
   * @param {number} room
   * @returns {Spot}
   */
  spot(kind, at, room) {
    const group = drawn("g", { class: kind });
    this.overlay.append(group);
    return { kind, at, room: room - MARGIN[kind], group, lines: [], texts: [] };
  }

  /**
   * How wide the widest line is: each character is measured once.
   * @param {Kind} kind
   * @param {Piece[][]} lines
   */
  width(kind, lines) {
    const widths = this.widths[kind];
    let widest = 0;
    for (const line of lines) {
      let sum = 0;
      for (const character of plain(line)) {
        const width = widths.get(character) ?? this.measured(kind, character);
        sum += width;
      }
      widest = Math.max(widest, sum);
    }
    return widest;
  }

  /**
   * @param {Kind} kind
   * @param {string} character
   */
  measured(kind, character) {
    let width = 0;
    if (this.ruler) {
      this.ruler.font = `${kind === "value" ? 600 : 400} ${SIZES[kind]}px ${this.family}`;
      width = this.ruler.measureText(character).width;
    }
    this.widths[kind].set(character, width);
    return width;
  }

  /**
   * The lines at a place, in `fewer` digits where they would be too wide, and squeezed where these
   * are, too.
   * @param {Spot} spot
   * @param {Piece[][]} lines
   * @param {() => Piece[][]} fewer
   */
  write(spot, lines, fewer) {
    if (isSame(spot.lines, lines)) {
      return;
    }
    spot.lines = lines;
    const full = lines.filter((line) => line.length > 0);
    const wide = this.width(spot.kind, full);
    const isTooWide = wide * LEAST > spot.room;
    const shown = isTooWide ? fewer().filter((line) => line.length > 0) : full;
    const width = isTooWide ? this.width(spot.kind, shown) : wide;
    this.put(spot, shown);
    this.fit(spot, shown, width);
  }

  /**
   * @param {Spot} spot
   * @param {Piece[][]} lines
   */
  put(spot, lines) {
    const { kind, at, group, texts } = spot;
    if (texts.length !== lines.length) {
      spot.texts = lines.map(() => drawn("text", { x: at[0] }));
      group.replaceChildren(...spot.texts);
    }
    const first = kind === "label" ? at[1] + 3.8 - (LINE / 2) * (lines.length - 1) : at[1] + 4.6;
    lines.forEach((line, k) => {
      set(spot.texts[k], "y", String(first + LINE * k));
      putLine(spot.texts[k], line);
    });
  }

  /**
   * Texts no wider than their room, and a piece of paper below those on a wire.
   * @param {Spot} spot
   * @param {Piece[][]} lines
   * @param {number} width
   */
  fit({ kind, at, room, group, texts }, lines, width) {
    texts.forEach((text, k) => {
      if (width > room && this.width(kind, [lines[k]]) > room) {
        text.setAttribute("textLength", String(room));
        text.setAttribute("lengthAdjust", "spacingAndGlyphs");
      } else if (text.hasAttribute("textLength")) {
        text.removeAttribute("textLength");
        text.removeAttribute("lengthAdjust");
      }
    });
    if (kind === "label" && lines.length > 0) {
      const paper = group.querySelector("rect") ?? drawn("rect", { rx: 6, class: "mgp-paper-f" });
      const [wide, high] = [Math.min(width, room) + 6, 3 + LINE * lines.length];
      set(paper, "x", (at[0] - wide / 2).toFixed(1));
      set(paper, "y", (at[1] - high / 2).toFixed(1));
      set(paper, "width", wide.toFixed(1));
      set(paper, "height", high.toFixed(1));
      if (!paper.parentNode) {
        group.prepend(paper);
      }
    }
  }
}

/**
 * An attribute, where it is another one than before.
 * @param {Element} made
 * @param {string} name
 * @param {string} text
 */
function set(made, name, text) {
  if (made.getAttribute(name) !== text) {
    made.setAttribute(name, text);
  }
}

/**
 * A line: its one piece, or a span for each.
 * @param {Element} text
 * @param {Piece[]} line
 */
function putLine(text, line) {
  if (line.length === 1) {
    text.textContent = line[0][0];
    set(text, "class", `mgp-${line[0][1]}-f`);
    return;
  }
  if (text.childElementCount !== line.length) {
    text.replaceChildren(...line.map(() => drawn("tspan", {})));
  }
  line.forEach(([piece, color], j) => {
    text.children[j].textContent = piece;
    set(text.children[j], "class", `mgp-${color}-f`);
  });
}
