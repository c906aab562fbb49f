/*
 * Points to learn from: the classic sets, drawn with a seed of the page's own, and tables that are
 * pasted.
 */

/** @typedef {{ x: number[][], y: number[] }} Points the class of a point is a whole number from 0 */

export const MOST_ROWS = 10000;
export const MOST_COLUMNS = 16;
export const MOST_CLASSES = 6;

const TURN = 2 * Math.PI;

/**
 * Numbers from 0 to below 1, evenly spread (Mulberry32, by Tommy Ettinger).
 *
 * @param {number} seed
 * @returns {() => number}
 */
export function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/**
 * Numbers of the normal distribution (Box and Muller 1958).
 *
 * @param {() => number} draw
 * @returns {() => number}
 */
export function normal(draw) {
  return () => Math.sqrt(-2 * Math.log(1 - draw())) * Math.cos(TURN * draw());
}

/**
 * Where a point of a class lies before noise is added.
 *
 * @typedef {(share: number, label: number, draw: () => number) => [number, number]} Shape
 */

/** @type {Record<string, Shape>} */
export const SETS = {
  moons: (share, label) => {
    const angle = Math.PI * share;
    return label === 0
      ? [Math.cos(angle) - 0.5, Math.sin(angle) - 0.25]
      : [0.5 - Math.cos(angle), 0.25 - Math.sin(angle)];
  },
  circles: (share, label) => {
    const radius = label === 0 ? 1.2 : 0.5;
    return [radius * Math.cos(TURN * share), radius * Math.sin(TURN * share)];
  },
  blobs: (share, label, draw) => {
    const gauss = normal(draw);
    const centre = label === 0 ? -0.8 : 0.8;
    return [centre + 0.25 * gauss(), centre + 0.25 * gauss()];
  },
  xor: (share, label, draw) => {
    const x = 0.15 + draw();
    const y = 0.15 + draw();
    const side = draw() < 0.5 ? -1 : 1;
    return [side * x, side * (label === 0 ? y : -y)];
  },
  spiral: (share, label) => {
    const radius = 0.1 + 1.3 * share;
    const angle = 1.6 * TURN * share + Math.PI * label;
    return [radius * Math.cos(angle), radius * Math.sin(angle)];
  },
};

/**
 * A classic set: as many points of one class as of the other, each moved by noise.
 *
 * @param {string} name
 * @param {number} count
 * @param {number} noise the standard deviation
 * @param {number} seed
 * @returns {Points}
 */
export function made(name, count, noise, seed) {
  const draw = random(seed);
  const gauss = normal(draw);
  const each = Math.ceil(count / 2);
  /** @type {Points} */
  const points = { x: [], y: [] };
  for (let k = 0; k < count; k += 1) {
    const label = k % 2;
    const share = each > 1 ? Math.floor(k / 2) / (each - 1) : 0.5;
    const [x, y] = SETS[name](share, label, draw);
    points.x.push([x + noise * gauss(), y + noise * gauss()]);
    points.y.push(label);
  }
  return points;
}

/**
 * Which points are held out of training: a share of them, drawn with a seed, and at least one is
 * left to learn from.
 *
 * @param {number} count
 * @param {number} share
 * @param {number} seed
 * @returns {{ train: number[], test: number[] }}
 */
export function divided(count, share, seed) {
  const draw = random(seed + 0x5eed);
  const order = Array.from({ length: count }, (_, k) => k);
  for (let k = count - 1; k > 0; k -= 1) {
    const other = Math.floor(draw() * (k + 1));
    [order[k], order[other]] = [order[other], order[k]];
  }
  const held = Math.min(Math.round(share * count), Math.max(count - 1, 0));
  const ascending = (/** @type {number} */ a, /** @type {number} */ b) => a - b;
  return { train: order.slice(held).sort(ascending), test: order.slice(0, held).sort(ascending) };
}

/**
 * How many classes there are: at least two.
 *
 * @param {number[]} y
 */
export function classesOf(y) {
  return y.reduce((most, label) => Math.max(most, label + 1), 2);
}

/**
 * The lowest and highest number of each column, with room around them.
 *
 * @param {number[][]} x
 * @param {number} inputs
 * @returns {[number, number][]}
 */
