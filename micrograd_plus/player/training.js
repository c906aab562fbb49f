/*
 * Training in a page: what fit does, for a network of networks.js.
 *
 * Sums, steps of the optimisers and penalties are in the order of Python's, so that from Python's
 * weights a full batch gives the losses of `fit`. What is drawn by chance, which is weights, the
 * order of batches and the masks of dropout, is the page's own, from a seed.
 */
import { assembled, parametersIn, penaltyOf } from "./networks.js";
import { CHUNK, interpreter } from "./tapes.js";

/** @typedef {import("./networks.js").Rows} NetworkRows */
/** @typedef {import("./networks.js").Plan} Plan */
/** @typedef {import("./networks.js").Place} Place */
/** @typedef {import("./tapes.js").Runner} Runner */

/**
 * What a setting of an optimiser or schedule is, and where it lies.
 *
 * @typedef {object} Setting
 * @property {any} default null where it must be given
 * @property {string} is "number", "numbers" or "choice"
 * @property {any[]} [choices]
 * @property {number | null} [whole] the least that a whole number may be
 * @property {boolean} [above_zero]
 * @property {boolean} [below_one]
 */

/**
 * What rows.py gives.
 *
 * @typedef {NetworkRows & {
 *   optimizers: Record<string, Record<string, Setting>>,
 *   schedules: Record<string, Record<string, Setting>>,
 *   initialisations: string[],
 * }} Rows
 */

/** @typedef {{ x: number[][], y: (number | number[])[] }} Examples */
/** @typedef {{ train: Examples, test?: Examples | null }} Data */

/**
 * @typedef {object} Setup
 * @property {number} inputs
 * @property {{ units: number, activation: string, pieces?: number }[]} layers
 * @property {boolean} [bias]
 * @property {string} loss
 * @property {string} [task]
 * @property {Record<string, any>} optimizer its name, and settings; `rate` is its learning_rate
 * @property {Record<string, any> | null} [schedule] its name, and settings; `initial` is the rate
 * @property {number} [batch] 0 for all examples at once
 * @property {{ kind: string, amount: number } | null} [penalty]
 * @property {number[]} [dropout] for each layer the probability to leave out a unit
 * @property {string} [initialisation]
 * @property {any[] | null} [classes]
 * @property {number} [seed]
 * @property {number[] | null} [weights] in the order of parameters() in Python
 */

/** Examples as one point after the other, the inputs and then the targets of each.
 *
 * @typedef {{ points: Float64Array, count: number, width: number }} Points
 */

/**
 * What runs the programs of a network.
 *
 * @typedef {object} Runners
 * @property {Runner} training
 * @property {Runner} loss
 * @property {Runner} outputs
 * @property {Runner} units
 * @property {Runner | null} penalty
 */

const MOST = { inputs: 256, layers: 12, units: 512, parameters: 20_000, examples: 20_000 };
const MODEL_FILE = { format: "micrograd_plus model", version: 1 };

/**
 * The names that there are.
 *
 * @param {Rows} rows
 */
export function namesIn(rows) {
  return {
    activations: [...Object.keys(rows.activations), "maxout"],
    outputs: [...Object.keys(rows.activations), "softmax"],
    losses: Object.keys(rows.losses),
    penalties: Object.keys(rows.penalties),
    optimizers: Object.keys(rows.optimizers),
    schedules: Object.keys(rows.schedules),
    initialisations: rows.initialisations,
  };
}

/**
 * Make a training; throws an Error, saying what is wrong, for a setup or data that cannot be.
 *
 * @param {any} setup
 * @param {any} data
 * @param {Rows} rows
 * @param {BufferSource | null} module the bytes of interpreter.wasm, or null for JavaScript
 * @returns {Promise<Training>}
 */
export async function create(setup, data, rows, module) {
  const checked = checkedSetup(setup, rows);
  const network = assembled(rows, checked.plan);
  if (!network.learns.some(Boolean)) {
    throw new Error(
      "nothing can be learned: no gradient reaches any weight, for what comes after them has " +
        "none, as a threshold; the perceptron's rule is the loss perceptron on a linear output",
    );
  }
  const machine = await interpreter(module);
  const { kind, amount } = checked.penalty;
  const penalty = amount ? await machine.load(penaltyOf(rows, kind, network.parameters)) : null;
  const runners = {
    training: await machine.load(network.training),
    loss: await machine.load(network.loss),
    outputs: await machine.load(network.outputs),
    units: await machine.load(network.units),
    penalty,
  };
  const training = new Training(checked, network, runners, machine.language === "WebAssembly");
  training.setData(data);
  return training;
}

/** A network that learns. */
export class Training {
  /**
   * @param {ReturnType<typeof checkedSetup>} setup
   * @param {import("./networks.js").Network} network
   * @param {Runners} runners
   * @param {boolean} usesWasm
   */
  constructor(setup, network, runners, usesWasm) {
    this.setup = setup;
    this.network = network;
    this.runners = runners;
    this.usesWasm = usesWasm;
    this.layout = network.layout;
    /* of each layer, whether any gradient can reach it */
    this.learns = network.learns;
    /** @type {Points} */
    this.train = { points: new Float64Array(), count: 0, width: 0 };
    /** @type {Points | null} */
    this.test = null;
    this.seed = setup.seed;
    this.random = new Random(setup.seed);
    this.optimizer = new Optimizer(setup.optimizer, setup.schedule, network.parameters);
    this.weights = new Float64Array(network.parameters);
    this.gradients = new Float64Array(network.parameters);
    this.steps = 0;
    this.epochs = 0;
    /** @type {number[]} */
    this.losses = [];
    /** @type {number[]} */
    this.testLosses = [];
    /* the epoch, counted from 0, whose test loss is the lowest so far, and its weights */
    /** @type {{ epoch: number, loss: number, weights: Float64Array } | null} */
    this.best = null;
    /* of the epoch that goes on: the order of its examples, the next of them, and the loss */
    /** @type {Int32Array | null} */
    this.order = null;
    this.next = 0;
    this.total = 0;
    this.reset();
  }

