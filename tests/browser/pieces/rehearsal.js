// Follow a task whose answers are given beforehand, in no time; return what was asked, waited for and yielded.
// Stopped at a wait, or while hidden after it: whoever does not hear of it goes on later.
async ({ given, link, token, hideAt, stopAt }) => {
  const { answers } = await import("/static/django_offload/watch.js");
  const { fetch, setTimeout, clearTimeout } = window;
  const heard = { waits: [], etags: [], asked: [], yielded: 0, error: null, askedHidden: 0, cleared: [], late: false };
  const stop = new AbortController();
  const enough = () => stop.abort(new Error("That is enough."));
  const hide = (hidden) => {
    Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
  };
  window.setTimeout = (go, ms) => {
    heard.waits.push(ms / 1000);
    if (heard.waits.length === stopAt) {
      setTimeout(() => ((heard.late = true), hide(false), go()), 500);
      if (hideAt === stopAt) hide(true), queueMicrotask(go), setTimeout(enough);
      else queueMicrotask(enough);
      return heard.waits.length;
    }
    if (heard.waits.length === hideAt) {
      hide(true);
      setTimeout(() => ((heard.askedHidden = heard.etags.length), hide(false)), 50);
    }
    queueMicrotask(go);
    return heard.waits.length;
  };
  window.clearTimeout = (timer) => heard.cleared.push(timer);
  window.fetch = async (url, { headers, signal }) => {
    heard.etags.push(headers["If-None-Match"] ?? null);
    heard.asked.push([url, headers["X-Offload-Token"] ?? null]);
    const next = given.shift();
    if (!next) throw (heard.ended = true);
    if (next === "cut") throw new TypeError("Failed to fetch");
    const [status, said = {}] = next;
    return { status, ok: status >= 200 && status < 300, headers: new Headers(said) };
  };
  try {
    for await (const answer of answers(link, { signal: stop.signal, ...(token && { token }) })) {
      heard.yielded += 1;
      if (!given.length) break;
    }
  } catch (error) {
    heard.error = error.message ?? null;
  } finally {
    Object.assign(window, { fetch, setTimeout, clearTimeout });
    delete document.hidden;
  }
  return heard;
}
