/*
 * Numbers in print, letter for letter as Python's side writes them into a picture.
 *
 * Both round the exact number, but Python takes the even neighbour of two that are as near, and
 * JavaScript the larger one.
 */

/** How many digits of a number count where nothing else was asked for, and its longest text. */
const DIGITS = 5;
const LONGEST = 9;

/**
 * A number as it stands everywhere in a picture: with `digits` digits after the point, or by
 * itself (null) with five that count.
 *
 * @param {number} x
 * @param {number | null} digits
 * @returns {string}
 */
export function formatted(x, digits = null) {
  return digits === null ? number(x, DIGITS, LONGEST) : rounded(x, digits);
}

/**
 * A number with at most `digits` digits that count, a true minus sign and a short exponent: −0.25,
 * 1e6, 2.5e−7. A zero has no sign. There are fewer digits where it would otherwise be longer than
 * `longest` characters.
 *
 * @param {number} x
 * @param {number} digits
 * @param {number} longest
 * @returns {string}
 */
export function number(x, digits = 6, longest = Infinity) {
  const sign = x < 0 ? "−" : "";
  const size = Math.abs(x);
  if (x !== x || size === Infinity) {
    return x !== x ? "nan" : `${sign}inf`;
  }
  const count = Math.max(digits, 1);
  const text = sign + (size === 0 ? "0" : general(size, count));
  return text.length > longest && count > 1 ? number(x, count - 1, longest) : text;
}

/**
 * A number with `digits` digits after the point, without zeros at its end; one that is small or
 * very large with as many that count.
 *
 * @param {number} x
 * @param {number} digits
 * @returns {string}
 */
export function rounded(x, digits) {
  const size = Math.abs(x);
  if (!(0.1 <= size && size < 1e6)) {
    return number(x, Math.max(digits, 1));
  }
  const text = withoutZeros(fixed(size, digits));
  return x < 0 && text !== "0" ? `−${text}` : text;
}

/**
 * A positive number with so many digits that count, with an exponent where it is below 0.0001 or
 * has more digits before its point.
 *
 * @param {number} x
 * @param {number} count
 * @returns {string}
 */
function general(x, count) {
  const [mantissa, written] = scientific(x, count).split("e");
  const exponent = Number(written);
  if (exponent < -4 || exponent >= count) {
    return `${withoutZeros(mantissa)}e${exponent}`.replace("-", "−");
  }
  const digits = mantissa.replace(".", "");
  if (exponent < 0) {
    return withoutZeros(`0.${"0".repeat(-exponent - 1)}${digits}`);
  }
  return withoutZeros(`${digits.slice(0, exponent + 1)}.${digits.slice(exponent + 1)}`);
}

/**
 * A positive number with an exponent and so many digits, rounded to even.
 *
 * @param {number} x
 * @param {number} count
 * @returns {string}
 */
function scientific(x, count) {
  const [mantissa, exponent] = x.toExponential(count).split("e");
  if (isAboveEven(mantissa) && withoutZeros(x.toExponential(100).split("e")[0]) === mantissa) {
    return `${mantissa.slice(0, -1)}e${exponent}`;
  }
  return x.toExponential(count - 1);
}

/**
 * A positive number below a million with so many digits after the point, rounded to even.
 *
 * @param {number} x
 * @param {number} digits
 * @returns {string}
 */
function fixed(x, digits) {
  const longer = x.toFixed(digits + 1);
  if (isAboveEven(longer) && withoutZeros(x.toFixed(100)) === longer) {
    return longer.slice(0, -1);
  }
  return x.toFixed(digits);
}

/**
 * Whether a text ends in a 5 after an even digit, as one does that lies between two shorter ones,
 * of which the smaller is even.
 *
 * @param {string} text
 * @returns {boolean}
 */
function isAboveEven(text) {
  return /[02468]\.?5$/.test(text);
}

/**
 * @param {string} text
 * @returns {string}
 */
function withoutZeros(text) {
  return text.includes(".") ? text.replace(/\.?0*$/, "") : text;
}
