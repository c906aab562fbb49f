/*
 * The playground: a network that learns in the page, and what one sees and changes of it.
 *
 * `render({ model, el })` puts it into an element, with everything it needs under the model's key
 * "playground". Every text is put in as text, never as markup. What is drawn by chance here has a
 * seed of its own, and is not what Python draws.
 */
import { colorsOf, leader } from "./charts.js";
import { chooser } from "./controls.js";
import { Diagram, layersOf } from "./diagram.js";
import { button, element, icon } from "./elements.js";
import { Fields, startOf } from "./fields.js";
import { Looking } from "./looking.js";
import { nameOf } from "./names.js";
import { formatted } from "./numbers.js";
import { Plane, SIDE } from "./plane.js";
import { classesOf, divided, made, table } from "./points.js";
import { Progress } from "./progress.js";
import {
  DEFAULTS, PACES, asFragment, boundaryOf, checked, choicesOf, fromFragment, outputsFor, setupOf,
  takesOf, targetOf,
} from "./settings.js";
import { Taking } from "./taking.js";
import { create } from "./training.js";

/**
 * @typedef {import("./settings.js").Settings} Settings
 * @typedef {import("./settings.js").Shape} Shape
 * @typedef {import("./points.js").Points} Points
 * @typedef {import("./training.js").Training} Training
 * @typedef {import("./charts.js").Colors} Colors
 * @typedef {import("./inside.js").Unit} Unit
 * @typedef {{ name: string, title: string, text: string, settings: Record<string, any> }} Lesson
 * @typedef {{ title: string, theme: string, rows: any, lessons: Lesson[], lesson: string,
 *   settings: Record<string, any>, points: Points | null, weights: number[] | null, bias: boolean,
 *   classes: any[] | null, names: string[] | null, module: Uint8Array | null,
 *   alone?: boolean }} Contents
 */

const BUDGET = 9;
const SLOW = 100;
const EVERY = 6;
const THEMES = ["auto", "light", "dark"];
const FRESH = new Set(["layers", "output", "init", "scale", "seed"]);
const ON_DATA = new Set(["data", "count", "noise", "held", "draw"]);

export class Playground {
  /**
   * @param {Contents} contents
   * @param {HTMLElement} el
   */
  constructor(contents, el) {
    this.contents = contents;
    this.rows = contents.rows;
    this.choices = choicesOf(this.rows);
    this.lesson = contents.lessons.find(({ name }) => name === contents.lesson) ?? null;
    this.given = checked(contents.settings, this.rows).settings;
    this.settings = structuredClone(this.given);
    /** @type {Points | null} */
    this.own = contents.points;
    /** @type {Points} */
    this.points = { x: [], y: [] };
    /** @type {number[]} */
    this.trained = [];
    /** @type {number[]} */
    this.tested = [];
    /** @type {Set<number>} */
    this.held = new Set();
    /** @type {Training | null} */
    this.training = null;
    /** @type {Shape} */
    this.shape = { inputs: 2, outputs: 1, bias: contents.bias, classes: contents.classes };
    this.version = 0;
    this.running = false;
    this.painted = 0;
    this.steps = 0;
    this.epochs = 0;
    this.stepsBefore = 0;
    this.epochsBefore = 0;
    this.last = 0;
    this.chosen = -1;
    /** @type {Unit | null} */
    this.unit = null;
    /** @type {Colors | null} */
    this.colors = null;

    this.told = element("p", { class: "told", role: "status" });
    this.lessonText = element("p", { class: "lesson" });
    this.playing = button("Train", "play", "train or pause (space)", () => this.toggle());
    this.playing.classList.add("train");
    this.count = element("output", { class: "count" });
    this.diagram = new Diagram(SIDE, {
      choose: (layer, unit) => this.lookAtUnit(layer, unit),
      change: (layers) => this.relayer(layers),
    });
    this.fields = new Fields(this);
    this.plane = new Plane(this);
    this.progress = new Progress(this);
    this.looking = new Looking(this);
    this.taking = new Taking(this);
    this.lessons = chooser(
      "Lesson", [["", "none"], ...contents.lessons.map(({ name, title }) => (
        /** @type {[string, string]} */ ([name, title])
      ))], this.lesson?.name ?? "", (name) => this.openLesson(name),
    );
    this.theme = chooser("Theme", THEMES.map((name) => [name, name]), contents.theme, (name) => {
      this.root.setAttribute("data-theme", name);
      this.looking.recolor(name);
      this.recolor();
    });
    this.paces = chooser("Pace", Object.entries(PACES), this.settings.pace, (pace) => {
      this.settings.pace = pace;
      this.follow();
    });
    this.root = element("section", {
      class: "mgp-player mgp-playground", "data-theme": contents.theme, "aria-label": contents.title,
    });
    this.compose();
    el.append(this.root);
    this.listen();
    const told = this.addressed();
    this.fill();
    this.ready = this.rebuild(true).then(() => told && this.say(told));
  }

