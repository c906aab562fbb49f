/*
 * The arithmetic of recorded programs: it runs forward rules over numbered registers, and knows no
 * derivative. Gradients are numbers that a program computes like any others.
 *
 * Instructions give the same bits as Python's; functions are those of Math, and erf and erfc, which
 * Math lacks. Every statement ends with a semicolon and no comment with its line, so the text may
 * lose its line breaks.
 */

/**
 * A program as plain data.
 *
 * The registers are the inputs, the constants, and one for each instruction. An instruction stands
 * in `code` as the place of its operation in `operations`, the number of operands if it is a sum or
 * dot, and the registers of its operands, which come before its own.
 *
 * @typedef {object} Program
 * @property {number} inputs how many numbers it takes
 * @property {(number | string)[]} constants
 * @property {string[]} operations
 * @property {number[]} code
 * @property {number[]} outputs the registers that it gives
 */

/**
 * A program that is ready to run. `run` gives the same array each time, with other numbers in it.
 *
 * @typedef {object} Machine
 * @property {(inputs: ArrayLike<number>) => Float64Array} run
 */

/** @typedef {(x: number) => number} Unary */
/** @typedef {(x: number, y: number) => number} Binary */

/** How many operands each instruction takes; the place of its name is its number in `perform`. */
const INSTRUCTIONS = Object.entries({
  fadd: 2,
  fsub: 2,
  fmul: 2,
  fdiv: 2,
  fneg: 1,
  fabs: 1,
  sqrt: 1,
  olt: 2,
  ole: 2,
  oeq: 2,
  select: 3,
});

/** The numbers in `perform` of what is no single instruction. */
const SUM = 11;
const DOT = 12;
const CALL_UNARY = 13;
const CALL_BINARY = 14;

/** @type {Record<string, Unary>} */
const UNARY = {
  floor: Math.floor,
  exp: Math.exp,
  exp2: exp2,
  expm1: Math.expm1,
  log: Math.log,
  log2: Math.log2,
  log10: Math.log10,
  log1p: Math.log1p,
  tanh: Math.tanh,
  erf: erf,
  erfc: erfc,
  cbrt: Math.cbrt,
  sin: Math.sin,
  cos: Math.cos,
  tan: Math.tan,
  asin: Math.asin,
  acos: Math.acos,
  atan: Math.atan,
  sinh: Math.sinh,
  cosh: Math.cosh,
  asinh: Math.asinh,
  acosh: Math.acosh,
  atanh: Math.atanh,
};

/** @type {Record<string, Binary>} */
const BINARY = {
  fmod: fmod,
  pow: pow,
  hypot: Math.hypot,
  atan2: Math.atan2,
};

/** The functions of Math and the others, under the names that they have in C. */
export const FUNCTIONS = { ...UNARY, ...BINARY };

/**
 * How many operands an operation takes; -1 where it takes any number of them.
 *
 * @param {string} operation
 * @returns {number}
 */
export function arity(operation) {
  return meaning(operation).arity;
}

/**
 * A number that JSON holds: itself, or the text "inf", "-inf" or "nan".
 *
 * @param {number | string} written
 * @returns {number}
 */
export function exact(written) {
  if (typeof written === "number") {
    return written;
  }
  return written === "inf" ? Infinity : written === "-inf" ? -Infinity : NaN;
}

/**
 * Make a program ready to run; throws an Error for what is none.
 *
 * @param {Program} program
 * @returns {Machine}
 */
export function compile(program) {
  const first = program.inputs + program.constants.length;
  const { steps, lists } = decoded(program, first);
  const registers = new Float64Array(first + steps.length / 4);
  registers.set(program.constants.map(exact), program.inputs);
  const given = Int32Array.from(program.outputs);
  requireRegisters(given, registers.length);
  const outputs = new Float64Array(given.length);

  /** @param {ArrayLike<number>} inputs */
  function run(inputs) {
    if (inputs.length !== program.inputs) {
      throw new Error(`the program takes ${program.inputs} numbers, not ${inputs.length}`);
    }
    registers.set(inputs);
    perform(steps, lists, registers, first);
    for (let i = 0; i < given.length; i += 1) {
      outputs[i] = registers[given[i]];
    }
    return outputs;
  }

  return { run };
}

/**
 * The code in steps of four numbers: what to do, and three operands. The registers of a sum or dot
 * stand in `lists`, and its operands are where they begin and end there; a call has the place of
 * its function for an operand.
 *
 * @param {Program} program
 * @param {number} first the register of the first instruction
 * @returns {{ steps: Int32Array, lists: Int32Array }}
 */
