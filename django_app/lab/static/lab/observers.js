// Report the browser's own measurements as they arrive. A browser that doesn't offer one reports nothing.

export function supports(type) {
  return PerformanceObserver.supportedEntryTypes?.includes(type) ?? false;
}

function observe(type, report, options = {}) {
  if (!supports(type)) return null;
  const observer = new PerformanceObserver((list) => list.getEntries().forEach(report));
  observer.observe({ type, buffered: true, ...options });
  return { flush: () => observer.takeRecords().forEach(report) };
}

export function firstPaint(report) {
  observe("paint", (entry) => entry.name === "first-contentful-paint" && report(entry.startTime));
}

export function largestPaint(report) {
  observe("largest-contentful-paint", (entry) => report(entry.startTime));
}

// Report the paint of the element with elementtiming="answer".
export function answerPaint(report) {
  const observer = observe("element", (entry) => entry.identifier === "answer" && report(entry.startTime));
  if (!observer) firstPaint(report);
}

// Cumulative Layout Shift is the largest sum of shifts that are less than a second apart, within five seconds.
export function layoutShifts(report) {
  let [first, last, sum, worst] = [0, 0, 0, 0];
  const observer = observe("layout-shift", (entry) => {
    if (entry.hadRecentInput) return;
    const sameGroup = entry.startTime - last < 1000 && entry.startTime - first < 5000;
    sum = sameGroup ? sum + entry.value : entry.value;
    first = sameGroup ? first : entry.startTime;
    last = entry.startTime;
    worst = Math.max(worst, sum);
    report(worst);
  });
  if (observer) report(0);
}

export function forcedLayout(report) {
  let sum = 0;
  const observer = observe("long-animation-frame", (entry) => {
    for (const script of entry.scripts) sum += script.forcedStyleAndLayoutDuration;
    report(sum);
  });
  if (observer) report(0);
}

// Report each interaction that is slower than all before. Return a function that returns the slowest one.
export function interactions(report) {
  let worst;
  const note = (entry) => {
    // Entries without an id, such as pointer moves, are no interactions. In some browsers the first input has none.
    if (!entry.interactionId && entry.entryType !== "first-input") return;
    if (worst !== undefined && entry.duration <= worst) return;
    worst = entry.duration;
    report(worst);
  };
  const observers = [observe("event", note, { durationThreshold: 16 }), observe("first-input", note)];
  return () => {
    for (const observer of observers) observer?.flush();
    return worst;
  };
}

// Count changes to the page, except in the parts that show measurements.
export function domChanges(root, report) {
  let count = 0;
  const isMeasurement = (node) => (node instanceof Element ? node : node.parentElement)?.closest("[data-measures]");
  new MutationObserver((records) => {
    count += records.filter((record) => !isMeasurement(record.target)).length;
    report(count);
  }).observe(root, { attributes: true, characterData: true, childList: true, subtree: true });
  report(0);
}
