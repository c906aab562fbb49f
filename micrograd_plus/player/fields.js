/*
 * What is set of a training, in fields: how it learns, and what it learns from.
 */
import { chooser, described, number } from "./controls.js";
import { element } from "./elements.js";

/**
 * What a schedule's numbers begin with, where Python asks for them.
 *
 * @type {Record<string, number>}
 */
const STARTS = { every: 100, decay: 0.01, updates: 1000 };

/**
 * What a schedule begins with, where it has no number of its own.
 *
 * @param {Record<string, any>} schedules those that there are, with their settings
 * @param {string} schedule
 */
export function startOf(schedules, schedule) {
  const fields = Object.entries(schedules[schedule] ?? {});
  const open = fields.filter(([name, field]) => name in STARTS && field.default === null);
  return Object.fromEntries(open.map(([name]) => [name, STARTS[name]]));
}

export class Fields {
  /** @param {import("./playground.js").Playground} page */
  constructor(page) {
    this.page = page;
    this.learning = element("div", { class: "fields" });
    this.data = element("div", { class: "fields" });
  }

  /** Fields with the settings as they are. */
  fill() {
    const { settings, rows, choices } = this.page;
    const named = (/** @type {string} */ name) => choices[name].map((one) => (
      /** @type {[string, string]} */ ([one, one.replaceAll("_", " ") || "constant"])
    ));
    const pick = (/** @type {string} */ label, /** @type {string} */ name) => chooser(
      label, named(name), String(/** @type {any} */ (settings)[name]), (x) => this.page.change(name, x),
    );
    const num = (/** @type {string} */ label, /** @type {string} */ name) => number(
      label, name, /** @type {any} */ (settings)[name], (x) => this.page.change(name, x),
    );
    const some = (/** @type {string} */ into, /** @type {Record<string, any>} */ fields) => (
      Object.entries(fields).filter(([name]) => name !== "learning_rate" && name !== "initial")
        .map(([name, field]) => {
          const now = /** @type {any} */ (settings)[into];
          const value = now[name] ?? field.default ?? STARTS[name];
          return described(name, field, value, (x) => this.page.change(into, { ...now, [name]: x }));
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
  }
}
