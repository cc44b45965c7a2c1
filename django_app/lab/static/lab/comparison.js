// Fill the table of both ways, and derive the verdicts from its numbers.
import { duration, times } from "./drawing.js";
import { WAYS } from "./measurements.js";
import { supports } from "./observers.js";
import { rating, verdict, vitals, WORDS } from "./ratings.js";

const FORMATS = {
  orders: (value) => value.toLocaleString("en"),
  dom: (value) => value.toLocaleString("en"),
  shift: (value) => value.toFixed(3),
};
const ENTRY_TYPES = { shift: "layout-shift", forced: "long-animation-frame", lcp: "largest-contentful-paint", inp: "event" };

function valueText(metric, value, outcome) {
  if (value === undefined) {
    if (metric === "ready" && outcome) return outcome;
    return ENTRY_TYPES[metric] && !supports(ENTRY_TYPES[metric]) ? "not reported by this browser" : "–";
  }
  return (FORMATS[metric] ?? duration)(value);
}

function write(cell, text) {
  if (cell.textContent !== text) cell.textContent = text;
}

function fill(cell, bounds, measured) {
  const { metric } = cell.dataset;
  if (metric === "verdict" && measured?.outcome) {
    // A quick page is no good one if the report never came.
    write(cell, measured.outcome);
    cell.dataset.rating = "";
    return;
  }
  if (metric === "verdict") {
    const result = verdict(bounds, measured);
    write(cell, result ? verdictText(result) : "–");
    cell.dataset.rating = result?.rate ?? "";
    return;
  }
  const value = measured?.[metric];
  write(cell, valueText(metric, value, measured?.outcome));
  if (value === undefined) delete cell.dataset.value;
  else cell.dataset.value = value;
}

function verdictText({ rate, because, without }) {
  const reason = rate === "good" ? "" : `: ${because.join(", ").toUpperCase()}`;
  return `${WORDS[rate]}${reason}${without.length ? ` (without ${without.join(", ").toUpperCase()})` : ""}`;
}

// Describe INP in a sentence.
function reaction(bounds, ways) {
  const vital = bounds.find(({ metric }) => metric === "inp");
  const [request, offload] = WAYS.map((way) => ways[way]?.inp);
  const rated = (value) => `${WORDS[rating(vital, value)]} (${duration(value)})`;
  if (request !== undefined && offload !== undefined) {
    return `Here it was ${rated(request)} in the request, ${rated(offload)} offloaded.`;
  }
  if (request !== undefined) return `Here it was ${rated(request)} in the request.`;
  if (offload !== undefined) return `Here it was ${rated(offload)} offloaded.`;
  return supports("event") ? "Run the report both ways to see it here." : "This browser doesn't report it.";
}

// Describe two waits, as "came 2.0 times sooner (5 s instead of 10 s)".
function compared(verb, offload, request) {
  const ratio = request / offload;
  const how = ratio > 1.05 ? `${times(ratio)} times sooner` : ratio < 0.95 ? `${times(1 / ratio)} times later` : "no sooner";
  return `${verb} ${how} (${duration(offload)} instead of ${duration(request)})`;
}

function sentence(ways) {
  const [request, offload] = WAYS.map((way) => ways[way]);
  if (offload?.outcome) {
    const how = offload.outcome === "cancelled" ? "was cancelled" : "failed";
    return `The offloaded report ${how}, so there is no result to compare. Run it again.`;
  }
  if (!request?.painted && !offload?.painted) return "Run the report both ways to see the difference.";
  if (!request?.painted || !offload?.painted) return `Now run it ${request?.painted ? "offloaded" : "in the request"}, to compare.`;
  if (request.orders !== offload.orders) return "Run the same number of orders both ways to compare them.";
  const answer = `Offloaded, ${compared("the answer was painted", offload.painted, request.painted)}`;
  const ready = request.ready ?? request.painted;
  const report = offload.ready === undefined ? ". When its report was there hasn't been measured. " :
    `, and ${compared("the report was there", offload.ready, ready)}. `;
  if (offload.painted >= request.painted) return `${answer}${report}Offloading this work gains nothing.`;
  const server = request.phases?.server;
  const share = server ? `In the request, server processing took ${Math.round((100 * server) / request.painted)}\u00a0% of the wait.` : "";
  return `${answer}${report}${share}`.trim();
}

export function showComparison(page, measurements) {
  const bounds = vitals(page);
  const line = page.querySelector("#verdict");
  const answered = page.querySelector("[data-answered]");
  const clear = page.querySelector("[data-forget]");
  if (!line) return;
  clear.addEventListener("click", () => measurements.clear());
  measurements.subscribe((ways) => {
    for (const cell of page.querySelectorAll("#comparison [data-metric]")) fill(cell, bounds, ways[cell.dataset.way]);
    write(line, sentence(ways));
    write(page.querySelector("[data-reaction]"), reaction(bounds, ways));
    clear.hidden = !Object.keys(ways).length;
    const own = ways[page.querySelector("main").dataset.answer];
    if (answered && own?.painted) {
      write(answered.firstChild, `This page was painted ${duration(own.painted)} after the click. `);
    }
  });
}