  /**
   * Begin anew: from the weights of the setup, or with a seed from weights that are drawn.
   *
   * @param {number} [seed]
   */
  reset(seed) {
    const { setup, network } = this;
    this.seed = seed === undefined ? setup.seed : wholeNumber(seed, "the seed", 0, 2 ** 32 - 1);
    this.random = new Random(this.seed);
    this.optimizer = new Optimizer(setup.optimizer, setup.schedule, network.parameters);
    this.weights =
      setup.weights && seed === undefined
        ? Float64Array.from(setup.weights)
        : drawnWeights(network.layout, setup.plan.bias, setup.initialisation, this.random);
    this.gradients = new Float64Array(network.parameters);
    this.steps = 0;
    this.epochs = 0;
    this.losses = [];
    this.testLosses = [];
    this.best = null;
    this.beginEpoch();
  }

  beginEpoch() {
    this.order = null;
    this.next = 0;
    this.total = 0;
  }

  /**
   * Learn from other examples from now on.
   *
   * @param {any} data
   */
  setData(data) {
    const train = checkedExamples(data?.train, "the training data", this.shape);
    const hasTest = data.test && !(Array.isArray(data.test.x) && data.test.x.length === 0);
    const test = hasTest ? checkedExamples(data.test, "the test data", this.shape) : null;
    this.train = train;
    this.test = test;
    this.best = null;
    this.beginEpoch();
  }

  /** What examples must be. */
  get shape() {
    const { plan, takes } = this.setup;
    const { units } = plan.layers[plan.layers.length - 1];
    const { targets } = this.network;
    return { inputs: plan.inputs, targets, takes, loss: plan.loss, units };
  }

  /**
   * So many steps of the optimiser; gives the loss of the last batch, from before its step, with
   * the penalty. Throws an Error, and updates nothing, where a number would not be finite.
   *
   * @param {number} [n]
   * @returns {{ loss: number }}
   */
  step(n = 1) {
    let loss = NaN;
    for (let i = 0; i < n; i += 1) {
      loss = this.stepOnce();
    }
    return { loss };
  }

  /**
   * Steps up to the end of the epoch; gives its mean loss.
   *
   * @returns {{ loss: number }}
   */
  epoch() {
    const before = this.epochs;
    while (this.epochs === before) {
      this.stepOnce();
    }
    return { loss: this.losses[this.losses.length - 1] };
  }

  /** @returns {number} */
  stepOnce() {
    const { count } = this.train;
    const size = Math.min(this.setup.batch || count, count);
    if (this.next === 0 && size < count) {
      this.order = this.random.permutation(count);
    }
    const end = Math.min(this.next + size, count);
    const batch = this.order
      ? taken(this.train, this.order.subarray(this.next, end))
      : this.train.points;
    const { loss, gradient } = this.lossAndGradient(batch, end - this.next);
    this.weights = this.optimizer.update(this.weights, gradient);
    this.gradients = gradient;
    this.steps += 1;
    this.total += loss * (end - this.next);
    this.next = end;
    if (end === count) {
      this.endEpoch();
    }
    return loss;
  }

  endEpoch() {
    this.losses.push(this.total / this.train.count);
    let told = this.losses[this.losses.length - 1];
    if (this.test) {
      told = this.meanLoss(this.test, this.weights);
      this.testLosses.push(told);
      if (!this.best || told < this.best.loss) {
        this.best = { epoch: this.epochs, loss: told, weights: this.weights };
      }
    }
    this.optimizer.observe(told);
    this.epochs += 1;
    this.beginEpoch();
  }

  /**
   * @param {Float64Array} points
   * @param {number} count
   * @returns {{ loss: number, gradient: Float64Array }}
   */
  lossAndGradient(points, count) {
    const found = this.summed(points, count);
    for (let i = 0; i < found.length; i += 1) {
      found[i] /= count;
    }
    if (this.runners.penalty) {
      const more = this.runners.penalty.values([this.setup.penalty.amount], this.weights);
      for (let i = 0; i < found.length; i += 1) {
        found[i] += more[i];
      }
    }
    return { loss: found[0], gradient: found.subarray(1) };
  }

  /**
   * The sums of the loss and of its derivatives over points; with dropout each has masks of its
   * own, which there is no need to hold for all points at once.
   *
   * @param {Float64Array} points
   * @param {number} count
   * @returns {Float64Array}
   */
  summed(points, count) {
    const { training } = this.runners;
    if (!this.network.masks) {
      return training.sum(points, this.weights);
    }
    const width = points.length / count;
    const total = new Float64Array(1 + this.network.parameters);
    for (let start = 0; start < count; start += CHUNK) {
      const end = Math.min(start + CHUNK, count);
      const some = this.thinned(points.subarray(start * width, end * width), end - start);
      training.sum(some, this.weights).forEach((x, i) => {
        total[i] += x;
      });
    }
    return total;
  }

