// The controls that all panels share: button, confirm, input, textarea, select, check, radios, field, tabs, grid, code,
// picker. Each takes k, label (its accessible name) and what is said at it. They stand behind common.js in one module.

const button = (text, { k, label, onclick, disabled, primary, quiet, title, key, pressed, expanded, controls } = {}) =>
  h("button", { type: "button", key, k, "aria-label": label, onclick, disabled: Boolean(disabled), title,
    "aria-pressed": pressed === undefined ? undefined : String(pressed),
    "aria-expanded": expanded === undefined ? undefined : String(expanded), "aria-controls": controls,
    class: `inb-button${primary ? " inb-primary" : ""}${quiet ? " inb-quiet" : ""}` }, text);

// A button in two steps: the first press arms it, Escape or leaving it disarms it.
// `asked` is the accessible name while it is armed, where that is the question itself.
const confirm = (text, { k, label, question, asked, onconfirm, disabled, primary, quiet, title, key } = {}, { local, redraw }) => {
  const armed = local.armed === k;
  const disarm = () => { if (local.armed === k) { local.armed = null; redraw(); } };
  return h("button", { type: "button", key, k, disabled: Boolean(disabled), title,
    "aria-label": armed ? asked || `Confirm: ${label || text}` : label,
    class: `inb-button${primary && !armed ? " inb-primary" : ""}${quiet ? " inb-quiet" : ""}${armed ? " inb-armed" : ""}`,
    onclick: () => { if (armed) { local.armed = null; onconfirm(); } else { local.armed = k; redraw(); } },
    onblur: disarm,
    onkeydown: (event) => { if (event.key === "Escape" && armed) { disarm(); event.stopPropagation(); } } },
  armed ? question || `${text}?` : text);
};

const said = (problem, at) => (problem
  ? { "aria-invalid": (problem.level || "error") === "error" ? "true" : undefined, "aria-describedby": at } : {});
const problemText = (problem, at) => problem && h("div", { key: "problem", id: at,
  class: `inb-problem inb-${problem.level || "error"}` }, `${WORDS[problem.level || "error"]}: ${problem.message ?? problem}`);

// A text field. onchange(text) when it is left or Enter is pressed; oninput(text) at every letter.
const input = ({ k, label, value, onchange, oninput, type = "text", placeholder, problem, id, disabled, list, key, onkeydown, min }) =>
  h("input", { type, k, key, value: value ?? "", "aria-label": label, placeholder, disabled: Boolean(disabled), list, min,
    onchange: onchange && ((event) => onchange(event.target.value)), oninput: oninput && ((event) => oninput(event.target.value)),
    onkeydown, spellcheck: "false", autocomplete: "off", class: "inb-input", ...said(problem, id) });

const textarea = ({ k, label, value, onchange, oninput, rows = 6, placeholder, problem, id, key, readonly }) =>
  h("textarea", { k, key, value: value ?? "", rows, "aria-label": label, placeholder, readOnly: Boolean(readonly),
    onchange: onchange && ((event) => onchange(event.target.value)), oninput: oninput && ((event) => oninput(event.target.value)),
    spellcheck: "false", autocomplete: "off", class: "inb-input inb-text", ...said(problem, id) });

// options: [[value, text], …] or [value, …]
const select = ({ k, label, value, options, onchange, disabled, problem, id, key }) =>
  h("select", { k, key, value: value ?? "", "aria-label": label, disabled: Boolean(disabled), class: "inb-input",
    onchange: (event) => onchange(event.target.value), ...said(problem, id) },
  options.map((each) => (Array.isArray(each) ? each : [each, each])).map(([option, text]) =>
    h("option", { key: option, value: option }, text)));

const check = ({ k, label, text, value, onchange, disabled, key, title }) => {
  const box = h("input", { type: "checkbox", k, "aria-label": text ? undefined : label, checked: value === true,
    indeterminate: value === null || value === undefined, disabled: Boolean(disabled), title, key: text ? undefined : key,
    onchange: (event) => onchange(event.target.checked) });
  return text ? h("label", { class: "inb-check", key }, box, h("span", {}, text)) : box;
};

// options: [[value, text, explanation], …]
const radios = ({ k, label, value, options, onchange, disabled, key }, id) =>
  h("fieldset", { class: "inb-radios", key }, h("legend", {}, label), options.map(([option, text, explanation]) =>
    h("label", { key: option, class: "inb-check" },
      h("input", { type: "radio", name: id(k), k: `${k}:${option}`, checked: option === value, disabled: Boolean(disabled),
        onchange: () => onchange(option) }),
      h("span", {}, text, explanation && h("small", {}, ` ${explanation}`)))));

// A control below its visible label. The control needs no label of its own; `problem` stands below it.
const field = (text, control, { problem, hint, id, key } = {}) =>
  h("div", { class: "inb-field", key }, h("label", {}, h("span", { class: "inb-label" }, text), control),
    hint && h("div", { key: "hint", class: "inb-hint" }, hint), problemText(problem, id));

