// The explorer: a tree of sources and collections, and beside it what is known of the one that is chosen.

const EXPLORER_TABS = [["fields", "Fields"], ["links", "Links"], ["rows", "Rows"], ["columns", "Columns"], ["load", "Load"]];
const EXPLORER_KINDS = { profile: "facts about a user", event: "something that happened", attribute: "anything else" };
const EXPLORER_BACKENDS = { pyarrow: "pyarrow: keeps every type", numpy_nullable: "numpy_nullable: pandas' types with gaps",
  pandas: "pandas' own: NaN for gaps" };

const treeItems = (event) => [...event.currentTarget.closest(".inb-explorer").querySelectorAll('[role="treeitem"]')];

const treeItem = ({ key, level, expanded, chosen, at, of, local, redraw, onpick, onfold }, ...content) =>
  h("div", { key, k: key, role: "treeitem", class: `inb-item inb-level-${level}`, "aria-level": level, "aria-posinset": at + 1,
    "aria-setsize": of, "aria-expanded": expanded === undefined ? undefined : String(expanded),
    "aria-selected": String(Boolean(chosen)), tabindex: local.at === key ? 0 : -1,
    onfocus: () => { if (local.at !== key) { local.at = key; redraw(); } },
    onclick: onpick,
    onkeydown: (event) => {
      if (event.key === "Enter" || event.key === " ") {
        event.preventDefault();
        onpick();
      } else if ((event.key === "ArrowLeft" || event.key === "ArrowRight") && onfold) {
        event.preventDefault();
        onfold(event.key === "ArrowRight");
      }
    } }, content);

const treeKeys = (event) => {
  const items = [...event.currentTarget.querySelectorAll('[role="treeitem"]')];
  const at = items.indexOf(event.target);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
  if (to === undefined || at < 0) return;
  event.preventDefault();
  items[Math.max(0, Math.min(to, items.length - 1))].focus();
};

const sourceItems = (source, at, { tree, chosen, send, local, redraw, root }) => {
  const key = `source:${source.id}`;
  local.closed ||= {};
  const open = !local.closed[source.id] || Boolean(tree.search);
  const fold = (wanted) => { local.closed[source.id] = !wanted; redraw(); };
  const leaves = open ? source.collections : [];
  return [
    treeItem({ key, level: 1, expanded: source.collections.length ? open : undefined, at, of: tree.sources.length, local, redraw,
      onpick: () => fold(!open), onfold: fold },
    h("span", { class: "inb-mark", "aria-hidden": "true" }, source.collections.length ? (open ? "▾" : "▸") : "·"),
    h("bdi", {}, source.name), source.type && h("small", {}, ` ${source.type}`),
    source.title && source.title !== source.name && h("small", { class: "inb-second" }, h("bdi", {}, source.title)),
    source.problem && h("div", { class: "inb-problem" }, `Error: ${source.problem}`),
    !source.problem && source.collections.length === 0 && h("small", { class: "inb-second" }, "no collections")),
    ...leaves.map((each, index) => treeItem({ key: `collection:${each.id}`, level: 2, chosen: chosen?.id === each.id, at: index,
      of: leaves.length, local, redraw, onpick: () => send("choose", { collection: each.id }),
      onfold: (wanted) => { if (!wanted) focusOn(root, key); } },
    h("bdi", {}, each.name), h("small", {}, ` ${each.kind}`),
    each.title && each.title !== each.name && h("small", { class: "inb-second" }, h("bdi", {}, each.title)),
    each.fields && h("small", { class: "inb-second" }, "field ", h("bdi", {}, each.fields)))),
  ];
};

