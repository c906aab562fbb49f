/*
 * The player: a picture with time in it. Made of the scene's own numbers, until a leaf is moved.
 *
 * What it has where it stands alone is in alone.js. Every text is put in as text, never as markup.
 */

import { compile, exact } from "./arithmetic.js";
import {
  carriedBy, countPaths, derivativeName, derivativeText, frames, paths, pathText, phase, say,
  sentence, startOfBackward, stateAt, story, typed, valueText, wireText,
} from "./scene.js";
import { button, choice, element, icon } from "./elements.js";
import { Writing } from "./writing.js";

/**
 * @typedef {import("./scene.js").Scene} Scene
 * @typedef {import("./scene.js").State} State
 * @typedef {import("./scene.js").Piece} Piece
 * @typedef {import("./scene.js").Frame} Frame
 * @typedef {import("./writing.js").Spot} Spot
 * @typedef {{name: string, value: number | string, python: string}} Leaf
 * @typedef {Scene & {svg: string, program: any, numbers: Array<number | string>,
 *   missing: string[], inputs: number[]}} View
 * @typedef {{title: string, theme: string, output: string, leaves: Leaf[], views: View[]}} Contents
 * @typedef {{get(key: string): any, set?(key: string, value: any): void, save_changes?(): void,
 *   on?(event: string, act: () => void): void}} Model
 * @typedef {{label: Element, field: HTMLInputElement, range: HTMLInputElement}} Control
 */

const PAUSE = 900;
const MOST_PATHS = 12;
const MOVES = 3;
const AROUND = 200;
const CALM = 150;
const HINT = "Point at a box for its story, click it for its paths, drag a leaf to change it.";

/**
 * How far a leaf can be slid to either side.
 * @param {number} x
 */
function reachOf(x) {
  return Number.isFinite(x) ? Math.max(2, Math.ceil(Math.abs(x) * 2)) : 2;
}

/**
 * A number without the noise of binary fractions.
 * @param {number} x
 */
function tidy(x) {
  return Number(x.toPrecision(6));
}

/** A view on screen: one level of detail, its picture, and what is written into that. */
class Stage {
  /** @param {View} view */
  constructor(view) {
    this.view = view;
    this.program = view.program === null ? null : compile(view.program);
    this.svg = pictureOf(view.svg);
    this.boxes = /** @type {SVGElement[]} */ (Array.from(this.svg.querySelectorAll("[data-box]")));
    this.wires = Array.from(this.svg.querySelectorAll("[data-wire]"));
    this.strokes = this.wires.map((g) => g.querySelector("path"));
    this.writing = new Writing(this.svg);
    const { writing } = this;
    this.values = view.boxes.map(({ spots, width }) => (
      spots.value ? writing.spot("value", spots.value, width) : null
    ));
    this.derivatives = view.boxes.map(({ spots, width }) => (
      spots.derivative ? writing.spot("derivative", spots.derivative, width) : null
    ));
    this.labels = view.wires.map(({ at, room }) => (
      at ? writing.spot("label", at, room) : null
    ));
    this.coarse = { ...view, style: { ...view.style, digits: 2 } };
    this.lit = new Set();
    /** @type {Element[]} */
    this.far = [];
    /** @type {Map<Element, string>} */
    this.looks = new Map();
  }

  /**
   * What is known after some frames, but for the spot that is asked for, where it is in sight.
   * @param {State} state
   * @param {ArrayLike<number>} numbers
   * @param {string} hidden
   */
  write(state, numbers, hidden) {
    const { view, coarse, writing } = this;
    const far = new Set(this.far);
    view.boxes.forEach((_, i) => {
      const [value, derivative] = [this.values[i], this.derivatives[i]];
      if (value && !far.has(value.group)) {
        /** @param {Scene} scene @returns {Piece[][]} */
        const lines = (scene) => [
          hidden === `value ${i}` ? [["?", "value"]] : valueText(scene, i, state, numbers),
        ];
        writing.write(value, lines(view), () => lines(coarse));
      }
      if (derivative && !far.has(derivative.group)) {
        /** @param {Scene} scene @returns {Piece[][]} */
        const lines = (scene) => [
          hidden === `derivative ${i}` ? [["∂ ?", "slope"]] : derivativeText(scene, i, state),
        ];
        writing.write(derivative, lines(view), () => lines(coarse));
      }
    });
    view.wires.forEach((wire, i) => {
      const label = this.labels[i];
      if (label && !far.has(label.group)) {
        const asked = hidden && (state.wire === i || hidden === `value ${wire.target}`);
        const lines = asked ? [] : wireText(view, i, state, numbers);
        writing.write(label, lines, () => wireText(coarse, i, state, numbers));
      }
    });
  }