function decoded(program, first) {
  const meanings = program.operations.map(meaning);
  const code = program.code;
  /** @type {number[]} */
  const steps = [];
  /** @type {number[]} */
  const lists = [];
  let at = 0;
  while (at < code.length) {
    const known = meanings[code[at]];
    if (!known) {
      throw new Error(`a program has no operation ${code[at]}`);
    }
    const begin = at + (known.arity < 0 ? 2 : 1);
    const end = begin + (known.arity < 0 ? code[at + 1] : known.arity);
    const operands = code.slice(begin, end);
    if (operands.length !== end - begin) {
      throw new Error("the code of a program ends amid an instruction");
    }
    requireRegisters(operands, first + steps.length / 4);
    if (known.arity < 0) {
      steps.push(known.step, lists.length, lists.length + operands.length, 0);
      lists.push(...operands);
    } else {
      const [a = 0, b = 0, c = known.place] = operands;
      steps.push(known.step, a, b, c);
    }
    at = end;
  }
  return { steps: Int32Array.from(steps), lists: Int32Array.from(lists) };
}

/**
 * What an operation is: its number in `perform`, how many operands it takes (-1 for any number of
 * them), and the place of a function.
 *
 * @param {string} name
 * @returns {{ step: number, arity: number, place: number }}
 */
function meaning(name) {
  const step = INSTRUCTIONS.findIndex(function ([known]) {
    return known === name;
  });
  if (step >= 0) {
    return { step, arity: INSTRUCTIONS[step][1], place: 0 };
  }
  if (name === "sum" || name === "dot") {
    return { step: name === "sum" ? SUM : DOT, arity: -1, place: 0 };
  }
  const unary = Object.keys(UNARY).indexOf(name);
  if (unary >= 0) {
    return { step: CALL_UNARY, arity: 1, place: unary };
  }
  const binary = Object.keys(BINARY).indexOf(name);
  if (binary >= 0) {
    return { step: CALL_BINARY, arity: 2, place: binary };
  }
  throw new Error(`there is no operation ${name}`);
}

/**
 * @param {ArrayLike<number>} registers
 * @param {number} count how many there are
 */
function requireRegisters(registers, count) {
  for (let i = 0; i < registers.length; i += 1) {
    const r = registers[i];
    if (!(Number.isInteger(r) && r >= 0 && r < count)) {
      throw new Error(`a program reads register ${r}, which is not there yet`);
    }
  }
}

const UNARY_FUNCTIONS = Object.values(UNARY);
const BINARY_FUNCTIONS = Object.values(BINARY);

/**
 * Run all steps once. The cases are bare numbers because only these become a table of jumps.
 *
 * @param {Int32Array} steps
 * @param {Int32Array} lists
 * @param {Float64Array} registers
 * @param {number} first
 */
function perform(steps, lists, registers, first) {
  let target = first;
  for (let at = 0; at < steps.length; at += 4) {
    const a = steps[at + 1];
    const b = steps[at + 2];
    const c = steps[at + 3];
    let result = 0;
    switch (steps[at]) {
      case 0 /* fadd */:
        result = registers[a] + registers[b];
        break;
      case 1 /* fsub */:
        result = registers[a] - registers[b];
        break;
      case 2 /* fmul */:
        result = registers[a] * registers[b];
        break;
      case 3 /* fdiv */:
        result = registers[a] / registers[b];
        break;
      case 4 /* fneg */:
        result = -registers[a];
        break;
      case 5 /* fabs */:
        result = Math.abs(registers[a]);
        break;
      case 6 /* sqrt */:
        result = Math.sqrt(registers[a]);
        break;
      case 7 /* olt */:
        result = registers[a] < registers[b] ? 1 : 0;
        break;
      case 8 /* ole */:
        result = registers[a] <= registers[b] ? 1 : 0;
        break;
      case 9 /* oeq */:
        result = registers[a] === registers[b] ? 1 : 0;
        break;
      case 10 /* select, for which nan is true */:
        result = registers[a] !== 0 ? registers[b] : registers[c];
        break;
      case 11 /* sum */:
        result = sum(lists, registers, a, b);
        break;
      case 12 /* dot */:
        result = dot(lists, registers, a, b);
        break;
      case 13 /* a function of one operand */:
        result = UNARY_FUNCTIONS[c](registers[a]);
        break;
      case 14 /* a function of two operands */:
        result = BINARY_FUNCTIONS[c](registers[a], registers[b]);
        break;
    }
    registers[target] = result;
    target += 1;
  }
}

/**
 * The registers of a list added from left to right, beginning with 0.
 *
 * @param {Int32Array} lists
 * @param {Float64Array} registers
 * @param {number} begin
 * @param {number} end
 * @returns {number}
 */
function sum(lists, registers, begin, end) {
  let total = 0;
  for (let i = begin; i < end; i += 1) {
    total += registers[lists[i]];
  }
  return total;
}

/**
 * A bias, and the products of as many weights as inputs added to it from left to right.
 *
 * @param {Int32Array} lists
 * @param {Float64Array} registers
 * @param {number} begin
 * @param {number} end
 * @returns {number}
 */
