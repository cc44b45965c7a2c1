// The comparison: what this browser measured of the two answers, shown as table, timeline and vitals.
import { answeredClick, noteClicks } from "./clicks.js";
import { showComparison } from "./comparison.js";
import { Kept } from "./kept.js";
import { answerPaint, domChanges, firstPaint, forcedLayout, interactions, largestPaint, layoutShifts, tells } from "./observers.js";
import { showTimeline } from "./timeline.js";
import { showVitals } from "./vitals.js";

// Milliseconds of one clock that goes on from page to page.
const now = () => performance.timeOrigin + performance.now();

// The second frame begins when the first has been painted.
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

function observe(page, kept, click) {
  const { way } = click;
  const before = performance.timeOrigin - click.at;
  const add = (metric) => (value) => kept.add(way, { [metric]: value });
  kept.begin(way, {
    orders: Number(page.querySelector("main").dataset.orders),
    ttfb: click.navigation.responseStart,
    phases: phases(click),
    inp: click.inp,
    pressed: click.inp,
  });
  firstPaint(add("fcp"));
  largestPaint(add("lcp"));
  layoutShifts(add("shift"));
  forcedLayout(add("forced"));
  domChanges(page.querySelector("main"), add("dom"));
  interactions((slowest) => kept.add(way, { inp: Math.max(slowest, kept.ways[way].inp ?? 0) }));
  answerPaint((at) => {
    const waited = before + at;
    // Of a browser that tells how fast clicks are painted, and did not: the answer was quicker than the next frame,
    // and is itself the next paint. Nobody knows that of other browsers, nor of an answer that keeps one waiting.
    const pressed = click.inp ?? (way === "offload" && tells("event") ? waited : undefined);
    kept.add(way, { painted: waited, pressed, inp: kept.ways[way].inp ?? pressed });
    // Made in the request, the result is what this paint shows.
    if (way === "request") kept.add(way, { ready: waited });
  });
}

export function measure(page) {
  const kept = new Kept();
  const click = answeredClick(page);
  const resultShown = async () => {
    if (click) kept.add(click.way, { ready: (await painted()) - click.at });
  };
  const show = () => {
    showComparison(page, kept);
    showTimeline(page, kept);
    showVitals(page, kept);
  };
  noteClicks(page);
  if (click) {
    observe(page, kept, click);
    // Drawing must not hold up the paint that it tells of.
    painted().then(show);
  } else {
    show();
  }
  return { resultShown };
}
