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

// Return the worst rating of a way, the metrics that have it, and those not told; null before any is.
export function verdict(known, measured) {
  const rated = known.filter((vital) => vital.good).map((vital) => [vital.metric, rating(vital, measured?.[vital.metric])]);
  const of = (rate) => rated.filter(([, one]) => one === rate).map(([metric]) => metric);
  const worst = ORDER.findLast((rate) => of(rate).length);
  return worst ? { rate: worst, because: of(worst), without: of(null) } : null;
}