  /**
   * Points with new masks of dropout between inputs and targets.
   *
   * @param {Float64Array} points
   * @param {number} count
   * @returns {Float64Array}
   */
  thinned(points, count) {
    const { plan, dropout } = this.setup;
    const { masks, targets } = this.network;
    const [width, wider] = [plan.inputs + targets, plan.inputs + masks + targets];
    const found = new Float64Array(count * wider);
    for (let point = 0; point < count; point += 1) {
      const begin = point * width;
      let at = point * wider;
      found.set(points.subarray(begin, begin + plan.inputs), at);
      at += plan.inputs;
      for (let layer = 0; layer < plan.layers.length; layer += 1) {
        const units = plan.masked[layer] ? plan.layers[layer].units : 0;
        for (let unit = 0; unit < units; unit += 1) {
          found[at] = this.random.next() >= dropout[layer] ? 1 / (1 - dropout[layer]) : 0;
          at += 1;
        }
      }
      found.set(points.subarray(begin + plan.inputs, begin + width), at);
    }
    return found;
  }

  /**
   * The mean loss without the penalty and without dropout, examples added from first to last.
   *
   * @param {Points} examples
   * @param {ArrayLike<number>} weights
   * @returns {number}
   */
  meanLoss({ points, count }, weights) {
    const losses = this.runners.loss.values(points, weights);
    return losses.reduce((sum, loss) => sum + loss) / count;
  }

  /**
   * What training makes small, at any weights: the mean loss over the training data without
   * dropout, and the penalty.
   *
   * @param {ArrayLike<number>} weights
   * @returns {number}
   */
  lossAt(weights) {
    const { penalty, loss } = this.runners;
    const mean = loss.sum(this.train.points, weights)[0] / this.train.count;
    return penalty ? mean + penalty.values([this.setup.penalty.amount], weights)[0] : mean;
  }

  /**
   * The outputs of the last layer for each point, one point after the other.
   *
   * @param {number[][] | Float64Array} points which may stand one after the other, too
   * @returns {Float64Array}
   */
  outputs(points) {
    return this.runners.outputs.values(flat(points), this.weights);
  }

  /**
   * For each layer what its units give, one point after the other.
   *
   * @param {number[][] | Float64Array} points
   * @returns {Float64Array[]}
   */
  units(points) {
    const all = this.runners.units.values(flat(points), this.weights);
    const width = this.layout.reduce((sum, { units }) => sum + units, 0);
    const count = all.length / width;
    let first = 0;
    return this.layout.map(({ units }) => {
      const found = new Float64Array(count * units);
      for (let point = 0; point < count; point += 1) {
        const at = point * width + first;
        found.set(all.subarray(at, at + units), point * units);
      }
      first += units;
      return found;
    });
  }

  /** Go back to the weights with the lowest test loss so far, as early stopping does. */
  restoreBest() {
    if (this.best) {
      this.weights = this.best.weights;
    }
  }

  /** The rate of the next step. */
  get rate() {
    return this.optimizer.rate;
  }

  /**
   * The weights as a model file, which nn.load reads in Python.
   *
   * @returns {string}
   */
  toModelFile() {
    return modelFile(this.setup, this.layout, this.weights);
  }

  /**
   * The model with its weights, as Python.
   *
   * @returns {string}
   */
  toPython() {
    return pythonText(this.setup, this.weights);
  }
}

/**
 * @param {number[][] | Float64Array} points
 * @returns {Float64Array}
 */
function flat(points) {
  return points instanceof Float64Array ? points : Float64Array.from(points.flat());
}

/**
 * The points in these places.
 *
 * @param {Points} examples
 * @param {Int32Array} places
 * @returns {Float64Array}
 */
function taken({ points, width }, places) {
  const found = new Float64Array(places.length * width);
  places.forEach((place, i) => {
    found.set(points.subarray(place * width, (place + 1) * width), i * width);
  });
  return found;
}

/* What is drawn by chance. */

/** A generator of random numbers: sfc32 of Chris Doty-Humphrey, whose state the seed fixes. */
export class Random {
  /** @param {number} seed */
  constructor(seed) {
    this.state = Uint32Array.of(0x9e3779b9, 0x243f6a88, seed, 1);
    for (let i = 0; i < 15; i += 1) {
      this.bits();
    }
  }

  /** @returns {number} 32 random bits */
  bits() {
    const s = this.state;
    const found = (s[0] + s[1] + s[3]) >>> 0;
    s[3] += 1;
    s[0] = s[1] ^ (s[1] >>> 9);
    s[1] = s[2] + (s[2] << 3);
    s[2] = ((s[2] << 21) | (s[2] >>> 11)) + found;
    return found;
  }

  /** @returns {number} from 0 to less than 1, of 53 bits */
  next() {
    const high = this.bits() >>> 5;
    const low = this.bits() >>> 6;
    return (high * 2 ** 26 + low) / 2 ** 53;
  }

  /**
   * @param {number} a
   * @param {number} b
   * @returns {number}
   */
  uniform(a, b) {
    return a + (b - a) * this.next();
  }

  /**
   * From the normal distribution, by the polar form of Box and Muller.
   *
   * @param {number} sigma
   * @returns {number}
   */
  gauss(sigma) {
    const radius = Math.sqrt(-2 * Math.log(1 - this.next()));
    return sigma * radius * Math.cos(2 * Math.PI * this.next());
  }

