// Measure the two answers in this browser, and show them as a table, a timeline and vitals.
import { answeredClick, noteClicks } from "./clicks.js";
import { showComparison } from "./comparison.js";
import { Measurements } from "./measurements.js";
import { answerPaint, domChanges, firstPaint, forcedLayout, interactions, largestPaint, layoutShifts, supports } from "./observers.js";
import { showTimeline } from "./timeline.js";
import { showVitals } from "./vitals.js";

// Milliseconds on a clock that continues from page to page.
const now = () => performance.timeOrigin + performance.now();

// In a hidden tab nothing is painted, so what is shown later waited for the visitor, and isn't measured.
let wasHidden = document.hidden;
document.addEventListener("visibilitychange", () => { wasHidden = true; });

// The second frame starts when the first has been painted.
const painted = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(now()))));

function phases(click) {
  const { navigation } = click;
  const parts = Object.fromEntries((navigation.serverTiming ?? []).map((part) => [part.name, part.duration]));
  const before = performance.timeOrigin - click.at;
  return {
    before, wait: parts.wait ?? 0, server: parts.view ?? 0,
    first: before + navigation.responseStart, last: before + navigation.responseEnd,
  };
}

function observe(page, measurements, click) {
  const { way } = click;
  const before = performance.timeOrigin - click.at;
  const add = (metric) => (value) => measurements.add(way, { [metric]: value });
  const addPaint = (metric) => (value) => wasHidden || add(metric)(value);
  measurements.start(way, {
    orders: Number(page.querySelector("main").dataset.orders),
    ttfb: click.navigation.responseStart,
    phases: phases(click),
    inp: click.inp,
    pressed: click.inp,
  });
  firstPaint(addPaint("fcp"));
  largestPaint(addPaint("lcp"));
  layoutShifts(add("shift"));
  forcedLayout(add("forced"));
  domChanges(page.querySelector("main"), add("dom"));
  interactions((slowest) => measurements.add(way, { inp: Math.max(slowest, measurements.ways[way].inp ?? 0) }));
  answerPaint((at) => {
    if (wasHidden) return;
    const waited = before + at;
    // If a browser can report how fast it paints clicks but reported none, the answer came before the next frame,
    // and is itself the next paint. That isn't known for other browsers, or for an answer that takes long.
    const pressed = click.inp ?? (way === "offload" && supports("event") ? waited : undefined);
    measurements.add(way, { painted: waited, pressed, inp: measurements.ways[way].inp ?? pressed });
    // If the report is made in the request, this paint shows the result.
    if (way === "request") measurements.add(way, { ready: waited });
  });
}

export function measure(page) {
  const measurements = new Measurements();
  const click = answeredClick(page);
  const ended = async (outcome) => {
    if (!click) return;
    // Without a result on the page, nobody waited for one until now.
    if (outcome !== "ready") return measurements.add(click.way, { outcome });
    const at = await painted();
    if (!wasHidden) measurements.add(click.way, { ready: at - click.at });
  };
  const show = () => {
    showComparison(page, measurements);
    showTimeline(page, measurements);
    showVitals(page, measurements);
  };
  noteClicks(page);
  if (click) {
    observe(page, measurements, click);
    // Drawing must not delay the paint that is measured.
    painted().then(show);
  } else {
    show();
  }
  return { ended };
}
