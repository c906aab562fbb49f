/*
 * Runs recorded programs, and writes numbers, for the tests:
 *
 *   node run_programs.mjs FOLDER
 *
 * FOLDER has jobs.json and the doubles of inputs.bin, and gets outputs.bin and texts.json.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { compile } from "../../micrograd_plus/player/arithmetic.js";
import * as numbers from "../../micrograd_plus/player/numbers.js";

const folder = process.argv[2];
const jobs = JSON.parse(readFileSync(`${folder}/jobs.json`, "utf-8"));

function doubles(path) {
  const bytes = readFileSync(path);
  return new Float64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
}

const inputs = doubles(`${folder}/inputs.bin`);
let read = 0;
const results = [];
for (const { program, runs } of jobs.programs) {
  const machine = compile(program);
  for (let i = 0; i < runs; i += 1) {
    results.push(Float64Array.from(machine.run(inputs.subarray(read, read + program.inputs))));
    read += program.inputs;
  }
}
const outputs = new Float64Array(results.reduce((size, one) => size + one.length, 0));
let written = 0;
for (const result of results) {
  outputs.set(result, written);
  written += result.length;
}
writeFileSync(`${folder}/outputs.bin`, outputs);
const rest = [...inputs.subarray(read)];
const texts = jobs.texts.map(({ name, digits, longest }) =>
  rest.map((x) => numbers[name](x, digits, longest ?? undefined)),
);
writeFileSync(`${folder}/texts.json`, JSON.stringify(texts));