  /**
   * How boxes and wires look: what is new, what is not yet known, and what wires carry.
   * @param {State} state
   * @param {ArrayLike<number>} numbers
   */
  mark(state, numbers) {
    this.boxes.forEach((g) => {
      const i = Number(g.dataset.box);
      const known = state.values.has(i) ? "" : " unknown";
      this.look(g, (state.box === i ? "now" : "") + known);
    });
    this.wires.forEach((g, k) => {
      const i = Number(g.getAttribute("data-wire"));
      const carried = state.carried.has(i) ? carriedBy(this.view.wires[i], numbers) : 0;
      const size = Math.abs(carried) / (1 + Math.abs(carried));
      this.look(g, [
        state.wire === i ? "now" : "", carried > 0 ? "plus" : carried < 0 ? "minus" : "",
        state.values.has(this.view.wires[i].target) ? "" : "unknown", this.lit.has(i) ? "lit" : "",
      ].join(" "));
      const stroke = this.strokes[k];
      if (stroke) {
        this.look(stroke, (1.3 + 2.4 * (size >= 0 ? size : 1)).toFixed(1), "stroke-width");
      }
    });
  }

  /**
   * @param {Element} g
   * @param {string} text
   * @param {string} [attribute]
   */
  look(g, text, attribute = "class") {
    if (this.looks.get(g) !== text) {
      this.looks.set(g, text);
      g.setAttribute(attribute, text);
    }
  }

  /**
   * Take what is far out of sight off the picture while a leaf is moving: it would be painted anew
   * sixty times a second.
   * @param {Element} place
   */
  hideFar(place) {
    if (this.far.length > 0) {
      return;
    }
    const part = place.getBoundingClientRect();
    const [left, top] = [Math.max(part.left, 0) - AROUND, Math.max(part.top, 0) - AROUND];
    const right = Math.min(part.right, window.innerWidth) + AROUND;
    const bottom = Math.min(part.bottom, window.innerHeight) + AROUND;
    const spots = [...this.values, ...this.derivatives, ...this.labels];
    const groups = spots.flatMap((spot) => (spot ? [spot.group] : []));
    this.far = [...this.boxes, ...this.wires, ...groups].filter((g) => {
      const r = g.getBoundingClientRect();
      const isEmpty = r.width + r.height === 0;
      return !isEmpty && (r.right < left || r.left > right || r.bottom < top || r.top > bottom);
    });
    this.far.forEach((g) => g.setAttribute("display", "none"));
  }

  showFar() {
    this.far.forEach((g) => g.removeAttribute("display"));
    this.far = [];
  }

  /**
   * The element of what has just happened.
   * @param {State} state
   */
  newest(state) {
    return state.box === null ? null : this.boxes.find((g) => Number(g.dataset.box) === state.box);
  }
}

/**
 * A picture without its numbers, which are written anew.
 * @param {string} text
 */
function pictureOf(text) {
  const parsed = new DOMParser().parseFromString(text, "image/svg+xml");
  const svg = document.importNode(/** @type {any} */ (parsed.documentElement), true);
  svg.querySelectorAll(".number").forEach((/** @type {Element} */ g) => g.remove());
  svg.removeAttribute("width");
  svg.removeAttribute("height");
  svg.setAttribute("role", "group");
  return /** @type {SVGSVGElement} */ (svg);
}

