/*
 * Networks put together in a page: a graph of rows from inputs and weights to a loss, and the
 * reverse sweep over it, as one program that tapes.js runs over many points.
 *
 * No derivative is written here. What a row computes and what its slopes are comes as programs,
 * traced from the table by rows.py; the sweep multiplies and adds them in the order in which Python
 * does, so that sums, products and comparisons have Python's bits. The total input of a unit is
 * taken apart into products and sums, which are rows, too.
 */
import { arity, exact } from "./arithmetic.js";
import { GATES, RECORD } from "./tapes.js";

/** @typedef {import("./tapes.js").ProgramData} ProgramData */

/**
 * A short program. Its registers are the result of a row, its operands, constants, and one for each
 * step, which names an instruction or function and has the registers of its operands. An output is
 * there wherever the register beside it in `conditions` is not 0; -1 says that there is none, or
 * that it is always there. Without conditions all are.
 *
 * @typedef {object} Pattern
 * @property {(number | string)[]} constants
 * @property {[string, ...number[]][]} steps
 * @property {number[]} outputs
 * @property {number[]} conditions
 */

/** @typedef {{ value: Pattern, slopes: Pattern }} Row */

/**
 * A function as a graph of rows: each node has the key of its row, and its operands. A number counts
 * back to a node or, before these, to an operand of the function, outputs from the end on; or it is
 * the complement of a constant's place.
 *
 * @typedef {object} Graph
 * @property {(number | string)[]} constants
 * @property {[string, number[]][]} nodes
 * @property {number[]} outputs
 */

/** @typedef {{ takes: string, outputs: Record<string, Graph & { targets: number }> }} Loss */

/**
 * What rows.py gives, as far as networks are made of it.
 *
 * @typedef {object} Rows
 * @property {Record<string, Row>} rows by name and number of operands
 * @property {Record<string, Graph>} activations
 * @property {Record<string, Graph>} maxout by the number of pieces
 * @property {Record<string, Graph>} softmax by the number of outputs
 * @property {Record<string, Loss>} losses
 * @property {[string, string][]} totals outputs and the losses that take their total inputs
 * @property {Record<string, Graph>} penalties of one weight
 */

/**
 * A number of a graph: a leaf, which has a reference from the beginning, or the result of a row.
 *
 * @typedef {object} Node
 * @property {string} row its key, "" of a leaf
 * @property {Operand[]} operands
 * @property {number} ref where its number is in the program
 */

/** @typedef {Node | number} Operand numbers are constants */

/**
 * A number of a sweep; with a condition, it is there only where that is not 0.
 *
 * @typedef {object} Found
 * @property {number} ref
 * @property {number | null} condition
 * @property {boolean} isSum a sum of such numbers is itself neutral where none of them is there
 */

/**
 * @typedef {object} LayerPlan
 * @property {number} units
 * @property {string} activation
 * @property {number} [pieces] of maxout units
 */

/**
 * @typedef {object} Plan
 * @property {number} inputs
 * @property {LayerPlan[]} layers
 * @property {boolean} bias
 * @property {string} loss
 * @property {boolean[]} masked which layers have masks of dropout
 */

/**
 * Where the parameters of a layer stand: those of one unit after the other, its weights and then
 * its bias (-1 where there is none), `stride` apart.
 *
 * @typedef {object} Place
 * @property {number} layer
 * @property {number} inputs
 * @property {number} units
 * @property {number} weights
 * @property {number} biases
 * @property {number} stride
 */

/**
 * A network as programs: of points that are inputs, masks of dropout and targets, the loss and its
 * derivatives in the parameters; of inputs and targets the loss; of inputs the outputs of the last
 * layer, and those of all units.
 *
 * @typedef {object} Network
 * @property {ProgramData} training
 * @property {ProgramData} loss
 * @property {ProgramData} outputs
 * @property {ProgramData} units
 * @property {Place[]} layout
 * @property {number} parameters
 * @property {number} masks
 * @property {number} targets
 * @property {boolean[]} learns of each layer whether any gradient can reach it
 */

