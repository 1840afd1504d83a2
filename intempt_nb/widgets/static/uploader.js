// The upload panel. Stages: pick the rows, look at them, run, done. What is chosen and what is known is Python's.

const STAGES = { pick: "Choose rows", look: "Look at the rows", run: "Upload", done: "What came of it" };
const MAPPED = 50; // columns of which the mapping is shown at once
const FEW = 40; // fields that each drop-down always offers; with more, only the one that is pointed at or has the focus

// No headings: a cell's output does not know what level they would have in the notebook.
const stageHead = (stage, text) => h("div", { key: `stage ${stage}`, k: `stage:${stage}`, tabindex: -1, class: "inb-stage" }, text);
const part = (text) => h("p", { key: text, class: "inb-part" }, text);

// Where the focus was on a control that went with its stage, it goes to the head of the next one; after a check, to what
// came of it, which may be out of sight.
const followStage = ({ state, local, root }) => {
  const checked = Boolean(state.checked) && !local.checked;
  local.checked = Boolean(state.checked);
  if (local.stage === state.stage && !checked) return;
  const had = local.stage !== undefined && root.contains(root.getRootNode().activeElement);
  local.stage = state.stage;
  if (had) queueMicrotask(() => {
    if (checked) focusOn(root, "checked");
    else if (!root.contains(root.getRootNode().activeElement)) focusOn(root, `stage:${state.stage}`);
  });
};

const keyless = ({ state, send }) => state.keyless && h("div", { key: "keyless", class: "inb-keyless" }, notice({ kind: "warning", text: state.keyless }),
  button("Look again", { k: "look-for-key", label: "Look for a primary identifier again", onclick: () => send("key") }));

// ---- pick ----

const unfinished = (context) => {
  const { state, send } = context;
  if (!state.unfinished.length) return null;
  return h("section", { key: "unfinished", class: "inb-unfinished" },
    h("p", { class: "inb-label" }, "Uploads into this collection that are not finished:"),
    h("ul", {}, state.unfinished.map((each) => h("li", { key: each.id },
      h("bdi", {}, each.name), `, ${each.told} `,
      each.elsewhere
        ? h("span", { class: "inb-hint" }, "It is under way in another program.")
        : [button("Go on", { k: `go:${each.id}`, disabled: state.keyless, label: `Go on with ${each.name}`, onclick: () => send("go_on", { id: each.id }) }),
          confirm("Forget", { k: `forget:${each.id}`, label: `Forget the upload of ${each.name}`, quiet: true,
            onconfirm: () => send("forget", { id: each.id }) }, context)]))));
};

const folderList = ({ state, send }) => {
  const { pick } = state;
  const entry = (key, text, label, onclick, size) => h("li", { key },
    button(text, { k: key, label, quiet: true, onclick }), size !== undefined && h("small", {}, bytes(size)));
  return [
    h("div", { class: "inb-bar", key: "path" }, input({ k: "path", label: "Path of a file or folder", value: pick.folder,
      onchange: (path) => send("path", { path }) }),
    button("Look again", { k: "refresh", label: "Look into the folder again", onclick: () => send("refresh") })),
    h("ul", { class: "inb-folder", key: "folder", "aria-label": `What is in ${pick.folder}` },
      !pick.top && entry("folder:..", "⬑ ..", "The folder above", () => send("folder", { name: ".." })),
      pick.folders.map((name) => entry(`folder:${name}/`, `${name}/`, `Folder ${name}`, () => send("folder", { name }))),
      pick.files.map(([name, size]) => entry(`file:${name}`, name, undefined, () => send("file", { name }), size))),
    !pick.folders.length && !pick.files.length && h("p", { key: "none", class: "inb-hint" }, "Nothing here that can be uploaded."),
    pick.more > 0 && h("p", { key: "more", class: "inb-hint" }, `${number(pick.more)} more are not listed; type the path.`),
  ];
};

const frameList = ({ state, send }) => state.pick.frames.length
  ? h("ul", { class: "inb-folder" }, state.pick.frames.map(([name, rows, columns]) => h("li", { key: name },
    button(name, { k: `frame:${name}`, quiet: true, onclick: () => send("frame", { name }) }),
    h("small", {}, `${number(rows)} rows, ${number(columns)} columns`))))
  : h("p", { class: "inb-hint" }, "The notebook has no DataFrame. Make one, then press ",
    button("Look again", { k: "refresh-frames", label: "Look for DataFrames again", onclick: () => send("refresh") }));

