/*
 * The tracker that the sandbox serves to web pages. A page has the snippet of a source and calls
 *   window._intempt['NUMBER'].track("flight-booking", {"bookingId": "1"})
 *
 * No event is lost and none is there twice. Each has a key of its own in localStorage from the moment it is tracked
 * until the server has said that it has it, so tabs never write over each other's queue, and a reload, a crash or a dead
 * server cost nothing. What is sent again, because an answer was lost, the server knows by its eventId.
 *
 * It waits for no more than MAX_QUEUE: with so much unsent, further events are dropped, and track() returns nothing.
 * Where localStorage is forbidden or full, events wait on the page, and of those that wait when it ends only one request
 * goes out, with about 60,000 bytes.
 *
 * A page event tells that a page was loaded or came back, or that history.pushState, the Back button or a fragment made
 * it another one. history.replaceState puts an address right, and is no page event.
 *
 * What is told of pages and elements, and what never is: see elements.js.
 *
 * Nothing here throws into the page.
 */
(() => {
  "use strict";

  const FLUSH_AT = 20; // events
  const FLUSH_MS = 500;
  const MAX_QUEUE = 2_000_000; // characters of events; browsers keep 5 million of a site
  const MAX_BATCH_EVENTS = 1000; // the server takes no more
  const MAX_EVENT = 30_000; // bytes
  const MAX_BATCH = 60_000; // bytes; browsers take 64 KiB of a page that is on its way out
  const TIMEOUT_MS = 30_000;
  const FIRST_WAIT_MS = 1000;
  const LONGEST_WAIT_MS = 60_000;
  const LONGEST_RETRY_AFTER_MS = 600_000;
  const YEAR_S = 31_536_000;
  const VISITOR = "intempt.visitorId";

  const trackers = (window._intempt = window._intempt || {});

  function say(line) { console.log(`[Intempt] ${line}`); }
  function warn(line) { console.warn(`[Intempt] ${line}`); }

  /** Returns `work` as a function that warns where it would throw. */
  function quiet(work) {
    return (...args) => {
      try { return work(...args); } catch (error) { warn(`Not tracked: ${error}`); return undefined; }
    };
  }

  /** A UUID4 in lower case without dashes. crypto.randomUUID is only for pages served by https. */
  function newId() {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  const encoder = new TextEncoder();
  function bytesOf(text) { return encoder.encode(text).length; }

  // ---- what is remembered: in localStorage, or on this page where that is full or forbidden ----

  const memory = new Map();

  function remember(key, text) {
    try { localStorage.setItem(key, text); return true; } catch { memory.set(key, text); return false; }
  }

  function recall(key) {
    try { return localStorage.getItem(key) ?? memory.get(key); } catch { return memory.get(key); }
  }

  function forget(key) {
    memory.delete(key);
    try { localStorage.removeItem(key); } catch { /* it was in memory only */ }
  }

  function keysOf(prefix) {
    let stored = [];
    try { stored = Object.keys(localStorage); } catch { /* forbidden */ }
    return [...stored, ...memory.keys()].filter((key) => key.startsWith(prefix)).sort();
  }

  function isInMemory(prefix) { return [...memory.keys()].some((key) => key.startsWith(prefix)); }

  function cookie() {
    try { return document.cookie.match(/(?:^|; )intempt\.visitorId=([^;]+)/)?.[1]; } catch { return undefined; }
  }

  /** Read anew each time: of two tabs opened at once, both then use what stands there. */
  function visitorId() {
    const known = recall(VISITOR) ?? cookie();
    if (known) return known;
    const made = newId();
    if (!remember(VISITOR, made)) {
      try { document.cookie = `${VISITOR}=${made}; Max-Age=${YEAR_S}; Path=/; SameSite=Lax`; } catch { /* forbidden */ }
    }
    return recall(VISITOR);
  }

  /** Does `work` unless another tab is at it; browsers that cannot tell just do it. */
  function alone(name, work) {
    if (!navigator.locks || self.origin === "null") return work();
    return navigator.locks.request(name, { ifAvailable: true }, (lock) => lock && work());
  }

  // ---- the queue of one source ----

  class Queue {
    #prefix;
    #url;
    #made = 0; // makes the keys of one millisecond go in order
    #failures = 0;
    #notBefore = 0;
    #stopped = false;
    #busy = false;
    #full = false;
    #waiting; // events and characters, as far as known; counting them reads them all
    #timer;
    #due = Infinity;
    #under = new Map(); // keys under way, with their bytes

    constructor(number, url, told, stopped) {
      this.#prefix = `intempt.${number}.`;
      this.#url = url;
      this.told = told;
      this.stopped = stopped;
    }

    put(event) {
      const text = JSON.stringify(event);
      if (bytesOf(text) > MAX_EVENT) {
        warn(`An event for "${event.collection}" is larger than ${MAX_EVENT} bytes and is dropped`);
        return false;
      }
      const waiting = (this.#waiting ??= this.#count());
      if (waiting.length + text.length > MAX_QUEUE) {
        if (!this.#full) warn(`${waiting.events} events wait for the server; further ones are dropped`);
        this.#full = true;
        return false;
      }
      this.#full = false;
      waiting.events += 1;
      waiting.length += text.length;
      const order = `${String(Date.now()).padStart(15, "0")}.${String(this.#made++).padStart(6, "0")}`;
      remember(`${this.#prefix}${order}.${newId()}`, text);
      this.schedule(waiting.events >= FLUSH_AT ? 0 : FLUSH_MS);
      return true;
    }

    #count() {
      const texts = keysOf(this.#prefix).map((key) => recall(key) ?? "");
      return { events: texts.length, length: texts.reduce((sum, text) => sum + text.length, 0) };
    }

    schedule(wait) {
      const due = Math.max(Date.now() + wait, this.#notBefore);
      if (this.#stopped || (this.#due <= due && this.#due >= this.#notBefore)) return;
      clearTimeout(this.#timer);
      this.#due = due;
      this.#timer = setTimeout(() => this.#flush(), due - Date.now());
    }

    /** The line is back: waiting for it is over. */
    online() {
      this.#notBefore = 0;
      this.schedule(0);
    }

    /** The page may end now: what waits goes out without waiting for anything. */
    hide() {
      // The server may have asked for a pause; what is in localStorage can wait for the next page.
      const pause = Date.now() < this.#notBefore && !isInMemory(this.#prefix);
      const batch = this.#stopped || pause ? [] : this.#next();
      if (!batch.length) return;
      if (!("keepalive" in Request.prototype)) {
        // It stays in the queue as well: no answer will be seen, and the server knows the events again.
        navigator.sendBeacon(this.#url, bodyOf(batch));
        return;
      }
      say(`Flushing events queue ${batch.length}`);
      this.#send(batch);
    }

    async #flush() {
      this.#due = Infinity;
      if (this.#busy || Date.now() < this.#notBefore) {
        this.schedule(FLUSH_MS);
        return;
      }
      this.#busy = true;
      try {
        await alone(this.#prefix, () => this.#drain());
      } catch (error) {
        warn(`Not sent yet: ${error}`);
        this.#later();
      } finally {
        this.#busy = false;
        this.#waiting = undefined; // other tabs sent and added as well
      }
      if (keysOf(this.#prefix).length) this.schedule(FLUSH_MS);
    }

    async #drain() {
      for (let batch = this.#next(); batch.length && !this.#stopped; batch = this.#next()) {
        say(`Flushing events queue ${batch.length}`);
        if (!(await this.#send(batch))) return;
      }
    }

    /** The oldest events that are not under way, as many as one request may have. */
    #next() {
      const batch = [];
      let room = MAX_BATCH;
      for (const size of this.#under.values()) room -= size;
      for (const key of keysOf(this.#prefix)) {
        const text = this.#under.has(key) ? null : recall(key);
        if (!text) continue; // under way, or another tab has sent it
        const event = parsed(text);
        if (!event) {
          forget(key);
          continue;
        }
        const size = bytesOf(text) + 1;
        if (size > room || batch.length === MAX_BATCH_EVENTS) break;
        room -= size;
        batch.push({ key, text, size, event });
      }
      return batch;
    }

    /** Sends events and returns whether to go on. */
    async #send(batch) {
      for (const { key, size } of batch) this.#under.set(key, size);
      try {
        const answer = await post(this.#url, bodyOf(batch));
        if (answer.ok) return this.#taken(batch, await answer.json());
        if (answer.status === 400 || answer.status === 413) return await this.#narrow(batch, answer);
        if ([401, 403, 404, 410].includes(answer.status)) return this.#stop(await reasonOf(answer));
        return this.#later(answer.headers.get("Retry-After"));
      } catch {
        return this.#later(); // no connection, no time left, or an answer that is not the server's
      } finally {
        for (const { key } of batch) this.#under.delete(key);
      }
    }

    #taken(batch, answer) {
      if (typeof answer.stored !== "number") return this.#later();
      this.#failures = 0;
      this.#notBefore = 0;
      for (const { key } of batch) forget(key);
      this.#waiting = undefined;
      if (answer.stored) say("Successfully sent batch of event");
      this.told(batch.map(({ event }) => event), answer);
      return true;
    }

    /** The request as a whole was refused: halves of it tell which event is meant. */
    async #narrow(batch, answer) {
      if (batch.length > 1) {
        const middle = batch.length >> 1;
        return (await this.#send(batch.slice(0, middle))) && this.#send(batch.slice(middle));
      }
      forget(batch[0].key);
      const refused = [{ index: 0, field: null, message: await reasonOf(answer) }];
      this.told([batch[0].event], { stored: 0, refused, ignored: {} });
      return true;
    }

    #stop(reason) {
      this.#stopped = true;
      this.stopped(reason);
      warn(`Events are kept and not sent until the page is loaded again: ${reason}`);
      return false;
    }

    #later(retryAfter) {
      const asked = Number(retryAfter) * 1000 || Date.parse(retryAfter ?? "") - Date.now() || 0;
      const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** this.#failures) * (0.5 + Math.random() / 2);
      this.#failures += 1;
      this.#notBefore = Date.now() + Math.max(wait, Math.min(asked, LONGEST_RETRY_AFTER_MS));
      this.schedule(0);
      return false;
    }
  }

  function parsed(text) {
    try { return JSON.parse(text); } catch { return undefined; }
  }

  function bodyOf(batch) { return `{"events":[${batch.map(({ text }) => text).join(",")}]}`; }

  /** Plain text and no header of our own, so that the browser asks no leave before; `keepalive` outlives the page. */
  function post(url, body) {
    const signal = AbortSignal.timeout ? AbortSignal.timeout(TIMEOUT_MS) : undefined;
    return fetch(url, { method: "POST", body, keepalive: true, credentials: "omit", referrerPolicy: "no-referrer", signal });
  }

  async function reasonOf(answer) {
    const body = parsed(await answer.text().catch(() => ""));
    return body?.message ?? `status ${answer.status}`;
  }

  /* elements.js */

  // ---- a tracker: what the page calls, and what happens by itself ----

  const AUTOMATIC = ["page", "interaction"];

  function announce(what, detail) { window.dispatchEvent(new CustomEvent(`intempt:${what}`, { detail })); }

  function start(number, stub) {
    const off = new Set(); // the automatic collections that the source has not
    const told = new Set(); // what was warned of already
    const queue = new Queue(number, stub.events, quiet(report), quiet((reason) => announce("stopped", { number, reason })));
    let shown; // the time of the last page event, which the next one and all clicks have as parentTimestamp
    let address;

    function put(collection, properties, time) {
      if (typeof collection !== "string" || !collection) throw new TypeError("track() needs the name of a collection");
      const data = properties ?? {};
      const kind = Object.prototype.toString.call(data); // a Map or a Date would become something else as JSON
      if (kind !== "[object Object]") throw new TypeError("the properties are to be a plain object");
      const event = { collection, eventId: newId(), visitorId: visitorId(), timestamp: time, data };
      return queue.put(event) ? (data.eventId ?? event.eventId) : undefined;
    }

    function report(events, answer) {
      for (const { index, field, message, missing } of answer.refused) {
        const { collection } = events[index];
        const place = field ? `${field}: ` : "";
        warn(`An event for "${collection}" was refused and is dropped: ${place}${message}`);
        if (!missing || off.has(collection) || !AUTOMATIC.includes(collection)) continue;
        off.add(collection);
        warn(`No ${collection} is told any more until the page is loaded again`);
      }
      for (const [collection, names] of Object.entries(answer.ignored)) {
        const fresh = names.filter((name) => !told.has(`${collection}.${name}`));
        fresh.forEach((name) => told.add(`${collection}.${name}`));
        if (fresh.length) warn(`"${collection}" has no field ${fresh.join(", ")}: not kept`);
      }
      const refused = new Set(answer.refused.map(({ index }) => index));
      const sent = events.filter((_, index) => !refused.has(index));
      if (sent.length) announce("sent", { number, events: sent });
    }

    function page() {
      if (off.has("page")) return;
      const parentTimestamp = shown ?? null;
      [shown, address] = [Date.now(), location.href];
      put("page", { parentTimestamp, title: document.title || null, pageUrl: pageUrl() }, shown);
    }

    function interaction(type, element) {
      if (off.has("interaction")) return;
      put("interaction", { parentTimestamp: shown ?? null, type, element: described(element) }, Date.now());
    }

    function clicked(event) {
      const [target] = event.composedPath();
      const inner = target instanceof Element ? target : target?.parentElement;
      if (!inner || isIgnored(event)) return;
      const element = nearest(inner, CONTROLS) ?? inner;
      // A choice tells of itself when it changes, and a label's click comes a second time, from its control.
      if (!is(element, `option,${CHOICES}`) && !(is(element, "label") && element.control)) interaction("click", element);
    }

    function changed(event) {
      const [element] = event.composedPath();
      if (element instanceof Element && !isIgnored(event) && tells(element)) interaction("change", element);
    }

    function submitted(event) {
      if (event.target instanceof Element && !isIgnored(event)) interaction("submit", event.target);
    }

    function watch() {
      page();
      // The title of the next page is often set right behind the call.
      const moved = quiet(() => location.href !== address && page());
      const push = history.pushState;
      history.pushState = function pushState(...args) {
        push.apply(this, args);
        setTimeout(moved);
      };
      window.addEventListener("popstate", () => setTimeout(moved));
      window.addEventListener("pageshow", quiet((event) => event.persisted && page()));
      document.addEventListener("click", quiet(clicked), true);
      document.addEventListener("change", quiet(changed), true);
      document.addEventListener("submit", quiet(submitted), true);
    }

    // The page may have kept the object, or the stub's own track, from before this script came.
    const { early } = stub;
    delete stub.early;
    stub.track = quiet((collection, properties) => put(collection, properties, Date.now()));
    const take = quiet(([time, [collection, properties]]) => put(collection, properties, time));
    const watching = quiet(watch);
    if (document.prerendering) document.addEventListener("prerenderingchange", watching, { once: true });
    else if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", watching, { once: true });
    else watching();
    early.forEach(take);
    early.push = take;
    document.addEventListener("visibilitychange", quiet(() => document.visibilityState === "hidden" && queue.hide()));
    window.addEventListener("pagehide", quiet(() => queue.hide()));
    window.addEventListener("online", quiet(() => queue.online()));
    queue.schedule(0); // what an earlier page has left
  }

  for (const [number, stub] of Object.entries(trackers)) if (stub.early) quiet(start)(number, stub);
})();
