/*
 * The player: a picture with time in it. Made of the scene's own numbers, until a leaf is moved.
 *
 * The same contract everywhere: `render({ model, el })` puts it into an element, with everything it
 * needs under the model's key "player". Every text is put in as text, never as markup.
 */

import { compile, exact } from "./arithmetic.js";
import {
  carriedBy, countPaths, derivativeName, derivativeText, frames, isRight, paths, pathText, question, say,
  sentence, startOfBackward, stateAt, story, typed, valueText, wireText,
} from "./scene.js";

/**
 * @typedef {import("./scene.js").Scene} Scene
 * @typedef {import("./scene.js").Piece} Piece
 * @typedef {import("./scene.js").Frame} Frame
 * @typedef {{name: string, value: number, python: string, exact: string}} Leaf
 * @typedef {Scene & {svg: string, program: any, numbers: Array<number | string>, missing: string[],
 *   inputs: number[]}} View
 * @typedef {{title: string, theme: string, quiz: string, alone?: boolean, output: string, leaves: Leaf[],
 *   views: View[]}} Contents
 * @typedef {{get(key: string): any, set?(key: string, value: any): void, save_changes?(): void,
 *   on?(event: string, act: () => void): void}} Model
 */

const SVG = "http://www.w3.org/2000/svg";
const PAUSE = 900;
const MOST_PATHS = 12;
/** @type {Record<string, string>} */
const ICONS = {
  first: "M2 2h2v12H2zM14 2v12L5 8z", back: "M12 2v12L3 8z", play: "M4 2v12l10-6z",
  pause: "M3 2h4v12H3zM9 2h4v12H9z", step: "M3 2v12l7-6zM11 2h2v12h-2z",
  last: "M2 2v12l6-6zM7 2v12l6-6zM13 2h2v12h-2z",
};
const SIZES = { value: 13, derivative: 13, label: 11 };

/**
 * An element with attributes, texts and elements inside it.
 * @param {string} name
 * @param {Record<string, string>} attributes
 * @param {...(Node | string)} inside
 */
function element(name, attributes, ...inside) {
  const made = document.createElement(name);
  Object.entries(attributes).forEach(([key, value]) => made.setAttribute(key, value));
  made.append(...inside);
  return made;
}

/**
 * An element of a picture.
 * @param {string} name
 * @param {Record<string, string>} attributes
 */
function drawn(name, attributes) {
  const made = document.createElementNS(SVG, name);
  Object.entries(attributes).forEach(([key, value]) => made.setAttribute(key, value));
  return made;
}

/** @param {string} name */
function icon(name) {
  const svg = drawn("svg", { viewBox: "0 0 16 16", width: "14", height: "14", "aria-hidden": "true" });
  svg.append(drawn("path", { d: ICONS[name], fill: "currentColor" }));
  return svg;
}

class Player {
  /**
   * @param {Contents} contents
   * @param {HTMLElement} el
   * @param {Model} model
   */
  constructor(contents, el, model) {
    this.contents = contents;
    this.model = model;
    this.leaves = contents.leaves.map((leaf) => leaf.value);
    this.moved = false;
    this.frame = 0;
    this.timer = 0;
    this.asked = new Set();
    this.score = [0, 0];
    this.hides = contents.quiz;
    this.chosen = /** @type {number | null} */ (null);
    this.due = 0;
    this.root = this.build();
    el.append(this.root);
    this.show(0);
    this.readAddress();
  }

  /* What it consists of. */

  build() {
    const { contents } = this;
    this.stage = element("div", { class: "stage" });
    this.told = element("p", { class: "told", "aria-live": "polite", role: "status" });
    this.time = /** @type {HTMLInputElement} */ (element("input", {
      type: "range", min: "0", value: "0", class: "time", "aria-label": "Step",
    }));
    this.time.addEventListener("input", () => this.go(Number(this.time.value)));
    this.count = element("output", { class: "count" });
    this.aside = element("div", { class: "aside" });
    this.quizzing = element("form", { class: "quiz", hidden: "" });
    this.quizzing.addEventListener("submit", (event) => this.answer(event));
    this.playing = this.button("Play", "play", "play or pause (space)", () => this.toggle());
    const bar = element(
      "div", { class: "bar", role: "group", "aria-label": "Steps" },
      this.button("Start", "first", "to the start (Home)", () => this.go(0)),
      this.button("Back", "back", "one step back (←)", () => this.go(this.frame - 1)),
      this.playing,
      this.button("Step", "step", "one step on (→)", () => this.go(this.frame + 1)),
      this.button("Backward", "∂", "to the start of the backward pass (B)", () => this.backward()),
      this.button("End", "last", "to the end (End)", () => this.go(Infinity)),
      this.time, this.count,
    );
    const root = element(
      "section", {
        class: "mgp-player", "aria-label": `Step through ${contents.title}`, tabindex: "-1",
        "data-theme": contents.theme,
      },
      this.stage, this.told, this.quizzing, bar, this.leafControls(), this.options(), this.aside,
    );
    const keys = this.contents.alone ? document : root;
    keys.addEventListener("keydown", (event) => this.key(/** @type {KeyboardEvent} */ (event)));
    return root;
  }

