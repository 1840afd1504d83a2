// The designer's table of fields: what is drawn, what is heard, what is asked for; no rule about schemas is here.
// A cell's control is named `${path}:${key}`, which is also how the table's listeners know what was done to what. Rows that
// are as they were keep their nodes: with 1,000 fields an edit then costs the row's own redraw.

const HEADINGS = [ // key, heading, explanation
  ["name", "Name", "Letters, digits and _"], ["type", "Type", "What a value is"], ["nullable", "Null", "A value may be missing"],
  ["logical", "Logical type", "What the value means: a date, a decimal number"],
  ["default", "Default", "The value where the data has none"], ["display", "Display", "Whether the field is shown in Intempt"],
  ["title", "Title", "The name that people see"], ["doc", "Doc", "What the field means"]];
const WORD = { symbols: "Symbols", precision: "Precision", scale: "Scale", size: "Size in bytes", custom: "Avro type",
  kind: "Kind", source: "Source", record: "Record name", namespace: "Namespace",
  ...Object.fromEntries(HEADINGS.map(([key, heading]) => [key, heading])) };
const DISPLAY = { "": null, yes: true, no: false };
// From so many rows on, a select has all its options only once its row is about to be used, which is half as many elements,
// and a row is laid out only in sight.
const MANY = 100;

const names = (...all) => all.filter(Boolean).join(" ");
const brief = (text, most = 60) => (text.length > most ? `${text.slice(0, most)} …` : text);

// ---- what is asked for ----

// What moves rows asks for nothing more until the answer is here: until then nobody knows which field a path means.
// Undo and redo mean no path: they can be asked for as fast as the keys are pressed.
const restructure = ({ send, local, redraw }, action, args) => {
  const waits = local.moving === local.state;
  if (waits && !/^(undo|redo)$/.test(action)) return;
  local.moving = local.state;
  send(action, { ...args, structure: waits ? null : local.structure });
  setTimeout(() => { if (local.moving === local.state) { local.slow = true; redraw(); } }, 150);
};

const setCell = (view, path, key, value) => {
  const { send, local, redraw } = view;
  local.dirty.add(path);
  if (local.moving === local.state) redraw();
  else if (local.rows.get(path)?.nested && /^(type|nullable|default)$/.test(key)) restructure(view, "set", { path, key, value });
  else send("set", { path, key, value, structure: local.structure });
};

// Rows have moved, and not by what was done here: where something was begun, another row may stand now. It is given up
// before anything is drawn; that a control goes or is left meanwhile is no change.
const giveUp = ({ root, local }) => {
  local.armed = null;
  const control = root.getRootNode().activeElement;
  local.was = Boolean(root.querySelector(".inb-table")?.contains(control));
  if (!local.was) return;
  if (control.inbTyping) local.lost = control.value || "(nothing)";
  if (/^(input|textarea|select)$/.test(control.localName)) control.blur(); // the list of a select closes
};

// What is done from now on is done to the rows that are seen now. Who was typing does not go on in another row's cell.
const goOn = ({ root, local }) => {
  local.structure = local.state.structure;
  const active = root.getRootNode().activeElement;
  if (local.was && local.lost) focusOn(root, "lost");
  else if (local.was && (!active || active === root.ownerDocument.body)) focusOn(root, "add"); // its row is gone
};

const lostNote = (text) => h("p", { key: "lost", k: "lost", tabindex: -1, class: "inb-notice inb-warning" }, h("strong", {}, "Warning: "),
  "The fields have moved meanwhile. This was being typed, and was not taken: ", h("bdi", {}, brief(text)));

const move = (view, row, by, key) => {
  if (!(by < 0 ? row.first : row.last)) restructure(view, "move", { path: row.path, by, key });
};

const below = (view, path) => {
  const at = path.lastIndexOf("/");
  restructure(view, "add", { into: path.slice(0, at), at: Number(path.slice(at + 1)) + 1 });
};

// ---- what the table hears ----

const cellOf = (element) => {
  const control = element.closest("[data-k]");
  const name = control?.dataset.k || "";
  const at = name.lastIndexOf(":");
  return [name.slice(0, Math.max(at, 0)), name.slice(at + 1), control];
};

