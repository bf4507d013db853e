/** The view of one panel of executions: it draws what the kernel sends, and sends what is clicked and typed. */
class ExecView extends View {
  constructor(model, root) {
    super(model, { contexts: [], languages: [], target: {}, variables: null });
    this.cards = new Map(); // number → { node, summary, code, outs, blocks, source }
    this.past = 0;
    this.open(this.build(), root);
  }

  build() {
    this.list = make("div", { className: "la-cards la-run mathjax_ignore", role: "log", "aria-label": "Executions", "aria-live": "off" });
    this.note = make("div", { className: "la-note", role: "alert" });
    this.aside = make("details", { className: "la-vars", hidden: true, open: true },
      make("summary", {}, "Variables ", (this.count = make("span", { className: "la-count" }))), (this.table = make("table", {})));
    const panel = make("div", { className: "la-panel la-exec", role: "region", "aria-label": "Code in sidecar kernels" }, this.bar(),
      make("div", { className: "la-split" }, make("div", { className: "la-main-side" }, this.list, this.note, this.box()), this.aside));
    for (const kind of ["pointerenter", "focusin"]) panel.addEventListener(kind, () => this.ask());
    return panel;
  }

  bar() {
    this.context = make("select", { "aria-label": "Context", onchange: () => this.onContext() });
    this.lamp = make("span", { className: "la-lamp", "aria-hidden": "true" });
    this.interrupt = button("stop", "Interrupt (Ctrl+.)", () => this.send("interrupt"), { kind: "la-halt" });
    this.restart = button("retry", "Restart", () => this.confirm("restart", "Restart and lose its variables?"));
    this.shut = button("close", "Close context", () => this.confirm("close", "Close it and lose its variables?"));
    this.menu = make("div", { className: "la-list la-down", role: "menu", hidden: true });
    const pick = (what) => () => { this.menu.hidden = true; this.send(what); };
    this.menu.append(button("insert", "As cells below", pick("cells")), button("export", "As a notebook", pick("notebook")), button("close", "Clear the list", pick("clear")));
    const more = make("div", { className: "la-menu" }, button("export", "Keep", () => { this.menu.hidden = !this.menu.hidden; if (!this.menu.hidden) this.menu.firstChild.focus(); }), this.menu);
    return make("div", { className: "la-row la-bar", role: "toolbar", "aria-label": "The context" },
      this.lamp, this.context, this.interrupt, this.restart, this.shut, make("span", { className: "la-space" }), more);
  }

  box() {
    this.input = make("textarea", {
      rows: 1, spellcheck: false, placeholder: "Code to run", "aria-label": "Code to run",
      autocapitalize: "off", autocomplete: "off", oninput: () => this.drawButtons(),
    });
    this.language = make("select", { "aria-label": "Language", onchange: () => this.send("language", { name: this.language.value }) });
    this.go = button("send", "Run (Shift+Enter)", () => this.run(), { text: false, kind: "la-round la-main" });
    return make("div", { className: "la-box" }, this.input,
      make("div", { className: "la-row" }, this.language, (this.where = make("span", { className: "la-figures" })), make("span", { className: "la-space" }), this.go));
  }

  // what the kernel says

  begin() {
    for (const number of [...this.cards.keys()]) this.forget(number);
  }

  take(message) {
    const isAtEnd = this.list.scrollHeight - this.list.scrollTop - this.list.clientHeight < 40;
    for (const number of message.gone) this.forget(number);
    for (const card of message.cards) this.card(card);
    this.draw(message.fields);
    if (isAtEnd) this.list.scrollTop = this.list.scrollHeight;
  }

  forget(number) {
    this.cards.get(number)?.node.remove();
    this.cards.delete(number);
  }