  /**
   * @param {string} name
   * @param {string} sign
   * @param {string} hint
   * @param {() => void} act
   */
  button(name, sign, hint, act) {
    const made = element("button", { type: "button", "aria-label": name, title: hint });
    made.append(sign in ICONS ? icon(sign) : sign);
    made.addEventListener("click", act);
    return made;
  }

  leafControls() {
    const group = element("div", { class: "leaves", role: "group", "aria-label": "Leaves" });
    this.fields = this.contents.leaves.map((leaf, k) => this.leafControl(group, leaf, k));
    this.resets = element("span", { class: "resets" });
    this.resets.append(
      this.button("Reset", "Reset", "the numbers as Python has them", () => this.reset()),
      this.button("Copy as Python", "Copy as Python", "the present leaves as code", () => this.copy()),
    );
    if (this.contents.leaves.length > 0) {
      group.append(this.resets);
    }
    return group;
  }

  /**
   * @param {Element} group
   * @param {Leaf} leaf
   * @param {number} k
   */
  leafControl(group, leaf, k) {
    const field = /** @type {HTMLInputElement} */ (element("input", {
      type: "text", inputmode: "decimal", size: "7", "aria-label": `${leaf.name}, a number`,
    }));
    const reach = Math.max(2, Math.ceil(Math.abs(leaf.value) * 2));
    const range = /** @type {HTMLInputElement} */ (element("input", {
      type: "range", min: String(-reach), max: String(reach), step: "any",
      "aria-label": `${leaf.name}, by sliding`,
    }));
    range.addEventListener("input", () => this.move(k, Number(range.value)));
    range.addEventListener("keydown", (event) => this.nudge(event, k, range));
    field.addEventListener("change", () => {
      const x = typed(field.value);
      field.setAttribute("aria-invalid", String(Number.isNaN(x)));
      if (!Number.isNaN(x)) {
        this.move(k, x);
      }
    });
    group.append(element("label", { class: "leaf" }, element("b", {}, leaf.name), range, field));
    return { field, range };
  }

  options() {
    const group = element("div", { class: "options", role: "group", "aria-label": "Options" });
    if (this.contents.views.length > 1) {
      group.append(this.choice("Detail", this.contents.views.map((view) => view.label), (k) => (
        this.show(k)
      )));
    }
    group.append(
      this.choice("Quiz", ["off", "gradients", "values"], (k) => (
        this.quiz(["", "gradients", "values"][k])
      ), ["", "gradients", "values"].indexOf(this.hides)),
      this.choice("Theme", ["auto", "light", "dark"], (k) => (
        this.root.setAttribute("data-theme", ["auto", "light", "dark"][k])
      ), ["auto", "light", "dark"].indexOf(this.contents.theme)),
      this.button("Large type", "Large", "large type (L)", () => this.root.classList.toggle("large")),
      this.button("Full screen", "Full screen", "full screen (F)", () => this.fullScreen()),
    );
    return group;
  }

  /**
   * @param {string} name
   * @param {string[]} words
   * @param {(k: number) => void} act
   * @param {number} [first]
   */
  choice(name, words, act, first = 0) {
    const select = /** @type {HTMLSelectElement} */ (element("select", {}));
    words.forEach((word, k) => select.append(element("option", { value: String(k) }, word)));
    select.selectedIndex = Math.max(first, 0);
    select.addEventListener("change", () => act(select.selectedIndex));
    return element("label", {}, `${name} `, select);
  }

  /* A view: one level of detail. */

