"""Whatever the first page has measured, its words follow from that, and it shows nothing else."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.browser.visitor import Visitor

# Fills the page as its own script does, and returns what it shows.
SHOW = """
async (given) => {
  const { showComparison } = await import("/static/lab/comparison.js");
  const { showTimeline } = await import("/static/lab/timeline.js");
  const { duration } = await import("/static/lab/drawing.js");
  return given.map((ways) => {
    const page = window.blank.cloneNode(true);
    document.querySelector("main").replaceWith(page);
    const measurements = { ways, subscribe: (listener) => listener(ways), clear: () => {} };
    window.ResizeObserver = class {
      constructor(note) { this.note = note; }
      observe() { this.note([{ contentRect: { width: 600 } }]); }
    };
    showComparison(document, measurements);
    showTimeline(document, measurements);
    const table = page.querySelector("#comparison");
    const cell = (way, metric) => table.querySelector(`[data-way=${way}][data-metric=${metric}]`).textContent;
    const of = (way) => ({
      ready: cell(way, "ready"), verdict: cell(way, "verdict"),
      waits: Object.fromEntries(["painted", "ready"].filter((name) => ways[way]?.[name] !== undefined)
        .map((name) => [name, duration(ways[way][name])])),
    });
    const parts = page.querySelectorAll("#comparison, #verdict, [data-reaction], [data-timeline]");
    const label = (part) => part.querySelector("svg")?.getAttribute("aria-label") ?? "";
    const text = [...parts].map((part) => part.textContent + label(part)).join(" ");
    return {
      sentence: page.querySelector("#verdict").textContent, text,
      timeline: page.querySelector("[data-timeline]").textContent,
      request: of("request"), offload: of("offload"),
    };
  });
}
"""
MILLISECONDS = st.one_of(st.floats(0.1, 60_000), st.integers(1, 60_000), st.sampled_from([1_000, 10_000]))
# An example is one call of the browser, so each has as many states as take no longer than the call itself.
STATES, EXAMPLES = 20, 50


@st.composite
def measured(draw: st.DrawFn, way: str) -> dict[str, Any]:
    """Return what a browser may have measured of a way: each metric, or not."""
    values: dict[str, Any] = {"orders": draw(st.sampled_from([50_000, 200_000]))}
    for metric in ("ttfb", "fcp", "lcp", "inp", "forced", "shift", "dom", "pressed"):
        if draw(st.booleans()):
            values[metric] = draw(MILLISECONDS)
    if draw(st.booleans()):
        first = draw(MILLISECONDS)
        server = draw(st.sampled_from([0, first / 2, first]))
        values["phases"] = {"before": 0, "wait": 0, "server": server, "first": first, "last": first}
    if draw(st.integers(0, 9)):
        values["painted"] = draw(MILLISECONDS)
        ending = draw(st.sampled_from(["ready", "unknown", "cancelled", "failed"]))
        if way == "request" or ending == "ready":
            values["ready"] = values["painted"] + draw(st.one_of(st.just(0), MILLISECONDS))
        elif ending != "unknown":
            values["outcome"] = ending
    return values


@st.composite
def ways(draw: st.DrawFn) -> dict[str, Any]:
    return {way: draw(measured(way)) for way in ("request", "offload") if draw(st.integers(0, 9))}


def compared(sooner: float, later: float) -> str:
    """Return the word for two waits, offloaded and in the request."""
    ratio = later / sooner
    return "times sooner" if ratio > 1.05 else "times later" if ratio < 0.95 else "no sooner"


def check(state: dict[str, Any], shown: dict[str, Any]) -> None:
    """Fail if the page shows something that isn't in the state, or leaves out what got worse."""
    request, offload = state.get("request", {}), state.get("offload", {})
    sentence = shown["sentence"]
    for nonsense in ("NaN", "undefined", "null", "Infinity", "[object"):
        assert nonsense not in shown["text"]
    assert sentence.endswith((".", "difference."))

    outcome = offload.get("outcome")
    if outcome:
        assert (shown["offload"]["ready"], shown["offload"]["verdict"]) == (outcome, outcome)
        assert ("cancelled" if outcome == "cancelled" else "failed") in sentence
        assert "sooner" not in sentence
        assert "later" not in sentence
    for way, values in (("request", request), ("offload", offload)):
        if "ready" not in values:
            assert shown[way]["ready"] in {"–", outcome}
    for name, values in (("In the request", request), ("Offloaded", offload)):
        if "painted" not in values:
            assert f"{name}: painted after" not in shown["text"]
    if "ready" not in offload and "ready" not in request:
        assert "report ready" not in shown["timeline"]
    if outcome or "painted" not in request or "painted" not in offload:
        assert "sooner" not in sentence
        return
    if request["orders"] != offload["orders"]:
        assert sentence == "Run the same number of orders both ways to compare them."
        return

    answer, _, report = sentence.partition("the report was there ")
    assert compared(offload["painted"], request["painted"]) in answer
    waits = {**shown["request"]["waits"], **{f"offload {k}": v for k, v in shown["offload"]["waits"].items()}}
    assert f"({waits['offload painted']} instead of {waits['painted']})" in answer
    if "ready" in offload:
        assert report.startswith(compared(offload["ready"], request["ready"]).removeprefix("times ")) or (
            compared(offload["ready"], request["ready"]) in report.partition("(")[0]
        )
        assert f"({waits['offload ready']} instead of {waits['ready']})" in report
    else:
        assert "When its report was there hasn't been measured." in sentence
    server = request.get("phases", {}).get("server")
    if not server:
        assert "server processing took" not in sentence


def test_any_state_of_the_first_page_is_told_as_it_is(visitor: Visitor):
    visitor.goto("/")
    visitor.page.evaluate("window.blank = document.querySelector('main').cloneNode(true)")

    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(ways(), min_size=STATES, max_size=STATES))
    def every(states: list[dict[str, Any]]) -> None:
        for state, shown in zip(states, visitor.page.evaluate(SHOW, states), strict=True):
            check(state, shown)

    every()
