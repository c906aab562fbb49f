import assert from "node:assert/strict";
import { test } from "node:test";
import { formatted, number, rounded } from "../../micrograd_plus/player/numbers.js";

test("a number has five digits that count where nothing else is asked for", () => {
  assert.equal(formatted(1 / 3), "0.33333");
  assert.equal(formatted(-1234567), "−1.2346e6");
  assert.equal(formatted(2.5e-7), "2.5e−7");
});

test("a zero has no sign, and what is no number has a name", () => {
  assert.deepEqual([0, -0, NaN, Infinity, -Infinity].map((x) => formatted(x)), [
    "0",
    "0",
    "nan",
    "inf",
    "−inf",
  ]);
});

test("of two neighbours as near the even one is taken", () => {
  assert.deepEqual([0.125, 0.375, 2.5, 3.5].map((x) => number(x, x < 1 ? 2 : 1)), [
    "0.12",
    "0.38",
    "2",
    "4",
  ]);
  assert.deepEqual([0.125, -0.375, 2.5, -0.5].map((x) => rounded(x, x < 1 ? 2 : 0)), [
    "0.12",
    "−0.38",
    "2",
    "−0.5",
  ]);
  assert.equal(rounded(-0.5, 0), "0");
});

test("digits after the point, but a small number keeps those that count", () => {
  assert.equal(rounded(12.346, 2), "12.35");
  assert.equal(rounded(0.0363, 2), "0.036");
  assert.equal(rounded(100, 0), "100");
});

test("what would be too long has fewer digits", () => {
  assert.equal(number(-1.2345e-10, 5, 9), "−1.23e−10");
});
