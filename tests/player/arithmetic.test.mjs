import assert from "node:assert/strict";
import { test } from "node:test";
import { compile, erf, erfc, exact } from "../../micrograd_plus/player/arithmetic.js";

function program(operations, code, more = {}) {
  return { inputs: 2, constants: [], operations, code, outputs: [2], ...more };
}

test("a program runs again and again on other inputs, in the same array", () => {
  const machine = compile(program(["fmul"], [0, 0, 1]));
  const first = machine.run([2, 3]);
  assert.equal(first[0], 6);
  assert.equal(machine.run(new Float64Array([4, 5])), first);
  assert.equal(first[0], 20);
});

test("constants that JSON lacks are texts", () => {
  const constants = ["inf", "-inf", "nan", -0];
  const machine = compile(program([], [], { constants, outputs: [2, 3, 4, 5, 0] }));
  assert.deepEqual([...machine.run([7, 8])], [Infinity, -Infinity, NaN, -0, 7]);
  assert.equal(exact(0.1), 0.1);
});

test("a sum takes any number of operands, and a dot a bias before weights and inputs", () => {
  const sums = compile(program(["sum"], [0, 3, 0, 1, 0]));
  assert.equal(sums.run([1, 10])[0], 12);
  assert.ok(Object.is(compile(program(["sum"], [0, 1, 0])).run([-0, 0])[0], 0));
  assert.equal(compile(program(["dot"], [0, 3, 0, 1, 1])).run([1, 10])[0], 101);
});

test("what is not chosen does not count, and nan is true", () => {
  const choice = compile(program(["select"], [0, 0, 0, 1]));
  assert.equal(choice.run([0, 5])[0], 5);
  assert.deepEqual(choice.run([NaN, 5])[0], NaN);
});

test("a program that reads what is not there is refused", () => {
  const wrong = [
    program(["fadd"], [0, 0, 2]),
    program(["fadd"], [0, 0]),
    program(["fadd"], [1, 0, 0]),
    program(["fadd"], [0, 0, -1]),
    program(["fadd"], [0, 0, 0.5]),
    program(["constructor"], [0, 0]),
    program(["fadd"], [0, 0, 1], { outputs: [3] }),
  ];
  for (const one of wrong) {
    assert.throws(() => compile(one), Error);
  }
  assert.throws(() => compile(program(["fadd"], [0, 0, 1])).run([1]), /takes 2 numbers, not 1/);
});

test("the error function at its ends", () => {
  assert.deepEqual([erf(Infinity), erf(-Infinity), erf(NaN)], [1, -1, NaN]);
  assert.deepEqual([erfc(Infinity), erfc(-Infinity), erfc(NaN)], [0, 2, NaN]);
  assert.ok(Object.is(erf(-0), -0));
  assert.equal(erf(5e-324), 5e-324);
  assert.equal(erfc(27.5), 0);
});
