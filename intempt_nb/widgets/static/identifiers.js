// Identifiers of a collection: those there are, a form for one more, what the rows say, the diagram and the Python.

const there = ({ state, send }) => h("div", { key: "there" },
  state.identifiers.length === 0
    ? h("p", {}, `${state.collection.name} has no identifiers yet. It takes no data before it has a primary one.`)
    : h("div", { class: "inb-scroll", tabindex: 0, role: "region", "aria-label": "Identifiers" },
      h("table", { class: "inb-grid" },
        h("thead", {}, h("tr", {}, ["name", "type", "fields", "refers to", "relation"].map((each) => h("th", { scope: "col" }, each)))),
        h("tbody", {}, state.identifiers.map((each) => h("tr", { key: each.id },
          h("td", {}, each.name), h("td", {}, each.type), h("td", {}, each.fields), h("td", {}, each.refers),
          h("td", { class: "inb-id-relation" }, each.relations && h("span", {}, each.relations), each.refers && button(each.relations ? "Add" : "Create a relation", {
            k: `relate:${each.id}`, label: `Create a relation of ${each.name}`,
            onclick: () => send("relate", { identifier: each.id }) }))))))));

const relation = ({ state: { relating, failures }, send, id }) => relating && h("div", { key: "relation", class: "inb-id-part" },
  h("p", {}, `${relating.identifier} refers to another item. A relation gives that a name and a direction.`),
  h("div", { class: "inb-id-side" },
    field("Name of the relation", input({ k: "relation", value: relating.name, onchange: (name) => send("relation", { name }) })),
    field("Direction", select({ k: "direction", value: relating.type, onchange: (type) => send("relation", { type }), options: [
      ["many_to_one", "many here belong to one there"], ["one_to_many", "one here has many there"]] })),
    h("div", { class: "inb-bar inb-id-low" },
      button("Create relation", { k: "create-relation", primary: true, onclick: () => send("create_relation") }),
      button("Not now", { k: "no-relation", onclick: () => send("relate", { identifier: "" }) }))),
  problemText(failures.relation, id("relation-failure")));

const type = ({ state, send, id }) => h("div", { key: "type" },
  radios({ k: "type", label: "Type", value: state.draft.type, onchange: (chosen) => send("type", { type: chosen }),
    options: state.types.map(([name, words]) => [name, name, words]) }, id),
  problemText(state.problems.type, id("type-problem")));

const reference = ({ state, send, id }) => {
  if (state.draft.type === "primary") return null;
  const { draft: { type: kind, reference: chosen }, problems, failures, unread, references } = state;
  const at = id("reference-problem");
  const none = kind === "foreign" ? "Choose one" : "Nothing";
  const known = references.some(([each]) => each === chosen) ? [] : chosen ? [[chosen, `identifier ${chosen}`]] : [];
  return h("div", { key: "reference" },
    field("Refers to", select({ k: "reference", value: chosen, problem: problems.reference, id: at,
      options: [["", none], ...known, ...references], onchange: (identifier) => send("reference", { identifier }) }),
    { problem: problems.reference, id: at,
      hint: state.reading && !failures.reference ? "The other collections are being read."
        : references.length === 0 && "No collection has a primary identifier to refer to." }),
    problemText(failures.reference), unread.map((each) => h("p", { class: "inb-hint" }, each)));
};

const MANY = 12;

const fields = ({ state, send, local, redraw, id }) => {
  const { draft, problems } = state;
  const wanted = (local.search || "").trim().toLowerCase();
  const shown = state.fields.map((each, at) => ({ ...each, at })).filter(({ name, title, at }) =>
    !wanted || draft.fields.includes(at) || `${name} ${title || ""}`.toLowerCase().includes(wanted));
  return h("fieldset", { key: "fields", class: "inb-radios", k: "fields", tabindex: -1,
    "aria-describedby": problems.fields ? id("fields-problem") : undefined },
  h("legend", {}, "Fields"),
  state.fields.length > MANY && input({ key: "search", k: "search", type: "search", label: "Search the fields", placeholder: "Search",
    value: local.search, oninput: (text) => { local.search = text; redraw(); } }),
  h("ul", { key: "list", class: "inb-id-choices" }, shown.map((each) => {
    const on = draft.fields.includes(each.at);
    return h("li", { key: each.at, class: each.refusal && !on ? "inb-id-refused" : undefined },
      check({ k: `field:${each.at}`, text: each.name, value: on, disabled: each.refusal && !on,
        onchange: (now) => send("toggle", { at: each.at, on: now }) }),
      h("small", {}, [each.type, each.gaps && "may have gaps", each.title, each.refusal && `not offered: ${each.refusal}`]
        .filter(Boolean).join(" · ")));
  })),
  wanted && shown.length === 0 && h("p", { key: "none", class: "inb-hint" }, "No field has that in its name."),
  problemText(problems.fields, id("fields-problem")),
  draft.fields.length > 1 && order({ state, send }));
};