  /** @param {number} k */
  show(k) {
    const before = this.view ? this.all[this.frame] : null;
    this.view = this.contents.views[k];
    this.program = this.view.program === null ? null : compile(this.view.program);
    this.numbers = this.view.numbers.map(exact);
    const svg = this.picture(this.view.svg);
    this.stage.replaceChildren(svg);
    const [, , width] = (svg.getAttribute("viewBox") ?? "0 0 600 300").split(" ").map(Number);
    this.stage.style.setProperty("--width", `${width}px`);
    this.boxes = [...svg.querySelectorAll("[data-box]")];
    this.wires = [...svg.querySelectorAll("[data-wire]")];
    this.overlay = drawn("g", { class: "numbers", "aria-hidden": "true" });
    svg.append(this.overlay);
    this.written = new Map();
    this.boxes.forEach((g) => this.reactive(g));
    this.compute();
    const last = before ? this.all.findIndex((f) => f[0] === before[0]) : 0;
    this.go(Math.max(last, 0));
  }

  /**
   * A picture without its numbers, which are written anew.
   * @param {string} text
   */
  picture(text) {
    const parsed = new DOMParser().parseFromString(text, "image/svg+xml");
    const svg = document.importNode(parsed.documentElement, true);
    svg.querySelectorAll(".number").forEach((g) => g.remove());
    svg.removeAttribute("width");
    svg.removeAttribute("height");
    svg.setAttribute("role", "group");
    return svg;
  }

  /** @param {Element} g */
  reactive(g) {
    const i = Number(g.getAttribute("data-box"));
    g.setAttribute("tabindex", "0");
    g.setAttribute("role", "button");
    g.setAttribute("aria-label", this.view.boxes[i].name);
    g.addEventListener("pointerenter", () => this.look(i));
    g.addEventListener("focus", () => this.look(i));
    g.addEventListener("click", () => this.follow(i));
  }

  /** The numbers at the present leaves: Python's own, until one is moved. */
  compute() {
    if (this.moved && this.program) {
      this.numbers = Float64Array.from(this.program.run(this.point()));
    } else {
      this.numbers = this.view.numbers.map(exact);
    }
    this.all = frames(this.view, this.numbers);
    this.time.max = String(this.all.length - 1);
  }

  /** The leaves that the program takes, in its order. */
  point() {
    return Float64Array.from(this.view.inputs, (k) => this.leaves[k]);
  }

  /* Time. */

  /** @param {number} k */
  go(k) {
    const last = this.all.length - 1;
    this.frame = Math.min(Math.max(k, 0), last);
    if (k >= last) {
      this.pause();
    }
    this.time.value = String(this.frame);
    this.time.setAttribute("aria-valuetext", `${this.frame} of ${last}`);
    this.count.textContent = `${this.frame} / ${last}`;
    this.redraw();
    this.ask();
    this.saveAddress();
  }

  backward() {
    this.go(startOfBackward(this.all));
  }

  toggle() {
    if (this.timer) {
      this.pause();
      return;
    }
    if (this.frame === this.all.length - 1) {
      this.go(0);
    }
    this.playing.replaceChildren(icon("pause"));
    this.playing.setAttribute("aria-label", "Pause");
    this.timer = window.setInterval(() => this.go(this.frame + 1), PAUSE);
  }

  pause() {
    window.clearInterval(this.timer);
    this.timer = 0;
    this.playing.replaceChildren(icon("play"));
    this.playing.setAttribute("aria-label", "Play");
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const at = /** @type {HTMLElement} */ (event.target);
    const typing = at.matches("input, select, textarea");
    const pressed = at.matches("button, [role=button]") && [" ", "Enter"].includes(event.key);
    if (event.ctrlKey || event.metaKey || event.altKey || typing) {
      return;
    }
    if (pressed) {
      if (at.matches("[data-box]")) {
        this.follow(Number(at.getAttribute("data-box")));
        event.preventDefault();
      }
      return;
    }
    /** @type {Record<string, () => void>} */
    const acts = {
      " ": () => this.toggle(),
      ArrowRight: () => this.go(this.frame + 1),
      ArrowLeft: () => this.go(this.frame - 1),
      PageDown: () => this.go(this.frame + 1),
      PageUp: () => this.go(this.frame - 1),
      Home: () => this.go(0),
      End: () => this.go(Infinity),
      b: () => this.backward(),
      f: () => this.fullScreen(),
      l: () => this.root.classList.toggle("large"),
      r: () => this.reset(),
    };
    const act = acts[event.key] ?? acts[event.key.toLowerCase()];
    if (act) {
      event.preventDefault();
      act();
    }
  }

