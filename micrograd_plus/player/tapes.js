/*
 * Recorded programs over many points: what each of them gives, or its sums in Python's order.
 *
 * One module of WebAssembly runs every program as data; where a page may not have it, the
 * arithmetic in JavaScript does, with the same results. `python -m micrograd_plus.tape.wasm` makes
 * the module, which numbers the gates as GATES does.
 */
import { FUNCTIONS, arity, compile, exact } from "./arithmetic.js";

/**
 * A program as data, without sums and dots, which are taken apart.
 *
 * `program` begins with how many inputs, parameters, constants, slots, outputs and instructions
 * there are. Then come the slots of the outputs, and for each instruction its gate, the slot of its
 * result, and three of operands, those that it does not have being 0. The inputs, parameters and
 * constants lie in the first slots.
 *
 * @typedef {object} ProgramData
 * @property {number[]} program
 * @property {(number | string)[]} constants
 */

/**
 * Runs a program over points, whose numbers stand one point after the other; one without inputs has
 * one point. `values` gives the outputs in the same way; `sum` adds them up: sixteen points by halves, such sums from first to
 * last within 1,024 points, and those from first to last.
 *
 * @typedef {object} Runner
 * @property {(points: ArrayLike<number>, parameters: ArrayLike<number>) => Float64Array} values
 * @property {(points: ArrayLike<number>, parameters: ArrayLike<number>) => Float64Array} sum
 */

/**
 * What runs programs, and in what it does.
 *
 * @typedef {object} Interpreter
 * @property {"WebAssembly" | "JavaScript"} language
 * @property {(data: ProgramData) => Promise<Runner>} load
 */

/**
 * @typedef {object} Sizes
 * @property {number} inputs
 * @property {number} parameters
 * @property {number} constants
 * @property {number} slots
 * @property {number} outputs
 * @property {number} instructions
 */

