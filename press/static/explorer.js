// <bn-explorer>: a figure with native controls. The page holds its still; a move shows a frame prepared by the build,
// and as soon as the page's Python (python.js) is live, what it computes for exactly this setting.
// A classic script, and frames loaded by script elements, so that a book opened as files works too.
"use strict";
(() => {
  const root = new URL(".", document.currentScript.src);
  const NARROW = 560;                                   // px; the same width as in explorer.css
  const python = window.bnPython;
  const arrived = {}, loading = {};                     // "name.layout" -> frames, a promise of them

  window.bnFrames = (name, layout, frames) => { arrived[`${name}.${layout}`] = frames; };

  function load(name, layout) {
    const key = `${name}.${layout}`;
    return (loading[key] ??= new Promise((done, fail) => {
      const script = document.createElement("script");
      script.src = new URL(`frames/${key}.js`, root);
      script.onload = () => (arrived[key] ? done(arrived[key]) : fail(new Error(key)));
      script.onerror = () => { delete loading[key]; script.remove(); fail(new Error(key)); };
      document.head.append(script);
    }));
  }

  const plain = (word) => word.trim().replace(/[− ]/g, "-");     // "−0.5" as people type it, "batch-stop-gradient"

  const same = (word, value) => word === value || (value !== "" && Number(word) === Number(value));   // "2" and "2.0"

  class Explorer extends HTMLElement {
    connectedCallback() {
      if (this.parameters) return;
      this.name = this.getAttribute("name");
      this.$ = (selector) => this.querySelector(selector);
      this.parameters = this.readParameters();
      this.moved = "";                                  // the parameter that was moved last
      this.complaint = "";                              // what the address asked for in vain
      this.refused = new Map();                         // settings that Python could not compute -> why
      this.addEventListener("submit", (event) => event.preventDefault());
      this.$("form").addEventListener("input", (event) => this.move(event.target.dataset.parameter));
      for (const touch of ["focusin", "pointerdown"]) this.$("form").addEventListener(touch, () => python.start(this.name));
      this.addFoot();
      this.askFirst();
      new IntersectionObserver(([seen], observer) => {
        if (seen.isIntersecting) { observer.disconnect(); load(this.name, this.layout).catch(() => {}); }
      }, { rootMargin: "300px" }).observe(this);
      new ResizeObserver(() => { if (this.shown && this.shown !== this.layout) this.update(); }).observe(this);
      addEventListener("hashchange", () => this.restore());
      this.restore();
    }

    // name -> { inputs, words, names, start, label }; words are for people, names for addresses;
    // an index is a string, as the inputs have it
    readParameters() {
      const found = new Map();
      for (const input of this.querySelectorAll("[data-parameter]")) {
        const name = input.dataset.parameter, box = input.closest(".bn-range, fieldset");
        if (!found.has(name)) found.set(name, { inputs: [], words: [], names: [], label: box.querySelector("label, legend").textContent });
        const parameter = found.get(name);
        parameter.inputs.push(input);
        const { words, names, word, name: called } = input.dataset;
        if (input.type === "range") Object.assign(parameter, { words: words.split("|"), names: names.split("|"), start: input.defaultValue });
        else { parameter.words.push(word); parameter.names.push(called); if (input.defaultChecked) parameter.start = input.value; }
      }
      return found;
    }

    addFoot() {
      this.voice = Object.assign(document.createElement("p"), { className: "bn-voice" });
      this.$(".bn-foot").append(this.voice);
      this.speak("frame");
      python.watch(() => (python.phase === "live" && this.turn ? this.update() : this.speak()));
      const reset = Object.assign(document.createElement("button"), { type: "button", className: "bn-reset", textContent: "Reset" });
      reset.onclick = () => { this.set(this.start); this.move(""); };
      this.$(".bn-foot").append(reset);
    }

    get layout() { return this.clientWidth < NARROW ? "narrow" : "wide"; }
    get start() { return Object.fromEntries([...this.parameters].map(([name, p]) => [name, p.start])); }
    get state() {
      return Object.fromEntries([...this.parameters].map(([name, { inputs: [first, ...rest] }]) =>
        [name, first.type === "range" ? first.value : [first, ...rest].find((input) => input.checked).value]));
    }

    set(state) {
      for (const [name, { inputs }] of this.parameters) for (const input of inputs)
        if (input.type === "range") input.value = state[name]; else input.checked = input.value === state[name];
    }

    off(state = this.state) { return [...this.parameters.keys()].filter((name) => state[name] !== this.parameters.get(name).start); }
    word(name, index) { return this.parameters.get(name).words[index]; }

    move(name) {                                        // a reader's doing: it goes into the address
      this.moved = name;
      this.complaint = "";
      this.remember();
      this.update();
    }

    async update() {
      this.sayValues();
      const state = this.state, layout = this.layout, turn = (this.turn = (this.turn ?? 0) + 1);
      const asked = this.askPython(state, layout, turn);
      let frames;
      try { frames = await load(this.name, layout); } catch { frames = null; }
      if (turn !== this.turn || turn === this.answered) return;   // a newer setting has come, or Python was quicker
      const key = frames && this.nearest(frames, state);
      const kept = key?.split(",").map((part) => part.split("=")[0]) ?? [], dropped = this.off(state).filter((name) => !kept.includes(name));
      if (asked && (!frames || dropped.length)) {
        this.toggleAttribute("behind", true);                  // what still shows is of another setting
        return this.speak();
      }
      if (dropped.length) python.start(this.name);             // only Python has this setting
      const why = this.refused.has(JSON.stringify(state)) ? `Python in this page could not compute this setting: ${this.refused.get(JSON.stringify(state))}. ` : "";
      this.toggleAttribute("behind", false);
      if (!frames) {
        this.toggleAttribute("near", dropped.length > 0);
        return this.status(why + "The prepared pictures of this figure could not be loaded: the picture does not follow the controls.");
      }
      this.show(frames[key], layout, dropped.length > 0);
      this.speak("frame");
      const { parameters } = this;
      this.status(why + (!dropped.length ? "" : "This combination has no prepared picture. Shown is the nearest: " + dropped.map((name) =>
        `${parameters.get(name).label} ${this.word(name, parameters.get(name).start)} instead of ${this.word(name, state[name])}`).join(", ") + "."));
    }

    // Whether Python was asked. What it answers is shown unless something newer is there already.
    askPython(state, layout, turn) {
      const setting = JSON.stringify(state);
      this.pending = python.phase === "live" && !this.refused.has(setting);
      if (!this.pending) return false;
      python.ask(this, { figure: this.name, layout, state }, (reply) => {
        if (reply.error) {
          this.refused.set(setting, reply.error);
          if (turn === this.turn) this.update();
          return;
        }
        if (turn < this.answered) return;
        this.answered = turn;
        if (turn === this.turn) this.pending = false;
        this.show(reply, layout, false);
        this.took = reply.compute + reply.draw;
        this.speak("python");
        this.status("");
      });
      return true;
    }

    // Which of the two is speaking: the prepared pictures, or Python.
    speak(speaker = this.speaker) {
      this.speaker = speaker;
      const said = speaker === "python" ? `Computed by Python in this page, in ${Math.round(this.took)} ms.` : "Prepared picture.";
      const more = { off: "", starting: python.note, live: this.pending ? "Python is computing …" : "",
        failed: `Python is not available in this page (${python.note}); the prepared pictures still work.` }[python.phase];
      this.voice.textContent = `${said} ${more}`.trim();
      this.setAttribute("speaker", speaker);
      this.setAttribute("python", python.phase);
    }

    // The key of the frame that drops the fewest changes, and of those one that keeps what was moved last.
    nearest(frames, state) {
      let keys = [[]];
      for (const name of this.off(state)) keys = [...keys, ...keys.map((key) => [...key, name])];
      const rank = (key) => 2 * key.length + key.includes(this.moved);
      return keys.sort((a, b) => rank(b) - rank(a)).map((key) => key.map((name) => `${name}=${state[name]}`).join(",")).find((key) => key in frames);
    }

    show(frame, layout, near) {
      if (this.svg !== frame.svg) this.$(".bn-image").innerHTML = this.svg = frame.svg;
      this.shown = layout;
      this.toggleAttribute("near", near);
      this.toggleAttribute("behind", false);
      this.$("figcaption").textContent = frame.text;
      this.answer = frame.answer;
      this.judge();
    }

    sayValues() {
      for (const [name, { inputs: [input], words }] of this.parameters) if (input.type === "range") {
        input.setAttribute("aria-valuetext", words[input.value]);
        this.$(`output[for="${input.id}"]`).value = words[input.value];
      }
    }

    status(note) { this.$(".bn-status").textContent = [this.complaint, note].filter(Boolean).join(" "); }

    // A figure may ask for a prediction before it shows.
    askFirst() {
      this.question = this.$(".bn-predict");
      if (!this.question) return;
      this.answer = Number(this.question.dataset.answer);
      this.question.hidden = false;
      this.$(".bn-shown").hidden = true;
      this.question.addEventListener("click", ({ target }) => {
        if (target.tagName !== "BUTTON") return;
        this.reveal(target.value);
        this.$("form input").focus();
      });
    }

    reveal(guess) {
      this.guess = guess;
      this.question.lastElementChild.hidden = true;
      this.$(".bn-shown").hidden = false;
      this.judge();
    }

    judge() {                                           // the words of Prediction.verdict in bnlib/book/figure.py
      if (this.guess === undefined) return;
      const choice = (index) => this.$(`.bn-predict button[value="${index}"]`).textContent, verdict = this.$(".bn-verdict");
      verdict.hidden = false;
      verdict.textContent = this.guess === "" ? `Here: ${choice(this.answer)}.` : `You said: ${choice(this.guess)}. ` +
        (Number(this.guess) === this.answer ? "That is right here." : `Here it is: ${choice(this.answer)}.`);
    }

    // The state of every figure is in the address: #three-gradients.students=3&decay.rate=0.5
    remember() {
      const url = new URL(location), state = this.state;
      const hash = new URLSearchParams([...new URLSearchParams(url.hash.slice(1))].filter(([k]) => k.includes(".") && !k.startsWith(this.name + ".")));
      for (const name of this.off()) hash.set(`${this.name}.${name}`, this.parameters.get(name).names[state[name]]);
      url.hash = hash;
      history.replaceState(null, "", url);
    }

    restore() {
      const wanted = this.start, refused = [], asked = new URLSearchParams(location.hash.slice(1));
      for (const key of new Set(asked.keys())) {
        const [figure, ...rest] = key.split("."), name = rest.join("."), values = [...new Set(asked.getAll(key))];
        if (figure !== this.name || !rest.length) continue;
        const { words, names } = this.parameters.get(name) ?? { words: [], names: [] };
        const index = names.findIndex((called, i) => [called, words[i]].some((word) => same(plain(word), plain(values[0]))));
        if (index < 0 || values.length > 1) refused.push(`${name} = ${values.join(" and ")}`);
        else { wanted[name] = String(index); this.moved = name; }
      }
      const changed = Object.keys(wanted).some((name) => wanted[name] !== this.state[name]);
      this.complaint = refused.length ? `The address asks for ${refused.join(", ")}, which this figure does not have; the default is shown instead.` : "";
      this.set(wanted);                                 // also when a browser has kept a form's values over a reload
      if (this.question && this.guess === undefined && this.off().length) this.reveal("");   // the question is about the defaults
      if (changed) this.update(); else this.status("");
      if (refused.length || this.off().length) this.scrollIntoView({ block: "center" });
    }
  }

  customElements.define("bn-explorer", Explorer);
})();