  readAddress() {
    const step = /^#step=(\d+)$/.exec(window.location.hash);
    if (step) {
      this.go(Number(step[1]));
    }
  }

  saveAddress() {
    if (window.location.protocol.startsWith("http") || window.location.protocol === "file:") {
      try {
        window.history.replaceState(null, "", `#step=${this.frame}`);
      } catch {
        /* a page that may not change its address */
      }
    }
  }

  fullScreen() {
    if (document.fullscreenElement) {
      void document.exitFullscreen();
    } else if (this.root.requestFullscreen) {
      this.root.requestFullscreen().catch(() => this.root.classList.toggle("full"));
    } else {
      this.root.classList.toggle("full");
    }
  }

  /* What is seen. */

  redraw() {
    const { view, numbers } = this;
    const state = stateAt(view, this.all.slice(0, this.frame + 1), numbers);
    this.state = state;
    const hidden = this.hiddenNow();
    view.boxes.forEach((box, i) => {
      if (box.spots.value) {
        const text = hidden === `value ${i}` ? [["?", "value"]] : valueText(view, i, state, numbers);
        this.write(`value ${i}`, [/** @type {Piece[]} */ (text)], box.spots.value, box.width, true);
      }
      if (box.spots.derivative) {
        const text = hidden === `derivative ${i}` ? [["∂ ?", "slope"]] : derivativeText(view, i, state);
        const lines = [/** @type {Piece[]} */ (text)];
        this.write(`derivative ${i}`, lines, box.spots.derivative, box.width, false);
      }
    });
    view.wires.forEach((wire, i) => {
      if (wire.at) {
        const asked = hidden && state.wire === i;
        this.write(`label ${i}`, asked ? [] : wireText(view, i, state, numbers), wire.at, 0, false);
      }
    });
    this.mark(state);
    const [first, second] = sentence(view, this.all[this.frame], state, numbers);
    const lines = hidden ? [this.questionText()] : [first, second].filter((text) => text);
    this.told.replaceChildren(...lines.map((text) => element("span", {}, text)));
    if (this.chosen !== null) {
      this.look(this.chosen);
    }
  }

  /** @param {import("./scene.js").State} state */
  mark(state) {
    const { view, numbers } = this;
    this.boxes.forEach((g) => {
      const i = Number(g.getAttribute("data-box"));
      g.classList.toggle("now", state.box === i);
      g.classList.toggle("unknown", !state.values.has(i));
    });
    this.wires.forEach((g) => {
      const i = Number(g.getAttribute("data-wire"));
      const wire = view.wires[i];
      const carried = state.carried.has(i) ? carriedBy(wire, numbers) : 0;
      g.classList.toggle("now", state.wire === i);
      g.classList.toggle("unknown", !state.values.has(wire.target));
      g.classList.toggle("plus", carried > 0);
      g.classList.toggle("minus", carried < 0);
      const size = 1.3 + 2.4 * Math.min(Math.abs(carried) / (1 + Math.abs(carried)), 1);
      g.querySelector("path")?.setAttribute("stroke-width", carried ? size.toFixed(2) : "1.3");
    });
  }

  /**
   * A number in its place; nothing is touched where it stands there already.
   * @param {string} spot
   * @param {Piece[][]} lines
   * @param {[number, number]} place
   * @param {number} room
   * @param {boolean} bold
   */
  write(spot, lines, place, room, bold) {
    const text = JSON.stringify(lines);
    const before = this.written.get(spot);
    if (before?.text === text) {
      return;
    }
    before?.group.remove();
    const group = drawn("g", { class: spot.split(" ")[0] });
    this.overlay.append(group);
    this.written.set(spot, { text, group });
    const kind = /** @type {"value" | "derivative" | "label"} */ (spot.split(" ")[0]);
    const first = kind === "label" ? place[1] + 3.8 - 6.7 * (lines.length - 1) : place[1] + 4.6;
    const texts = lines.filter((line) => line.length > 0).map((line, k) => {
      const made = drawn("text", {
        x: String(place[0]), y: String(first + 13.4 * k), "text-anchor": "middle",
        "font-size": String(SIZES[kind]), ...(bold ? { "font-weight": "600" } : {}),
      });
      line.forEach(([piece, color]) => {
        const span = drawn("tspan", { class: `mgp-${color}-f` });
        span.textContent = piece;
        made.append(span);
      });
      group.append(made);
      return made;
    });
    this.fit(group, texts, room);
  }

