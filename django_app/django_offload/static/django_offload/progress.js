// Keep each {% task_progress %} up to date: it polls for new HTML from the server until its task has ended.
import { answers } from "./watch.js";

const ENDED = ["SUCCESSFUL", "FAILED"];

class OffloadProgress extends HTMLElement {
  connectedCallback() {
    if (!this.dataset.url) return; // The task has ended, or htmx polls.
    this.polling = new AbortController();
    this.follow(this.dataset.url, this.polling.signal).catch(() => this.isConnected && this.showGone());
  }

  disconnectedCallback() {
    this.polling?.abort();
  }

  async follow(url, signal) {
    this.showRefreshLink(false);
    const onStale = (stale) => this.showStale(stale);
    for await (const answer of answers(url, { signal, token: this.dataset.token, wait: 1, accept: "text/html", onStale })) {
      const status = this.update(await answer.text());
      const detail = { id: this.dataset.taskId, status };
      this.dispatchEvent(new CustomEvent("offload:progress", { bubbles: true, detail }));
      if (!ENDED.includes(status)) continue;
      this.removeAttribute("data-url");
      this.removeAttribute("data-token");
      this.dispatchEvent(new CustomEvent("offload:done", { bubbles: true, detail }));
      return;
    }
  }

  // Replace the bar. Change the text only if it differs, because screen readers read out each change.
  update(html) {
    const piece = new DOMParser().parseFromString(html, "text/html");
    const bar = piece.querySelector(".offload-bar");
    this.querySelector(".offload-bar").replaceWith(bar);
    this.setText(piece.querySelector(".offload-text").textContent);
    return bar.dataset.status;
  }

  setText(text) {
    const element = this.querySelector(".offload-text");
    if (element.textContent !== text) element.textContent = text;
  }

  showRefreshLink(shown) {
    const link = this.querySelector(".offload-refresh");
    if (link) link.hidden = !shown;
  }

  // Say that the page may be out of date and offer a way on, or show the last text again.
  showStale(stale) {
    if (stale === this.hasAttribute("data-stale")) return;
    this.toggleAttribute("data-stale", stale);
    const text = this.querySelector(".offload-text");
    if (stale) this.lastText = text.textContent;
    this.setText(stale ? (text.dataset.stale ?? text.textContent) : this.lastText);
    this.showRefreshLink(stale);
  }

  showGone() {
    this.setText(this.querySelector(".offload-text").dataset.gone);
    this.showRefreshLink(true);
  }
}

customElements.define("offload-progress", OffloadProgress);