/** The number that changes no bit of any that it is added to. */
const NEUTRAL = -0;
const ADD = "add/2";
const MUL = "mul/2";
const NOTHING = -1;
const NOBODY = -1;
/** More than a reference can be. */
const FURTHEST = 2 ** 26;
const ARITIES = GATES.map(arity);
const GATE_NUMBERS = new Map(GATES.map((gate, number) => [gate, number]));
const PLUS = gateOf("fadd");
const MULTIPLY = gateOf("fmul");
const SELECT = gateOf("select");

/**
 * A program in the making, in which equal steps are one. A reference is a register, the given
 * numbers first, or of a constant the complement of its place. Step i is that of `gates[i]`, and
 * its operands stand in three places of `operands`, of which it may not need all.
 */
class Emitter {
  /** @param {number} given */
  constructor(given) {
    this.given = given;
    /** @type {number[]} */
    this.constants = [];
    /** @type {Map<string, number>} */
    this.places = new Map();
    /** @type {number[]} */
    this.gates = [];
    /** @type {number[]} */
    this.operands = [];
    /* what was emitted of each gate, by its operands */
    this.results = GATES.map(() => /** @type {Map<number | string, number>} */ (new Map()));
  }

  /**
   * @param {number} number
   * @returns {number}
   */
  constant(number) {
    const key = Object.is(number, -0) ? "-0" : String(number);
    let ref = this.places.get(key);
    if (ref === undefined) {
      ref = ~this.constants.length;
      this.constants.push(number);
      this.places.set(key, ref);
    }
    return ref;
  }

  /**
   * The reference of a step's result, which may be an operand, to the last bit.
   *
   * @param {number} gate
   * @param {number} a
   * @param {number} b
   * @param {number} c
   * @returns {number}
   */
  emit(gate, a, b = 0, c = 0) {
    const key = gate === SELECT ? `${a} ${b} ${c}` : a * FURTHEST + b;
    const known = this.results[gate].get(key) ?? this.simplified(gate, a, b, c);
    if (known !== null) {
      return known;
    }
    this.gates.push(gate);
    this.operands.push(a, b, c);
    const ref = this.given + this.gates.length - 1;
    this.results[gate].set(key, ref);
    return ref;
  }

  /**
   * 1 · x, -0 + x and a choice by a constant.
   *
   * @param {number} gate
   * @param {number} a
   * @param {number} b
   * @param {number} c
   * @returns {number | null}
   */
  simplified(gate, a, b, c) {
    if (gate === SELECT && a < 0) {
      return this.constants[~a] === 0 ? c : b;
    }
    if (gate === MULTIPLY || gate === PLUS) {
      const neutral = gate === MULTIPLY ? 1 : NEUTRAL;
      if (a < 0 && Object.is(this.constants[~a], neutral)) {
        return b;
      }
      if (b < 0 && Object.is(this.constants[~b], neutral)) {
        return a;
      }
    }
    return null;
  }

  /**
   * The reference of what an operation of a pattern gives. A sum adds from left to right, from 0
   * on; a dot adds the products of weights and inputs to a bias.
   *
   * @param {string} operation
   * @param {number[]} operands
   * @returns {number}
   */
  performed(operation, operands) {
    if (operation === "sum") {
      return operands.reduce((total, x) => this.emit(PLUS, total, x), this.constant(0));
    }
    if (operation === "dot") {
      const [bias, ...factors] = operands;
      const inputs = factors.splice(factors.length / 2);
      return factors.reduce(
        (total, w, i) => this.emit(PLUS, total, this.emit(MULTIPLY, w, inputs[i])),
        bias,
      );
    }
    const [a, b, c] = operands;
    return this.emit(gateOf(operation), a, b, c);
  }

