/*
 * What a player shows at a step: pure functions from a scene and its numbers to texts.
 *
 * A scene is a picture as data: boxes and wires, and for every number its place among the outputs
 * of the recorded program. Nothing here knows a rule of calculus: every local gradient and every
 * product comes out of the program.
 */

import { formatted } from "./numbers.js";

/**
 * @typedef {["given"] | ["value", number] | ["seed", number] | ["edge", number]
 *   | ["none", number[]]} Frame
 * @typedef {{name: string, kind: string, rule: string, made: string,
 *   leaf: number | null, value: number | null, derivative: number | null, wires: number[],
 *   spots: {value?: [number, number], derivative?: [number, number]},
 *   width: number}} Box
 * @typedef {{source: number, target: number, local: number[][] | null,
 *   carried: number[][] | null, routes: boolean, rule: string, at: [number, number] | null,
 *   room: number, count: number}} Wire
 * @typedef {{mode: "reverse" | "forward", output: string, wrt: string, digits: number | null,
 *   locals: boolean, contributions: boolean}} Style
 * @typedef {{label: string, boxes: Box[], wires: Wire[], seed: number,
 *   style: Style}} Scene
 * @typedef {[string, string]} Piece
 * @typedef {{values: Set<number>, derivatives: Map<number, number>, carried: Set<number>,
 *   terms: Map<number, [number, number][]>, box: number | null, wire: number | null}} State
 * @typedef {ArrayLike<number>} Numbers
 */

const ONE_LINE = 12;
const ADDED = 3;
const SPELLED = 4;
const REACHED = ["leaf", "gate", "neuron"];

/**
 * A number as the picture writes it.
 * @param {Scene} scene
 * @param {number} x
 */
export function say(scene, x) {
  return formatted(x, scene.style.digits);
}

/**
 * Whether it sweeps forward.
 * @param {Scene} scene
 */
function isForward(scene) {
  return scene.style.mode === "forward";
}

/**
 * A number as a factor behind another one.
 * @param {string} text
 */
function bracketed(text) {
  return text.startsWith("−") ? `(${text})` : text;
}

/**
 * A sum of products of outputs; mostly it is one output.
 * @param {number[][] | null} terms
 * @param {Numbers} numbers
 */
function sumOf(terms, numbers) {
  if (terms === null || terms.length === 0) {
    return NaN;
  }
  let sum = productOf(terms[0], numbers);
  for (let k = 1; k < terms.length; k += 1) {
    sum += productOf(terms[k], numbers);
  }
  return sum;
}

/**
 * @param {number[]} term
 * @param {Numbers} numbers
 */
function productOf(term, numbers) {
  let product = numbers[term[0]];
  for (let k = 1; k < term.length; k += 1) {
    product *= numbers[term[k]];
  }
  return product;
}

/**
 * What a wire carries.
 * @param {Wire} wire
 * @param {Numbers} numbers
 */
export function carriedBy(wire, numbers) {
  return sumOf(wire.carried, numbers);
}

/**
 * Whether several edges of the graph are drawn as this wire, so that no local gradient stands on
 * it.
 * @param {Wire} wire
 */
function isSeveral(wire) {
  return wire.local === null && wire.carried !== null;
}

/**
 * Whether a wire lets nothing through at these numbers.
 * @param {Wire} wire
 * @param {Numbers} numbers
 */
function isShut(wire, numbers) {
  return wire.carried === null || (wire.routes && sumOf(wire.local, numbers) === 0);
}

/**
 * The wires that carry something, with where it goes, by frame.
 * @param {Scene} scene
 * @param {Wire} wire
 */
export function receiver(scene, wire) {
  return isForward(scene) ? wire.target : wire.source;
}

/**
 * And where it comes from.
 * @param {Scene} scene
 * @param {Wire} wire
 */
function sender(scene, wire) {
  return isForward(scene) ? wire.source : wire.target;
}

/**
 * The frames of both passes: what is given, each gate, the seed, and each edge that carries
 * something at these numbers; last, what nothing has reached.
 * @param {Scene} scene
 * @param {Numbers} numbers
 * @returns {Frame[]}
 */
