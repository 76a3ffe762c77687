/* Elements from plain lists [tag, attributes, children], for parts of the page that Dash does not need to know one by
   one. Texts are set as texts, never as markup. What is drawn again keeps its elements, and with them the focus. */
"use strict";

window.ergoscope = window.ergoscope || {};

(function () {
  function fits(node, tree) {
    return typeof tree === "string" ? node.nodeType === Node.TEXT_NODE : node.nodeName === tree[0].toUpperCase();
  }

  function made(tree) {
    return typeof tree === "string" ? document.createTextNode("") : document.createElement(tree[0]);
  }

  /* Only what differs from what was planted before: other scripts may have written over it since. */
  function dress(node, attributes) {
    const before = node.planted || {};
    for (const name of Object.keys(before)) {
      if (name in attributes) continue;
      if (name === "style") node.style.cssText = ""; else node.removeAttribute(name);
    }
    for (const [name, value] of Object.entries(attributes)) {
      if (name === "style") {
        if (JSON.stringify(before.style) === JSON.stringify(value)) continue;
        node.style.cssText = ""; /* property by property: the page's policy lets no style attribute through */
        Object.assign(node.style, value);
      } else if (before[name] !== value) node.setAttribute(name, value);
    }
    node.planted = attributes;
  }

  function grow(place, trees) {
    trees.forEach((tree, i) => {
      const old = place.childNodes[i];
      const node = old && fits(old, tree) ? old : made(tree);
      if (!old) place.appendChild(node); else if (node !== old) place.replaceChild(node, old);
      if (typeof tree === "string") {
        if (node.planted !== tree) node.nodeValue = node.planted = tree;
      } else {
        dress(node, tree[1]);
        grow(node, tree[2]);
      }
    });
    while (place.childNodes.length > trees.length) place.removeChild(place.lastChild);
  }

  /* Fill an element with one tree; with null, empty it. */
  ergoscope.plant = function (place, tree) {
    if (!place) return;
    place.classList.add("planted");
    grow(place, tree ? [tree] : []);
  };

  /* Links lead where those of Dash do: to another view, without another page. */
  document.addEventListener("click", (event) => {
    const link = event.target.closest && event.target.closest(".planted a[href^='/']");
    if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    dash_clientside.set_props("url", { pathname: link.pathname, search: link.search });
  });
})();