const changed = (view) => (event) => {
  const [path, key] = cellOf(event.target);
  const { type, checked, value } = event.target;
  if (view.local.structure !== view.local.state.structure) return;
  setCell(view, path, key, type === "checkbox" ? checked : key === "display" ? DISPLAY[value] : value);
};

// While rows move, the table takes nothing. Its controls are not disabled, as that would take the focus from the panel, and
// the next key would be the notebook's.
const held = ({ local }, event) => {
  if (local.moving !== local.state || event.key === "Tab") return false;
  event.preventDefault();
  return true;
};

const clicked = (view) => (event) => {
  if (held(view, event)) return;
  const [path, key] = cellOf(event.target);
  const { local, redraw } = view;
  const row = local.rows.get(path);
  if (key === "fold") {
    if (!local.folded.delete(row.full)) local.folded.add(row.full);
    redraw();
  } else if (key === "up" || key === "down") move(view, row, key === "up" ? -1 : 1, key);
  else if (key === "copy") restructure(view, "duplicate", { path });
  else if (key === "into") {
    local.folded.delete(row.full);
    restructure(view, "add", { into: row.into, at: null });
  }
};

const used = ({ state, local, redraw }) => (event) => {
  const [path] = cellOf(event.target);
  if (state.rows.length <= MANY || !path || local.used === path) return;
  local.used = path;
  redraw();
};

const neighbour = (control, key, by) => {
  let row = control.closest(".inb-row");
  while (row) {
    row = by < 0 ? row.previousElementSibling : row.nextElementSibling;
    const found = row?.querySelector(`[data-k$=":${key}"]:not(:disabled)`);
    if (found) return found;
  }
  return null;
};

const stepTo = (control, key, by) => {
  const next = neighbour(control, key, by);
  next?.focus();
  next?.select?.();
  return Boolean(next);
};

// Takes what is being typed, as if the field had been left.
const commit = (control) => {
  if (!control.inbTyping) return;
  control.blur();
  control.focus();
};

const pressed = (view) => (event) => {
  if (held(view, event)) return;
  const [path, key, control] = cellOf(event.target);
  const row = view.local.rows.get(path);
  const by = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  const enter = event.key === "Enter";
  if (!row || !(by || enter) || event.ctrlKey || event.metaKey || event.shiftKey) return;
  if (/^(select|textarea)$/.test(control.localName) || (enter && control.localName === "button")) return;
  if (event.altKey && row.role !== "field") return;
  if (enter && !event.altKey && key !== "name") return;
  event.preventDefault();
  if (!event.altKey && by) return void stepTo(control, key, by);
  commit(control);
  if (by) move(view, row, by, key);
  else if (event.altKey || row.last || !stepTo(control, key, 1)) below(view, path);
};

const undoing = (view) => (event) => {
  const { local } = view;
  if (!(event.ctrlKey || event.metaKey) || event.altKey || event.target.inbTyping) return;
  const action = { z: event.shiftKey ? "redo" : "undo", y: "redo" }[event.key.toLowerCase()];
  if (!action) return;
  event.preventDefault();
  if (local.state[action]) restructure(view, action, { key: event.target.closest("[data-k]")?.dataset.k || "" });
};

// ---- the table ----

const controlOf = (row, key, wrong, id) => {
  const told = wrong.flatMap((problem, at) => (problem.key === key ? [id(`${row.path}:${at}`)] : []));
  const level = wrong.find((problem) => problem.key === key)?.level;
  const evidence = key === "type" && row.evidence ? [id(`${row.path}:evidence`)] : [];
  return { k: `${row.path}:${key}`, "aria-label": `${WORD[key]} of ${key === "name" ? row.place : row.label}`,
    "aria-describedby": [...told, ...evidence].join(" ") || undefined,
    "aria-invalid": level === "error" ? "true" : undefined, class: `inb-input${level ? ` inb-at-${level}` : ""}` };
};

