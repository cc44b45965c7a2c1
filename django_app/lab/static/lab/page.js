// Every page loads this module, which starts measuring and following.
import { measure } from "./measure.js";
import { follow } from "./follow.js";
import { offerVisitors } from "./visitors.js";

const panel = document.querySelector("[data-task]");
const measuring = measure(document);

// The answer to a POST has no address of its own. Give it the one that works after a reload.
if (panel && document.querySelector("main").dataset.answer) {
  history.replaceState(null, "", panel.dataset.pageUrl);
}
if (panel) {
  follow(panel).then(measuring.ended);
}

for (const select of document.querySelectorAll("[data-size]")) {
  select.addEventListener("change", () => {
    for (const other of document.querySelectorAll("[data-size]")) other.value = select.value;
  });
}

offerVisitors(document);
