/*
 * The settings of a playground: what they may be, as a link has them, and what is made of them: the
 * set-up of a training.
 *
 * Which activations, losses, optimisers and schedules there are comes from Python, with their
 * settings.
 */
import { SETS } from "./points.js";
import { namesIn } from "./training.js";

/**
 * @typedef {import("./points.js").Points} Points
 * @typedef {{ units: number, activation: string, pieces?: number }} Layer
 * @typedef {{ default: any, is: string, whole?: number | null, above_zero?: boolean,
 *   below_one?: boolean, choices?: any[] }} Field
 * @typedef {import("./training.js").Rows & Record<string, any>} Rows what rows.py gives
 */

/**
 * @typedef {object} Settings
 * @property {string} data the name of a set, or "own"
 * @property {number} count
 * @property {number} noise
 * @property {number} held the share of points that are held out
 * @property {number} draw the seed of data
 * @property {Layer[]} layers the hidden ones
 * @property {string} output
 * @property {string} loss
 * @property {string} optimizer
 * @property {number} rate
 * @property {Record<string, any>} options of the optimiser, where they are not as they come
 * @property {string} schedule
 * @property {Record<string, any>} decay the settings of the schedule
 * @property {number} batch
 * @property {string} penalty
 * @property {number} amount
 * @property {number} dropout
 * @property {string} init
 * @property {number} scale what multiplies the weights that are drawn
 * @property {number} seed
 * @property {string} pace
 * @property {number} patience epochs to wait for a lower test loss; 0 never stops
 */

/** @type {Settings} */
export const DEFAULTS = {
  data: "moons", count: 200, noise: 0.15, held: 0.3, draw: 1,
  layers: [{ units: 8, activation: "tanh" }, { units: 4, activation: "tanh" }], output: "linear",
  loss: "hinge", optimizer: "SGD", rate: 0.1, options: {}, schedule: "", decay: {}, batch: 0,
  penalty: "l2", amount: 0, dropout: 0, init: "xavier", scale: 1, seed: 1, patience: 0,
  pace: "fast",
};

/**
 * How fast it trains, and what that is called.
 *
 * @type {Record<string, string>}
 */
export const PACES = {
  fast: "as fast as it can", frame: "a step a picture", slow: "ten steps a second",
};

export const MOST_LAYERS = 6;
export const MOST_UNITS = 64;

/**
 * The least and the greatest number of each setting.
 *
 * @type {Record<string, [number, number]>}
 */
export const RANGES = {
  count: [2, 2000], noise: [0, 2], held: [0, 0.9], draw: [0, 999999], rate: [0, 1000],
  batch: [0, 10000], amount: [0, 10], dropout: [0, 0.9], scale: [0, 100], seed: [0, 999999],
  patience: [0, 10000],
};
const WHOLE = new Set(["count", "draw", "batch", "seed", "patience"]);

/**
 * The names that each choice has.
 *
 * @param {Rows} rows
 * @returns {Record<string, string[]>}
 */
export function choicesOf(rows) {
  const names = namesIn(rows);
  return {
    data: [...Object.keys(SETS), "own"],
    output: names.outputs,
    activation: names.activations,
    loss: names.losses,
    optimizer: names.optimizers,
    schedule: ["", ...names.schedules],
    penalty: names.penalties,
    init: names.initialisations,
    pace: Object.keys(PACES),
  };
}

/**
 * A number of a setting, kept within its range; NaN for what is none.
 *
 * @param {string} name
 * @param {unknown} given
 */
export function numberFor(name, given) {
  const x = typeof given === "string" ? typed(given) : Number(given);
  const [low, high] = RANGES[name];
  return x < low || x > high || (WHOLE.has(name) && !Number.isInteger(x)) ? NaN : x;
}

/**
 * A number as people type it.
 *
 * @param {string} text
 */
export function typed(text) {
  const plain = text.trim().replace("−", "-").replace(",", ".");
  return plain === "" || plain.length > 40 ? NaN : Number(plain);
}

/**
 * Whether a number may be one of an optimiser's or schedule's settings.
 *
 * @param {Field} field
 * @param {any} given
 * @returns {boolean}
 */
export function isAllowed(field, given) {
  if (field.is === "choice") {
    return (field.choices ?? []).includes(given);
  }
  if (field.is === "numbers") {
    const one = { ...field, is: "number" };
    return Array.isArray(given) && given.length === 2 && given.every((x) => isAllowed(one, x));
  }
  const least = field.whole ?? 0;
  return typeof given === "number" && Number.isFinite(given) && given >= least
    && (field.whole == null || Number.isInteger(given))
    && !(field.above_zero && given === 0) && !(field.below_one && given >= 1);
}

/**
 * Settings of which every one is what it may be: those that are not are left as they come, and
 * named.
 *
 * @param {Record<string, any>} given
 * @param {Rows} rows
 * @returns {{ settings: Settings, refused: string[] }}
 */
export function checked(given, rows) {
  /** @type {Record<string, any>} */
  const settings = structuredClone(DEFAULTS);
  const choices = choicesOf(rows);
  /** @type {string[]} */
  const refused = [];
  Object.entries(given).forEach(([name, value]) => {
    const found = taken(name, value, settings, choices, rows, given);
    if (found === undefined) {
      refused.push(name);
    } else {
      settings[name] = found;
    }
  });
  return { settings: /** @type {Settings} */ (settings), refused };
}

/**
 * A setting as it was given, or undefined where it cannot be.
 *
 * @param {string} name
 * @param {any} value
 * @param {Record<string, any>} settings
 * @param {Record<string, string[]>} choices
 * @param {Rows} rows
 * @param {Record<string, any>} given
 */
