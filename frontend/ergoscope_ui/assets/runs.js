/* The list of runs by keyboard, and which of them are chosen: to be compared, archived or deleted. */
"use strict";

window.ergoscope = window.ergoscope || {};

(function () {
  let chosen = read();

  function read() {
    try { return JSON.parse(sessionStorage.getItem("ergoscope-chosen")) || []; } catch (refused) { return []; }
  }

  function rows() {
    return [...document.querySelectorAll("#runs-list tr[data-run]")];
  }

  function choose(runs) {
    chosen = runs;
    try { sessionStorage.setItem("ergoscope-chosen", JSON.stringify(chosen)); } catch (refused) { /* this page only */ }
    ergoscope.paintChosen();
  }

  function toggle(run) {
    choose(chosen.includes(run) ? chosen.filter((other) => other !== run) : [...chosen, run]);
  }

  ergoscope.unchoose = function (runs) {
    choose(chosen.filter((run) => !runs.includes(run)));
  };

  /* The chosen ones that are in sight: nothing is done to a run that the list does not show. */
  function taken() {
    return rows().filter((row) => chosen.includes(row.dataset.run));
  }

  const TOOLS = { "archive-go": ["Archive", "write", false], "restore-go": ["Take back", "write", true], "delete-open": ["Delete", "admin", null] };

  /* A button each for what whoever looks may do to all that are chosen; null stands for either shelf. */
  function paintTools() {
    const here = taken();
    const archived = new URLSearchParams(location.search).get("archived") === "true";
    for (const [name, [word, right, shelf]] of Object.entries(TOOLS)) {
      const button = document.querySelector(".bar1 #" + name);
      if (!button) return;
      const may = here.length && here.every((row) => row.dataset.may.split(" ").includes(right));
      const hidden = !may || (shelf !== null && shelf !== archived);
      if (button.hidden !== hidden) button.hidden = hidden;
      const text = word + " " + here.length + (right === "admin" ? " …" : "");
      if (!hidden && button.textContent !== text) button.textContent = text;
    }
  }

  function open(pathname, search) {
    dash_clientside.set_props("url", { pathname: pathname, search: search });
  }

  function compare() {
    if (chosen.length) open("/compare", "?runs=" + chosen.map(encodeURIComponent).map(encodeURIComponent).join(","));
  }

  function move(by) {
    const all = rows();
    if (!all.length) return;
    const here = all.indexOf(document.activeElement && document.activeElement.closest("tr[data-run]"));
    all[Math.max(0, Math.min(all.length - 1, here < 0 ? 0 : here + by))].focus();
  }

  ergoscope.paintChosen = function () {
    const there = rows();
    paintTools();
    if (!there.length) return;
    there.forEach((row) => {
      const on = chosen.includes(row.dataset.run) ? "yes" : "no";
      if (row.dataset.chosen !== on) row.dataset.chosen = on;
    });
    const button = document.getElementById("compare-selected");
    if (!button) return;
    const text = chosen.length ? "Compare " + chosen.length : "Compare";
    if (button.textContent !== text) button.textContent = text;
    const on = chosen.length ? "yes" : "no";
    if (button.dataset.on !== on) button.dataset.on = on;
  };

  /* Before Dash hears of a click on one of the tools, it is told which runs it is about. */
  document.addEventListener("click", (event) => {
    const tool = event.target.closest && event.target.closest(".bar1 button");
    if (tool && tool.id in TOOLS) dash_clientside.set_props("chosen", { data: taken().map((row) => row.dataset.run) });
  }, true);

  document.addEventListener("click", (event) => {
    if (!event.target.closest) return;
    if (event.target.closest("#compare-selected")) {
      event.preventDefault();
      compare();
      return;
    }
    const row = event.target.closest("#runs-list tr[data-run]");
    if (!row || event.target.closest("a")) return;
    if (event.target.closest(".pick")) toggle(row.dataset.run);
    else if (!String(getSelection())) open(row.dataset.href, "");
  });

  /* The query line: a plain input, since a React one that is drawn anew while somebody types loses keys. */
  ergoscope.paintQuery = function () {
    const place = document.getElementById("query-place");
    if (!place || place.firstChild) return;
    const line = document.createElement("input");
    Object.assign(line, { id: "query", type: "text", spellcheck: false, autocomplete: "off" });
    line.placeholder = place.dataset.hint;
    line.value = place.dataset.value;
    line.setAttribute("aria-label", "Search the runs");
    place.appendChild(line);
  };

  let typed = null;

  document.addEventListener("input", (event) => {
    if (event.target.id !== "query") return;
    clearTimeout(typed);
    typed = setTimeout(() => dash_clientside.set_props("query-text", { data: event.target.value }), 250);
  });

  document.addEventListener("keydown", (event) => {
    const list = document.getElementById("runs-list");
    const typing = event.target.closest && event.target.closest("input, textarea, select, [contenteditable]");
    if (!list || document.querySelector("dialog[open]") || event.ctrlKey || event.metaKey || event.altKey) return;
    if (typing) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    const row = document.activeElement && document.activeElement.closest("#runs-list tr[data-run]");
    if (event.key === "ArrowDown" || event.key === "j") move(1);
    else if (event.key === "ArrowUp" || event.key === "k") move(-1);
    else if (event.key === "x") { if (row) toggle(row.dataset.run); else move(0); }
    else if (event.key === "Enter" && row && event.target === row) open(row.dataset.href, "");
    else if (event.key === "c") compare();
    else if (event.key === "/") document.getElementById("query").focus();
    else return;
    event.preventDefault();
  });
})();
