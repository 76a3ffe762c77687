/* Ages that count up, and "live" that turns "silent" when nothing has arrived for ten seconds. */
"use strict";

window.ergoscope = window.ergoscope || {};

(function () {
  const SILENT_AFTER_S = 10;
  const seen = new Map(); /* run -> when something of it last arrived, seconds on the service's clock */
  let offset = 0; /* service clock minus this clock, seconds */

  ergoscope.now = () => Date.now() / 1000 + offset;

  ergoscope.setClock = function (serviceNow) {
    offset = serviceNow - Date.now() / 1000;
  };

  ergoscope.heard = function (run, moment) {
    seen.set(run, Math.max(seen.get(run) || 0, moment));
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

  function tickStatus(element) {
    const run = element.dataset.run;
    const told = element.dataset.status;
    const age = ergoscope.now() - Math.max(Number(element.dataset.seen) || 0, seen.get(run) || 0);
    const beats = told === "running" || told === "silent";
    const ago = element.querySelector(".ago");
    if (beats) {
      const shown = age > SILENT_AFTER_S ? "silent" : "live";
      if (element.dataset.shown !== shown) element.dataset.shown = shown;
      write(element.querySelector(".word"), shown);
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