export function frames(scene, numbers) {
  /** @type {Frame[]} */
  const found = [["given"]];
  scene.boxes.forEach((box, i) => {
    if (box.wires.length > 0) {
      found.push(["value", i]);
    }
  });
  found.push(["seed", scene.seed]);
  const reached = new Set([scene.seed]);
  const order = scene.boxes.map((box) => box.wires);
  for (const wires of isForward(scene) ? order : order.reverse()) {
    for (const i of wires) {
      const wire = scene.wires[i];
      const to = receiver(scene, wire);
      const goes = reached.has(sender(scene, wire)) && !isShut(wire, numbers);
      if (goes && scene.boxes[to].kind !== "constant") {
        reached.add(to);
        found.push(["edge", i]);
      }
    }
  }
  const missed = [...scene.boxes.keys()].filter((i) => (
    !reached.has(i) && REACHED.includes(scene.boxes[i].kind)
  ));
  return missed.length > 0 ? [...found, ["none", missed]] : found;
}

/**
 * What is known after some frames: values, derivatives so far, what wires have carried.
 * @param {Scene} scene
 * @param {Frame[]} past
 * @param {Numbers} numbers
 * @returns {State}
 */
export function stateAt(scene, past, numbers) {
  /** @type {State} */
  const state = {
    values: new Set(), derivatives: new Map(), carried: new Set(), terms: new Map(),
    box: null, wire: null,
  };
  scene.boxes.forEach((box, i) => {
    if (box.wires.length === 0) {
      state.values.add(i);
    }
  });
  for (const [kind, thing] of past) {
    state.box = null;
    state.wire = null;
    if (kind === "value") {
      state.values.add(thing);
      state.box = thing;
    } else if (kind === "seed") {
      state.derivatives.set(thing, 1);
      state.box = thing;
    } else if (kind === "edge") {
      carry(scene, thing, numbers, state);
    } else if (kind === "none") {
      thing.forEach((box) => state.derivatives.set(box, 0));
    }
  }
  settle(scene, numbers, state);
  return state;
}

/**
 * One edge: its contribution is added to what the other end has.
 * @param {Scene} scene
 * @param {number} i
 * @param {Numbers} numbers
 * @param {State} state
 */
function carry(scene, i, numbers, state) {
  const wire = scene.wires[i];
  const to = receiver(scene, wire);
  state.wire = i;
  state.box = to;
  if (isShut(wire, numbers)) {
    return;
  }
  state.carried.add(i);
  const { kind, derivative } = scene.boxes[to];
  if (kind === "layer") {
    return;
  }
  if (isSeveral(wire) && kind === "stretch" && derivative !== null && !isForward(scene)) {
    state.derivatives.set(to, numbers[derivative]);
    return;
  }
  const carried = carriedBy(wire, numbers);
  const terms = state.terms.get(to) ?? [];
  const sum = terms.length > 0 ? (state.derivatives.get(to) ?? 0) + carried : carried;
  state.derivatives.set(to, sum);
  terms.push([i, carried]);
  state.terms.set(to, terms);
}

/**
 * A derivative to which nothing more comes is the program's own.
 * @param {Scene} scene
 * @param {Numbers} numbers
 * @param {State} state
 */
function settle(scene, numbers, state) {
  /** @type {Map<number, number>} */
  const missing = new Map();
  scene.wires.forEach((wire, i) => {
    if (!isShut(wire, numbers) && !state.carried.has(i)) {
      const to = receiver(scene, wire);
      missing.set(to, (missing.get(to) ?? 0) + 1);
    }
  });
  for (const box of state.derivatives.keys()) {
    const place = scene.boxes[box].derivative;
    if (!missing.has(box) && place !== null && state.terms.has(box)) {
      state.derivatives.set(box, numbers[place]);
    }
  }
}

/**
 * The value of a box in print.
 * @param {Scene} scene
 * @param {number} i
 * @param {State} state
 * @param {Numbers} numbers
 * @returns {Piece[]}
 */