  /**
   * The references of a pattern's registers, where those of the result and operands are given.
   *
   * @param {Pattern} pattern
   * @param {number[]} given
   * @returns {number[]}
   */
  copied(pattern, given) {
    const refs = [...given];
    for (const written of pattern.constants) {
      refs.push(this.constant(exact(written)));
    }
    for (const [operation, ...registers] of pattern.steps) {
      refs.push(
        this.performed(
          operation,
          registers.map((register) => refs[register]),
        ),
      );
    }
    return refs;
  }

  /**
   * What gives these results, without steps that they do not need, its slots used again.
   *
   * @param {number} inputs how many of the given numbers differ from point to point
   * @param {number[]} outputs
   * @returns {ProgramData}
   */
  finished(inputs, outputs) {
    const { given, gates, constants } = this;
    const users = this.lastUsers(outputs);
    const slots = new Int32Array(gates.length);
    /** @param {number} ref */
    function slotOf(ref) {
      return ref < 0 ? given + ~ref : ref < given ? ref : slots[ref - given];
    }
    /** @type {number[]} */
    const free = [];
    /** @type {number[]} */
    const records = [];
    let count = given + constants.length;
    for (let i = 0; i < gates.length; i += 1) {
      if (users[i] === NOBODY) {
        continue;
      }
      const places = this.operandsOf(i);
      const [a = 0, b = 0, c = 0] = places.map(slotOf);
      const slot = free.pop() ?? count;
      count = Math.max(count, slot + 1);
      slots[i] = slot;
      records.push(gates[i], slot, a, b, c);
      places.forEach((ref, k) => {
        if (ref >= given && users[ref - given] === i && places.indexOf(ref) === k) {
          free.push(slots[ref - given]);
        }
      });
    }
    const header = [inputs, given - inputs, constants.length, count, outputs.length];
    return {
      program: [...header, records.length / RECORD, ...outputs.map(slotOf), ...records],
      constants: constants.map((x) => (Number.isFinite(x) ? x : written(x))),
    };
  }

  /**
   * Of each step the last one that needs its result: NOBODY where none does, and one past the end
   * where it must stay.
   *
   * @param {number[]} outputs
   * @returns {Int32Array}
   */
  lastUsers(outputs) {
    const { given, gates } = this;
    const users = new Int32Array(gates.length).fill(NOBODY);
    for (const ref of outputs) {
      if (ref >= given) {
        users[ref - given] = gates.length;
      }
    }
    for (let i = gates.length - 1; i >= 0; i -= 1) {
      if (users[i] === NOBODY) {
        continue;
      }
      for (const ref of this.operandsOf(i)) {
        if (ref >= given && users[ref - given] === NOBODY) {
          users[ref - given] = i;
        }
      }
    }
    return users;
  }

  /**
   * @param {number} step
   * @returns {number[]}
   */
  operandsOf(step) {
    return this.operands.slice(3 * step, 3 * step + ARITIES[this.gates[step]]);
  }
}

/**
 * @param {string} operation
 * @returns {number}
 */
function gateOf(operation) {
  const gate = GATE_NUMBERS.get(operation);
  if (gate === undefined) {
    throw new Error(`there is no operation ${operation}`);
  }
  return gate;
}

/**
 * @param {number} x that is not finite
 * @returns {string}
 */
function written(x) {
  return x > 0 ? "inf" : x < 0 ? "-inf" : "nan";
}

/** The rows of the table, and total inputs of as many numbers as are asked for. */
class Table {
  /** @param {Record<string, Row>} rows */
  constructor(rows) {
    /** @type {Map<string, Row>} */
    this.known = new Map(Object.entries(rows));
  }

  /**
   * @param {string} key
   * @returns {Row}
   */
  row(key) {
    const row = this.known.get(key);
    if (!row) {
      throw new Error(`there is no row ${key}`);
    }
    return row;
  }

