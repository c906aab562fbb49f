/*
 * Boxes in columns, with wires from left to right: where they stand, the picture, and where there
 * is room for numbers.
 */
import { drawn } from "./elements.js";

/**
 * @typedef {{ name: string, kind: string, symbol: string, role: string, isFocus: boolean }} Part
 * @typedef {{ source: number, target: number }} Ends
 * @typedef {[number, number]} Point
 * @typedef {{ svg: string, boxes: { spots: { value?: Point, derivative?: Point }, width: number }[],
 *   wires: { at: Point | null, room: number }[] }} Picture
 */

const [WIDE, HIGH] = [124, 60];
const [NEAR, FAR] = [120, 190];
const DOWN = 88;
const MARGIN = 4;
const [NAME, CHIP] = [8.6, 7.4];
const ROOM = 130;
/** How far the middle of a number on a wire is from boxes, and where it may stand otherwise. */
const [ASIDE, ABOVE] = [36, 8];
const LATER = 0.85;
const FAMILY = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, "
  + "'DejaVu Sans', sans-serif";

/**
 * @param {Part[][]} columns
 * @param {Ends[]} wires between the parts, counted through all columns
 * @returns {Picture}
 */
export function laidOut(columns, wires) {
  const parts = columns.flat();
  const home = columns.flatMap((column, k) => column.map(() => k));
  const widths = parts.map(widthOf);
  const rows = Math.max(...columns.map((column) => column.length));
  const lefts = leftsOf(columns, wires.map(({ target }) => home[target]));
  const places = columns.flatMap((column, k) => {
    const wide = Math.max(...column.map(widthOf));
    return column.map((_, row) => /** @type {Point} */ ([
      lefts[k] + wide / 2, MARGIN + HIGH / 2 + DOWN * (row + (rows - column.length) / 2),
    ]));
  });
  const right = Math.max(...places.map(([x], i) => x + widths[i] / 2));
  const size = [right + MARGIN, 2 * MARGIN + HIGH + DOWN * (rows - 1)].map(Math.ceil);
  const lines = wires.map(({ source, target }) => ({
    from: /** @type {Point} */ ([places[source][0] + widths[source] / 2, places[source][1]]),
    to: /** @type {Point} */ ([places[target][0] - widths[target] / 2, places[target][1]]),
  }));
  const svg = drawn("svg", {
    xmlns: "http://www.w3.org/2000/svg", class: "mgp", viewBox: `0 0 ${size.join(" ")}`,
    "font-family": FAMILY, "text-anchor": "middle", "font-size": 13,
  });
  svg.append(
    ...lines.map(({ from, to }, i) => wireOf(from, to, i)),
    ...parts.map((part, i) => boxOf(part, places[i], widths[i], i)),
  );
  return {
    svg: new XMLSerializer().serializeToString(svg),
    boxes: parts.map(({ kind }, i) => ({ spots: spotsOf(kind, places[i]), width: widths[i] })),
    wires: wires.map((wire, i) => {
      const shares = [shareOf(wire, wires, home, parts), LATER];
      const spots = shares[0] ? shares.map((one) => between(lines[i].from, lines[i].to, one)) : [];
      const isFree = (/** @type {Point} */ [x, y]) => places.every(([u, v], k) => (
        Math.abs(x - u) > widths[k] / 2 + ASIDE || Math.abs(y - v) > HIGH / 2 + ABOVE
      ));
      return { at: spots.find(isFree) ?? null, room: ROOM };
    }),
  };
}

/** @param {Part} part */
function widthOf({ name, symbol }) {
  const chip = symbol ? CHIP * symbol.length + 20 : 0;
  return Math.max(WIDE, NAME * name.length + chip + 16);
}

/**
 * Where each column begins: the further from what is before it, the more wires there are between.
 *
 * @param {Part[][]} columns
 * @param {number[]} ends the columns in which wires end
 */
