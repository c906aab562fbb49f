/*
 * What the numbers of a network are called.
 */
const DIGITS = "₀₁₂₃₄₅₆₇₈₉";

/**
 * Numbers below a letter: h₁,₂.
 *
 * @param {...number} numbers
 */
export function below(...numbers) {
  return numbers.join(",").replace(/\d/g, (digit) => DIGITS[Number(digit)]);
}

/**
 * What a unit gives; layer -1 has the inputs.
 *
 * @param {number} layer
 * @param {number} unit
 * @param {number} layers
 */
export function nameOf(layer, unit, layers) {
  if (layer < 0) {
    return `x${below(unit + 1)}`;
  }
  return layer === layers - 1 ? `y${below(unit + 1)}` : `h${below(layer + 1, unit + 1)}`;
}

/**
 * Its total input, or that of one of its pieces.
 *
 * @param {number} layer
 * @param {number} unit
 * @param {number} layers
 * @param {number[]} piece none, or one
 */
export function totalName(layer, unit, layers, ...piece) {
  const places = layer === layers - 1 ? [unit + 1] : [layer + 1, unit + 1];
  return `z${below(...places, ...piece)}`;
}
