/*
 * Elements of a page and of a picture, with their attributes; every text is put in as text.
 */

const SVG = "http://www.w3.org/2000/svg";
/** @type {Record<string, string>} */
const ICONS = {
  first: "M2 2h2v12H2zM14 2v12L5 8z", back: "M12 2v12L3 8z", play: "M4 2v12l10-6z",
  pause: "M3 2h4v12H3zM9 2h4v12H9z", step: "M3 2v12l7-6zM11 2h2v12h-2z",
  last: "M2 2v12l6-6zM7 2v12l6-6zM13 2h2v12h-2z",
};

/**
 * An element of a picture.
 * @param {string} name
 * @param {Record<string, string | number>} attributes
 */
export function drawn(name, attributes) {
  const made = document.createElementNS(SVG, name);
  Object.entries(attributes).forEach(([key, value]) => made.setAttribute(key, String(value)));
  return made;
}

/**
 * Select the text of an area and put it into the clipboard; by the older way where a page may not
 * use the newer, as in frames and without https.
 * @param {HTMLTextAreaElement} area
 */
export async function toClipboard(area) {
  area.select();
  try {
    await navigator.clipboard.writeText(area.value);
  } catch (error) {
    document.execCommand("copy");
  }
}

/**
 * An element with attributes, texts and elements inside it.
 * @template {keyof HTMLElementTagNameMap} Name
 * @param {Name} name
 * @param {Record<string, string>} attributes
 * @param {...(Node | string)} inside
 * @returns {HTMLElementTagNameMap[Name]}
 */
export function element(name, attributes, ...inside) {
  const made = document.createElement(name);
  Object.entries(attributes).forEach(([key, value]) => made.setAttribute(key, value));
  made.append(...inside);
  return made;
}

/** @param {string} name */
export function icon(name) {
  const svg = drawn("svg", { viewBox: "0 0 16 16", width: 14, height: 14, "aria-hidden": "true" });
  svg.append(drawn("path", { d: ICONS[name], fill: "currentColor" }));
  return svg;
}

/**
 * @param {string} name
 * @param {string} sign
 * @param {string} hint
 * @param {() => void} act
 */
export function button(name, sign, hint, act) {
  const made = element("button", { type: "button", "aria-label": name, title: hint });
  made.append(sign in ICONS ? icon(sign) : sign);
  made.addEventListener("click", act);
  return made;
}

/**
 * @param {string} name
 * @param {string[]} words
 * @param {number} first
 * @param {(k: number) => void} act
 */
export function choice(name, words, first, act) {
  const select = element("select", {});
  words.forEach((word, k) => select.append(element("option", { value: String(k) }, word)));
  select.selectedIndex = Math.max(first, 0);
  select.addEventListener("change", () => act(select.selectedIndex));
  return element("label", {}, `${name} `, select);
}