export function valueText(scene, i, state, numbers) {
  const place = scene.boxes[i].value;
  if (place === null || !state.values.has(i)) {
    return [];
  }
  return [[say(scene, numbers[place]), "value"]];
}

/**
 * Its derivative so far, as a sum where several contributions have come.
 * @param {Scene} scene
 * @param {number} i
 * @param {State} state
 * @returns {Piece[]}
 */
export function derivativeText(scene, i, state) {
  const found = state.derivatives.get(i);
  if (found === undefined) {
    return [["∂ ·", "muted"]];
  }
  const terms = termsOf(state, i);
  const told = scene.style.contributions && terms.length > 1 && terms.length <= ADDED;
  const sum = told ? `${summed(scene, terms)} = ` : "";
  return [[`∂ ${sum}${say(scene, found)}`, "slope"]];
}

/**
 * What has come to a box, in the order of its wires.
 * @param {State} state
 * @param {number} i
 */
function termsOf(state, i) {
  const terms = state.terms.get(i) ?? [];
  return terms.slice().sort(([a], [b]) => a - b).map(([, carried]) => carried);
}

/**
 * 2 + 3 − 1.
 * @param {Scene} scene
 * @param {number[]} terms
 */
export function summed(scene, terms) {
  const [first, ...more] = terms.map((term) => say(scene, term));
  const rest = more.map((t) => (t.startsWith("−") ? ` − ${t.slice(1)}` : ` + ${t}`));
  return first + rest.join("");
}

/**
 * The lines on a wire: its local gradient and, once it has carried something, the product.
 * @param {Scene} scene
 * @param {number} i
 * @param {State} state
 * @param {Numbers} numbers
 * @returns {Piece[][]}
 */
export function wireText(scene, i, state, numbers) {
  const wire = scene.wires[i];
  if (!state.values.has(wire.target) || !wire.at || isSeveral(wire)) {
    return [];
  }
  const local = wire.local === null ? "0" : say(scene, sumOf(wire.local, numbers));
  const { locals, contributions } = scene.style;
  if (!state.carried.has(i) || !contributions) {
    return locals ? [[[local, "local"]]] : [];
  }
  if (!locals) {
    return [[[say(scene, carriedBy(wire, numbers)), "slope"]]];
  }
  const other = state.derivatives.get(sender(scene, wire)) ?? 0;
  const factor = bracketed(say(scene, other));
  const result = `= ${say(scene, carriedBy(wire, numbers))}`;
  /** @type {Piece[]} */
  const product = [[local, "local"], [` · ${factor}`, "slope"]];
  if ((local + factor + result).length > ONE_LINE) {
    return [product, [[result, "slope"]]];
  }
  return [[...product, [` ${result}`, "slope"]]];
}

/**
 * What has just happened, in a sentence, and in a second one what was added up.
 * @param {Scene} scene
 * @param {Frame} frame
 * @param {State} state
 * @param {Numbers} numbers
 * @returns {[string, string]}
 */
export function sentence(scene, frame, state, numbers) {
  const [kind, thing] = frame;
  if (kind === "given") {
    return ["What is given: the leaves.", ""];
  }
  if (kind === "value") {
    return [forwardSentence(scene, thing, numbers), ""];
  }
  if (kind === "seed") {
    const name = scene.boxes[thing].name;
    return [`The derivative of ${name} in ${name} itself is 1.`, scene.boxes[thing].rule];
  }
  if (kind === "none") {
    const names = thing.slice(0, 3).map((box) => scene.boxes[box].name);
    return [`Nothing reaches ${names.join(", ")}${thing.length > 3 ? " …" : ""}: 0.`, ""];
  }
  return edgeSentence(scene, thing, state, numbers);
}

/**
 * @param {Scene} scene
 * @param {number} i
 * @param {Numbers} numbers
 */
