/*
 * The gallery's script: a filter over the circuits, and players in place of their pictures. All of
 * it works on what the page has; `unpacked` and `begin` are the player's.
 */

const hide = (part, hidden) => {
  part.hidden = hidden;
  const entry = document.querySelector(`nav a[href="#${part.id}"]`);
  if (entry) {
    entry.parentElement.hidden = hidden;
  }
};

/** Leave the circuits that have each word in their title, source, lecture or name. */
const filter = () => {
  const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
  const count = { all: 0, found: 0 };
  document.querySelectorAll("section.lecture").forEach((lecture) => {
    const before = count.found;
    lecture.querySelectorAll("article").forEach((article) => {
      const parts = [lecture.querySelector("h2"), ...article.querySelectorAll("h3, .source")];
      const text = parts.map((part) => part.textContent).join(" ");
      const whole = `${article.id} ${text}`.toLowerCase();
      const found = words.every((word) => whole.includes(word));
      hide(article, !found);
      count.all += 1;
      count.found += Number(found);
    });
    hide(lecture, count.found === before);
    lecture.querySelectorAll("aside").forEach((aside) => {
      aside.hidden = words.length > 0;
    });
  });
  const status = words.length > 0 ? `${count.found} of ${count.all} circuits` : "";
  document.getElementById("found").textContent = status;
};

/** What begins the player, once, when it is first asked for. */
let started;
const start = async () => {
  const [script, looks] = await unpacked(document.getElementById("player"));
  begin(script, looks);
};

const made = new Map();
const make = async (place) => {
  started ??= start();
  const [[text]] = await Promise.all([unpacked(place.nextElementSibling), started]);
  const contents = JSON.parse(text);
  window.micrograd_plus.render({ model: { get: () => contents }, el: place });
};

/** Show the player or, where it is shown, the pictures; the button tells which. */
const toggle = async (button) => {
  const place = document.getElementById(button.getAttribute("aria-controls"));
  const opens = button.getAttribute("aria-expanded") === "false";
  button.setAttribute("aria-expanded", String(opens));
  if (!made.has(place)) {
    place.hidden = false; // so that texts have sizes
    made.set(place, make(place));
  }
  await made.get(place);
  const shown = button.getAttribute("aria-expanded") === "true";
  place.hidden = !shown;
  place.previousElementSibling.hidden = shown;
  if (shown) {
    place.firstElementChild.focus({ preventScroll: true });
  }
};

// each keeps its number, whichever are hidden
["nav li", "article"].forEach((each) => {
  document.querySelectorAll(each).forEach((part, before) => {
    part.style.counterReset = `example ${before}`;
  });
});
const field = document.getElementById("find");
field.addEventListener("input", filter);
field.closest("[role=search]").hidden = false;
filter();
if ("DecompressionStream" in window) {
  document.querySelectorAll("button.step").forEach((button) => {
    button.hidden = false;
    button.addEventListener("click", () => toggle(button));
  });
}