  /**
   * The key of the row that adds products of so many weights and inputs to a bias, or to nothing.
   * Its slopes are what a sweep over these products and sums gives.
   *
   * @param {number} size how many weights there are
   * @returns {string}
   */
  total(size) {
    const key = `total/${size}`;
    if (!this.known.has(key)) {
      const operands = 1 + 2 * size;
      const emitter = new Emitter(1 + operands);
      const leaves = Array.from({ length: operands }, (_, i) => leaf(1 + i));
      const out = totalOf(leaves[0], leaves.slice(1, 1 + size), leaves.slice(1 + size));
      emitAll(emitter, this, [out]);
      const value = asPattern(emitter, [out.ref]);
      const found = sweep(emitter, this, out, leaves);
      const refs = leaves.map((one) => refOr(emitter, found.get(one), 0));
      this.known.set(key, { value, slopes: asPattern(emitter, refs) });
    }
    return key;
  }
}

/**
 * @param {Node} bias
 * @param {Node[]} weights
 * @param {Node[]} inputs
 * @returns {Node}
 */
function totalOf(bias, weights, inputs) {
  return weights.reduce((total, w, i) => node(ADD, [total, node(MUL, [w, inputs[i]])]), bias);
}

/**
 * What gives these outputs, as a pattern.
 *
 * @param {Emitter} emitter
 * @param {number[]} outputs
 * @returns {Pattern}
 */
export function asPattern(emitter, outputs) {
  const { given, constants, gates } = emitter;
  const users = emitter.lastUsers(outputs);
  const kept = [...gates.keys()].filter((i) => users[i] !== NOBODY);
  const registers = new Map(kept.map((i, place) => [given + i, given + constants.length + place]));
  /** @param {number} ref */
  function register(ref) {
    return ref < 0 ? given + ~ref : registers.get(ref) ?? ref;
  }
  return {
    constants: [...constants],
    steps: kept.map((i) => [GATES[gates[i]], ...emitter.operandsOf(i).map(register)]),
    outputs: outputs.map(register),
    conditions: [],
  };
}

/**
 * @param {number} ref
 * @returns {Node}
 */
function leaf(ref) {
  return { row: "", operands: [], ref };
}

/**
 * @param {string} row
 * @param {Operand[]} operands
 * @returns {Node}
 */
function node(row, operands) {
  return { row, operands, ref: NaN };
}

/**
 * The outputs of a function, as nodes upon its operands.
 *
 * @param {Graph} graph
 * @param {Operand[]} given
 * @returns {Operand[]}
 */
function applied(graph, given) {
  const numbers = [...given];
  /** @param {number} back */
  const at = (back) => (back < 0 ? exact(graph.constants[~back]) : numbers[numbers.length - back]);
  for (const [row, operands] of graph.nodes) {
    numbers.push(node(row, operands.map(at)));
  }
  return graph.outputs.map(at);
}

/**
 * What a node depends on and the node itself, operands before their users: depth first, operands
 * from the first to the last. Leaves are left out, and so are `ends` and what only these need.
 *
 * @param {Node[]} roots
 * @param {Node[]} [ends]
 * @returns {Node[]}
 */
function ordered(roots, ends = []) {
  /** @type {Node[]} */
  const order = [];
  const done = new Set(ends);
  for (const root of roots) {
    const path = [{ at: root, next: 0 }];
    while (path.length) {
      const top = path[path.length - 1];
      const operand = top.at.operands[top.next];
      top.next += 1;
      if (done.has(top.at) || !top.at.operands.length) {
        path.pop();
      } else if (top.next > top.at.operands.length) {
        done.add(top.at);
        order.push(top.at);
        path.pop();
      } else if (typeof operand !== "number" && !done.has(operand)) {
        path.push({ at: operand, next: 0 });
      }
    }
  }
  return order;
}

/**
 * @param {Emitter} emitter
 * @param {Operand} operand
 * @returns {number}
 */
function refOf(emitter, operand) {
  return typeof operand === "number" ? emitter.constant(operand) : operand.ref;
}

/**
 * Emit what the roots compute.
 *
 * @param {Emitter} emitter
 * @param {Table} table
 * @param {Node[]} roots
 */
