/*
 * How training goes on: the losses over the epochs, and the sizes of gradients.
 */
import { barOf, paintCurves } from "./charts.js";
import { element } from "./elements.js";
import { formatted } from "./numbers.js";

/**
 * @typedef {import("./training.js").Training} Training
 * @typedef {import("./charts.js").Colors} Colors
 */

const MOST_RECORDED = 20000;

/**
 * Losses of every so many epochs, how many epochs there were, and the newest losses.
 *
 * @typedef {{ losses: number[], tests: number[], every: number, epochs: number,
 *   last: (number | undefined)[] }} History
 */

/** @returns {History} */
function noHistory() {
  return { losses: [], tests: [], every: 1, epochs: 0, last: [] };
}

export class Progress {
  /** @param {import("./playground.js").Playground} page */
  constructor(page) {
    this.page = page;
    this.history = noHistory();
    this.isLog = false;
    this.curves = element("canvas", { class: "curves", role: "img" });
    this.sizes = element("ol", { class: "sizes" });
    this.root = element("div", { class: "below" }, this.curving(), this.sizing());
  }

  forget() {
    this.history = noHistory();
  }

  curving() {
    const log = element("input", { type: "checkbox" });
    log.addEventListener("change", () => {
      this.isLog = log.checked;
      this.page.paint();
    });
    return element(
      "figure", {},
      element(
        "figcaption", {}, element("b", {}, "Loss"), element("span", { class: "of-training" }, "training"),
        element("span", { class: "of-test" }, "test"),
        element("label", {}, log, " by factors"),
      ),
      this.curves,
    );
  }

  sizing() {
    return element(
      "figure", {},
      element("figcaption", {}, element("b", {}, "Gradient, layer by layer"),
        element("span", {}, "root mean square, by factors")),
      this.sizes,
    );
  }

  /**
   * Take the losses out of the training; of very many every second one goes, again and again. Gives
   * how many there were.
   *
   * @param {Training} training
   */
  record(training) {
    const { history } = this;
    const [losses, tests] = [training.losses.splice(0), training.testLosses.splice(0)];
    losses.forEach((loss, k) => {
      history.last = [loss, tests[k]];
      if (history.epochs % history.every === 0) {
        history.losses.push(loss);
        history.tests.push(...tests.slice(k, k + 1));
      }
      history.epochs += 1;
    });
    if (history.losses.length > MOST_RECORDED) {
      const isEven = (/** @type {number} */ _, /** @type {number} */ k) => k % 2 === 0;
      history.losses = history.losses.filter(isEven);
      history.tests = history.tests.filter(isEven);
      history.every *= 2;
    }
    return losses.length;
  }

  /** @param {Colors} colors */
  paint(colors) {
    const { losses, tests, every } = this.history;
    paintCurves(this.curves, [
      { values: losses, color: colors.ink, dashes: [] },
      { values: tests, color: colors.minus, dashes: [5, 3] },
    ], every, this.isLog, colors);
  }

  /**
   * @param {Training} training
   * @param {boolean} isFresh
   */
  paintSizes(training, isFresh) {
    const { sizes } = this;
    if (sizes.childElementCount !== training.layout.length) {
      sizes.replaceChildren(...training.layout.map((_, k) => element(
        "li", {},
        element("span", {}, k === training.layout.length - 1 ? "Output" : `Layer ${k + 1}`),
        element("i", { class: "rail" }, element("i", { class: "size" })), element("output", {}),
      )));
    }
    training.layout.forEach(({ weights }, k) => {
      const end = training.layout[k + 1]?.weights ?? training.gradients.length;
      const part = training.gradients.subarray(weights, end);
      const size = Math.sqrt(part.reduce((sum, g) => sum + g * g, 0) / part.length);
      const line = sizes.children[k];
      const bar = /** @type {HTMLElement} */ (line.querySelector(".size"));
      bar.style.width = `${100 * barOf(size)}%`;
      const output = /** @type {HTMLElement} */ (line.querySelector("output"));
      output.textContent = isFresh ? "·" : formatted(Number(size.toPrecision(3)));
    });
  }
}