export function limits(x, inputs) {
  return Array.from({ length: inputs }, (_, k) => {
    let [low, high] = [Infinity, -Infinity];
    x.forEach((point) => {
      low = Math.min(low, point[k]);
      high = Math.max(high, point[k]);
    });
    if (!(low <= high)) {
      return [-1.5, 1.5];
    }
    const room = 0.15 * (high - low) || Math.max(1, 0.15 * Math.abs(high));
    return [low - room, high + room];
  });
}

/**
 * The two inputs of a plane to look at: those that vary most, or the first two.
 *
 * @param {number[][]} x
 * @param {number} inputs
 * @returns {[number, number]}
 */
export function widest(x, inputs) {
  const spread = Array.from({ length: inputs }, (_, k) => {
    const mean = x.reduce((sum, point) => sum + point[k], 0) / x.length;
    return x.reduce((sum, point) => sum + (point[k] - mean) ** 2, 0);
  });
  const order = spread.map((_, k) => k).sort((a, b) => spread[b] - spread[a]);
  const [across, up] = inputs > 2 ? order.slice(0, 2).sort((a, b) => a - b) : [0, 1];
  return [across, Math.min(up, inputs - 1)];
}

/** A text that is no table of points, and where. */
export class TableError extends Error {}

/**
 * A table that was pasted: a point a line, its inputs and then its class, which is a whole number
 * from 0. Between numbers stand tabs, commas, semicolons or blanks. A first line of words alone is
 * a heading.
 *
 * @param {string} text
 * @returns {Points}
 */
export function table(text) {
  /** @type {Points} */
  const points = { x: [], y: [] };
  let columns = 0;
  let isFirst = true;
  text.split(/\r\n|\n|\r/).forEach((line, k) => {
    const cells = cellsOf(line);
    if (cells.length === 0) {
      return;
    }
    if (isFirst && cells.every((cell) => !isNumber(cell))) {
      isFirst = false;
      return;
    }
    isFirst = false;
    columns ||= cells.length;
    const numbers = cells.map((cell, column) => numberIn(cell, k + 1, column + 1));
    requireWidth(numbers.length, columns, k + 1);
    const label = numbers[columns - 1];
    requireClass(label, k + 1, columns);
    points.x.push(numbers.slice(0, -1));
    points.y.push(label);
    if (points.y.length > MOST_ROWS) {
      throw new TableError(`Line ${k + 1}: a table has at most ${MOST_ROWS} points.`);
    }
  });
  if (points.y.length === 0) {
    throw new TableError("There is no line of numbers: each line is x, y, class.");
  }
  return points;
}

/** @param {string} line */
function cellsOf(line) {
  const trimmed = line.trim();
  if (trimmed === "") {
    return [];
  }
  const separator = /[\t;,]/.exec(trimmed)?.[0];
  const cells = separator ? trimmed.split(separator) : trimmed.split(/\s+/);
  return cells.map((cell) => cell.trim());
}

/** @param {string} cell */
function isNumber(cell) {
  return cell.length <= 40 && /^[-+−]?(\d+\.?\d*|\.\d+)(e[-+]?\d{1,3})?$/i.test(cell);
}

/**
 * @param {string} cell
 * @param {number} line
 * @param {number} column
 */
function numberIn(cell, line, column) {
  const x = isNumber(cell) ? Number(cell.replace("−", "-")) : NaN;
  if (!Number.isFinite(x)) {
    const shown = cell.length > 20 ? `${cell.slice(0, 20)}…` : cell;
    throw new TableError(`Line ${line}, column ${column}: “${shown}” is no number.`);
  }
  return x;
}

/**
 * @param {number} width
 * @param {number} columns
 * @param {number} line
 */
function requireWidth(width, columns, line) {
  if (width !== columns) {
    const where = Math.min(width, columns) + 1;
    throw new TableError(
      `Line ${line}, column ${where}: this line has ${width} numbers, the first one ${columns}.`,
    );
  }
  if (columns < 2 || columns > MOST_COLUMNS) {
    const where = columns < 2 ? 2 : MOST_COLUMNS + 1;
    throw new TableError(
      `Line ${line}, column ${where}: a line has 2 to ${MOST_COLUMNS} numbers, the class last.`,
    );
  }
}

/**
 * @param {number} label
 * @param {number} line
 * @param {number} column
 */
function requireClass(label, line, column) {
  if (!Number.isInteger(label) || label < 0 || label >= MOST_CLASSES) {
    throw new TableError(
      `Line ${line}, column ${column}: a class is 0, 1, … or ${MOST_CLASSES - 1}, not ${label}.`,
    );
  }
}
