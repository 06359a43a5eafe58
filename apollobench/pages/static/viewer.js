// The list of a static report: reads the rows chunk by chunk, then finds, sorts and pages them as the server of
// `apollobench view` does (apollobench/viewer/index.py). On pages with items it hides the models that were not asked for.

"use strict";

const form = document.querySelector("form.filters");

// ---- pages with items in full: ?a=0&b=2 shows two models side by side

function showOnly(params) {
  const chosen = ["a", "b"].map((name) => params.get(name)).filter((value) => value !== null);
  const note = document.getElementById("only");
  if (!note || !chosen.length) return;
  const names = new Map();
  for (const answer of document.querySelectorAll(".answer")) {
    answer.hidden = !chosen.includes(answer.dataset.model);
    if (!answer.hidden) names.set(answer.dataset.model, answer.firstElementChild.textContent);
  }
  if (![...document.querySelectorAll(".answer")].some((answer) => answer.hidden)) return;
  const all = document.createElement("a");
  all.href = location.pathname + location.hash;
  all.textContent = "Show all models";
  note.append(`Only ${[...names.values()].join(" and ")}. `, all);
  note.hidden = false;
}

// ---- the list

const NOT_ASKED = "-.";
const SHOWS = {
  all: () => true,
  wrong: (key, cells) => [...cells].some((cell) => cell === "x" || (cell >= "A" && cell <= "J" && cell !== key)),
  unparsed: (key, cells) => cells.includes("?"),
  error: (key, cells) => cells.includes("!"),
  disagree: (key, cells) => new Set([...cells].filter((cell) => !NOT_ASKED.includes(cell))).size > 1,
};
const SORTS = {
  order: () => 0,
  hardest: (right, answers) => (answers ? right / answers : 2),
  split: (right, answers) => (answers ? Math.abs(right / answers - 0.5) : 2),
};
const LETTERED = 4;

function votes(key, cells) {
  let right = 0, answers = 0;
  for (const cell of cells) {
    if (cell === key) right += 1;
    if (!"!-.".includes(cell)) answers += 1;
  }
  return [right, answers];
}

function element(name, className, ...children) {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(...children);
  return made;
}

class List {
  constructor(about) {
    this.about = about;
    this.rows = [];
    this.read = 0;
  }

  // Chunks arrive in order: each is asked for when the one before it is there.
  load() {
    window.apollobenchRows = (chunk, rows) => {
      for (const row of rows) {
        const [id, question, category, kept, key, ...cells] = row;
        this.rows.push({
          number: this.rows.length, id, question, category: this.about.categories[category], kept, key, cells,
          searched: `${id}\n${question}`.toLowerCase(),
        });
      }
      this.read = chunk + 1;
      this.render();
      this.next();
    };
    this.next();
  }

  next() {
    if (this.read >= this.about.chunks) return;
    const script = document.createElement("script");
    script.src = `index/${String(this.read).padStart(4, "0")}.js`;
    script.onerror = () => { document.getElementById("count").textContent = `${script.src} cannot be read`; };
    document.head.append(script);
  }

  get params() {
    return new URLSearchParams(location.hash.slice(1));
  }

  get models() {
    return ["a", "b"].map((name) => this.params.get(name)).filter((value) => value);
  }

  of(cells) {
    const models = this.models;
    return models.length ? [...new Set(models)].map((model) => cells[Number(model)]).join("") : cells;
  }

  find() {
    const params = this.params;
    const shows = SHOWS[params.get("show") || "all"] || SHOWS.all, sorts = SORTS[params.get("sort") || "order"] || SORTS.order;
    const mode = this.about.modes.indexOf(params.get("mode")), category = params.get("category"), part = params.get("part");
    const text = (params.get("q") || "").trim().toLowerCase();
    const found = [];
    for (const row of this.rows) {
      if (category && row.category !== category) continue;
      if ((part === "in" && !row.kept) || (part === "out" && row.kept)) continue;
      if (text && !row.searched.includes(text)) continue;
      const cells = (mode < 0 ? row.cells : [row.cells[mode]]).map((some) => this.of(some));
      if (!cells.some((some) => shows(row.key, some))) continue;
      found.push([sorts(...votes(row.key, cells.join(""))), row]);
    }
    return found.sort((one, other) => one[0] - other[0]).map((pair) => pair[1]);
  }

