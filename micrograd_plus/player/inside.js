/*
 * Inside a network at one point: both passes unit by unit, as sums of contributions, in words.
 *
 * The derivatives come out of the sweep of a training that has this point alone and takes no step;
 * a contribution is one product of its numbers.
 */
import { formatted } from "./numbers.js";
import { create } from "./training.js";

/**
 * Numbers of both passes at a point, layer by layer: total inputs, outputs, and the derivatives of
 * the loss in them.
 *
 * @typedef {object} At
 * @property {number} loss
 * @property {number[][]} totals
 * @property {number[][]} units
 * @property {(number | null)[][]} totalGradients null where no weight tells it
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
 * A training for one point at a time, which moves no weight.
 *
 * @param {any} setup
 * @param {{ x: number[], y: number }} point
 * @param {any} rows
 * @param {BufferSource | null} module
 */
export function probe(setup, { x, y }, rows, module) {
  const still = {
    ...setup, optimizer: { name: "SGD", learning_rate: 0 }, schedule: null, batch: 0,
    penalty: null, dropout: [],
  };
  return create(still, { train: { x: [x], y: [y] } }, rows, module);
}

/**
 * Both passes at a point with these weights.
 *
 * @param {Training} training a probe
 * @param {Float64Array} weights
 * @param {{ x: number[], y: number }} point
 * @param {string[]} activations
 * @returns {{ layers: LayerNumbers[], at: At }}
 */
export function lookedAt(training, weights, { x, y }, activations) {
  training.weights = weights.slice();
  training.setData({ train: { x: [x], y: [y] } });
  const { loss } = training.step();
  const { layout, gradients } = training;
  const units = training.units([x]).map((outputs) => Array.from(outputs));
  const sources = [x, ...units];
  const sums = layout.map((place, k) => Array.from({ length: place.units }, (_, unit) => (
    totalsOf(place, unit, weights, sources[k])
  )));
  const pieces = sums.map((layer) => layer.map((totals) => totals.indexOf(Math.max(...totals))));
  const totalGradients = layout.map((place, k) => pieces[k].map((piece, unit) => (
    derivative(place, firstOf(place, unit, piece), gradients, sources[k])
  )));
  const totals = sums.map((layer, k) => layer.map((each, unit) => each[pieces[k][unit]]));
  return {
    layers: layersOf(layout, weights, activations, pieces),
    at: { loss, totals, units, totalGradients },
  };
}

/**
 * The total input of a unit, or of each of its pieces.
 *
 * @param {Place} place
 * @param {number} unit
 * @param {ArrayLike<number>} weights
 * @param {number[]} source
 */
function totalsOf(place, unit, weights, source) {
  const width = place.inputs + Number(place.biases >= 0);
  return Array.from({ length: place.stride / width }, (_, piece) => {
    const from = firstOf(place, unit, piece);
    const bias = place.biases < 0 ? 0 : weights[from + place.inputs];
    return source.reduce((sum, x, i) => sum + weights[from + i] * x, bias);
  });
}

/**
 * The derivative of the loss in a total input is that in its bias; without one, that in a weight
 * by what the weight multiplies.
 *
 * @param {Place} place
 * @param {number} from
 * @param {ArrayLike<number>} gradients
 * @param {number[]} source
 */
function derivative(place, from, gradients, source) {
  if (place.biases >= 0) {
    return gradients[from + place.inputs];
  }
  const sizes = source.map(Math.abs);
  const largest = sizes.indexOf(Math.max(...sizes));
  return source[largest] === 0 ? null : gradients[from + largest] / source[largest];
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
  const ofTotal = at.totalGradients[k][unit];
  const before = k === 0 ? x : at.units[k - 1];
  const { activation } = layers[k];
  const lines = [];
  /** @type {Term[]} */
  let terms = [];
  if (k < count - 1) {
    terms = layers[k + 1].weights.map((weights, above) => {
      const number = at.totalGradients[k + 1][above] ?? NaN;
      return {
        name: nameOf(k + 1, above, count), weight: weights[unit], number,
        product: weights[unit] * number,
      };
    });
    const total = say(terms.reduce((sum, { product }) => sum + product, 0));
    const summed = terms.length > 1
      ? `${listedSum(terms.map(({ product }) => inSum(product)))} = ` : "";
    lines.push(`∂loss/∂${name} = ${summed}${total}: a contribution for each unit above it.`);
  }
  const through = k < count - 1 ? `Through ${activation}` : `Through the loss and ${activation}`;
  lines.push(`${through}: ∂loss/∂(total input of ${name}) = ${say(ofTotal)}.`);
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