const explorerTree = (context) => {
  const { tree, send, local } = context;
  const keys = tree.sources.flatMap((each) => [`source:${each.id}`, ...each.collections.map((one) => `collection:${one.id}`)]);
  if (!keys.includes(local.at)) [local.at] = keys; // one of them can always be reached by Tab
  return h("div", { class: "inb-side", key: "side" },
    h("div", { class: "inb-bar" },
      input({ k: "search", label: "Search sources, collections and fields", type: "search", placeholder: "Search names and fields",
        value: tree.search, oninput: (text) => send("search", { text }),
        onkeydown: (event) => {
          if (event.key !== "ArrowDown") return;
          event.preventDefault();
          treeItems(event)[0]?.focus();
        } }),
      button("Refresh", { k: "refresh", title: "Ask the server for everything anew", disabled: tree.loading,
        onclick: () => send("refresh") })),
    problemText(tree.problem && { message: `The sources could not be read: ${tree.problem}` }),
    tree.search && h("p", { class: "inb-hint", key: "found", role: "status" },
      `${number(tree.found)} collection${tree.found === 1 ? "" : "s"} found`),
    tree.sources.length > 0 && h("div", { role: "tree", "aria-label": "Sources and collections", class: "inb-tree", key: "tree",
      onkeydown: treeKeys },
    tree.sources.flatMap((source, at) => sourceItems(source, at, context))),
    tree.sources.length === 0 && !tree.loading && !tree.problem && !tree.search
      && h("p", { class: "inb-hint", key: "empty" }, "There are no sources yet."),
    tree.hidden > 0 && h("p", { class: "inb-hint", key: "hidden" }, `… and ${number(tree.hidden)} more; search for them.`));
};

// No headings: which level would be right depends on the notebook around.
const titled = (title, ...content) => h("div", { key: title, role: "group", "aria-label": title },
  h("p", { class: "inb-part-title", "aria-hidden": "true" }, title), content);

const linksTab = ({ identifiers, relations, referrers, note, diagram: drawn }) => [
  titled("Identifiers", identifiers.rows.length ? grid({ label: "Identifiers", ...identifiers })
    : h("p", { class: "inb-hint" }, "None yet. A collection takes no data before it has a primary identifier.")),
  titled("Relations", relations.rows.length ? grid({ label: "Relations", ...relations }) : h("p", { class: "inb-hint" }, "None.")),
  titled("What refers to it", referrers.rows.length ? grid({ label: "What refers to it", ...referrers })
    : h("p", { class: "inb-hint" }, "No other collection.")),
  note && h("p", { class: "inb-hint", key: "note" }, note),
  drawn.links.length > 0 && titled("Diagram", diagram(drawn)),
];

const rowsTab = ({ columns, rows, count }) => (count === 0 ? h("p", { class: "inb-hint" }, "There are no rows.")
  : grid({ label: "First rows", columns, rows, note: `The first ${number(count)} row${count === 1 ? "" : "s"}; long values are cut.` }));

const columnsTab = ({ note, page, pages, columns, first, rows }, { send }) => [
  h("p", { key: "note", class: "inb-hint" }, note),
  pages > 1 && h("div", { class: "inb-bar", key: "pages" },
    button("Back", { k: "page:back", disabled: page === 0, onclick: () => send("page", { to: page - 1 }) }),
    h("span", {}, `Columns ${number(first + 1)} to ${number(first + rows.length)} of ${number(columns)}`),
    button("Next", { k: "page:next", disabled: page === pages - 1, onclick: () => send("page", { to: page + 1 }) })),
  h("div", { class: "inb-scroll", tabindex: 0, role: "region", "aria-label": "Column profiles", key: "profiles" },
    h("table", { class: "inb-grid inb-profiles" },
      h("thead", {}, h("tr", {}, ["Column", "Distribution", "Values", "Nulls", "Distinct", "Range", "Mean", "Most frequent"]
        .map((each) => h("th", { scope: "col" }, each)))),
      h("tbody", {}, rows.map((each, at) => h("tr", { key: first + at },
        h("th", { scope: "row" }, h("bdi", {}, each.name), h("small", { class: "inb-second" }, each.type)),
        h("td", {}, each.picture && h("img", { src: each.picture.src, alt: each.picture.alt, title: each.picture.alt })),
        h("td", { class: "inb-number" }, each.count), h("td", { class: "inb-number" }, each.nulls),
        h("td", { class: "inb-number" }, each.distinct), h("td", { class: "inb-range" }, each.range),
        h("td", { class: "inb-number" }, each.mean),
        h("td", {}, each.top)))))),
];

