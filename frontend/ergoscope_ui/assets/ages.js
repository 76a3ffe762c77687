/* Ages that count up, "live" that turns "silent" when nothing has arrived for ten seconds, and steps that stay away. */
"use strict";

window.ergoscope = window.ergoscope || {};

(function () {
  const SILENT_AFTER_S = 10;
  const seen = new Map(); /* run -> when something of it last arrived, seconds on the service's clock */
  const moved = new Map(); /* run -> its newest step and when that came, seconds on the service's clock */
  let offset = 0; /* service clock minus this clock, seconds */

  ergoscope.now = () => Date.now() / 1000 + offset;

  ergoscope.setClock = function (serviceNow) {
    offset = serviceNow - Date.now() / 1000;
  };

  ergoscope.heard = function (run, moment) {
    seen.set(run, Math.max(seen.get(run) || 0, moment));
  };

  /* What a run's newest step is. When the page was opened it may have been long ago: that is told with the status. */
  ergoscope.reached = function (run, step) {
    const known = moved.get(run);
    if (!known || known.step !== step) moved.set(run, { step: step, since: known ? ergoscope.now() : 0 });
  };

  /* The words of graph.age in Python; a test holds the two together. */
  ergoscope.stepAge = function (step, now) {
    const ago = now - step;
    const said = ago > 0 ? ", " + ago.toLocaleString("en-US") + " step" + (ago > 1 ? "s" : "") + " ago" : "";
    return "step " + step.toLocaleString("en-US") + said;
  };

  /* How far back the charts are whose foot says it, when a run has come to a step. */
  ergoscope.tellStepAges = function (now) {
    if (new URLSearchParams(location.search).get("last") !== null) return; /* they are held to earlier steps */
    document.querySelectorAll(".at[data-step]").forEach((place) => {
      write(place, ergoscope.stepAge(Number(place.dataset.step), now));
    });
  };

  /* The words of words.age in Python; a test holds the two together. */
  ergoscope.age = function (seconds) {
    if (seconds < 9.95) return Math.max(0, seconds).toFixed(1) + " s ago";
    if (seconds < 60) return Math.floor(seconds) + " s ago";
    if (seconds < 3600) return Math.floor(seconds / 60) + " min ago";
    if (seconds < 86400) return Math.floor(seconds / 3600) + " h ago";
    if (seconds < 172800) return "yesterday";
    return Math.floor(seconds / 86400) + " days ago";
  };

  function write(element, text) {
    if (element && element.textContent !== text) element.textContent = text;
  }

  /* "no step for 3 min", of a job that sends signs of life and makes no steps; data-stepped is by the job's clock. */
  function stall(element) {
    const known = moved.get(element.dataset.run);
    const since = Math.max(Number(element.dataset.stepped) || 0, known ? known.since : 0);
    const gone = ergoscope.now() - since;
    return since && gone > Number(element.dataset.patience) ? "no step for " + ergoscope.age(gone).replace(" ago", "") : "";
  }

  function tickStatus(element) {
    const run = element.dataset.run;
    const status = element.dataset.status;
    const age = ergoscope.now() - Math.max(Number(element.dataset.seen) || 0, seen.get(run) || 0);
    const beats = status === "running" || status === "silent";
    const ago = element.querySelector(".ago");
    if (beats) {
      const shown = age > SILENT_AFTER_S ? "silent" : "live";
      if (element.dataset.shown !== shown) element.dataset.shown = shown;
      write(element.querySelector(".word"), shown);
      const told = shown === "live" ? stall(element) : "";
      if ((element.dataset.stalled || "") !== (told && "yes")) element.dataset.stalled = told && "yes";
      write(element.querySelector(".stall"), told);
    } else if (element.dataset.shown) {
      delete element.dataset.shown;
    }
    write(ago, ", " + ergoscope.age(age));
  }

  ergoscope.tick = function () {
    if (document.hidden) return;
    document.querySelectorAll(".status[data-run]").forEach(tickStatus);
    document.querySelectorAll(".age[data-since]").forEach((element) => {
      const run = element.closest("[data-run]");
      const heard = run && element.closest("td.dim") ? seen.get(run.dataset.run) || 0 : 0;
      write(element, ergoscope.age(ergoscope.now() - Math.max(Number(element.dataset.since), heard)));
    });
  };

  setInterval(ergoscope.tick, 250);
})();
