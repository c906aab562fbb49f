/*
 * What a playground paints: decision regions, points, responses of units, curves of losses and
 * sizes of gradients, each into a canvas.
 */
import { formatted } from "./numbers.js";

/**
 * @typedef {[number, number, number]} Color
 * @typedef {[number, number]} Limits
 * @typedef {object} Colors
 * @property {Color} paper
 * @property {Color} ink
 * @property {Color} muted
 * @property {Color} edge
 * @property {Color} plus
 * @property {Color} minus
 * @property {Color[]} classes
 *
 * @typedef {object} Field a square of so many places a side, from its lowest left
 * @property {number} side
 * @property {ArrayLike<number>} values
 * @property {number} width how many numbers there are at each place
 */

/**
 * The colours of an element's theme.
 *
 * @param {Element} element
 * @returns {Colors}
 */
export function colorsOf(element) {
  const style = getComputedStyle(element);
  const one = (/** @type {string} */ name) => colorFrom(style.getPropertyValue(`--${name}`));
  return {
    paper: one("paper"), ink: one("ink"), muted: one("muted"), edge: one("edge"),
    plus: one("plus"), minus: one("minus"),
    classes: Array.from({ length: 10 }, (_, k) => one(`class-${k}`)),
  };
}

/**
 * @param {string} text as #rrggbb
 * @returns {Color}
 */
function colorFrom(text) {
  const number = Number.parseInt(text.trim().slice(1), 16);
  return [(number >> 16) & 255, (number >> 8) & 255, number & 255];
}

/** @param {Color} color */
export function css([red, green, blue]) {
  return `rgb(${red},${green},${blue})`;
}

/**
 * A canvas as large as it stands on screen, cleared; the size is in pixels of CSS.
 *
 * @param {HTMLCanvasElement} canvas
 */
export function sheet(canvas) {
  const scale = Math.min(globalThis.devicePixelRatio || 1, 2);
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  const [wide, high] = [Math.round(width * scale), Math.round(height * scale)];
  if (canvas.width !== wide || canvas.height !== high) {
    canvas.width = wide;
    canvas.height = high;
  }
  const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  pen.setTransform(scale, 0, 0, scale, 0, 0);
  pen.clearRect(0, 0, width, height);
  return { pen, width, height };
}

/** A canvas of one pixel a place, which is painted enlarged. */
export class Raster {
  /** @param {number} side */
  constructor(side) {
    this.side = side;
    this.canvas = document.createElement("canvas");
    this.canvas.width = side;
    this.canvas.height = side;
    this.pen = /** @type {CanvasRenderingContext2D} */ (this.canvas.getContext("2d"));
    this.image = this.pen.createImageData(side, side);
  }

  /**
   * Paint each place, the lowest row last.
   *
   * @param {(place: number, pixels: Uint8ClampedArray, at: number) => void} paint
   */
  fill(paint) {
    const { side, image } = this;
    for (let row = 0; row < side; row += 1) {
      for (let column = 0; column < side; column += 1) {
        paint(row * side + column, image.data, 4 * ((side - 1 - row) * side + column));
      }
    }
    this.pen.putImageData(image, 0, 0);
  }

  /** @param {HTMLCanvasElement} canvas */
  onto(canvas) {
    const { pen, width, height } = sheet(canvas);
    pen.imageSmoothingEnabled = true;
    pen.drawImage(this.canvas, 0, 0, width, height);
    return { pen, width, height };
  }
}

/**
 * @param {Uint8ClampedArray} pixels
 * @param {number} at
 * @param {Color} paper
 * @param {Color} color
 * @param {number} share
 */
function mix(pixels, at, paper, color, share) {
  pixels[at] = paper[0] + (color[0] - paper[0]) * share;
  pixels[at + 1] = paper[1] + (color[1] - paper[1]) * share;
  pixels[at + 2] = paper[2] + (color[2] - paper[2]) * share;
  pixels[at + 3] = 255;
}

const STRONGEST = 0.62;

/**
 * The regions of two classes by one score, or of several by the highest: the surer, the stronger.
 *
 * @param {Raster} raster
 * @param {Field} field
 * @param {number} boundary
 * @param {Colors} colors
 */
export function paintRegions(raster, field, boundary, colors) {
  const { values, width } = field;
  const steep = boundary === 0 ? 1 : 4;
  raster.fill((place, pixels, at) => {
    const [label, lead] = width === 1
      ? [Number(values[place] > boundary), Math.abs(values[place] - boundary) * steep]
      : leader(values, place * width, width);
    const share = Number.isNaN(lead) ? 0 : 0.12 + (STRONGEST - 0.12) * Math.tanh(lead);
    mix(pixels, at, colors.paper, colors.classes[label % 10], share);
  });
}

