/*
 * Inside a network at one example: its graph as scenes for the player.
 *
 * A box is a number of the graph, or several that are folded. What all numbers are, both passes
 * included, comes out of the sweeps of networks.js as one program; no derivative is written here.
 */
import { compile } from "./arithmetic.js";
import { laidOut } from "./columns.js";
import { below, nameOf, totalName } from "./names.js";
import {
  asPattern, emitAll, graphOf, plus, refOr, sweep, takenApart, times,
} from "./networks.js";
import { GATES } from "./tapes.js";

/**
 * @typedef {import("./networks.js").Node} Node
 * @typedef {import("./networks.js").Found} Found
 * @typedef {import("./networks.js").Plan} Plan
 * @typedef {import("./networks.js").Rows} Rows
 * @typedef {import("./player.js").Contents} Contents
 * @typedef {import("./player.js").View} View
 * @typedef {{ layer: number, unit: number }} Unit
 * @typedef {{ x: number[], targets: number[] }} Example
 * @typedef {Map<Node, string>} Sources what a number is made of, each with what it is multiplied by
 * @typedef {[Node, Sources]} Member
 */

/**
 * A box: one number, or several in one.
 *
 * @typedef {object} Part
 * @property {string} name
 * @property {string} kind
 * @property {string} symbol
 * @property {string} role of a leaf
 * @property {string} made
 * @property {Member[]} members
 * @property {boolean} isFocus
 */

const MOST_UNITS = 20;
const MOST_WIRES = 400;
const MOST_BESIDE = 12;
const SPELLED = 4;
const LEAST_FOLDED = 2;
/** How many numbers can be moved, of the inputs and of the weights of a unit. */
const MOST_LEAVES = 20;
const LOSS = "loss";
/** @type {Sources} */
const NOTHING = new Map();

/**
 * Whether a network is too large for all its units to be boxes.
 *
 * @param {Plan} plan
 */
function isLarge({ inputs, layers }) {
  const sizes = [inputs, ...layers.map(({ units }) => units)];
  const wires = layers.reduce((sum, { units }, k) => sum + units * sizes[k], 0);
  return Math.max(...sizes) > MOST_UNITS || wires > MOST_WIRES;
}

/**
 * What a player shows of both passes: all units with their total inputs, all units as one box each,
 * and one unit opened into products, sum and activation, with what lies beside it. Of a large
 * network there is but one unit and what lies beside it.
 *
 * @param {Rows} rows
 * @param {Plan} plan
 * @param {Example} example
 * @param {ArrayLike<number>} parameters
 * @param {Unit | null} chosen
 * @returns {Omit<Contents, "title" | "theme"> & { note: string }} with what is to be said of it
 */
export function contentsOf(rows, plan, example, parameters, chosen) {
  const last = plan.layers.length - 1;
  const unit = chosen ?? { layer: last, unit: 0 };
  const whole = new Inside(rows, plan, example, parameters, null, unit);
  const opened = new Inside(rows, plan, example, parameters, unit, unit);
  const name = nameOf(unit.layer, unit.unit, last + 1);
  const views = [
    whole.view("each unit with its total input", isLarge(plan), false),
    ...(isLarge(plan) ? [] : [whole.view("each unit as one box", false, true)]),
    opened.view(`inside ${name}`, true, false),
  ];
  const leaves = opened.moving.map(({ name: leaf, number }) => ({
    name: leaf, value: number, python: leaf,
  }));
  const note = isLarge(plan) ? `The network is too large to be followed whole: this is ${name} with `
    + "what lies beside it, the rest being folded." : "";
  return { output: LOSS, leaves, views, note };
}

