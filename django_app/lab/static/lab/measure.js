// The comparison: what this browser measured of its own navigations, kept between pages.

const KEPT = "offload-comparison";
const CLICK = "offload-click";
const WAYS = ["request", "offload"];

function read(storage, key, otherwise) {
  try {
    return JSON.parse(storage.getItem(key)) ?? otherwise;
  } catch {
    return otherwise;
  }
}

// Milliseconds of one clock that goes on from page to page.
const now = () => performance.timeOrigin + performance.now();

// The second frame begins when the first has been painted.
const painted = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(now()))));

function show(page, kept) {
  for (const cell of page.querySelectorAll("#comparison [data-metric]")) {
    const value = kept[cell.dataset.way]?.[cell.dataset.metric];
    if (value === undefined) {
      cell.textContent = "–";
      delete cell.dataset.value;
    } else {
      cell.textContent = cell.dataset.metric === "orders" ? value.toLocaleString("en") : `${Math.round(value)} ms`;
      cell.dataset.value = value;
    }
  }
  const verdict = page.querySelector("#verdict");
  const [request, offload] = WAYS.map((way) => kept[way]);
  if (verdict && request?.ttfb && offload?.ttfb) {
    verdict.textContent =
      request.orders === offload.orders
        ? `Offloaded, the first byte came ${(request.ttfb / offload.ttfb).toFixed(1)} times sooner.`
        : "Run the same number of orders both ways to compare them.";
  }
}

function noteClicks(page) {
  page.addEventListener("submit", (event) => {
    const way = event.target.dataset.run;
    if (!way) return;
    sessionStorage.setItem(CLICK, JSON.stringify({ way, at: performance.timeOrigin + event.timeStamp }));
    event.submitter?.setAttribute("aria-busy", "true");
  });
  // A page that comes back from the history must not look busy.
  window.addEventListener("pageshow", () => {
    for (const button of page.querySelectorAll("[aria-busy]")) button.removeAttribute("aria-busy");
  });
}

// Return the click that this page is the answer to. It is used up: a reload measures nothing.
function answeredClick(page) {
  const click = read(sessionStorage, CLICK, null);
  sessionStorage.removeItem(CLICK);
  const [navigation] = performance.getEntriesByType("navigation");
  const answer = page.querySelector("main").dataset.answer;
  return navigation && WAYS.includes(answer) && click?.way === answer ? { ...click, navigation } : null;
}

export function measure(page) {
  const kept = read(localStorage, KEPT, {});
  const click = answeredClick(page);
  const keep = (values) => {
    kept[click.way] = { ...kept[click.way], ...values };
    localStorage.setItem(KEPT, JSON.stringify(kept));
    show(page, kept);
  };
  const resultShown = async () => {
    if (click) keep({ ready: (await painted()) - click.at });
  };
  noteClicks(page);
  if (click) {
    kept[click.way] = {};
    keep({ orders: Number(page.querySelector("main").dataset.orders), ttfb: click.navigation.responseStart });
    painted().then((at) => keep({ painted: at - click.at }));
    if (click.way === "request") resultShown();
  }
  show(page, kept);
  return { resultShown };
}
