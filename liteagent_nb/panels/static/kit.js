// What panels share. No build step: it is put before a panel's own module.

/** An element with properties, attributes (`aria-…`, `data-…`, `role`, `for`) and children; text is text, never HTML. */
function make(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (/^(aria-|data-|role$|for$)/.test(name)) node.setAttribute(name, value);
    else node[name] = value;
  }
  node.append(...children);
  return node;
}

const PATHS = {
  send: "M8 13V3M3.5 7.5 8 3l4.5 4.5",
  stop: "M4.5 4.5h7v7h-7z",
  clip: "m12.5 7.5-5 5a3 3 0 0 1-4.3-4.3l5.3-5.2a2 2 0 0 1 2.9 2.8l-5.3 5.3a1 1 0 0 1-1.5-1.4l4.7-4.7",
  copy: "M6 6h7v7H6zM10 6V3H3v7h3",
  edit: "m3 13 .7-3L10.5 3.2a1.2 1.2 0 0 1 1.7 0l.6.6a1.2 1.2 0 0 1 0 1.7L6 12.3z",
  retry: "M13 8a5 5 0 1 1-1.6-3.7M13 2.5V5h-2.5",
  insert: "M3 3h10v4H3zM8 9.5v4M6 11.5h4",
  export: "M8 2.5v7M5 6.8 8 9.8l3-3M3 13h10",
  close: "m4.5 4.5 7 7m0-7-7 7",
};

/** A button with an icon; *label* is what it says, or where it shows only the icon, its name. */
function button(icon, label, onclick, { text = true, kind = "" } = {}) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("aria-hidden", "true");
  path.setAttribute("d", PATHS[icon] || "");
  svg.append(path);
  const node = make("button", { type: "button", className: `la-btn ${kind}`, onclick, title: label });
  if (icon) node.append(svg);
  if (text) node.append(make("span", {}, label));
  else node.setAttribute("aria-label", label);
  return node;
}

/** Keys typed in *node* are no shortcuts of the notebook around it. */
function keepKeys(node) {
  for (const kind of ["keydown", "keyup", "keypress"]) node.addEventListener(kind, (event) => event.stopPropagation());
}

async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = make("textarea", { value: text, className: "la-sr" });
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
}

function download(name, text) {
  const url = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
  make("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Run one of JupyterLab's commands: it listens for clicks on elements that name one, in outputs that it trusts. */
async function labCommand(place, command, args = {}) {
  const link = make("button", { hidden: true, "data-commandlinker-command": command, "data-commandlinker-args": JSON.stringify(args) });
  place.append(link);
  link.click();
  await pause(40);
  link.remove();
}

/** Insert cells below the one that *node* is in; whether the page could. */
async function insertCells(node, cells) {
  const cell = node.closest(".jp-Notebook .jp-CodeCell");
  const place = cell?.querySelector(".jp-OutputArea-output.jp-mod-trusted");
  if (!place) return false;
  cell.dispatchEvent(new MouseEvent("mousedown", { bubbles: true, button: 0 }));
  document.dispatchEvent(new MouseEvent("mouseup", { bubbles: true, button: 0 }));
  for (const [index, { kind, source }] of cells.entries()) {
    const before = document.querySelector(".jp-Notebook .jp-Cell.jp-mod-active");
    await labCommand(place, "notebook:insert-cell-below");
    const made = document.querySelector(".jp-Notebook .jp-Cell.jp-mod-active");
    if (!made || made === before) return index > 0;
    if (kind === "markdown") await labCommand(place, "notebook:change-cell-to-markdown");
    await labCommand(place, "notebook:replace-selection", { text: source });
  }
  return true;
}

/** What every view of a panel does: it asks for all there is until it comes, takes what comes in order, and sends what is done. */
class View {
  constructor(model, fields) {
    this.model = model;
    this.fields = fields;
    this.answers = { cells: (cells) => this.putCells(cells), file: ({ name, text }) => download(name, text) }; // to what was asked
    this.seq = 0;
    this.say = make("div", { className: "la-sr", role: "status", "aria-live": "polite" });
  }

  /** Put *panel* on the page and begin to listen. */
  open(panel, place) {
    this.root = panel;
    panel.append(this.say);
    keepKeys(panel);
    panel.addEventListener("keydown", (event) => this.onKey(event));
    place.append(panel);
    this.listener = (message) => this.receive(message);
    this.model.on("msg:custom", this.listener);
    this.hello();
    this.timer = setInterval(() => this.look(), 120);
  }

  close() {
    clearInterval(this.timer);
    this.model.off("msg:custom", this.listener);
  }

  send(what, more = {}) {
    this.model.send({ do: what, ...more });
  }

  /** Ask for all there is; a kernel that is busy answers later. */
  hello() {
    this.isGreeted = false;
    this.again = Date.now() + 3000;
    this.send("hello");
  }

  look() {
    if (!this.isGreeted && Date.now() > this.again) this.hello();
  }

  receive(message) {
    for (const [name, answer] of Object.entries(this.answers)) if (name in message) return answer(message[name]);
    if (!message.seq) return undefined;
    if (message.whole) {
      this.isGreeted = true;
      this.begin();
    } else if (!this.isGreeted) return undefined;
    else if (message.seq > this.seq + 1) return this.hello(); // one was lost
    this.seq = message.seq;
    Object.assign(this.fields, message.fields);
    this.take(message);
    return undefined;
  }

  tell(words) {
    this.say.textContent = words;
  }

  async putCells(cells) {
    if (!cells.length) return this.tell("There is nothing to keep yet.");
    if (await insertCells(this.root, cells)) return this.tell(`${cells.length} ${cells.length > 1 ? "cells" : "cell"} inserted below.`);
    return this.send("next", { cells });
  }
}