/** The graph of a network at one example. */
class Inside {
  /**
   * @param {Rows} rows
   * @param {Plan} plan
   * @param {Example} example
   * @param {ArrayLike<number>} parameters
   * @param {Unit | null} opened
   * @param {Unit} focus
   */
  constructor(rows, plan, { x, targets }, parameters, opened, focus) {
    this.plan = plan;
    this.focus = focus;
    this.opened = opened;
    this.parameters = parameters;
    this.count = plan.layers.length;
    this.graph = graphOf(rows, plan);
    this.given = [...x, ...targets, ...Array.from(parameters)];
    const { emitter, table, out, layout } = this.graph;
    const place = layout[focus.layer];
    this.apart = opened ? this.piecesOf(opened).map(takenApart) : [];
    emitAll(emitter, table, [out]);
    this.found = sweep(emitter, table, out, [...this.graph.x, ...this.graph.weights]);
    const inputs = x.length > MOST_LEAVES ? [] : this.graph.x;
    const names = inputs.map((_, i) => nameOf(-1, i, this.count));
    const weights = place.inputs > MOST_LEAVES ? [] : this.weightsOf(focus);
    this.moving = [
      ...inputs.map((node, i) => ({ name: names[i], node, number: this.given[node.ref] })),
      ...weights.map(([name, node]) => ({ name, node, number: this.given[node.ref] })),
    ];
  }

  /**
   * The total inputs of a unit: one, or one for each piece.
   *
   * @param {Unit} unit
   */
  piecesOf({ layer, unit }) {
    const totals = this.graph.totals[layer];
    const pieces = totals.length / this.plan.layers[layer].units;
    return totals.slice(unit * pieces, (unit + 1) * pieces);
  }

  /**
   * The parameters of a unit by name.
   *
   * @param {Unit} unit
   * @returns {[string, Node][]}
   */
  weightsOf({ layer, unit }) {
    const { layout, weights } = this.graph;
    const { inputs, weights: first, biases, stride } = layout[layer];
    const one = inputs + Number(biases >= 0);
    return weights.slice(first + unit * stride, first + (unit + 1) * stride).map((node, i) => {
      const piece = stride > one ? [Math.floor(i / one) + 1] : [];
      const place = i % one;
      return [place === inputs ? `b${below(...piece)}` : `w${below(...piece, place + 1)}`, node];
    });
  }

  /**
   * What a layer takes, and what each of it is multiplied by.
   *
   * @param {number} layer
   * @returns {Sources}
   */
  before(layer) {
    const nodes = layer === 0 ? this.graph.x : this.outputsOf(layer - 1);
    return new Map(nodes.map((node, i) => [node, `w${below(i + 1)}`]));
  }

  /**
   * What the units of a layer give to the next one, or to the loss.
   *
   * @param {number} layer
   * @returns {Node[]}
   */
  outputsOf(layer) {
    const { layers, totals, ofTotals } = this.graph;
    const isTotals = ofTotals && layer === this.count - 1;
    return /** @type {Node[]} */ (isTotals ? totals[layer] : layers[layer]);
  }

  /* Boxes. */

  /**
   * @param {string} label
   * @param {boolean} isAround only the unit that is looked at, and what lies beside it
   * @param {boolean} isClosed units are one box each
   * @returns {View}
   */
  view(label, isAround, isClosed) {
    const columns = [this.inputColumn(isAround)];
    for (let layer = 0; layer < this.count; layer += 1) {
      const isBefore = isAround && layer < this.focus.layer;
      columns.push(...this.columnsOf(layer, this.shown(layer, isAround), isClosed || isBefore));
    }
    columns[columns.length - 1].push(...this.targets());
    columns.push([this.loss()]);
    return this.sceneOf(label, columns.filter((column) => column.length > 0));
  }

  /**
   * Which units of a layer, or which inputs, are boxes of their own: those beside the one that is
   * looked at are those of the largest weights.
   *
   * @param {number} layer
   * @param {boolean} isAround
   */
  shown(layer, isAround) {
    const { focus, plan, parameters, graph: { layout, ofTotals } } = this;
    const units = layer < 0 ? plan.inputs : plan.layers[layer].units;
    const all = Array.from({ length: units }, (_, unit) => unit);
    if (!isAround || units <= LEAST_FOLDED) {
      return all;
    }
    if (layer === focus.layer) {
      const isMixed = plan.layers[layer].activation === "softmax" && !ofTotals;
      return isMixed ? all : [focus.unit];
    }
    if (Math.abs(layer - focus.layer) > 1) {
      return [];
    }
    const of = layer < focus.layer ? focus.unit : null;
    const { weights, stride } = layout[Math.max(layer, focus.layer)];
    const size = (/** @type {number} */ unit) => (
      Math.abs(parameters[weights + stride * (of ?? unit) + (of === null ? focus.unit : unit)])
    );
    return all.sort((a, b) => size(b) - size(a)).slice(0, MOST_BESIDE).sort((a, b) => a - b);
  }

