/*
 * What is taken away from a playground: the model as Python or as a file, and a link.
 */
import { button, element, toClipboard } from "./elements.js";

/** @typedef {import("./training.js").Training} Training */

export class Taking {
  /** @param {import("./playground.js").Playground} page */
  constructor(page) {
    this.page = page;
    this.taken = element("textarea", {
      class: "taken", rows: "5", readonly: "", hidden: "", "aria-label": "Copied text",
    });
    this.root = element("div", { class: "away", role: "group", "aria-label": "Take it away" });
    this.root.append(
      button("Copy as Python", "Copy as Python", "the model with its weights, as code", () => (
        this.take((training) => training.toPython())
      )),
      button("Copy the model file", "Copy the model file", "JSON, which nn.load reads", () => (
        this.take((training) => training.toModelFile())
      )),
    );
    if (page.contents.alone) {
      this.root.append(
        button("Save the model file", "Save the model file", "model.json, which nn.load reads", () => this.save()),
        button("Copy a link", "Copy a link", "to this page with these settings", () => this.link()),
      );
    }
    this.root.append(this.taken);
  }

  /** @param {(training: Training) => string} make */
  take(make) {
    const { training } = this.page;
    if (!training) {
      return;
    }
    this.page.pause();
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
    const fragment = this.page.fragment();
    history.replaceState(null, "", `#${fragment}`);
    this.offer(location.href);
  }
}
