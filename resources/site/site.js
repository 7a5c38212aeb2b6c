/* Tables that sort and filter. Without it they are plain tables. */
"use strict";

(function () {
  const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

  function valueOf(row, column, numeric) {
    const cell = row.cells[column];
    if (numeric) return cell.dataset.value === undefined ? NaN : Number(cell.dataset.value);
    return cell.textContent.trim();
  }

  function sort(table, column) {
    const heads = table.tHead.rows[0].cells;
    const head = heads[column];
    const up = head.getAttribute("aria-sort") !== "ascending";
    const numeric = head.dataset.kind === "number";
    for (const other of heads) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    const body = table.tBodies[0];
    const keyed = Array.from(body.rows, (row) => [valueOf(row, column, numeric), row]);
    keyed.sort(([a], [b]) => {
      // Empty cells come last, whichever way.
      const gapA = numeric ? Number.isNaN(a) : a === "";
      const gapB = numeric ? Number.isNaN(b) : b === "";
      if (gapA || gapB) return gapA - gapB;
      const order = numeric ? a - b : collator.compare(a, b);
      return up ? order : -order;
    });
    body.append(...keyed.map(([, row]) => row));
  }

  function sortable(table) {
    Array.from(table.tHead.rows[0].cells).forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      button.addEventListener("click", () => sort(table, column));
      head.append(button);
    });
  }

  function filterable(tools) {
    const table = document.getElementById(tools.dataset.for);
    const rows = Array.from(table.tBodies[0].rows);
    const choices = Array.from(tools.querySelectorAll("select[data-filter]"));
    if (rows.length < 6 && !choices.length) return;
    const label = document.createElement("label");
    const input = document.createElement("input");
    const count = document.createElement("span");
    label.textContent = "Filter";
    label.htmlFor = input.id = `${table.id}-filter`;
    input.type = "search";
    input.placeholder = "words in any column";
    count.className = "size";
    count.setAttribute("role", "status");
    tools.append(label, input, count);
    const texts = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));
    function apply() {
      const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      for (const row of rows) {
        const fits =
          words.every((word) => texts.get(row).includes(word)) &&
          choices.every((choice) => !choice.value || row.dataset[choice.dataset.filter] === choice.value);
        row.hidden = !fits;
        shown += fits;
      }
      count.textContent = shown === rows.length ? `${shown} ${tools.dataset.things}` : `${shown} of ${rows.length} ${tools.dataset.things}`;
    }
    input.addEventListener("input", apply);
    for (const choice of choices) choice.addEventListener("change", apply);
    apply();
  }

  // On a narrow page the list of figures would stand before the first one.
  const contents = document.querySelector(".contents details");
  if (contents && window.matchMedia("(max-width: 62rem)").matches) contents.open = false;

  document.querySelectorAll("table[data-sortable]").forEach(sortable);
  document.querySelectorAll(".tools").forEach(filterable);
})();
