/*
 * Recorded programs over many points: what each of them gives, or its sums in Python's order.
 *
 * One module of WebAssembly runs every program as data; where a page may not have it, the
 * arithmetic in JavaScript does, with the same results. `python -m micrograd_plus.tape.wasm` makes
 * the module, which numbers the gates as GATES does.
 */
import { FUNCTIONS, arity, exact } from "./arithmetic.js";

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
 * one point. `values` gives the outputs in the same way; `sum` adds them up: sixteen points by
 * halves, such sums from first to last within 1,024 points, and those from first to last.
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
/** How many numbers an instruction is. */
export const RECORD = 5;
const BLOCK = 16;
/** How many numbers a step in JavaScript is: what is done, where its result is, and operands. */
const STEP = 7;
/** How many points are summed before such sums are added. */
export const CHUNK = 1024;
const PAGE = 65536;

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
      const all = points instanceof Float64Array ? points : Float64Array.from(points);
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
  const { inputs, outputs } = sizes;
  const given = Int32Array.from(data.program.slice(HEADER, HEADER + outputs), (x) => x * BLOCK);
  const steps = fused(sizes, data.program);
  const constants = data.constants.map(exact);
  const lanes = new Float64Array(sizes.slots * BLOCK);

  /**
   * @param {ArrayLike<number>} numbers which are the same for all points
   * @param {number} first their slot
   */
  function spread(numbers, first) {
    for (let i = 0; i < numbers.length; i += 1) {
      lanes.fill(numbers[i], (first + i) * BLOCK, (first + i + 1) * BLOCK);
    }
  }

  /** @param {ArrayLike<number>} parameters */
  function begin(parameters) {
    spread(parameters, inputs);
    spread(constants, inputs + sizes.parameters);
  }

  /**
   * Run the program for a block of points, in whose place the last one stands where it is short.
   *
   * @param {ArrayLike<number>} points
   * @param {number} first
   * @param {number} end of all points
   */
  function run(points, first, end) {
    for (let lane = 0; lane < BLOCK; lane += 1) {
      const point = Math.min(first + lane, end - 1);
      for (let i = 0; i < inputs; i += 1) {
        lanes[i * BLOCK + lane] = points[point * inputs + i];
      }
    }
    performInBlocks(steps, lanes);
  }

  return {
    values: function (points, parameters) {
      const count = countOf(sizes, points, parameters);
      const found = new Float64Array(count * outputs);
      begin(parameters);
      for (let first = 0; first < count; first += BLOCK) {
        run(points, first, count);
        for (let k = 0; k < outputs; k += 1) {
          for (let lane = 0; lane < Math.min(BLOCK, count - first); lane += 1) {
            found[(first + lane) * outputs + k] = lanes[given[k] + lane];
          }
        }
      }
      return found;
    },
    sum: function (points, parameters) {
      const count = countOf(sizes, points, parameters);
      begin(parameters);
      return sumOfChunks(count, outputs, (start, stop) => {
        const total = new Float64Array(outputs);
        for (let first = start; first < stop; first += BLOCK) {
          run(points, first, stop);
          for (let k = 0; k < outputs; k += 1) {
            total[k] += sumOfBlock(lanes, given[k], stop - first);
          }
        }
        return total;
      });
    },
  };
}

/** What is summed of a short block; one is enough, for nothing runs beside it. */
const SHORT = new Float64Array(BLOCK);

/**
 * The sum of a block's numbers, where those of points that are missing count 0.
 *
 * @param {Float64Array} lanes
 * @param {number} at
 * @param {number} count of points
 * @returns {number}
 */
function sumOfBlock(lanes, at, count) {
  if (count >= BLOCK) {
    return sumByHalves(lanes, at);
  }
  for (let lane = 0; lane < BLOCK; lane += 1) {
    SHORT[lane] = lane < count ? lanes[at + lane] : 0;
  }
  return sumByHalves(SHORT, 0);
}

