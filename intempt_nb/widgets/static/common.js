// What all panels share: a small keyed virtual DOM and the talk with Python. No imports, no network.
//
//   h(tag, props, ...children)   a node; children are nodes or text, and null, undefined, false and "" are left out
//     props: key (stays the same element among its siblings), k (data-k: names a control in the panel, for the focus),
//     class, style, on… (listeners), DOM properties (value, checked, disabled, …), anything else an attribute
//   panel(draw, hear)            the module's default export; draw({state, send, local, redraw, id}) returns nodes
//     hear(message, buffers, {send, local, redraw})   what Python sends to one view: a message with its `view`
//     send(action, arguments, buffers)   asks Python for an action; the state comes back
//     local                              what only this view knows; redraw() after a change of it
//     id(text)                           an id that no other view has
//
// Text only ever becomes a text node, an attribute or a property: nothing that comes from data is read as HTML.

const SVG = "http://www.w3.org/2000/svg";
const PROPERTIES = new Set(["value", "checked", "disabled", "open", "hidden", "max", "readOnly", "indeterminate", "selected"]);
// With the focus on a control that is no text field, JupyterLab takes X, B and Shift+Enter for its own. Its check matches
// the focused element first, so the mark has to be on each control itself.
const CONTROL = /^(input|select|button|textarea|summary|a)$/;

const h = (tag, props, ...children) => ({
  tag,
  props: props || {},
  children: children.flat(Infinity).filter((each) => each !== null && each !== undefined && each !== false && each !== ""),
});

const isText = (node) => typeof node !== "object";

function make(node, svg) {
  if (isText(node)) return document.createTextNode(String(node));
  const element = svg || node.tag === "svg" ? document.createElementNS(SVG, node.tag) : document.createElement(node.tag);
  if (CONTROL.test(node.tag) || node.props.tabindex !== undefined) element.setAttribute("data-lm-suppress-shortcuts", "true");
  if (/^(input|textarea|select)$/.test(node.tag)) {
    // What is being typed is the person's: a state that arrives meanwhile does not take it away.
    element.addEventListener("input", () => { element.inbTyping = /^(input|textarea)$/.test(node.tag); });
    element.addEventListener("change", () => {
      element.inbTyping = false;
      for (const each of choices(element)) each.inbChanged = true;
    });
    // What is left as it was before has no change event. (A window that is left keeps the focus where it is.)
    element.addEventListener("blur", () => {
      if (!element.inbTyping || element.matches(":focus")) return;
      element.inbTyping = false;
      set(element, "value", element.inbNode.props.value);
    });
  }
  update(element, node, svg || node.tag === "svg");
  return element;
}

// What changes with a control: choosing one radio button takes the choice from the others of its group.
const choices = (element) => (element.type === "radio"
  ? element.getRootNode().querySelectorAll(`input[name="${CSS.escape(element.name)}"]`) : [element]);

function update(element, node, svg) {
  const before = element.inbNode?.props || {};
  const { props } = node;
  for (const name of Object.keys(before)) if (!(name in props)) set(element, name, undefined, svg);
  for (const [name, value] of Object.entries(props)) {
    if (name !== "value" && (value !== before[name] || PROPERTIES.has(name))) set(element, name, value, svg);
  }
  patch(element, node.children, svg);
  if ("value" in props) set(element, "value", props.value, svg); // after the options that it chooses from
  element.inbNode = node;
  if (!awaiting) element.inbChanged = false;
}

// While an answer is awaited, the state is older than what the person has done, which stays on the screen until then.
let awaiting = false;
const SAID = /^(value|checked|indeterminate)$/;

function set(element, name, value, svg) {
  if (name === "key") return;
  if (awaiting && element.inbChanged && SAID.test(name)) return;
  if (name.startsWith("on")) {
    const type = name.slice(2);
    element.inbListeners ||= {};
    if (!(type in element.inbListeners)) element.addEventListener(type, (event) => element.inbListeners[type]?.(event));
    element.inbListeners[type] = value;
  } else if (name === "k") {
    attribute(element, "data-k", value);
  } else if (name === "class" || svg || !PROPERTIES.has(name)) {
    attribute(element, name, value);
  } else if (name === "value" && /^(input|textarea)$/.test(element.localName)) {
    const text = value ?? "";
    if (!element.inbTyping && element.value !== String(text)) element.value = text;
  } else if (name === "value" && element.localName === "progress") {
    if (value === null || value === undefined) element.removeAttribute("value");
    else element.value = value;
  } else if (element[name] !== value) {
    element[name] = value ?? (name === "value" ? "" : false);
  }
}