  /** @param {boolean} isAround */
  inputColumn(isAround) {
    const { x } = this.graph;
    const shown = this.shown(-1, isAround);
    const parts = shown.map((i) => (
      part({ name: nameOf(-1, i, this.count), kind: "leaf", role: "input" }, x[i])
    ));
    const rest = x.filter((_, i) => !shown.includes(i));
    return rest.length > 0
      ? [...parts, folded(`${rest.length} inputs`, rest.map((node) => [node, NOTHING]))] : parts;
  }

  /**
   * @param {number} layer
   * @param {number[]} shown
   * @param {boolean} isClosed
   */
  columnsOf(layer, shown, isClosed) {
    const { activation } = this.plan.layers[layer];
    const outputs = this.outputsOf(layer);
    /** @type {Part[][]} */
    const columns = [[], [], [], []];
    for (const unit of shown) {
      const isOpened = this.opened?.layer === layer && this.opened.unit === unit;
      const parts = isClosed ? [[], [], [], [this.closed(layer, unit)]]
        : this.unitColumns(layer, unit, isOpened);
      parts.forEach((some, k) => columns[k].push(...some));
    }
    const rest = outputs.filter((_, unit) => !shown.includes(unit));
    if (rest.length > 0) {
      const before = this.before(layer);
      const at = columns[3].length > 0 || columns[2].length === 0 ? 3 : 2;
      columns[at].push(folded(`${rest.length} × ${activation}`, rest.map((node) => [node, before])));
    }
    return columns.filter((column) => column.length > 0);
  }

  /**
   * A unit as one box.
   *
   * @param {number} layer
   * @param {number} unit
   */
  closed(layer, unit) {
    const { activation } = this.plan.layers[layer];
    const output = this.outputsOf(layer)[unit];
    const isTotal = this.piecesOf({ layer, unit }).includes(output);
    const name = this.nameOfOutput(layer, unit);
    const sum = this.sumName();
    const made = `${name} = ${isTotal ? sum : `${activation}(${sum})`}`;
    return part({
      name, kind: "gate", symbol: isTotal ? "w·x" : activation, made,
      isFocus: this.isFocus(layer, unit),
    }, output, this.before(layer));
  }

  /**
   * @param {number} layer
   * @param {number} unit
   */
  nameOfOutput(layer, unit) {
    const isLast = layer === this.count - 1;
    return isLast && this.graph.ofTotals
      ? totalName(layer, unit, this.count) : nameOf(layer, unit, this.count);
  }

  sumName() {
    return this.plan.bias ? "w·x + b" : "w·x";
  }

  /**
   * @param {number} layer
   * @param {number} unit
   */
  isFocus(layer, unit) {
    return layer === this.focus.layer && unit === this.focus.unit;
  }

  /**
   * A unit as several boxes, in columns: its weights, products, total inputs, and what it gives.
   *
   * @param {number} layer
   * @param {number} unit
   * @param {boolean} isOpened
   * @returns {Part[][]}
   */
  unitColumns(layer, unit, isOpened) {
    const { activation } = this.plan.layers[layer];
    const isFocus = this.isFocus(layer, unit);
    const output = this.outputsOf(layer)[unit];
    const pieces = this.piecesOf({ layer, unit });
    /** @type {Part[][]} */
    const columns = [[], [], [], []];
    /** @type {Sources} */
    const totals = new Map();
    pieces.forEach((total, k) => {
      const name = total === output ? this.nameOfOutput(layer, unit)
        : totalName(layer, unit, this.count, ...(pieces.length > 1 ? [k + 1] : []));
      let sources = this.before(layer);
      let made = `${name} = ${this.sumName()}`;
      if (isOpened) {
        const parts = this.productsOf(layer, k, pieces.length);
        columns[0].push(...parts.weights);
        columns[1].push(...parts.products);
        sources = parts.sources;
        made = `${name} = ${parts.sum}`;
      }
      const symbol = isOpened ? "+" : "w·x";
      columns[2].push(part({ name, kind: "gate", symbol, made, isFocus }, total, sources));
      totals.set(total, "");
    });
    if (!pieces.includes(output)) {
      const all = activation === "softmax"
        ? new Map(this.graph.totals[layer].map((total) => [total, ""])) : totals;
      const name = nameOf(layer, unit, this.count);
      const of = activation === "softmax" ? "z" : columns[2].map((one) => one.name).join(", ");
      const made = `${name} = ${activation}(${of})`;
      columns[3].push(part({ name, kind: "gate", symbol: activation, made, isFocus }, output, all));
    }
    return columns;
  }

