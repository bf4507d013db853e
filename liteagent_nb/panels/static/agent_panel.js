/** The view of one chat: it draws what the kernel sends, and sends what is clicked and typed. */
class ChatView extends View {
  constructor(model, root) {
    super(model, { turns: [], queue: [], asks: [], models: [], line: [], status: {}, running: 0 });
    this.lives = new Map(); // run → { node, blocks }
    this.shown = new Map(); // turns that this page does not have as outputs → their nodes
    this.waiting = new Map(); // turns that ended, whose outputs have not come yet → since when
    this.pictures = [];
    this.names = [];
    this.editing = 0;
    Object.assign(this.answers, {
      copy: (text) => copyText(text).then(() => this.tell("Copied.")), edit: (turn) => this.edit(turn),
      names: (names) => this.drawAttach(names), turn: (turn) => this.drawOld(turn),
    });
    this.open(this.build(), root);
    this.onWheel = () => { this.isFollowing = false; };
    for (const kind of ["wheel", "touchmove"]) document.addEventListener(kind, this.onWheel, { passive: true });
  }

  close() {
    super.close();
    for (const kind of ["wheel", "touchmove"]) document.removeEventListener(kind, this.onWheel);
  }

  build() {
    this.olds = make("div", { className: "la-olds" });
    this.live = make("div", { className: "la-lives" });
    this.state = make("div", { className: "la-state" });
    this.note = make("div", { className: "la-note", role: "alert" });
    this.queue = make("ul", { className: "la-queue", "aria-label": "Questions that wait" });
    this.figures = make("div", { className: "la-figures", "aria-label": "Tokens, money and time so far" });
    this.menu = make("div", { className: "la-list", role: "group", hidden: true });
    return make("div", { className: "la-panel la-chat", role: "region", "aria-label": "Chat with an agent" },
      this.olds, this.live, this.state, this.note, this.bar(), this.menu, this.queue, this.box(), this.figures);
  }

  /** What can be done with a turn; the last one, unless another is picked. */
  bar() {
    this.pick = make("select", { "aria-label": "The question that these buttons are about", onchange: () => this.drawBar() });
    this.insert = button("insert", "Insert code", () => this.send("code", { n: this.picked }));
    this.actions = make("div", { className: "la-bar la-row", role: "toolbar", "aria-label": "About a question", hidden: true },
      this.pick,
      button("copy", "Copy", () => this.send("copy", { n: this.picked })),
      button("edit", "Edit", () => this.send("edit", { n: this.picked })),
      button("retry", "Ask again", () => this.send("retry", { n: this.picked, model: this.chosen.value })),
      this.insert, button("export", "Export", () => this.openExport()));
    return this.actions;
  }

  box() {
    this.input = make("textarea", {
      rows: 1, placeholder: "Ask, or give a task. $name tells of a variable.", "aria-label": "Your question",
      oninput: () => this.drawButtons(), onpaste: (event) => this.addDropped(event.clipboardData, event),
    });
    this.chips = make("div", { className: "la-chips" });
    this.file = make("input", { type: "file", accept: "image/*", multiple: true, hidden: true, onchange: () => this.addFiles(this.file.files) });
    this.chosen = make("select", { "aria-label": "Model", onchange: () => this.onModel() });
    this.other = make("input", { className: "la-input", hidden: true, placeholder: "provider/model", "aria-label": "Name of another model", onchange: () => this.onOther() });
    this.stop = button("stop", "Stop (Ctrl+.)", () => this.send("stop"), { text: false, kind: "la-round la-halt" });
    this.go = button("send", "Send (Enter)", () => this.ask(), { text: false, kind: "la-round la-main" });
    const attach = button("clip", "Attach", () => this.openAttach(), { text: false });
    const node = make("div", { className: "la-box" }, this.chips, this.input,
      make("div", { className: "la-row" }, attach, this.chosen, this.other, make("span", { className: "la-space" }), this.file, this.stop, this.go));
    node.addEventListener("dragover", (event) => { event.preventDefault(); event.stopPropagation(); node.classList.add("la-drop"); });
    node.addEventListener("dragleave", () => node.classList.remove("la-drop"));
    node.addEventListener("drop", (event) => { node.classList.remove("la-drop"); event.stopPropagation(); this.addDropped(event.dataTransfer, event); });
    return node;
  }

