/*
 * node playground.mjs FILE: for each setup in FILE how many steps a second a page makes, in each
 * language; prints milliseconds of a network put together, of a step, and of a picture, as JSON.
 */
import { readFileSync } from "node:fs";
import { create } from "../../micrograd_plus/player/training.js";

const { rows, jobs, rounds } = JSON.parse(readFileSync(process.argv[2], "utf-8"));
const MODULE = readFileSync(
  new URL("../../micrograd_plus/player/interpreter.wasm", import.meta.url),
);

function median(times) {
  return times.sort((a, b) => a - b)[Math.floor(times.length / 2)];
}

const found = [];
for (const { setup, data, points } of jobs) {
  const grid = Float64Array.from(points.flat());
  const ways = [];
  for (const module of [MODULE, null]) {
    const made = [];
    for (let i = 0; i < rounds; i += 1) {
      const begin = performance.now();
      await create(setup, data, rows, module);
      made.push(performance.now() - begin);
    }
    ways.push({ training: await create(setup, data, rows, module), made, steps: [], pictures: [] });
  }
  for (let i = 0; i < rounds; i += 1) {
    for (const { training, steps, pictures } of ways) {
      const begin = performance.now();
      training.step(10);
      const middle = performance.now();
      training.outputs(grid);
      steps.push((middle - begin) / 10);
      pictures.push(performance.now() - middle);
    }
  }
  found.push(
    ways.map(({ training, made, steps, pictures }) => ({
      language: training.usesWasm ? "WebAssembly" : "JavaScript",
      made: median(made),
      step: median(steps),
      picture: median(pictures),
      losses: training.losses.slice(0, 10),
    })),
  );
}
console.log(JSON.stringify(found));
