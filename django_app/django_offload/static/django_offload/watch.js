// Follow a task: watch(url, { onProgress, onDone }), where url is the Location of the 202 answer.
const ENDED = ["SUCCESSFUL", "FAILED"];
const LONGEST_WAIT = 10; // Seconds between two requests, unless the server asks for more.
const LONGEST_ANSWER = 15; // Seconds. The server itself gives up on AWS after 5.
const MOST_UNKNOWN = 5; // Some tasks have no record until they start, so accept a few 404 answers at first.

// Wait until `start` calls its callback. Raise if the signal is aborted.
async function until(start, signal) {
  signal?.throwIfAborted();
  const cleanup = new AbortController();
  await new Promise((resume) => {
    signal?.addEventListener("abort", resume, { once: true, signal: cleanup.signal });
    start(resume, cleanup.signal);
  });
  cleanup.abort();
  signal?.throwIfAborted();
}

// Wait for some seconds, and then until the tab is visible.
async function pause(seconds, signal) {
  await until((resume, cleanup) => {
    const timer = setTimeout(resume, 1000 * seconds);
    cleanup.addEventListener("abort", () => clearTimeout(timer));
  }, signal);
  while (globalThis.document?.hidden) {
    await until((resume, cleanup) => document.addEventListener("visibilitychange", resume, { once: true, signal: cleanup }), signal);
  }
}

// Return an address of this site without its token, and the token. Servers log addresses, so a header carries it.
function split(link) {
  const address = new URL(link, globalThis.location?.href);
  if (!/^https?:$/.test(address.protocol)) throw new TypeError(`${address.protocol} is no protocol of a task's address. Pass the Location of the 202 answer.`);
  const token = address.searchParams.get("token");
  if (!token || (globalThis.location && address.origin !== location.origin)) return [link];
  address.searchParams.delete("token");
  return [address.href, token];
}

// Yield each new answer, and poll as often as the server asks for. The caller ends the loop. `onStale` is called with
// true when the server doesn't answer, and with false when it answers again.
export async function* answers(link, { signal, token, wait = 0, accept = "application/json", onStale } = {}) {
  const [url, linked] = split(link);
  const fixed = { Accept: accept, ...((token || linked) && { "X-Offload-Token": token || linked }) };
  let [etag, unknown] = ["", 0];
  for (;;) {
    await pause(wait, signal);
    const headers = { ...fixed, ...(etag && { "If-None-Match": etag }) };
    // A server that hangs counts as one that doesn't answer. Browsers before 2024 wait for it.
    const inTime = AbortSignal.any?.([AbortSignal.timeout(1000 * LONGEST_ANSWER), ...(signal ? [signal] : [])]) ?? signal;
    const request = fetch(url, { headers, signal: inTime, cache: "no-store", redirect: "manual" });
    const answer = await request.catch(() => null);
    signal?.throwIfAborted();
    onStale?.(!answer || answer.status >= 500);
    const retryAfter = Number(answer?.headers.get("Retry-After"));
    wait = retryAfter > 0 ? retryAfter : Math.min(LONGEST_WAIT, Math.max(1, 1.5 * wait));
    if (!answer || answer.status === 304 || answer.status === 429 || answer.status >= 500) continue;
    if (answer.status === 404 && !etag && ++unknown < MOST_UNKNOWN) continue;
    if (!answer.ok) throw new Error(`The task cannot be followed because ${url.split("?")[0]} answered ${answer.status}. Reload the page.`);
    etag = answer.headers.get("ETag") ?? "";
    yield answer;
  }
}

// Resolve with the last status, SUCCESSFUL or FAILED. Reject if the server no longer answers with a status.
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