export class Player {
  /**
   * @param {Contents} contents
   * @param {HTMLElement} el
   * @param {Model} model
   */
  constructor(contents, el, model) {
    this.contents = contents;
    this.model = model;
    this.given = contents.leaves.map((leaf) => exact(leaf.value));
    this.leaves = [...this.given];
    this.moved = false;
    this.frame = 0;
    this.timer = 0;
    this.due = 0;
    this.calm = 0;
    this.chosen = { box: -1, paths: false };

    this.place = element("div", { class: "stage" });
    this.told = element("p", { class: "told", "aria-live": "polite", role: "status" });
    this.time = element("input", {
      type: "range", min: "0", value: "0", class: "time", "aria-label": "Step",
    });
    this.count = element("output", { class: "count" });
    this.aside = element("div", { class: "aside" }, element("p", {}, HINT));
    this.playing = button("Play", "play", "play or pause (space)", () => this.toggle());
    this.group = element("div", { class: "leaves", role: "group", "aria-label": "Leaves" });
    this.others = element("details", { class: "others" }, element("summary", {}));
    this.choices = element("div", { class: "options", role: "group", "aria-label": "Options" });
    this.controls = contents.leaves.map((leaf, k) => this.control(leaf, k));
    this.root = element(
      "section", {
        class: "mgp-player", tabindex: "-1", "aria-label": `Step through ${contents.title}`,
        "data-theme": contents.theme,
      },
      this.place, this.told, this.bar(), this.group, this.others, this.choices, this.aside,
    );
    el.append(this.root);

    this.stage = new Stage(contents.views[0]);
    this.numbers = this.compute();
    this.all = frames(this.stage.view, this.numbers);
  }

  /** @param {number} [frame] */
  begin(frame = 0) {
    this.choices.append(...this.options());
    this.keys.addEventListener("keydown", (event) => this.key(/** @type {KeyboardEvent} */ (event)));
    this.time.addEventListener("input", () => this.go(Number(this.time.value)));
    this.show(0);
    this.go(frame);
    this.fill();
  }

  /** Where keys are listened to. */
  get keys() {
    return /** @type {Document | HTMLElement} */ (this.root);
  }

  /* What it consists of. */

  bar() {
    return element(
      "div", { class: "bar", role: "group", "aria-label": "Steps" },
      button("Start", "first", "to the start (Home)", () => this.go(0)),
      button("Back", "back", "one step back (←)", () => this.go(this.frame - 1)),
      this.playing,
      button("Step", "step", "one step on (→)", () => this.go(this.frame + 1)),
      button("Backward", "∂", "to the start of the backward pass (B)", () => this.backward()),
      button("End", "last", "to the end (End)", () => this.go(Infinity)),
      this.time, this.count,
    );
  }

  /**
   * @param {Leaf} leaf
   * @param {number} k
   * @returns {Control}
   */
  control(leaf, k) {
    const field = element("input", {
      type: "text", inputmode: "decimal", size: "7", "aria-label": `${leaf.name}, a number`,
    });
    const reach = reachOf(this.given[k]);
    const range = element("input", {
      type: "range", min: String(-reach), max: String(reach), step: "any",
      "aria-label": `${leaf.name}, by sliding`,
    });
    range.addEventListener("input", () => this.move(k, tidy(Number(range.value))));
    range.addEventListener("keydown", (event) => this.nudge(event, k));
    field.addEventListener("change", () => {
      const x = typed(field.value);
      field.setAttribute("aria-invalid", String(Number.isNaN(x)));
      if (!Number.isNaN(x)) {
        this.move(k, x);
      }
    });
    const label = element("label", { class: "leaf" }, element("b", {}, leaf.name), range, field);
    label.addEventListener("focusin", () => this.point(k, true));
    label.addEventListener("focusout", () => this.point(k, false));
    return { label, field, range };
  }

  /** @returns {HTMLElement[]} */
  options() {
    const { views, leaves } = this.contents;
    const labels = views.map(({ label }) => label);
    return [
      ...(leaves.length > 0
        ? [button("Reset", "Reset", "the numbers as they were (R)", () => this.reset())] : []),
      ...(labels.length > 1 ? [choice("Detail", labels, 0, (k) => this.show(k))] : []),
      button("Large type", "Large", "large type (L)", () => this.root.classList.toggle("large")),
      button("Full screen", "Full screen", "full screen (F)", () => this.fullScreen()),
    ];
  }

  /* A view: one level of detail. */

