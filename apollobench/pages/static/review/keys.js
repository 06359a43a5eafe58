// One key for every button: what an element says in aria-keyshortcuts, it does when that key is pressed.
// Whoever uses a tool that needs single keys for itself can switch them off in the list of keys, which `?` opens.

const STORED = "apollobench.keys";
const dialog = makeDialog();

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented) return;
  const name = keyName(event);
  if (name === "?" && !isWriting(event.target)) return void show();
  if (dialog.open || localStorage.getItem(STORED) === "off" || isTaken(event.target, name)) return;
  const wanted = reachable().find((element) => element.getAttribute("aria-keyshortcuts") === name);
  if (!wanted) return;
  event.preventDefault();
  act(wanted);
});

function keyName(event) {
  if (event.key === " ") return "Space";
  if (event.key.length > 1) return event.key;
  return event.shiftKey && /[a-z]/i.test(event.key) ? `Shift+${event.key.toUpperCase()}` : event.key.toLowerCase();
}

function isWriting(target) {
  return target.matches("textarea, select, input:not([type=radio]):not([type=checkbox])");
}

// Keys that the element in focus needs for itself.
function isTaken(target, name) {
  if (isWriting(target)) return true;
  if (name.startsWith("Arrow")) return target.matches("input, [role=region]");
  return name === "Space" && target.matches("a, button, input, summary, video");
}

function reachable() {
  return [...document.querySelectorAll("[aria-keyshortcuts]")].filter((element) => element.checkVisibility());
}

function act(element) {
  if (element.localName !== "summary") return element.click();
  element.parentElement.open = true;
  element.parentElement.querySelector("input:not([type=hidden])").focus();
}

function show() {
  const list = dialog.querySelector("dl");
  list.replaceChildren(...reachable().flatMap((element) => [term(element), meaning(element)]));
  dialog.querySelector("input").checked = localStorage.getItem(STORED) !== "off";
  dialog.showModal();
}

function term(element) {
  const key = document.createElement("dt");
  const shown = document.createElement("kbd");
  const name = element.getAttribute("aria-keyshortcuts").replace("Arrow", "Arrow ").replace("+", " ");
  shown.textContent = name.length === 1 ? name.toUpperCase() : name;
  key.append(shown);
  return key;
}

function meaning(element) {
  const words = element.cloneNode(true);
  words.querySelectorAll("kbd").forEach((key) => key.remove());
  const told = document.createElement("dd");
  told.textContent = element.dataset.help ?? words.textContent.replace(/\s+/g, " ").trim();
  return told;
}

function makeDialog() {
  const made = document.createElement("dialog");
  made.setAttribute("aria-labelledby", "keys-title");
  const title = document.createElement("h2");
  title.id = "keys-title";
  title.textContent = "Keys on this page";
  const label = document.createElement("label");
  const box = document.createElement("input");
  box.type = "checkbox";
  box.addEventListener("change", () => localStorage.setItem(STORED, box.checked ? "on" : "off"));
  label.append(box, "single keys act");
  const form = document.createElement("form");
  form.method = "dialog";
  const close = document.createElement("button");
  close.textContent = "Close";
  close.autofocus = true;
  form.append(close);
  const list = document.createElement("dl");
  list.className = "terms";
  made.append(title, list, label, form);
  document.body.append(made);
  return made;
}