const textCell = (row, key, wrong, id, more) => h("input", { ...controlOf(row, key, wrong, id), value: row[key] ?? "", dir: "auto",
  readOnly: Boolean(row.cut?.includes(key)), spellcheck: "false", autocomplete: "off", ...more });

const choice = (row, key, options, wrong, id) => {
  const value = key === "display" ? { true: "yes", false: "no" }[row.display] ?? "" : row[key] ?? "";
  const all = row.lean ? [value] : options.includes(value) ? options : [...options, value];
  return h("select", { ...controlOf(row, key, wrong, id), value }, all.map((each) => h("option", { key: each, value: each }, each)));
};

const action = (row, key, sign, text, disabled) => h("button", { type: "button", k: `${row.path}:${key}`, title: text,
  "aria-label": `${text} ${row.label}`, "aria-disabled": disabled ? "true" : undefined,
  class: `inb-button inb-quiet inb-sign inb-${key}` }, sign);

const fieldCells = (row, state, wrong, view) => {
  const { id } = view;
  const field = row.role === "field";
  const logicals = state.logicals[row.type] || [];
  const deletion = { k: `${row.path}:delete`, label: `Delete ${row.label}`, title: "Delete", question: "Delete?", quiet: true,
    onconfirm: () => restructure(view, "delete", { path: row.path }) };
  return [
    [row.parent && h("button", { type: "button", k: `${row.path}:fold`, class: "inb-fold", "aria-expanded": String(!row.closed),
      "aria-label": `Inside of ${row.label}` }, row.closed ? "▸" : "▾"),
    field ? textCell(row, "name", wrong, id) : h("span", { class: "inb-null" }, row.role)],
    choice(row, "type", state.types, wrong, id),
    h("input", { ...controlOf(row, "nullable", wrong, id), class: undefined, type: "checkbox", checked: Boolean(row.nullable) }),
    (logicals.length > 0 || row.logical) && choice(row, "logical", ["", ...logicals], wrong, id),
    field && textCell(row, "default", wrong, id),
    field && choice(row, "display", ["", "yes", "no"], wrong, id),
    field && textCell(row, "title", wrong, id),
    field && textCell(row, "doc", wrong, id),
    [row.into && action(row, "into", "+", "Add a field in"),
      field && [action(row, "up", "↑", "Move up", row.first), action(row, "down", "↓", "Move down", row.last),
        action(row, "copy", "", "Duplicate"), confirm("×", deletion, view)]],
  ].map((content, at) => h("div", { role: "cell", class: at === 8 ? "inb-actions" : undefined }, content));
};

const PARAMETERS = { enum: ["symbols"], fixed: ["size"], custom: ["custom"] };
const parameters = (row, wrong, id) => {
  const keys = [...(PARAMETERS[row.type] || []), ...(row.logical === "decimal" ? ["precision", "scale"] : [])];
  return keys.map((key) => h("label", { key, class: `inb-parameter inb-parameter-${key}` },
    h("span", { class: "inb-label" }, WORD[key]),
    key === "custom"
      ? h("textarea", { ...controlOf(row, key, wrong, id), value: row.custom ?? "", rows: 2, spellcheck: "false",
        readOnly: Boolean(row.cut?.includes(key)), class: "inb-input inb-text" })
      : textCell(row, key, wrong, id, { placeholder: key === "symbols" ? "A, B, C" : undefined, dir: undefined })));
};

const more = (row, wrong, { id }) => [
  ...parameters(row, wrong, id),
  row.cut && h("div", { key: "cut", class: "inb-hint" },
    `Too long to be edited here, so only its beginning is shown: ${row.cut.map((key) => WORD[key]).join(", ")}. Edit it under Avro.`),
  wrong.map((problem, at) => h("div", { key: `problem ${at}`, id: id(`${row.path}:${at}`), class: `inb-problem inb-${problem.level}` },
    h("strong", {}, `${WORDS[problem.level]}: `), problem.key && problem.key !== "name" && `${WORD[problem.key] ?? problem.key}: `,
    problem.message)),
  row.evidence && h("div", { key: "evidence", id: id(`${row.path}:evidence`), class: "inb-hint" }, row.evidence),
].flat().filter(Boolean);

