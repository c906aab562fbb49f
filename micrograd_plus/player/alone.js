/*
 * A player that stands alone, in a page or a cell of a notebook: it has an address, a theme, a quiz,
 * and gives its leaves as Python.
 *
 * The same contract everywhere: `render({ model, el })` puts it into an element, with everything it
 * needs under the model's key "player".
 */

import { button, choice, element, toClipboard } from "./elements.js";
import { Player } from "./player.js";
import { derivativeName, receiver, typed } from "./scene.js";

/**
 * @typedef {import("./player.js").Model} Model
 * @typedef {import("./scene.js").Scene} Scene
 * @typedef {import("./scene.js").Frame} Frame
 * @typedef {import("./player.js").Contents & {quiz: string, alone?: boolean}} Contents whether it
 *   is alone in its page, and what it hides
 */

const QUIZZES = ["off", "gradients", "values"];
const THEMES = ["auto", "light", "dark"];

class PlayerAlone extends Player {
  /**
   * @param {Contents} contents
   * @param {HTMLElement} el
   * @param {Model} model
   */
  constructor(contents, el, model) {
    super(contents, el, model);
    this.isAlone = Boolean(contents.alone);
    this.hides = contents.quiz;
    this.asked = new Set();
    this.score = [0, 0];
    this.quizzing = element("form", { class: "quiz", hidden: "" });
    this.quizzing.addEventListener("submit", (event) => this.answer(event));
    this.told.after(this.quizzing);
    if (this.isAlone) {
      this.root.classList.add("alone");
      window.addEventListener("hashchange", () => this.go(this.addressed() ?? this.frame));
    }
  }

  get keys() {
    return this.isAlone ? document : this.root;
  }

  options() {
    const themes = choice("Theme", THEMES, THEMES.indexOf(this.contents.theme), (k) => {
      this.root.setAttribute("data-theme", THEMES[k]);
    });
    const python = button("Copy as Python", "Copy as Python", "the leaves as code", () => this.copy());
    return [
      ...super.options(), ...(this.leaves.length > 0 ? [python] : []),
      choice("Quiz", QUIZZES, QUIZZES.indexOf(this.hides), (k) => this.quiz(k ? QUIZZES[k] : "")),
      themes,
    ];
  }

  /** @param {number} k */
  go(k) {
    super.go(k);
    this.ask();
    this.saveAddress();
  }

  /** The step that the address of the page names. */
  addressed() {
    const step = /^#step=(\d+)$/.exec(this.isAlone ? window.location.hash : "");
    return step ? Number(step[1]) : null;
  }

  saveAddress() {
    const { hash, protocol } = window.location;
    const isShown = this.isAlone && (protocol.startsWith("http") || protocol === "file:");
    if (isShown && (hash || this.frame > 0)) {
      window.history.replaceState(null, "", `#step=${this.frame}`);
    }
  }

  copy() {
    const lines = this.contents.leaves.map((leaf, k) => {
      const label = JSON.stringify(leaf.name);
      return `${leaf.python} = Value(${python(this.leaves[k])}, label=${label})`;
    });
    const text = `${lines.join("\n")}\n`;
    const shown = element("textarea", {
      class: "python", readonly: "", rows: String(Math.min(lines.length, 12)), "aria-label": "Python",
    });
    shown.textContent = text;
    this.chosen = { box: -1, paths: false };
    this.aside.replaceChildren(shown);
    toClipboard(shown);
  }

  /* The quiz. In it nothing is told before its end. */

  mayTell() {
    return !this.hides || (this.frame === this.all.length - 1 && !this.hiddenNow());
  }

  /** @param {string} hides */
  quiz(hides) {
    this.hides = hides;
    this.asked = new Set();
    this.score = [0, 0];
    this.go(0);
  }

  hiddenNow() {
    const { view } = this.stage;
    const asked = this.hides ? question(view, this.all, this.frame, this.hides) : null;
    const spot = asked ? `${asked.what} ${asked.box}` : "";
    return asked && !this.asked.has(spot) ? spot : "";
  }

  questionText() {
    const [what, box] = this.hiddenNow().split(" ");
    const { view } = this.stage;
    const i = Number(box);
    return `What is ${what === "value" ? view.boxes[i].name : derivativeName(view, i)}?`;
  }

