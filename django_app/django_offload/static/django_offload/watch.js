// Follow a task: watch(url, { onProgress, onDone }), where url is the Location that its enqueuing answered.
const ENDED = ["SUCCESSFUL", "FAILED"];
const LONGEST = 10; // Seconds between two questions, unless the server says otherwise.
const PATIENCE = 5; // Unknown tasks are asked for so often: some are recorded only when they start.

// Wait for what `begin` begins, or for the signal's end: it then raises.
async function until(begin, signal) {
  signal?.throwIfAborted();
  const left = new AbortController();
  await new Promise((go) => {
    signal?.addEventListener("abort", go, { once: true, signal: left.signal });
    begin(go, left.signal);
  });
  left.abort();
  signal?.throwIfAborted();
}

// Wait, and go on waiting while the tab is hidden.
async function pause(seconds, signal) {
  await until((go, left) => {
    const timer = setTimeout(go, 1000 * seconds);
    left.addEventListener("abort", () => clearTimeout(timer));
  }, signal);
  while (globalThis.document?.hidden) {
    await until((go, left) => document.addEventListener("visibilitychange", go, { once: true, signal: left }), signal);
  }
}

// Yield each answer that says something new, as often as the server wants to be asked; it never ends by itself.
export async function* answers(url, { signal, wait = 0, accept = "application/json" } = {}) {
  let etag = "";
  let unknown = 0;
  for (;;) {
    await pause(wait, signal);
    const headers = { Accept: accept, ...(etag && { "If-None-Match": etag }) };
    const asked = fetch(url, { headers, signal, cache: "no-store", redirect: "manual" });
    const answer = await asked.catch(() => null);
    signal?.throwIfAborted();
    const said = Number(answer?.headers.get("Retry-After"));
    wait = said > 0 ? said : Math.min(LONGEST, Math.max(1, 1.5 * wait));
    if (!answer || answer.status === 304 || answer.status === 429 || answer.status >= 500) continue;
    if (answer.status === 404 && !etag && ++unknown < PATIENCE) continue;
    if (!answer.ok) throw new Error(`The task cannot be followed: ${url} answered ${answer.status}.`);
    etag = answer.headers.get("ETag") ?? "";
    yield answer;
  }
}

// Resolve with the task's last status, SUCCESSFUL or FAILED; reject when it cannot be followed.
export async function watch(url, { onProgress, onDone, signal } = {}) {
  for await (const answer of answers(url, { signal })) {
    const task = await answer.json();
    if (ENDED.includes(task.status)) {
      onDone?.(task);
      return task;
    }
    onProgress?.(task);
  }
}