  /**
   * The products that a total input is the sum of, and the weights in them.
   *
   * @param {number} layer
   * @param {number} piece
   * @param {number} pieces
   */
  productsOf(layer, piece, pieces) {
    const { products, bias } = this.apart[piece];
    const all = this.weightsOf(this.focus);
    const size = all.length / pieces;
    const own = all.slice(piece * size, (piece + 1) * size);
    const shown = new Set(this.shown(layer - 1, true));
    const inputs = [...this.before(layer).keys()];
    const weights = own.filter((_, i) => shown.has(i) || i === inputs.length).map(([name, node]) => (
      part({ name, kind: "leaf", role: "parameter" }, node)
    ));
    /** @type {Sources} */
    const sources = new Map(bias ? [[bias, own[inputs.length][0]]] : []);
    /** @type {Part[]} */
    const parts = [];
    /** @type {Member[]} */
    const rest = [];
    products.forEach((product, i) => {
      const [weight, node] = own[i];
      const input = nameOf(layer - 1, i, this.count);
      const name = `${weight}·${input}`;
      sources.set(product, name);
      if (shown.has(i)) {
        const of = new Map([[node, input], [inputs[i], weight]]);
        parts.push(part({ name, kind: "gate", symbol: "×" }, product, of));
      } else {
        rest.push([product, new Map([[inputs[i], weight]])]);
      }
    });
    if (rest.length > 0) {
      parts.push(folded(`${rest.length} × w·x`, rest));
    }
    const named = [...sources.values()];
    const sum = named.slice(0, SPELLED).join(" + ") + (named.length > SPELLED ? " + …" : "");
    sources.forEach((_, node) => sources.set(node, ""));
    return { weights, products: parts, sources, sum };
  }

  targets() {
    const { wanted } = this.graph;
    return wanted.map((node, i) => (
      part({ name: wanted.length > 1 ? `t${below(i + 1)}` : "t", kind: "constant", role: "card" }, node)
    ));
  }

  loss() {
    const { out, wanted } = this.graph;
    const outputs = this.outputsOf(this.count - 1);
    const first = this.nameOfOutput(this.count - 1, 0);
    const given = outputs.length > 1 ? `${first[0]}, t` : `${first}, t`;
    return part(
      { name: LOSS, kind: "gate", symbol: "", made: `${LOSS} = ${this.plan.loss}(${given})` },
      out, new Map([...outputs, ...wanted].map((node) => [node, ""])),
    );
  }

  /* Numbers. */

  /**
   * @param {string} label
   * @param {Part[][]} columns
   * @returns {View}
   */
  sceneOf(label, columns) {
    const parts = columns.flat();
    const home = new Map(parts.flatMap((one, i) => one.members.map(([node]) => [node, i])));
    const outputs = new Outputs();
    const wires = parts.flatMap((one, i) => this.wiresInto(one, i, home, outputs));
    const picture = laidOut(columns, wires);
    const { emitter } = this.graph;
    const boxes = parts.map((one, i) => {
      const [[node]] = one.members;
      const isOne = one.kind !== "layer";
      const found = isOne && one.kind !== "constant" ? this.found.get(node) : undefined;
      const leaf = this.moving.findIndex((moving) => moving.node === node);
      return {
        name: one.name, kind: one.kind, rule: "", made: one.made, leaf: leaf < 0 ? null : leaf,
        value: isOne ? outputs.place(node.ref) : null,
        derivative: found ? outputs.place(refOr(emitter, found, 0)) : null,
        wires: wires.flatMap(({ target }, w) => (target === i ? [w] : [])),
        ...picture.boxes[i],
      };
    });
    const program = this.program(outputs.refs);
    const numbers = compile(program).run(this.moving.map(({ number }) => number));
    return {
      label, boxes, svg: picture.svg, seed: parts.length - 1, missing: [],
      wires: wires.map((wire, w) => ({ ...wire, ...picture.wires[w] })),
      style: {
        mode: "reverse", output: LOSS, wrt: LOSS, digits: null, locals: true, contributions: true,
      },
      program, numbers: Array.from(numbers), inputs: this.moving.map((_, k) => k),
    };
  }

