// The measurements of each way, stored in this browser until its tab is closed.

const STORAGE_KEY = "offload-comparison";
export const WAYS = ["request", "offload"];

export function read(key, otherwise) {
  try {
    return JSON.parse(sessionStorage.getItem(key)) ?? otherwise;
  } catch {
    return otherwise;
  }
}

export function write(key, value) {
  try {
    sessionStorage.setItem(key, JSON.stringify(value));
  } catch {
    // If storage is off or full, the page shows its own measurements, and the next page has none.
  }
}

export class Measurements {
  constructor() {
    this.ways = read(STORAGE_KEY, {});
    this.listeners = [];
    this.notified = true;
  }

  // Replace all measurements of a way.
  start(way, values) {
    this.ways[way] = values;
    this.#changed();
  }

  add(way, values) {
    Object.assign(this.ways[way], values);
    this.#changed();
  }

  clear() {
    this.ways = {};
    this.#changed();
  }

  // Call `listener` with all measurements, now and after each change of one of `metrics`, or of any metric.
  subscribe(listener, metrics = null) {
    let previous = null;
    const notify = () => {
      const current = metrics && JSON.stringify(WAYS.map((way) => metrics.map((metric) => this.ways[way]?.[metric])));
      if (metrics && current === previous) return;
      previous = current;
      listener(this.ways);
    };
    this.listeners.push(notify);
    notify();
  }

  // Notify the listeners once for all changes within one frame.
  #changed() {
    write(STORAGE_KEY, this.ways);
    if (!this.notified) return;
    this.notified = false;
    requestAnimationFrame(() => {
      this.notified = true;
      for (const notify of this.listeners) notify();
    });
  }
}