  /** @param {number} k */
  show(k) {
    const before = this.all[this.frame];
    const view = this.contents.views[k];
    this.stage = new Stage(view);
    const { svg, boxes } = this.stage;
    this.place.replaceChildren(svg);
    const { width, height } = svg.viewBox.baseVal;
    this.place.style.setProperty("--width", `${width}px`);
    this.place.style.setProperty("--shape", String(width / height));
    boxes.forEach((g) => this.reactive(g));
    this.chosen = { box: -1, paths: false };
    this.aside.replaceChildren(element("p", {}, HINT));
    this.arrange(new Set(view.boxes.map((box) => box.leaf)));
    this.numbers = this.compute();
    this.go(Math.max(this.all.findIndex(([kind]) => kind === before[0]), 0));
  }

  /**
   * Leaves that the picture has come first; the others wait behind a line that opens.
   * @param {Set<number | null>} seen
   */
  arrange(seen) {
    const inside = this.controls.filter((_, k) => seen.has(k)).map(({ label }) => label);
    const outside = this.controls.filter((_, k) => !seen.has(k)).map(({ label }) => label);
    this.group.replaceChildren(...inside);
    const heading = `Leaves that are not in the picture (${outside.length})`;
    const within = element("div", { class: "leaves" }, ...outside);
    this.others.replaceChildren(element("summary", {}, heading), within);
    this.others.hidden = outside.length === 0;
  }

  /** @param {SVGElement} g */
  reactive(g) {
    const i = Number(g.dataset.box);
    const { name, leaf } = this.stage.view.boxes[i];
    g.setAttribute("tabindex", "0");
    g.setAttribute("role", "button");
    g.setAttribute("aria-label", name);
    g.addEventListener("pointerenter", () => this.look(i, false));
    g.addEventListener("focus", () => this.look(i, false));
    if (leaf !== null) {
      this.draggable(g, i, leaf);
    } else {
      g.addEventListener("click", () => this.look(i, true));
    }
  }

  /**
   * A leaf that is drawn sideways changes; one that is only clicked shows its paths.
   * @param {SVGElement} g
   * @param {number} i
   * @param {number} k
   */
  draggable(g, i, k) {
    let from = NaN;
    let before = 0;
    let isDragged = false;
    g.dataset.leaf = String(k);
    g.addEventListener("pointerdown", (event) => {
      [from, before, isDragged] = [event.clientX, this.leaves[k], false];
      g.setPointerCapture(event.pointerId);
    });
    g.addEventListener("pointermove", (event) => {
      isDragged ||= Math.abs(event.clientX - from) > MOVES;
      if (isDragged && !Number.isNaN(from)) {
        const scale = reachOf(this.given[k]) / (event.shiftKey ? 2000 : 200);
        this.move(k, tidy(before + Math.round(event.clientX - from) * scale));
      }
    });
    g.addEventListener("pointerup", () => { from = NaN; });
    g.addEventListener("pointercancel", () => { from = NaN; });
    g.addEventListener("click", () => (isDragged ? undefined : this.look(i, true)));
  }

  /**
   * The numbers at the present leaves: Python's own, until one is moved.
   * @returns {ArrayLike<number>}
   */
  compute() {
    const { view, program } = this.stage;
    const isMoved = this.moved && program;
    this.numbers = isMoved ? program.run(this.inputs()) : view.numbers.map(exact);
    this.all = frames(view, this.numbers);
    this.time.max = String(this.all.length - 1);
    const turn = startOfBackward(this.all) / Math.max(this.all.length - 1, 1);
    this.time.style.setProperty("--turn", String(turn));
    return this.numbers;
  }

  /** The leaves that the program takes, in its order. */
  inputs() {
    return Float64Array.from(this.stage.view.inputs, (k) => this.leaves[k]);
  }

  /* Time. */

