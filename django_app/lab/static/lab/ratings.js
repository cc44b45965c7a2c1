// Ratings by the bounds that the page gives with each vital.

export const WORDS = { good: "good", improve: "needs improvement", poor: "poor" };
const ORDER = ["good", "improve", "poor"];

// Return each vital of a page with its bounds.
export function vitals(page) {
  return [...page.querySelectorAll("[data-vital]")].map((element) => ({
    element,
    metric: element.dataset.vital,
    good: Number(element.dataset.good) || null,
    poor: Number(element.dataset.poor) || null,
  }));
}

export function rating(vital, value) {
  if (value === undefined || value === null || !vital.good) return null;
  if (value <= vital.good) return "good";
  return value <= vital.poor ? "improve" : "poor";
}

// Return the worst rating of a way, and the metrics that have it; null before all are there.
export function verdict(known, measured) {
  const rated = known.filter((vital) => vital.good).map((vital) => [vital.metric, rating(vital, measured?.[vital.metric])]);
  if (!rated.length || rated.some(([, rate]) => rate === null)) return null;
  const worst = ORDER.findLast((rate) => rated.some(([, one]) => one === rate));
  return { rate: worst, because: rated.filter(([, one]) => one === worst).map(([metric]) => metric) };
}
