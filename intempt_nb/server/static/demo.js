// A page as its owner would write it: the snippet is in its head, and this calls track() where something happens.
const track = (collection, properties) => window._intempt[document.body.dataset.tracker].track(collection, properties);
const byId = (id) => document.getElementById(id);
const tell = (text) => { byId("count").textContent = text; };
const bookings = new Map();
let sent = 0;

// Before anything is waited for: the page event of the start is sent soon.
window.addEventListener("intempt:sent", ({ detail }) => {
  sent += detail.events.length;
  tell(`${sent} event${sent === 1 ? "" : "s"} stored.`);
  for (const event of detail.events) {
    const row = make("tr", "");
    row.append(make("td", event.collection), make("td", told(event)));
    byId("log").querySelector("tbody").prepend(row);
  }
});

window.addEventListener("intempt:stopped", ({ detail }) => tell(`The tracker has stopped: ${detail.reason}. Load the page again.`));
window.addEventListener("load", () => {
  const blocked = window._intempt[document.body.dataset.tracker].early; // the script takes it over when it comes
  if (blocked) tell("The tracker’s script did not load, so nothing is sent: does the browser block it?");
});

const { airports, flights } = await (await fetch("/demo/flights.json")).json();

function make(tag, text, properties = {}) {
  return Object.assign(document.createElement(tag), { textContent: text }, properties);
}

/** A day as ISO text, on this machine's calendar. */
function day(after = 0) {
  const date = new Date();
  date.setDate(date.getDate() + after);
  return [date.getFullYear(), date.getMonth() + 1, date.getDate()].map((part) => String(part).padStart(2, "0")).join("-");
}

function fill(select, codes) {
  const before = select.value;
  select.replaceChildren(...codes.map((code) => make("option", `${airports[code]} (${code})`, { value: code })));
  if (codes.includes(before)) select.value = before;
}

const codesOf = (rows, name) => [...new Set(rows.map((row) => row[name]))].sort((a, b) => airports[a].localeCompare(airports[b]));

function offer() {
  fill(byId("destination"), codesOf(flights.filter((each) => each.origin === byId("origin").value), "destination"));
}

function line(title, detail, button) {
  const row = make("li", "");
  const words = make("span", "");
  words.append(make("strong", title), make("small", detail));
  row.append(words, ...(button ? [button] : []));
  return row;
}

function flightRow(flight) {
  const book = make("button", "Book", { type: "button" });
  const title = `${flight.departure} – ${flight.arrival}`;
  book.setAttribute("aria-label", `Book the flight at ${flight.departure}, ${flight.airline}`);
  book.addEventListener("click", () => change(flight, crypto.getRandomValues(new Uint32Array(1))[0].toString(36), "booked"));
  return line(title, `${flight.airline}, ${flight.miles.toLocaleString("en")} miles`, book);
}

function search(event) {
  event.preventDefault();
  const [origin, destination] = [byId("origin").value, byId("destination").value];
  const found = flights.filter((each) => each.origin === origin && each.destination === destination);
  const passengers = Number(byId("passengers").value);
  track("flight-search", { origin, destination, departureDate: byId("date").value, passengers, results: found.length });
  byId("found").textContent = `${found.length} flight${found.length === 1 ? "" : "s"} to ${airports[destination]}, local times`;
  byId("flights").replaceChildren(...found.map(flightRow));
}

function change(flight, bookingId, bookingStatus) {
  track("flight-booking", { bookingId, flightId: flight.flightId, bookingStatus, bookingDate: day() });
  bookings.set(bookingId, { flight, bookingStatus });
  byId("booked").textContent = `${flight.airline} to ${airports[flight.destination]}: ${bookingStatus}.`;
  byId("bookings").replaceChildren(...[...bookings].reverse().map(([id, each]) => bookingRow(id, each)));
  if (bookingStatus === "cancelled") byId("passenger").focus(); // the button that had the focus is gone
}

function bookingRow(id, { flight, bookingStatus }) {
  const where = `${flight.origin} to ${flight.destination}, ${flight.departure}`;
  if (bookingStatus !== "booked") return line(where, `${flight.airline}, ${bookingStatus}`);
  const cancel = make("button", "Cancel", { type: "button", className: "plain" });
  cancel.setAttribute("aria-label", `Cancel ${where}`);
  cancel.addEventListener("click", () => change(flight, id, "cancelled"));
  return line(where, `${flight.airline}, ${bookingStatus}`, cancel);
}

function told({ collection, data }) {
  const element = data.element ? `${data.type} ${data.element.tag} ${data.element.text ?? data.element.value ?? ""}` : "";
  return element || data.title || [data.bookingStatus, data.flightId, data.origin, data.destination].filter(Boolean).join(" ") || collection;
}

fill(byId("origin"), codesOf(flights, "origin"));
offer();
byId("date").value = day(14);
byId("origin").addEventListener("change", offer);
byId("search").addEventListener("submit", search);
