// Find the click that a page answers, and how fast the page before painted that click.
import { read, write, WAYS } from "./measurements.js";
import { interactions } from "./observers.js";

const CLICK = "offload-click";

export function noteClicks(page) {
  let clicked = null;
  const slowest = interactions(() => {});
  page.addEventListener("submit", (event) => {
    const way = event.target.dataset.run;
    if (!way) return;
    clicked = { way, at: performance.timeOrigin + event.timeStamp };
    write(CLICK, clicked);
    event.submitter?.setAttribute("aria-busy", "true");
  });
  window.addEventListener("pagehide", () => {
    if (clicked) write(CLICK, { ...clicked, inp: slowest() });
  });
  // A page that is restored from the history must not look busy.
  window.addEventListener("pageshow", () => {
    for (const button of page.querySelectorAll("[aria-busy]")) button.removeAttribute("aria-busy");
  });
}

// Return the click that this page answers. Remove it, so that a reload measures nothing.
export function answeredClick(page) {
  const click = read(CLICK, null);
  write(CLICK, null);
  const [navigation] = performance.getEntriesByType("navigation");
  const answer = page.querySelector("main").dataset.answer;
  return navigation && WAYS.includes(answer) && click?.way === answer ? { ...click, navigation } : null;
}
