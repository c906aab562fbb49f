/*
 * Fields in which settings are typed and chosen; what is typed wrongly is marked and changes
 * nothing.
 */
import { element } from "./elements.js";
import { RANGES, isAllowed, numberFor, typed } from "./settings.js";

/** @typedef {import("./settings.js").Field} Field */

/**
 * A choice among names.
 *
 * @param {string} label
 * @param {[string, string][]} names each with what it is called
 * @param {string} value
 * @param {(name: string) => void} act
 */
export function chooser(label, names, value, act) {
  const select = element("select", { "aria-label": label });
  names.forEach(([name, called]) => select.append(element("option", { value: name }, called)));
  select.value = value;
  select.addEventListener("change", () => act(select.value));
  return element("label", { class: "field" }, element("span", {}, label), select);
}

/**
 * @param {string} label
 * @param {string} value
 * @param {string} hint
 * @param {(text: string) => boolean} act whether the text was taken
 */
function typing(label, value, hint, act) {
  const field = element("input", {
    type: "text", inputmode: "decimal", size: "6", title: hint, "aria-label": label,
  });
  field.value = value;
  field.addEventListener("change", () => {
    field.setAttribute("aria-invalid", String(!act(field.value)));
  });
  return element("label", { class: "field" }, element("span", {}, label), field);
}

/**
 * A number of the settings.
 *
 * @param {string} label
 * @param {string} name
 * @param {number} value
 * @param {(x: number) => void} act
 */
export function number(label, name, value, act) {
  const [low, high] = RANGES[name];
  return typing(label, String(value), `${low} to ${high}`, (text) => {
    const x = numberFor(name, text);
    if (!Number.isNaN(x)) {
      act(x);
    }
    return !Number.isNaN(x);
  });
}

/**
 * A setting of an optimiser or a schedule, as Python describes it.
 *
 * @param {string} name
 * @param {Field} field
 * @param {any} value
 * @param {(x: any) => void} act
 */
export function described(name, field, value, act) {
  const label = name.replaceAll("_", " ");
  if (field.is === "choice") {
    const choices = field.choices ?? [];
    const names = choices.map((one, k) => /** @type {[string, string]} */ ([String(k), said(one)]));
    const at = String(choices.indexOf(value));
    return chooser(label, names, at, (k) => act(choices[Number(k)]));
  }
  const shown = Array.isArray(value) ? value.join("; ") : String(value ?? "");
  const made = typing(label, shown, label, (text) => {
    const x = field.is === "numbers" ? text.split(/[;\s]+/).map(typed) : typed(text);
    const isRight = isAllowed(field, x);
    if (isRight) {
      act(x);
    }
    return isRight;
  });
  made.classList.toggle("wide", field.is === "numbers");
  return made;
}

/** @param {any} choice */
function said(choice) {
  return typeof choice === "boolean" ? (choice ? "yes" : "no") : String(choice);
}