/**
 * Sixteen numbers, folded four times: the upper half is added to the lower.
 *
 * @param {Float64Array} x
 * @param {number} at
 * @returns {number}
 */
function sumByHalves(x, at) {
  const even = twiceFolded(x, at) + twiceFolded(x, at + 2);
  const odd = twiceFolded(x, at + 1) + twiceFolded(x, at + 3);
  return even + odd;
}

/**
 * @param {Float64Array} x
 * @param {number} at
 * @returns {number}
 */
function twiceFolded(x, at) {
  return x[at] + x[at + 8] + (x[at + 4] + x[at + 12]);
}

/**
 * Steps that are two instructions or three, by what the first is, the gate of the second, and
 * which operand of this is the result of the first. Their operands are those of both, in order.
 *
 * @type {Record<string, number>}
 */
const FUSIONS = {
  "fmul fadd 1": 40,
  "fmul select 1": 41,
  "select fadd 1": 42,
  "41 fadd 1": 43,
  "ole select 0": 44,
};

/**
 * The instructions of a program as steps, whose slots are where they begin among the lanes: an
 * instruction that alone reads what the one before it gives is one step with it where such a step
 * is known, so that less is written and read.
 *
 * @param {Sizes} sizes
 * @param {number[]} program
 * @returns {Int32Array}
 */
function fused(sizes, program) {
  const first = HEADER + sizes.outputs;
  const areAlone = aloneIn(sizes, program, first);
  /** @type {number[][]} */
  const steps = [];
  areAlone.forEach((isAlone, i) => {
    const at = first + i * RECORD;
    const step = program.slice(at, at + 2 + arity(GATES[program[at]]));
    const before = steps[steps.length - 1];
    const both = isAlone ? fusion(before, step) : null;
    if (both) {
      steps.pop();
    }
    steps.push(both ?? step);
  });
  const found = new Int32Array(steps.length * STEP);
  steps.forEach(([kind, ...slots], i) => {
    found.set([kind, ...slots.map((slot) => slot * BLOCK)], i * STEP);
  });
  return found;
}

/**
 * For each instruction whether nothing behind it reads what the one before it gives.
 *
 * @param {Sizes} sizes
 * @param {number[]} program
 * @param {number} first
 * @returns {boolean[]}
 */
function aloneIn(sizes, program, first) {
  const isRead = new Array(sizes.slots).fill(false);
  program.slice(HEADER, first).forEach((slot) => {
    isRead[slot] = true;
  });
  const found = new Array(sizes.instructions).fill(false);
  for (let i = sizes.instructions - 1; i > 0; i -= 1) {
    const at = first + i * RECORD;
    isRead[program[at + 1]] = false;
    found[i] = !isRead[program[at + 1 - RECORD]];
    for (let k = 0; k < arity(GATES[program[at]]); k += 1) {
      isRead[program[at + 2 + k]] = true;
    }
  }
  return found;
}

/**
 * Two steps as one, null where there is none that does both. What is added to may change places.
 *
 * @param {number[]} before
 * @param {number[]} step
 * @returns {number[] | null}
 */
function fusion([kind, given, ...operands], [gate, result, ...others]) {
  if (GATES[gate] === "fadd" && others[0] === given) {
    others.reverse();
  }
  const place = others.indexOf(given);
  const both = FUSIONS[`${GATES[kind] ?? kind} ${GATES[gate]} ${place}`];
  if (!both || others.lastIndexOf(given) !== place) {
    return null;
  }
  return [both, result, ...others.slice(0, place), ...operands, ...others.slice(place + 1)];
}

/**
 * Run all steps once for a block of points. The cases are bare numbers because only these become a
 * table of jumps.
 *
 * @param {Int32Array} steps
 * @param {Float64Array} lanes
 */