  /**
   * @param {number} count
   * @returns {Int32Array}
   */
  permutation(count) {
    const order = Int32Array.from({ length: count }, (_, i) => i);
    for (let i = count - 1; i > 0; i -= 1) {
      const j = Math.floor(this.next() * (i + 1));
      [order[i], order[j]] = [order[j], order[i]];
    }
    return order;
  }
}

/**
 * From the numbers of inputs and of units in a layer: one weight, as nn.INITIALISATIONS has it.
 *
 * @type {Record<string, (inputs: number, units: number, random: Random) => number>}
 */
const INITIALISATIONS = {
  uniform: (_inputs, _units, random) => random.uniform(-1, 1),
  he: (inputs, _units, random) => random.gauss(Math.sqrt(2 / inputs)),
  xavier: (inputs, units, random) => {
    const reach = Math.sqrt(6 / (inputs + units));
    return random.uniform(-reach, reach);
  },
  zero: () => 0,
};

/**
 * Weights for all layers; biases are 0.
 *
 * @param {Place[]} layout
 * @param {boolean} bias
 * @param {string} initialisation
 * @param {Random} random
 * @returns {Float64Array}
 */
function drawnWeights(layout, bias, initialisation, random) {
  const draw = INITIALISATIONS[initialisation];
  const last = layout[layout.length - 1];
  const found = new Float64Array(last.weights + last.units * last.stride);
  for (const { inputs, units, weights, stride } of layout) {
    for (let i = 0; i < units * stride; i += 1) {
      const isBias = bias && i % (inputs + 1) === inputs;
      found[weights + i] = isBias ? 0 : draw(inputs, units, random);
    }
  }
  return found;
}

/* Optimisers and schedules: the rules of micrograd_plus.optim, operation by operation. */

/** From a gradient to new weights. */
class Optimizer {
  /**
   * @param {Record<string, any>} settings
   * @param {Record<string, any> | null} schedule
   * @param {number} parameters
   */
  constructor(settings, schedule, parameters) {
    this.settings = settings;
    this.schedule = schedule;
    this.updates = 0;
    this.seen = { lowest: Infinity, waited: 0, cuts: 0 };
    /** @type {Record<string, Float64Array>} */
    this.memory = {};
    const first = settings.name === "AdaGrad" ? settings.initial_accumulator : 0;
    for (const name of MEMORIES[settings.name]) {
      this.memory[name] = new Float64Array(parameters).fill(name === "squares" ? first : 0);
    }
  }

  /** @returns {number} */
  get rate() {
    if (!this.schedule) {
      return this.settings.learning_rate;
    }
    const rate = SCHEDULES[this.schedule.name](this.schedule, this.updates, this.seen.cuts);
    if (!(rate >= 0 && rate < Infinity)) {
      throw new Error(`the schedule ${this.schedule.name} gives the rate ${rate}`);
    }
    return rate;
  }

  /**
   * The weights after a step, in a new array; the old ones stay. Throws an Error, and remembers
   * nothing, where a number would not be finite.
   *
   * @param {Float64Array} weights
   * @param {Float64Array} gradient
   * @returns {Float64Array}
   */
  update(weights, gradient) {
    const rate = this.rate;
    const { found, memory } = RULES[this.settings.name](
      weights,
      gradient,
      rate,
      this.memory,
      this.settings,
      this.updates + 1,
    );
    if (![found, ...Object.values(memory)].every(areFinite)) {
      refuse({ gradient, weight: found, ...memory }, rate);
    }
    this.memory = memory;
    this.updates += 1;
    return found;
  }

  /**
   * Be told the loss of an epoch, by which OnPlateau goes.
   *
   * @param {number} loss
   */
  observe(loss) {
    if (this.schedule?.name !== "OnPlateau") {
      return;
    }
    const { lowest, waited, cuts } = this.seen;
    const { threshold, patience } = this.schedule;
    const enough = lowest === Infinity ? lowest : lowest - threshold * Math.abs(lowest);
    if (loss < enough) {
      this.seen = { lowest: loss, waited: 0, cuts };
    } else if (waited < patience) {
      this.seen = { lowest, waited: waited + 1, cuts };
    } else {
      this.seen = { lowest, waited: 0, cuts: cuts + 1 };
    }
  }
}

/**
 * @param {Float64Array} numbers
 * @returns {boolean}
 */
function areFinite(numbers) {
  for (let i = 0; i < numbers.length; i += 1) {
    if (!Number.isFinite(numbers[i])) {
      return false;
    }
  }
  return true;
}

/**
 * Throw an Error that names the first number that is not finite.
 *
 * @param {Record<string, Float64Array>} found
 * @param {number} rate
 */
function refuse(found, rate) {
  for (const [name, numbers] of Object.entries(found)) {
    const at = numbers.findIndex((x) => !Number.isFinite(x));
    if (at >= 0) {
      const of = name === "weight" ? `weight ${at}` : `the ${name} of weight ${at}`;
      throw new Error(
        `${of} would be ${numbers[at]}: nothing was updated; try a learning rate below ${rate}`,
      );
    }
  }
}