const drawPick = (context) => {
  const { state, send, local, redraw, id } = context;
  const file = picker({ k: "upload", label: "A file of your computer, of any size", accept: state.pick.accept,
    receiving: state.pick.receiving }, context);
  const current = local.place || "kernel";
  return [
    stageHead("pick", state.retry ? "Choose the rows that were put right" : STAGES.pick),
    keyless(context),
    state.retry && h("p", { key: "retry" }, "The file of rejected rows, corrected; or a DataFrame of them. They are uploaded "
      + "with the options of the upload before. ", button("Back", { k: "back", onclick: () => send("back") })),
    !state.retry && unfinished(context),
    state.pick.receiving ? h("div", { key: "receiving" }, file)
      : tabs({ k: "place", label: "Where the rows are", current, id,
        tabs: [["kernel", "On the kernel's machine"], ["browser", "On your computer"], ["frame", "In the notebook"]],
        onselect: (place) => { local.place = place; redraw(); } },
      current === "kernel" ? folderList(context) : current === "browser" ? file : frameList(context)),
  ];
};

// ---- look ----

const WHY = { name: "same name", title: "its title", alias: "an alias", guess: "a guess", "by hand": "by hand", none: "" };

const mapping = ({ state, send, local, redraw, id }) => {
  const { columns } = state.look;
  const shown = columns.slice(0, local.mapped || MAPPED);
  const all = [["", "(leave out)"], ...state.fields.map(([name, type, required]) => [name, `${name}: ${type}${required ? ", required" : ""}`])];
  const few = new Map(all);
  const options = (at, field) => (all.length <= FEW || local.pointed === at || local.focused === at ? all : [[field, few.get(field)]]);
  const offer = (how, at) => () => { if (local[how] !== at) { local[how] = at; redraw(); } };
  return h("section", { key: "mapping" },
    h("div", { class: "inb-scroll", tabindex: 0, role: "region", "aria-label": "Columns and fields" },
      h("table", { class: "inb-grid inb-mapping" },
        h("thead", {}, h("tr", {}, ["Column", "First values", "Field", "Why"].map((each) => h("th", { scope: "col" }, each)))),
        h("tbody", {}, shown.map((each, at) => h("tr", { key: `${at}` },
          h("th", { scope: "row" }, h("bdi", {}, each.label)),
          h("td", { class: "inb-values" }, h("bdi", {}, each.sample)),
          h("td", { onpointerenter: offer("pointed", at), onfocusin: offer("focused", at) }, select({ k: `column:${at}`,
            label: `Field for column ${each.label}`, value: each.field ?? "", options: options(at, each.field ?? ""),
            problem: each.problem, id: id(`column-${at}`), onchange: (field) => send("column", { at, field }) }),
          problemText(each.problem, id(`column-${at}`))),
          h("td", { class: each.field === null ? "inb-null" : undefined }, each.field === null ? "not sent" : WHY[each.why])))))),
    columns.length > shown.length && button(`Show ${Math.min(MAPPED, columns.length - shown.length)} more of ${number(columns.length)} columns`,
      { k: "more-columns", onclick: () => { local.mapped = shown.length + MAPPED; redraw(); } }),
    state.look.unfed && h("p", { key: "unfed", class: "inb-hint" }, "No column, so no value: ", h("bdi", {}, state.look.unfed), "."),
    state.look.key && h("p", { key: "key", class: "inb-hint" }, "Key: ", h("bdi", {}, state.look.key), "."));
};

const OPTIONS = {
  delimiter: ["Between the cells", [["", "what the header has"], [",", "comma ,"], [";", "semicolon ;"], ["\t", "tab"], ["|", "bar |"]]],
  decimal: ["Decimal mark", [[".", "point: 1.5"], [",", "comma: 1,5"]]],
  quotechar: ["Quotes around cells", [["\"", "double \""], ["'", "single '"], ["", "none"]]],
  nulls: ["Fields without a value", [["explicit", "send null"], ["omit", "leave them out"]]],
  nan: ["Numbers that are not finite (NaN)", [["reject", "reject the row"], ["null", "take them for null"]]],
  key: ["Key of a row without one", [["", "made where there is no column for it"], ["row", "from the file and the row's number"],
    ["content", "from all that the row holds"], ["columns", "from some columns"]]],
};
const ENCODINGS = ["", "utf-8", "latin-1", "cp1252", "utf-16"];

const option = (name, { state, send, id }) => {
  const [text, options] = OPTIONS[name];
  const value = state.settings[name];
  const known = options.some(([each]) => each === value) ? options : [...options, [value, value]];
  const problem = state.settings.problem?.name === name ? state.settings.problem.text : null;
  return field(text, select({ k: `option:${name}`, value, options: known, problem, id: id(`problem-${name}`),
    onchange: (chosen) => send("option", { name, text: chosen }) }), { problem, id: id(`problem-${name}`), key: name });
};

