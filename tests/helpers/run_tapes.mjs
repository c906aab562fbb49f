/*
 * Runs tapes over points for the tests, in every way in which a browser can:
 *
 *   node run_tapes.mjs FOLDER
 *
 * FOLDER has jobs.json, the doubles of inputs.bin, the interpreter's module in interpreter.wasm, and
 * in NUMBER.wasm the module of each tape that has its own. It gets outputs.bin.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { FUNCTIONS } from "../../micrograd_plus/player/arithmetic.js";
import { interpreter } from "../../micrograd_plus/player/tapes.js";

const folder = process.argv[2];
const jobs = JSON.parse(readFileSync(`${folder}/jobs.json`, "utf-8"));
const bytes = readFileSync(`${folder}/inputs.bin`);
const inputs = new Float64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
let read = 0;
const results = [];

function next(count) {
  read += count;
  return inputs.subarray(read - count, read);
}

async function instantiated(path) {
  const { instance } = await WebAssembly.instantiate(readFileSync(path), { math: FUNCTIONS });
  return instance;
}

/** A function of a tape's own module, as one of points and parameters. */
function called(exports, name, count, size) {
  return function (points, parameters) {
    const at = exports.heap.value;
    const places = [at, at + points.length * 8, at + (points.length + parameters.length) * 8];
    const missing = places[2] + size * 8 - exports.memory.buffer.byteLength;
    exports.memory.grow(Math.max(0, Math.ceil(missing / 65536)));
    const numbers = new Float64Array(exports.memory.buffer);
    numbers.set(points, places[0] / 8);
    numbers.set(parameters, places[1] / 8);
    exports[name](count, ...places);
    return numbers.slice(places[2] / 8, places[2] / 8 + size);
  };
}

const module = readFileSync(`${folder}/interpreter.wasm`);
const interpreters = [await interpreter(module), await interpreter(null)];
if (interpreters.map((one) => one.language).join() !== "WebAssembly,JavaScript") {
  throw new Error("node has no WebAssembly");
}
for (const [number, { tasks, inputs: width, parameters, count, own }] of jobs.entries()) {
  const points = next(width * count);
  const shared = next(parameters);
  const { exports } = own ? await instantiated(`${folder}/${number}.wasm`) : {};
  for (const { name, data, size, own: inModule } of tasks) {
    const method = name === "sum" ? "sum" : "values";
    for (const one of interpreters) {
      const runner = await one.load(data);
      runner[method](points, shared); /* a second run finds the memory used */
      results.push(runner[method](points, shared));
    }
    if (inModule) {
      const run = called(exports, name, count, size);
      run(points, shared);
      results.push(run(points, shared));
    }
  }
}
const outputs = new Float64Array(results.reduce((size, one) => size + one.length, 0));
let written = 0;
for (const result of results) {
  outputs.set(result, written);
  written += result.length;
}
writeFileSync(`${folder}/outputs.bin`, outputs);
