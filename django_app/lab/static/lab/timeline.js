// Draw the time from the click to the paint, to scale: one line per way, and the short one also enlarged.
import { axis, canvas, draw, drawnIn, duration } from "./drawing.js";
import { WAYS } from "./measurements.js";

const NAMES = { request: "In the request", offload: "Offloaded" };
const LABELS = {
  sent: "request in transit",
  wait: "waiting for a thread",
  server: "server processing",
  response: "network response",
  paint: "first paint",
  interaction: "interaction: from the click until the button is painted",
};
const BAR = 24;
// The browser paints the click while the request is in transit, so the click has a strip below the bar.
const STRIP = { below: BAR + 3, height: 6 };
const ROW = 58;
// In a narrower drawing, the labels have fewer words.
const NARROW = 480;
// A line shorter than this share of the width is also shown enlarged.
const SMALL = 0.2;
const LENS = 36;

// Return the parts of a way as [name, from, to], in milliseconds since the click. They have no gaps up to the paint.
// The interaction is what the browser did with the click meanwhile.
export function parts(measured) {
  if (!measured?.phases || measured.fcp === undefined) return [];
  const { before, wait, server, first, last } = measured.phases;
  const fcp = Math.max(last, before + measured.fcp);
  const ends = { sent: Math.max(0, first - server - wait), wait: Math.max(0, first - server), server: first, response: last, paint: fcp };
  let from = 0;
  const phases = Object.entries(ends).map(([name, to]) => {
    const part = [name, from, Math.max(from, to)];
    from = part[2];
    return part;
  });
  return measured.pressed === undefined ? phases : [...phases, ["interaction", 0, measured.pressed]];
}

const end = (spans) => Math.max(...spans.map(([, , to]) => to));

function bar(svg, spans, y, scale, way) {
  for (const [name, from, to] of spans) {
    const place = name === "interaction" ? { y: y + STRIP.below, height: STRIP.height } : { y, height: BAR };
    draw(svg, "rect", {
      x: scale(from), width: Math.max(0, scale(to) - scale(from)), ...place,
      class: `part ${name}`, "data-part": name, "data-timeline-way": way, "data-ms": to - from,
    }).append(titled(`${LABELS[name]}: ${duration(to - from)}`));
  }
}

function titled(text) {
  const title = document.createElementNS("http://www.w3.org/2000/svg", "title");
  title.textContent = text;
  return title;
}

function lens(svg, spans, from, to, width, most) {
  const whole = end(spans);
  const share = whole / most;
  draw(svg, "path", { d: `M0 ${from}L${width * share} ${from}L${width} ${to}L0 ${to}Z`, class: "lens" });
  draw(svg, "text", { x: 4, y: to - 8, class: "name" }, `Offloaded, enlarged ${Math.round(1 / share)} times`);
  bar(svg, spans, to, (ms) => (width * ms) / whole, "enlarged");
}

function flag(svg, measured, y, scale, width) {
  if (measured.ready === undefined || measured.ready <= measured.painted * 1.5) return;
  const x = scale(measured.ready);
  draw(svg, "path", { d: `M${x} ${y}v${BAR}`, class: "ready" });
  draw(svg, "text", { x: x > width - 90 ? x - 6 : x + 6, y: y + 16, class: "tick", "text-anchor": x > width - 90 ? "end" : "start" }, "report ready");
}

// Return both waits of a way in words: until the answer, and until the report.
function waits(way, measured, width = Infinity) {
  const report = measured.outcome ? `, report ${measured.outcome}` : measured.ready > measured.painted ? `, report after ${duration(measured.ready)}` : "";
  const after = measured.painted === undefined ? "no paint measured" : `${width < NARROW ? "" : "painted after "}${duration(measured.painted)}`;
  return `${NAMES[way]}: ${after}${report}`;
}

function legend(holder, ways) {
  const table = document.createElement("table");
  table.className = "legend";
  const row = (cells, kind) => {
    const line = table.insertRow();
    for (const [index, text] of cells.entries()) {
      const cell = document.createElement(kind === "head" || index === 0 ? "th" : "td");
      cell.scope = kind === "head" ? "col" : "row";
      if (cell.tagName === "TD") cell.removeAttribute("scope");
      cell.textContent = text;
      line.append(cell);
    }
    return line;
  };
  row(["Part", ...WAYS.map((way) => NAMES[way])], "head");
  const durations = Object.fromEntries(WAYS.map((way) => [way, Object.fromEntries(parts(ways[way]).map(([name, from, to]) => [name, to - from]))]));
  for (const name of Object.keys(LABELS)) {
    const line = row([LABELS[name], ...WAYS.map((way) => (durations[way][name] === undefined ? "–" : duration(durations[way][name])))]);
    const swatch = document.createElement("span");
    swatch.className = `swatch ${name}`;
    line.cells[0].prepend(swatch);
  }
  holder.append(table);
}

function show(holder, ways, width) {
  const lines = WAYS.map((way) => [way, parts(ways[way])]).filter(([, spans]) => spans.length);
  if (!lines.length) return false;
  const most = Math.max(...lines.map(([way, spans]) => Math.max(end(spans), ways[way].ready ?? 0)), 1);
  const offload = lines.find(([way]) => way === "offload")?.[1];
  const enlarged = offload && end(offload) / most < SMALL;
  const bottom = lines.length * ROW + 2;
  const summary = lines.map(([way]) => waits(way, ways[way])).join("; ");
  const svg = canvas(width, bottom + 22 + (enlarged ? LENS + STRIP.below + STRIP.height : 0), `Timeline: ${summary}`);
  const scale = (ms) => (width * ms) / most;
  if (enlarged) lens(svg, offload, bottom - ROW + 24 + STRIP.below + STRIP.height, bottom + 22 + LENS, width, most);
  axis(svg, { left: 0, width, top: 0, bottom, most });
  for (const [index, [way, spans]] of lines.entries()) {
    const y = index * ROW + 24;
    draw(svg, "text", { x: 0, y: y - 8, class: "name" }, waits(way, ways[way], width));
    bar(svg, spans, y, scale, way);
    flag(svg, ways[way], y, scale, width);
  }
  holder.replaceChildren(svg);
  legend(holder, ways);
  return true;
}

export function showTimeline(page, measurements) {
  const holder = page.querySelector("[data-timeline]");
  if (!holder) return;
  const empty = [...holder.childNodes];
  const redraw = drawnIn(holder, (width) => {
    if (!show(holder, measurements.ways, width)) holder.replaceChildren(...empty);
  });
  measurements.subscribe(redraw, ["phases", "fcp", "pressed", "painted", "ready", "outcome"]);
}
