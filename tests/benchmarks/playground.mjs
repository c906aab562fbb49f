/*
 * node playground.mjs FILE: for each job in FILE how many milliseconds a network takes to be put
 * together, a step, and a picture, as JSON: in each language, and in TensorFlow's playground where
 * there is one. `timed` runs in a browser, too.
 */
import { create } from "../../micrograd_plus/player/training.js";

const LANGUAGES = ["WebAssembly", "JavaScript"];
const WARMTH = 500; /* milliseconds */

function median(times) {
  return times.sort((a, b) => a - b)[Math.floor(times.length / 2)];
}

/** Ours in one language. */
async function ours({ setup, data, points }, rows, module, rounds) {
  const made = [];
  for (let i = 0; i < rounds; i += 1) {
    const begin = performance.now();
    await create(setup, data, rows, module);
    made.push(performance.now() - begin);
  }
  const training = await create(setup, data, rows, module);
  const grid = Float64Array.from(points.flat());
  return {
    language: LANGUAGES[Number(!training.usesWasm)],
    made: median(made),
    step: (n) => training.step(n),
    picture: () => training.outputs(grid),
    losses: () => training.losses.slice(0, 10),
  };
}

/**
 * Theirs, from the same weights: an epoch as its page does one, in batches. Its loss is half of the
 * square, and so its rate is twice ours.
 */
function theirs(nn, { setup, data, points }) {
  const widths = [setup.inputs, ...setup.layers.map(({ units }) => units)];
  const names = Array.from({ length: setup.inputs }, (_, i) => `x${i}`);
  const { RELU, LINEAR } = nn.Activations;
  const network = nn.buildNetwork(widths, RELU, LINEAR, null, names);
  const weights = [...setup.weights];
  for (const node of network.slice(1).flat()) {
    for (const link of node.inputLinks) {
      link.weight = weights.shift();
    }
    node.bias = weights.shift();
  }
  const { x, y } = data.train;
  const batch = setup.batch || x.length;
  const rate = 2 * setup.optimizer.learning_rate;
  const losses = [];
  let at = 0;
  let total = 0;
  function step() {
    for (let i = 0; i < batch; i += 1) {
      const output = nn.forwardProp(network, x[at]);
      total += 2 * nn.Errors.SQUARE.error(output, y[at]);
      nn.backProp(network, y[at], nn.Errors.SQUARE);
      at += 1;
    }
    nn.updateWeights(network, rate, 0);
    if (at === x.length) {
      losses.push(total / x.length);
      at = 0;
      total = 0;
    }
  }
  return {
    language: "TensorFlow's",
    made: NaN,
    step: (n) => Array.from({ length: n }, step),
    picture: () => points.map((point) => nn.forwardProp(network, point)),
    losses: () => losses.slice(0, 10),
  };
}

/** Steps, not timed, for as long as it takes to be compiled. */
function warmed({ step }) {
  const end = performance.now() + WARMTH;
  while (performance.now() < end) {
    step(10);
  }
}

/** Rounds of all ways taken in turn. */
export async function timed({ rows, jobs, rounds }, module, nn) {
  const found = [];
  for (const job of jobs) {
    const ways = [await ours(job, rows, module, rounds), await ours(job, rows, null, rounds)];
    if (nn && job.peer) {
      ways.push(theirs(nn, job));
    }
    ways.forEach(warmed);
    const times = ways.map(() => ({ steps: [], pictures: [] }));
    for (let i = 0; i < rounds; i += 1) {
      ways.forEach(({ step, picture }, k) => {
        const begin = performance.now();
        step(10);
        const middle = performance.now();
        picture();
        times[k].steps.push((middle - begin) / 10);
        times[k].pictures.push(performance.now() - middle);
      });
    }
    found.push(
      ways.map(({ language, made, losses }, k) => ({
        language,
        made,
        step: median(times[k].steps),
        picture: median(times[k].pictures),
        losses: losses(),
      })),
    );
  }
  return found;
}

if (typeof process === "object") {
  const { readFileSync } = await import("node:fs");
  const asked = JSON.parse(readFileSync(process.argv[2], "utf-8"));
  const wasm = new URL("../../micrograd_plus/player/interpreter.wasm", import.meta.url);
  const nn = asked.peer && (await import(asked.peer));
  console.log(JSON.stringify(await timed(asked, readFileSync(wasm), nn)));
}