  ask() {
    const asked = this.hiddenNow();
    this.quizzing.hidden = !asked;
    if (!asked) {
      return;
    }
    this.pause();
    const field = element("input", {
      type: "text", inputmode: "decimal", name: "answer", autocomplete: "off",
      "aria-label": this.questionText(),
    });
    this.quizzing.replaceChildren(
      field, element("button", { type: "submit" }, "Check"),
      button("Show", "Show", "show the answer", () => this.reveal(false, "")),
      element("span", { class: "score" }, this.scoreText()),
    );
    if (document.activeElement !== this.time && this.root.contains(document.activeElement)) {
      field.focus({ preventScroll: true });
    }
  }

  scoreText() {
    return this.score[1] ? `${this.score[0]} of ${this.score[1]} right` : "";
  }

  /** @param {Event} event */
  answer(event) {
    event.preventDefault();
    const given = this.quizzing.querySelector("input")?.value ?? "";
    const [what, i] = this.hiddenNow().split(" ");
    const box = this.stage.view.boxes[Number(i)];
    const place = what === "value" ? box.value : box.derivative;
    this.reveal(place !== null && isRight(typed(given), this.numbers[place]), given);
  }

  /**
   * @param {boolean} right
   * @param {string} given
   */
  reveal(right, given) {
    this.asked.add(this.hiddenNow());
    this.score = [this.score[0] + (right ? 1 : 0), this.score[1] + 1];
    this.quizzing.hidden = true;
    this.redraw();
    const verdict = right ? "Right." : given ? `Not ${given}.` : "The answer:";
    this.told.prepend(element("b", {}, `${verdict} (${this.scoreText()}) `));
    this.root.focus({ preventScroll: true });
  }
}

/**
 * Whether an answer is right: the same to two digits that count.
 * @param {number} answer
 * @param {number} right
 */
export function isRight(answer, right) {
  if (Number.isNaN(answer) || !Number.isFinite(right)) {
    return Object.is(answer, right) && !Number.isNaN(answer);
  }
  if (right === 0) {
    return Math.abs(answer) <= 0.005;
  }
  const unit = 10 ** (Math.floor(Math.log10(Math.abs(right))) - 1);
  return Math.abs(answer - right) <= 0.5 * unit * (1 + 1e-9);
}

/**
 * What a quiz asks at a frame: a box whose value or whole derivative has just come about.
 * @param {Scene} scene
 * @param {Frame[]} all
 * @param {number} k
 * @param {string} hides
 * @returns {{box: number, what: "value" | "derivative"} | null}
 */
export function question(scene, all, k, hides) {
  const [kind, thing] = all[k];
  if (kind === "value" && hides === "values" && scene.boxes[thing].value !== null) {
    return { box: thing, what: "value" };
  }
  if (kind !== "edge" || hides !== "gradients") {
    return null;
  }
  const to = receiver(scene, scene.wires[thing]);
  const later = all.slice(k + 1).some(([next, wire]) => (
    next === "edge" && receiver(scene, scene.wires[wire]) === to
  ));
  return later || scene.boxes[to].derivative === null ? null : { box: to, what: "derivative" };
}

/**
 * A number as Python reads it.
 * @param {number} x
 */
function python(x) {
  if (Number.isFinite(x)) {
    return Number.isInteger(x) && Math.abs(x) < 1e16 ? x.toFixed(1) : String(x);
  }
  return `float("${x > 0 ? "inf" : x < 0 ? "-inf" : "nan"}")`;
}

/**
 * Put a player into an element, with a style sheet where the page has none.
 * @param {{model: Model, el: HTMLElement}} where
 * @param {string} [looks]
 */
export function render({ model, el }, looks = "") {
  if (looks) {
    el.append(element("style", {}, looks));
  }
  const player = new PlayerAlone(model.get("player"), el, model);
  player.begin(player.addressed() ?? 0);
  model.on?.("change:value", () => {
    const given = model.get("value");
    if (Array.isArray(given) && given.length === player.leaves.length) {
      given.forEach((x, k) => player.move(k, Number(x)));
    }
  });
}

export default { render };