/**
 * The class with the highest score, and by how much it leads.
 *
 * @param {ArrayLike<number>} values
 * @param {number} from
 * @param {number} width
 * @returns {[number, number]}
 */
export function leader(values, from, width) {
  let [best, first, second] = [0, -Infinity, -Infinity];
  for (let k = 0; k < width; k += 1) {
    const x = values[from + k];
    if (x > first) {
      [best, second, first] = [k, first, x];
    } else if (x > second) {
      second = x;
    }
  }
  return [best, first - second];
}

/**
 * Between which numbers the units with these activations move: the middle, and how far from it.
 *
 * @type {Record<string, [number, number]>}
 */
const REACHES = { sigmoid: [0.5, 0.5], threshold: [0.5, 0.5], tanh: [0, 1], hard_tanh: [0, 1] };

/**
 * What a unit gives at each place: blue above its middle, orange below, as strong as it is far from
 * there. Without a reach of its own the middle is 0, and the strongest colour is the largest.
 *
 * @param {Raster} raster
 * @param {Field} field
 * @param {number} unit
 * @param {string} activation
 * @param {Colors} colors
 */
export function paintUnit(raster, field, unit, activation, colors) {
  const { values, width, side } = field;
  const [middle, reach] = REACHES[activation] ?? [0, 0];
  let largest = reach;
  for (let place = 0; place < side * side; place += 1) {
    largest = Math.max(largest, Math.abs(values[place * width + unit] - middle));
  }
  largest ||= 1;
  raster.fill((place, pixels, at) => {
    const x = values[place * width + unit] - middle;
    const share = Number.isFinite(x) ? Math.min(Math.abs(x) / largest, 1) : 0;
    mix(pixels, at, colors.paper, x > 0 ? colors.plus : colors.minus, 0.8 * share);
  });
}

/**
 * The line on which a field has a level, cell by cell.
 *
 * @param {CanvasRenderingContext2D} pen
 * @param {Field} field of one number at each place
 * @param {number} level
 * @param {number} size of the square on screen
 */
export function contour(pen, field, level, size) {
  const { side, values } = field;
  const step = size / side;
  const at = (/** @type {number} */ column, /** @type {number} */ row) => (
    values[row * side + column] - level
  );
  pen.beginPath();
  for (let row = 0; row + 1 < side; row += 1) {
    for (let column = 0; column + 1 < side; column += 1) {
      const corners = [
        [column, row], [column + 1, row], [column + 1, row + 1], [column, row + 1],
      ];
      /** @type {number[][]} */
      const crossed = [];
      corners.forEach(([x, y], k) => {
        const [u, v] = corners[(k + 1) % 4];
        const [here, there] = [at(x, y), at(u, v)];
        if (here > 0 !== there > 0) {
          const share = here / (here - there);
          crossed.push([x + share * (u - x) + 0.5, y + share * (v - y) + 0.5]);
        }
      });
      for (let k = 0; k + 1 < crossed.length; k += 2) {
        pen.moveTo(crossed[k][0] * step, size - crossed[k][1] * step);
        pen.lineTo(crossed[k + 1][0] * step, size - crossed[k + 1][1] * step);
      }
    }
  }
  pen.stroke();
}

/**
 * Where a point is on screen.
 *
 * @param {number[]} point
 * @param {[number, number]} axes
 * @param {Limits[]} limits
 * @param {number} size
 * @returns {[number, number]}
 */
function onScreen(point, axes, limits, size) {
  const [low, high] = limits[axes[0]];
  const [below, above] = limits[axes[1]];
  return [
    (size * (point[axes[0]] - low)) / (high - low),
    size - (size * (point[axes[1]] - below)) / (above - below),
  ];
}

/**
 * The points: those held out are rings.
 *
 * @param {CanvasRenderingContext2D} pen
 * @param {{ x: number[][], y: number[] }} points
 * @param {Set<number>} held
 * @param {number} chosen
 * @param {{ axes: [number, number], limits: Limits[], size: number }} view
 * @param {Colors} colors
 */