function forwardSentence(scene, i, numbers) {
  const box = scene.boxes[i];
  const operands = box.wires.slice(0, 4).map((w) => {
    const source = scene.boxes[scene.wires[w].source];
    return source.value === null ? source.name : `${source.name} = ${say(scene, numbers[source.value])}`;
  });
  const more = box.wires.length > 4 ? " …" : "";
  const result = box.value === null ? "" : `: ${say(scene, numbers[box.value])}`;
  return `${box.made || box.name} with ${operands.join(", ")}${more}${result}.`;
}

/**
 * @param {Scene} scene
 * @param {number} i
 * @param {State} state
 * @param {Numbers} numbers
 * @returns {[string, string]}
 */
function edgeSentence(scene, i, state, numbers) {
  const wire = scene.wires[i];
  const from = scene.boxes[sender(scene, wire)].name;
  const to = receiver(scene, wire);
  const name = scene.boxes[to].name;
  if (!state.carried.has(i)) {
    return [`${from} → ${name}: no gradient passes here.`, ""];
  }
  const carried = say(scene, carriedBy(wire, numbers));
  if (scene.boxes[to].kind === "layer") {
    return [`${from} → ${name}: a gradient for each neuron.`, ""];
  }
  if (isSeveral(wire)) {
    const wires = wire.count > 1 ? `${wire.count} wires, together` : "it carries";
    return [`${from} → ${name}: ${wires} ${carried}.`, added(scene, to, state)];
  }
  const rule = wire.rule ? ` (${wire.rule})` : "";
  const local = say(scene, sumOf(wire.local, numbers)) + rule;
  const other = say(scene, state.derivatives.get(sender(scene, wire)) ?? 0);
  const word = isForward(scene) ? "tangent" : "upstream";
  const product = `${from} → ${name}: local ${local} × ${word} ${other} = ${carried}.`;
  return [product, added(scene, to, state)];
}

/**
 * b.grad: 2 + 3 = 5.
 * @param {Scene} scene
 * @param {number} i
 * @param {State} state
 */
function added(scene, i, state) {
  const terms = termsOf(state, i);
  const found = say(scene, state.derivatives.get(i) ?? 0);
  const grad = isForward(scene) ? "tangent" : "grad";
  const name = `${scene.boxes[i].name}.${grad}`;
  if (terms.length > SPELLED) {
    const newest = (state.terms.get(i) ?? [])[terms.length - 1][1];
    const before = (state.derivatives.get(i) ?? 0) - newest;
    return `${name}: ${summed(scene, [before, newest])} = ${found}, of ${terms.length} so far.`;
  }
  return terms.length > 1 ? `${name}: ${summed(scene, terms)} = ${found}.` : `${name} = ${found}.`;
}

/**
 * The first frame that has a derivative.
 * @param {Frame[]} all
 */
export function startOfBackward(all) {
  return all.findIndex(([kind]) => kind === "seed");
}

/**
 * What is going on at a frame, in a word.
 * @param {Scene} scene
 * @param {Frame[]} all
 * @param {number} k
 */
export function phase(scene, all, k) {
  if (k === 0) {
    return "given";
  }
  const second = isForward(scene) ? "tangents" : "backward";
  return k < startOfBackward(all) ? "forward" : second;
}

/**
 * How the derivative of a box is written: ∂e/∂b, or ∂b/∂x swept forward.
 * @param {Scene} scene
 * @param {number} i
 */
export function derivativeName(scene, i) {
  const { output, wrt } = scene.style;
  const name = scene.boxes[i].name;
  const [above, below] = isForward(scene) ? [name, wrt] : [output, name];
  return `∂${whole(above)}/∂${whole(below)}`;
}

/**
 * A name that is one thing behind a sign: b, but (b + 1).
 * @param {string} name
 */
function whole(name) {
  return name.includes(" ") ? `(${name})` : name;
}

/**
 * All that there is to say of a box at the end of both passes, line by line.
 * @param {Scene} scene
 * @param {number} i
 * @param {State} end
 * @param {Numbers} numbers
 * @param {number | null} quotient
 * @returns {string[]}
 */
