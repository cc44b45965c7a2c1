// Which click a page is the answer to, and how fast that click was painted on the page it was made on.
import { read, write, WAYS } from "./kept.js";
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
  // A page that comes back from the history must not look busy.
  window.addEventListener("pageshow", () => {
    for (const button of page.querySelectorAll("[aria-busy]")) button.removeAttribute("aria-busy");
  });
}

// Return the click that this page is the answer to. It is used up: a reload measures nothing.
export function answeredClick(page) {
  const click = read(CLICK, null);
  write(CLICK, null);
  const [navigation] = performance.getEntriesByType("navigation");
  const answer = page.querySelector("main").dataset.answer;
  return navigation && WAYS.includes(answer) && click?.way === answer ? { ...click, navigation } : null;
}
