/** The view of one panel of comparisons: a form, and a card for each comparison with a plot that grows. */
class ParityView extends View {
  constructor(model, root) {
    super(model, { form: {}, arms: [], running: 0 });
    this.cards = new Map(); // number → { node, summary, plots, body, tools, form, points }
    this.id = `la-${Math.random().toString(36).slice(2)}`;
    this.open(this.build(), root);
  }

  build() {
    this.list = make("div", { className: "la-cards la-run mathjax_ignore", role: "log", "aria-label": "Comparisons", "aria-live": "off" });
    this.note = make("div", { className: "la-note", role: "alert" });
    const panel = make("div", { className: "la-panel la-parity", role: "region", "aria-label": "Comparisons of models" }, this.list, this.note, this.box());
    for (const kind of ["pointerenter", "focusin"]) panel.addEventListener(kind, () => this.ask());
    return panel;
  }

  box() {
    const field = (name, label, more = {}) => (this[name] = make("input", { className: "la-input", "aria-label": label, autocomplete: "off", spellcheck: false, oninput: () => this.drawButtons(), ...more }));
    const labelled = (word, node, kind = "") => make("label", { className: `la-field ${kind}` }, make("span", {}, word), node);
    this.known = make("datalist", { id: this.id });
    this.prompts = make("textarea", { rows: 2, "aria-label": "Prompts", placeholder: "Prompts: a paragraph each. None: three short ones.", oninput: () => this.drawButtons() });
    this.go = button("send", "Compare (Ctrl+Enter)", () => this.start(), { text: false, kind: "la-round la-main" });
    this.stop = button("stop", "Stop (Ctrl+.)", () => this.send("stop"), { kind: "la-halt" });
    this.menu = make("div", { className: "la-list la-down", role: "menu", hidden: true });
    const pick = (what) => () => { this.menu.hidden = true; this.send(what); };
    this.menu.append(button("insert", "As cells below", pick("cells")), button("export", "Verdicts as JSON", pick("verdicts")), button("close", "Clear the list", pick("clear")));
    this.more = make("div", { className: "la-menu" }, button("export", "Keep", () => { this.menu.hidden = !this.menu.hidden; if (!this.menu.hidden) this.menu.firstChild.focus(); }), this.menu);
    const box = make("div", { className: "la-box" },
      make("div", { className: "la-arms" },
        labelled(make("span", { className: "la-b" }, "B"), field("b", "B, what might take its place", { placeholder: "may this…" })),
        labelled(make("span", { className: "la-a" }, "A"), field("a", "A, what is known", { placeholder: "…take the place of this?" }))),
      this.prompts,
      make("div", { className: "la-row" },
        labelled("rounds", field("rounds", "How often each prompt is put to both", { inputMode: "numeric", placeholder: "5" }), "la-short"),
        labelled("margin %", field("thresh", "By how many percent B may be slower", { inputMode: "decimal", placeholder: "3" }), "la-short"),
        make("span", { className: "la-space" }), this.more, this.stop, this.go),
      this.known);
    for (const arm of [this.a, this.b]) arm.setAttribute("list", this.id);
    return box;
  }

  // what the kernel says

  begin() {
    for (const number of [...this.cards.keys()]) this.forget(number);
  }

  take(message) {
    const { form, arms, notice, say } = message.fields;
    if (form) this.fill(form, { isGiven: true });
    if (arms) this.known.replaceChildren(...arms.map((name) => make("option", { value: name })));
    if (notice !== undefined) this.note.textContent = notice;
    if (say !== undefined) this.tell(say);
    for (const number of message.gone) this.forget(number);
    for (const card of message.cards) this.card(card);
    this.drawButtons();
  }

  forget(number) {
    this.cards.get(number)?.node.remove();
    this.cards.delete(number);
  }

  card({ n, look, stage, summary, body, form, margin, points }) {
    const card = this.cards.get(n) || this.newCard(n);
    card.node.className = `la-card la-${look}`;
    card.summary.innerHTML = summary; // made by the kernel's renderer, as all HTML here: escaped
    if (body !== undefined) card.body.innerHTML = body;
    if (form) card.form = form;
    if (card.stage !== stage) {
      card.stage = stage;
      card.tools.replaceChildren(...this.tools(n, card));
    }
    if (stage === "ended") card.plots.replaceChildren();
    else if (points?.length) {
      card.points.push(...points);
      card.margin = margin;
      this.plotSoon(card);
    }
  }

  newCard(n) {
    const card = { summary: make("summary", {}), plots: make("div", { className: "la-growing" }), body: make("div", { className: "la-outs" }), tools: make("div", { className: "la-row la-tools" }), points: [] };
    card.node = make("details", { open: true }, card.summary, make("div", { className: "la-body" }, card.plots, card.body), card.tools);
    this.list.append(card.node);
    this.cards.set(n, card);
    return card;
  }