function performInBlocks(steps, lanes) {
  for (let at = 0; at < steps.length; at += STEP) {
    const result = steps[at + 1];
    const a = steps[at + 2];
    const b = steps[at + 3];
    const c = steps[at + 4];
    const d = steps[at + 5];
    const e = steps[at + 6];
    switch (steps[at]) {
      case 0 /* fadd */:
        for (let i = 0; i < BLOCK; i += 1) {
          lanes[result + i] = lanes[a + i] + lanes[b + i];
        }
        break;
      case 1 /* fsub */:
        for (let i = 0; i < BLOCK; i += 1) {
          lanes[result + i] = lanes[a + i] - lanes[b + i];
        }
        break;
      case 2 /* fmul */:
        for (let i = 0; i < BLOCK; i += 1) {
          lanes[result + i] = lanes[a + i] * lanes[b + i];
        }
        break;
      case 3 /* fdiv */:
        for (let i = 0; i < BLOCK; i += 1) {
          lanes[result + i] = lanes[a + i] / lanes[b + i];
        }
        break;
      case 4 /* fneg */:
        for (let i = 0; i < BLOCK; i += 1) {
          lanes[result + i] = -lanes[a + i];
        }
        break;
      case 5 /* olt */:
        for (let i = 0; i < BLOCK; i += 1) {
          lanes[result + i] = lanes[a + i] < lanes[b + i] ? 1 : 0;
        }
        break;
      case 6 /* ole */:
        for (let i = 0; i < BLOCK; i += 1) {
          lanes[result + i] = lanes[a + i] <= lanes[b + i] ? 1 : 0;
        }
        break;
      case 7 /* oeq */:
        for (let i = 0; i < BLOCK; i += 1) {
          lanes[result + i] = lanes[a + i] === lanes[b + i] ? 1 : 0;
        }
        break;
      case 8 /* select, for which nan is true */:
        for (let i = 0; i < BLOCK; i += 1) {
          lanes[result + i] = lanes[a + i] !== 0 ? lanes[b + i] : lanes[c + i];
        }
        break;
      case 40 /* a product, added */:
        for (let i = 0; i < BLOCK; i += 1) {
          lanes[result + i] = lanes[a + i] + lanes[b + i] * lanes[c + i];
        }
        break;
      case 41 /* a product, selected */:
        for (let i = 0; i < BLOCK; i += 1) {
          lanes[result + i] = lanes[a + i] !== 0 ? lanes[b + i] * lanes[c + i] : lanes[d + i];
        }
        break;
      case 42 /* what is selected, added */:
        for (let i = 0; i < BLOCK; i += 1) {
          lanes[result + i] = lanes[a + i] + (lanes[b + i] !== 0 ? lanes[c + i] : lanes[d + i]);
        }
        break;
      case 43 /* a product, selected, added */:
        for (let i = 0; i < BLOCK; i += 1) {
          const x = lanes[b + i] !== 0 ? lanes[c + i] * lanes[d + i] : lanes[e + i];
          lanes[result + i] = lanes[a + i] + x;
        }
        break;
      case 44 /* select by ole */:
        for (let i = 0; i < BLOCK; i += 1) {
          lanes[result + i] = lanes[a + i] <= lanes[b + i] ? lanes[c + i] : lanes[d + i];
        }
        break;
      default:
        called(steps[at], lanes, result, a, b);
    }
  }
}

/** @type {Record<string, (...operands: number[]) => number>} */
const CALLED = { fabs: Math.abs, sqrt: Math.sqrt, ...FUNCTIONS };

/**
 * @param {number} gate
 * @param {Float64Array} lanes
 * @param {number} result
 * @param {number} a
 * @param {number} b
 */
function called(gate, lanes, result, a, b) {
  const call = CALLED[GATES[gate]];
  const isBinary = arity(GATES[gate]) > 1;
  for (let i = 0; i < BLOCK; i += 1) {
    lanes[result + i] = isBinary ? call(lanes[a + i], lanes[b + i]) : call(lanes[a + i]);
  }
}