  /**
   * Texts no wider than their box, and a piece of paper below those on a wire.
   * @param {SVGElement} group
   * @param {SVGElement[]} texts
   * @param {number} room
   */
  fit(group, texts, room) {
    texts.forEach((text) => {
      const length = /** @type {SVGTextElement} */ (text).getComputedTextLength();
      if (room > 0 && length > room - 8) {
        text.setAttribute("textLength", String(room - 8));
        text.setAttribute("lengthAdjust", "spacingAndGlyphs");
      }
    });
    if (room === 0 && texts.length > 0) {
      const { x, y, width, height } = /** @type {SVGGElement} */ (group).getBBox();
      group.prepend(drawn("rect", {
        x: String(x - 3), y: String(y), width: String(width + 6), height: String(height), rx: "6",
        class: "mgp-paper-f",
      }));
    }
  }

  /* Leaves. */

  /**
   * @param {number} k
   * @param {number} x
   */
  move(k, x) {
    if (!this.program) {
      this.say(`The browser cannot compute ${this.view.missing.join(", ")}: the numbers stay.`);
      this.fill();
      return;
    }
    this.leaves[k] = x;
    this.moved = true;
    this.later();
  }

  /**
   * A step of a slider by the keyboard: a tenth, with shift a hundredth.
   * @param {KeyboardEvent} event
   * @param {number} k
   * @param {HTMLInputElement} range
   */
  nudge(event, k, range) {
    const way = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
    if (way) {
      event.preventDefault();
      const step = event.shiftKey ? 0.01 : 0.1;
      range.value = String(Math.round((this.leaves[k] + way * step) * 1e6) / 1e6);
      this.move(k, Number(range.value));
    }
  }

  /** One computation and one picture for each frame of the screen, however fast a leaf moves. */
  later() {
    if (!this.due) {
      this.due = window.requestAnimationFrame(() => {
        this.due = 0;
        this.update();
      });
    }
  }

  update() {
    const now = this.all[this.frame];
    const atEnd = this.frame === this.all.length - 1;
    this.compute();
    const same = this.all.findIndex((f) => f[0] === now[0] && f[1] === now[1]);
    this.frame = atEnd || same < 0 ? Math.min(this.frame, this.all.length - 1) : same;
    if (atEnd) {
      this.frame = this.all.length - 1;
    }
    this.fill();
    this.time.value = String(this.frame);
    this.count.textContent = `${this.frame} / ${this.all.length - 1}`;
    this.redraw();
    this.model.set?.("value", [...this.leaves]);
    this.model.save_changes?.();
  }

  fill() {
    this.fields.forEach(({ field, range }, k) => {
      if (document.activeElement !== field || field.getAttribute("aria-invalid") !== "true") {
        field.value = say(this.view, this.leaves[k]);
      }
      const x = this.leaves[k];
      range.min = String(Math.min(Number(range.min), Math.floor(x)));
      range.max = String(Math.max(Number(range.max), Math.ceil(x)));
      range.value = String(x);
    });
  }

  reset() {
    this.leaves = this.contents.leaves.map((leaf) => leaf.value);
    this.moved = false;
    this.update();
  }

  copy() {
    const lines = this.contents.leaves.map((leaf, k) => {
      const x = this.moved ? python(this.leaves[k]) : leaf.exact;
      return `${leaf.python} = Value(${x}, label=${JSON.stringify(leaf.name)})`;
    });
    const text = `${lines.join("\n")}\n`;
    const shown = element("textarea", { class: "python", readonly: "", rows: String(lines.length), "aria-label": "Python" });
    shown.textContent = text;
    this.aside.replaceChildren(shown);
    /** @type {HTMLTextAreaElement} */ (shown).select();
    navigator.clipboard?.writeText(text).catch(() => undefined);
  }

  /* Looking closer. */

  /** @param {number} i */
  look(i) {
    this.chosen = i;
    if (this.hides && this.hiddenNow()) {
      return;
    }
    const lines = story(this.view, i, this.numbers, this.quotient(i));
    const list = lines.map((line) => element("li", {}, line));
    this.aside.replaceChildren(
      element("h3", {}, this.view.boxes[i].name), element("ul", {}, ...list),
    );
  }