/** @type {Record<string, (s: Record<string, any>, updates: number, cuts: number) => number>} */
const SCHEDULES = {
  StepDecay: ({ initial, factor, every }, updates) =>
    initial * factor ** Math.floor(updates / every),
  InverseTimeDecay: ({ initial, decay }, updates) => initial / (1 + decay * updates),
  CosineDecay: ({ initial, final, updates: all }, updates) => {
    const height = 0.5 * (1 + Math.cos(Math.PI * Math.min(updates / all, 1)));
    return final + (initial - final) * height;
  },
  OnPlateau: ({ initial, final, factor }, _updates, cuts) =>
    Math.max(final, initial * factor ** cuts),
};

/** What each remembers of earlier gradients. */
/** @type {Record<string, string[]>} */
const MEMORIES = {
  SGD: ["velocity"],
  AdaGrad: ["squares"],
  RMSProp: ["squares", "mean", "velocity"],
  Adam: ["mean", "squares", "largest"],
  AdamW: ["mean", "squares", "largest"],
};

/**
 * @typedef {(
 *   w: Float64Array,
 *   g: Float64Array,
 *   rate: number,
 *   memory: Record<string, Float64Array>,
 *   settings: Record<string, any>,
 *   t: number,
 * ) => { found: Float64Array, memory: Record<string, Float64Array> }} Rule
 */

/** @type {Record<string, Rule>} */
const RULES = { SGD: sgd, AdaGrad: adaGrad, RMSProp: rmsProp, Adam: adam, AdamW: adam };

/** @type {Rule} */
function sgd(w, g, rate, memory, { momentum, nesterov, form, weight_decay }) {
  const found = new Float64Array(w.length);
  const velocity = momentum ? new Float64Array(w.length) : memory.velocity;
  const isAverage = form === "average";
  const share = isAverage ? 1 - momentum : -rate;
  for (let i = 0; i < w.length; i += 1) {
    let newest = isAverage ? g[i] : decayed(g[i], w[i], weight_decay);
    if (form !== "sum") {
      newest = share * newest;
    }
    let v = newest;
    if (momentum) {
      v = momentum * memory.velocity[i] + newest;
      velocity[i] = v;
    }
    if (nesterov) {
      v = momentum * v + newest;
    }
    if (form === "step") {
      found[i] = w[i] + v;
    } else {
      found[i] = w[i] - rate * (isAverage ? decayed(v, w[i], weight_decay) : v);
    }
  }
  return { found, memory: { velocity } };
}

/** @type {Rule} */
function adaGrad(w, g, rate, memory, { epsilon, weight_decay }) {
  const [found, squares] = [new Float64Array(w.length), new Float64Array(w.length)];
  for (let i = 0; i < w.length; i += 1) {
    const slope = decayed(g[i], w[i], weight_decay);
    squares[i] = memory.squares[i] + slope * slope;
    found[i] = w[i] - rate * (slope / (Math.sqrt(squares[i]) + epsilon));
  }
  return { found, memory: { squares } };
}

/** @type {Rule} */
function rmsProp(w, g, rate, memory, settings) {
  const { smoothing, epsilon, momentum, centered, weight_decay } = settings;
  const [found, squares] = [new Float64Array(w.length), new Float64Array(w.length)];
  const [mean, velocity] = [new Float64Array(w.length), new Float64Array(w.length)];
  for (let i = 0; i < w.length; i += 1) {
    const slope = decayed(g[i], w[i], weight_decay);
    squares[i] = average(memory.squares[i], smoothing, slope * slope);
    let spread = squares[i];
    if (centered) {
      mean[i] = average(memory.mean[i], smoothing, slope);
      spread = Math.max(squares[i] - mean[i] * mean[i], 0);
    }
    let v = slope / (Math.sqrt(spread) + epsilon);
    if (momentum) {
      v = momentum * memory.velocity[i] + v;
      velocity[i] = v;
    }
    found[i] = w[i] - rate * v;
  }
  return { found, memory: { squares, mean, velocity } };
}

/** @type {Rule} */
function adam(w, g, rate, memory, settings, t) {
  const { name, betas, epsilon, amsgrad, weight_decay } = settings;
  const [beta1, beta2] = betas;
  const isApart = name === "AdamW";
  const kept = 1 - rate * weight_decay;
  const [found, mean] = [new Float64Array(w.length), new Float64Array(w.length)];
  const [squares, largest] = [new Float64Array(w.length), new Float64Array(w.length)];
  const scale = Math.sqrt(1 - beta2 ** t);
  const size = rate / (1 - beta1 ** t);
  for (let i = 0; i < w.length; i += 1) {
    const before = isApart ? w[i] * kept : w[i];
    const slope = isApart ? g[i] : decayed(g[i], w[i], weight_decay);
    mean[i] = average(memory.mean[i], beta1, slope);
    squares[i] = average(memory.squares[i], beta2, slope * slope);
    let spread = squares[i];
    if (amsgrad) {
      spread = Math.max(memory.largest[i], squares[i]);
      largest[i] = spread;
    }
    const root = Math.sqrt(spread) / scale + epsilon;
    found[i] = before - size * (mean[i] / root);
  }
  return { found, memory: { mean, squares, largest } };
}

/**
 * @param {number} g
 * @param {number} w
 * @param {number} decay
 * @returns {number}
 */
function decayed(g, w, decay) {
  return decay ? g + decay * w : g;
}

/**
 * @param {number} before
 * @param {number} share
 * @param {number} newest
 * @returns {number}
 */
function average(before, share, newest) {
  return share * before + (1 - share) * newest;
}