  card({ n, blocks, look, stage, summary, code, source }) {
    const card = this.cards.get(n) || this.newCard(n);
    if (summary !== undefined) {
      const isOver = stage === "ended";
      card.node.className = `la-card la-${look}`;
      card.summary.innerHTML = summary; // made by the kernel's renderer, as all HTML here: escaped, or cleaned
      card.code.innerHTML = code;
      card.source = source;
      const stop = button("stop", stage === "waiting" ? "Take back" : "Stop", () => this.send("interrupt", { n }), { kind: "la-halt" });
      card.tools.replaceChildren(...(isOver ? this.tools(n) : [stop]));
    }
    const isAtEnd = card.outs.scrollHeight - card.outs.scrollTop - card.outs.clientHeight < 40;
    for (const change of blocks) this.change(card, ...change);
    if (isAtEnd) card.outs.scrollTop = card.outs.scrollHeight;
  }

  tools(n) {
    const card = this.cards.get(n);
    return [
      button("edit", "Edit", () => this.fill(card.source)),
      button("retry", "Run again", () => this.send("run", { code: card.source })),
      button("copy", "Copy", () => copyText(card.source).then(() => this.tell("Copied."))),
      button("close", "Remove", () => this.send("forget", { n })),
    ];
  }

  newCard(n) {
    const card = { summary: make("summary", {}), code: make("pre", { className: "la-code" }), outs: make("div", { className: "la-outs" }), tools: make("div", { className: "la-row la-tools" }), blocks: new Map() };
    card.node = make("details", { open: true }, card.summary, make("div", { className: "la-body" }, card.code, card.outs), card.tools);
    this.list.append(card.node);
    this.cards.set(n, card);
    return card;
  }

  change(card, block, how, content, tail, kind) {
    if (how === "clear") {
      card.outs.replaceChildren();
      card.blocks.clear();
      return;
    }
    let place = card.blocks.get(block);
    if (!place) {
      place = how === "add" ? make("pre", { className: `la-${kind}` }, make("span"), make("span")) : make("div");
      card.blocks.set(block, place);
      card.outs.append(place);
    }
    if (how === "set") place.innerHTML = content;
    else {
      if (content) place.firstChild.insertAdjacentHTML("beforeend", content);
      place.lastChild.innerHTML = tail;
    }
  }

  draw(news) {
    const drawing = {
      contexts: () => this.drawContexts(), target: () => this.drawContexts(), languages: () => this.drawLanguages(),
      variables: () => this.drawVariables(), notice: () => { this.note.textContent = this.fields.notice; },
      say: () => this.tell(this.fields.say),
    };
    for (const name of Object.keys(news)) drawing[name]?.();
    this.drawButtons();
  }

  drawContexts() {
    const { language, context, keeps } = this.fields.target;
    const rows = this.fields.contexts.filter(([, spoken]) => spoken === language);
    const names = rows.map(([id]) => id);
    if (context && !names.includes(context)) names.unshift(context);
    const options = keeps ? [...names.map((name) => make("option", { value: name }, name)), make("option", { value: "+" }, "new context…")] : [];
    this.context.replaceChildren(...options, make("option", { value: "" }, "a fresh one each time"));
    this.context.value = context;
    const here = rows.find(([id]) => id === context);
    this.state = here ? here[2] : "";
    this.language.value = language;
    const state = context ? this.state || "opens with the first run" : "no state is kept";
    this.where.replaceChildren(make("span", {}, state));
    this.drawLanguages();
  }

  drawLanguages() {
    const known = this.fields.languages.length ? this.fields.languages : [[this.fields.target.language || "python", true, ""]];
    this.language.replaceChildren(...known.map(([name, , version]) => make("option", { value: name, title: version }, name)));
    this.language.value = this.fields.target.language;
    this.input.placeholder = `${this.fields.target.language || ""} code; Shift+Enter runs it`;
  }

  drawVariables() {
    const rows = this.fields.variables;
    this.aside.hidden = !rows?.length;
    this.root.classList.toggle("la-wide", !this.aside.hidden);
    this.count.textContent = rows?.length || "";
    this.table.replaceChildren(
      make("thead", {}, make("tr", {}, ...["name", "type", "value"].map((word) => make("th", { scope: "col" }, word)))),
      make("tbody", {}, ...(rows || []).map((row) => make("tr", {}, ...row.map((word, index) => make(index ? "td" : "th", { title: word, ...(index ? {} : { scope: "row" }) }, word))))));
  }