  /**
   * How much the output moves with a leaf, by two evaluations next to it.
   * @param {number} i
   */
  quotient(i) {
    const leaf = this.view.inputs.indexOf(this.view.boxes[i].leaf ?? -1);
    const output = this.view.boxes[this.view.boxes.length - 1].value;
    if (leaf < 0 || !this.program || output === null || this.view.style.mode === "forward") {
      return null;
    }
    const point = this.point();
    const x = point[leaf];
    const h = 6e-6 * Math.max(1, Math.abs(x));
    point[leaf] = x + h;
    const above = this.program.run(point)[output];
    point[leaf] = x - h;
    return (above - this.program.run(point)[output]) / (2 * h);
  }

  /**
   * All paths from a box to the output, each with its product.
   * @param {number} i
   */
  follow(i) {
    this.look(i);
    if (this.view.style.mode === "forward" || this.hiddenNow()) {
      return;
    }
    const found = paths(this.view, i, this.numbers, MOST_PATHS);
    const count = countPaths(this.view, i, this.numbers);
    const list = found.map((path) => {
      const item = element("li", { tabindex: "0" }, pathText(this.view, i, path, this.numbers));
      item.addEventListener("pointerenter", () => this.light(path));
      item.addEventListener("focus", () => this.light(path));
      item.addEventListener("pointerleave", () => this.light([]));
      return item;
    });
    const more = count > BigInt(found.length) ? `, ${found.length} of them here` : "";
    const many = count === 1n ? "One path" : `${count.toLocaleString("en")} paths`;
    const end = stateAt(this.view, this.all, this.numbers).derivatives.get(i) ?? 0;
    const sum = `Their sum: ${derivativeName(this.view, i)} = ${say(this.view, end)}`;
    this.aside.append(
      element("p", {}, `${many} to ${this.contents.output}${more}.`),
      element("ol", {}, ...list), element("p", {}, sum),
    );
    this.light(found.flat());
  }

  /** @param {number[]} path */
  light(path) {
    const lit = new Set(path);
    this.wires.forEach((g) => {
      g.classList.toggle("lit", lit.has(Number(g.getAttribute("data-wire"))));
    });
  }

  /* The quiz. */

  /** @param {string} hides */
  quiz(hides) {
    this.hides = hides;
    this.asked = new Set();
    this.score = [0, 0];
    this.go(0);
  }

  /** What is asked at this frame and has not been answered: "derivative 3". */
  hiddenNow() {
    const asked = this.hides ? question(this.view, this.all, this.frame, this.hides) : null;
    const spot = asked ? `${asked.what} ${asked.box}` : "";
    return asked && !this.asked.has(spot) ? spot : "";
  }

  questionText() {
    const [what, box] = this.hiddenNow().split(" ");
    const name = this.view.boxes[Number(box)].name;
    return what === "value" ? `What is ${name}?` : `What is ${derivativeName(this.view, Number(box))}?`;
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
    const give = this.button("Show", "Show", "show the answer", () => this.reveal(false, ""));
    this.quizzing.replaceChildren(
      element("b", {}, this.questionText()), field, element("button", { type: "submit" }, "Check"),
      give, element("span", { class: "score" }, this.scoreText()),
    );
    field.focus({ preventScroll: true });
  }

  scoreText() {
    return this.score[1] ? `${this.score[0]} of ${this.score[1]} right` : "";
  }

  /** @param {Event} event */
  answer(event) {
    event.preventDefault();
    const field = /** @type {HTMLInputElement} */ (this.quizzing.querySelector("input"));
    const [what, i] = this.hiddenNow().split(" ");
    const box = this.view.boxes[Number(i)];
    const place = what === "value" ? box.value : box.derivative;
    const right = place !== null && isRight(typed(field.value), this.numbers[place]);
    this.reveal(right, field.value);
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

  /** @param {string} text */
  say(text) {
    this.told.replaceChildren(element("span", {}, text));
  }
}

/**
 * A number as Python reads it.
 * @param {number} x
 */
function python(x) {
  return Number.isFinite(x) ? String(x) : `float("${x > 0 ? "inf" : x < 0 ? "-inf" : "nan"}")`;
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
  const player = new Player(model.get("player"), el, model);
  player.fill();
  model.on?.("change:value", () => {
    const given = model.get("value");
    if (Array.isArray(given) && given.length === player.leaves.length) {
      given.forEach((x, k) => player.move(k, Number(x)));
    }
  });
}

export default { render };