const drawRow = (row, state, wrong, view) => {
  const below = more(row, wrong, view);
  return h("div", { key: row.path, role: "rowgroup", class: "inb-row",
    style: row.level > 1 ? `--inb-level: ${Math.min(row.level, 9) - 1}` : undefined },
  h("div", { role: "row", class: "inb-cells" }, fieldCells(row, state, wrong, view)),
  below.length > 0 && h("div", { role: "row", key: "more" }, h("div", { role: "cell", "aria-colspan": 9, class: "inb-more" }, below)));
};

const same = (row, other) => {
  const keys = Object.keys(row);
  return keys.length === Object.keys(other).length && keys.every((key) => row[key] === other[key] || key === "cut");
};

// The rows that are not folded away, each with what its place adds: a label, its full name, whether it has children.
const placed = (rows, local) => {
  const above = [];
  local.rows = new Map();
  let hidden = Infinity;
  return rows.flatMap((row, at) => {
    above.length = row.level - 1;
    const outer = above.length ? above[above.length - 1] : "";
    const number = `field ${Number(row.path.slice(row.path.lastIndexOf("/") + 1)) + 1}${outer && ` in ${brief(outer)}`}`;
    const full = row.role === "field" ? `${outer && `${outer}.`}${row.name || number}` : `${outer} ${row.role}`;
    above.push(full);
    const parent = rows[at + 1]?.level > row.level;
    const closed = parent && local.folded.has(full);
    const evidence = local.plain ? undefined : row.evidence;
    const label = row.name || row.role !== "field" ? brief(full) : number;
    const seen = { ...row, evidence, full, label, place: number, parent, closed };
    if (rows.length > MANY && row.path !== local.used) seen.lean = true;
    local.rows.set(row.path, seen);
    if (row.level > hidden) return [];
    hidden = closed ? row.level : Infinity;
    return [seen];
  });
};

const drawRows = (state, rows, view) => {
  const { local } = view;
  const wrong = new Map();
  for (const problem of state.problems) {
    if (!wrong.has(problem.path)) wrong.set(problem.path, []);
    wrong.get(problem.path).push(problem);
  }
  const drawn = new Map();
  const nodes = rows.map((row) => {
    const told = wrong.get(row.path) || [];
    const signature = `${JSON.stringify(told)}${local.armed === `${row.path}:delete`}`;
    const before = local.drawn.get(row.path);
    const keep = before?.signature === signature && !local.dirty.has(row.path) && same(row, before.row);
    const node = keep ? before.node : drawRow(row, state, told, view);
    drawn.set(row.path, { row, signature, node });
    return node;
  });
  local.drawn = drawn;
  return nodes;
};

const table = (state, rows, view) => {
  const { local, redraw } = view;
  const looks = names("inb-table", state.rows.some((row) => row.level > 1) && "inb-tree", state.rows.length > MANY && "inb-many");
  return [
    local.lost && lostNote(local.lost),
    state.rows.some((row) => row.evidence) && check({ k: "evidence", key: "evidence", text: "Show why each type was chosen",
      value: !local.plain, onchange: (shown) => { local.plain = !shown; redraw(); } }),
    h("div", { key: "table", class: names("inb-scroll inb-fields", local.slow && "inb-held") },
      h("div", { role: "table", "aria-label": "Fields", "aria-busy": local.slow ? "true" : undefined, class: looks,
        onchange: changed(view), onclick: clicked(view), onkeydown: pressed(view), onpointerdown: used(view), onfocusin: used(view),
        onbeforeinput: (event) => held(view, event),
        onmousedown: (event) => event.target.localName === "select" && held(view, event) },
      h("div", { role: "rowgroup", key: "inb-headings", class: "inb-headings" }, h("div", { role: "row", class: "inb-cells" },
        HEADINGS.map(([, heading, title]) => h("div", { role: "columnheader", title }, heading)),
        h("div", { role: "columnheader" }, "Actions"))),
      drawRows(state, rows, view))),
    state.rows.length === 0 && h("p", { key: "empty", class: "inb-hint" },
      "There are no fields yet. Add one, paste their names, or infer them from data."),
  ];
};