function dot(lists, registers, begin, end) {
  const half = (end - begin - 1) / 2;
  let total = registers[lists[begin]];
  for (let i = begin + 1; i <= begin + half; i += 1) {
    total += registers[lists[i]] * registers[lists[i + half]];
  }
  return total;
}

/** @type {Binary} */
function fmod(x, y) {
  return x % y;
}

/** @type {Unary} */
function exp2(x) {
  return Math.pow(2, x);
}

/**
 * IEEE 754 has 1 where the base is 1, and where it is -1 and the exponent infinite; Math.pow nan.
 *
 * @type {Binary}
 */
function pow(x, y) {
  if (x === 1 || (x === -1 && Math.abs(y) === Infinity)) {
    return 1;
  }
  return Math.pow(x, y);
}

const TWO_OVER_ROOT_PI = 2 / Math.sqrt(Math.PI);

/** The coefficients of its Maclaurin series, as many as count in a double up to |x| = 0.5. */
const SERIES = maclaurin(14);

/**
 * The coefficients of (1 + 2x)·exp(x²)·erfc(x), for x from 0 on, in Chebyshev polynomials of
 * t = (x − 4)/(x + 4); the first is halved. They are sums over the polynomials' zeros, reckoned
 * with forty digits. That the function is smooth in t up to x = ∞, where t = 1, is the idea of
 * Schonfelder, Chebyshev expansions for the error and related functions, 1978; the factor 1 + 2x
 * keeps it between 0.9 and 1.3, so that all its digits count.
 */
const CHEBYSHEV = [
  1.1774832005374487, -0.007260796620301901, -0.081265123236185, 0.06009212804122225,
  -0.02875393558027666, 0.01059566336347286, -0.003136927294554264, 0.0007456494372536184,
  -0.0001369696503010054, 1.7183861600300937e-5, -7.158364623450346e-7, -2.4261399442449534e-7,
  5.5765709395703566e-8, -2.1057869513809494e-9, -1.1717889351884957e-9, 1.9098355172456688e-10,
  1.408871764208813e-11, -6.901108320480815e-12, 9.167958364111294e-14, 2.1454508286554553e-13,
  -1.4716575027010623e-14, -6.668675118770408e-15, 7.504598509880083e-16, 2.22009300666632e-16,
  -3.1704898956330886e-17, -8.193570309884331e-18,
];

/**
 * (−1)ⁿ / (n!·(2n + 1)) for n from 0 on.
 *
 * @param {number} count
 * @returns {Float64Array}
 */
function maclaurin(count) {
  const coefficients = new Float64Array(count);
  let factorial = 1;
  for (let n = 0; n < count; n += 1) {
    factorial *= n || 1;
    coefficients[n] = (n % 2 ? -1 : 1) / (factorial * (2 * n + 1));
  }
  return coefficients;
}

/**
 * erf(x) up to |x| = 0.5.
 *
 * @type {Unary}
 */
function erfNearZero(x) {
  const square = x * x;
  let total = 0;
  for (let n = SERIES.length - 1; n >= 0; n -= 1) {
    total = total * square + SERIES[n];
  }
  return x * (TWO_OVER_ROOT_PI * total);
}

/**
 * erfc(x) for x from 0.25 on.
 *
 * @type {Unary}
 */
function erfcOfTail(x) {
  if (x > 28) {
    return 0;
  }
  /* Clenshaw's recurrence, but for the first coefficient, which is added last */
  const t = (x - 4) / (x + 4);
  let one = 0;
  let two = 0;
  for (let n = CHEBYSHEV.length - 1; n > 0; n -= 1) {
    const next = 2 * t * one - two + CHEBYSHEV[n];
    two = one;
    one = next;
  }
  /* the square of the shorter number is exact, and so is 1 + 2·short; what x has beyond it changes
     the result by little, which is reckoned apart */
  const short = Math.fround(x);
  const rest = x - short;
  const smooth = (CHEBYSHEV[0] + (t * one - two)) / (1 + 2 * short);
  const power = Math.expm1(-rest * (x + short));
  const factor = (-2 * rest) / (1 + 2 * x);
  const change = power + factor + power * factor;
  return Math.exp(-short * short) * (smooth + smooth * change);
}

/**
 * The error function 2/√π ∫₀ˣ exp(−t²) dt.
 *
 * @type {Unary}
 */
export function erf(x) {
  const size = Math.abs(x);
  if (!(size > 0.5)) {
    return erfNearZero(x);
  }
  const found = 1 - erfcOfTail(size);
  return x < 0 ? -found : found;
}

/**
 * 1 − erf(x), with all its digits where that is next to 0.
 *
 * @type {Unary}
 */
export function erfc(x) {
  if (x > 0.25) {
    return erfcOfTail(x);
  }
  return x < -0.5 ? 2 - erfcOfTail(-x) : 1 - erfNearZero(x);
}