export function emitAll(emitter, table, roots) {
  for (const one of ordered(roots)) {
    const { value } = table.row(one.row);
    const given = [0, ...one.operands.map((operand) => refOf(emitter, operand))];
    one.ref = emitter.copied(value, given)[value.outputs[0]];
  }
}

/**
 * The reverse sweep from a node to the leaves, or to other nodes below it, emitted as it goes: the
 * derivative in each node that a gradient reaches.
 *
 * @param {Emitter} emitter
 * @param {Table} table
 * @param {Node} out
 * @param {Node[]} leaves
 * @returns {Map<Node, Found>}
 */
export function sweep(emitter, table, out, leaves) {
  const order = ordered([out], leaves);
  const reached = new Set(leaves);
  for (const one of order) {
    if (one.operands.some((operand) => typeof operand !== "number" && reached.has(operand))) {
      reached.add(one);
    }
  }
  /** @type {Map<Node, Found>} */
  const found = new Map();
  if (reached.has(out)) {
    found.set(out, { ref: emitter.constant(1), condition: null, isSum: false });
  }
  for (const one of order.reverse()) {
    const upstream = found.get(one);
    if (upstream) {
      passOn(emitter, table, one, upstream, reached, found);
    }
  }
  return found;
}

/**
 * Add upstream times slope to what is found for each operand that is reached.
 *
 * @param {Emitter} emitter
 * @param {Table} table
 * @param {Node} one
 * @param {Found} upstream
 * @param {Set<Node>} reached
 * @param {Map<Node, Found>} found
 */
function passOn(emitter, table, one, upstream, reached, found) {
  const { slopes } = table.row(one.row);
  const given = [one.ref, ...one.operands.map((operand) => refOf(emitter, operand))];
  const refs = emitter.copied(slopes, given);
  one.operands.forEach((operand, i) => {
    const slope = slopeAt(emitter, slopes, refs, i);
    if (typeof operand !== "number" && reached.has(operand) && slope) {
      const part = times(emitter, upstream, slope);
      const before = found.get(operand);
      const sum = before ? plus(emitter, before, part) : part;
      found.set(operand, sum);
      if (!operand.operands.length) {
        refOr(emitter, sum, 0); /* the whole derivative of a leaf read once, beside its parts */
      }
    }
  });
}

/**
 * The slope in one operand; null where no gradient passes.
 *
 * @param {Emitter} emitter
 * @param {Pattern} slopes
 * @param {number[]} refs
 * @param {number} i
 * @returns {Found | null}
 */
function slopeAt(emitter, slopes, refs, i) {
  if (slopes.outputs[i] === NOTHING) {
    return null;
  }
  const ref = refs[slopes.outputs[i]];
  const register = slopes.conditions.length ? slopes.conditions[i] : NOTHING;
  if (register === NOTHING) {
    return { ref, condition: null, isSum: false };
  }
  const condition = refs[register];
  if (condition >= 0) {
    return { ref, condition, isSum: false };
  }
  return emitter.constants[~condition] === 0 ? null : { ref, condition: null, isSum: false };
}

/**
 * @param {Emitter} emitter
 * @param {Found} x
 * @param {Found} y
 * @returns {Found}
 */
export function times(emitter, x, y) {
  return {
    ref: emitter.emit(MULTIPLY, x.ref, y.ref),
    condition: both(emitter, x.condition, y.condition),
    isSum: false,
  };
}

/**
 * @param {Emitter} emitter
 * @param {Found} x
 * @param {Found} y
 * @returns {Found}
 */
export function plus(emitter, x, y) {
  const ref = emitter.emit(PLUS, summand(emitter, x), summand(emitter, y));
  if (x.condition === null || y.condition === null) {
    return { ref, condition: null, isSum: true };
  }
  const one = x.condition === y.condition;
  const either = one ? x.condition : emitter.emit(PLUS, x.condition, y.condition);
  return { ref, condition: either, isSum: true };
}