  /** @param {number} k */
  go(k) {
    const last = this.all.length - 1;
    this.frame = Math.min(Math.max(k, 0), last);
    if (k >= last) {
      this.pause();
    }
    this.redraw();
    this.follow();
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
    if (event.ctrlKey || event.metaKey || event.altKey || at.matches("input, select, textarea")) {
      return;
    }
    if (at.matches("button, summary, [role=button]") && [" ", "Enter"].includes(event.key)) {
      if (at.matches("[data-box]")) {
        this.look(Number(at.dataset.box), true);
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

  /**
   * The picture and its sentence; while a leaf is moving, only what is in sight.
   * @param {boolean} [isMoving]
   */
  redraw(isMoving = false) {
    const { numbers, stage, all, frame } = this;
    const { view } = stage;
    this.root.classList.toggle("moving", isMoving);
    window.clearTimeout(this.calm);
    if (isMoving) {
      this.calm = window.setTimeout(() => this.redraw(), CALM);
    }
    const state = stateAt(view, all.slice(0, frame + 1), numbers);
    const hidden = this.hiddenNow();
    if (isMoving) {
      stage.hideFar(this.place);
    } else {
      stage.showFar();
    }
    stage.write(state, numbers, hidden);
    stage.mark(state, numbers);
    const told = sentence(view, all[frame], state, numbers);
    this.tell(...(hidden ? [this.questionText()] : told).filter((text) => text));
    const last = all.length - 1;
    const where = `${phase(view, all, frame)} ${frame} / ${last}`;
    if (this.count.textContent !== where) {
      this.count.textContent = where;
      this.time.value = String(frame);
      this.time.setAttribute("aria-valuetext", `${frame} of ${last}`);
    }
    this.explain();
  }

  /**
   * The sentence, touched only where it is another one.
   * @param {...string} lines
   */
  tell(...lines) {
    const before = Array.from(this.told.children, (line) => line.textContent);
    if (before.join("\n") !== lines.join("\n")) {
      this.told.replaceChildren(...lines.map((text) => element("span", {}, text)));
    }
  }

  /** Scroll a picture that is larger than its place to what has just happened. */
  follow() {
    const { place, stage } = this;
    const isWide = place.scrollWidth > place.clientWidth;
    const isLarge = isWide || place.scrollHeight > place.clientHeight;
    const past = this.all.slice(0, this.frame + 1);
    const g = isLarge ? stage.newest(stateAt(stage.view, past, this.numbers)) : null;
    if (g) {
      const [at, seen] = [g.getBoundingClientRect(), place.getBoundingClientRect()];
      const across = (at.left + at.right - seen.left - seen.right) / 2;
      const down = (at.top + at.bottom - seen.top - seen.bottom) / 2;
      if (Math.abs(across) > 0.35 * seen.width || Math.abs(down) > 0.35 * seen.height) {
        place.scrollBy(across, down);
      }
    }
  }

  /* Leaves. */

  /**
   * @param {number} k
   * @param {number} x
   */
  move(k, x) {
    if (!this.stage.program) {
      const rows = this.stage.view.missing.join(", ");
      const why = rows ? `The browser cannot compute ${rows}` : "So large a graph is not moved";
      this.tell(`${why}: the numbers stay.`);
      this.fill();
      return;
    }
    this.leaves[k] = x;
    this.moved = true;
    this.controls[k].field.setAttribute("aria-invalid", "false");
    this.later();
  }

  /**
   * A step of a slider by the keyboard: a tenth, with shift a hundredth.
   * @param {KeyboardEvent} event
   * @param {number} k
   */
  nudge(event, k) {
    const way = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
    if (way) {
      event.preventDefault();
      this.move(k, tidy(this.leaves[k] + way * (event.shiftKey ? 0.01 : 0.1)));
    }
  }

  /**
   * The boxes of a leaf whose number is being changed.
   * @param {number} k
   * @param {boolean} isOn
   */
  point(k, isOn) {
    this.stage.boxes.forEach((g) => {
      g.toggleAttribute("data-pointed", isOn && g.dataset.leaf === String(k));
    });
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
    const [kind, thing] = this.all[this.frame];
    const atEnd = this.frame === this.all.length - 1;
    this.compute();
    const same = this.all.findIndex((f) => f[0] === kind && f[1] === thing);
    const last = this.all.length - 1;
    this.frame = atEnd ? last : same < 0 ? Math.min(this.frame, last) : same;
    this.fill();
    this.redraw(true);
    this.model.set?.("value", [...this.leaves]);
    this.model.save_changes?.();
  }

  fill() {
    this.controls.forEach(({ field, range }, k) => {
      const x = this.leaves[k];
      const text = say(this.stage.view, x);
      if (field.value !== text && field.getAttribute("aria-invalid") !== "true") {
        field.value = text;
        range.min = String(Math.min(Number(range.min), Math.floor(x)));
        range.max = String(Math.max(Number(range.max), Math.ceil(x)));
        range.value = String(x);
      }
    });
  }

  reset() {
    this.leaves = [...this.given];
    this.moved = false;
    this.update();
  }

  /* Looking closer. */

  /**
   * The story of a box, and perhaps its paths.
   * @param {number} box
   * @param {boolean} withPaths
   */
  look(box, withPaths) {
    if (box !== this.chosen.box || withPaths) {
      this.light([]);
      this.chosen = { box, paths: withPaths };
      this.explain();
      if (withPaths && this.mayTell()) {
        this.light(this.pathsOf(box).flat());
      }
    }
  }

  /* What may be hidden from who looks. */

  /** The spot whose number is asked for now: "derivative 3". */
  hiddenNow() {
    return "";
  }

  /** What is asked then. */
  questionText() {
    return "";
  }

  /** Whether what a box has to do with the output is told. */
  mayTell() {
    return true;
  }

  /** @param {number} box */
  pathsOf(box) {
    const isForward = this.stage.view.style.mode === "forward";
    return isForward ? [] : paths(this.stage.view, box, this.numbers, MOST_PATHS);
  }

  /** What there is to say of the box that was chosen. */
  explain() {
    const { box, paths: withPaths } = this.chosen;
    if (box < 0) {
      return;
    }
    if (!this.mayTell()) {
      this.aside.replaceChildren(element("p", {}, "The whole story is told at the end of the quiz."));
      return;
    }
    const { view } = this.stage;
    const end = stateAt(view, this.all, this.numbers);
    const lines = story(view, box, end, this.numbers, this.quotient(box));
    this.aside.replaceChildren(
      element("h3", {}, view.boxes[box].name),
      element("ul", {}, ...lines.map((line) => element("li", {}, line))),
    );
    if (withPaths && view.style.mode === "reverse") {
      this.aside.append(...this.pathList(box, end));
    }
  }

  /**
   * All paths from a box to the output, each with its product, and their sum.
   * @param {number} box
   * @param {State} end
   */
  pathList(box, end) {
    const { view } = this.stage;
    const found = this.pathsOf(box);
    const count = countPaths(view, box, this.numbers);
    const list = found.map((path) => {
      const item = element("li", { tabindex: "0" }, pathText(view, box, path, this.numbers));
      item.addEventListener("pointerenter", () => this.light(path));
      item.addEventListener("focus", () => this.light(path));
      item.addEventListener("pointerleave", () => this.light(found.flat()));
      return item;
    });
    const more = count > BigInt(found.length) ? `, ${found.length} of them here` : "";
    const many = count === 1n ? "One path" : `${count.toLocaleString("en")} paths`;
    const sum = `${derivativeName(view, box)} = ${say(view, end.derivatives.get(box) ?? 0)}`;
    return [
      element("p", {}, `${many} to ${this.contents.output}${more}.`),
      element("ol", {}, ...list), element("p", {}, count > 1n ? `Their sum: ${sum}` : sum),
    ];
  }

  /**
   * How much the output moves with a leaf, by two evaluations next to it.
   * @param {number} i
   */
  quotient(i) {
    const { view, program } = this.stage;
    const leaf = view.inputs.indexOf(view.boxes[i].leaf ?? -1);
    const output = view.boxes[view.boxes.length - 1].value;
    if (leaf < 0 || !program || output === null || view.style.mode === "forward") {
      return null;
    }
    const point = this.inputs();
    const x = point[leaf];
    const h = 6e-6 * Math.max(1, Math.abs(x));
    const at = (/** @type {number} */ y) => {
      point[leaf] = y;
      return program.run(point)[output];
    };
    return (at(x + h) - at(x - h)) / (2 * h);
  }

  /** @param {number[]} path */
  light(path) {
    const { stage } = this;
    stage.lit = new Set(path);
    const past = this.all.slice(0, this.frame + 1);
    stage.mark(stateAt(stage.view, past, this.numbers), this.numbers);
  }
}
