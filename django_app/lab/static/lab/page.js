// What every page loads: it finds what there is to measure and to follow.
import { measure } from "./measure.js";
import { follow } from "./follow.js";
import { offerVisitors } from "./visitors.js";

const panel = document.querySelector("[data-task]");
const measured = measure(document);

// The answer of a POST has no address of its own: give it the one that survives a reload.
if (panel && document.querySelector("main").dataset.answer) {
  history.replaceState(null, "", panel.dataset.pageUrl);
}
if (panel) {
  follow(panel).then(measured.resultShown);
}

for (const select of document.querySelectorAll("[data-size]")) {
  select.addEventListener("change", () => {
    for (const other of document.querySelectorAll("[data-size]")) other.value = select.value;
  });
}

offerVisitors(document);
