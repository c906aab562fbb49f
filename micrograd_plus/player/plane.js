/*
 * The plane of a playground: its points, the regions that the network tells apart, and what a click
 * in it does.
 */
import { Raster, contour, css, paintPoints, paintRegions } from "./charts.js";
import { chooser } from "./controls.js";
import { button, element } from "./elements.js";
import { nameOf } from "./names.js";
import { formatted } from "./numbers.js";
import { MOST_CLASSES, MOST_ROWS, TableError, limits, table, widest } from "./points.js";
import { boundaryOf, typed } from "./settings.js";

/**
 * @typedef {import("./charts.js").Colors} Colors
 * @typedef {import("./charts.js").Limits} Limits
 */

/** How many places a side has, for which outputs are computed. */
export const SIDE = 40;
const TOOLS = ["look", "add", "move", "delete"];

export class Plane {
  /** @param {import("./playground.js").Playground} page */
  constructor(page) {
    this.page = page;
    this.tool = "look";
    /** @type {Limits[]} */
    this.limits = [];
    /** @type {[number, number]} */
    this.axes = [0, 1];
    this.raster = new Raster(SIDE);
    this.grid = new Float64Array();
    this.canvas = element("canvas", { class: "regions", role: "img", tabindex: "0" });
    this.edit = element("div", { class: "edit" });
    this.legend = element("p", { class: "legend" });
    this.label = element("select", { "aria-label": "Class of new points" });
    this.canvas.addEventListener("pointerdown", (event) => this.pointed(event));
    this.canvas.addEventListener("pointermove", (event) => this.dragged(event));
    this.canvas.addEventListener("keydown", (event) => this.pointByKey(event));
  }

  /**
   * What part of the plane is shown; points that are being drawn do not move it.
   *
   * @param {number[][]} x
   * @param {boolean} isDrawn
   */
  frame(x, isDrawn) {
    const inputs = x[0].length;
    const isOther = this.limits.length !== inputs;
    if (isOther) {
      this.axes = widest(x, inputs);
    }
    if (isOther || !isDrawn || this.tool === "look") {
      this.limits = limits(x, inputs);
    }
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
        this.page.takeOwn(points);
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

  /** Places all over the plane; other inputs are those of the chosen point, or their middle. */
  layGrid() {
    const { limits: around, axes, page: { shape: { inputs }, points, chosen } } = this;
    const middle = points.x[chosen] ?? around.map(([low, high]) => (low + high) / 2);
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
    const { label, page: { contents } } = this;
    const names = Array.from({ length: classes }, (_, k) => contents.names?.[k] ?? String(k));
    const before = Math.max(label.selectedIndex, 0);
    const more = classes < MOST_CLASSES && !contents.names ? [...names, String(classes)] : names;
    label.replaceChildren(...more.map((name, k) => (
      element("option", { value: String(k) }, `class ${name}`)
    )));
    label.selectedIndex = Math.min(before, classes - 1);
    this.legend.replaceChildren(
      ...names.map((name, k) => element("span", { class: `class-${k % 10}` }, `class ${name}`)),
      element("span", { class: "held" }, "held out"),
    );
  }

  /**
   * @param {Float64Array} values
   * @param {Colors} colors
   */
  paint(values, colors) {
    const { page } = this;
    const width = page.shape.outputs;
    const boundary = boundaryOf(page.settings.output);
    const field = { side: SIDE, values, width };
    paintRegions(this.raster, field, boundary, colors);
    const { pen, width: size } = this.raster.onto(this.canvas);
    if (width === 1) {
      pen.strokeStyle = css(colors.ink);
      pen.lineWidth = 1.5;
      contour(pen, field, boundary, size);
    }
    paintPoints(pen, page.points, page.held, page.chosen, {
      axes: this.axes, limits: this.limits, size,
    }, colors);
  }

  /**
   * The point of the plane under the mouse.
   *
   * @param {PointerEvent} event
   * @returns {[number, number]}
   */
  placeOf(event) {
    const box = this.canvas.getBoundingClientRect();
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
    this.page.points.x.forEach((x, k) => {
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
        this.page.choose(found);
        this.canvas.setPointerCapture(event.pointerId);
      }
    }
  }

  /** @param {PointerEvent} event */
  dragged(event) {
    if (this.tool === "move" && event.buttons === 1 && this.page.chosen >= 0) {
      const points = this.copied();
      const place = this.placeOf(event);
      this.axes.forEach((axis, k) => { points.x[this.page.chosen][axis] = place[k]; });
      this.page.edited(points);
    }
  }

  /** @param {KeyboardEvent} event */
  pointByKey(event) {
    const moves = /** @type {Record<string, number>} */ ({
      ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1,
    });
    const count = this.page.points.y.length;
    if (event.key in moves && count > 0) {
      event.preventDefault();
      this.page.choose((this.page.chosen + moves[event.key] + count) % count);
    } else if (event.key === "Delete" && this.page.chosen >= 0) {
      this.removePoint(this.page.chosen);
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
    if (this.page.points.y.length >= MOST_ROWS) {
      this.page.say(`There are ${MOST_ROWS} points, as many as there can be.`);
      return;
    }
    const points = this.copied();
    points.x.push(x);
    points.y.push(this.label.selectedIndex);
    this.page.chosen = points.y.length - 1;
    this.page.edited(points);
  }

  /** @param {number} k */
  removePoint(k) {
    if (this.page.points.y.length <= 2) {
      this.page.say("Two points at least are left.");
      return;
    }
    const points = this.copied();
    points.x.splice(k, 1);
    points.y.splice(k, 1);
    this.page.chosen = -1;
    this.page.edited(points);
  }

  /** Fields for the numbers of the chosen point, to change it, or to add one like it. */
  offerPoint() {
    const { chosen, points } = this.page;
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
          this.page.edited(changed);
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
    const names = Array.from({ length: this.page.shape.inputs }, (_, k) => (
      /** @type {[string, string]} */ ([String(k), nameOf(-1, k, 2)])
    ));
    const pick = (/** @type {string} */ label, /** @type {0 | 1} */ which) => chooser(
      label, names, String(this.axes[which]), (k) => {
        this.axes[which] = Number(k);
        this.layGrid();
        this.page.paint();
      },
    );
    return element("div", { class: "fields" }, pick("Across", 0), pick("Up", 1),
      element("p", {}, "The other inputs are those of the chosen point, or stand at their middle."));
  }

  copied() {
    return { x: this.page.points.x.map((x) => [...x]), y: [...this.page.points.y] };
  }
}