function taken(name, value, settings, choices, rows, given) {
  if (name in RANGES) {
    const x = numberFor(name, value);
    return Number.isNaN(x) ? undefined : x;
  }
  if (name === "layers") {
    return layersFrom(value, choices.activation, rows);
  }
  if (name === "options") {
    return fieldsFrom(value, rows.optimizers[given.optimizer ?? settings.optimizer]);
  }
  if (name === "decay") {
    return fieldsFrom(value, rows.schedules[given.schedule ?? settings.schedule]);
  }
  return name in choices && choices[name].includes(value) ? value : undefined;
}

/**
 * @param {any} value
 * @param {string[]} activations
 * @param {Rows} rows
 * @returns {Layer[] | undefined}
 */
function layersFrom(value, activations, rows) {
  if (!Array.isArray(value) || value.length > MOST_LAYERS) {
    return undefined;
  }
  const isOne = (/** @type {any} */ layer) => (
    Number.isInteger(layer?.units) && layer.units >= 1 && layer.units <= MOST_UNITS
    && (activations.includes(layer.activation)
      || (layer.activation === "maxout" && String(layer.pieces) in rows.maxout))
  );
  if (!value.every(isOne)) {
    return undefined;
  }
  return value.map(({ units, activation, pieces }) => (
    pieces ? { units, activation, pieces } : { units, activation }
  ));
}

/**
 * @param {any} value
 * @param {Record<string, Field> | undefined} fields
 */
function fieldsFrom(value, fields) {
  if (typeof value !== "object" || value === null) {
    return undefined;
  }
  const entries = Object.entries(value);
  const isKnown = (/** @type {[string, any]} */ [name, x]) => (
    fields && Object.hasOwn(fields, name) && isAllowed(fields[name], x)
  );
  return entries.every(isKnown) ? Object.fromEntries(entries) : undefined;
}

/* Links. */

const MOST_IN_LINK = 300;

/**
 * The settings that are not as they come, and points of one's own where they are not too many, as
 * the fragment of a link.
 *
 * @param {Settings} settings
 * @param {Points | null} own
 */
export function asFragment(settings, own) {
  /** @type {string[]} */
  const parts = [];
  Object.entries(settings).forEach(([name, value]) => {
    const usual = /** @type {Record<string, any>} */ (DEFAULTS)[name];
    if (JSON.stringify(value) !== JSON.stringify(usual)) {
      parts.push(`${name}=${encodeURIComponent(written(value))}`);
    }
  });
  if (own && own.y.length <= MOST_IN_LINK) {
    const lines = own.x.map((x, k) => [...x, own.y[k]].join(","));
    parts.push(`points=${encodeURIComponent(lines.join(";"))}`);
  }
  return parts.join("&");
}

/** @param {any} value */
function written(value) {
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/**
 * What a fragment says, not yet checked; null where it says nothing.
 *
 * @param {string} fragment
 * @returns {Record<string, any> | null}
 */
export function fromFragment(fragment) {
  const text = fragment.replace(/^#/, "");
  if (!text.includes("=") || text.length > 100000) {
    return null;
  }
  /** @type {Record<string, any>} */
  const found = Object.create(null);
  new URLSearchParams(text).forEach((value, name) => {
    found[name] = /^[[{]/.test(value) ? parsed(value) : value;
  });
  return found;
}

/** @param {string} text */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/* A training. */

/**
 * Which targets a loss takes for a model's outputs: "class", "sign" or "share".
 *
 * @param {Rows} rows
 * @param {string} loss
 * @param {string} output
 */
export function takesOf(rows, loss, output) {
  const { takes } = rows.losses[loss];
  if (takes !== "number") {
    return takes;
  }
  return output === "sigmoid" || output === "threshold" ? "share" : "sign";
}

/**
 * How many outputs tell so many classes apart; 0 where the loss cannot do so.
 *
 * @param {Rows} rows
 * @param {string} loss
 * @param {number} classes
 */
export function outputsFor(rows, loss, classes) {
  const known = rows.losses[loss].outputs;
  if (rows.losses[loss].takes === "class") {
    return String(classes) in known ? classes : 0;
  }
  return classes === 2 ? 1 : 0;
}

/**
 * The target of a class.
 *
 * @param {number} label
 * @param {string} takes
 */
export function targetOf(label, takes) {
  return takes === "sign" ? 2 * label - 1 : label;
}

/**
 * The score above which one output chooses the second class.
 *
 * @param {string} output
 */
export function boundaryOf(output) {
  return output === "sigmoid" || output === "threshold" ? 0.5 : 0;
}

/**
 * What is trained: the shape of data and model, beside the settings.
 *
 * @typedef {{ inputs: number, outputs: number, bias: boolean, classes: any[] | null }} Shape
 */

/**
 * @param {Settings} settings
 * @param {Shape} shape
 * @param {number[] | null} weights
 */
export function setupOf(settings, { inputs, outputs, bias, classes }, weights) {
  const { rate, optimizer, schedule } = settings;
  return {
    inputs,
    layers: [...settings.layers, { units: outputs, activation: settings.output }],
    bias,
    classes,
    loss: settings.loss,
    task: "classification",
    optimizer: { name: optimizer, ...settings.options, learning_rate: rate },
    schedule: schedule ? { name: schedule, ...settings.decay, initial: rate } : null,
    batch: settings.batch,
    penalty: { kind: settings.penalty, amount: settings.amount },
    dropout: [...settings.layers.map(() => settings.dropout), 0],
    initialisation: settings.init,
    seed: settings.seed,
    weights,
  };
}
