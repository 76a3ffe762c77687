/* News from the service, by a stream where this tab may have one, else by asking every second.
 *
 * A browser allows six connections to one host over HTTP/1.1. So at most three tabs hold a stream, as slots taken with
 * Web Locks; the others, and pages without locks (plain http from another machine), ask the same address for JSON.
 * The stream is read with fetch and not with EventSource, because EventSource hides the heartbeat comments, and a
 * stream that died without a word would never be noticed. Every request says from which cursor on, so nothing is lost
 * between two of them.
 */
"use strict";

window.ergoscope = window.ergoscope || {};

(function () {
  const SLOTS = 3;
  const POLL_MS = 1000;
  const GONE_MS = 5000; /* between questions for a run that is not there */
  const POLLS_PER_TRY = 5; /* then a slot is tried for again */

  let current = null; /* AbortController of what runs now */
  let release = null; /* gives the slot back */
  let lostSince = null;
  let leaving = false; /* a form, as to log out, is on its way: a reload would call it back */
  document.addEventListener("submit", () => { leaving = true; });

  /* patience: the service sends something every 10 s; after this silence the stream is taken for dead */
  const state = { mode: "off", positions: {}, token: "", patience: 25000 };

  function sleep(ms, signal) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      signal.addEventListener("abort", () => { clearTimeout(timer); resolve(); }, { once: true });
    });
  }

  function slot(index) {
    return new Promise((got) => {
      navigator.locks.request("ergoscope-stream-" + index, { ifAvailable: true }, (lock) => {
        if (!lock) { got(null); return undefined; }
        return new Promise((giveBack) => got(giveBack));
      }).catch(() => got(null));
    });
  }

  async function takeSlot() {
    if (!navigator.locks) return null;
    for (let index = 0; index < SLOTS; index += 1) {
      const taken = await slot(index);
      if (taken) return taken;
    }
    return null;
  }

  function address(plan) {
    const asked = new URLSearchParams();
    plan.runs.forEach((run) => asked.append("run", run));
    /* without a name the service would send every series */
    const metrics = plan.runs.length && !plan.metrics.length ? ["loss"] : plan.metrics;
    metrics.forEach((metric) => asked.append("metrics", metric));
    const since = plan.runs.filter((run) => run in state.positions).map((run) => run + ":" + state.positions[run]);
    if (since.length) asked.set("since", since.join(","));
    else if (!plan.runs.length && state.token) asked.set("since", state.token);
    return "/api/v1/live?" + asked.toString();
  }

  function take(kind, text, plan, handle) {
    const data = typeof text === "string" ? JSON.parse(text) : text;
    if (kind === "increment") {
      const before = state.positions[data.run];
      if (before !== undefined && data.cursor <= before) return;
      state.positions[data.run] = data.cursor;
      handle(kind, data, before, plan.metrics);
    } else {
      handle(kind, data);
    }
  }

  function connected(handle) {
    if (lostSince === null) return;
    lostSince = null;
    handle("found", null);
  }

  function parse(block, plan, handle) {
    let kind = "message";
    const lines = [];
    for (const line of block.split("\n")) {
      if (line.startsWith("event:")) kind = line.slice(6).trim();
      else if (line.startsWith("data:")) lines.push(line.slice(5).trimStart());
      else if (line.startsWith("id:")) state.token = line.slice(3).trim();
    }
    if (lines.length) take(kind, lines.join("\n"), plan, handle);
  }

  /* What is wrong with an answer: 404 says that a run is not there any more, or not for whoever looks. */
  function refusal(answer) {
    return Object.assign(new Error("the service answered " + answer.status), { gone: answer.status === 404 });
  }

  async function listen(plan, signal, handle) {
    const inner = new AbortController();
    const stop = () => inner.abort();
    signal.addEventListener("abort", stop, { once: true });
    let watchdog = setTimeout(stop, state.patience);
    try {
      const answer = await fetch(address(plan), {
        headers: { Accept: "text/event-stream" }, cache: "no-store", signal: inner.signal,
      });
      if (answer.status === 401 && !leaving) location.reload(); // nobody is logged in any more: the service asks again
      if (!answer.ok || !answer.body) throw refusal(answer);
      state.mode = "stream";
      connected(handle);
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      let buffer = "";
      for (;;) {
        const { value, done } = await reader.read();
        if (done) throw new Error("the stream ended");
        clearTimeout(watchdog);
        watchdog = setTimeout(stop, state.patience);
        buffer += value.replace(/\r\n/g, "\n");
        const blocks = buffer.split("\n\n");
        buffer = blocks.pop();
        if (!signal.aborted) blocks.forEach((block) => parse(block, plan, handle));
      }
    } finally {
      clearTimeout(watchdog);
      inner.abort();
      signal.removeEventListener("abort", stop);
    }
  }

  async function poll(plan, signal, handle) {
    for (let count = 0; count < POLLS_PER_TRY && !signal.aborted; count += 1) {
      const limit = AbortSignal.any([signal, AbortSignal.timeout(state.patience)]);
      const answer = await fetch(address(plan), {
        headers: { Accept: "application/json" }, cache: "no-store", signal: limit,
      });
      if (!answer.ok) throw refusal(answer);
      const told = await answer.json();
      if (signal.aborted) return;
      state.mode = "poll";
      connected(handle);
      if (told.cursor) state.token = told.cursor;
      (told.events || []).forEach((one) => take(one.event, one.data, plan, handle));
      handle("polled", null);
      await sleep(POLL_MS, signal);
    }
  }

  async function follow(plan, signal, handle) {
    let wait = 500;
    while (!signal.aborted) {
      try {
        if (!release) {
          const taken = await takeSlot();
          if (taken && signal.aborted) { taken(); return; }
          release = taken;
        }
        if (release) await listen(plan, signal, handle); else await poll(plan, signal, handle);
        wait = 500;
      } catch (problem) {
        if (signal.aborted) return;
        if (problem.gone) {
          connected(handle);
          handle("deleted", null);
          await sleep(GONE_MS, signal);
          continue;
        }
        if (state.mode !== "lost") wait = 500;
        state.mode = "lost";
        if (lostSince === null) { lostSince = Date.now(); handle("lost", lostSince); }
        await sleep(wait + Math.random() * 200, signal);
        wait = Math.min(2 * wait, 4000);
      }
    }
  }

  ergoscope.stream = {
    /* Follow plan = {runs, metrics, positions}: positions, by run, are the cursors of the figures on the page. */
    start(plan, handle) {
      if (current) current.abort();
      current = new AbortController();
      state.positions = { ...plan.positions };
      follow(plan, current.signal, handle);
    },
    stop() {
      if (current) current.abort();
      current = null;
      if (release) release();
      release = null;
      state.mode = "off";
    },
    state,
  };
})();
