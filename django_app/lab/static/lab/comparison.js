// The table of both ways, and the verdicts that follow from its numbers.
import { duration, times } from "./drawing.js";
import { WAYS } from "./kept.js";
import { tells } from "./observers.js";
import { rating, verdict, vitals, WORDS } from "./ratings.js";

const FORMATS = {
  orders: (value) => value.toLocaleString("en"),
  dom: (value) => value.toLocaleString("en"),
  shift: (value) => value.toFixed(3),
};
const UNTOLD = { shift: "layout-shift", forced: "long-animation-frame", lcp: "largest-contentful-paint", inp: "event" };

function words(metric, value) {
  if (value === undefined) {
    return UNTOLD[metric] && !tells(UNTOLD[metric]) ? "not told by this browser" : "–";
  }
  return (FORMATS[metric] ?? duration)(value);
}

function write(cell, text) {
  if (cell.textContent !== text) cell.textContent = text;
}

function fill(cell, known, measured) {
  const { metric } = cell.dataset;
  if (metric === "verdict") {
    const found = verdict(known, measured);
    write(cell, found ? judged(found) : "–");
    cell.dataset.rating = found?.rate ?? "";
    return;
  }
  const value = measured?.[metric];
  write(cell, words(metric, value));
  if (value === undefined) delete cell.dataset.value;
  else cell.dataset.value = value;
}

function judged({ rate, because, without }) {
  const reason = rate === "good" ? "" : `: ${because.join(", ").toUpperCase()}`;
  return `${WORDS[rate]}${reason}${without.length ? ` (without ${without.join(", ").toUpperCase()})` : ""}`;
}

// What INP was, in words.
function reaction(known, ways) {
  const vital = known.find(({ metric }) => metric === "inp");
  const [request, offload] = WAYS.map((way) => ways[way]?.inp);
  const told = (value) => `${WORDS[rating(vital, value)]} (${duration(value)})`;
  if (request !== undefined && offload !== undefined) {
    return `Here it was ${told(request)} in the request, ${told(offload)} offloaded.`;
  }
  if (request !== undefined) return `Here it was ${told(request)} in the request.`;
  if (offload !== undefined) return `Here it was ${told(offload)} offloaded.`;
  return tells("event") ? "Run the report both ways to see it here." : "This browser does not tell it.";
}

function sentence(ways) {
  const [request, offload] = WAYS.map((way) => ways[way]);
  if (!request?.painted && !offload?.painted) return "Run the report both ways to see the difference.";
  if (!request?.painted || !offload?.painted) return `Now run it ${request?.painted ? "offloaded" : "in the request"}, to compare.`;
  if (request.orders !== offload.orders) return "Run the same number of orders both ways to compare them.";
  const bytes = times(request.ttfb / offload.ttfb);
  const paint = times(request.painted / offload.painted);
  const share = Math.round((100 * request.phases.server) / request.painted);
  if (offload.ttfb >= request.ttfb) return "Offloaded, the first byte came no sooner: this work is too short to need it.";
  return `Offloaded, the first byte came ${bytes} times sooner, and the answer was painted ${paint} times sooner. ` +
    `In the request, server processing took ${share} % of the wait.`;
}

export function showComparison(page, kept) {
  const known = vitals(page);
  const line = page.querySelector("#verdict");
  const answered = page.querySelector("[data-answered]");
  const forget = page.querySelector("[data-forget]");
  if (!line) return;
  forget.addEventListener("click", () => kept.forget());
  kept.tell((ways) => {
    for (const cell of page.querySelectorAll("#comparison [data-metric]")) fill(cell, known, ways[cell.dataset.way]);
    write(line, sentence(ways));
    write(page.querySelector("[data-reaction]"), reaction(known, ways));
    forget.hidden = !Object.keys(ways).length;
    const own = ways[page.querySelector("main").dataset.answer];
    if (answered && own?.painted) {
      write(answered.firstChild, `This page was painted ${duration(own.painted)} after the click. `);
    }
  });
}