  // what the kernel says

  begin() {
    for (const live of this.lives.values()) live.node.remove();
    this.lives.clear();
    this.waiting.clear();
  }

  take(message) {
    for (const change of message.blocks || []) this.change(...change);
    this.draw(message.fields || {});
    this.follow();
  }

  /** Keep the end of the chat in sight after a question, until the reader turns the wheel. */
  follow() {
    if (this.isFollowing && Date.now() < this.until) this.root.scrollIntoView({ block: "nearest" });
    if (this.fields.running) this.until = Date.now() + 2000;
  }

  change(run, block, how, content) {
    const { node, blocks } = this.liveOf(run);
    let place = blocks.get(block);
    if (!place) {
      place = make("div");
      blocks.set(block, place);
      node.append(place);
    }
    if (how === "add") this.write(place, content);
    else place.innerHTML = content; // made by the kernel's renderer: escaped, or cleaned Markdown
  }

  liveOf(run) {
    if (!this.lives.has(run)) {
      const node = make("div", { className: "la-run la-live la-on mathjax_ignore" });
      this.live.append(node);
      this.lives.set(run, { node, blocks: new Map() });
    }
    return this.lives.get(run);
  }

  /** Add text in paragraphs of their own, long ones in parts: a browser lays out only the one that grows. */
  write(place, text) {
    text.split("\n\n").forEach((piece, index) => {
      const last = index ? null : place.lastElementChild?.firstChild;
      if (last && last.length < 8000) return last.appendData(piece);
      const node = make("pre", { className: last ? "la-live-text la-more-text" : "la-live-text" });
      node.append(document.createTextNode(piece));
      return place.append(node);
    });
  }

  draw(news) {
    const drawing = {
      status: () => this.drawState(), notice: () => { this.note.textContent = this.fields.notice; },
      queue: () => this.drawQueue(), turns: () => this.drawTurns(), asks: () => this.drawAsks(), running: () => this.drawButtons(),
      models: () => this.drawModels(), model: () => this.drawModels(), line: () => this.drawFigures(),
      say: () => this.tell(this.fields.say), dropped: () => this.takeBack(this.fields.dropped),
    };
    for (const name of Object.keys(news)) drawing[name]?.();
    for (const [run, { node }] of this.lives) node.classList.toggle("la-on", run === this.fields.running);
  }

  drawState() {
    const { text, thought, for_s: since } = this.fields.status;
    this.state.replaceChildren();
    if (!text && !thought) return;
    const clock = make("span", { className: "la-clock" });
    clock.style.animationDelay = `-${since || 0}s`;
    this.state.append(make("span", { className: "la-spin" }), make("span", {}, `${text || "thinking"}… `), clock);
    if (thought) this.state.append(make("i", {}, `\u200e${thought}`));
  }

  drawQueue() {
    this.queue.replaceChildren(...this.fields.queue.map((label, place) =>
      make("li", {}, make("span", {}, label), button("close", `Take back: ${label}`, () => this.send("drop", { place }), { text: false }))));
  }

  drawTurns() {
    const turns = this.fields.turns;
    for (const { n } of turns) {
      const isSettled = this.shown.has(n) || (this.isOutput(n) && !this.lives.has(n));
      if (!isSettled && !this.waiting.has(n)) this.waiting.set(n, Date.now());
    }
    const kept = this.pick.value;
    const open = turns.filter((turn) => !turn.replaced);
    this.pick.replaceChildren(...open.map(({ n, label }) => make("option", { value: n }, label)));
    const isNew = open.length && this.last !== open.at(-1).n;
    this.last = open.at(-1)?.n;
    if (open.length) this.pick.value = isNew || !kept ? this.last : kept;
    this.drawBar();
    this.look();
  }