/* What is given. */

/**
 * @param {any} x
 * @param {string} what
 * @param {number} least
 * @param {number} most
 * @returns {number}
 */
function wholeNumber(x, what, least, most) {
  if (!Number.isInteger(x) || x < least || x > most) {
    throw new Error(`${what} is a whole number from ${least} to ${most}, not ${shown(x)}`);
  }
  return x;
}

/**
 * @param {any} x
 * @param {string} what
 * @param {number} least
 * @param {number} below what it is less than
 * @returns {number}
 */
function real(x, what, least, below) {
  if (typeof x !== "number" || !(x >= least && x < below)) {
    const end = below < Infinity ? `less than ${below}` : "any finite number";
    throw new Error(`${what} is a number from ${least} to ${end}, not ${shown(x)}`);
  }
  return x;
}

/**
 * @param {any} name
 * @param {string} what
 * @param {readonly any[]} known
 * @returns {any}
 */
function oneOf(name, what, known) {
  if (!known.includes(name)) {
    throw new Error(`there is no ${what} ${shown(name)}: there are ${known.join(", ")}`);
  }
  return name;
}

/**
 * A thing that a stranger gave, in short.
 *
 * @param {any} x
 * @returns {string}
 */
function shown(x) {
  const text = typeof x === "string" ? JSON.stringify(x) : Array.isArray(x) ? "a list" : String(x);
  return text.length > 40 ? `${text.slice(0, 39)}…` : text;
}

/**
 * @param {any} x
 * @param {string} what
 * @param {number} least
 * @param {number} most
 * @returns {any[]}
 */
function list(x, what, least, most) {
  if (!Array.isArray(x) || x.length < least || x.length > most) {
    const given = Array.isArray(x) ? `${x.length}` : shown(x);
    throw new Error(`${what} are a list of ${least} to ${most}, not ${given}`);
  }
  return x;
}

/**
 * @param {any} x
 * @param {string} what
 * @returns {Record<string, any>}
 */
function object(x, what) {
  if (typeof x !== "object" || x === null || Array.isArray(x)) {
    throw new Error(`${what} is an object with names, not ${shown(x)}`);
  }
  return x;
}

/**
 * The setup, complete; throws an Error for what is missing, of another kind or out of range.
 *
 * @param {any} given
 * @param {Rows} rows
 */
function checkedSetup(given, rows) {
  const setup = object(given, "a setup");
  const layers = list(setup.layers, "layers", 1, MOST.layers).map((layer, i) =>
    checkedLayer(layer, i, i === setup.layers.length - 1, rows),
  );
  const dropout = setup.dropout === undefined ? [] : list(setup.dropout, "dropout", 0, MOST.layers);
  const shares = layers.map((_, i) => real(dropout[i] ?? 0, `dropout of layer ${i}`, 0, 1));
  if (dropout.length > layers.length || shares[layers.length - 1] > 0) {
    throw new Error("dropout leaves out units of hidden layers, not of the last one");
  }
  const plan = {
    inputs: wholeNumber(setup.inputs, "inputs", 1, MOST.inputs),
    layers,
    bias: oneOf(setup.bias ?? true, "choice of a bias", [true, false]),
    loss: oneOf(setup.loss, "loss", Object.keys(rows.losses)),
    masked: shares.map((share) => share > 0),
  };
  const count = parametersIn(plan);
  const parameters = wholeNumber(count, "the number of parameters", 1, MOST.parameters);
  const optimizer = checkedSettings(withRate(setup.optimizer), "optimizer", rows.optimizers);
  const { schedule, penalty } = setup;
  return {
    plan,
    takes: rows.losses[plan.loss].takes,
    optimizer,
    schedule: schedule ? checkedSchedule(schedule, optimizer, rows) : null,
    batch: wholeNumber(setup.batch ?? 0, "batch", 0, MOST.examples),
    penalty: penalty ? checkedPenalty(penalty, rows) : { kind: "l2", amount: 0 },
    dropout: shares,
    initialisation: oneOf(
      setup.initialisation ?? "uniform",
      "initialisation",
      rows.initialisations.filter((name) => name in INITIALISATIONS),
    ),
    classes: checkedClasses(setup.classes, layers[layers.length - 1]),
    seed: wholeNumber(setup.seed ?? 1, "the seed", 0, 2 ** 32 - 1),
    weights: setup.weights ? checkedWeights(setup.weights, parameters) : null,
  };
}

/**
 * @param {any} given
 * @param {number} i
 * @param {boolean} isLast
 * @param {Rows} rows
 */
function checkedLayer(given, i, isLast, rows) {
  const layer = object(given, `layer ${i}`);
  const names = namesIn(rows);
  const activation = oneOf(
    layer.activation,
    `activation for layer ${i}`,
    isLast ? names.outputs : names.activations,
  );
  const units = wholeNumber(layer.units, `the number of units of layer ${i}`, 1, MOST.units);
  if (activation !== "maxout") {
    return { units, activation };
  }
  const pieces = wholeNumber(layer.pieces ?? 2, `pieces of layer ${i}`, 2, 16);
  return { units, activation, pieces };
}

/**
 * An optimiser with the name that a page has for its rate.
 *
 * @param {any} given
 * @returns {any}
 */
function withRate(given) {
  if (given && typeof given === "object" && "rate" in given) {
    const { rate, ...others } = given;
    return { ...others, learning_rate: rate };
  }
  return given;
}

