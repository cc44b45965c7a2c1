// Draw SVG with attributes and classes only, because the content security policy allows no inline styles.

const SVG = "http://www.w3.org/2000/svg";

export function draw(parent, name, attributes = {}, text = null) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== null) element.textContent = text;
  parent.append(element);
  return element;
}

export function canvas(width, height, label) {
  return draw(document.createDocumentFragment(), "svg", {
    viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": label,
  });
}

const rounded = (value) => Math.round(value).toLocaleString("en");

export function duration(ms) {
  return ms < 10_000 ? `${rounded(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

export const times = (ratio) => (ratio < 10 ? ratio.toFixed(1) : rounded(ratio));

// Draw marks at round values from 0 to `most`, at most one per 90 pixels.
export function axis(svg, { left, width, top, bottom, most }) {
  const least = (most * 90) / width;
  const power = 10 ** Math.floor(Math.log10(least));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= least);
  for (let value = 0; value <= most * 1.0001; value += step) {
    const x = left + (width * value) / most;
    draw(svg, "line", { x1: x, x2: x, y1: top, y2: bottom, class: "grid" });
    const label = step >= 1000 ? `${value / 1000} s` : `${rounded(value)} ms`;
    const anchor = value === 0 ? "start" : x > left + width - 30 ? "end" : "middle";
    draw(svg, "text", { x, y: bottom + 16, class: "tick", "text-anchor": anchor }, label);
  }
}

// Call `redraw` with the holder's width as soon as it is known, and whenever it changes. Return a function that draws
// again with the last width, because reading the width between changes would force a layout.
export function drawnIn(holder, redraw) {
  let width = 0;
  new ResizeObserver(([entry]) => {
    if (Math.floor(entry.contentRect.width) === width) return;
    width = Math.floor(entry.contentRect.width);
    redraw(width);
  }).observe(holder);
  return () => width && redraw(width);
}
