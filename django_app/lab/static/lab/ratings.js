// Rate values by the bounds in the page.

export const WORDS = { good: "good", improve: "needs improvement", poor: "poor" };
const ORDER = ["good", "improve", "poor"];

// Return the vitals of a page with their bounds.
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

// Return the worst rating of a way, the metrics with that rating, and those without a value. Return null without values.
export function verdict(bounds, measured) {
  const rated = bounds.filter((vital) => vital.good).map((vital) => [vital.metric, rating(vital, measured?.[vital.metric])]);
  const metricsWith = (wanted) => rated.filter(([, rate]) => rate === wanted).map(([metric]) => metric);
  const worst = ORDER.findLast((rate) => metricsWith(rate).length);
  return worst ? { rate: worst, because: metricsWith(worst), without: metricsWith(null) } : null;
}
