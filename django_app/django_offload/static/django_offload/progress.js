// What makes {% task_progress %} live: each piece asks for itself, drawn by the server, until its task has ended.
import { answers } from "./watch.js";

const ENDED = ["SUCCESSFUL", "FAILED"];

class OffloadProgress extends HTMLElement {
  connectedCallback() {
    if (!this.dataset.url) return; // It has ended, or htmx asks.
    this.stopped = new AbortController();
    this.follow(this.dataset.url, this.stopped.signal).catch(() => this.isConnected && this.giveUp());
  }

  disconnectedCallback() {
    this.stopped?.abort();
  }

  async follow(url, signal) {
    this.offerRefresh(false);
    for await (const answer of answers(url, { signal, wait: 1, accept: "text/html" })) {
      const status = this.draw(await answer.text());
      const detail = { id: this.dataset.taskId, status };
      this.dispatchEvent(new CustomEvent("offload:progress", { bubbles: true, detail }));
      if (!ENDED.includes(status)) continue;
      this.removeAttribute("data-url");
      this.dispatchEvent(new CustomEvent("offload:done", { bubbles: true, detail }));
      return;
    }
  }

  // The bar is exchanged; the text stays and changes only when it says something else, for it is read out.
  draw(html) {
    const piece = new DOMParser().parseFromString(html, "text/html");
    const bar = piece.querySelector(".offload-bar");
    this.querySelector(".offload-bar").replaceWith(bar);
    this.say(piece.querySelector(".offload-text").textContent);
    return bar.dataset.status;
  }

  say(words) {
    const text = this.querySelector(".offload-text");
    if (text.textContent !== words) text.textContent = words;
  }

  offerRefresh(offered) {
    const link = this.querySelector(".offload-refresh");
    if (link) link.hidden = !offered;
  }

  giveUp() {
    this.say(this.querySelector(".offload-text").dataset.gone);
    this.offerRefresh(true);
  }
}

customElements.define("offload-progress", OffloadProgress);
