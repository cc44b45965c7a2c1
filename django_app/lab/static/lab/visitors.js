// Measure what other visitors notice: they run the work while this browser repeatedly opens a trivial page.
import { axis, canvas, draw, drawnIn, duration, times } from "./drawing.js";
import { WAYS } from "./measurements.js";

const NAMES = { request: "In the request", offload: "Offloaded" };
const EVERY_MS = 250;
// A browser keeps the timings of 250 resources by default.
const TIMINGS = 2_000;
const LONGEST_MS = 180_000;
const INVALID = "These figures are not valid. Look at the site's log.";
// The pages of a way are drawn in this many rows.
const ROWS = 20;
const LANE = 60;

const pause = (ms) => new Promise((done) => setTimeout(done, ms));
const token = () => document.querySelector("[name=csrfmiddlewaretoken]").value;

const median = (values) => {
  const sorted = [...values].sort((left, right) => left - right);
  const half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
};

// Open the trivial page once. Return when it was requested, when its first byte came, how many visitors are waiting, and
// how many got no report. The time includes the wait for one of the browser's six connections, because from another
// browser the page would wait for a thread of the server instead. Without it, the slowest pages would be missing.
async function open(address, number) {
  const url = new URL(`${address}?${number}-${Date.now()}`, location.href).href;
  const answer = await fetch(url, { cache: "no-store" });
  if (!answer.ok) throw new Error(`A page answered ${answer.status}. ${INVALID}`);
  await answer.text();
  const entry = await timingOf(url);
  const [waiting, refused] = ["Waiting", "Refused"].map((name) => Number(answer.headers.get(`Visitors-${name}`)));
  return { from: entry.startTime, to: entry.responseStart, waiting, refused };
}

// A resource's timing may arrive a moment after its response.
async function timingOf(url) {
  for (;;) {
    const [entry] = performance.getEntriesByName(url, "resource");
    if (entry?.responseStart) return entry;
    await pause(10);
  }
}

async function startVisitors(section, way) {
  const body = new URLSearchParams({ way, orders: section.querySelector("[data-crowd-orders]").value });
  const answer = await fetch(section.dataset.begin, { method: "POST", headers: { "X-CSRFToken": token() }, body });
  if (!answer.ok) throw new Error((await answer.json()).problem);
}

// Start the visitors one way, and open pages until all visitors have their report. Report each page.
async function run(section, way, report) {
  await startVisitors(section, way);
  performance.setResourceTimingBufferSize(TIMINGS);
  const started = performance.now();
  const probes = [];
  let pending = 0;
  let took = null;
  let failed = null;
  for (let number = 0; took === null && performance.now() - started < LONGEST_MS; number += 1) {
    if (failed) throw failed;
    // Open the next page even if others are waiting, because slow pages must not reduce the number of requests.
    pending += 1;
    open(section.dataset.page, number).then((probe) => {
      probes.push({ from: probe.from - started, to: probe.to - started });
      if (probe.refused) throw new Error(`${probe.refused} of ${section.dataset.visitors} visitors got no report. ${INVALID}`);
      if (probe.waiting === 0) took ??= probe.to - started;
      report(probes, took);
    }).catch((error) => { failed = error; }).finally(() => { pending -= 1; });
    await pause(EVERY_MS);
  }
  while (pending) await pause(EVERY_MS);
  if (failed) throw failed;
  if (took === null) throw new Error(`Some visitors had no report after ${LONGEST_MS / 1000} s. ${INVALID}`);
  performance.clearResourceTimings();
  return { probes, took };
}

function figures({ probes, took }) {
  const waits = probes.map(({ from, to }) => to - from);
  return { probes: waits.length, median: median(waits), longest: Math.max(...waits), took };
}

function fill(section, way, values) {
  for (const cell of section.querySelectorAll(`[data-crowd-way=${way}]`)) {
    const { crowdMetric: metric } = cell.dataset;
    if (values?.[metric] === undefined || values[metric] === null) cell.textContent = "–";
    else cell.textContent = metric === "probes" ? `${values.probes}` : duration(values[metric]);
  }
}

// Draw a line for each opened page, from its request to its first byte.
function chart(holder, runs, width) {
  const shown = WAYS.filter((way) => runs[way]?.probes.length);
  if (!shown.length) return holder.replaceChildren();
  const most = Math.max(...shown.flatMap((way) => runs[way].probes.map(({ to }) => to)), 1000);
  const lane = LANE + 32;
  const summary = shown.map((way) => `${NAMES[way]}, median ${duration(figures(runs[way]).median)}`).join("; ");
  const svg = canvas(width, shown.length * lane + 24, `Time to first byte of a trivial page: ${summary}`);
  axis(svg, { left: 0, width, top: 0, bottom: shown.length * lane, most });
  for (const [row, way] of shown.entries()) {
    const top = row * lane;
    draw(svg, "text", { x: 0, y: top + 16, class: "name" }, `${NAMES[way]}: median wait ${duration(figures(runs[way]).median)}`);
    for (const [index, { from, to }] of runs[way].probes.entries()) {
      const y = top + 28 + (index % ROWS) * (LANE / ROWS);
      const length = Math.max(2, (width * (to - from)) / most);
      const x = Math.min(width - length, (width * from) / most);
      draw(svg, "rect", { x, y, width: length, height: 2, class: `probe ${way}` });
    }
  }
  holder.replaceChildren(svg);
}

function sentence(runs) {
  const [request, offload] = WAYS.map((way) => figures(runs[way]).median);
  const ratio = request / offload;
  return ratio > 1
    ? `While others work in the request, a page that needs no work waits ${times(ratio)} times as long (median).`
    : "The visitors' work was too short to notice. Choose more orders.";
}

export function offerVisitors(page) {
  const section = page.querySelector("[data-visitors]");
  const button = section?.querySelector("[data-let-in]");
  if (!button) return;
  const holder = section.querySelector("[data-crowd-chart]");
  const line = section.querySelector("[data-crowd-verdict]");
  let runs = {};
  button.hidden = false;
  const redraw = drawnIn(holder, (width) => chart(holder, runs, width));
  button.addEventListener("click", async () => {
    runs = {};
    button.disabled = true;
    section.querySelector("#crowd").hidden = false;
    WAYS.forEach((way) => fill(section, way, null));
    try {
      for (const way of WAYS) {
        line.textContent = `${NAMES[way]}: ${section.dataset.visitors} visitors are waiting for their reports …`;
        runs[way] = await run(section, way, (probes, took) => {
          runs[way] = { probes, took };
          redraw();
        });
        fill(section, way, figures(runs[way]));
      }
      line.textContent = sentence(runs);
    } catch (error) {
      line.textContent = error.message || "The server didn't answer. Try again.";
    }
    button.disabled = false;
  });
}
