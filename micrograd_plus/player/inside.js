/*
 * Inside a network at one point: both passes unit by unit, as sums of contributions, in words.
 *
 * The numbers are those of the training's own sweeps; a contribution is one product of them.
 */
import { formatted } from "./numbers.js";

/**
 * Numbers of both passes at a point, layer by layer: total inputs, outputs, and the derivatives of
 * the loss in them.
 *
 * @typedef {object} At
 * @property {number} loss
 * @property {number[][]} totals
 * @property {number[][]} units
 * @property {(number | null)[][]} totalGradients null where no gradient reaches
 * @property {(number | null)[][]} unitGradients
 *
 * @typedef {import("./training.js").Training} Training
 * @typedef {{ layer: number, inputs: number, units: number, weights: number, biases: number,
 *   stride: number }} Place
 * @typedef {{ name: string, weight: number, number: number, product: number }} Term
 * @typedef {{ pass: "given" | "forward" | "loss" | "backward", layer: number, unit: number,
 *   lines: string[], terms: Term[], heads: string[] }} Frame
 * @typedef {{ inputs: number, units: number, activation: string,
 *   weights: number[][], biases: (number | null)[] }} LayerNumbers
 */

const DIGITS = "₀₁₂₃₄₅₆₇₈₉";

/** @param {number} k */
export function subscript(k) {
  return String(k).replace(/\d/g, (digit) => DIGITS[Number(digit)]);
}

/**
 * What a unit is called; layer -1 has the inputs.
 *
 * @param {number} layer
 * @param {number} unit
 * @param {number} layers
 */
export function nameOf(layer, unit, layers) {
  if (layer < 0) {
    return `x${subscript(unit + 1)}`;
  }
  if (layer === layers - 1) {
    return `y${subscript(unit + 1)}`;
  }
  return `h${subscript(layer + 1)},${subscript(unit + 1)}`;
}

/** @param {number | null} x */
export function say(x) {
  return x === null ? "·" : formatted(x);
}

/** @param {number} x */
function inSum(x) {
  return x < 0 ? `(${formatted(x)})` : formatted(x);
}

/**
 * The weights of each layer, unit by unit; of a unit of maxout those of one piece.
 *
 * @param {Place[]} layout
 * @param {ArrayLike<number>} parameters
 * @param {string[]} activations
 * @param {number[][]} [pieces] which one, the first if none are given
 * @returns {LayerNumbers[]}
 */
export function layersOf(layout, parameters, activations, pieces) {
  return layout.map((place, k) => {
    const units = Array.from({ length: place.units }, (_, unit) => unit);
    const from = units.map((unit) => firstOf(place, unit, pieces?.[k][unit] ?? 0));
    const { inputs, biases } = place;
    return {
      inputs, units: place.units, activation: activations[k],
      weights: from.map((at) => Array.from({ length: inputs }, (_, i) => parameters[at + i])),
      biases: from.map((at) => (biases < 0 ? null : parameters[at + inputs])),
    };
  });
}

/**
 * Where the weights of a piece of a unit begin.
 *
 * @param {Place} place
 * @param {number} unit
 * @param {number} piece
 */
function firstOf({ inputs, weights, biases, stride }, unit, piece) {
  return weights + unit * stride + piece * (inputs + Number(biases >= 0));
}

/**
 * The numbers of both passes at a point; of a unit of maxout those of the piece that it gives.
 *
 * @param {Training} training
 * @param {{ x: number[], y: number }} point
 * @param {string[]} activations
 * @returns {{ layers: LayerNumbers[], at: At }}
 */
export function seenAt(training, { x, y }, activations) {
  const { layout, weights } = training;
  const { loss, units, unitGradients, totals, totalGradients } = training.at(x, y);
  const pieces = layout.map((place, k) => {
    const count = totals[k].length / place.units;
    return Array.from({ length: place.units }, (_, unit) => {
      const each = totals[k].slice(unit * count, (unit + 1) * count);
      return each.indexOf(Math.max(...each));
    });
  });
  const given = (/** @type {any[][]} */ numbers) => numbers.map((layer, k) => {
    const count = layer.length / layout[k].units;
    return pieces[k].map((piece, unit) => layer[unit * count + piece]);
  });
  return {
    layers: layersOf(layout, weights, activations, pieces),
    at: {
      loss, units, unitGradients, totals: given(totals), totalGradients: given(totalGradients),
    },
  };
}

/**
 * Both passes at a point, a frame for each unit, from the first layer to the loss and back.
 *
 * @param {LayerNumbers[]} layers
 * @param {number[]} x
 * @param {number} target
 * @param {string} loss
 * @param {At} at
 * @returns {Frame[]}
 */