export function story(scene, i, end, numbers, quotient) {
  const box = scene.boxes[i];
  const lines = [];
  if (box.value !== null) {
    const made = box.made ? `${box.made} = ` : `${box.name} = `;
    lines.push(made + say(scene, numbers[box.value]));
  }
  scene.wires.forEach((wire, w) => {
    if (receiver(scene, wire) === i && end.carried.has(w)) {
      const from = scene.boxes[sender(scene, wire)].name;
      const local = wire.local === null ? "" : `${say(scene, sumOf(wire.local, numbers))} · `;
      const other = bracketed(say(scene, end.derivatives.get(sender(scene, wire)) ?? 0));
      const product = local ? `${local}${other} = ` : "";
      lines.push(`from ${from}: ${product}${say(scene, carriedBy(wire, numbers))}`);
    }
  });
  const found = end.derivatives.get(i);
  if (found !== undefined) {
    const terms = termsOf(end, i);
    const sum = terms.length > 1 ? `${summed(scene, terms)} = ` : "";
    lines.push(`${derivativeName(scene, i)} = ${sum}${say(scene, found)}`);
  }
  if (quotient !== null && Number.isFinite(quotient)) {
    lines.push(`difference quotient: ${formatted(quotient, null)}`);
  }
  if (box.rule) {
    lines.push(box.rule);
  }
  return lines;
}

/**
 * The paths between a box and the other end of the sweep, each a list of wires, at most so many.
 * @param {Scene} scene
 * @param {number} leaf
 * @param {Numbers} numbers
 * @param {number} most
 */
export function paths(scene, leaf, numbers, most) {
  /** @type {number[][]} */
  const found = [];
  /** @type {Map<number, number[]>} */
  const users = new Map();
  scene.wires.forEach((wire, i) => {
    if (!isShut(wire, numbers)) {
      users.set(wire.source, [...(users.get(wire.source) ?? []), i]);
    }
  });
  const last = scene.boxes.length - 1;
  /** @type {number[][]} */
  const waiting = [[]];
  let steps = 0;
  while (waiting.length > 0 && found.length < most && steps < 20000) {
    const path = /** @type {number[]} */ (waiting.pop());
    const end = path.length > 0 ? scene.wires[path[path.length - 1]].target : leaf;
    steps += 1;
    if (end === last) {
      found.push(path);
    } else {
      (users.get(end) ?? []).slice().reverse().forEach((wire) => waiting.push([...path, wire]));
    }
  }
  return found;
}

/**
 * How many paths there are, exactly.
 * @param {Scene} scene
 * @param {number} leaf
 * @param {Numbers} numbers
 */
export function countPaths(scene, leaf, numbers) {
  const counts = scene.boxes.map((_, i) => (i === leaf ? 1n : 0n));
  scene.boxes.forEach((box, i) => {
    box.wires.forEach((w) => {
      const wire = scene.wires[w];
      if (i !== leaf && !isShut(wire, numbers)) {
        counts[i] += counts[wire.source];
      }
    });
  });
  return counts[scene.boxes.length - 1];
}

/**
 * A path in words, as on the board: the product from the output back.
 * @param {Scene} scene
 * @param {number} leaf
 * @param {number[]} path
 * @param {Numbers} numbers
 */
export function pathText(scene, leaf, path, numbers) {
  const names = [leaf, ...path.map((w) => scene.wires[w].target)].map((b) => scene.boxes[b].name);
  const locals = path.map((w) => sumOf(scene.wires[w].local, numbers)).reverse();
  const factors = locals.map((x, k) => (k > 0 ? bracketed(say(scene, x)) : say(scene, x)));
  const product = say(scene, locals.reduce((p, x) => p * x, 1));
  const told = factors.length > 1 ? `${factors.join("·")} = ${product}` : product;
  return `${names.join(" → ")}: ${told}`;
}

/**
 * A number that somebody typed: 0.25, −1, 1/3, 2e-3; nan where it is none.
 * @param {string} text
 */
export function typed(text) {
  const plain = text.trim().replace(/−/g, "-").replace(",", ".");
  const [above, below, ...more] = plain.split("/");
  if (plain === "" || more.length > 0) {
    return NaN;
  }
  return below === undefined ? Number(above) : Number(above) / Number(below);
}