  drawBar() {
    const turn = this.fields.turns.find(({ n }) => n === this.picked);
    this.actions.hidden = !turn;
    this.pick.hidden = this.pick.options.length < 2;
    this.insert.disabled = !turn?.codes;
  }

  get picked() {
    return Number(this.pick.value);
  }

  /** The output that shows turn *n*, where this page has it. */
  isOutput(n) {
    const area = this.root.closest(".jp-OutputArea, .output_area, .cell-output") || document;
    return [...area.querySelectorAll(`.la-turn-${n}`)].some((node) => !this.root.contains(node));
  }

  /** Let a live run go when its output is there; where none comes, the turn is drawn here. */
  look() {
    super.look();
    for (const [n, since] of this.waiting) {
      if (this.isOutput(n)) this.settle(n);
      else if (Date.now() - since > 1500) {
        this.waiting.set(n, Infinity);
        this.send("turn", { n });
      }
    }
    for (const [n, node] of this.shown) {
      if (this.isOutput(n)) {
        node.remove();
        this.shown.delete(n);
      }
    }
    this.follow();
  }

  settle(n) {
    this.waiting.delete(n);
    this.lives.get(n)?.node.remove();
    this.lives.delete(n);
  }

  drawOld({ n, html }) {
    this.settle(n);
    if (this.isOutput(n)) return;
    const node = this.shown.get(n) || make("div", { className: "la-run mathjax_ignore", "data-turn": n });
    node.innerHTML = html; // as above
    this.shown.set(n, node);
    const after = [...this.olds.children].find((other) => Number(other.dataset.turn) > n);
    this.olds.insertBefore(node, after || null);
  }

  drawAsks() {
    for (const row of this.live.querySelectorAll(".la-asking-row")) row.remove();
    for (const [number, card, name] of this.fields.asks) {
      const place = this.liveOf(this.fields.running).blocks.get(card);
      const decide = (verdict) => () => { this.send("decide", { number, verdict }); this.input.focus(); };
      place?.append(make("div", { className: "la-asking-row", role: "group", "aria-label": `May ${name} run?` },
        button("", "Allow", decide("yes"), { kind: "la-yes" }),
        button("", "Deny", decide("no"), { kind: "la-no" }),
        button("", `Always allow ${name}`, decide("always"), { kind: "la-line" })));
    }
  }

  drawModels() {
    const groups = this.fields.models.map(([title, rows]) => {
      const group = make("optgroup", { label: title });
      group.append(...rows.map(([name, about]) => make("option", { value: name, title: about }, about ? `${name} · ${about}` : name)));
      return group;
    });
    this.chosen.replaceChildren(...groups, make("option", { value: "" }, "another…"));
    this.chosen.value = this.fields.model || "";
    this.chosen.title = this.chosen.selectedOptions[0]?.textContent || "";
  }

  drawFigures() {
    this.figures.replaceChildren(...this.fields.line.map((figure) => make("span", {}, figure)));
  }

  drawButtons() {
    const isRunning = this.fields.running > 0;
    this.stop.hidden = !isRunning;
    this.go.disabled = !this.input.value.trim() && !this.pictures.length && !this.names.length;
    this.go.title = isRunning ? "Ask next (Enter)" : this.editing ? "Ask again (Enter)" : "Send (Enter)";
  }

  // what the user does

  onKey(event) {
    if (event.key === "." && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      this.send("stop");
    } else if (event.key === "Escape") {
      this.escape();
    } else if (event.target === this.input && event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      this.ask();
    } else if (event.target === this.input && event.key === "ArrowUp" && !this.input.value && this.last) {
      event.preventDefault();
      this.send("edit", { n: this.last });
    }
  }

  escape() {
    if (!this.menu.hidden) this.menu.hidden = true;
    else if (this.editing) {
      this.editing = 0;
      this.input.value = "";
      this.note.textContent = "";
    } else return this.input.blur();
    this.drawButtons();
    return this.input.focus();
  }

