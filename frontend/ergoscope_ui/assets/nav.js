/* The functions that Dash calls in the browser: theme, navigation, tabs, opening a layer, what follows a deletion. */
"use strict";

window.ergoscope = window.ergoscope || {};

(function () {
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");

  function kept() {
    try { return localStorage.getItem("ergoscope-theme"); } catch (refused) { return null; }
  }

  function keep(name) {
    try { localStorage.setItem("ergoscope-theme", name); } catch (refused) { /* private window: this page only */ }
  }

  function show(name) {
    root.dataset.theme = name;
    return name;
  }

  system.addEventListener("change", () => {
    if (!kept()) dash_clientside.set_props("theme", { data: show(system.matches ? "dark" : "light") });
  });

  /* The query of the address with some keys changed; null takes a key away. */
  ergoscope.searchWith = function (changes, search) {
    const asked = new URLSearchParams(search === undefined ? location.search : search);
    for (const [key, value] of Object.entries(changes)) {
      if (value === null || value === "") asked.delete(key); else asked.set(key, value);
    }
    const text = asked.toString();
    return text ? "?" + text : "";
  };

  ergoscope.go = function (changes) {
    const search = ergoscope.searchWith(changes);
    if (search !== location.search) dash_clientside.set_props("url", { search: search });
  };

  /* After a click on a row: bring what it opened into sight, if it is not. */
  function showName() {
    const name = document.getElementById("layer-name");
    if (!name || name.getBoundingClientRect().top < innerHeight - 240) return;
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    name.scrollIntoView({ block: "center", behavior: still ? "auto" : "smooth" });
  }

  const SAID_MS = 15000; /* how long is said what was done */
  let forget = null;

  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.ergoscope = {
    followTheme(clicks) {
      if (!clicks) return show(root.dataset.theme || "light");
      const name = root.dataset.theme === "dark" ? "light" : "dark";
      keep(name);
      return show(name);
    },
    /* A page is laid out anew only when the path changes: dash tells of it whenever any part of the address does. */
    showPage(pathname, shown) {
      return pathname === shown ? dash_clientside.no_update : pathname;
    },
    showNav(pathname) {
      const page = (pathname || "/").split("/")[1];
      const on = [page === "" || page === "runs", page === "compare", page === "alerts"];
      return on.map((here) => (here ? "on" : ""));
    },
    /* A tab is laid out anew only when it is another one: what it shows is filled in, so that the page stays still. */
    showTab(search, shown) {
      const asked = new URLSearchParams(search || "");
      const tab = asked.get("tab") || "overview";
      return tab === shown ? dash_clientside.no_update : tab;
    },
    /* Likewise the list, when it is of other runs. */
    showShelf(search, shown) {
      const archived = new URLSearchParams(search || "").get("archived") === "true";
      return archived === shown ? dash_clientside.no_update : archived;
    },
    plantRuns(tree) {
      ergoscope.plant(document.getElementById("runs-table"), tree);
      return dash_clientside.no_update;
    },
    /* Something was done to runs: they are chosen no more, and from the page of a run that is gone it goes to the list. */
    settle(done) {
      if (!done) return dash_clientside.no_update;
      ergoscope.closeAll();
      ergoscope.unchoose(done.runs);
      const place = document.getElementById("scope");
      if (done.deleted && place && place.dataset.view === "run") dash_clientside.set_props("url", { pathname: "/", search: "" });
      else ergoscope.reread();
      clearTimeout(forget);
      forget = setTimeout(() => dash_clientside.set_props("said", { data: "" }), SAID_MS);
      return done.said;
    },
    openLayer(click, search) {
      const point = click && click.points && click.points[0];
      const graph = document.querySelector("#layers-tall .js-plotly-plot");
      const rows = graph && graph.layout.meta && graph.layout.meta.rows;
      if (!point || !rows) return dash_clientside.no_update;
      const layer = rows[graph.data[0].y.indexOf(point.y)]; /* of a cell dash tells the row's label, not its number */
      if (layer === undefined) return dash_clientside.no_update;
      setTimeout(showName, 400);
      return ergoscope.searchWith({ layer: layer }, search);
    },
  };
})();
