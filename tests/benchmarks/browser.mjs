/*
 * node browser.mjs FOLDER: the calls that exports.py asks for in jobs.json, several rounds of each in
 * turn; prints the medians as JSON, in microseconds of the processor.
 */
import { readFileSync } from "node:fs";
import { FUNCTIONS } from "../../micrograd_plus/player/arithmetic.js";
import { interpreter } from "../../micrograd_plus/player/tapes.js";

const folder = process.argv[2];
const { loss, penalty, points, parameters, count, total, rounds } = JSON.parse(
  readFileSync(`${folder}/jobs.json`, "utf-8"),
);
const given = Float64Array.from(points);

/** A full step: the loss of all points and its gradient, a penalty, and gradient descent. */
async function stepper(bytes) {
  const one = await interpreter(bytes);
  const [ofLoss, ofPenalty] = [await one.load(loss), await one.load(penalty)];
  const weights = Float64Array.from(parameters);
  return function () {
    const summed = ofLoss.sum(given, weights);
    const squares = ofPenalty.sum([], weights);
    for (let i = 0; i < weights.length; i += 1) {
      weights[i] -= 1e-3 * (summed[i + 1] / count + squares[i + 1]);
    }
    return summed[0];
  };
}

/** The sums alone, in the tape's own module. */
async function own(bytes) {
  const { instance } = await WebAssembly.instantiate(bytes, { math: FUNCTIONS });
  const { memory, heap, sum } = instance.exports;
  const size = given.length + 2 * parameters.length + 1;
  memory.grow(Math.ceil((size * 8) / 65536));
  const numbers = new Float64Array(memory.buffer);
  const at = heap.value / 8;
  const [shared, outputs] = [at + given.length, at + given.length + parameters.length];
  numbers.set(given, at);
  numbers.set(parameters, shared);
  return function () {
    sum(count, at * 8, shared * 8, outputs * 8);
    return numbers[outputs];
  };
}

const module = readFileSync(`${folder}/interpreter.wasm`);
const ways = {
  "a step, WebAssembly": await stepper(module),
  "a step, JavaScript": await stepper(null),
  "sums, own module": await own(readFileSync(`${folder}/own.wasm`)),
};
const times = {};
for (const [name, run] of Object.entries(ways)) {
  if (!(Math.abs(run() - total) <= 1e-9 * Math.abs(total))) {
    throw new Error(`${name} is wrong`);
  }
  for (let i = 0; i < rounds; i += 1) {
    run();
  }
  times[name] = [];
}
for (let round = 0; round < 9; round += 1) {
  for (const [name, run] of Object.entries(ways)) {
    const begin = process.cpuUsage();
    for (let i = 0; i < rounds; i += 1) {
      run();
    }
    const { user, system } = process.cpuUsage(begin);
    times[name].push((user + system) / rounds);
  }
}
for (const name of Object.keys(times)) {
  times[name] = times[name].sort((a, b) => a - b)[4];
}
console.log(JSON.stringify(times));