  ask() {
    if (this.go.disabled) return;
    const { names, pictures, editing: replaces } = this;
    this.isFollowing = true;
    this.asked = { text: this.input.value, names, pictures };
    this.send("ask", { text: this.input.value, names, pictures, replaces, model: this.chosen.value });
    this.input.value = "";
    this.names = [];
    this.pictures = [];
    if (replaces) this.note.textContent = "";
    this.editing = 0;
    this.drawChips();
  }

  /** A question that could not be run is there to be mended. */
  takeBack(run) {
    this.lives.get(run)?.node.remove();
    this.lives.delete(run);
    if (!this.asked || this.input.value) return;
    this.input.value = this.asked.text;
    this.names = this.asked.names;
    this.pictures = this.asked.pictures;
    this.drawChips();
  }

  edit({ n, text }) {
    this.editing = n;
    this.input.value = text;
    this.note.textContent = "Sending it goes on from there; what came after is folded away. Esc leaves it as it was.";
    this.input.focus();
    this.drawButtons();
  }

  onModel() {
    this.other.hidden = this.chosen.value !== "";
    if (this.chosen.value) this.send("model", { name: this.chosen.value });
    else this.other.focus();
  }

  onOther() {
    if (!this.other.value.trim()) return;
    this.send("model", { name: this.other.value.trim() });
    this.other.hidden = true;
    this.other.value = "";
  }

  /** Open the menu of that name, or close it where it is open; whether it is open now. */
  openMenu(name) {
    this.menu.hidden = !this.menu.hidden && this.menu.getAttribute("aria-label") === name;
    this.menu.setAttribute("aria-label", name);
    return !this.menu.hidden;
  }

  fillMenu(...rows) {
    this.menu.replaceChildren(...rows);
    this.menu.firstChild.focus();
  }

  openExport() {
    const pick = (what) => () => { this.menu.hidden = true; this.send(what); };
    if (!this.openMenu("Export")) return;
    this.fillMenu(button("", "As Markdown", pick("markdown")), button("", "As a notebook", pick("notebook")), button("", "As cells below", pick("cells")));
  }

  openAttach() {
    if (!this.openMenu("Attach")) return;
    this.menu.replaceChildren(make("div", { className: "la-none" }, "asking the kernel…"));
    this.send("names");
  }

  drawAttach(names) {
    const pick = (name) => () => { this.menu.hidden = true; if (!this.names.includes(name)) this.names.push(name); this.drawChips(); this.input.focus(); };
    const rows = names.map(([name, about]) => {
      const row = button("", name, pick(name));
      row.append(make("small", {}, about));
      return row;
    });
    const file = button("clip", "A picture from this computer", () => { this.menu.hidden = true; this.file.click(); });
    this.fillMenu(file, ...rows);
  }

  addDropped(transfer, event) {
    const files = [...(transfer?.files || [])].filter((file) => file.type.startsWith("image/"));
    if (!files.length) return;
    event.preventDefault();
    this.addFiles(files);
  }

  addFiles(files) {
    for (const file of files) {
      const reader = new FileReader();
      reader.onload = () => { this.pictures.push(reader.result); this.drawChips(); };
      reader.readAsDataURL(file);
    }
  }

  drawChips() {
    const chip = (list, index, ...shown) => make("span", { className: "la-chip" }, ...shown,
      button("close", "Leave it out", () => { list.splice(index, 1); this.drawChips(); }, { text: false }));
    this.chips.replaceChildren(
      ...this.names.map((name, index) => chip(this.names, index, `$${name}`)),
      ...this.pictures.map((url, index) => chip(this.pictures, index, make("img", { src: url, alt: "a picture that goes with the question" }))));
    this.drawButtons();
  }
}

export default {
  render({ model, el }) {
    const view = new ChatView(model, el);
    return () => view.close();
  },
};
