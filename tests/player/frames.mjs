/* Reads players as JSON lines; writes for each view what its frames show, as the page would. */

import { createInterface } from "node:readline";

import { compile, exact } from "../../micrograd_plus/player/arithmetic.js";
import {
  derivativeText, frames, sentence, stateAt, valueText, wireText,
} from "../../micrograd_plus/player/scene.js";

function text(lines) {
  return lines.map((line) => line.map(([piece]) => piece).join("")).join(" ");
}

function shown(view, numbers) {
  const all = frames(view, numbers);
  return all.map((frame, k) => {
    const state = stateAt(view, all.slice(0, k + 1), numbers);
    return {
      kind: frame[0],
      values: view.boxes.map((_, i) => text([valueText(view, i, state, numbers)])),
      derivatives: view.boxes.map((_, i) => text([derivativeText(view, i, state)])),
      wires: view.wires.map((_, i) => text(wireText(view, i, state, numbers))),
      sentence: sentence(view, frame, state, numbers),
    };
  });
}

for await (const line of createInterface({ input: process.stdin })) {
  const { views, leaves, point } = JSON.parse(line);
  console.log(JSON.stringify(views.map((view) => {
    const given = leaves.map((leaf, k) => (point ? point[k] : exact(leaf.value)));
    const inputs = view.inputs.map((k) => given[k]);
    const ran = view.program && point ? Array.from(compile(view.program).run(inputs)) : null;
    return { frames: shown(view, ran ?? view.numbers.map(exact)), ran };
  })));
}
