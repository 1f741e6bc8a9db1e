"use strict";
// A page can be read without this. It sorts and filters what stands there, and opens what is to be printed.
(() => {
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const collator = new Intl.Collator("en", { numeric: true });

  // --- sorting: every heading with data-sort gets a button; the way it sorts is its aria-sort
  const keyOf = (row, column) => row.cells[column].dataset.key ?? row.cells[column].textContent.trim();
  const compare = {
    text: collator.compare,
    number: (one, other) => (parseFloat(one) || 0) - (parseFloat(other) || 0),
  };

  function sort(table, head) {
    const ascending = head.getAttribute("aria-sort") !== "ascending";
    const by = compare[head.dataset.sort], sign = ascending ? 1 : -1;
    const keyed = [...table.tBodies[0].rows].map((row) => [keyOf(row, head.cellIndex), row]);
    keyed.sort(([one], [other]) => sign * by(one, other));
    for (const other of all("th[aria-sort]", table)) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", ascending ? "ascending" : "descending");
    table.tBodies[0].append(...keyed.map(([, row]) => row));
  }

  for (const head of all("th[data-sort]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    button.addEventListener("click", () => sort(head.closest("table"), head));
    head.append(button);
  }

  // --- filtering: an item is shown when it has every word, and what is chosen
  const itemsOf = (form) => {
    const list = document.getElementById(form.dataset.list);
    return list.tBodies ? [...list.tBodies[0].rows] : all("[data-item]", list);
  };

  function filter(form) {
    form.items ??= itemsOf(form).map((item) => [item, item.textContent.toLowerCase()]);
    const words = form.querySelector("input").value.toLowerCase().split(/\s+/);
    const chosen = all("select", form).filter((select) => select.value);
    let shown = 0;
    for (const [item, text] of form.items) {
      const fits = words.every((word) => text.includes(word));
      item.hidden = !(fits && chosen.every((select) => item.dataset[select.name] === select.value));
      shown += !item.hidden;
    }
    const output = form.querySelector("output"), count = form.items.length.toLocaleString("en");
    output.textContent = `${shown.toLocaleString("en")} of ${count} ${output.dataset.what}`;
  }

  for (const form of all("form.filter")) {
    form.hidden = false;
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("input", () => filter(form));
    const output = form.querySelector("output");
    output.textContent = `${itemsOf(form).length.toLocaleString("en")} ${output.dataset.what}`;
  }

  // A link with data-search filters the list it leads to: its section has the form.
  for (const link of all("a[data-search]")) {
    link.addEventListener("click", () => {
      const form = document.querySelector(`${link.getAttribute("href")} form.filter`);
      form.reset();
      form.querySelector("input").value = link.dataset.search;
      filter(form);
    });
  }

  // --- opening
  for (const button of all("button[data-expand]")) {
    button.addEventListener("click", () => {
      const open = button.getAttribute("aria-pressed") !== "true";
      for (const details of all("details", document.getElementById(button.dataset.expand))) details.open = open;
      button.setAttribute("aria-pressed", open);
      button.textContent = open ? "Collapse all" : "Expand all";
    });
  }

  function reveal() {
    const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    if (target.matches("details")) target.open = true;
    for (let around = target; (around = around.parentElement?.closest("details")); ) around.open = true;
    target.scrollIntoView();
  }
  addEventListener("hashchange", reveal);
  reveal();

  let opened = [];
  addEventListener("beforeprint", () => {
    opened = all("details:not([open], [data-quiet])");
    for (const details of opened) details.open = true;
  });
  addEventListener("afterprint", () => {
    for (const details of opened) details.open = false;
  });
})();