/**
 * @param {any} given
 * @param {Record<string, any>} optimizer
 * @param {Rows} rows
 */
function checkedSchedule(given, optimizer, rows) {
  const schedule = object(given, "a schedule");
  const complete = { initial: optimizer.learning_rate, ...schedule };
  const checked = checkedSettings(complete, "schedule", rows.schedules);
  if (checked.name === "OnPlateau" && checked.factor >= 1) {
    throw new Error(`the factor of OnPlateau makes the rate smaller, and is below 1`);
  }
  return checked;
}

/**
 * The settings of an optimiser or schedule, with those that it has if none are given.
 *
 * @param {any} given
 * @param {string} what
 * @param {Record<string, Record<string, Setting>>} known
 * @returns {Record<string, any>}
 */
function checkedSettings(given, what, known) {
  const settings = object(given, `${what === "optimizer" ? "an" : "a"} ${what}`);
  const name = oneOf(settings.name, what, Object.keys(known));
  for (const key of Object.keys(settings)) {
    oneOf(key, `setting of ${name}`, ["name", ...Object.keys(known[name])]);
  }
  /** @type {Record<string, any>} */
  const found = { name };
  for (const [key, setting] of Object.entries(known[name])) {
    found[key] = checkedSetting(settings[key] ?? setting.default, setting, `${key} of ${name}`);
  }
  if (found.nesterov && !found.momentum) {
    throw new Error("Nesterov's look ahead needs a momentum above 0");
  }
  return found;
}

/**
 * @param {any} given
 * @param {Setting} setting
 * @param {string} what
 * @returns {any}
 */
function checkedSetting(given, setting, what) {
  if (setting.is === "choice") {
    return oneOf(given, `choice of ${what}`, setting.choices ?? []);
  }
  if (setting.is === "numbers") {
    const count = setting.default.length;
    return list(given, what, count, count).map((x) => real(x, what, 0, 1));
  }
  if (typeof setting.whole === "number") {
    return wholeNumber(given, what, setting.whole, 1e9);
  }
  const found = real(given, what, 0, setting.below_one ? 1 : Infinity);
  if (setting.above_zero && found === 0) {
    throw new Error(`${what} is above 0`);
  }
  return found;
}

/**
 * @param {any} given
 * @param {Rows} rows
 */
function checkedPenalty(given, rows) {
  const { kind, amount } = object(given, "a penalty");
  return {
    kind: oneOf(kind, "penalty", Object.keys(rows.penalties)),
    amount: real(amount, "the amount of a penalty", 0, Infinity),
  };
}

/**
 * The classes that outputs stand for, as an MLP has them if none are given.
 *
 * @param {any} given
 * @param {{ units: number, activation: string }} last
 * @returns {(number | string | boolean)[] | null}
 */
function checkedClasses(given, { units, activation }) {
  if (given) {
    const classes = list(given, "classes", 2, MOST.units);
    if (classes.some((c) => !["number", "string", "boolean"].includes(typeof c))) {
      throw new Error("classes are numbers or texts");
    }
    return classes;
  }
  if (activation === "softmax") {
    return Array.from({ length: units }, (_, i) => i);
  }
  return ["sigmoid", "threshold"].includes(activation) && units === 1 ? [0, 1] : null;
}

/**
 * @param {any} given
 * @param {number} count
 * @returns {Float64Array}
 */
function checkedWeights(given, count) {
  const weights = Array.isArray(given) || given instanceof Float64Array ? given : [];
  if (weights.length !== count) {
    throw new Error(`this network has ${count} weights, not ${weights.length}`);
  }
  const found = Float64Array.from(weights, (x) => (typeof x === "number" ? x : NaN));
  const wrong = found.findIndex((x) => !Number.isFinite(x));
  if (wrong >= 0) {
    throw new Error(`weight ${wrong} is a finite number, not ${shown(weights[wrong])}`);
  }
  return found;
}

/**
 * Examples as points; throws an Error for the first number that cannot be.
 *
 * @param {any} given
 * @param {string} what
 * @param {{ inputs: number, targets: number, takes: string, loss: string, units: number }} shape
 * @returns {Points}
 */
function checkedExamples(given, what, shape) {
  const { inputs, targets } = shape;
  const x = list(object(given, what).x, `the inputs of ${what}`, 1, MOST.examples);
  const y = list(given.y, `the targets of ${what}`, 1, MOST.examples);
  if (x.length !== y.length) {
    throw new Error(`${what} has ${x.length} examples and ${y.length} targets`);
  }
  const width = inputs + targets;
  const points = new Float64Array(x.length * width);
  for (let i = 0; i < x.length; i += 1) {
    const wanted = targets === 1 && typeof y[i] === "number" ? [y[i]] : y[i];
    const which = `example ${i} of ${what}`;
    points.set(finite(x[i], `the inputs of ${which}`, inputs), i * width);
    points.set(finite(wanted, `the targets of ${which}`, targets), i * width + inputs);
    for (let k = 0; k < targets; k += 1) {
      requireTarget(points[i * width + inputs + k], which, shape);
    }
  }
  return { points, count: x.length, width };
}

/**
 * @param {any} given
 * @param {string} what
 * @param {number} count
 * @returns {number[]}
 */
function finite(given, what, count) {
  const numbers = list(given, what, count, count);
  if (!numbers.every(Number.isFinite)) {
    throw new Error(`${what} are finite numbers`);
  }
  return numbers;
}

