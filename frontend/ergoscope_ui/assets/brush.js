/* One range of steps for every chart: dragged on the ribbon, or zoomed on any chart, and kept in the address. */
"use strict";

window.ergoscope = window.ergoscope || {};

(function () {
  let drag = null;

  function held() {
    const asked = new URLSearchParams(location.search);
    const read = (key) => (asked.get(key) === null ? null : Number(asked.get(key)));
    return { first: read("first"), last: read("last") };
  }

  function hold(first, last) {
    const end = newest();
    const open = last !== null && end !== null && last >= end;
    ergoscope.go({
      first: first === null || first <= 0 ? null : String(Math.round(first)),
      last: last === null || open ? null : String(Math.round(last)),
    });
  }

  /* The newest step on the page; a range that reaches it stays open, so that it goes on growing. */
  function newest() {
    const ribbon = document.querySelector(".ribbon[data-end]");
    return ribbon ? Number(ribbon.dataset.end) : null;
  }

  function share(event, ribbon) {
    const box = ribbon.getBoundingClientRect();
    return Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
  }

  function paint(ribbon, from, to) {
    const pane = ribbon.querySelector(".window");
    if (!pane) return;
    const whole = from <= 0 && to >= 1;
    pane.style.display = whole ? "none" : "block";
    pane.style.left = 100 * from + "%";
    pane.style.width = 100 * (to - from) + "%";
  }

  document.addEventListener("pointerdown", (event) => {
    const ribbon = event.target.closest && event.target.closest(".ribbon[data-end]");
    if (!ribbon || event.button !== 0) return;
    drag = { ribbon, from: share(event, ribbon) };
    ribbon.setPointerCapture(event.pointerId);
    event.preventDefault();
  });

  document.addEventListener("pointermove", (event) => {
    if (!drag) return;
    const here = share(event, drag.ribbon);
    paint(drag.ribbon, Math.min(drag.from, here), Math.max(drag.from, here));
  });

  document.addEventListener("pointerup", (event) => {
    if (!drag) return;
    const here = share(event, drag.ribbon);
    const [from, to] = [Math.min(drag.from, here), Math.max(drag.from, here)];
    const end = Number(drag.ribbon.dataset.end);
    drag = null;
    if (to - from > 0.005) hold(from * end, to * end);
    ergoscope.paintRange();
  });

  document.addEventListener("dblclick", (event) => {
    if (event.target.closest && event.target.closest(".ribbon[data-end]")) hold(null, null);
  });

  document.addEventListener("click", (event) => {
    if (event.target.id === "range-note") hold(null, null);
  });

  /* Show the held range on the ribbon and in words. */
  ergoscope.paintRange = function () {
    const { first, last } = held();
    const ribbon = document.querySelector(".ribbon[data-end]");
    if (ribbon && !drag) {
      const end = Number(ribbon.dataset.end);
      paint(ribbon, first === null ? 0 : first / end, last === null ? 1 : Math.min(1, last / end));
    }
    const note = document.getElementById("range-note");
    if (!note) return;
    const named = (step) => step.toLocaleString("en-US");
    const text = first === null && last === null ? ""
      : "steps " + named(first || 0) + " to " + (last === null ? "now" : named(last)) + " · show all";
    if (note.textContent !== text) note.textContent = text;
  };

  /* Zooming one chart zooms all that carry the same steps. */
  ergoscope.linkZoom = function (graph) {
    const place = graph.closest("[data-linked]");
    if (!place || place.dataset.linked !== "yes" || graph.dataset.zoom === "linked") return;
    graph.dataset.zoom = "linked";
    graph.on("plotly_relayout", (change) => {
      const range = change["xaxis.range"] || [change["xaxis.range[0]"], change["xaxis.range[1]"]];
      if (range[0] !== undefined && range[1] !== undefined) hold(range[0], range[1]);
    });
    graph.on("plotly_doubleclick", () => hold(null, null));
  };
})();