function leftsOf(columns, ends) {
  let x = MARGIN;
  return columns.map((column, k) => {
    const into = ends.filter((end) => end === k).length;
    x += k === 0 ? 0 : into > column.length ? FAR : NEAR;
    const left = x;
    x += Math.max(...column.map(widthOf));
    return left;
  });
}

/**
 * @param {string} kind
 * @param {Point} place
 */
function spotsOf(kind, [x, y]) {
  /** @type {Point} */
  const value = [x, y - 16];
  /** @type {Point} */
  const derivative = [x, y + 16];
  return kind === "layer" ? {} : kind === "constant" ? { value } : { value, derivative };
}

/**
 * How far along a wire its number stands: where few wires meet all do, else those of the unit that
 * is looked at; 0 says that there is no room.
 *
 * @param {Ends} wire
 * @param {Ends[]} wires
 * @param {number[]} home of each part its column
 * @param {Part[]} parts
 */
function shareOf({ source, target }, wires, home, parts) {
  const beside = wires.filter((other) => (
    home[other.source] === home[source] && home[other.target] === home[target]
  ));
  const sources = new Set(beside.map((other) => other.source)).size;
  const targets = new Set(beside.map((other) => other.target)).size;
  if (beside.length === sources && beside.length === targets) {
    return 1 / 2;
  }
  if (targets <= Math.min(2, sources) || parts[target].isFocus) {
    return 1 / 3;
  }
  return sources <= 2 || parts[source].isFocus ? 2 / 3 : 0;
}

/**
 * @param {Point} from
 * @param {Point} to
 * @param {number} share
 * @returns {Point}
 */
function between([x, y], [u, v], share) {
  return [x + share * (u - x), y + share * (v - y)];
}

/**
 * @param {Point} from
 * @param {Point} to
 * @param {number} i
 */
function wireOf(from, to, i) {
  const length = Math.hypot(to[0] - from[0], to[1] - from[1]);
  const [across, down] = [(to[0] - from[0]) / length, (to[1] - from[1]) / length];
  const base = [to[0] - 7 * across, to[1] - 7 * down];
  const corners = [to, ...[-3.6, 3.6].map((side) => [base[0] + side * down, base[1] - side * across])];
  const group = drawn("g", { "data-wire": i });
  group.append(
    drawn("path", { d: `M${said(from)}L${said(base)}`, class: "mgp-wire-s" }),
    drawn("polygon", { points: corners.map(said).join(" "), class: "mgp-wire-f" }),
  );
  return group;
}

/** @param {number[]} point */
function said(point) {
  return point.map((x) => x.toFixed(1)).join(",");
}

/**
 * @param {Part} part
 * @param {Point} place
 * @param {number} width
 * @param {number} i
 */
function boxOf({ name, kind, symbol, role }, [x, y], width, i) {
  const group = drawn("g", { "data-box": i, transform: `translate(${said([x, y])})` });
  const radius = kind === "constant" ? HIGH / 2 : kind === "leaf" ? 8 : 14;
  group.append(drawn("rect", {
    x: -width / 2, y: -HIGH / 2, width, height: HIGH, rx: radius,
    class: `mgp-${role || "gate"}-f mgp-edge-s`,
  }));
  const chip = CHIP * symbol.length + 14;
  const left = symbol ? -(NAME * name.length + 6 + chip) / 2 : 0;
  if (symbol) {
    const middle = -left - chip / 2;
    group.append(
      drawn("rect", {
        x: middle - chip / 2, y: -10, width: chip, height: 20, rx: 10, class: "mgp-chip-f",
      }),
      written(symbol, middle, { y: 4.2, "font-size": 12, class: "mgp-onchip-f" }),
    );
  }
  const at = symbol ? left + (NAME * name.length) / 2 : 0;
  group.append(written(name, at, { y: 4.8, "font-size": 14, class: "mgp-ink-f" }));
  return group;
}

/**
 * @param {string} text
 * @param {number} x
 * @param {Record<string, string | number>} attributes
 */
function written(text, x, attributes) {
  const made = drawn("text", { x, "font-weight": 600, ...attributes });
  made.textContent = text;
  return made;
}