export function paintPoints(pen, points, held, chosen, { axes, limits, size }, colors) {
  const radius = points.y.length > 500 ? 2.2 : 3.6;
  const circle = (/** @type {number} */ x, /** @type {number} */ y, /** @type {number} */ r) => {
    pen.beginPath();
    pen.arc(x, y, r, 0, 2 * Math.PI);
  };
  points.x.forEach((point, k) => {
    const [x, y] = onScreen(point, axes, limits, size);
    const color = css(colors.classes[points.y[k] % 10]);
    circle(x, y, radius);
    pen.fillStyle = held.has(k) ? css(colors.paper) : color;
    pen.fill();
    pen.strokeStyle = held.has(k) ? color : css(colors.paper);
    pen.lineWidth = held.has(k) ? 1.8 : 1;
    pen.stroke();
  });
  if (chosen >= 0 && chosen < points.y.length) {
    const [x, y] = onScreen(points.x[chosen], axes, limits, size);
    circle(x, y, radius + 4);
    pen.strokeStyle = css(colors.ink);
    pen.lineWidth = 2;
    pen.stroke();
  }
}

const LEFT = 46;
const BELOW = 18;

/**
 * Curves over time: one for training, one for test.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {{ values: number[], color: Color, dashes: number[] }[]} curves
 * @param {number} every how many epochs lie between two values
 * @param {boolean} isLog
 * @param {Colors} colors
 */
export function paintCurves(canvas, curves, every, isLog, colors) {
  const { pen, width, height } = sheet(canvas);
  const usable = (/** @type {number} */ x) => Number.isFinite(x) && (!isLog || x > 0);
  let [low, high, most] = [Infinity, -Infinity, 2];
  curves.forEach(({ values }) => {
    most = Math.max(most, values.length);
    values.forEach((x) => {
      if (usable(x)) {
        low = Math.min(low, x);
        high = Math.max(high, x);
      }
    });
  });
  if (!(low <= high)) {
    return;
  }
  low = isLog ? Math.max(low, high * 1e-12) : Math.min(low, 0);
  high = high > low ? high : low + 1;
  const level = (/** @type {number} */ x) => (isLog ? Math.log10(x) : x);
  const top = level(high);
  const bottom = level(low);
  const right = width - 6;
  const xAt = (/** @type {number} */ k) => LEFT + ((right - LEFT) * k) / (most - 1);
  const yAt = (/** @type {number} */ x) => (
    6 + ((height - 6 - BELOW) * (top - level(x))) / (top - bottom || 1)
  );
  axis(pen, [low, high], yAt, (most - 1) * every, { width, height }, colors);
  curves.forEach(({ values, color, dashes }) => {
    const step = Math.max(1, Math.floor(values.length / (2 * width)));
    pen.beginPath();
    pen.strokeStyle = css(color);
    pen.lineWidth = 2;
    pen.setLineDash(dashes);
    let isDrawing = false;
    for (let k = 0; k < values.length; k += step) {
      if (!usable(values[k])) {
        isDrawing = false;
      } else if (isDrawing) {
        pen.lineTo(xAt(k), yAt(values[k]));
      } else {
        pen.moveTo(xAt(k), yAt(values[k]));
        isDrawing = true;
      }
    }
    pen.stroke();
  });
  pen.setLineDash([]);
}

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {[number, number]} ends
 * @param {(x: number) => number} yAt
 * @param {number} last epoch
 * @param {{ width: number, height: number }} size
 * @param {Colors} colors
 */
function axis(pen, [low, high], yAt, last, { width, height }, colors) {
  pen.strokeStyle = css(colors.edge);
  pen.lineWidth = 1;
  pen.beginPath();
  pen.moveTo(LEFT, 4);
  pen.lineTo(LEFT, height - BELOW);
  pen.lineTo(width - 6, height - BELOW);
  pen.stroke();
  pen.fillStyle = css(colors.muted);
  pen.font = "11px system-ui, sans-serif";
  pen.textAlign = "right";
  pen.textBaseline = "middle";
  pen.fillText(formatted(Number(high.toPrecision(3))), LEFT - 5, yAt(high) + 5);
  pen.fillText(formatted(Number(low.toPrecision(3))), LEFT - 5, yAt(low) - 3);
  pen.textBaseline = "alphabetic";
  pen.fillText(last.toLocaleString("en"), width - 6, height - 4);
  pen.textAlign = "left";
  pen.fillText("0", LEFT, height - 4);
}

const SMALLEST_SIZE = -10;
const LARGEST_SIZE = 2;

/**
 * How long a bar of a size is, from 1e-10 to 100 by factors.
 *
 * @param {number} size
 */
export function barOf(size) {
  const share = (Math.log10(size) - SMALLEST_SIZE) / (LARGEST_SIZE - SMALLEST_SIZE);
  return Math.max(0, Math.min(1, share || 0));
}