/** The gates in the order of their numbers. */
export const GATES = [
  ...["fadd", "fsub", "fmul", "fdiv", "fneg", "olt", "ole", "oeq", "select", "fabs", "sqrt"],
  ...["floor", "fmod", "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "tanh", "erf"],
  ...["erfc", "pow", "cbrt", "hypot", "sin", "cos", "tan", "asin", "acos", "atan", "atan2"],
  ...["sinh", "cosh", "asinh", "acosh", "atanh"],
];

const HEADER = 6;
const RECORD = 5;
const BLOCK = 16;
const CHUNK = 1024;
const PAGE = 65536;
/** Points of a block in the order in which sums of neighbours are sums by halves. */
const HALVES = [0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15];

/**
 * The interpreter in the module that the bytes are; in JavaScript without them, or where the page
 * may not have WebAssembly.
 *
 * @param {BufferSource | null} bytes
 * @returns {Promise<Interpreter>}
 */
export async function interpreter(bytes) {
  const module = bytes && (await compiled(bytes));
  if (!module) {
    return { language: "JavaScript", load: loadedInJavaScript };
  }
  return {
    language: "WebAssembly",
    load: async function (data) {
      return loadedInWebAssembly(module, data);
    },
  };
}

/**
 * @param {BufferSource} bytes
 * @returns {Promise<WebAssembly.Module | null>}
 */
async function compiled(bytes) {
  try {
    return await WebAssembly.compile(bytes);
  } catch (error) {
    return null; /* refused by the page's policy, or there is none */
  }
}

/**
 * How many there are of what; throws an Error for what is no program.
 *
 * @param {ProgramData} data
 * @returns {Sizes}
 */
function sizesOf({ program, constants }) {
  const [inputs, parameters, fixed, slots, outputs, instructions] = program;
  const counts = [inputs, parameters, fixed, slots, outputs, instructions];
  const known = inputs + parameters + fixed;
  const length = HEADER + outputs + RECORD * instructions;
  const right = counts.every(isCount) && fixed === constants.length && known <= slots;
  if (!right || length !== program.length || !program.every(isCount)) {
    throw new Error("this is no program: its length is not what it says");
  }
  const gates = HEADER + outputs;
  for (let at = HEADER; at < length; at += 1) {
    const isGate = at >= gates && (at - gates) % RECORD === 0;
    if (program[at] >= (isGate ? GATES.length : slots)) {
      throw new Error(`a program has no ${isGate ? "gate" : "slot"} ${program[at]}`);
    }
  }
  return { inputs, parameters, constants: fixed, slots, outputs, instructions };
}

/**
 * @param {number} x
 * @returns {boolean}
 */
function isCount(x) {
  return Number.isInteger(x) && x >= 0 && x < 2 ** 31;
}

/**
 * How many points there are; throws an Error where numbers are missing.
 *
 * @param {Sizes} sizes
 * @param {ArrayLike<number>} points
 * @param {ArrayLike<number>} parameters
 * @returns {number}
 */
function countOf(sizes, points, parameters) {
  const count = sizes.inputs ? points.length / sizes.inputs : 1;
  if (!Number.isInteger(count) || parameters.length !== sizes.parameters) {
    throw new Error(
      `the program takes points of ${sizes.inputs} numbers and ${sizes.parameters} parameters`,
    );
  }
  return count;
}

/**
 * The total of what is summed for each chunk of points, from first to last.
 *
 * @param {number} count of points
 * @param {number} outputs
 * @param {(start: number, end: number) => Float64Array} sumOfChunk
 * @returns {Float64Array}
 */
function sumOfChunks(count, outputs, sumOfChunk) {
  const total = new Float64Array(outputs);
  for (let start = 0; start < count; start += CHUNK) {
    addTo(total, sumOfChunk(start, Math.min(start + CHUNK, count)));
  }
  return total;
}

/**
 * @param {Float64Array} total
 * @param {Float64Array} numbers
 */
function addTo(total, numbers) {
  for (let k = 0; k < total.length; k += 1) {
    total[k] += numbers[k];
  }
}

/**
 * @param {WebAssembly.Module} module
 * @param {ProgramData} data
 * @returns {Promise<Runner>}
 */
async function loadedInWebAssembly(module, data) {
  const sizes = sizesOf(data);
  const instance = await WebAssembly.instantiate(module, { math: FUNCTIONS });
  /** @type {any} */
  const { values, sum, memory, heap } = instance.exports;
  /* the places of numbers of eight bytes, each at a whole vector */
  let end = heap.value / 8;
  /** @param {number} count */
  function placed(count) {
    const at = end;
    end += 2 * Math.ceil(count / 2);
    return at;
  }
  const programAt = placed(data.program.length / 2);
  const constantsAt = placed(sizes.constants);
  const parametersAt = placed(sizes.parameters);
  const sumsAt = placed(sizes.outputs);
  const scratchAt = placed((sizes.slots + sizes.outputs) * BLOCK);
  let numbers = grown(memory, end);
  new Int32Array(memory.buffer).set(data.program, programAt * 2);
  numbers.set(data.constants.map(exact), constantsAt);

  /**
   * @param {(...places: number[]) => void} run
   * @param {ArrayLike<number>} points
   * @param {ArrayLike<number>} parameters
   * @param {number} count
   * @param {number} outputsAt
   */
  function performed(run, points, parameters, count, outputsAt) {
    numbers.set(points, end);
    numbers.set(parameters, parametersAt);
    const places = [end, parametersAt, constantsAt, scratchAt, outputsAt, programAt];
    run(count, ...places.map((place) => place * 8));
  }

  return {
    values: function (points, parameters) {
      const count = countOf(sizes, points, parameters);
      const outputsAt = end + points.length;
      const outputsEnd = outputsAt + count * sizes.outputs;
      numbers = grown(memory, outputsEnd);
      performed(values, points, parameters, count, outputsAt);
      return numbers.slice(outputsAt, outputsEnd);
    },
    sum: function (points, parameters) {
      const count = countOf(sizes, points, parameters);
      const all = Float64Array.from(points);
      numbers = grown(memory, end + Math.min(all.length, CHUNK * sizes.inputs));
      return sumOfChunks(count, sizes.outputs, (start, stop) => {
        const chunk = all.subarray(start * sizes.inputs, stop * sizes.inputs);
        performed(sum, chunk, parameters, stop - start, sumsAt);
        return numbers.subarray(sumsAt, sumsAt + sizes.outputs);
      });
    },
  };
}

/**
 * A memory with room for so many numbers of eight bytes.
 *
 * @param {WebAssembly.Memory} memory
 * @param {number} count
 * @returns {Float64Array}
 */
function grown(memory, count) {
  const missing = count * 8 - memory.buffer.byteLength;
  if (missing > 0) {
    memory.grow(Math.ceil(missing / PAGE));
  }
  return new Float64Array(memory.buffer);
}

/**
 * @param {ProgramData} data
 * @returns {Promise<Runner>}
 */
async function loadedInJavaScript(data) {
  const sizes = sizesOf(data);
  const machine = compile(asProgram(data, sizes));
  const given = new Float64Array(sizes.inputs + sizes.parameters);

  /**
   * @param {ArrayLike<number>} points
   * @param {number} point
   */
  function outputs(points, point) {
    for (let i = 0; i < sizes.inputs; i += 1) {
      given[i] = points[point * sizes.inputs + i];
    }
    return machine.run(given);
  }

  return {
    values: function (points, parameters) {
      const count = countOf(sizes, points, parameters);
      const found = new Float64Array(count * sizes.outputs);
      given.set(parameters, sizes.inputs);
      for (let point = 0; point < count; point += 1) {
        found.set(outputs(points, point), point * sizes.outputs);
      }
      return found;
    },
    sum: function (points, parameters) {
      const count = countOf(sizes, points, parameters);
      given.set(parameters, sizes.inputs);
      return sumOfChunks(count, sizes.outputs, (start, stop) => {
        const total = new Float64Array(sizes.outputs);
        for (let block = start; block < stop; block += BLOCK) {
          addTo(
            total,
            sumByHalves(sizes.outputs, (lane) =>
              block + lane < stop ? outputs(points, block + lane) : null,
            ),
          );
        }
        return total;
      });
    },
  };
}

/**
 * The sum of the outputs of a block of points, where a point that is missing counts 0.
 *
 * @param {number} outputs
 * @param {(lane: number) => Float64Array | null} outputsOf
 * @returns {Float64Array}
 */
function sumByHalves(outputs, outputsOf) {
  /** @type {Float64Array[]} */
  const sums = [];
  HALVES.forEach((lane, n) => {
    let latest = Float64Array.from(outputsOf(lane) ?? new Float64Array(outputs));
    for (let bit = 1; n & bit; bit *= 2) {
      const before = /** @type {Float64Array} */ (sums.pop());
      addTo(before, latest);
      latest = before;
    }
    sums.push(latest);
  });
  return sums[0];
}

/**
 * The program with a register for each result, in place of slots that are used again.
 *
 * @param {ProgramData} data
 * @param {Sizes} sizes
 * @returns {import("./arithmetic.js").Program}
 */
function asProgram({ program, constants }, sizes) {
  const inputs = sizes.inputs + sizes.parameters;
  const first = inputs + sizes.constants;
  const arities = GATES.map(arity);
  const registers = Int32Array.from({ length: sizes.slots }, (_, slot) => slot);
  /** @type {number[]} */
  const code = [];
  for (let i = 0; i < sizes.instructions; i += 1) {
    const at = HEADER + sizes.outputs + RECORD * i;
    const operands = program.slice(at + 2, at + 2 + arities[program[at]]);
    code.push(program[at], ...operands.map((slot) => registers[slot]));
    registers[program[at + 1]] = first + i;
  }
  const outputs = program.slice(HEADER, HEADER + sizes.outputs);
  return {
    inputs,
    constants,
    operations: GATES,
    code,
    outputs: outputs.map((slot) => registers[slot]),
  };
}
