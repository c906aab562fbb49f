/* The playground's data: classic sets, what is held out, and tables that are pasted. */

import assert from "node:assert/strict";
import test from "node:test";

import {
  MOST_COLUMNS, MOST_ROWS, SETS, TableError, classesOf, divided, limits, made, table, widest,
} from "../../micrograd_plus/player/points.js";

test("a set has as many points as asked for, half of each class, and the same for the same seed", () => {
  for (const name of Object.keys(SETS)) {
    const points = made(name, 100, 0.1, 3);
    assert.equal(points.x.length, 100);
    assert.equal(points.y.filter((label) => label === 1).length, 50);
    assert.ok(points.x.flat().every(Number.isFinite));
    assert.deepEqual(made(name, 100, 0.1, 3), points);
    assert.notDeepEqual(made(name, 100, 0.1, 4), points);
  }
});

test("the corners of xor have the class of their signs", () => {
  const { x, y } = made("xor", 200, 0, 1);
  x.forEach(([u, v], k) => assert.equal(y[k], Number(u * v < 0)));
});

test("noise has its standard deviation", () => {
  const still = made("circles", 2000, 0, 1);
  const moved = made("circles", 2000, 0.3, 1);
  const apart = moved.x.flatMap((x, k) => x.map((one, i) => one - still.x[k][i]));
  const deviation = Math.sqrt(apart.reduce((sum, one) => sum + one * one, 0) / apart.length);
  assert.ok(Math.abs(deviation - 0.3) < 0.015);
});

test("every point is held out or learned from, and one at least is left to learn from", () => {
  for (const share of [0, 0.3, 0.9, 1]) {
    const { train, test: held } = divided(50, share, 2);
    assert.deepEqual([...train, ...held].sort((a, b) => a - b), Array.from({ length: 50 }, (_, k) => k));
    assert.equal(held.length, Math.min(Math.round(50 * share), 49));
  }
});

test("limits have room around the points, and some where there is no extent", () => {
  assert.deepEqual(limits([[0, 5], [10, 5]], 2), [[-1.5, 11.5], [4, 6]]);
  assert.deepEqual(limits([], 1), [[-1.5, 1.5]]);
});

test("the plane is of the inputs that vary most", () => {
  assert.deepEqual(widest([[0, 5, 1, 9], [0, 6, 4, 1]], 4), [2, 3]);
  assert.deepEqual(widest([[0, 5], [9, 5]], 2), [0, 1]);
  assert.deepEqual(widest([[0], [1]], 1), [0, 0]);
});

test("a table is read with any separator, with a heading and empty lines", () => {
  const wanted = { x: [[1, -2.5], [0.5, 3e2]], y: [0, 2] };
  for (const text of [
    "1,-2.5,0\n.5,3e2,2", "x\ty\tclass\r\n1\t−2.5\t0\r\n0.5\t300\t2\r\n", " 1  -2.5 0\n\n0.5 300 2 ",
    "1; -2.5; 0\n0.5; 300; 2",
  ]) {
    assert.deepEqual(table(text), wanted);
  }
  assert.equal(classesOf(wanted.y), 3);
});

test("what is no table is refused by line and column", () => {
  const wide = Array.from({ length: MOST_COLUMNS + 1 }, () => "1").join(",");
  const long = "0,0,0\n".repeat(MOST_ROWS + 1);
  for (const [text, words] of [
    ["1,2,0\n1,two,0", /^Line 2, column 2: “two” is no number\.$/],
    ["1,2,0\n1,2", /^Line 2, column 3: this line has 2 numbers, the first one 3\.$/],
    ["1,2,0\n1,2,0,4", /^Line 2, column 4: /],
    ["1,2,0.5", /^Line 1, column 3: a class is 0, 1, … or 5, not 0\.5\.$/],
    ["1,2,6", /^Line 1, column 3: a class/],
    ["1,2,-1", /^Line 1, column 3: a class/],
    ["1,0\n1e999,0", /^Line 2, column 1: “1e999” is no number/],
    ["1,0\n1_0,0", /^Line 2, column 1: /],
    ["1,0\n0x10,0", /^Line 2, column 1: /],
    ["1,0\n,0", /^Line 2, column 1: “” is no number/],
    [`1,0\n${"9".repeat(50)},0`, /^Line 2, column 1: “9{20}…” is no number/],
    ["5", /^Line 1, column 2: a line has 2 to 16 numbers/],
    [wide, /^Line 1, column 17: /],
    [long, /^Line 10001: a table has at most 10000 points/],
    ["", /no line of numbers/],
    ["a,b\n", /no line of numbers/],
  ]) {
    assert.throws(() => table(text), (error) => error instanceof TableError && words.test(error.message), text.slice(0, 30));
  }
});
