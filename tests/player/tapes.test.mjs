import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { GATES, interpreter } from "../../micrograd_plus/player/tapes.js";

const MODULE = readFileSync(
  new URL("../../micrograd_plus/player/interpreter.wasm", import.meta.url),
);
const MUL = GATES.indexOf("fmul");
const SIN = GATES.indexOf("sin");
const SELECT = GATES.indexOf("select");

/** 2·w·x and sin(2·w·x), of one input and one parameter; slot 2 is the constant. */
const PROGRAM = [1, 1, 1, 5, 2, 3, 3, 4, MUL, 3, 2, 1, 0, MUL, 3, 3, 0, 0, SIN, 4, 3, 0, 0];
const DATA = { program: PROGRAM, constants: [2] };

async function both() {
  return [await interpreter(MODULE), await interpreter(null)];
}

test("both languages give the outputs of each point, and their sums", async () => {
  for (const one of await both()) {
    const runner = await one.load(DATA);
    assert.deepEqual([...runner.values([1, 2], [3])], [6, Math.sin(6), 12, Math.sin(12)]);
    assert.deepEqual([...runner.sum([1, 2], [3])], [18, Math.sin(6) + Math.sin(12)]);
    assert.deepEqual([...runner.sum([], [3])], [0, 0]);
    assert.deepEqual([...runner.values([], [3])], []);
  }
});

/** A program of few slots and gates: operands are mostly the newest result, and results die early. */
function drawn(random) {
  const gates = ["fadd", "fmul", "select", "ole", "fneg"].map((name) => GATES.indexOf(name));
  const [slots, instructions] = [6 + random(6), 30];
  const code = [];
  let newest = 0;
  for (let i = 0; i < instructions; i += 1) {
    const operands = [0, 1, 2].map(() => (random(3) ? random(slots) : newest));
    newest = 5 + random(slots - 5);
    code.push(gates[random(gates.length)], newest, ...operands);
  }
  const outputs = [newest, random(slots), random(slots)];
  const sizes = [2, 2, 1, slots, outputs.length, instructions];
  return { program: [...sizes, ...outputs, ...code], constants: [0] };
}

test("instructions that JavaScript does in one step have the bits that they have apart", async () => {
  const [webAssembly, javaScript] = await both();
  let state = 1;
  function random(below) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  }
  const special = [0, -0, 1, -1.5, 0.1, 1e-300, 1e200, Infinity];
  const points = Float64Array.from({ length: 2 * 21 }, () => special[random(8)] * (random(9) - 4));
  for (let round = 0; round < 300; round += 1) {
    const data = drawn(random);
    const parameters = [special[random(8)], random(9) / 7];
    const [wanted, found] = [await webAssembly.load(data), await javaScript.load(data)];
    for (const way of ["values", "sum"]) {
      assert.deepEqual(found[way](points, parameters), wanted[way](points, parameters), round);
    }
  }
});

test("runners do not disturb each other, and memory grows with the points", async () => {
  for (const one of await both()) {
    const [first, second] = [await one.load(DATA), await one.load(DATA)];
    const points = Float64Array.from({ length: 20_000 }, (_, i) => i);
    const found = first.values(points, [0.5]);
    assert.deepEqual([...second.values([7], [1])], [14, Math.sin(14)]);
    assert.equal(found.length, 40_000);
    assert.equal(found[39_998], 19_999);
    assert.equal(first.sum(points, [0.5])[0], (19_999 * 20_000) / 2);
  }
});

test("where WebAssembly is refused, JavaScript runs the program", async () => {
  const { language } = await interpreter(Uint8Array.of(1, 2, 3));
  assert.equal(language, "JavaScript");
  const kept = globalThis.WebAssembly;
  try {
    delete globalThis.WebAssembly;
    assert.equal((await interpreter(MODULE)).language, "JavaScript");
  } finally {
    globalThis.WebAssembly = kept;
  }
  assert.equal((await interpreter(MODULE)).language, "WebAssembly");
});

test("what is no program is refused", async () => {
  function changed(place, number) {
    return { program: PROGRAM.map((x, i) => (i === place ? number : x)), constants: [2] };
  }
  const wrong = [
    { program: [], constants: [] },
    { program: PROGRAM, constants: [] },
    { program: PROGRAM.slice(1), constants: [2] },
    { program: [...PROGRAM, 0], constants: [2] },
    ...[-1, 0.5, NaN, 2 ** 31, "1"].map((x) => changed(0, x)),
    changed(3, 2) /* fewer slots than constants */,
    changed(3, 4) /* no slot 4 */,
    changed(6, 5) /* nor 5 */,
    changed(8, GATES.length),
    changed(8, -1),
    changed(9, 5),
    changed(12, 1e9),
  ];
  for (const one of await both()) {
    for (const data of wrong) {
      await assert.rejects(one.load(data), /program/, JSON.stringify(data));
    }
    await one.load(changed(8, SELECT));
  }
});

test("points and parameters that are too few are refused", async () => {
  for (const one of await both()) {
    const two = { program: [2, 0, 0, 2, 1, 0, 1], constants: [] };
    const runner = await one.load(two);
    assert.deepEqual([...runner.values([1, 2, 3, 4], [])], [2, 4]);
    assert.throws(() => runner.values([1, 2, 3], []), /takes points of 2 numbers and 0 parameters/);
    assert.throws(() => runner.sum([1, 2], [1]), /takes points of 2 numbers and 0 parameters/);
  }
});