  tools(n, card) {
    if (card.stage === "drawing") return [];
    if (card.stage !== "ended") return [button("stop", card.stage === "waiting" ? "Take back" : "Stop", () => this.send("stop", { n }), { kind: "la-halt" })];
    return [
      button("edit", "Edit", () => { this.fill(card.form); this.b.focus(); }),
      button("retry", "Compare again", () => this.send("start", card.form)),
      button("close", "Remove", () => this.send("forget", { n })),
    ];
  }

  /** Draw at most five times a second: drawing takes from what is measured. */
  plotSoon(card) {
    card.timer ||= setTimeout(() => {
      card.timer = 0;
      if (card.stage !== "ended") this.plot(card);
    }, 200);
  }

  plot(card) {
    const figures = new Map();
    for (const [name, change, control] of card.points) figures.set(name, [...(figures.get(name) || []), [change, control]]);
    card.plots.replaceChildren(...[...figures].map(([name, pairs]) => make("figure", {}, make("figcaption", {}, name), pairsPlot(name, pairs, card.margin))));
  }

  drawButtons() {
    this.list.hidden = !this.cards.size;
    this.more.hidden = !this.cards.size;
    this.stop.hidden = !this.fields.running;
    this.go.disabled = !this.a.value.trim() || !this.b.value.trim();
    this.go.title = this.fields.running ? "Compare next (Ctrl+Enter)" : "Compare (Ctrl+Enter)";
  }

  // what the user does

  onKey(event) {
    if (event.key === "." && (event.ctrlKey || event.metaKey)) this.send("stop");
    else if (event.key === "Enter" && (event.shiftKey || event.ctrlKey || event.metaKey)) this.start();
    else if (event.key === "Escape" && !this.menu.hidden) this.menu.hidden = true;
    else if (event.key === "Escape") event.target.blur();
    else return;
    event.preventDefault();
  }

  get form() {
    return Object.fromEntries(["a", "b", "prompts", "rounds", "thresh"].map((name) => [name, this[name].value]));
  }

  /** Fill the form; what the user has typed meanwhile is kept where it is only *given*. */
  fill(form, { isGiven = false } = {}) {
    for (const [name, value] of Object.entries(form)) if (!isGiven || !this[name].value) this[name].value = value;
    this.drawButtons();
  }

  start() {
    if (!this.go.disabled) this.send("start", this.form);
  }

  /** Cells change what may be compared: ask when somebody looks. */
  ask() {
    if (Date.now() - (this.asked || 0) < 2000 || this.fields.running) return;
    this.asked = Date.now();
    this.send("look");
  }
}

const WIDE = 320;
const HIGH = 150;
const MOST_DRAWN = 500;

/** The change of each pair in percent, over the band of the margin; A again as rings. */
function pairsPlot(name, pairs, margin) {
  const step = Math.ceil(pairs.length / MOST_DRAWN);
  const shown = pairs.filter((_, index) => index % step === 0);
  const sizes = shown.flat().map(Math.abs).sort((one, other) => one - other);
  const reach = Math.max(1.6 * margin, 1.15 * sizes[Math.floor(0.97 * (sizes.length - 1))]);
  const tens = 10 ** Math.floor(Math.log10(0.9 * reach));
  const tick = tens * [5, 2, 1].find((times) => times * tens <= 0.9 * reach);
  const left = 44;
  const x = (index) => left + ((index + 1) / (shown.length + 1)) * (WIDE - left - 4);
  const y = (value) => HIGH / 2 - (Math.max(-reach, Math.min(reach, value)) / reach) * (HIGH / 2 - 8);
  const words = (value) => `${value > 0 ? "+" : "−"}${Number(Math.abs(value).toPrecision(1)).toLocaleString("en")} %`;
  const svg = (tag, attributes, text = "") => {
    const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    node.textContent = text;
    return node;
  };
  const beyond = pairs.filter(([change]) => change > margin).length;
  const plot = svg("svg", { viewBox: `0 0 ${WIDE} ${HIGH}`, role: "img", "aria-label": `${name}: ${pairs.length} pairs so far, ${beyond} beyond the margin of ${margin} %` });
  plot.append(
    svg("rect", { class: "la-band", x: left, width: WIDE - left - 4, y: y(margin), height: y(-margin) - y(margin) }),
    svg("line", { class: "la-edge", x1: left, x2: WIDE - 4, y1: y(margin), y2: y(margin) }),
    svg("line", { class: "la-zero", x1: left, x2: WIDE - 4, y1: y(0), y2: y(0) }),
    ...[tick, 0, -tick].map((value) => svg("text", { x: left - 5, y: y(value) + 3.5, "text-anchor": "end" }, value ? words(value) : "0")),
    ...shown.map(([, control], index) => svg("circle", { class: "la-again", cx: x(index).toFixed(1), cy: y(control).toFixed(1), r: 2.4 })),
    ...shown.map(([change], index) => svg("circle", { class: "la-change", cx: x(index).toFixed(1), cy: y(change).toFixed(1), r: 3 })),
  );
  return plot;
}

export default {
  render({ model, el }) {
    const view = new ParityView(model, el);
    return () => view.close();
  },
};
