// What this browser measured of each way, kept for this visit: from page to page, over reloads.

const KEPT = "offload-comparison";
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
    // Storage may be off or full: the page then shows what it measured, and forgets it.
  }
}

export class Kept {
  constructor() {
    this.ways = read(KEPT, {});
    this.listeners = [];
    this.told = true;
  }

  // Start anew what is known of a way.
  begin(way, values) {
    this.ways[way] = values;
    this.#changed();
  }

  add(way, values) {
    Object.assign(this.ways[way], values);
    this.#changed();
  }

  forget() {
    this.ways = {};
    this.#changed();
  }

  // Call `listener` with what is known, now and after each change of one of `metrics`, or of any.
  tell(listener, metrics = null) {
    let before = null;
    const changed = () => {
      const now = metrics && JSON.stringify(WAYS.map((way) => metrics.map((metric) => this.ways[way]?.[metric])));
      if (metrics && now === before) return;
      before = now;
      listener(this.ways);
    };
    this.listeners.push(changed);
    changed();
  }

  // What changes within one frame is told once.
  #changed() {
    write(KEPT, this.ways);
    if (!this.told) return;
    this.told = false;
    requestAnimationFrame(() => {
      this.told = true;
      for (const changed of this.listeners) changed();
    });
  }
}