export function passes(layers, x, target, loss, at) {
  const count = layers.length;
  const inputs = x.map((number, k) => `${nameOf(-1, k, count)} = ${say(number)}`);
  /** @type {Frame[]} */
  const frames = [{
    pass: "given", layer: -1, unit: 0, terms: [], heads: [],
    lines: [`The point has ${listed(inputs)}; its target is ${say(target)}.`],
  }];
  layers.forEach((layer, k) => {
    for (let unit = 0; unit < layer.units; unit += 1) {
      frames.push(forward(layers, k, unit, x, at));
    }
  });
  const outputs = at.units[count - 1].map((y, k) => `${nameOf(count - 1, k, count)} = ${say(y)}`);
  frames.push({
    pass: "loss", layer: count - 1, unit: 0, terms: [], heads: [],
    lines: [
      `${loss} of ${listed(outputs)} and the target ${say(target)} is ${say(at.loss)}.`,
    ],
  });
  for (let k = count - 1; k >= 0; k -= 1) {
    for (let unit = 0; unit < layers[k].units; unit += 1) {
      frames.push(backward(layers, k, unit, x, at));
    }
  }
  return frames;
}

/** @param {string[]} texts */
function listed(texts) {
  return texts.length > 8 ? `${texts.slice(0, 8).join(", ")}, …` : texts.join(", ");
}

/**
 * @param {LayerNumbers[]} layers
 * @param {number} k
 * @param {number} unit
 * @param {number[]} x
 * @param {At} at
 * @returns {Frame}
 */
function forward(layers, k, unit, x, at) {
  const { weights, biases, activation } = layers[k];
  const count = layers.length;
  const before = k === 0 ? x : at.units[k - 1];
  const terms = before.map((number, i) => ({
    name: nameOf(k - 1, i, count), weight: weights[unit][i], number,
    product: weights[unit][i] * number,
  }));
  const bias = biases[unit];
  const products = terms.map(({ product }) => inSum(product));
  const summed = listedSum([...(bias === null ? [] : [inSum(bias)]), ...products]);
  const name = nameOf(k, unit, count);
  const [total, output] = [at.totals[k][unit], at.units[k][unit]];
  const start = bias === null ? "total input" : "total input, from the bias on";
  return {
    pass: "forward", layer: k, unit, terms, heads: ["from", "weight", "output", "contribution"],
    lines: [
      `${name}, ${start}: ${summed} = ${say(total)}.`,
      `${name} = ${activation}(${say(total)}) = ${say(output)}.`,
    ],
  };
}

/** @param {string[]} texts */
function listedSum(texts) {
  return texts.length > 8 ? `${texts.slice(0, 8).join(" + ")} + …` : texts.join(" + ");
}

/**
 * @param {LayerNumbers[]} layers
 * @param {number} k
 * @param {number} unit
 * @param {number[]} x
 * @param {At} at
 * @returns {Frame}
 */
function backward(layers, k, unit, x, at) {
  const count = layers.length;
  const name = nameOf(k, unit, count);
  const [ofUnit, ofTotal] = [at.unitGradients[k][unit], at.totalGradients[k][unit]];
  const before = k === 0 ? x : at.units[k - 1];
  const { activation } = layers[k];
  const lines = [];
  /** @type {Term[]} */
  let terms = [];
  if (k === count - 1) {
    lines.push(ofUnit === null
      ? `The loss takes the total input of ${name} as it is.` : `∂loss/∂${name} = ${say(ofUnit)}.`);
  } else if (ofUnit === null) {
    lines.push(`No gradient reaches ${name}.`);
  } else {
    terms = layers[k + 1].weights.map((weights, above) => {
      const number = at.totalGradients[k + 1][above] ?? 0;
      return {
        name: nameOf(k + 1, above, count), weight: weights[unit], number,
        product: weights[unit] * number,
      };
    });
    const summed = terms.length > 1
      ? `${listedSum(terms.map(({ product }) => inSum(product)))} = ` : "";
    lines.push(`∂loss/∂${name} = ${summed}${say(ofUnit)}: a contribution for each unit above it.`);
  }
  if (ofTotal === null) {
    lines.push(`Through ${activation} no gradient passes.`);
  } else {
    const through = ofUnit === null ? "So" : `Through ${activation}:`;
    lines.push(`${through} ∂loss/∂(total input of ${name}) = ${say(ofTotal)}.`);
  }
  if (ofTotal !== null) {
    const shares = before.map((number) => `${inSum(number)} × ${inSum(ofTotal)}`);
    const found = before.map((number) => say(number * ofTotal));
    const few = before.length <= 4;
    lines.push(`Its weights have the gradients ${few
      ? before.map((_, i) => `${shares[i]} = ${found[i]}`).join(", ")
      : listed(found)}.`);
  }
  return {
    pass: "backward", layer: k, unit, terms, lines,
    heads: ["from", "weight", "∂loss/∂total", "contribution"],
  };
}
