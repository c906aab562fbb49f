/*
 * The playground: a network that learns in the page, and what one sees and changes of it.
 *
 * `render({ model, el })` puts it into an element, with everything it needs under the model's key
 * "playground". Every text is put in as text, never as markup. What is drawn by chance here has a
 * seed of its own, and is not what Python draws.
 */
import {
  Raster, barOf, colorsOf, contour, css, leader, paintCurves, paintPoints, paintRegions,
} from "./charts.js";
import { chooser, described, number } from "./controls.js";
import { Diagram, layersOf } from "./diagram.js";
import { button, element, icon, toClipboard } from "./elements.js";
import { contentsOf, isLarge } from "./inside.js";
import { nameOf } from "./names.js";
import { formatted } from "./numbers.js";
import { Player } from "./player.js";
import {
  MOST_CLASSES, MOST_ROWS, TableError, classesOf, divided, limits, made, table, widest,
} from "./points.js";
import {
  DEFAULTS, PACES, asFragment, boundaryOf, checked, choicesOf, fromFragment, outputsFor,
  setupOf, takesOf, targetOf, typed,
} from "./settings.js";
import { create } from "./training.js";

/**
 * @typedef {import("./settings.js").Settings} Settings
 * @typedef {import("./settings.js").Shape} Shape
 * @typedef {import("./points.js").Points} Points
 * @typedef {import("./training.js").Training} Training
 * @typedef {import("./charts.js").Colors} Colors
 * @typedef {import("./charts.js").Limits} Limits
 * @typedef {import("./inside.js").Unit} Unit
 * @typedef {{ name: string, title: string, text: string, settings: Record<string, any> }} Lesson
 * @typedef {{ title: string, theme: string, rows: any, lessons: Lesson[], lesson: string,
 *   settings: Record<string, any>, points: Points | null, weights: number[] | null, bias: boolean,
 *   classes: any[] | null, names: string[] | null, module: Uint8Array | null,
 *   alone?: boolean }} Contents
 */

const SIDE = 40;
const BUDGET = 9;
const SLOW = 100;
const EVERY = 6;
const MOST_RECORDED = 20000;
const THEMES = ["auto", "light", "dark"];
const TOOLS = ["look", "add", "move", "delete"];
const FRESH = new Set(["layers", "output", "init", "scale", "seed"]);
const ON_DATA = new Set(["data", "count", "noise", "held", "draw"]);

