/*
 * What the tracker tells of pages and elements; the server puts this into tracker.js, where its name stands.
 *
 * Never told: what is in a field that a person types into. `value` goes along for buttons, checkboxes, radios and
 * selects, whose values the page's author wrote; for other fields only if they have the attribute data-intempt, and for
 * fields of passwords, cards, codes and the like, hidden ones and files not even then. `text` is that of links and
 * buttons, unless something in them can be edited.
 *
 * Told, and it may repeat what was typed: the address of the page and of links, where a form with method=get puts its
 * fields, but for the values of parameters whose names say that they are secret; the title of the page; the text of a
 * link or button that the page made of what was typed. Of an element with the attribute data-intempt-ignore, and of all
 * inside of it, nothing is told.
 */

const CONTROLS = "a,button,input,select,textarea,option,summary,label,[role=button],[role=link],[role=tab],[data-intempt]";
const WITH_TEXT = "a,button,summary,label,[role=button],[role=link],[role=tab]";
const CHOICES = "input[type=checkbox],input[type=radio],select";
const WRITTEN = `input[type=button],input[type=submit],input[type=reset],button,${CHOICES}`;
const NEVER = "input[type=password],input[type=hidden],input[type=file]";
const IGNORED = "data-intempt-ignore";
const EDITED = `[contenteditable]:not([contenteditable="false" i]),textarea,[role=textbox]`;
const SECRET = /passw|passphrase|passcode|pwd|secret|token|otp|one-time|card|(^|[^a-z])(pin|pw|pass|cc)([^a-z]|$)|cvc|cvv|csc|iban|ssn/i;
const TEXT_LENGTH = 200;
const PATH_DEPTH = 8;

/** What every element has of a name; on a form that may be hidden by a field, as by <input name=children>. */
function own(element, name) { return Reflect.get(Element.prototype, name, element); }
function is(element, selector) { return own(element, "matches").call(element, selector); }
function nearest(element, selector) { return own(element, "closest").call(element, selector); }
function attribute(element, name) { return own(element, "getAttribute").call(element, name) || null; }
function has(element, name) { return own(element, "hasAttribute").call(element, name); }
function tagOf(element) { return own(element, "tagName").toLowerCase(); }

function isIgnored(event) { return event.composedPath().some((each) => each instanceof Element && has(each, IGNORED)); }

function isSecret(element) {
  const names = ["autocomplete", "name", "id"].map((name) => attribute(element, name) ?? "");
  return is(element, NEVER) || names.some((name) => SECRET.test(name));
}

function tells(element) {
  const opted = is(element, "input,textarea") && has(element, "data-intempt");
  return (is(element, WRITTEN) || opted) && !isSecret(element);
}

function pathOf(element) {
  const parts = [];
  for (let each = element; each && parts.length < PATH_DEPTH; each = own(each, "parentElement")) {
    const id = attribute(each, "id");
    const parent = own(each, "parentElement");
    const twins = parent ? [...own(parent, "children")].filter((other) => tagOf(other) === tagOf(each)) : [];
    const place = twins.length > 1 ? `:nth-of-type(${twins.indexOf(each) + 1})` : "";
    parts.unshift(tagOf(each) + (id ? `#${id}` : place));
    if (id) break;
  }
  return parts.join(" > ");
}

function textOf(element) {
  const inside = own(element, "querySelector").call(element, `${EDITED},[${IGNORED}]`);
  if (!is(element, WITH_TEXT) || inside || nearest(element, EDITED)) return null;
  const text = own(element, "textContent").replace(/\s+/g, " ").trim() || attribute(element, "aria-label");
  return text ? text.slice(0, TEXT_LENGTH) : null;
}

function attributesOf(element) {
  const names = own(element, "getAttributeNames").call(element);
  const wanted = names.filter((name) => name === "type" || name === "role" || name.startsWith("data-intempt"));
  return wanted.length ? Object.fromEntries(wanted.map((name) => [name, attribute(element, name) ?? ""])) : null;
}

function decoded(text) {
  try { return decodeURIComponent(text); } catch { return text; }
}

/** An address, or a part of one, without the values of secret parameters; null for none. */
function withoutSecrets(address) {
  if (!address) return null;
  let hidden = false;
  const kept = address.split(/(?=[?&#;/])/).map((piece) => {
    if (/^[&#]/.test(piece)) hidden = false; // what else is in a value does not end it
    if (hidden) return "";
    const [name] = piece.split("=", 1);
    hidden = name !== piece && SECRET.test(decoded(name));
    return hidden ? `${name}=` : piece;
  });
  return kept.join("").replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/?#]*@/i, "$1");
}

function described(element) {
  const told = tells(element);
  const amount = told && is(element, "input[type=number],input[type=range]") ? element.valueAsNumber : NaN;
  const { href } = element;
  return {
    tag: tagOf(element),
    name: attribute(element, "name"),
    href: withoutSecrets(typeof href === "string" ? href : attribute(element, "href")), // SVG has an object there
    className: attribute(element, "class"),
    classList: [...own(element, "classList")],
    id: attribute(element, "id"),
    path: pathOf(element),
    text: textOf(element),
    value: told ? element.value || null : null,
    number: Number.isFinite(amount) ? amount : null,
    checked: told && is(element, "input[type=checkbox],input[type=radio]") ? element.checked : null,
    attributes: attributesOf(element),
  };
}

function pageUrl() {
  const { protocol, hostname, port, pathname, search, hash } = location;
  return {
    scheme: protocol.slice(0, -1),
    userInfo: null, // browsers keep it from pages
    host: hostname,
    port: port ? Number(port) : null,
    path: pathname,
    query: withoutSecrets(search.slice(1)),
    fragment: withoutSecrets(hash.slice(1)),
  };
}