/**
 * @param {number} target
 * @param {string} what
 * @param {{ takes: string, loss: string, units: number }} shape
 */
function requireTarget(target, what, { takes, loss, units }) {
  const isRight =
    takes === "sign"
      ? target === 1 || target === -1
      : takes === "share"
        ? target >= 0 && target <= 1
        : takes !== "class" || (Number.isInteger(target) && target >= 0 && target < units);
  if (!isRight) {
    const shares = takes === "share" ? "from 0 to 1" : `that is a class from 0 to ${units - 1}`;
    const kind = takes === "sign" ? "of -1 or 1" : shares;
    throw new Error(`${loss} takes a target ${kind}, not ${target}, in ${what}`);
  }
}

/* What is taken away. */

/**
 * @param {ReturnType<typeof checkedSetup>} setup
 * @param {Place[]} layout
 * @param {Float64Array} weights
 * @returns {string}
 */
function modelFile({ plan, classes }, layout, weights) {
  const last = plan.layers.length - 1;
  const layers = plan.layers.map(({ units, activation, pieces }, i) => {
    const neuron = {
      kind: "Neuron",
      inputs: layout[i].inputs,
      activation: i === last ? "linear" : activation,
      ...(pieces ? { pieces } : {}),
      ...(plan.bias ? {} : { bias: false }),
    };
    return { kind: "Layer", neurons: units, each: [neuron] };
  });
  const architecture = { kind: "MLP", layers, output: plan.layers[last].activation, classes };
  const groups = layout.flatMap((place) =>
    Array.from({ length: place.units }, (_, unit) => groupsOf(place, unit, plan.bias, weights)),
  );
  const lines = groups.flat().map(([name, numbers]) => `  "${name}": [${numbers}]`);
  const head = Object.entries({ ...MODEL_FILE, architecture });
  const entries = head.map(([name, entry]) => ` "${name}": ${JSON.stringify(entry)}`);
  return `{\n${entries.join(",\n")},\n "parameters": {\n${lines.join(",\n")}\n }\n}\n`;
}

/**
 * The weights and the bias of a unit by name, and of its further pieces.
 *
 * @param {Place} place
 * @param {number} unit
 * @param {boolean} bias
 * @param {Float64Array} weights
 * @returns {[string, string][]}
 */
function groupsOf({ layer, inputs, weights: first, stride }, unit, bias, weights) {
  const one = inputs + (bias ? 1 : 0);
  /** @type {[string, string][]} */
  const found = [];
  for (let piece = 0; piece * one < stride; piece += 1) {
    const at = first + unit * stride + piece * one;
    const more = piece ? `.more.${piece - 1}` : "";
    const name = `layers.${layer}.neurons.${unit}${more}`;
    found.push([`${name}.w`, numbersText(weights.subarray(at, at + inputs))]);
    if (bias) {
      found.push([`${name}.b`, numbersText(weights.subarray(at + inputs, at + one))]);
    }
  }
  return found;
}

/**
 * @param {Float64Array} numbers
 * @returns {string}
 */
function numbersText(numbers) {
  return Array.from(numbers, (x) => (Object.is(x, -0) ? "-0.0" : String(x))).join(", ");
}

/**
 * @param {ReturnType<typeof checkedSetup>} setup
 * @param {Float64Array} weights
 * @returns {string}
 */
function pythonText({ plan, classes, dropout }, weights) {
  const hidden = plan.layers.slice(0, -1);
  const { activation: output } = plan.layers[plan.layers.length - 1];
  const alike = new Set(hidden.map(optionsOf)).size < 2;
  const shared = [
    alike && hidden.length ? optionsOf(hidden[0]) : "",
    output === "linear" ? "" : `output=${JSON.stringify(output)}`,
    new Set(dropout.slice(0, -1)).size === 1 && dropout[0] ? `dropout=${dropout[0]}` : "",
    classes ? `classes=[${classes.map(pythonOf).join(", ")}]` : "",
    plan.bias ? "" : "bias=False",
  ];
  const sizes = plan.layers.map(({ units }) => units).join(", ");
  const call = [plan.inputs, `[${sizes}]`, ...shared.filter(Boolean)].join(", ");
  const widths = [plan.inputs, ...plan.layers.map(({ units }) => units)];
  const changed = hidden.map((layer, i) => {
    const options = [widths[i], layer.units, optionsOf(layer), plan.bias ? "" : "bias=False"];
    return `model.layers[${i}] = Layer(${options.filter((one) => one !== "").join(", ")})`;
  });
  return [
    `from micrograd_plus.nn import ${alike ? "MLP" : "MLP, Layer"}`,
    "",
    `model = MLP(${call})`,
    ...(alike ? [] : changed),
    `weights = [${numbersText(weights)}]`,
    "for parameter, weight in zip(model.parameters(), weights, strict=True):",
    "    parameter.data = weight",
    "",
  ].join("\n");
}

/**
 * @param {{ activation: string, pieces?: number }} layer
 * @returns {string}
 */
function optionsOf({ activation, pieces }) {
  const more = pieces ? `, pieces=${pieces}` : "";
  return `activation=${JSON.stringify(activation)}${more}`;
}

/**
 * @param {number | string | boolean} label
 * @returns {string}
 */
function pythonOf(label) {
  if (typeof label === "boolean") {
    return label ? "True" : "False";
  }
  return JSON.stringify(label);
}
