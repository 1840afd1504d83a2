// The collection designer, around its table of fields. Python holds the collection and its rules: here it is only drawn,
// and what is done is asked for.

const TABS = [["fields", "Fields"], ["avro", "Avro"], ["arrow", "Arrow"], ["pandas", "pandas"], ["sample", "Sample"],
  ["compare", "Compare"], ["code", "Python"]];
const KEYS = [["Tab", "from control to control"], ["Up, Down", "the same column of the row above or below"],
  ["Enter in a name", "the next field; behind the last, a new one"], ["Alt+Enter", "a new field below"],
  ["Alt+Up, Alt+Down", "move the field"], ["Ctrl+Z, Ctrl+Shift+Z", "undo and redo, but in a text that is being typed"],
  ["Escape", "close a form; do not delete after all"]];
const MOST_PROBLEMS = 50; // in the summary

const goTo = ({ send, local, redraw }, path, key) => {
  local.goal = `${path}:${key}`;
  local.folded.clear();
  if (path !== "head" && local.state.tab !== "fields") send("tab", { tab: "fields" });
  redraw();
};

const open = ({ local, redraw, root }, form, back) => {
  local.form = form;
  redraw();
  focusOn(root, form ? { paste: "paste:text", infer: "infer:path" }[form] : back);
};

// ---- the other tabs ----

const typed = ({ send, local }, text) => {
  clearTimeout(local.typing);
  local.typing = null;
  if (local.state.pane?.text !== text) send("text", { text });
};

const avro = (pane, view) => {
  const { local, id } = view;
  const show = ({ line, column }) => {
    const area = view.root.querySelector('[data-k="avro"]');
    const lines = area.value.split("\n");
    const at = lines.slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0) + (column || 1) - 1;
    area.focus();
    area.setSelectionRange(at, at + 1);
  };
  return [
    h("textarea", { k: "avro", "aria-label": "Avro schema as JSON", value: pane.text, rows: 22, spellcheck: "false",
      autocomplete: "off", class: "inb-input inb-text", "aria-describedby": id("avro"),
      "aria-invalid": pane.problems.length ? "true" : undefined,
      oninput: (event) => {
        const { value } = event.target;
        clearTimeout(local.typing);
        local.typing = setTimeout(() => typed(view, value), 400);
      },
      onchange: (event) => typed(view, event.target.value) }),
    h("div", { id: id("avro"), class: "inb-hint" }, pane.problems.length
      ? pane.problems.map((problem) => h("div", { class: "inb-problem" }, h("strong", {}, "Error: "), problem.message, " ",
        problem.line && button(`Line ${problem.line}, column ${problem.column}`, { quiet: true, onclick: () => show(problem) })))
      : "What is typed or pasted here is in the table at once. What the table cannot show is kept as it is written."),
  ];
};

const compare = (pane, view) => [
  field("Compare with", select({ k: "compare", value: pane.with ?? "", onchange: (collection) => view.send("compare", { collection }),
    options: pane.with === null ? [["", "Choose a collection"], ...pane.choices] : pane.choices })),
  pane.verdict.map(({ text, level }) => h("p", { class: `inb-notice inb-${level}` }, h("strong", {}, `${VERDICT[level]}: `), text)),
  pane.rows.length > 0 && grid({ label: "Differences", columns: pane.columns, rows: pane.rows }),
  pane.note && h("p", { class: "inb-hint" }, pane.note),
];
const VERDICT = { success: "Fits", warning: "Take care", error: "Does not fit" };

const pane = (state, fields, view) => {
  if (state.tab === "fields") return table(state, fields, view);
  if (!state.pane) return h("p", { class: "inb-hint" }, "Nothing to show yet.");
  if (state.tab === "avro") return avro(state.pane, view);
  if (state.tab === "compare") return compare(state.pane, view);
  if (state.tab === "code") return code(state.pane.text, { k: "code", label: "Python that does the same" }, view);
  const { columns, rows, note } = state.pane;
  const label = TABS.find(([tab]) => tab === state.tab)[1];
  return rows.length ? grid({ label, columns, rows, note }) : h("p", { class: "inb-hint" }, note || "Nothing to show yet.");
};

// ---- above and below the tabs ----

const headField = (key, text, state, { send, id }) => {
  const problem = state.problems.find((each) => each.path === "head" && each.key === key);
  const at = id(`head-${key}`);
  return field(text, input({ k: `head:${key}`, value: state.head[key], problem, id: at,
    onchange: (value) => send("head", { key, value }) }), { key, problem, id: at });
};