class Playground {
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
    /** @type {Limits[]} */
    this.limits = [];
    /** @type {[number, number]} */
    this.axes = [0, 1];
    /** @type {Training | null} */
    this.training = null;
    /** @type {Shape} */
    this.shape = { inputs: 2, outputs: 1, bias: contents.bias, classes: contents.classes };
    this.version = 0;
    this.running = false;
    this.tool = "look";
    this.painted = 0;
    this.isLog = false;
    this.history = noHistory();
    this.steps = 0;
    this.epochs = 0;
    this.stepsBefore = 0;
    this.epochsBefore = 0;
    this.last = 0;
    this.chosen = -1;
    /** @type {Unit | null} */
    this.unit = null;
    /** @type {Player | null} */
    this.player = null;
    this.raster = new Raster(SIDE);
    this.grid = new Float64Array();
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
    this.regions = element("canvas", { class: "regions", role: "img", tabindex: "0" });
    this.curves = element("canvas", { class: "curves", role: "img" });
    this.sizes = element("ol", { class: "sizes" });
    this.learning = element("div", { class: "fields" });
    this.data = element("div", { class: "fields" });
    this.edit = element("div", { class: "edit" });
    this.legend = element("p", { class: "legend" });
    this.inside = element("section", { class: "inside", "aria-label": "Inside the network" });
    this.taken = element("textarea", {
      class: "taken", rows: "5", readonly: "", hidden: "", "aria-label": "Copied text",
    });
    this.lessons = chooser(
      "Lesson", [["", "none"], ...contents.lessons.map(({ name, title }) => (
        /** @type {[string, string]} */ ([name, title])
      ))], this.lesson?.name ?? "", (name) => this.openLesson(name),
    );
    this.theme = chooser("Theme", THEMES.map((name) => [name, name]), contents.theme, (name) => {
      this.root.setAttribute("data-theme", name);
      this.player?.root.setAttribute("data-theme", name);
      this.recolor();
    });
    this.paces = chooser("Pace", Object.entries(PACES), this.settings.pace, (pace) => {
      this.settings.pace = pace;
      this.follow();
    });
    this.label = element("select", { "aria-label": "Class of new points" });
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
    const { contents } = this;
    this.root.append(
      element("header", {}, element("h1", {}, contents.title), this.lessons, this.theme),
      this.lessonText, this.bar(), this.told,
      element("section", { class: "learning", "aria-label": "How it learns" }, this.learning),
      element(
        "div", { class: "main" },
        element("section", { class: "data", "aria-label": "What it learns from" }, this.data, this.edit, this.pasting()),
        this.diagram.root,
        element("div", { class: "out" }, this.regions, this.tools(), this.legend),
      ),
      this.inside,
      element("div", { class: "below" }, this.curving(), this.sizing()),
      this.away(),
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

  tools() {
    const group = element("div", { class: "tools", role: "group", "aria-label": "A click in the plane" });
    TOOLS.forEach((tool) => {
      const made = element("button", { type: "button", "aria-pressed": String(tool === this.tool) }, tool);
      made.addEventListener("click", () => {
        this.tool = tool;
        Array.from(group.querySelectorAll("button")).forEach((one) => (
          one.setAttribute("aria-pressed", String(one === made))
        ));
      });
      group.append(made);
    });
    group.append(this.label);
    return group;
  }

  pasting() {
    const area = element("textarea", {
      rows: "4", "aria-label": "Table: a point a line, its class last",
      placeholder: "0.5, 1.2, 0\n−0.3, 0.8, 1",
    });
    const told = element("p", { class: "wrong", role: "alert" });
    const act = button("Use this table", "Use this table", "these points in place of the others", () => {
      try {
        const points = table(area.value);
        told.textContent = "";
        this.takeOwn(points);
      } catch (error) {
        if (!(error instanceof TableError)) {
          throw error;
        }
        told.textContent = error.message;
      }
    });
    return element(
      "details", {}, element("summary", {}, "Paste a table"),
      element("p", {}, `A point a line: its inputs, then its class, 0 to ${MOST_CLASSES - 1}. `
        + `At most ${MOST_ROWS.toLocaleString("en")} lines of 16 numbers.`),
      area, act, told,
    );
  }

  curving() {
    const log = element("input", { type: "checkbox" });
    log.addEventListener("change", () => {
      this.isLog = log.checked;
      this.paint();
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

  away() {
    const group = element("div", { class: "away", role: "group", "aria-label": "Take it away" });
    group.append(
      button("Copy as Python", "Copy as Python", "the model with its weights, as code", () => (
        this.take((training) => training.toPython())
      )),
      button("Copy the model file", "Copy the model file", "JSON, which nn.load reads", () => (
        this.take((training) => training.toModelFile())
      )),
    );
    if (this.contents.alone) {
      group.append(
        button("Save the model file", "Save the model file", "model.json, which nn.load reads", () => this.save()),
        button("Copy a link", "Copy a link", "to this page with these settings", () => this.link()),
      );
    }
    group.append(this.taken);
    return group;
  }

  /** Fields with the settings as they are. */
  fill() {
    const { settings, rows, choices } = this;
    const named = (/** @type {string} */ name) => choices[name].map((one) => (
      /** @type {[string, string]} */ ([one, one.replaceAll("_", " ") || "constant"])
    ));
    const pick = (/** @type {string} */ label, /** @type {string} */ name) => chooser(
      label, named(name), String(/** @type {any} */ (settings)[name]), (x) => this.change(name, x),
    );
    const num = (/** @type {string} */ label, /** @type {string} */ name) => number(
      label, name, /** @type {any} */ (settings)[name], (x) => this.change(name, x),
    );
    const some = (/** @type {string} */ into, /** @type {Record<string, any>} */ fields) => (
      Object.entries(fields).filter(([name]) => name !== "learning_rate" && name !== "initial")
        .map(([name, field]) => {
          const now = /** @type {any} */ (settings)[into];
          const value = now[name] ?? field.default ?? STARTS[name];
          return described(name, field, value, (x) => this.change(into, { ...now, [name]: x }));
        })
    );
    const more = element(
      "details", {}, element("summary", {}, `More of ${settings.optimizer}`),
      element("div", { class: "fields" }, ...some("options", rows.optimizers[settings.optimizer])),
    );
    more.open = Object.keys(settings.options).length > 0;
    this.learning.replaceChildren(
      pick("Loss", "loss"), pick("Optimiser", "optimizer"), num("Rate", "rate"),
      pick("Schedule", "schedule"),
      ...(settings.schedule ? some("decay", rows.schedules[settings.schedule]) : []),
      num("Batch, 0 for all", "batch"), pick("Penalty", "penalty"), num("its amount", "amount"),
      num("Dropout", "dropout"), pick("First weights", "init"), num("times", "scale"),
      num("Seed", "seed"), num("Patience, 0 for ever", "patience"),
      more,
    );
    this.data.replaceChildren(
      pick("Data", "data"),
      ...(settings.data === "own" ? [] : [
        num("Points", "count"), num("Noise", "noise"), num("Seed of data", "draw"),
      ]),
      num("Share held out", "held"),
    );
    this.lessonText.textContent = this.lesson?.text ?? "";
    const select = /** @type {HTMLSelectElement} */ (this.lessons.querySelector("select"));
    select.value = this.lesson?.name ?? "";
    const pace = /** @type {HTMLSelectElement} */ (this.paces.querySelector("select"));
    pace.value = settings.pace;
  }

  listen() {
    const keys = this.contents.alone ? document : this.root;
    keys.addEventListener("keydown", (event) => this.key(/** @type {KeyboardEvent} */ (event)));
    this.regions.addEventListener("pointerdown", (event) => this.pointed(event));
    this.regions.addEventListener("pointermove", (event) => this.dragged(event));
    this.regions.addEventListener("keydown", (event) => this.pointByKey(event));
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
      settings.decay = this.startOf(value);
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

  /**
   * What a schedule begins with, where it has no number of its own.
   *
   * @param {string} schedule
   */
  startOf(schedule) {
    const fields = Object.entries(this.rows.schedules[schedule] ?? {});
    const open = fields.filter(([name, field]) => name in STARTS && field.default === null);
    return Object.fromEntries(open.map(([name]) => [name, STARTS[name]]));
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
    if (this.limits.length !== inputs) {
      this.axes = widest(x, inputs);
    }
    if (this.limits.length !== inputs || settings.data !== "own" || this.tool === "look") {
      this.limits = limits(x, inputs);
    }
    this.shape = { ...this.shape, inputs, outputs: outputs || 1, classes: this.contents.classes };
    if (this.contents.classes?.length !== classes) {
      this.shape.classes = null;
    }
    this.layGrid();
    this.nameClasses(classes);
    return outputs ? "" : `the loss ${settings.loss} does not tell ${classes} classes apart; `
      + `${this.fitting(classes)} does`;
  }

  /** @param {number} classes */
  fitting(classes) {
    return this.choices.loss.filter((loss) => outputsFor(this.rows, loss, classes)).join(", ") || "none";
  }

  /** Places all over the plane; other inputs are those of the chosen point, or their middle. */
  layGrid() {
    const { limits: around, axes, shape: { inputs } } = this;
    const middle = this.points.x[this.chosen] ?? around.map(([low, high]) => (low + high) / 2);
    this.grid = new Float64Array(SIDE * SIDE * inputs);
    for (let place = 0; place < SIDE * SIDE; place += 1) {
      this.grid.set(middle, place * inputs);
      const shares = [place % SIDE, Math.floor(place / SIDE)];
      axes.forEach((axis, k) => {
        const [low, high] = around[axis];
        this.grid[place * inputs + axis] = low + ((high - low) * (shares[k] + 0.5)) / SIDE;
      });
    }
  }

  /** @param {number} classes */
  nameClasses(classes) {
    const names = Array.from({ length: classes }, (_, k) => this.contents.names?.[k] ?? String(k));
    const { label } = this;
    const before = Math.max(label.selectedIndex, 0);
    const more = classes < MOST_CLASSES && !this.contents.names ? [...names, String(classes)] : names;
    label.replaceChildren(...more.map((name, k) => (
      element("option", { value: String(k) }, `class ${name}`)
    )));
    label.selectedIndex = Math.min(before, classes - 1);
    this.legend.replaceChildren(
      ...names.map((name, k) => element("span", { class: `class-${k % 10}` }, `class ${name}`)),
      element("span", { class: "held" }, "held out"),
    );
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
      this.history = noHistory();
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
    this.offerPoint();
    this.look();
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
      this.look();
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
    this.look();
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
    this.look();
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
    this.record(training);
  }

  /**
   * Take the losses out of the training; of very many every second one goes, again and again.
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
    if (losses.length > 0 && this.settings.patience > 0) {
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
    const responses = training.units(this.grid);
    const layers = this.layers(training);
    this.diagram.paint(responses, layers, this.unit, colors);
    this.paintPlane(responses[responses.length - 1], colors);
    paintCurves(this.curves, [
      { values: this.history.losses, color: colors.ink, dashes: [] },
      { values: this.history.tests, color: colors.minus, dashes: [5, 3] },
    ], this.history.every, this.isLog, colors);
    this.painted += 1;
    if (!this.running || this.painted % EVERY === 0) {
      this.paintSizes(training);
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
   * @param {Float64Array} values
   * @param {Colors} colors
   */
  paintPlane(values, colors) {
    const width = this.shape.outputs;
    const boundary = boundaryOf(this.settings.output);
    const field = { side: SIDE, values, width };
    paintRegions(this.raster, field, boundary, colors);
    const { pen, width: size } = this.raster.onto(this.regions);
    if (width === 1) {
      pen.strokeStyle = css(colors.ink);
      pen.lineWidth = 1.5;
      contour(pen, field, boundary, size);
    }
    paintPoints(pen, this.points, this.held, this.chosen, {
      axes: this.axes, limits: this.limits, size,
    }, colors);
  }

  /** @param {Training} training */
  paintSizes(training) {
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
      output.textContent = this.steps === 0 ? "·" : formatted(Number(size.toPrecision(3)));
    });
  }

  /**
   * How far it is.
   *
   * @param {Training} training
   * @param {Settings} settings
   */
  counted(training, settings) {
    const [loss, ofTest] = this.history.last;
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
    this.curves.setAttribute("aria-label", `Loss over epochs; now ${text}`);
    this.regions.setAttribute(
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
    this.limits = [];
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
    this.offerPoint();
    this.look();
    this.paint();
  }

  copied() {
    return { x: this.points.x.map((x) => [...x]), y: [...this.points.y] };
  }

  /**
   * The point of the plane under the mouse.
   *
   * @param {PointerEvent} event
   * @returns {[number, number]}
   */
  placeOf(event) {
    const box = this.regions.getBoundingClientRect();
    const shares = [(event.clientX - box.left) / box.width, 1 - (event.clientY - box.top) / box.height];
    const [across, up] = this.axes.map((axis, k) => {
      const [low, high] = this.limits[axis];
      return Number((low + shares[k] * (high - low)).toPrecision(4));
    });
    return [across, up];
  }

  /** @param {[number, number]} place */
  nearest(place) {
    const [width, height] = this.axes.map((axis) => this.limits[axis][1] - this.limits[axis][0]);
    let [best, least] = [-1, 0.05];
    this.points.x.forEach((x, k) => {
      const away = Math.hypot(
        (x[this.axes[0]] - place[0]) / width, (x[this.axes[1]] - place[1]) / height,
      );
      if (away < least) {
        [best, least] = [k, away];
      }
    });
    return best;
  }

  /** @param {PointerEvent} event */
  pointed(event) {
    const place = this.placeOf(event);
    if (this.tool === "add") {
      this.addPoint(this.filled(place));
    } else {
      const found = this.nearest(place);
      if (found >= 0 && this.tool === "delete") {
        this.removePoint(found);
      } else if (found >= 0) {
        this.choose(found);
        this.regions.setPointerCapture(event.pointerId);
      }
    }
  }

  /** @param {PointerEvent} event */
  dragged(event) {
    if (this.tool === "move" && event.buttons === 1 && this.chosen >= 0) {
      const points = this.copied();
      const place = this.placeOf(event);
      this.axes.forEach((axis, k) => { points.x[this.chosen][axis] = place[k]; });
      this.edited(points);
    }
  }

  /** @param {KeyboardEvent} event */
  pointByKey(event) {
    const moves = /** @type {Record<string, number>} */ ({
      ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1,
    });
    const count = this.points.y.length;
    if (event.key in moves && count > 0) {
      event.preventDefault();
      this.choose((this.chosen + moves[event.key] + count) % count);
    } else if (event.key === "Delete" && this.chosen >= 0) {
      this.removePoint(this.chosen);
    }
  }

  /**
   * A whole point of two numbers: others are in their middle.
   *
   * @param {[number, number]} place
   */
  filled(place) {
    const x = this.limits.map(([low, high]) => (low + high) / 2);
    this.axes.forEach((axis, k) => { x[axis] = place[k]; });
    return x;
  }

  /** @param {number[]} x */
  addPoint(x) {
    if (this.points.y.length >= MOST_ROWS) {
      this.say(`There are ${MOST_ROWS} points, as many as there can be.`);
      return;
    }
    const points = this.copied();
    points.x.push(x);
    points.y.push(this.label.selectedIndex);
    this.chosen = points.y.length - 1;
    this.edited(points);
  }

  /** @param {number} k */
  removePoint(k) {
    if (this.points.y.length <= 2) {
      this.say("Two points at least are left.");
      return;
    }
    const points = this.copied();
    points.x.splice(k, 1);
    points.y.splice(k, 1);
    this.chosen = -1;
    this.edited(points);
  }

  /** Fields for the numbers of the chosen point, to change it, or to add one like it. */
  offerPoint() {
    const { chosen, points } = this;
    const x = points.x[chosen] ?? this.filled([0, 0]);
    if (x.length > 2) {
      this.edit.replaceChildren(this.chooseAxes());
      return;
    }
    const fields = x.map((one, k) => {
      const field = element("input", {
        type: "text", inputmode: "decimal", size: "6", "aria-label": `${nameOf(-1, k, 2)} of a point`,
      });
      field.value = formatted(one);
      return field;
    });
    const read = () => {
      const found = fields.map((field) => typed(field.value));
      fields.forEach((field, k) => field.setAttribute("aria-invalid", String(!Number.isFinite(found[k]))));
      return found.every(Number.isFinite) ? found : null;
    };
    const act = (/** @type {(x: number[]) => void} */ then) => () => {
      const found = read();
      if (found) {
        then(found);
      }
    };
    const buttons = [button("Add point", "Add", "a point there", act((found) => this.addPoint(found)))];
    if (chosen >= 0) {
      buttons.push(
        button("Change point", "Change", "the chosen point", act((found) => {
          const changed = this.copied();
          changed.x[chosen] = found;
          changed.y[chosen] = this.label.selectedIndex;
          this.edited(changed);
        })),
        button("Delete point", "Delete", "the chosen point", () => this.removePoint(chosen)),
      );
    }
    this.edit.replaceChildren(
      element("span", {}, chosen >= 0 ? `Point ${chosen + 1}` : "A point"), ...fields, ...buttons,
    );
  }

  /** Which inputs the plane is of, where there are more than two. */
  chooseAxes() {
    const names = Array.from({ length: this.shape.inputs }, (_, k) => (
      /** @type {[string, string]} */ ([String(k), nameOf(-1, k, 2)])
    ));
    const pick = (/** @type {string} */ label, /** @type {0 | 1} */ which) => chooser(
      label, names, String(this.axes[which]), (k) => {
        this.axes[which] = Number(k);
        this.layGrid();
        this.paint();
      },
    );
    return element("div", { class: "fields" }, pick("Across", 0), pick("Up", 1),
      element("p", {}, "The other inputs are those of the chosen point, or stand at their middle."));
  }

  /* Inside. */

  /** @param {number} k */
  choose(k) {
    this.chosen = k;
    const { label } = this;
    label.selectedIndex = this.points.y[k];
    this.layGrid();
    this.offerPoint();
    this.look();
    this.paint();
  }

  /**
   * @param {number} layer
   * @param {number} unit
   */
  lookAtUnit(layer, unit) {
    this.unit = { layer, unit };
    this.chosen = Math.max(this.chosen, 0);
    this.layGrid();
    this.offerPoint();
    this.pause();
    this.seek(nameOf(layer, unit, this.settings.layers.length + 1));
    this.paint();
  }

  /** Both passes at the chosen point with the weights as they are, where they were left. */
  look() {
    const { training, chosen, settings, player } = this;
    player?.pause();
    this.player = null;
    const x = this.points.x[chosen];
    if (!training || this.running || !x) {
      this.inside.replaceChildren(
        element("h2", {}, "Inside"),
        element("p", {}, this.running ? "Pause it to look inside."
          : "Choose a point in the plane, or a unit: both passes, step by step, with every "
            + "contribution."),
      );
      return;
    }
    const takes = takesOf(this.rows, settings.loss, settings.output);
    const targets = [targetOf(this.points.y[chosen], takes)];
    const { plan } = training.setup;
    const contents = contentsOf(this.rows, plan, { x, targets }, training.weights, this.unit);
    const place = element("div", {});
    this.inside.replaceChildren(
      element("h2", {}, `Inside, at point ${chosen + 1}`),
      button("Close", "Close", "look no longer inside", () => this.leave()),
      place,
    );
    if (isLarge(plan)) {
      place.append(element("p", {}, "The network is too large to be followed whole: these are one "
        + "unit and what lies beside it, the rest being folded."));
    }
    const title = `both passes at point ${chosen + 1}`;
    const theme = this.root.getAttribute("data-theme") ?? "auto";
    const all = { ...contents, title, theme };
    this.player = new Player(all, place, { get: () => all });
    this.player.begin(player?.frame ?? 0);
  }

  leave() {
    this.chosen = -1;
    this.unit = null;
    this.offerPoint();
    this.look();
    this.paint();
  }

  /**
   * Go on to where a box has its value.
   *
   * @param {string} name
   */
  seek(name) {
    const { player } = this;
    const found = player?.all.findIndex(([kind, box]) => (
      kind === "value" && player.stage.view.boxes[box].name === name
    ));
    player?.go(found ?? 0);
  }

  /* Taken away. */

  /** @param {(training: Training) => string} make */
  take(make) {
    const { training } = this;
    if (!training) {
      return;
    }
    this.pause();
    this.offer(make(training));
  }

  /** @param {string} text */
  offer(text) {
    const { taken } = this;
    taken.hidden = false;
    taken.value = text;
    taken.scrollIntoView({ block: "nearest" });
    toClipboard(taken);
  }

  save() {
    this.take((training) => {
      const text = training.toModelFile();
      const place = URL.createObjectURL(new Blob([text], { type: "application/json" }));
      const anchor = element("a", { href: place, download: "model.json" });
      anchor.click();
      URL.revokeObjectURL(place);
      return text;
    });
  }

  link() {
    const fragment = this.fragment();
    history.replaceState(null, "", `#${fragment}`);
    this.offer(location.href);
  }
}

/**
 * What a schedule's numbers begin with, where Python asks for them.
 *
 * @type {Record<string, number>}
 */
const STARTS = { every: 100, decay: 0.01, updates: 1000 };

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
