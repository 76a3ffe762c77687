/* Charts that grow: increments are folded into the stretches a figure is made of, and the axes grow in steps.
 *
 * A figure says in layout.meta.grows how its traces grow (figures/line.py, growth). Only charts in view are drawn;
 * the others keep what came and draw it when they come into view.
 */
"use strict";

window.ergoscope = window.ergoscope || {};

(function () {
  const TOO_MANY = 600; /* appended points after which the figure is asked for anew */
  const known = new WeakMap(); /* graph -> {meta, grows, stale} */

  /* The tick and grow of figures/axes.py; a test holds them together. */
  function tick(span) {
    if (!(span > 0) || !isFinite(span)) return 1;
    const size = Math.pow(10, Math.floor(Math.log10(span)));
    return Math.max(...[1, 2, 5].map((unit) => unit * size).filter((unit) => unit <= span * (1 + 1e-9)));
  }

  function grow(last) {
    if (last <= 10) return 10;
    const step = tick(last / 8);
    return Math.ceil(last / step - 1e-9) * step;
  }

  function graphs() {
    return [...document.querySelectorAll("#page .js-plotly-plot")].filter((graph) => graph.layout && graph.data);
  }

  function fresh(graph) {
    const meta = graph.layout.meta || {};
    const grows = (meta.grows || []).map((told) => ({
      ...told,
      open: told.open ? [...told.open] : null,
      position: told.cursor,
      last: told.open ? graph.data[told.line].x[graph.data[told.line].x.length - 1] : -1,
      steps: [],
      values: [],
      appended: 0,
    }));
    return { meta: graph.layout.meta, grows, waiting: Boolean(meta.waiting), failed: Boolean(meta.failed), again: false };
  }

  /* What each graph on the page is, found anew when Dash has drawn another figure into it. */
  ergoscope.scan = function () {
    return graphs().map((graph) => {
      let entry = known.get(graph);
      if (!entry || entry.meta !== graph.layout.meta) {
        entry = fresh(graph);
        known.set(graph, entry);
        if (ergoscope.linkZoom) ergoscope.linkZoom(graph);
      }
      return { graph, entry };
    });
  };

  function inView(graph) {
    const box = graph.getBoundingClientRect();
    return box.width > 0 && box.bottom > -100 && box.top < innerHeight + 100;
  }

  /* Keep an increment's points for the traces that are made of them. Steps that a figure holds already are left out;
   * a step that goes back without an overlap means that the run started again: then the figure is asked for anew.
   * `metrics` are those that were asked for: of another one, of a figure that came since, nothing is known. */
  ergoscope.gather = function (data, before, metrics) {
    for (const { entry } of ergoscope.scan()) {
      for (const growth of entry.grows) {
        if (growth.run !== data.run || growth.position >= data.cursor || !metrics.includes(growth.metric)) continue;
        const overlaps = before === undefined || growth.position > before;
        if (before !== undefined && growth.position < before) entry.again = true;
        growth.position = data.cursor;
        const series = data.series.find((one) => one.metric === growth.metric && !one.rank);
        if (!series) continue;
        series.steps.forEach((step, index) => {
          if (step > growth.last) {
            growth.steps.push(step);
            growth.values.push(Number(series.values[index]));
            growth.last = step;
          } else if (!overlaps) {
            entry.again = true;
          }
        });
      }
    }
  };

  function refine(graph, growth, step, value) {
    const line = graph.data[growth.line];
    const end = line.x.length - 1;
    line.x[end] = step;
    const bands = growth.band === null ? [] : [graph.data[growth.band], graph.data[growth.band + 1]];
    bands.forEach((trace) => { trace.x[end] = step; });
    if (!isFinite(value)) return;
    const [first, count, mean] = growth.open;
    const next = mean === null ? value : (mean * count + value) / (count + 1);
    growth.open = [first, count + 1, next];
    line.y[end] = next / growth.scale;
    if (bands.length) {
      const scaled = value / growth.scale;
      bands[0].y[end] = bands[0].y[end] === null ? scaled : Math.max(bands[0].y[end], scaled);
      bands[1].y[end] = bands[1].y[end] === null ? scaled : Math.min(bands[1].y[end], scaled);
    }
  }

  function fold(graph, growth, added) {
    growth.steps.forEach((step, index) => {
      const value = growth.values[index];
      const pending = added.get(growth.line);
      const inOpen = growth.width > 1 && growth.open && step - growth.open[0] < growth.width;
      if (!isFinite(value) && growth.holes !== null) push(added, growth.holes, step, graph.layout.yaxis.range[0]);
      if (inOpen && !pending) { refine(graph, growth, step, value); return; }
      const shown = isFinite(value) ? value / growth.scale : null;
      const traces = growth.band === null ? [growth.line] : [growth.line, growth.band, growth.band + 1];
      if (inOpen) {
        const [first, count, mean] = growth.open;
        const next = mean === null ? value : isFinite(value) ? (mean * count + value) / (count + 1) : mean;
        growth.open = [first, count + 1, next];
        traces.forEach((trace, place) => amend(added.get(trace), step, shown, place, next / growth.scale));
        return;
      }
      growth.open = [step, 1, isFinite(value) ? value : null];
      growth.appended += 1;
      traces.forEach((trace) => push(added, trace, step, shown));
    });
    growth.steps = [];
    growth.values = [];
  }

  function push(added, trace, step, value) {
    if (!added.has(trace)) added.set(trace, { x: [], y: [] });
    added.get(trace).x.push(step);
    added.get(trace).y.push(value);
  }

  /* place: 0 the line, 1 the band's high, 2 its low */
  function amend(part, step, value, place, mean) {
    const end = part.x.length - 1;
    part.x[end] = step;
    if (value === null) return;
    const held = part.y[end];
    part.y[end] = place === 0 ? mean : held === null ? value : place === 1 ? Math.max(held, value) : Math.min(held, value);
  }

  function stretch(graph, newest, added) {
    const across = graph.layout.xaxis.range;
    if (newest > across[1]) graph.layout.xaxis.range = [across[0], grow(newest)];
    const [low, high] = graph.layout.yaxis.range;
    const room = high - low;
    const values = [...added.values()].flatMap((part) => part.y).filter((value) => value !== null);
    const top = Math.max(high, ...values.filter((value) => value < high + 3 * room));
    const bottom = Math.min(low, ...values.filter((value) => value > low - 3 * room));
    if (top > high || bottom < low) {
      const step = tick((top - bottom) / 6);
      const floor = bottom < low ? Math.floor(bottom / step) * step : low;
      graph.layout.yaxis.range = [floor, top > high ? Math.ceil(top / step + 0.02) * step : high];
    }
  }

  function draw(graph, entry) {
    const added = new Map();
    const busy = entry.grows.filter((growth) => growth.steps.length);
    if (!busy.length) return;
    const newest = Math.max(...entry.grows.map((growth) => growth.last));
    busy.forEach((growth) => fold(graph, growth, added));
    stretch(graph, newest, added);
    if (added.size) {
      const traces = [...added.keys()];
      const parts = [...added.values()];
      Plotly.extendTraces(graph, { x: parts.map((part) => part.x), y: parts.map((part) => part.y) }, traces);
    } else {
      Plotly.redraw(graph);
    }
    const id = graph.closest(".dash-graph").id;
    document.querySelectorAll(".at[data-chart]").forEach((place) => {
      const shown = Number((place.textContent.match(/[\d,]+/) || ["0"])[0].replaceAll(",", ""));
      if (place.dataset.chart !== id || newest <= shown) return;
      if (place.dataset.step) place.dataset.step = newest;
      place.textContent = ergoscope.stepAge(newest, newest);
    });
  }

  /* Draw what has come into the charts in view; says whether some figure should be asked for anew. */
  ergoscope.drawPending = function () {
    let again = false;
    for (const { graph, entry } of ergoscope.scan()) {
      if (inView(graph)) draw(graph, entry);
      const most = Math.max(0, ...entry.grows.map((growth) => growth.appended + growth.steps.length));
      if (most > TOO_MANY || entry.again || entry.failed) again = true;
    }
    return again;
  };

  ergoscope.grow = grow;
})();