  /**
   * The wires into a box, from each box whose numbers it is made of.
   *
   * @param {Part} one
   * @param {number} target
   * @param {Map<Node, number>} home
   * @param {Outputs} outputs
   */
  wiresInto(one, target, home, outputs) {
    const { emitter, table } = this.graph;
    /** @type {Map<number, { count: number, rule: string, local: Found | null, carried: Found | null }>} */
    const found = new Map();
    for (const [node, sources] of one.members) {
      const ends = [...sources.keys()];
      const slopes = ends.length > 0 ? sweep(emitter, table, node, ends) : new Map();
      const upstream = this.found.get(node);
      for (const [end, rule] of sources) {
        const local = slopes.get(end) ?? null;
        const carried = upstream && local ? times(emitter, upstream, local) : null;
        const source = home.get(end) ?? -1;
        const before = found.get(source);
        found.set(source, before
          ? { ...before, count: before.count + 1, carried: sumOf(emitter, before.carried, carried) }
          : { count: 1, rule, local, carried });
      }
    }
    return [...found].map(([source, { count, rule, local, carried }]) => {
      const isOne = count === 1 && one.kind !== "layer";
      const slope = isOne && local ? outputs.place(refOr(emitter, local, 0)) : null;
      return {
        source, target, rule: isOne ? rule : "", count,
        local: slope === null ? null : [[slope]],
        carried: carried ? [[outputs.place(refOr(emitter, carried, 0))]] : null,
        routes: isOne && local !== null && local.condition !== null,
      };
    });
  }

  /**
   * A program of the numbers that can be moved, all others being constants.
   *
   * @param {number[]} refs
   * @returns {import("./arithmetic.js").Program}
   */
  program(refs) {
    const { emitter } = this.graph;
    const { constants, steps, outputs } = asPattern(emitter, refs);
    const moving = this.moving.map(({ node }) => node.ref);
    const fixed = [...this.given.keys()].filter((ref) => !moving.includes(ref));
    const places = new Map([...moving, ...fixed].map((ref, place) => [ref, place]));
    const register = (/** @type {number} */ ref) => places.get(ref) ?? ref;
    return {
      inputs: moving.length,
      constants: [...fixed.map((ref) => this.given[ref]), ...constants],
      operations: GATES,
      code: steps.flatMap(([gate, ...operands]) => [GATES.indexOf(gate), ...operands.map(register)]),
      outputs: outputs.map(register),
    };
  }
}

/** Numbers that a program gives, each once. */
class Outputs {
  constructor() {
    /** @type {number[]} */
    this.refs = [];
    /** @type {Map<number, number>} */
    this.places = new Map();
  }

  /** @param {number} ref */
  place(ref) {
    const known = this.places.get(ref);
    if (known !== undefined) {
      return known;
    }
    this.places.set(ref, this.refs.length);
    this.refs.push(ref);
    return this.refs.length - 1;
  }
}

/**
 * @param {ReturnType<typeof graphOf>["emitter"]} emitter
 * @param {Found | null} x
 * @param {Found | null} y
 */
function sumOf(emitter, x, y) {
  return x && y ? plus(emitter, x, y) : x ?? y;
}

/**
 * @param {Partial<Part> & { name: string, kind: string }} what
 * @param {Node} node
 * @param {Sources} [sources]
 * @returns {Part}
 */
function part(what, node, sources = NOTHING) {
  return { symbol: "", role: "", made: "", isFocus: false, ...what, members: [[node, sources]] };
}

/**
 * @param {string} name
 * @param {Member[]} members
 * @returns {Part}
 */
function folded(name, members) {
  return { name, kind: "layer", symbol: "", role: "card", made: "", isFocus: false, members };
}