/**
 * @param {Emitter} emitter
 * @param {Found} x
 * @returns {number}
 */
function summand(emitter, x) {
  if (x.isSum || x.condition === null) {
    return x.ref;
  }
  return emitter.emit(SELECT, x.condition, x.ref, emitter.constant(NEUTRAL));
}

/**
 * @param {Emitter} emitter
 * @param {number | null} c
 * @param {number | null} d
 * @returns {number | null}
 */
function both(emitter, c, d) {
  if (c === null || d === null || c === d) {
    return c === null ? d : c;
  }
  return emitter.emit(SELECT, c, d, emitter.constant(0));
}

/**
 * What a sweep found; another number where nothing arrived.
 *
 * @param {Emitter} emitter
 * @param {Found | undefined} found
 * @param {number} other
 * @returns {number}
 */
export function refOr(emitter, found, other) {
  if (!found) {
    return emitter.constant(other);
  }
  if (found.condition === null) {
    return found.ref;
  }
  return emitter.emit(SELECT, found.condition, found.ref, emitter.constant(other));
}

/**
 * Put a network together; throws an Error for an activation or loss that there is not, or that has
 * no place here.
 *
 * @param {Rows} rows
 * @param {Plan} plan
 * @returns {Network}
 */
export function assembled(rows, plan) {
  const table = new Table(rows.rows);
  const layout = placesOf(plan);
  const parameters = parametersIn(plan);
  const loss = lossOf(rows, plan);
  const masks = plan.layers.reduce((sum, { units }, i) => sum + (plan.masked[i] ? units : 0), 0);
  const shared = { rows, plan, table, layout, parameters };
  const plain = withGradient(shared, loss, 0);
  const thinned = masks ? withGradient(shared, loss, masks) : plain;
  const seen = withUnits(shared);
  return {
    training: thinned.emitter.finished(thinned.inputs, [thinned.out.ref, ...thinned.derivatives]),
    loss: plain.emitter.finished(plain.inputs, [plain.out.ref]),
    outputs: seen.emitter.finished(plan.inputs, seen.outputs),
    units: seen.emitter.finished(plan.inputs, seen.units),
    layout,
    parameters,
    masks,
    targets: loss.targets,
    learns: layout.map(({ weights, units, stride }) =>
      plain.weights.slice(weights, weights + units * stride).some((w) => plain.found.has(w)),
    ),
  };
}

/**
 * A network and its loss at one example, as a graph to be looked into: its program takes inputs,
 * targets and parameters.
 *
 * @param {Rows} rows
 * @param {Plan} plan
 */
export function graphOf(rows, plan) {
  const table = new Table(rows.rows);
  const layout = placesOf(plan);
  const shared = { rows, plan, table, layout, parameters: parametersIn(plan) };
  const loss = lossOf(rows, plan);
  return { table, layout, ofTotals: loss.ofTotals, ...withLoss(shared, loss, 0) };
}

/**
 * Take a total input apart, in its place: into the bias, if there is one, and the products.
 *
 * @param {Node} total
 */
export function takenApart(total) {
  const [bias, ...factors] = /** @type {Node[]} */ (total.operands);
  const inputs = factors.splice(factors.length / 2);
  const products = factors.map((w, i) => node(MUL, [w, inputs[i]]));
  Object.assign(total, products.reduce((sum, product) => node(ADD, [sum, product]), bias));
  return { bias: typeof bias === "number" ? null : bias, products };
}

/**
 * The program of a penalty: of one number, which multiplies it, and all parameters, its value and
 * its derivatives in these.
 *
 * @param {Rows} rows
 * @param {string} kind
 * @param {number} parameters
 * @returns {ProgramData}
 */
