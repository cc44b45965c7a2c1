// The board fetches its live region again every few seconds, and counts selected tasks.

const live = () => document.querySelector("[data-live]");
const status = document.querySelector("[data-live-status]");
const LONGEST_ANSWER_MS = 15_000; // The site itself gives up on AWS after 5 seconds.
// Each answer contains a different CSRF token.
const TOKEN = /(name="csrfmiddlewaretoken" value=")[^"]*/g;
let shown = comparable(live());
let timer;

/** Return a region's HTML as the server sent it. Selections and opened details don't change it. */
function comparable(region) {
  return region?.outerHTML.replaceAll(TOKEN, "$1");
}

/** Schedule the next refresh, unless the tab is hidden or the visitor switched it off. */
function schedule() {
  clearTimeout(timer);
  const region = live();
  if (status) status.hidden = !region;
  if (!region || document.hidden || !status?.querySelector("[data-live-switch]").checked) return;
  timer = setTimeout(refresh, Number(region.dataset.live) * 1000);
}

async function refresh() {
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" }, signal: AbortSignal.timeout(LONGEST_ANSWER_MS) });
    if (answer.ok && !answer.redirected) {
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      replace(page.getElementById(live()?.id));
      showStatus(`Updated ${new Date().toLocaleTimeString()}`);
    } else if (answer.status >= 500) {
      showStatus(`The site answered ${answer.status}, so this page may be out of date. It tries again by itself.`);
    } else {
      showStatus(`The site answered ${answer.redirected ? "with another page" : answer.status}. Reload to see why.`);
    }
  } catch {
    showStatus("The site didn't answer, so this page may be out of date. It tries again by itself.");
  }
  schedule();
}

/** Replace the region if it changed. Keep selections, opened details, scroll positions and the focus. */
function replace(fresh) {
  const old = live();
  const html = comparable(fresh);
  // An unchanged region stays, so that it doesn't disturb a visitor who reads, scrolls or selects text.
  if (!fresh || !old || html === shown) return;
  shown = html;
  const scrolled = new Map([...old.querySelectorAll("pre")].map((pre) => [keyOf(pre), pre.scrollTop]));
  const selected = new Set([...old.querySelectorAll("[name=id]:checked")].map((box) => box.value));
  const opened = new Map([...old.querySelectorAll("details[data-keep]")].map((details) => [details.dataset.keep, details.open]));
  const focused = old.contains(document.activeElement) ? keyOf(document.activeElement) : null;
  for (const box of fresh.querySelectorAll("input[type=checkbox][name=id]")) box.checked = selected.has(box.value);
  for (const details of fresh.querySelectorAll("details[data-keep]")) {
    if (opened.has(details.dataset.keep)) details.open = opened.get(details.dataset.keep);
  }
  old.replaceWith(fresh);
  for (const pre of fresh.querySelectorAll("pre")) pre.scrollTop = scrolled.get(keyOf(pre)) ?? 0;
  if (focused) restoreFocus(fresh, focused);
  count();
}

/** Return a key that identifies an element in the old and the new region. */
function keyOf(element) {
  const value = element.name ? `${element.name}=${element.value}` : (element.getAttribute("href") ?? "");
  return `${element.localName} ${value} ${element.closest("[data-keep]")?.dataset.keep ?? ""}`;
}

/** Focus the element with this key. If it is gone, focus the region, so that Tab continues from there. */
function restoreFocus(region, key) {
  const focusable = [...region.querySelectorAll("a, button, input, summary, pre")];
  const target = focusable.find((element) => keyOf(element) === key);
  if (!target) region.tabIndex = -1;
  (target ?? region).focus({ preventScroll: true });
}

function showStatus(text) {
  const element = status?.querySelector("[data-live-said]");
  if (element) element.textContent = text;
}

/** Show how many tasks are selected. */
function count() {
  const boxes = [...document.querySelectorAll("input[type=checkbox][name=id]")];
  const selected = boxes.filter((box) => box.checked).length;
  const all = document.querySelector("[data-select-all]");
  if (all) all.checked = selected > 0 && selected === boxes.length;
  if (all) all.indeterminate = selected > 0 && selected < boxes.length;
  for (const box of boxes) box.closest("tr").classList.toggle("selected", box.checked);
  const counter = document.querySelector("[data-selected]");
  if (counter) counter.textContent = `${selected} of ${boxes.length} selected`;
}

document.addEventListener("change", ({ target }) => {
  if (target.matches("[data-select-all]")) {
    for (const box of document.querySelectorAll("input[type=checkbox][name=id]")) box.checked = target.checked;
  }
  if (target.matches("[data-select-all], [name=id]")) count();
  if (target.matches("[data-live-switch]")) schedule();
});
document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(timer) : live() && refresh()));
count();
schedule();
