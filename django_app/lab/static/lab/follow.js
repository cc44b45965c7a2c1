// Follow one task: poll its status as often as the server says, and show it without a reload.

const FIRST_MS = 250;
const LONGEST_MS = 10_000;
const ENDED = ["SUCCESSFUL", "FAILED"];
const CANCELLED = "django_offload.exceptions.Cancelled";
// The server itself gives up on AWS after 5 seconds.
const LONGEST_ANSWER_MS = 15_000;

// Wait, and continue to wait while the tab is hidden.
async function pause(ms) {
  await new Promise((done) => setTimeout(done, ms));
  while (document.hidden) await new Promise((done) => document.addEventListener("visibilitychange", done, { once: true }));
}

function statusLabel(task) {
  const { status, attempts } = task;
  if (status === "READY") return attempts ? "Waiting for a retry" : "Waiting";
  if (status === "RUNNING") return attempts > 1 ? `Running, attempt ${attempts}` : "Running";
  return status === "SUCCESSFUL" ? "Done" : outcome(task) === "cancelled" ? "Cancelled" : "Failed";
}

// Return how a task ended.
function outcome(task) {
  if (task.status === "SUCCESSFUL") return "ready";
  return task.error?.class === CANCELLED ? "cancelled" : "failed";
}

function percent(task) {
  if (task.status === "SUCCESSFUL") return 100;
  const { done, total } = task.progress ?? {};
  if (!total) return 0;
  // JSON may hold numbers that are infinite here, and a bar takes none of those.
  return done >= total ? 100 : Math.floor(100 * (done / total)) || 0;
}

function message(task) {
  if (task.status === "SUCCESSFUL") return "Done. The result is on this page.";
  if (task.status === "FAILED") return outcome(task) === "cancelled" ? "It was cancelled, so it has no result." : "It ended without a result.";
  if (task.status === "RUNNING") return task.progress?.message || "A worker has started";
  return task.attempts ? "It will be retried shortly" : "Waiting for a worker";
}

function say(panel, text) {
  panel.querySelector("[data-field=message]").textContent = text;
}

function show(panel, task) {
  panel.dataset.status = task.status;
  panel.dataset.attempts = task.attempts;
  panel.querySelector("[data-field=status]").textContent = statusLabel(task);
  const bar = panel.querySelector("progress");
  bar.value = percent(task);
  bar.setAttribute("aria-valuenow", bar.value);
  pieces(panel, task).forEach(arrive);
}

// Return the finished pieces: those that the task's status names, or else the first ones in their order.
function pieces(panel, task) {
  const done = task.progress?.done ?? 0;
  return [...panel.querySelectorAll("[data-rendition]")].filter((piece, index) =>
    task.arrived ? task.arrived.includes(piece.dataset.rendition) : index < done,
  );
}

function arrive(figure) {
  const image = figure.matches("img[data-src]") ? figure : figure.querySelector("img[data-src]");
  if (!image) return;
  image.src = image.dataset.src;
  image.removeAttribute("data-src");
  const link = figure.querySelector("a[data-href]");
  if (link) link.href = link.dataset.href;
  figure.setAttribute("data-arrived", "");
}

// Fetch the part of the page that only the server can render: results, and failures of attempts.
// Return true if the page shows it now.
async function showDetails(panel, task) {
  const answer = await get(`${panel.dataset.pageUrl}?part=details`);
  const html = answer?.ok ? await answer.text().catch(() => null) : null;
  if (html === null) return false;
  const piece = new DOMParser().parseFromString(html, "text/html");
  panel.querySelector("[data-details]").replaceChildren(...piece.body.childNodes);
  pieces(panel, task).forEach(arrive);
  return true;
}

// Return the answer, or null if none came.
function get(url, headers = {}) {
  return fetch(url, { cache: "no-store", headers, signal: AbortSignal.timeout(LONGEST_ANSWER_MS) }).catch(() => null);
}

// Say that the page may be out of date, or that it is up to date again.
function markStale(panel, stale) {
  panel.toggleAttribute("data-stale", stale);
  const link = panel.querySelector("[data-reload]");
  if (link) link.hidden = !stale;
}

function offerCancel(panel) {
  const button = panel.querySelector("[data-cancel]");
  const token = document.querySelector("[name=csrfmiddlewaretoken]")?.value;
  if (!token) return;
  button.hidden = false;
  button.addEventListener("click", async () => {
    button.disabled = true;
    const headers = { "X-CSRFToken": token, Accept: "application/json" };
    const answer = await fetch(panel.dataset.cancelUrl, { method: "POST", headers, signal: AbortSignal.timeout(LONGEST_ANSWER_MS) }).catch(() => null);
    say(panel, cancelMessage(answer));
    button.disabled = answer?.ok ?? false;
  });
}

function cancelMessage(answer) {
  if (answer?.ok) return "It will stop at its next step";
  if (answer?.status === 409) return "It has already ended, so there is nothing to cancel.";
  return answer ? `It wasn't cancelled, because the server answered ${answer.status}. Reload this page.` : "The server didn't answer. Try to cancel again.";
}

// Resolve with "ready" when the task's result is on the page, or with "failed" or "cancelled" if it ended without one.
export async function follow(panel) {
  let etag = null;
  let shown = `${panel.dataset.status} ${panel.dataset.attempts}`;
  let wait = FIRST_MS;
  let failures = 0;
  let announced = null;
  if (ENDED.includes(panel.dataset.status)) return panel.dataset.outcome;
  offerCancel(panel);
  for (;;) {
    await pause(wait);
    const answer = await get(panel.dataset.statusUrl, etag ? { "If-None-Match": etag } : {});
    if (answer?.status === 404) {
      say(panel, "This task no longer exists. Start it again if you still need its result.");
      return new Promise(() => {});
    }
    const task = answer?.status === 200 ? await answer.json().catch(() => null) : null;
    const state = task && `${task.status} ${task.attempts}`;
    if (task) show(panel, task);
    if ((!task && answer?.status !== 304) || (task && state !== shown && !(await showDetails(panel, task)))) {
      failures += 1;
      wait = Math.min(LONGEST_MS, 1000 * 2 ** failures);
      announced = etag = null;
      markStale(panel, true);
      say(panel, "The server didn't answer, so this may be out of date. This page will try again.");
      continue;
    }
    failures = 0;
    markStale(panel, false);
    wait = Math.min(LONGEST_MS, 1000 * (Number(answer.headers.get("Retry-After")) || 1));
    if (answer.status === 304) continue;
    etag = answer.headers.get("ETag");
    shown = state;
    // Screen readers announce every change, so set the text only if it is new, and after the result arrived.
    if (message(task) !== announced) say(panel, message(task));
    announced = message(task);
    if (ENDED.includes(task.status)) {
      panel.querySelector("[data-cancel]").hidden = true;
      return outcome(task);
    }
  }
}