const loadTab = (form, context) => {
  const { send, id, local, redraw } = context;
  const { problems } = form;
  const set = (name) => (value) => send("form", { name, value });
  const all = form.chosen === form.columns.length;
  return [
    h("fieldset", { class: "inb-columns", key: "columns" },
      h("legend", {}, `Columns: ${number(form.chosen)} of ${number(form.columns.length)}`),
      check({ k: "all-columns", text: "All columns", value: all || (form.chosen ? null : false),
        onchange: (on) => send("all_columns", { on }) }),
      h("div", { class: "inb-choices" }, form.columns.map(([name, chosen], at) =>
        check({ k: `column:${at}`, key: at, text: name, value: chosen, onchange: (on) => send("column", { at, on }) }))),
      problemText(problems.columns)),
    radios({ k: "everything", key: "everything", label: "Rows", value: form.everything ? "all" : "first",
      options: [["first", "The first rows, as many as below"], ["all", form.all]],
      onchange: (value) => send("form", { name: "everything", value: value === "all" }) }, id),
    h("div", { class: "inb-bar", key: "entries" },
      field("At most (rows)", input({ k: "limit", value: form.limit, disabled: form.everything, onchange: set("limit"),
        problem: problems.limit, id: id("limit") }), { problem: problems.limit, id: id("limit") }),
      field("Types", select({ k: "backend", value: form.backend, onchange: set("backend"),
        options: form.backends.map((each) => [each, EXPLORER_BACKENDS[each]]) })),
      field("Variable", input({ k: "variable", value: form.variable, onchange: set("variable"),
        problem: problems.variable, id: id("variable") }), { problem: problems.variable, id: id("variable"),
        hint: form.replaces && "The notebook has this name; it gets a new value." })),
    h("div", { class: "inb-bar", key: "load" },
      button("Load", { k: "load", primary: true, disabled: form.loading || Object.keys(problems).length > 0,
        onclick: () => send("load") }),
      form.loading && button("Cancel", { k: "cancel", label: "Cancel the load", onclick: () => send("cancel") }),
      form.loaded && h("span", { key: "loaded" }, form.loaded)),
    form.code && titled("The same in Python", code(form.code, { k: "code", label: "Python that loads the same" }, { local, redraw })),
  ];
};

const EXPLORER_CONTENT = {
  fields: ({ columns, rows }) => grid({ label: "Fields", columns, rows }), links: linksTab, rows: rowsTab, columns: columnsTab,
  load: loadTab,
};

const explorerTab = ({ tab, content, problem }, context) => {
  if (problem) {
    return [problemText({ message: problem }),
      h("div", { class: "inb-bar", key: "retry" }, button("Try again", { k: "retry", onclick: () => context.send("retry") }))];
  }
  return content ? EXPLORER_CONTENT[tab](content, context) : h("p", { class: "inb-hint" }, "Asking the server …");
};

const explorerDetail = (context) => {
  const { chosen, tree, send, id } = context;
  if (!chosen) {
    return h("div", { class: "inb-detail", key: "detail" }, h("p", { class: "inb-hint" },
      tree.loading ? "Reading the sources …" : "Choose a collection."));
  }
  return h("div", { class: "inb-detail", key: `detail-${chosen.id}`, role: "group", "aria-label": `Collection ${chosen.name}` },
    h("p", { class: "inb-title" }, h("bdi", {}, chosen.name), chosen.title && h("small", {}, " ", h("bdi", {}, chosen.title))),
    h("p", { class: "inb-facts" },
      h("span", { title: EXPLORER_KINDS[chosen.kind] }, `${chosen.kind} (${EXPLORER_KINDS[chosen.kind]})`),
      h("span", {}, "source ", h("bdi", {}, chosen.source)), h("span", {}, `id ${chosen.id}`),
      chosen.count.text && h("span", { class: "inb-count" }, chosen.count.text)),
    problemText(chosen.count.problem && { message: `The rows could not be counted: ${chosen.count.problem}` }),
    tabs({ k: "tab", label: "About the collection", tabs: EXPLORER_TABS, current: chosen.tab, id,
      onselect: (name) => send("tab", { name }) }, explorerTab(chosen, context)));
};

export default panel(({ state, send, local, redraw, id, root }) => {
  const context = { tree: state.tree, chosen: state.chosen, send, local, redraw, id, root };
  return h("div", { class: "inb-explorer", key: "explorer" }, explorerTree(context), explorerDetail(context));
});