const sourceField = (state, { send, id }) => {
  const { source, sources } = state.head;
  const problem = state.problems.find((each) => each.path === "head" && each.key === "source");
  if (!sources) return h("div", { class: "inb-field", key: "source" }, h("span", { class: "inb-label" }, "Source "), h("div", {}, source));
  return h("div", { class: "inb-source", key: "source" },
    field("Source", select({ k: "head:source", value: source ?? "", problem, id: id("source"),
      options: source ? sources : [["", "Choose a source"], ...sources], onchange: (value) => send("head", { key: "source", value }) }),
    { problem, id: id("source") }),
    button("Refresh", { k: "refresh:sources", label: "Refresh the list of sources", onclick: () => send("refresh") }));
};

const top = (state, view) => {
  const { send, id } = view;
  const problem = state.problems.find((each) => each.path === "head" && each.key === "kind");
  return h("div", { key: "top" },
    h("div", { class: "inb-columns" }, headField("name", "Collection name", state, view), headField("title", "Title", state, view),
      sourceField(state, view)),
    radios({ k: "head:kind", label: "Kind", value: state.head.kind, options: state.head.kinds.map(([kind, why]) => [kind, kind, why]),
      onchange: (value) => send("head", { key: "kind", value }) }, id),
    problemText(problem, id("kind")),
    h("details", { key: "record" }, h("summary", {}, "Record of the schema"), h("div", { class: "inb-columns" },
      headField("record", "Record name", state, view), headField("namespace", "Namespace", state, view),
      headField("doc", "Doc", state, view))));
};

const toolbar = (state, view) => {
  const { local, id } = view;
  const toggle = (form) => ({ k: form, expanded: local.form === form, controls: local.form === form ? id("form") : undefined,
    onclick: () => open(view, local.form === form ? null : form, form) });
  return h("div", { class: "inb-bar", key: "toolbar", role: "group", "aria-label": "Edit" },
    button("Add field", { k: "add", onclick: () => restructure(view, "add", { into: "/fields", at: null }) }),
    button("Paste names", toggle("paste")), button("Infer from data", toggle("infer")),
    button("Undo", { k: "undo", disabled: !state.undo, onclick: () => restructure(view, "undo", { key: "undo" }) }),
    button("Redo", { k: "redo", disabled: !state.redo, onclick: () => restructure(view, "redo", { key: "redo" }) }),
    state.data.origin && h("span", { class: "inb-hint" }, `Data: ${state.data.origin}`,
      state.data.rows !== null && `, ${number(state.data.rows)} rows`, state.data.note && `. ${state.data.note}`));
};

const pasteForm = (view) => {
  const { local, redraw } = view;
  const add = () => {
    const text = local.pasted;
    open(view, null, "paste");
    local.pasted = "";
    if (text.trim()) restructure(view, "paste", { text, into: "/fields" });
  };
  return [
    field("Names, one a line, or separated by commas or tabs", textarea({ k: "paste:text", value: local.pasted, rows: 4,
      oninput: (text) => { local.pasted = text; redraw(); } })),
    h("div", { class: "inb-bar" }, button("Add these fields", { k: "paste:go", primary: true, disabled: !local.pasted?.trim(), onclick: add }),
      button("Cancel", { k: "paste:cancel", onclick: () => open(view, null, "paste") })),
  ];
};

const inferForm = (state, view) => {
  const { local, redraw, send } = view;
  const { frames, receiving } = state.data;
  const frame = frames.includes(local.frame) ? local.frame : frames[0];
  const fromPath = () => local.path?.trim() && send("infer_path", { path: local.path.trim() });
  return [
    h("p", { class: "inb-hint" }, "The fields of the table are replaced by what the data has. Undo brings them back."),
    h("div", { class: "inb-pair" },
      field("File where the kernel runs", input({ k: "infer:path", value: local.path, placeholder: "data/flights.csv",
        oninput: (path) => { local.path = path; redraw(); }, onkeydown: (event) => { if (event.key === "Enter") fromPath(); } })),
      button("Infer", { k: "infer:path:go", label: "Infer from the file where the kernel runs", disabled: !local.path?.trim(), onclick: fromPath })),
    picker({ k: "infer:file", label: "File of this computer", receiving }, view),
    h("div", { class: "inb-pair" },
      field("DataFrame of the notebook", select({ k: "infer:frame", value: frame, disabled: !frames.length,
        options: frames.length ? frames : [["", "The notebook has none"]], onchange: (name) => { local.frame = name; redraw(); } })),
      button("Infer", { k: "infer:frame:go", label: "Infer from the DataFrame", disabled: !frames.length,
        onclick: () => send("infer_frame", { name: frame }) }),
      button("Refresh", { k: "refresh:frames", label: "Refresh the list of DataFrames", onclick: () => send("refresh") })),
    button("Close", { k: "infer:close", onclick: () => open(view, null, "infer") }),
  ];
};

