/* What the page follows, and what it does with the news: grow charts, write numbers, ask Dash for words anew. */
"use strict";

window.ergoscope = window.ergoscope || {};

(function () {
  const LOOK_MS = 300; /* how often the page is compared with what is followed */
  const last = { reread: 0, redraw: 0, reheat: 0 }; /* when each clock was wound, ms */
  const wanted = { reread: 0, redraw: 0, reheat: 0 }; /* when it is due, ms; 0 when it is not */
  const ticks = { reread: 0, redraw: 0, reheat: 0 };
  let following = ""; /* the plan that is followed, as text */
  let heatStep = 0;
  let statuses = {};
  let toldNow = "";

  /* Wind one of the clocks of pages/shell.py, at most once in `pause` ms. */
  function ask(name, pause) {
    const due = Math.max(Date.now(), last[name] + pause);
    wanted[name] = wanted[name] ? Math.min(wanted[name], due) : due;
  }

  ergoscope.reread = () => ask("reread", 0);

  function wind() {
    for (const name of Object.keys(wanted)) {
      if (!wanted[name] || wanted[name] > Date.now()) continue;
      wanted[name] = 0;
      last[name] = Date.now();
      ticks[name] += 1;
      dash_clientside.set_props(name, { data: ticks[name] });
    }
  }

  function write(name, text) {
    const place = document.querySelector('#run-head [data-live="' + name + '"]');
    if (place && place.textContent !== text) place.textContent = text;
  }

  function short(value) {
    if (value === 0) return "0";
    const size = Math.floor(Math.log10(Math.abs(value)));
    if (size < -2 || size > 6) return value.toExponential(2).replace(/\.?0+e/, "e").replace("e+", "e");
    return String(Number(value.toPrecision(3)));
  }

  function showRun(run) {
    ergoscope.heard(run.id, run.last_seen);
    ergoscope.reached(run.id, run.last_step);
    const before = statuses[run.id];
    const now = [run.status, run.ranks, run.ranks_silent, run.ranks_lagging, run.archived].join();
    statuses[run.id] = now;
    const view = scope() && scope().dataset.view;
    if (view === "runs") { ask("reread", 2000); return; }
    if (before !== undefined && before !== now) { ask("reread", 500); ask("redraw", 1000); }
    if (view !== "run" || scope().dataset.runs !== run.id) return;
    const latest = run.latest || {};
    if (run.last_step !== null && run.last_step !== undefined) {
      write("step", run.last_step.toLocaleString("en-US"));
      ergoscope.tellStepAges(run.last_step);
    }
    if (latest.lr !== undefined) write("lr", short(Number(latest.lr)));
    if (latest.step_time !== undefined) write("pace", String(Number((1000 * latest.step_time).toPrecision(2))));
    if (latest.agent_overhead !== undefined) {
      const cost = Number(latest.agent_overhead);
      write("agent", cost.toFixed(cost >= 0.1 ? 1 : 2) + " %");
    }
    write("lost", (run.lost || 0).toLocaleString("en-US"));
    if (ergoscope.scan().some(({ entry }) => entry.waiting)) ask("redraw", 2000);
    if ((run.last_step || 0) - heatStep > 0.01 * heatStep) {
      heatStep = run.last_step;
      ask("reheat", 5000);
    }
  }

  function lost(since) {
    document.documentElement.dataset.link = "lost";
    const words = "no connection since " + new Date(since).toLocaleTimeString("en-GB") + ", trying again";
    document.getElementById("link").textContent = words;
  }

  function found() {
    delete document.documentElement.dataset.link;
    document.getElementById("link").textContent = "";
    ask("reread", 0);
    ask("redraw", 0);
    ask("reheat", 1000);
  }

  function handle(kind, data, before, metrics) {
    if (kind === "increment") {
      ergoscope.heard(data.run, ergoscope.now());
      ergoscope.gather(data, before, metrics);
    } else if (kind === "run") {
      showRun(data);
    } else if (kind === "verdict") {
      ask("reread", ergoscope.stream.state.mode === "poll" ? 5000 : 1500); /* polls repeat it each time */
      ask("redraw", 15000);
    } else if (kind === "slice") {
      ask("reread", 300);
    } else if (kind === "deleted") {
      ask("reread", 0);
      ask("redraw", 0);
    } else if (kind === "polled") {
      if (scope() && !scope().dataset.runs) ask("reread", 3000); /* polls without runs tell no news of runs */
    } else if (kind === "reset") {
      ask("redraw", 500);
    } else if (kind === "alert") {
      ask("reread", 500);
      ask("redraw", 1000);
    } else if (kind === "lost") {
      lost(data);
    } else if (kind === "found") {
      found();
    }
  }

  function scope() {
    return document.getElementById("scope");
  }

  /* Runs of the page, series of its charts, and the oldest cursor a figure of each run was drawn at. */
  function plan(place) {
    const runs = place.dataset.runs ? place.dataset.runs.split(" ") : [];
    const metrics = new Set();
    const positions = {};
    for (const { entry } of ergoscope.scan()) {
      for (const growth of entry.grows) {
        if (!runs.includes(growth.run)) continue;
        metrics.add(growth.metric);
        const known = positions[growth.run];
        positions[growth.run] = known === undefined ? growth.position : Math.min(known, growth.position);
      }
    }
    return { runs, metrics: [...metrics].sort(), positions };
  }

  function behind(wish) {
    const at = ergoscope.stream.state.positions;
    return Object.keys(wish.positions).some((run) => at[run] === undefined || wish.positions[run] < at[run]);
  }

  function look() {
    const place = scope();
    if (!place || document.hidden) return;
    if (place.dataset.now !== toldNow) {
      toldNow = place.dataset.now;
      ergoscope.setClock(Number(toldNow));
    }
    const title = place.dataset.title + " · ergoscope";
    if (document.title !== title) document.title = title;
    const wish = plan(place);
    const text = JSON.stringify([place.dataset.view, wish.runs, wish.metrics]);
    if (text !== following || behind(wish)) {
      following = text;
      ergoscope.stream.start(wish, handle);
    }
    if (ergoscope.drawPending()) ask("redraw", 3000);
    if (document.querySelector("#page [data-retry]")) ask("reread", 3000);
    ergoscope.paintRange();
    ergoscope.paintChosen();
    ergoscope.paintQuery();
    ergoscope.paintTyped();
    wind();
  }

  document.addEventListener("visibilitychange", () => {
    if (document.hidden) {
      following = "";
      ergoscope.stream.stop();
    } else {
      ask("reread", 0);
      look();
    }
  });

  setInterval(look, LOOK_MS);
})();
