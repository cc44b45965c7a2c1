// The browser's own measurements, as they come in. What a browser does not offer stays unsaid.

export function tells(type) {
  return PerformanceObserver.supportedEntryTypes?.includes(type) ?? false;
}

function observe(type, tell, options = {}) {
  if (!tells(type)) return null;
  const observer = new PerformanceObserver((list) => list.getEntries().forEach(tell));
  observer.observe({ type, buffered: true, ...options });
  return { flush: () => observer.takeRecords().forEach(tell) };
}

export function firstPaint(tell) {
  observe("paint", (entry) => entry.name === "first-contentful-paint" && tell(entry.startTime));
}

export function largestPaint(tell) {
  observe("largest-contentful-paint", (entry) => tell(entry.startTime));
}

// The paint of the element that says it is the answer: elementtiming="answer".
export function answerPaint(tell) {
  const known = observe("element", (entry) => entry.identifier === "answer" && tell(entry.startTime));
  if (!known) firstPaint(tell);
}

// Cumulative Layout Shift: the largest sum of shifts less than a second apart, within five seconds at most.
export function layoutShifts(tell) {
  let [first, last, sum, worst] = [0, 0, 0, 0];
  const known = observe("layout-shift", (entry) => {
    if (entry.hadRecentInput) return;
    const goesOn = entry.startTime - last < 1000 && entry.startTime - first < 5000;
    sum = goesOn ? sum + entry.value : entry.value;
    first = goesOn ? first : entry.startTime;
    last = entry.startTime;
    worst = Math.max(worst, sum);
    tell(worst);
  });
  if (known) tell(0);
}

export function forcedLayout(tell) {
  let sum = 0;
  const known = observe("long-animation-frame", (entry) => {
    for (const script of entry.scripts) sum += script.forcedStyleAndLayoutDuration;
    tell(sum);
  });
  if (known) tell(0);
}

// Tell the slowest interaction whenever there is a slower one. Returns a function that asks once more.
export function interactions(tell) {
  let worst;
  const note = (entry) => {
    // A pointer that moves or a window that loads is no interaction; the first input has no id in some browsers.
    if (!entry.interactionId && entry.entryType !== "first-input") return;
    if (worst !== undefined && entry.duration <= worst) return;
    worst = entry.duration;
    tell(worst);
  };
  const observers = [observe("event", note, { durationThreshold: 16 }), observe("first-input", note)];
  return () => {
    for (const observer of observers) observer?.flush();
    return worst;
  };
}

// Count changes to the page, without those of what measures it.
export function domChanges(root, tell) {
  let count = 0;
  const measures = (node) => (node instanceof Element ? node : node.parentElement)?.closest("[data-measures]");
  new MutationObserver((records) => {
    count += records.filter((record) => !measures(record.target)).length;
    tell(count);
  }).observe(root, { attributes: true, characterData: true, childList: true, subtree: true });
  tell(0);
}