  /* What it consists of. */

  compose() {
    const { contents, fields, plane } = this;
    this.root.append(
      element("header", {}, element("h1", {}, contents.title), this.lessons, this.theme),
      this.lessonText, this.bar(), this.told,
      element("section", { class: "learning", "aria-label": "How it learns" }, fields.learning),
      element(
        "div", { class: "main" },
        element(
          "section", { class: "data", "aria-label": "What it learns from" },
          fields.data, plane.edit, plane.pasting(),
        ),
        this.diagram.root,
        element("div", { class: "out" }, plane.canvas, plane.tools(), plane.legend),
      ),
      this.looking.root, this.progress.root, this.taking.root,
    );
  }

  bar() {
    return element(
      "div", { class: "bar", role: "group", "aria-label": "Training" },
      this.playing,
      button("Step", "Step", "one step of the optimiser (S)", () => this.once("step")),
      button("Epoch", "Epoch", "steps to the end of the epoch (E)", () => this.once("epoch")),
      button("Reset", "Reset", "from the first weights again (R)", () => this.reset()),
      button("New weights", "New weights", "the next seed", () => (
        this.change("seed", (this.settings.seed + 1) % 1000000)
      )),
      this.paces, this.count,
    );
  }

  /** Everything that is set, as it is. */
  fill() {
    this.fields.fill();
    this.lessonText.textContent = this.lesson?.text ?? "";
    const select = /** @type {HTMLSelectElement} */ (this.lessons.querySelector("select"));
    select.value = this.lesson?.name ?? "";
    const pace = /** @type {HTMLSelectElement} */ (this.paces.querySelector("select"));
    pace.value = this.settings.pace;
  }

