// What other visitors feel: they run the work, and this browser opens a trivial page meanwhile, over and over.
import { axis, canvas, draw, drawnIn, duration, times } from "./drawing.js";
import { WAYS } from "./kept.js";

const NAMES = { request: "In the request", offload: "Offloaded" };
const EVERY_MS = 250;
// A browser remembers the timings of 250 resources unless it is told of more.
const REMEMBERED = 2_000;
const LONGEST_MS = 180_000;
const LOOK = "Nothing can be said of these figures: look at the site's log.";
// The pages of a way are drawn in so many lines, one below the other.
const LINES = 20;
const LANE = 60;

const pause = (ms) => new Promise((done) => setTimeout(done, ms));
const token = () => document.querySelector("[name=csrfmiddlewaretoken]").value;

const median = (values) => {
  const sorted = [...values].sort((one, other) => one - other);
  const half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
};

// Open the trivial page once: when it was asked for, when its first byte came, who waits still, and who in vain.
// What waits for one of the browser's six connections counts as well: from a browser of its own it would wait for a
// thread of the server all that time, and to leave it out would be to leave out the pages that wait longest.
async function open(address, number) {
  const url = new URL(`${address}?${number}-${Date.now()}`, location.href).href;
  const answer = await fetch(url, { cache: "no-store" });
  await answer.text();
  const entry = await timingOf(url);
  const [waiting, refused] = ["Waiting", "Refused"].map((what) => Number(answer.headers.get(`Visitors-${what}`)));
  return { from: entry.startTime, to: entry.responseStart, waiting, refused };
}

// A resource's timing may come a moment after its response.
async function timingOf(url) {
  for (;;) {
    const [entry] = performance.getEntriesByName(url, "resource");
    if (entry?.responseStart) return entry;
    await pause(10);
  }
}

async function letIn(section, way) {
  const body = new URLSearchParams({ way, orders: section.querySelector("[data-crowd-orders]").value });
  const answer = await fetch(section.dataset.begin, { method: "POST", headers: { "X-CSRFToken": token() }, body });
  if (!answer.ok) throw new Error((await answer.json()).problem);
}

// Let the visitors in one way, open pages until all of them have their report; tell of each page.
async function run(section, way, tell) {
  await letIn(section, way);
  performance.setResourceTimingBufferSize(REMEMBERED);
  const started = performance.now();
  const probes = [];
  let under = 0;
  let over = null;
  let failed = null;
  for (let number = 0; over === null && performance.now() - started < LONGEST_MS; number += 1) {
    if (failed) throw failed;
    // However many wait already, the next one comes: a page that is slow must not hide how often it is asked for.
    under += 1;
    open(section.dataset.page, number).then((probe) => {
      probes.push({ from: probe.from - started, to: probe.to - started });
      if (probe.refused) throw new Error(`${probe.refused} of ${section.dataset.visitors} visitors got no report. ${LOOK}`);
      if (probe.waiting === 0) over ??= probe.to - started;
      tell(probes, over);
    }).catch((error) => { failed = error; }).finally(() => { under -= 1; });
    await pause(EVERY_MS);
  }
  while (under) await pause(EVERY_MS);
  if (failed) throw failed;
  if (over === null) throw new Error(`Some visitors had no report after ${LONGEST_MS / 1000} s. ${LOOK}`);
  performance.clearResourceTimings();
  return { probes, took: over };
}

function figures({ probes, took }) {
  const waits = probes.map(({ from, to }) => to - from);
  return { probes: waits.length, median: median(waits), longest: Math.max(...waits), took };
}

function fill(section, way, found) {
  for (const cell of section.querySelectorAll(`[data-crowd-way=${way}]`)) {
    const { crowdMetric: metric } = cell.dataset;
    if (found?.[metric] === undefined || found[metric] === null) cell.textContent = "–";
    else cell.textContent = metric === "probes" ? `${found.probes}` : duration(found[metric]);
  }
}

// A line for each page opened, from when it was asked for to its first byte.
function chart(holder, runs, width) {
  const shown = WAYS.filter((way) => runs[way]?.probes.length);
  if (!shown.length) return holder.replaceChildren();
  const most = Math.max(...shown.flatMap((way) => runs[way].probes.map(({ to }) => to)), 1000);
  const lane = LANE + 32;
  const said = shown.map((way) => `${NAMES[way]}, median ${duration(figures(runs[way]).median)}`).join("; ");
  const svg = canvas(width, shown.length * lane + 24, `Time to first byte of a trivial page: ${said}`);
  axis(svg, { left: 0, width, top: 0, bottom: shown.length * lane, most });
  for (const [row, way] of shown.entries()) {
    const top = row * lane;
    draw(svg, "text", { x: 0, y: top + 16, class: "name" }, `${NAMES[way]}: median wait ${duration(figures(runs[way]).median)}`);
    for (const [index, { from, to }] of runs[way].probes.entries()) {
      const y = top + 28 + (index % LINES) * (LANE / LINES);
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
    ? `While others work in the request, a page that takes no work waits ${times(ratio)} times as long (median).`
    : "The visitors' work was too short to be felt: choose more orders.";
}

export function offerVisitors(page) {
  const section = page.querySelector("[data-visitors]");
  const button = section?.querySelector("[data-let-in]");
  if (!button) return;
  const holder = section.querySelector("[data-crowd-chart]");
  const line = section.querySelector("[data-crowd-verdict]");
  let runs = {};
  button.hidden = false;
  const again = drawnIn(holder, (width) => chart(holder, runs, width));
  button.addEventListener("click", async () => {
    runs = {};
    button.disabled = true;
    section.querySelector("#crowd").hidden = false;
    WAYS.forEach((way) => fill(section, way, null));
    try {
      for (const way of WAYS) {
        line.textContent = `${NAMES[way]}: ${section.dataset.visitors} visitors wait for their reports …`;
        runs[way] = await run(section, way, (probes, took) => {
          runs[way] = { probes, took };
          again();
        });
        fill(section, way, figures(runs[way]));
      }
      line.textContent = sentence(runs);
    } catch (error) {
      line.textContent = error.message || "The server did not answer. Try again.";
    }
    button.disabled = false;
  });
}