  drawButtons() {
    const { here = 0, target } = this.fields;
    const isBusy = here > 0 || this.state === "busy";
    this.lamp.className = `la-lamp ${isBusy ? "la-busy" : this.state === "idle" ? "la-on" : ""}`;
    this.lamp.title = isBusy ? "busy" : this.state || "not open";
    this.interrupt.hidden = !isBusy;
    this.restart.disabled = this.shut.disabled = !this.state || !target.context;
    this.go.disabled = !this.input.value.trim();
    this.list.hidden = !this.cards.size;
  }

  // what the user does

  onKey(event) {
    const isInput = event.target === this.input;
    if (event.key === "." && (event.ctrlKey || event.metaKey)) this.send("interrupt");
    else if (isInput && event.key === "Enter" && (event.shiftKey || event.ctrlKey || event.metaKey)) this.run();
    else if (event.key === "Escape") this.escape();
    else if (isInput && event.key === "Tab" && !event.shiftKey && this.isIndenting()) this.type("    ");
    else if (isInput && event.key === "Enter" && !event.isComposing) this.newLine();
    else if (isInput && event.key === "ArrowUp" && this.isOneLine()) this.recall(1);
    else if (isInput && event.key === "ArrowDown" && this.isOneLine() && this.past) this.recall(-1);
    else return;
    event.preventDefault();
  }

  escape() {
    if (!this.menu.hidden) this.menu.hidden = true;
    else this.input.blur();
  }

  isOneLine() {
    return !this.input.value.includes("\n");
  }

  /** Tab indents inside a line that has begun; in an empty field it goes on to the next control. */
  isIndenting() {
    return this.input.value.slice(0, this.input.selectionStart).includes("\n") || (this.input.value !== "" && this.input.selectionStart > 0);
  }

  type(text) {
    this.input.setRangeText(text, this.input.selectionStart, this.input.selectionEnd, "end");
    this.drawButtons();
  }

  newLine() {
    const line = this.input.value.slice(0, this.input.selectionStart).split("\n").pop();
    this.type(`\n${line.match(/^\s*/)[0]}${/[:{([]\s*$/.test(line) ? "    " : ""}`);
  }

  /** Bring back what was run before, as a shell does. */
  recall(step) {
    const sources = [...this.cards.values()].map((card) => card.source);
    this.past = Math.max(0, Math.min(sources.length, this.past + step));
    this.input.value = this.past ? sources[sources.length - this.past] : "";
    this.drawButtons();
  }

  fill(source) {
    this.input.value = source;
    this.drawButtons();
    this.input.focus();
  }

  run() {
    if (!this.input.value.trim()) return;
    this.send("run", { code: this.input.value });
    this.input.value = "";
    this.past = 0;
    this.list.hidden = false;
    this.list.scrollTop = this.list.scrollHeight;
    this.drawButtons();
  }

  onContext() {
    if (this.context.value !== "+") return this.send("context", { name: this.context.value });
    const taken = new Set(this.fields.contexts.map(([id]) => id));
    let number = 2;
    while (taken.has(`${this.fields.target.language}-${number}`)) number += 1;
    return this.send("context", { name: `${this.fields.target.language}-${number}` });
  }

  /** Ask once more before variables are lost: a second click within three seconds does it. */
  confirm(what, question) {
    const clicked = what === "restart" ? this.restart : this.shut;
    const label = clicked.querySelector("span");
    if (clicked.dataset.asked) {
      clicked.calm();
      this.send(what);
      return;
    }
    const before = label.textContent;
    const timer = setTimeout(() => clicked.calm(), 3000);
    clicked.calm = () => {
      clearTimeout(timer);
      delete clicked.dataset.asked;
      label.textContent = before;
    };
    clicked.dataset.asked = "yes";
    label.textContent = question;
    this.tell(question);
  }

  /** Cells change contexts and variables, too: ask when somebody looks. */
  ask() {
    if (Date.now() - (this.asked || 0) < 2000 || this.fields.running) return;
    this.asked = Date.now();
    this.send("look");
  }
}

export default {
  render({ model, el }) {
    const view = new ExecView(model, el);
    return () => view.close();
  },
};