export function penaltyOf(rows, kind, parameters) {
  const graph = rows.penalties[kind];
  if (!graph) {
    throw new Error(`there is no penalty ${kind}: there are ${Object.keys(rows.penalties)}`);
  }
  const table = new Table(rows.rows);
  const emitter = new Emitter(1 + parameters);
  const weights = Array.from({ length: parameters }, (_, i) => leaf(1 + i));
  /** @type {Operand} */
  let total = 0;
  for (const w of weights) {
    total = node(ADD, [total, ...applied(graph, [w])]);
  }
  const out = node(MUL, [leaf(0), total]);
  emitAll(emitter, table, [out]);
  const found = sweep(emitter, table, out, weights);
  const derivatives = weights.map((w) => refOr(emitter, found.get(w), 0));
  return emitter.finished(1, [out.ref, ...derivatives]);
}

/**
 * @param {Plan} plan
 * @returns {Place[]}
 */
function placesOf({ inputs, layers, bias }) {
  let at = 0;
  let width = inputs;
  return layers.map(({ units, activation, pieces }, layer) => {
    const one = width + (bias ? 1 : 0);
    const stride = one * (activation === "maxout" ? pieces ?? 2 : 1);
    const biases = bias ? at + width : -1;
    const place = { layer, inputs: width, units, weights: at, biases, stride };
    at += units * stride;
    width = units;
    return place;
  });
}

/**
 * How many parameters a network has.
 *
 * @param {Plan} plan
 * @returns {number}
 */
export function parametersIn(plan) {
  return placesOf(plan).reduce((sum, { units, stride }) => sum + units * stride, 0);
}

/**
 * The graph of a loss, and whether it takes the total inputs of the last layer.
 *
 * @param {Rows} rows
 * @param {Plan} plan
 * @returns {{ graph: Graph, targets: number, ofTotals: boolean }}
 */
function lossOf(rows, { loss, layers }) {
  const { units, activation } = layers[layers.length - 1];
  const known = rows.losses[loss];
  if (!known) {
    throw new Error(`there is no loss ${loss}: there are ${Object.keys(rows.losses).join(", ")}`);
  }
  const graph = known.outputs[units];
  if (!graph) {
    const counts = Object.keys(known.outputs).join(" or ");
    throw new Error(`the loss ${loss} takes ${counts} outputs here, not ${units}`);
  }
  const ofTotals = rows.totals.some(([output, name]) => output === activation && name === loss);
  return { graph, targets: graph.targets, ofTotals };
}

/**
 * @typedef {object} Shared
 * @property {Rows} rows
 * @property {Plan} plan
 * @property {Table} table
 * @property {Place[]} layout
 * @property {number} parameters
 */

/**
 * The loss and its derivatives in the parameters as a program in the making.
 *
 * @param {Shared} shared
 * @param {{ graph: Graph, targets: number, ofTotals: boolean }} loss
 * @param {number} masks
 */
function withGradient(shared, loss, masks) {
  const begun = withLoss(shared, loss, masks);
  const { emitter, out, weights } = begun;
  const found = sweep(emitter, shared.table, out, weights);
  const derivatives = weights.map((w) => refOr(emitter, found.get(w), 0));
  return { ...begun, found, derivatives };
}

/**
 * The loss as a program in the making.
 *
 * @param {Shared} shared
 * @param {{ graph: Graph, targets: number, ofTotals: boolean }} loss
 * @param {number} masks
 */
function withLoss(shared, { graph, targets, ofTotals }, masks) {
  const { plan, parameters, table } = shared;
  const inputs = plan.inputs + masks + targets;
  const emitter = new Emitter(inputs + parameters);
  const leaves = Array.from({ length: inputs + parameters }, (_, i) => leaf(i));
  const x = leaves.slice(0, plan.inputs);
  const wanted = leaves.slice(plan.inputs + masks, inputs);
  const weights = leaves.slice(inputs);
  const masked = leaves.slice(plan.inputs, plan.inputs + masks);
  const { totals, layers } = forward(shared, x, weights, masked);
  const given = (ofTotals ? totals : layers)[layers.length - 1];
  const [out] = applied(graph, [...given, ...wanted]);
  if (typeof out === "number") {
    throw new Error(`the loss ${plan.loss} is the same for all outputs`);
  }
  emitAll(emitter, table, [out]);
  return { emitter, out, inputs, x, wanted, weights, totals, layers };
}

