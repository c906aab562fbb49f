/*
 * A network on screen: a column for each layer, each unit with its own response, weights as wires,
 * as wide as they are large and in the colour of their sign.
 */
import { Raster, css, paintUnit } from "./charts.js";
import { element } from "./elements.js";
import { nameOf } from "./names.js";

/**
 * @typedef {import("./charts.js").Colors} Colors
 * @typedef {{ units: number, activation: string, weights: number[][] }} LayerNumbers
 * @typedef {{ units: number, activation: string, pieces?: number }} Layer
 * @typedef {{ inputs: number, layers: Layer[], activations: string[], outputs: string[] }} Plan
 * @typedef {{ choose(layer: number, unit: number): void, change(layers: Layer[]): void }} Acts
 * @typedef {{ button: HTMLElement, raster: Raster | null, layer: number, unit: number,
 *   at: [number, number, number] }} Unit
 */

export const MOST_SHOWN = 12;
const MOST_LAYERS = 6;
const MOST_UNITS = 64;

/**
 * The weights of each layer, unit by unit; of a unit of maxout those of its first piece.
 *
 * @param {import("./networks.js").Place[]} layout
 * @param {Float64Array} parameters
 * @param {string[]} activations
 * @returns {LayerNumbers[]}
 */
export function layersOf(layout, parameters, activations) {
  return layout.map(({ inputs, units, weights, stride }, k) => ({
    units, activation: activations[k],
    weights: Array.from({ length: units }, (_, unit) => {
      const first = weights + unit * stride;
      return Array.from(parameters.subarray(first, first + inputs));
    }),
  }));
}

export class Diagram {
  /**
   * @param {number} side of the responses, in places
   * @param {Acts} acts
   */
  constructor(side, acts) {
    this.side = side;
    this.acts = acts;
    this.wires = element("canvas", { class: "wires", "aria-hidden": "true" });
    this.columns = element("div", { class: "columns" });
    this.root = element(
      "div", { class: "network", role: "group", "aria-label": "Network", tabindex: "0" },
      element("div", { class: "sheet" }, this.wires, this.columns),
    );
    /** @type {Unit[][]} */
    this.units = [];
    /** @type {Plan | null} */
    this.plan = null;
  }

  /** @param {Plan} plan */
  build(plan) {
    this.plan = plan;
    const all = [{ units: plan.inputs, activation: "" }, ...plan.layers];
    this.units = all.map((layer, k) => this.unitsOf(layer, k - 1, plan.layers.length));
    this.columns.replaceChildren(...all.map((layer, k) => element(
      "div", { class: "column" }, this.head(layer, k - 1, plan),
      ...this.units[k].map(({ button }) => button),
      ...(layer.units > MOST_SHOWN
        ? [element("span", { class: "more" }, `+ ${layer.units - MOST_SHOWN} more`)] : []),
    )));
    if (plan.layers.length <= MOST_LAYERS) {
      this.columns.lastElementChild?.before(this.adder(plan));
    }
  }

  /**
   * @param {Layer} layer
   * @param {number} k
   * @param {number} count
   * @returns {Unit[]}
   */
  unitsOf(layer, k, count) {
    return Array.from({ length: Math.min(layer.units, MOST_SHOWN) }, (_, unit) => {
      const name = nameOf(k, unit, count);
      if (k < 0) {
        const made = element("span", { class: "input" }, name);
        return { button: made, raster: null, layer: k, unit, at: [0, 0, 0] };
      }
      const raster = new Raster(this.side);
      const made = element("button", { type: "button", class: "unit", "aria-label": name }, raster.canvas);
      made.addEventListener("click", () => this.acts.choose(k, unit));
      return { button: made, raster, layer: k, unit, at: [0, 0, 0] };
    });
  }

  /**
   * What stands above a column.
   *
   * @param {Layer} layer
   * @param {number} k
   * @param {Plan} plan
   */
  head(layer, k, plan) {
    if (k < 0) {
      return element("div", { class: "head" }, element("b", {}, "Inputs"));
    }
    const isLast = k === plan.layers.length - 1;
    const title = isLast ? "Output" : `Layer ${k + 1}`;
    const names = isLast ? plan.outputs : plan.activations;
    const select = element("select", { "aria-label": `Activation of ${title.toLowerCase()}` });
    names.forEach((name) => select.append(element("option", { value: name }, name)));
    select.value = layer.activation;
    select.addEventListener("change", () => this.changed(k, { activation: select.value }));
    const made = element("div", { class: "head" }, element("b", {}, title), select);
    if (!isLast) {
      made.append(this.counter(layer, k, title));
    }
    return made;
  }

  /**
   * The number of units, to be changed by one, and a button that takes the layer away.
   *
   * @param {Layer} layer
   * @param {number} k
   * @param {string} title
   */
  counter(layer, k, title) {
    const act = (
      /** @type {string} */ name, /** @type {string} */ sign, /** @type {number} */ units,
    ) => {
      const made = element(
        "button", { type: "button", "aria-label": `${name} ${title.toLowerCase()}` }, sign,
      );
      made.disabled = units > MOST_UNITS;
      made.addEventListener("click", () => this.changed(k, { units }));
      return made;
    };
    const count = element("output", {}, String(layer.units));
    return element(
      "span", { class: "counter" },
      layer.units > 1 ? act("Fewer units in", "−", layer.units - 1) : act("Remove", "×", 0),
      count, act("More units in", "+", layer.units + 1),
    );
  }

