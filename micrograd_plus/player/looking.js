/*
 * The player in a playground: both passes at the chosen point, with the weights as they are.
 */
import { button, element } from "./elements.js";
import { contentsOf } from "./inside.js";
import { Player } from "./player.js";
import { takesOf, targetOf } from "./settings.js";

export class Looking {
  /** @param {import("./playground.js").Playground} page */
  constructor(page) {
    this.page = page;
    this.root = element("section", { class: "inside", "aria-label": "Inside the network" });
    /** @type {Player | null} */
    this.player = null;
  }

  /** @param {string} theme */
  recolor(theme) {
    this.player?.root.setAttribute("data-theme", theme);
  }

  /** Both passes at the chosen point with the weights as they are, where they were left. */
  look() {
    const { player, page } = this;
    const { training, chosen, settings, points } = page;
    player?.pause();
    this.player = null;
    const x = points.x[chosen];
    if (!training || page.running || !x) {
      this.root.replaceChildren(
        element("h2", {}, "Inside"),
        element("p", {}, page.running ? "Pause it to look inside."
          : "Choose a point in the plane, or a unit: both passes, step by step, with every "
            + "contribution."),
      );
      return;
    }
    const takes = takesOf(page.rows, settings.loss, settings.output);
    const targets = [targetOf(points.y[chosen], takes)];
    const { plan } = training.setup;
    const contents = contentsOf(page.rows, plan, { x, targets }, training.weights, page.unit);
    const place = element("div", {});
    this.root.replaceChildren(
      element("h2", {}, `Inside, at point ${chosen + 1}`),
      button("Close", "Close", "look no longer inside", () => page.leave()),
      place,
    );
    if (contents.note) {
      place.append(element("p", {}, contents.note));
    }
    const title = `both passes at point ${chosen + 1}`;
    const theme = page.root.getAttribute("data-theme") ?? "auto";
    const before = player?.stage.view.label;
    const first = contents.views.filter(({ label }) => label === before);
    const others = contents.views.filter(({ label }) => label !== before);
    const all = { ...contents, views: [...first, ...others], title, theme };
    this.player = new Player(all, place, { get: () => all });
    this.player.begin(player?.frame ?? 0);
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
}
