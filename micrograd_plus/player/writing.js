/*
 * Numbers written into a picture: only what has changed is touched, and a number that has grown is
 * no wider than the room it has.
 */

/**
 * @typedef {import("./scene.js").Piece} Piece
 * @typedef {"value" | "derivative" | "label"} Kind
 * @typedef {{kind: Kind, at: [number, number], room: number, group: SVGElement, key: string,
 *   texts: SVGElement[]}} Spot
 */

const SVG = "http://www.w3.org/2000/svg";
const SIZES = { value: 13, derivative: 13, label: 11 };
const LINE = 13.4;
const MARGIN = { value: 6, derivative: 6, label: 0 };
const LEAST = 0.8;

/**
 * An element of a picture.
 * @param {string} name
 * @param {Record<string, string | number>} attributes
 */
export function drawn(name, attributes) {
  const made = document.createElementNS(SVG, name);
  Object.entries(attributes).forEach(([key, value]) => made.setAttribute(key, String(value)));
  return made;
}

/** @param {Piece[][]} lines */
function keyOf(lines) {
  return lines.map((line) => line.map((piece) => piece.join("\t")).join("\n")).join("\v");
}

export class Writing {
  /** @param {SVGSVGElement} svg */
  constructor(svg) {
    this.overlay = drawn("g", { class: "numbers", "aria-hidden": "true" });
    this.family = svg.getAttribute("font-family") ?? "sans-serif";
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
    return { kind, at, room: room - MARGIN[kind], group, key: "", texts: [] };
  }

  /**
   * How wide the widest line is.
   * @param {Kind} kind
   * @param {Piece[][]} lines
   */
  width(kind, lines) {
    if (!this.ruler) {
      return 0;
    }
    const { ruler } = this;
    ruler.font = `${kind === "value" ? 600 : 400} ${SIZES[kind]}px ${this.family}`;
    return Math.max(0, ...lines.map((line) => (
      ruler.measureText(line.map(([text]) => text).join("")).width
    )));
  }

  /**
   * The lines at a place, in `fewer` digits where they would be too wide, and squeezed where these
   * are, too.
   * @param {Spot} spot
   * @param {Piece[][]} lines
   * @param {() => Piece[][]} fewer
   */
  write(spot, lines, fewer) {
    const full = lines.filter((line) => line.length > 0);
    const key = keyOf(full);
    if (spot.key === key) {
      return;
    }
    spot.key = key;
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
    const counts = texts.map((text) => text.childElementCount).join();
    if (counts !== lines.map((line) => line.length).join()) {
      spot.texts = lines.map((line) => {
        const text = drawn("text", { x: at[0] });
        text.append(...line.map(() => drawn("tspan", {})));
        return text;
      });
      group.replaceChildren(...spot.texts);
    }
    const first = kind === "label" ? at[1] + 3.8 - (LINE / 2) * (lines.length - 1) : at[1] + 4.6;
    lines.forEach((line, k) => {
      spot.texts[k].setAttribute("y", String(first + LINE * k));
      line.forEach(([text, color], j) => {
        const span = spot.texts[k].children[j];
        span.textContent = text;
        span.setAttribute("class", `mgp-${color}-f`);
      });
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
      const isWide = width > room && this.width(kind, [lines[k]]) > room;
      if (isWide) {
        text.setAttribute("textLength", String(room));
        text.setAttribute("lengthAdjust", "spacingAndGlyphs");
      } else if (text.hasAttribute("textLength")) {
        text.removeAttribute("textLength");
        text.removeAttribute("lengthAdjust");
      }
    });
    group.querySelector("rect")?.remove();
    if (kind === "label" && lines.length > 0) {
      const [wide, high] = [Math.min(width, room) + 6, 3 + LINE * lines.length];
      group.prepend(drawn("rect", {
        x: at[0] - wide / 2, y: at[1] - high / 2, width: wide, height: high, rx: 6,
        class: "mgp-paper-f",
      }));
    }
  }
}