  /** @param {Plan} plan */
  adder(plan) {
    const made = element(
      "button", { type: "button", class: "adder", "aria-label": "Add a layer", title: "add a layer" },
      "+",
    );
    made.addEventListener("click", () => {
      const hidden = plan.layers.slice(0, -1);
      const last = hidden[hidden.length - 1] ?? { units: 4, activation: "tanh" };
      this.acts.change([...hidden, { ...last }, plan.layers[plan.layers.length - 1]]);
    });
    return made;
  }

  /**
   * @param {number} k
   * @param {Partial<Layer>} change
   */
  changed(k, change) {
    const layers = /** @type {Plan} */ (this.plan).layers.map((layer, i) => {
      const made = i === k ? { ...layer, ...change } : { ...layer };
      if (made.activation === "maxout") {
        made.pieces ??= 2;
      } else {
        delete made.pieces;
      }
      return made;
    });
    this.acts.change(layers.filter(({ units }) => units > 0));
  }

  /**
   * Where units stand, for the wires between them.
   */
  measure() {
    const place = this.columns.getBoundingClientRect();
    this.units.flat().forEach((unit) => {
      const box = unit.button.getBoundingClientRect();
      const middle = box.top + box.height / 2 - place.top;
      unit.at = [box.left - place.left, box.right - place.left, middle];
    });
  }

  /**
   * @param {Float64Array[]} responses of each layer, unit after unit at each place
   * @param {LayerNumbers[]} layers
   * @param {{ layer: number, unit: number } | null} chosen
   * @param {Colors} colors
   */
  paint(responses, layers, chosen, colors) {
    const { side } = this;
    this.units.slice(1).forEach((units, k) => units.forEach(({ button, raster, unit }) => {
      const field = { side, values: responses[k], width: layers[k].units };
      paintUnit(/** @type {Raster} */ (raster), field, unit, layers[k].activation, colors);
      const isChosen = chosen?.layer === k && chosen.unit === unit;
      button.classList.toggle("chosen", isChosen);
    }));
    this.paintWires(layers, chosen, colors);
  }

  /**
   * Mark units that give the same number at every point.
   *
   * @param {Float64Array[]} responses of each layer at the points, unit after unit
   */
  mark(responses) {
    this.units.slice(1).forEach((units, k) => units.forEach(({ button, unit, layer }) => {
      const values = responses[k];
      const width = values.length && /** @type {Plan} */ (this.plan).layers[layer].units;
      let isDead = true;
      for (let at = unit; isDead && at < values.length; at += width) {
        isDead = values[at] === values[unit];
      }
      button.classList.toggle("dead", isDead);
      const title = isDead ? "the same at every point" : "";
      if (button.title !== title) {
        button.title = title;
      }
    }));
  }

  /**
   * @param {LayerNumbers[]} layers
   * @param {{ layer: number, unit: number } | null} chosen
   * @param {Colors} colors
   */
  paintWires(layers, chosen, colors) {
    const { wires, columns } = this;
    const scale = Math.min(globalThis.devicePixelRatio || 1, 2);
    const [width, height] = [columns.offsetWidth, columns.offsetHeight];
    const [wide, high] = [Math.round(width * scale), Math.round(height * scale)];
    if (wires.width !== wide || wires.height !== high) {
      [wires.width, wires.height] = [wide, high];
      wires.style.width = `${width}px`;
      wires.style.height = `${height}px`;
    }
    const pen = /** @type {CanvasRenderingContext2D} */ (wires.getContext("2d"));
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    pen.clearRect(0, 0, width, height);
    const [plus, minus] = [css(colors.plus), css(colors.minus)];
    layers.forEach(({ weights }, k) => this.units[k + 1].forEach((target) => {
      this.units[k].forEach((source) => {
        const weight = weights[target.unit][source.unit];
        const isAside = chosen !== null && chosen.layer >= 0
          && !(chosen.layer === k && chosen.unit === target.unit)
          && !(chosen.layer === k - 1 && chosen.unit === source.unit);
        pen.globalAlpha = isAside ? 0.12 : 0.35 + 0.65 * Math.tanh(Math.abs(weight));
        pen.strokeStyle = weight < 0 ? minus : plus;
        pen.lineWidth = 0.4 + 4.5 * Math.tanh(Math.abs(weight) / 2);
        const [, from, y] = source.at;
        const [to, , v] = target.at;
        const middle = (from + to) / 2;
        pen.beginPath();
        pen.moveTo(from, y);
        pen.bezierCurveTo(middle, y, middle, v, to, v);
        pen.stroke();
      });
    }));
    pen.globalAlpha = 1;
  }
}