const form = (state, view) => view.local.form && h("section", { key: `form ${view.local.form}`, id: view.id("form"), class: "inb-form",
  "aria-label": { paste: "Paste names", infer: "Infer from data" }[view.local.form], onkeydown: (event) => {
    if (event.key === "Escape") open(view, null, view.local.form);
  } }, view.local.form === "paste" ? pasteForm(view) : inferForm(state, view));

const summary = (state, view) => {
  const { problems, counts } = state;
  const count = (many, word) => many > 0 && `${number(many)} ${word}${many > 1 ? "s" : ""}`;
  const told = [count(counts.errors, "error"), count(counts.warnings, "warning")].filter(Boolean).join(", ");
  const name = ({ path, key }) => {
    if (path === "head") return key === "name" ? "Collection name" : WORD[key];
    return [`${WORD[key] ?? key} of `, h("bdi", {}, view.local.rows.get(path)?.label ?? path)];
  };
  return h("section", { key: "summary", "aria-label": "Problems", class: "inb-summary" },
    h("p", { role: "status" }, told || "No problems"),
    problems.length > 0 && h("ul", {}, problems.slice(0, MOST_PROBLEMS).map((problem) => h("li", { class: `inb-${problem.level}` },
      h("strong", {}, `${WORDS[problem.level]}: `),
      problem.path && button(name(problem), { quiet: true, onclick: () => goTo(view, problem.path, problem.key || "name") }),
      problem.path && " ", problem.message))),
    problems.length > MOST_PROBLEMS && h("p", { class: "inb-hint" }, `and ${number(problems.length + state.more - MOST_PROBLEMS)} more${state.more ? "" : ", each at its field"}`));
};

const bottom = (state, view) => {
  const { send, id } = view;
  const { create, created } = state;
  const pressed = { k: "create", primary: true, disabled: !create.enabled || state.busy };
  const question = `${create.question}. Press again to do it`;
  return h("div", { key: "bottom" },
    create.losses.length > 0 && h("div", { key: "losses", class: "inb-notice inb-warning" }, h("strong", {}, "Take care before you update:"),
      h("ul", {}, create.losses.map((each) => h("li", {}, each)))),
    h("div", { class: "inb-bar" },
      create.question
        ? confirm(create.label, { ...pressed, key: "ask", question, asked: question,
          onconfirm: () => send("create", { confirmed: create.question }) }, view)
        : button(create.label, { ...pressed, key: "do", onclick: () => send("create") }),
      create.stale && button("Refresh", { k: "refresh:live", key: "refresh", label: "Refresh what the server has", onclick: () => send("refresh") }),
      create.why && h("span", { key: "why", id: id("why"), class: "inb-hint" }, create.why)),
    created && h("p", { key: "created", class: "inb-notice inb-success" }, h("strong", {}, `The collection was ${created.verb}: `),
      `${created.name} (${created.kind}, ${number(created.fields)} field${created.fields === 1 ? "" : "s"}), id ${created.id}`),
    h("details", { key: "keys" }, h("summary", {}, "Keyboard"), h("dl", { class: "inb-keys" },
      KEYS.map(([key, what]) => [h("dt", {}, key), h("dd", {}, what)]))));
};

// Once for each state that comes.
const arrived = (view) => {
  const { state, local, root } = view;
  if (local.state === undefined) {
    Object.assign(local, { folded: new Set(), drawn: new Map(), dirty: new Set(), structure: state.structure });
  }
  if (state.data.origin !== local.state?.data.origin) local.form = null;
  local.state = state;
  local.moving = null;
  local.slow = false;
  if (root.getRootNode().activeElement?.dataset.k !== "lost") local.lost = null;
  if (local.structure === state.structure) return;
  giveUp(view);
  queueMicrotask(() => goOn(view)); // after it is drawn
};

const focusGoal = (view, goal) => {
  const control = view.root.querySelector(`[data-k="${CSS.escape(goal)}"], [data-k^="${CSS.escape(goal)}:"]:checked`);
  const closed = control?.closest("details:not([open])");
  if (closed) closed.open = true;
  if (control) focusOn(view.root, control.dataset.k);
};

export default panel((view) => {
  const { state, send, local, id } = view;
  const news = state !== local.state;
  if (news) arrived(view);
  const rows = placed(state.rows, local);
  const drawn = h("div", { key: "designer", class: "inb-designer", onkeydown: undoing(view) },
    top(state, view), toolbar(state, view), form(state, view),
    tabs({ k: "tab", label: "Views of the collection", tabs: TABS, current: state.tab, id, onselect: (tab) => send("tab", { tab }) },
      pane(state, rows, view)),
    summary(state, view), bottom(state, view));
  if (local.goal && (state.tab === "fields" || local.goal.startsWith("head:"))) {
    const { goal } = local;
    local.goal = null;
    queueMicrotask(() => focusGoal(view, goal));
  }
  if (news) local.dirty.clear();
  return drawn;
});
