/* Before anything is drawn: the theme that was chosen, or the system's. */
(function () {
  var kept = null;
  try { kept = localStorage.getItem("ergoscope-theme"); } catch (refused) { kept = null; }
  var dark = kept ? kept === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.dataset.theme = dark ? "dark" : "light";
})();
