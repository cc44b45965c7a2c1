// The board: what is shown is fetched again now and then, and selections are counted.

const live = () => document.querySelector("[data-live]");
const status = document.querySelector("[data-live-status]");
// Each answer has another token against forgery.
const TOKEN = /(name="csrfmiddlewaretoken" value=")[^"]*/g;
let shown = served(live());
let timer;

/** Return what the server sent of a region; not what the visitor opened or chose in it. */
function served(region) {
  return region?.outerHTML.replaceAll(TOKEN, "$1");
}

/** Wait as long as the page says, then ask again; not in a tab that nobody sees, nor when switched off. */
function plan() {
  clearTimeout(timer);
  const region = live();
  if (status) status.hidden = !region;
  if (!region || document.hidden || !status?.querySelector("[data-live-switch]").checked) return;
  timer = setTimeout(refresh, Number(region.dataset.live) * 1000);
}

async function refresh() {
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (answer.ok && !answer.redirected) {
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      replace(page.getElementById(live()?.id));
      say(`Updated ${new Date().toLocaleTimeString()}`);
    } else {
      say(`The site answered ${answer.redirected ? "with another page" : answer.status}: reload to see why.`);
    }
  } catch {
    say("The site could not be reached; trying again.");
  }
  plan();
}

/** Put the new content in, and keep what the visitor chose, opened and stands on. */
function replace(fresh) {
  const old = live();
  const said = served(fresh);
  // What is the same stays: whoever reads, scrolls or selects in it is not disturbed.
  if (!fresh || !old || said === shown) return;
  shown = said;
  const scrolled = new Map([...old.querySelectorAll("pre")].map((one) => [nameOf(one), one.scrollTop]));
  const chosen = new Set([...old.querySelectorAll("[name=id]:checked")].map((box) => box.value));
  const opened = new Map([...old.querySelectorAll("details[data-keep]")].map((one) => [one.dataset.keep, one.open]));
  const at = old.contains(document.activeElement) ? nameOf(document.activeElement) : null;
  for (const box of fresh.querySelectorAll("input[type=checkbox][name=id]")) box.checked = chosen.has(box.value);
  for (const one of fresh.querySelectorAll("details[data-keep]")) {
    if (opened.has(one.dataset.keep)) one.open = opened.get(one.dataset.keep);
  }
  old.replaceWith(fresh);
  for (const one of fresh.querySelectorAll("pre")) one.scrollTop = scrolled.get(nameOf(one)) ?? 0;
  if (at) stand(fresh, at);
  count();
}

/** Return what tells an element from its neighbours, in the old content as in the new. */
function nameOf(element) {
  const own = element.name ? `${element.name}=${element.value}` : (element.getAttribute("href") ?? "");
  return `${element.localName} ${own} ${element.closest("[data-keep]")?.dataset.keep ?? ""}`;
}

/** Give the focus to what had it before, or, where that is gone, to where it was: Tab goes on from there. */
function stand(region, at) {
  const found = [...region.querySelectorAll("a, button, input, summary, pre")].find((one) => nameOf(one) === at);
  if (!found) region.tabIndex = -1;
  (found ?? region).focus({ preventScroll: true });
}

function say(text) {
  const said = status?.querySelector("[data-live-said]");
  if (said) said.textContent = text;
}

/** Tell how many tasks are selected. */
function count() {
  const boxes = [...document.querySelectorAll("input[type=checkbox][name=id]")];
  const chosen = boxes.filter((box) => box.checked).length;
  const all = document.querySelector("[data-select-all]");
  if (all) [all.checked, all.indeterminate] = [chosen > 0 && chosen === boxes.length, chosen > 0 && chosen < boxes.length];
  for (const box of boxes) box.closest("tr").classList.toggle("selected", box.checked);
  const counter = document.querySelector("[data-selected]");
  if (counter) counter.textContent = `${chosen} of ${boxes.length} selected`;
}

document.addEventListener("change", ({ target }) => {
  if (target.matches("[data-select-all]")) {
    for (const box of document.querySelectorAll("input[type=checkbox][name=id]")) box.checked = target.checked;
  }
  if (target.matches("[data-select-all], [name=id]")) count();
  if (target.matches("[data-live-switch]")) plan();
});
document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(timer) : live() && refresh()));
count();
plan();