function attribute(element, name, value) {
  const drawn = element.inbNode !== undefined; // a new element has no attributes to look at
  if (value === null || value === undefined || value === false) drawn && element.removeAttribute(name);
  else if (!drawn || element.getAttribute(name) !== String(value)) element.setAttribute(name, value === true ? "" : value);
}

function patch(parent, nodes, svg) {
  if (!parent.firstChild) {
    for (const node of nodes) parent.appendChild(make(node, svg));
    return;
  }
  const keyed = new Map();
  const free = [];
  for (const child of parent.childNodes) {
    const key = child.inbNode?.props.key;
    if (key !== undefined) keyed.set(key, child);
    else free.push(child);
  }
  const reuse = (node) => {
    if (isText(node)) {
      const at = free.findIndex((child) => child.nodeType === Node.TEXT_NODE);
      return at < 0 ? undefined : free.splice(at, 1)[0];
    }
    const { key } = node.props;
    if (key !== undefined) {
      const child = keyed.get(key);
      keyed.delete(key);
      if (child?.localName === node.tag) return child;
      child?.remove();
      return undefined;
    }
    const at = free.findIndex((child) => child.inbNode?.tag === node.tag);
    return at < 0 ? undefined : free.splice(at, 1)[0];
  };
  const wanted = nodes.map((node) => {
    const child = reuse(node);
    if (child === undefined) return make(node, svg);
    if (isText(node)) {
      if (child.data !== String(node)) child.data = String(node);
    } else if (child.inbNode !== node) update(child, node, svg || node.tag === "svg");
    return child;
  });
  for (const child of [...keyed.values(), ...free]) child.remove();
  let at = parent.firstChild;
  for (const child of wanted) {
    if (child === at) at = at.nextSibling;
    else parent.insertBefore(child, at);
  }
}

// ---- the talk with Python ----

let views = 0;
const PATIENCE = 1000; // ms without an answer after which it is said that the kernel is busy
const LONGEST_PRESS = 1000; // ms; some lists that open at a press swallow the release
const SILENCE = 32 * PATIENCE; // the wait, twice as long each time, after which it is said that it does not answer

