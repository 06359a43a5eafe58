/* Sorts each table by a column and hides rows that the filters leave out. Without it the page is the same, unsorted. */
"use strict";

const form = document.getElementById("filters");

function value(row, column) {
  const cell = row.cells[column];
  const text = cell.dataset.value;
  const number = Number(text);
  return text !== "" && Number.isFinite(number) ? number : text.toLowerCase();
}

function sort(header) {
  const table = header.closest("table");
  const column = header.cellIndex;
  const text = header.className !== "number";
  const upward = text || header.textContent.trim() === "Rank";
  const first = upward ? "ascending" : "descending";
  const other = upward ? "descending" : "ascending";
  const order = header.ariaSort === first ? other : first;
  for (const each of table.tHead.rows[0].cells) each.removeAttribute("aria-sort");
  header.setAttribute("aria-sort", order);
  const sign = order === "ascending" ? 1 : -1;
  const rows = [...table.tBodies[0].rows];
  rows.sort((a, b) => {
    const [x, y] = [value(a, column), value(b, column)];
    return x < y ? -sign : x > y ? sign : 0;
  });
  table.tBodies[0].append(...rows);
}

function fits(row, wanted) {
  const { name, kind, licence, billions } = row.dataset;
  if (!name.toLowerCase().includes(wanted.get("name").trim().toLowerCase())) return false;
  if (wanted.get("kind") && kind !== wanted.get("kind")) return false;
  if (wanted.get("licence") && licence !== wanted.get("licence")) return false;
  if (!wanted.get("size")) return true;
  const [least, most] = wanted.get("size").split("-");
  return billions !== "" && Number(billions) >= Number(least) && (most === "" || Number(billions) < Number(most));
}

function filter() {
  const wanted = new FormData(form);
  const rows = [...document.querySelectorAll("table.board tbody tr")];
  for (const row of rows) row.hidden = !fits(row, wanted);
  const shown = rows.filter((row) => !row.hidden).length;
  document.getElementById("shown").textContent = `${shown} of ${rows.length} rows`;
}

for (const button of document.querySelectorAll("button.sort")) {
  button.addEventListener("click", () => sort(button.parentElement));
}
form.addEventListener("input", filter);
form.addEventListener("reset", () => setTimeout(filter));
form.addEventListener("submit", (event) => event.preventDefault());
filter();