// tabs: [[id, text], …]; arrows go from tab to tab, as ARIA has it.
const tabs = ({ k, label, tabs: all, current, onselect, id }, ...content) => {
  const step = (event) => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const at = [...event.currentTarget.children].indexOf(event.target); // `current` may still be on its way
    const to = by ? (at + by + all.length) % all.length : { Home: 0, End: all.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    event.currentTarget.children[to].focus();
    onselect(all[to][0]);
  };
  return h("div", { class: "inb-tabs", key: k },
    h("div", { role: "tablist", "aria-label": label, class: "inb-tablist", onkeydown: step }, all.map(([each, text]) =>
      h("button", { type: "button", role: "tab", key: each, k: `${k}:${each}`, id: id(`${k}-${each}`), class: "inb-tab",
        "aria-selected": String(each === current), "aria-controls": id(`${k}-panel`), tabindex: each === current ? 0 : -1,
        onclick: () => onselect(each) }, text))),
    h("div", { role: "tabpanel", id: id(`${k}-panel`), "aria-labelledby": id(`${k}-${current}`), class: "inb-tabpanel" },
      h("div", { key: current }, content)));
};

// A table of text to read. A cell is text or {text, problem}; null is an empty cell that says so.
const grid = ({ label, columns, rows, note, key }) => h("div", { key },
  h("div", { class: "inb-scroll", tabindex: 0, role: "region", "aria-label": label },
    h("table", { class: "inb-grid" },
      h("thead", {}, h("tr", {}, columns.map((each) => h("th", { scope: "col" }, each)))),
      h("tbody", {}, rows.map((row) => h("tr", {}, row.map(cell)))))),
  note && h("p", { class: "inb-hint" }, note));

const cell = (value) => {
  if (value === null || value === undefined) return h("td", { class: "inb-null" }, "null");
  if (typeof value !== "object") return h("td", {}, String(value));
  return h("td", { class: value.problem ? "inb-bad" : undefined }, value.text ?? h("span", { class: "inb-null" }, "null"),
    value.problem && h("div", { class: "inb-problem" }, value.problem));
};

// Text to copy, such as the Python that does the same.
const code = (text, { k, label }, { local, redraw }) => h("div", { class: "inb-code" },
  button(local.copied === k ? "Copied" : "Copy", { k: `${k}:copy`, label: `Copy: ${label}`, onclick: async (event) => {
    await copy(text, event.currentTarget);
    local.copied = k;
    redraw();
    setTimeout(() => { if (local.copied === k) { local.copied = null; redraw(); } }, 2000);
  } }),
  h("pre", { tabindex: 0, role: "region", "aria-label": label }, h("code", {}, text)));

async function copy(text, beside) {
  try {
    await navigator.clipboard.writeText(text);
  } catch { // not allowed, or a page that is not served securely
    const area = document.createElement("textarea");
    area.value = text;
    beside.after(area);
    area.select();
    document.execCommand("copy");
    area.remove();
    beside.focus();
  }
}

// A file of the browser's machine, sent in pieces: file_begin(name, size), file_piece(offset) with the bytes, file_cancel.
// `receiving` is the state's {name, size, received}, or null; the next piece goes when the last one has arrived.
const PIECE = 1 << 20;
const picker = ({ k, label, accept, receiving, disabled }, { send, local, redraw }) => {
  const sendNext = async () => {
    const { file, offset } = local.file || {};
    if (!file) return;
    try {
      const piece = await file.slice(offset, offset + PIECE).arrayBuffer();
      if (local.file?.file !== file) return;
      local.file.offset = offset + piece.byteLength;
      send("file_piece", { offset }, [piece]);
    } catch (error) {
      local.file = null;
      send("file_cancel");
      local.fileProblem = `${file.name} cannot be read: ${error.message}`;
      redraw();
    }
  };
  if (local.file && local.file.file.name === receiving?.name && receiving.received === local.file.offset
    && local.file.asked !== receiving.received) {
    local.file.asked = receiving.received;
    sendNext();
  }
  if (local.file && !receiving && local.file.offset > 0) local.file = null; // whole, or given up by Python
  return h("div", { class: "inb-picker", key: k },
    !receiving && h("label", { class: "inb-label", key: "choose" }, label, " ",
      h("input", { type: "file", k, accept, disabled: Boolean(disabled), onchange: (event) => {
        const [file] = event.target.files;
        event.target.value = "";
        if (!file) return;
        local.file = { file, offset: 0, asked: null };
        local.fileProblem = null;
        send("file_begin", { name: file.name, size: file.size });
      } })),
    problemText(local.fileProblem),
    receiving && h("span", { key: "progress" },
      h("progress", { value: receiving.received, max: receiving.size || 1, "aria-label": `Receiving ${receiving.name}` }),
      ` ${receiving.name}: ${bytes(receiving.received)} of ${bytes(receiving.size)} `,
      button("Cancel", { k: `${k}:cancel`, label: `Cancel receiving ${receiving.name}`,
        onclick: () => { local.file = null; send("file_cancel"); } })));
};

const bytes = (count) => {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const power = Math.min(Math.floor(Math.log10(Math.max(count, 1)) / 3), units.length - 1);
  return `${(count / 1000 ** power).toLocaleString("en", { maximumFractionDigits: power ? 1 : 0 })} ${units[power]}`;
};

const number = (count) => count.toLocaleString("en");