const panel = (draw, hear) => ({
  render({ model, el, signal }) {
    const view = `${Date.now().toString(36)}${(views++).toString(36)}${Math.random().toString(36).slice(2, 8)}`;
    const local = {};
    let sent = 0;
    let unanswered = []; // actions with their buffers
    let focused = 0;
    let state = model.get("state");
    let late = null; // or in words
    let gone = false; // whether nothing can reach the kernel any more
    let timer = null;
    let stopped = null;
    const root = document.createElement("div");
    root.className = "inb";
    el.append(root);

    const acked = () => (model.get("state").acks || {})[view] || 0;
    const send = (action, args = {}, buffers = undefined) => {
      sent += 1;
      const message = { action, view, seq: sent, ...args };
      unanswered.push([message, buffers]);
      if (post(message, buffers)) timer ??= setTimeout(waited, PATIENCE, PATIENCE);
      return sent;
    };
    // Returns whether it could be sent; a kernel that is new or gone has no ear for the panels of the old one.
    const post = (message, buffers) => {
      if (gone) return false;
      try {
        model.send(message, undefined, buffers);
      } catch (error) {
        console.warn(error);
        gone = true;
        stop();
        redraw();
      }
      return !gone;
    };
    const settle = () => { unanswered = unanswered.filter(([message]) => message.seq > acked()); };
    // A kernel can lose a message (ipykernel#1557) or sleep through it (ipykernel#1554): what has no answer is sent again,
    // and Python does nothing twice.
    const waited = (patience) => {
      timer = null;
      settle();
      late = unanswered.length ? (patience < SILENCE ? BUSY : SILENT) : null;
      if (!late || !unanswered.every(([message, buffers]) => post(message, buffers))) return;
      timer = setTimeout(waited, 2 * patience, 2 * patience);
      redraw();
    };
    const id = (text) => `inb-${view}-${text}`;
    // What goes away while it is drawn may tell of it, as a control that loses the focus does; that is drawn afterwards.
    let drawing = false;
    let again = false;
    // From the press of the mouse to its release all stays where it is: what moved away would miss the click.
    let pressed = null;
    const press = () => {
      clearTimeout(pressed);
      pressed = setTimeout(caughtUp, LONGEST_PRESS);
    };
    const release = () => {
      if (pressed === null) return;
      clearTimeout(pressed);
      pressed = null;
      setTimeout(caughtUp); // after the listeners of the click
    };
    const liftedOff = () => setTimeout(release); // the click comes first
    const caughtUp = () => {
      pressed = null;
      arrived();
      redraw();
    };
    const redraw = () => {
      if (pressed !== null) return;
      if (drawing) { again = true; return; }
      drawing = true;
      try { drawOnce(); } finally { drawing = false; }
      if (again) { again = false; redraw(); }
    };
    const drawOnce = () => {
      const active = root.getRootNode().activeElement;
      const inside = active && root.contains(active) ? active : null;
      const range = inside && typeof inside.selectionStart === "number" ? [inside.selectionStart, inside.selectionEnd] : null;
      awaiting = unanswered.length > 0;
      patch(root, [head(state, late, gone), draw({ state, send, local, redraw, id, root })].flat(), false);
      if (gone) disable(root, inside);
      if (inside?.disabled) stopped = inside.dataset.k; // by what it began; the browser takes the focus away from it
      else if (stopped && (inside || active !== root.ownerDocument.body || focusBack(root, stopped))) stopped = null;
      if (inside && !inside.isConnected && inside.dataset.k) {
        focusOn(root, inside.dataset.k); // the same control, made anew
      } else if (inside && root.getRootNode().activeElement !== inside && inside.isConnected) {
        inside.focus({ preventScroll: true });
        if (range) inside.setSelectionRange(...range);
      }
    };
    const arrived = () => {
      settle();
      if (pressed !== null || unanswered.length) return; // older than what was done here since; its own answer is on the way
      state = model.get("state");
      late = null;
      clearTimeout(timer);
      timer = null;
      redraw();
      const wanted = state.focus;
      if (wanted && wanted.view === view && wanted.seq > focused) {
        focused = wanted.seq;
        focusOn(root, wanted.key);
      }
    };
    const told = (message, buffers) => { if (hear && message.view === view) hear(message, buffers, { send, local, redraw }); };
    model.on("change:state", arrived);
    model.on("msg:custom", told);
    const page = root.ownerDocument;
    root.addEventListener("pointerdown", press);
    root.addEventListener("click", release, true);
    page.addEventListener("pointerup", liftedOff);
    redraw();
    const stop = () => {
      model.off("change:state", arrived);
      model.off("msg:custom", told);
      page.removeEventListener("pointerup", liftedOff);
      clearTimeout(timer);
    };
    signal?.addEventListener("abort", stop);
    return stop;
  },
});

// What Python would have to answer is out of reach; what can be read and copied stays.
const disable = (root, inside) => {
  root.classList.add("inb-gone");
  for (const each of root.querySelectorAll("input, select, textarea, button")) each.disabled = !each.closest(".inb-code");
  if (inside?.disabled) focusOn(root, "alert"); // the page's own keys would do something to the cell
};

// Gives the focus back to a control that was disabled for a while; whether it could.
const focusBack = (root, key) => {
  const control = root.querySelector(`[data-k="${CSS.escape(key)}"]`);
  if (control?.disabled) return false;
  control?.focus({ preventScroll: true });
  return true;
};

const focusOn = (root, key) => {
  const control = root.querySelector(`[data-k="${CSS.escape(key)}"]`);
  control?.scrollIntoView?.({ block: "nearest" });
  control?.focus({ preventScroll: true });
  if (control?.localName === "input") control.select(); // as Tab does, so that typing replaces what is there
  return Boolean(control);
};

// Two live regions that are always there: a reader tells only of changes in a region that it knows.
const BUSY = "Waiting for the kernel, which is busy";
const SILENT = "The kernel does not answer. If no cell is running, reload the page, or restart the kernel.";
const GONE = { kind: "error", text: "The kernel was restarted or is gone. Run this cell again." };
const head = (state, late, gone) => h("div", { class: "inb-head", key: "inb-head" },
  h("div", { key: "status", class: "inb-status", role: "status", "aria-live": "polite" },
    late ? h("span", {}, late) : state.busy && !gone && h("span", { class: "inb-busy" }, `${state.busy} …`),
    !late && !gone && state.notice && state.notice.kind !== "error" && notice(state.notice)),
  h("div", { key: "alert", role: "alert", tabindex: -1, k: "alert" },
    gone ? notice(GONE) : state.notice && state.notice.kind === "error" && notice(state.notice)));

const WORDS = { error: "Error", warning: "Warning", success: "Done", advice: "Hint" };
const notice = ({ kind, text }) => h("p", { class: `inb-notice inb-${kind}` },
  h("strong", {}, `${WORDS[kind] || kind}: `), h("span", {}, text));
