// One Python for the page, in a worker: started by the first touch of a figure, freed when the page is left.
// Figures ask it for a setting; only each figure's latest question waits, and one that takes too long is stopped.
"use strict";
(() => {
  const root = new URL(".", document.currentScript.src);
  const PATIENCE = 10_000;                              // ms for one setting
  const SILENCE = 90_000;                               // ms without news while it starts, or fetches what it lacks
  const watchers = new Set(), waiting = new Map();      // figure -> its latest question
  let phase = "off", note = "", touched, plan, worker, busy, timer;

  function tell(next, words = "") { phase = next; note = words; for (const watcher of watchers) watcher(); }

  function fetchPlan() {
    return (plan ??= new Promise((done, fail) => {
      window.bnKernel = done;
      const script = document.createElement("script");
      script.src = new URL("kernel/kernel.js", root);
      script.onerror = () => { plan = undefined; script.remove(); fail(new Error("its files could not be loaded")); };
      document.head.append(script);
    }));
  }

  async function start(figure) {
    if (phase !== "off") return;
    touched = figure;
    if (!location.protocol.startsWith("http")) return tell("failed", "a book opened as files has none");
    tell("starting", "Starting Python in this page …");
    let found;
    try { found = await fetchPlan(); } catch (error) { return fail(error.message); }
    if (phase !== "starting" || worker) return;         // the page was left meanwhile
    if (found.missing) return fail("this copy of the book was built without it");
    launch(found);
  }

  function launch(found) {
    try { worker = new Worker(new URL("worker.js", root), { type: "module" }); } catch (error) { return fail(error.message); }
    worker.onerror = (event) => { event.preventDefault(); fail(event.message || "its worker could not be loaded"); };
    worker.onmessage = ({ data }) => hear(data);
    const figures = [...document.querySelectorAll("bn-explorer")].map((figure) => figure.getAttribute("name"));
    worker.postMessage({ plan: found, figures: [...new Set([touched, ...figures])] });
    patience(SILENCE, () => fail("it did not start"));
  }

  function patience(limit, then) { clearTimeout(timer); timer = setTimeout(then, limit); }

  function hear(message) {
    if (message.failed) return fail(message.failed);
    if (message.ready) { clearTimeout(timer); tell("live"); return next(); }
    if ("wanted" in message) return progress(message);
    if (message.complete) return void (note = "complete");   // all figures of the page are ready: no news for any
    clearTimeout(timer);
    const { reply } = busy;
    busy = undefined;
    reply(message);
    next();
  }

  let heard = 0;
  function progress({ got, wanted }) {
    if (phase === "live" && !busy) return;              // it fetches what other figures need
    if (got > heard || phase !== "starting") patience(SILENCE, () => (phase === "live" ? stop() : fail("it did not start")));
    heard = got;
    const mb = (bytes) => (bytes / 1e6).toFixed(1);
    if (phase === "starting") tell("starting", got < wanted ? `Starting Python in this page: ${mb(got)} of ${mb(wanted)} MB …` : "Starting Python in this page: almost ready …");
  }

  function stop() {                                     // a setting that takes too long: away with it, and a fresh start
    const { reply } = busy;
    drop();
    tell("starting", "Starting Python in this page again …");
    reply({ error: `it took more than ${PATIENCE / 1000} seconds and was stopped` });
    fetchPlan().then(launch);
  }

  function drop() {
    worker?.terminate();
    clearTimeout(timer);
    worker = busy = undefined;
    heard = 0;
  }

  function fail(why) { drop(); waiting.clear(); tell("failed", why); }

  function next() {
    if (phase !== "live" || busy || !waiting.size) return;
    const [figure, question] = waiting.entries().next().value;
    waiting.delete(figure);
    busy = question;
    worker.postMessage(question.request);
    patience(PATIENCE, stop);
  }

  addEventListener("pagehide", () => { drop(); waiting.clear(); if (phase !== "failed") tell("off"); });

  window.bnPython = {
    start,
    get phase() { return phase; },
    get note() { return note; },
    watch(watcher) { watchers.add(watcher); },
    // The reply is { svg, text, compute, draw } or { error }; a newer question of the same figure replaces one that waits.
    ask(figure, request, reply) { waiting.set(figure, { request, reply }); next(); },
  };
})();