const typedOption = (name, text, props, { state, send, id }) => {
  const problem = state.settings.problem?.name === name ? state.settings.problem.text : null;
  return field(text, input({ k: `option:${name}`, value: state.settings[name], problem, id: id(`problem-${name}`), ...props,
    onchange: (typed) => send("option", { name, text: typed }) }), { problem, id: id(`problem-${name}`), key: name });
};

const csvOptions = (context) => h("fieldset", { key: "csv", class: "inb-options" }, h("legend", {}, "How the CSV is written"),
  h("datalist", { id: context.id("encodings"), key: "list" }, ENCODINGS.map((each) => h("option", { key: each, value: each }))),
  typedOption("encoding", "Encoding", { list: context.id("encodings"), placeholder: "utf-8" }, context),
  ["delimiter", "decimal", "quotechar"].map((name) => option(name, context)));

const keyColumns = ({ state, send }) => state.settings.key === "columns" && h("fieldset", { key: "keys", class: "inb-options inb-keys" },
  h("legend", {}, "Columns that tell the rows apart"),
  (state.look?.columns || []).map((each, at) => each.field !== null
    && check({ key: `${at}`, k: `key:${at}`, text: each.label, value: each.keyed,
      onchange: (chosen) => send("key_column", { at, chosen }) })),
  !(state.look?.columns || []).some((each) => each.keyed)
    && h("p", { key: "none", class: "inb-hint" }, "Choose at least one. Together they should be different in every row."));

const options = (context) => h("details", { key: "options", class: "inb-more" }, h("summary", { k: "options" }, "Options"),
  h("div", { class: "inb-options" }, ["key", "nulls", "nan"].map((name) => option(name, context)),
    typedOption("workers", "Requests at once", { type: "number", min: 1 }, context)),
  keyColumns(context));

const preview = ({ state }) => {
  const { look } = state;
  return [
    grid({ key: "preview", label: "First rows", columns: look.header, rows: look.rows, note: look.note }),
  ];
};

const drawLook = (context) => {
  const { state, send } = context;
  const { look } = state;
  const why = state.busy ? `${state.busy} …` : state.retry ? state.keyless && "The collection takes no rows yet: see above." : state.blocked;
  const blocked = Boolean(why);
  const twice = !state.retry && look?.twice;
  const start = () => send("start");
  return [
    stageHead("look", state.retry ? "Upload the rows that were put right" : STAGES.look),
    h("div", { class: "inb-bar", key: "source" }, h("span", {}, h("strong", {}, h("bdi", {}, state.source)), look?.size && `, ${look.size}`),
      button("Choose other rows", { k: "back", onclick: () => send("back") })),
    keyless(context),
    !state.retry && state.unread && h("div", { key: "unread" }, notice({ kind: "error", text: state.unread })),
    !state.retry && look && preview(context),
    !state.retry && look && part("Columns and fields"),
    !state.retry && look && mapping(context),
    !state.retry && state.settings.csv && csvOptions(context),
    !state.retry && options(context),
    state.checked && h("section", { key: "checked", class: "inb-checked", k: "checked", tabindex: -1,
      "aria-label": "What the check found" }, part("Check"), outcome(state.checked)),
    twice && h("div", { key: "twice" }, notice({ kind: "warning", text: twice })),
    h("div", { class: "inb-bar", key: "actions" },
      !state.retry && !look && button("Read again", { k: "read", disabled: state.busy, onclick: () => send("read") }),
      !state.retry && button("Check all rows", { k: "check", disabled: blocked, title: "The same checks as an upload; nothing is sent",
        onclick: () => send("check") }),
      twice ? confirm("Upload", { k: "start", key: "start twice", question: "Upload, though rows will be there twice?", disabled: blocked,
        onconfirm: start }, context)
        : button("Upload", { k: "start", key: "start", primary: true, disabled: blocked, onclick: start }),
      why && h("span", { key: "why", class: "inb-hint" }, why)),
  ];
};

// ---- run ----

const facts = (pairs) => h("dl", { class: "inb-facts" }, pairs.map(([name, text]) => h("div", { key: name },
  h("dt", {}, name), h("dd", {}, text))));