  render() {
    const found = this.find(), perPage = this.about.perPage;
    const pages = Math.max(1, Math.ceil(found.length / perPage));
    const page = Math.min(Math.max(1, Number(this.params.get("page")) || 1), pages);
    const reading = this.read < this.about.chunks ? `, reading ${this.rows.length} of ${this.about.items}` : "";
    document.getElementById("count").textContent =
      `${found.length.toLocaleString("en")} item${found.length === 1 ? "" : "s"}${reading}`;
    const items = found.slice((page - 1) * perPage, page * perPage).map((row) => this.item(row));
    const names = this.models.length ? this.models.map((model) => this.about.models[model]) : this.about.models;
    const order = document.getElementById("order");
    order.hidden = names.length > LETTERED;
    order.textContent = `Answers in this order: ${[...new Set(names)].join(", ")}.`;
    document.getElementById("items").replaceChildren(...items);
    document.getElementById("pager").replaceChildren(...this.pager(page, pages));
  }

  item(row) {
    const link = element("a", "", row.question);
    const only = new URLSearchParams([...this.params].filter(([name]) => name === "a" || name === "b")).toString();
    const file = String(Math.floor(row.number / this.about.perFile)).padStart(4, "0");
    link.href = `items/${file}.html${only ? `?${only}` : ""}#i${row.number}`;
    const about = element("div", "about", element("span", "mono", row.id));
    if (row.category) about.append(" ", element("span", "tag", row.category));
    if (!row.kept) about.append(" ", element("span", "tag", "left out"));
    about.append(" ", element("span", "", `key ${row.key}`));
    const modes = this.about.modes.map((mode, place) => this.vote(mode, row.key, this.of(row.cells[place])));
    return element("li", "", link, about, element("div", "votes", ...modes));
  }

  vote(mode, key, cells) {
    const shown = element("div", "vote", element("span", "mode", mode));
    if (cells.length <= LETTERED) {
      for (const cell of cells) {
        const grade = cell === key ? "good" : "!-.?".includes(cell) ? "warn" : "bad";
        shown.append(element("span", `cell ${grade}`, cell === key ? `${cell} ✓` : cell));
      }
      return shown;
    }
    const [right, answers] = votes(key, cells);
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    const rect = document.createElementNS("http://www.w3.org/2000/svg", "rect");
    for (const [name, value] of [["class", "bar"], ["width", 60], ["height", 8], ["aria-hidden", "true"]]) {
      svg.setAttribute(name, value);
    }
    rect.setAttribute("width", answers ? (60 * right) / answers : 0);
    rect.setAttribute("height", 8);
    svg.append(rect);
    shown.append(element("span", "", `${right} of ${answers}`), svg);
    return shown;
  }

  pager(page, pages) {
    const step = (to, rel, text) => {
      const params = this.params, link = element("a", "button", text);
      params.set("page", to);
      link.href = `#${params}`;
      link.rel = rel;
      return link;
    };
    const shown = [element("span", "", `page ${page} of ${pages}`)];
    if (page > 1) shown.unshift(step(page - 1, "prev", "Previous"));
    if (page < pages) shown.push(step(page + 1, "next", "Next"));
    return shown;
  }

  // The address holds the query, so that the browser's way back and bookmarks work.
  follow() {
    const set = () => {
      for (const field of form.elements) if (field.name) field.value = this.params.get(field.name) || field.options?.[0].value || "";
      this.render();
    };
    window.addEventListener("hashchange", () => { set(); window.scrollTo(0, 0); });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      location.hash = new URLSearchParams([...new FormData(form)].filter(([, value]) => value)).toString();
    });
    document.querySelector(".reset").addEventListener("click", (event) => { event.preventDefault(); location.hash = ""; });
    set();
  }
}

if (form) {
  form.addEventListener("change", (event) => { if (event.target.matches("select")) form.requestSubmit(); });
  if (form.dataset.about) {
    const list = new List(JSON.parse(form.dataset.about));
    list.follow();
    list.load();
  }
} else {
  showOnly(new URLSearchParams(location.search));
}
