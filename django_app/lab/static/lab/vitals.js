// Draw each vital as a gauge, to scale, with Google's bounds and a mark for each way.
import { canvas, draw, drawnIn, duration } from "./drawing.js";
import { WAYS } from "./measurements.js";
import { rating, vitals, WORDS } from "./ratings.js";

const NAMES = { request: "In the request", offload: "Offloaded" };
const BAR = { y: 26, height: 12 };
// The average width of a letter is at most this many pixels.
const LETTER = 7;
// The position of the label of each way, and its mark.
const LOOKS = {
  request: { text: 14, mark: (x) => `M${x} ${BAR.y + 2}l-6 -9h12Z` },
  offload: { text: 62, mark: (x) => `M${x} ${BAR.y + BAR.height - 2}l-6 9h12Z` },
};

function zones(svg, vital, width, most) {
  const bounds = vital.good ? [["good", 0, vital.good], ["improve", vital.good, vital.poor], ["poor", vital.poor, most]] : [["plain", 0, most]];
  for (const [name, from, to] of bounds) {
    const x = (width * from) / most;
    draw(svg, "rect", { x, y: BAR.y, width: (width * (to - from)) / most, height: BAR.height, class: `zone ${name}` });
  }
}

function gaugeLabel(vital, way, value) {
  const rate = rating(vital, value);
  return `${NAMES[way]} ${duration(value)}${rate ? `, ${WORDS[rate]}` : ""}`;
}

function mark(svg, vital, way, value, width, most) {
  const x = Math.min(width - 6, Math.max(6, (width * value) / most));
  draw(svg, "path", { d: LOOKS[way].mark(x), class: `mark ${way}`, "data-gauge-way": way });
  const label = gaugeLabel(vital, way, value);
  // Start at the mark if there is room. The width is estimated, because measuring it would force a layout.
  const left = Math.max(0, Math.min(x - 6, width - LETTER * label.length));
  draw(svg, "text", { x: left, y: LOOKS[way].text, class: "value" }, label);
}

function show(vital, ways, width) {
  const holder = vital.element.querySelector("[data-gauge]");
  const values = WAYS.map((way) => [way, ways[way]?.[vital.metric]]).filter(([, value]) => value !== undefined);
  const most = Math.max(1.25 * (vital.poor ?? 0), ...values.map(([, value]) => 1.05 * value), 1);
  const svg = canvas(width, 68, values.map(([way, value]) => gaugeLabel(vital, way, value)).join("; ") || "Not measured yet");
  zones(svg, vital, width, most);
  for (const [way, value] of values) mark(svg, vital, way, value, width, most);
  holder.replaceChildren(svg);
}

export function showVitals(page, measurements) {
  for (const vital of vitals(page)) {
    const redraw = drawnIn(vital.element, (width) => show(vital, measurements.ways, width));
    measurements.subscribe(redraw, [vital.metric]);
  }
}