const drawRun = (context) => {
  const { send } = context;
  const { progress } = context.state;
  const paused = progress.state === "paused";
  const ending = progress.state === "cancelling" || progress.state === "done";
  const what = progress.dry_run ? "check" : "upload";
  return [
    stageHead("run", [progress.dry_run ? "Check " : "Upload ", h("bdi", {}, progress.label)]),
    h("p", { key: "doing" }, progress.doing),
    progress.warned && h("div", { key: "warned" }, notice({ kind: "warning", text: progress.warned })),
    h("progress", { key: "bar", class: "inb-bar-wide", value: progress.value, max: progress.max, "aria-label": `Progress of the ${what}` }),
    h("div", { key: "facts" }, facts(progress.facts)),
    h("div", { class: "inb-bar", key: "actions" },
      button(paused ? "Go on" : "Pause", { k: "pause", disabled: ending, label: `${paused ? "Go on with" : "Pause"} the ${what}`,
        onclick: () => send(paused ? "resume" : "pause") }),
      confirm("Cancel", { k: "cancel", label: `Cancel the ${what}`, question: `Cancel the ${what}?`,
        onconfirm: () => send("cancel") }, context)),
  ];
};

// ---- done ----

const outcome = (found) => [
  notice({ kind: found.kind, text: found.text }),
  found.warned && notice({ kind: "warning", text: found.warned }),
  found.report && facts(found.report.summary),
  found.report && found.report.rejects.length > 0 && grid({ label: "Rejected rows", columns: found.report.columns,
    rows: found.report.rejects, note: `${found.report.numbering[0].toUpperCase()}${found.report.numbering.slice(1)}.`
      + (found.report.more ? ` ${number(found.report.more)} more are in the file.` : "") }),
];

const drawDone = (context) => {
  const { state, send, local, redraw } = context;
  const found = state.outcome;
  const rejected = found.report ? found.report.rejected : 0;
  return [
    stageHead("done", [h("bdi", {}, found.label), ": ", found.title]),
    h("div", { key: "outcome" }, outcome(found)),
    rejected > 0 && h("section", { key: "rejected", class: "inb-rejected" }, part("Put the rejected rows right"),
      h("p", {}, "Take them as a file, correct them there, and upload that file."),
      h("div", { class: "inb-bar" },
        button("Download", { k: "download", label: "Download the rejected rows",
          onclick: () => { if (!local.download) send("download"); } }),
        local.download && h("progress", { value: local.download.received, max: local.download.size, "aria-label": "Downloading" }),
        button("Upload corrected rows", { k: "retry", primary: true, onclick: () => send("retry") })),
      h("div", { class: "inb-bar" },
        input({ k: "save-path", label: "Where to save the rejected rows on the kernel's machine", value: local.save ?? found.save,
          oninput: (path) => { local.save = path; } }),
        button("Save there", { k: "save", label: "Save the rejected rows on the kernel's machine",
          onclick: () => send("save", { path: local.save ?? found.save }) }))),
    h("div", { class: "inb-bar", key: "actions" },
      found.again && button("Go on from there", { k: "again", primary: !found.changed, onclick: () => send("again") }),
      found.changed ? button("Upload it as another file", { k: "adjust", primary: true, onclick: () => send("adjust") })
        : state.source && !state.retry && found.kind === "error"
          && button("Change how it is uploaded", { k: "adjust", onclick: () => send("adjust") }),
      button("Upload other rows", { k: "new", onclick: () => send("new") })),
  ];
};

// A file of rejected rows comes in pieces; each is asked for when the one before has arrived.
const hearPiece = ({ name, size, offset }, buffers, { send, local, redraw }) => {
  if (offset === 0) local.download = { pieces: [], received: 0, size };
  const coming = local.download;
  if (!coming || coming.received !== offset) return;
  coming.pieces.push(buffers[0]);
  coming.received += buffers[0].byteLength;
  if (coming.received < size) {
    send("download_next", { offset: coming.received });
  } else {
    local.download = null;
    const address = URL.createObjectURL(new Blob(coming.pieces, { type: "application/octet-stream" }));
    const link = document.createElement("a");
    link.href = address;
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(address), 60000);
  }
  redraw();
};

const DRAW = { pick: drawPick, look: drawLook, run: drawRun, done: drawDone };

export default panel((context) => {
  const { state } = context;
  followStage(context);
  return [
    h("div", { key: "title", class: "inb-title" }, "Upload into ", h("bdi", {}, state.collection)),
    h("div", { key: "said", role: "status", class: "inb-unseen" }, state.said),
    h("section", { key: `stage ${state.stage}`, class: "inb-uploader", "aria-label": `Upload into ${state.collection}` }, DRAW[state.stage](context)),
    h("details", { key: "code", class: "inb-more" }, h("summary", { k: "show-code" }, "The same in Python"),
      code(state.code, { k: "code", label: "Python" }, context)),
  ];
}, hearPiece);