/**
 * The outputs of the last layer and of all units as a program in the making.
 *
 * @param {Shared} shared
 */
function withUnits(shared) {
  const { plan, parameters, table } = shared;
  const emitter = new Emitter(plan.inputs + parameters);
  const leaves = Array.from({ length: plan.inputs + parameters }, (_, i) => leaf(i));
  const weights = leaves.slice(plan.inputs);
  const { layers } = forward(shared, leaves.slice(0, plan.inputs), weights, []);
  const nodes = layers.flat().filter((one) => typeof one !== "number");
  emitAll(emitter, table, /** @type {Node[]} */ (nodes));
  const refs = layers.map((layer) => layer.map((one) => refOf(emitter, one)));
  return { emitter, units: refs.flat(), outputs: refs[refs.length - 1] };
}

/**
 * The network upon its inputs: what each layer gives, and its total inputs. Where there are masks,
 * they multiply the units of layers with dropout.
 *
 * @param {Shared} shared
 * @param {Node[]} inputs
 * @param {Node[]} weights
 * @param {Node[]} masks
 */
function forward({ rows, plan, table, layout }, inputs, weights, masks) {
  /** @type {Operand[]} */
  let x = inputs;
  /** @type {Node[][]} */
  const totals = [];
  let mask = 0;
  const layers = plan.layers.map((layer, i) => {
    const isLast = i === plan.layers.length - 1;
    const pieces = totalsOf(table, layout[i], plan.bias, weights, x);
    totals.push(pieces.flat());
    x = activated(rows, layer, pieces, isLast);
    if (masks.length && plan.masked[i]) {
      x = x.map((unit) => {
        mask += 1;
        return node(MUL, [unit, masks[mask - 1]]);
      });
    }
    return x;
  });
  return { layers, totals };
}

/**
 * For each unit of a layer its total inputs: one, or one for each piece.
 *
 * @param {Table} table
 * @param {Place} place
 * @param {boolean} bias
 * @param {Node[]} weights
 * @param {Operand[]} x
 * @returns {Node[][]}
 */
function totalsOf(table, place, bias, weights, x) {
  const row = table.total(x.length);
  const one = x.length + (bias ? 1 : 0);
  return Array.from({ length: place.units }, (_, unit) =>
    Array.from({ length: place.stride / one }, (_, piece) => {
      const at = place.weights + unit * place.stride + piece * one;
      const first = bias ? weights[at + x.length] : 0;
      return node(row, [first, ...weights.slice(at, at + x.length), ...x]);
    }),
  );
}

/**
 * @param {Rows} rows
 * @param {LayerPlan} layer
 * @param {Node[][]} totals
 * @param {boolean} isLast
 * @returns {Operand[]}
 */
function activated(rows, { activation, units }, totals, isLast) {
  if (activation === "softmax") {
    const graph = isLast && rows.softmax[units];
    if (!graph) {
      const counts = Object.keys(rows.softmax).join(" or ");
      throw new Error(`softmax is for ${counts} units of a last layer here, not for ${units}`);
    }
    return applied(graph, totals.flat());
  }
  if (activation === "maxout") {
    const graph = !isLast && rows.maxout[totals[0].length];
    if (!graph) {
      const counts = Object.keys(rows.maxout).join(" or ");
      throw new Error(`maxout is for units of hidden layers, of ${counts} pieces here`);
    }
    return totals.map((pieces) => applied(graph, pieces)[0]);
  }
  const graph = rows.activations[activation];
  if (!graph) {
    throw new Error(
      `there is no activation ${activation}: there are ${Object.keys(rows.activations).join(", ")}`,
    );
  }
  return totals.map(([total]) => applied(graph, [total])[0]);
}