  listen() {
    const keys = this.contents.alone ? document : this.root;
    keys.addEventListener("keydown", (event) => this.key(/** @type {KeyboardEvent} */ (event)));
    new ResizeObserver(() => {
      this.diagram.measure();
      this.paint();
    }).observe(this.root);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.recolor());
    if (this.contents.alone) {
      window.addEventListener("hashchange", () => {
        const told = this.addressed();
        this.fill();
        this.ready = this.rebuild(true).then(() => told && this.say(told));
      });
    }
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const target = /** @type {HTMLElement} */ (event.target);
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || target.closest("input, select, textarea")) {
      return;
    }
    const onButton = target.closest("button, summary") !== null;
    /** @type {Record<string, () => void>} */
    const acts = {
      " ": () => this.toggle(), s: () => this.once("step"), e: () => this.once("epoch"),
      r: () => this.reset(),
    };
    const act = acts[event.key.toLowerCase()];
    if (act && !(event.key === " " && onButton)) {
      event.preventDefault();
      act();
    }
  }

  /* Settings. */

  /** The settings of the address, if there are any; gives what could not be taken from it. */
  addressed() {
    const found = this.contents.alone ? fromFragment(location.hash) : null;
    if (!found) {
      return "";
    }
    const { points, ...others } = found;
    const { settings, refused } = checked({ ...this.given, ...others }, this.rows);
    this.settings = settings;
    this.lesson = null;
    if (points) {
      try {
        this.own = table(String(points).replaceAll(";", "\n"));
      } catch {
        refused.push("points");
      }
    }
    if (settings.data === "own" && !this.own) {
      settings.data = DEFAULTS.data;
    }
    return refused.length > 0 ? `The link has settings that cannot be: ${refused.join(", ")}.` : "";
  }

  /**
   * @param {string} name
   * @param {any} value
   */
  change(name, value) {
    /** @type {any} */
    const settings = this.settings;
    settings[name] = value;
    if (name === "optimizer") {
      settings.options = {};
    }
    if (name === "schedule") {
      settings.decay = startOf(this.rows.schedules, value);
    }
    if (name === "data" && value === "own" && !this.own) {
      this.own = this.points;
    }
    if (["optimizer", "schedule", "data", "seed"].includes(name)) {
      this.fill();
    }
    if (!ON_DATA.has(name) || name === "data") {
      this.follow();
    }
    this.ready = this.rebuild(FRESH.has(name));
  }

  /** The address says what is set, where there is one of its own. */
  follow() {
    if (this.contents.alone && location.hash.includes("=")) {
      history.replaceState(null, "", `#${this.fragment()}`);
    }
  }

  fragment() {
    return asFragment(this.settings, this.settings.data === "own" ? this.own : null);
  }

  /** @param {import("./diagram.js").Layer[]} layers the last one gives the output */
  relayer(layers) {
    this.settings.output = layers[layers.length - 1].activation;
    this.settings.layers = layers.slice(0, -1);
    this.follow();
    this.ready = this.rebuild(true);
  }

  /** @param {string} name */
  openLesson(name) {
    this.lesson = this.contents.lessons.find((one) => one.name === name) ?? null;
    this.settings = this.lesson
      ? checked(this.lesson.settings, this.rows).settings : structuredClone(this.given);
    this.fill();
    this.follow();
    this.ready = this.rebuild(true);
  }

  /* Training. */

  /**
   * Data, network and training anew; with the weights that there are, unless they are to be fresh.
   *
   * @param {boolean} isFresh
   */
  async rebuild(isFresh) {
    this.version += 1;
    const { version } = this;
    const problem = this.gather();
    const { shape, settings } = this;
    const before = this.training;
    const isSame = before !== null && before.setup.plan.inputs === shape.inputs
      && before.layout[before.layout.length - 1].units === shape.outputs;
    const keeps = !isFresh && isSame;
    const weights = keeps ? Array.from(before.weights) : this.firstWeights();
    try {
      if (problem) {
        throw new Error(problem);
      }
      const setup = setupOf(settings, shape, weights);
      const training = await create(setup, this.examples(), this.rows, this.contents.module);
      if (version !== this.version) {
        return;
      }
      if (!weights && settings.scale !== 1) {
        training.weights = training.weights.map((w) => w * settings.scale);
      }
      this.begin(training, keeps);
    } catch (error) {
      if (version === this.version) {
        this.pause();
        this.say(`${/** @type {Error} */ (error).message.replace(/^./, (c) => c.toUpperCase())}.`);
      }
    }
  }

  /** Python's weights, where the model is still the one that Python gave. */
  firstWeights() {
    const { weights } = this.contents;
    const names = /** @type {(keyof Settings)[]} */ (["layers", "output", "init", "scale", "seed"]);
    const isGiven = names.every((name) => (
      JSON.stringify(this.settings[name]) === JSON.stringify(this.given[name])
    ));
    return weights && isGiven && this.shape.inputs === this.contents.points?.x[0]?.length
      ? weights : null;
  }

  /** The points and what they ask of a network; gives what is wrong with the settings. */
  gather() {
    const { settings } = this;
    this.points = settings.data === "own" && this.own
      ? this.own : made(settings.data, settings.count, settings.noise, settings.draw);
    const { x, y } = this.points;
    if (y.length === 0) {
      return "there are no points to learn from";
    }
    const parts = divided(y.length, settings.held, settings.draw);
    this.trained = parts.train;
    this.tested = parts.test;
    this.held = new Set(parts.test);
    const inputs = x[0].length;
    const classes = Math.max(classesOf(y), this.contents.names?.length ?? 2);
    const outputs = outputsFor(this.rows, settings.loss, classes);
    this.plane.frame(x, settings.data === "own");
    this.shape = { ...this.shape, inputs, outputs: outputs || 1, classes: this.contents.classes };
    if (this.contents.classes?.length !== classes) {
      this.shape.classes = null;
    }
    this.plane.layGrid();
    this.plane.nameClasses(classes);
    return outputs ? "" : `the loss ${settings.loss} does not tell ${classes} classes apart; `
      + `${this.fitting(classes)} does`;
  }

  /** @param {number} classes */
  fitting(classes) {
    return this.choices.loss.filter((loss) => outputsFor(this.rows, loss, classes)).join(", ") || "none";
  }

  examples() {
    const takes = takesOf(this.rows, this.settings.loss, this.settings.output);
    const part = (/** @type {number[]} */ places) => ({
      x: places.map((k) => this.points.x[k]),
      y: places.map((k) => targetOf(this.points.y[k], takes)),
    });
    return { train: part(this.trained), test: part(this.tested) };
  }

  /**
   * @param {Training} training
   * @param {boolean} keeps
   */
  begin(training, keeps) {
    this.training = training;
    if (!keeps) {
      this.progress.forget();
      this.steps = 0;
      this.epochs = 0;
    }
    this.stepsBefore = this.steps;
    this.epochsBefore = this.epochs;
    this.say("");
    this.diagram.build({
      inputs: this.shape.inputs,
      layers: [...this.settings.layers, { units: this.shape.outputs, activation: this.settings.output }],
      activations: this.choices.activation, outputs: this.choices.output,
    });
    this.diagram.measure();
    this.chosen = this.chosen < this.points.y.length ? this.chosen : -1;
    if (this.unit && !training.layout[this.unit.layer]) {
      this.unit = null;
    }
    this.plane.offerPoint();
    this.looking.look();
    this.recolor();
  }

  reset() {
    this.pause();
    this.ready = this.rebuild(true);
  }

  toggle() {
    if (this.running) {
      this.pause();
      this.paint();
    } else if (this.training) {
      this.running = true;
      this.unit = null;
      this.looking.look();
      this.last = performance.now();
      this.say("");
      this.playing.setAttribute("aria-label", "Pause");
      this.playing.replaceChildren(icon("pause"));
      requestAnimationFrame(() => this.run());
    }
  }

  pause() {
    this.running = false;
    this.playing.setAttribute("aria-label", "Train");
    this.playing.replaceChildren(icon("play"));
    this.looking.look();
  }

  /** The steps of one picture, and the picture. */
  run() {
    if (!this.running || !this.training) {
      return;
    }
    const now = performance.now();
    if (this.settings.pace !== "slow" || now - this.last >= SLOW) {
      this.last = now;
      if (this.settings.pace === "fast") {
        while (this.running && performance.now() - now < BUDGET) {
          this.advance("step");
        }
      } else {
        this.advance("step");
      }
      this.paint();
    }
    requestAnimationFrame(() => this.run());
  }

  /** @param {"step" | "epoch"} how */
  once(how) {
    this.pause();
    this.advance(how);
    this.paint();
    this.looking.look();
  }

  /**
   * A step or an epoch; it ends training where numbers are not finite, or early.
   *
   * @param {"step" | "epoch"} how
   */
  advance(how) {
    const { training } = this;
    if (!training) {
      return;
    }
    try {
      training[how]();
    } catch (error) {
      this.pause();
      this.say(`It stopped: ${/** @type {Error} */ (error).message}.`);
      return;
    }
    this.steps = this.stepsBefore + training.steps;
    this.epochs = this.epochsBefore + training.epochs;
    const isEpoch = this.progress.record(training) > 0;
    if (isEpoch && this.settings.patience > 0) {
      this.stopEarly(training);
    }
  }

  /** @param {Training} training */
  stopEarly(training) {
    const { best, epochs } = training;
    const { patience } = this.settings;
    if (this.running && best && epochs - 1 - best.epoch >= patience) {
      training.restoreBest();
      this.pause();
      this.say(
        `It stopped early: for ${patience} epochs the test loss was not below ${formatted(best.loss)}. `
          + `The weights are those of epoch ${this.epochsBefore + best.epoch + 1}.`,
      );
    }
  }

  /** @param {string} text */
  say(text) {
    if (this.told.textContent !== text) {
      this.told.textContent = text;
    }
  }

  /* Painting. */

  recolor() {
    this.colors = colorsOf(this.root);
    this.paint();
  }

  paint() {
    const { training, colors, settings } = this;
    if (!training || !colors) {
      return;
    }
    const responses = training.units(this.plane.grid);
    const layers = this.layers(training);
    this.diagram.paint(responses, layers, this.unit, colors);
    this.plane.paint(responses[responses.length - 1], colors);
    this.progress.paint(colors);
    this.painted += 1;
    if (!this.running || this.painted % EVERY === 0) {
      this.progress.paintSizes(training, this.steps === 0);
      this.diagram.mark(training.units(this.trained.map((k) => this.points.x[k])));
      this.counted(training, settings);
    }
  }

  /** @param {Training} training */
  layers(training) {
    const activations = training.setup.plan.layers.map(({ activation }) => activation);
    return layersOf(training.layout, training.weights, activations);
  }

  /**
   * How far it is.
   *
   * @param {Training} training
   * @param {Settings} settings
   */
  counted(training, settings) {
    const [loss, ofTest] = this.progress.history.last;
    const right = (/** @type {number[]} */ places) => this.rightShare(training, places);
    const parts = [`epoch ${this.epochs.toLocaleString("en")}`];
    if (settings.batch > 0) {
      parts.push(`step ${this.steps.toLocaleString("en")}`);
    }
    if (loss !== undefined) {
      parts.push(`loss ${short(loss)}`);
    }
    parts.push(`right ${right(this.trained)}`);
    if (this.tested.length > 0) {
      parts.push(`held out: ${ofTest === undefined ? "" : `loss ${short(ofTest)}, `}right ${right(this.tested)}`);
    }
    const text = parts.join(" · ");
    this.count.textContent = text;
    this.progress.curves.setAttribute("aria-label", `Loss over epochs; now ${text}`);
    this.plane.canvas.setAttribute(
      "aria-label", `The plane with ${this.points.y.length} points and the regions of the classes; `
        + "arrow keys choose a point",
    );
  }

  /**
   * @param {Training} training
   * @param {number[]} places
   */
  rightShare(training, places) {
    const outputs = training.outputs(places.map((k) => this.points.x[k]));
    const width = this.shape.outputs;
    const boundary = boundaryOf(this.settings.output);
    const right = places.filter((place, k) => {
      const label = width === 1 ? Number(outputs[k] > boundary) : leader(outputs, k * width, width)[0];
      return label === this.points.y[place];
    });
    return `${Math.round((100 * right.length) / Math.max(places.length, 1))} %`;
  }

  /* Points of one's own. */

  /** @param {Points} points */
  takeOwn(points) {
    const classes = classesOf(points.y);
    this.own = points;
    this.settings.data = "own";
    this.lesson = null;
    this.fit(classes);
    this.plane.limits = [];
    this.chosen = -1;
    this.fill();
    this.follow();
    this.ready = this.rebuild(false);
  }

  /**
   * Take a loss that tells so many classes apart, where the present one does not.
   *
   * @param {number} classes
   */
  fit(classes) {
    if (!outputsFor(this.rows, this.settings.loss, classes)) {
      this.settings.loss = "cross_entropy";
      this.settings.output = "linear";
    }
  }

  /**
   * Points that have changed, from which training goes on.
   *
   * @param {Points} points
   */
  edited(points) {
    this.own = points;
    const isNew = this.settings.data !== "own";
    this.settings.data = "own";
    const before = { ...this.shape };
    const problem = this.gather();
    if (isNew) {
      this.fill();
    }
    if (problem || !this.training || this.shape.outputs !== before.outputs) {
      if (problem && points.y.length > 0) {
        this.fit(classesOf(points.y));
        this.fill();
      }
      this.ready = this.rebuild(false);
      return;
    }
    this.training.setData(this.examples());
    this.plane.offerPoint();
    this.looking.look();
    this.paint();
  }

  /* Inside. */

  /** @param {number} k */
  choose(k) {
    this.chosen = k;
    this.plane.label.selectedIndex = this.points.y[k];
    this.plane.layGrid();
    this.plane.offerPoint();
    this.looking.look();
    this.paint();
  }

  /**
   * @param {number} layer
   * @param {number} unit
   */
  lookAtUnit(layer, unit) {
    this.unit = { layer, unit };
    this.chosen = Math.max(this.chosen, 0);
    this.plane.layGrid();
    this.plane.offerPoint();
    this.pause();
    this.looking.seek(nameOf(layer, unit, this.settings.layers.length + 1));
    this.paint();
  }

  leave() {
    this.chosen = -1;
    this.unit = null;
    this.plane.offerPoint();
    this.looking.look();
    this.paint();
  }
}

/** @param {number} x */
function short(x) {
  return Number.isFinite(x) ? formatted(Number(x.toPrecision(3))) : String(x);
}

/**
 * @param {{ model: { get(key: string): any }, el: HTMLElement }} where
 */
export function render({ model, el }) {
  return new Playground(model.get("playground"), el);
}