// The order of the fields counts in a key of several.
const order = ({ state, send }) => h("div", { key: "order" },
  h("div", { class: "inb-label" }, "In this order"),
  h("ol", { class: "inb-id-order" }, state.draft.fields.map((at, position) => {
    const { name } = state.fields[at];
    return h("li", { key: at }, h("span", {}, name),
      button("↑", { k: `up:${at}`, label: `Move ${name} up`, quiet: true, disabled: position === 0,
        onclick: () => send("move", { at, by: -1 }) }),
      button("↓", { k: `down:${at}`, label: `Move ${name} down`, quiet: true, disabled: position === state.draft.fields.length - 1,
        onclick: () => send("move", { at, by: 1 }) }));
  })));

const name = ({ state, send, id }) => h("div", { key: "name" },
  field("Name", input({ k: "name", value: state.draft.name, problem: state.problems.name, id: id("name-problem"),
    onchange: (text) => send("name", { name: text }) }),
  { problem: state.problems.name, id: id("name-problem"), hint: "Empty for the field's own name." }));

const steps = ({ state, send }) => h("div", { key: "steps", class: "inb-id-part" },
  h("div", { class: "inb-bar" },
    select({ k: "frame", label: "Data to check", value: state.frame, onchange: (text) => send("frame", { name: text }),
      options: [["", `rows of ${state.collection.name}`], ...state.frames.map((each) => [each, `DataFrame ${each}`])] }),
    select({ k: "rows", label: "How many rows", value: String(state.rows), onchange: (count) => send("rows", { count }),
      options: state.row_choices.map((each) => [String(each), `at most ${number(each)} rows`]) }),
    button("Check on data", { k: "check", onclick: () => send("check") })),
  problemText(state.failures.check),
  state.check && found(state.check),
  h("div", { class: "inb-bar" },
    button("Create identifier", { k: "create", primary: true, onclick: () => send("create") }),
    button("Read again", { k: "refresh", onclick: () => send("refresh"),
      title: "Ask the server again what is there" })),
  problemText(state.failures.create));

const found = ({ good, verdict, words, counts }) => h("div", { key: "found", class: "inb-id-found" },
  good !== null && h("p", { class: good ? "inb-success" : "inb-warning" }, verdict),
  h("ul", {}, words.map((each) => h("li", {}, each))),
  grid({ label: "What the rows say", columns: ["what", "rows", "for example"], rows: counts }));

export default panel((view) => {
  const { state, local, redraw, id } = view;
  const tab = local.tab || "diagram";
  return h("div", { key: "identifiers" },
    h("div", { key: "title", class: "inb-id-title" }, h("strong", {}, "Identifiers of ", h("bdi", {}, state.collection.name)),
      h("span", { class: "inb-hint" }, ` ${state.collection.kind} collection of source `, h("bdi", {}, state.collection.source))),
    there(view),
    relation(view),
    h("div", { key: "form", class: "inb-id-columns" },
      h("div", { key: "left" }, h("div", { class: "inb-label" }, h("strong", {}, "A new identifier")), type(view)),
      h("div", { key: "right" }, reference(view), fields(view), name(view))),
    steps(view),
    tabs({ k: "tab", label: "Diagram and code", current: tab, id, tabs: [["diagram", "Diagram"], ["python", "Python"]],
      onselect: (chosen) => { local.tab = chosen; redraw(); } },
    tab === "diagram"
      ? [diagram({ ...state.picture, label: `Diagram of ${state.collection.name} and its links` }),
        h("p", { class: "inb-hint" }, "A dot marks the primary key. The dashed arrow is the identifier that is being defined.")]
      : code(state.code, { k: "code", label: "The Python that does the same" }, view)));
});
