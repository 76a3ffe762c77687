/* Menus and windows: what opens and closes them, the line that must be typed, and copying. */
"use strict";

window.ergoscope = window.ergoscope || {};

(function () {
  function menus() {
    return [...document.querySelectorAll("details.actions[open]")];
  }

  function closeMenus(but) {
    menus().forEach((menu) => { if (menu !== but) menu.open = false; });
  }

  ergoscope.closeAll = function () {
    closeMenus(null);
    document.querySelectorAll("dialog[open]").forEach((window) => window.close());
  };

  function open(name) {
    const window = document.getElementById(name);
    if (!window || window.open) return;
    const typed = window.querySelector("#delete-typed input");
    if (typed) typed.value = "";
    if (window.querySelector("#delete-go")) dash_clientside.set_props("delete-go", { disabled: true });
    window.showModal();
  }

  /* Write a text of the page to the clipboard, also where the page came without TLS and has none of its own. */
  async function copy(name) {
    const place = document.getElementById(name);
    if (!place) return false;
    const range = document.createRange();
    range.selectNodeContents(place);
    getSelection().removeAllRanges();
    getSelection().addRange(range);
    try {
      await navigator.clipboard.writeText(place.textContent);
      return true;
    } catch (refused) {
      return document.execCommand("copy");
    }
  }

  document.addEventListener("click", (event) => {
    if (!event.target.closest) return;
    closeMenus(event.target.closest("details.actions"));
    const button = event.target.closest("button, a");
    if (!button) {
      if (event.target.matches("dialog")) event.target.close(); /* beside the window */
      return;
    }
    if (button.dataset.opens) open(button.dataset.opens);
    if (button.dataset.closes) button.closest("dialog").close();
    if (button.dataset.copies) {
      copy(button.dataset.copies).then((done) => { button.textContent = done ? "Copied" : "Press Ctrl+C"; });
    }
    if (button.closest("details.actions")) closeMenus(null);
  });

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || document.querySelector("dialog[open]")) return;
    menus().forEach((menu) => {
      menu.open = false;
      menu.querySelector("summary").focus();
    });
  });

  /* A window that is closed gives the keyboard back to what opened it; an item of a closed menu cannot take it. */
  document.addEventListener("close", () => {
    const opener = document.querySelector("details.actions:not([hidden]) summary");
    if (opener) opener.focus();
  }, true);

  /* The line that must be typed before anything is deleted: a plain input, as the query line is. */
  ergoscope.paintTyped = function () {
    const place = document.getElementById("delete-typed");
    if (!place || place.firstChild) return;
    const line = document.createElement("input");
    Object.assign(line, { type: "text", spellcheck: false, autocomplete: "off", autocapitalize: "none" });
    line.setAttribute("aria-label", place.dataset.label);
    place.appendChild(line);
    if (place.closest("dialog").open) line.focus();
  };

  function meant() {
    const place = document.getElementById("delete-typed");
    return place && place.firstChild && place.firstChild.value.trim().replace(/\s+/g, " ") === place.dataset.expects;
  }

  document.addEventListener("input", (event) => {
    if (event.target.closest("#delete-typed")) dash_clientside.set_props("delete-go", { disabled: !meant() });
  });

  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.target.closest && event.target.closest("#delete-typed") && meant()) {
      document.getElementById("delete-go").click();
    }
  });
})();
