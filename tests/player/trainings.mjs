/* Reads jobs from a file and does each in turn; writes what came of them to standard output. */

import { readFileSync } from "node:fs";
import { create, namesIn } from "../../micrograd_plus/player/training.js";

const MODULE = readFileSync(
  new URL("../../micrograd_plus/player/interpreter.wasm", import.meta.url),
);
const { rows, jobs } = JSON.parse(readFileSync(process.argv[2], "utf-8"));

async function done({ setup, data, wasm, epochs, points, reseed, data2, best }) {
  try {
    const training = await create(setup, data, rows, wasm ? MODULE : null);
    if (reseed !== undefined) {
      training.reset(reseed);
    }
    const first = [...training.weights];
    for (let i = 0; i < epochs; i += 1) {
      training.epoch();
    }
    if (data2) {
      training.setData(data2);
      training.epoch();
    }
    if (best) {
      training.restoreBest();
    }
    return {
      first,
      usesWasm: training.usesWasm,
      losses: training.losses,
      testLosses: training.testLosses,
      weights: [...training.weights],
      gradients: [...training.gradients],
      steps: training.steps,
      rate: training.rate,
      learns: training.learns,
      layout: training.layout,
      outputs: [...training.outputs(points)],
      units: training.units(points).map((layer) => [...layer]),
      lossAt: training.lossAt(training.weights),
      file: training.toModelFile(),
      python: training.toPython(),
      best: training.best && { ...training.best, weights: [...training.best.weights] },
    };
  } catch (error) {
    return { error: error.message };
  }
}

const found = [];
for (const job of jobs) {
  found.push(await done(job));
}
console.log(JSON.stringify({ found, names: namesIn(rows) }));
