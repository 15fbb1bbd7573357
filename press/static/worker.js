// The Python of one page: Pyodide with byte-compiled packs, then bnlib.book.kernel for every request.
// The first message brings the plan (press/packs.py wrote it) and the names of the page's figures, the touched one first.
const at = (name) => String(new URL(`kernel/${name}`, import.meta.url));
const packs = {};                                  // name -> promise of an unpacked pack
const turns = [];                                  // of files that wait: what is used first is to come first
let ahead = 1_500_000;                             // bytes asked for beyond what has come: a line is never idle
let plan, core, py, inflate, tidy, kernel, booted, got = 0, asked = 0, wanted = 0;

function onwards() {
  while (turns.length && asked - got < ahead) {
    const { bytes, begin } = turns.shift();
    asked += bytes;
    begin();
  }
}

async function fetched(name) {                     // packed under a plain name, so that every server sends the same few bytes
  const bytes = plan.bytes[name];
  wanted += bytes;
  await new Promise((begin) => { turns.push({ bytes, begin }); onwards(); });
  const response = await fetch(`${at(name)}.pack?v=${plan.versions[name]}`);   // a new version is never mixed with an old one
  if (!response.ok) throw new Error(`${name}: ${response.status}`);
  const count = new TransformStream({ transform(chunk, out) { got += chunk.length; onwards(); out.enqueue(chunk); } });
  return response.body.pipeThrough(count);
}

// What Python is made of comes as gzip; the rest in a quarter less (Zstandard), for Python to unpack.
const unzipped = async (name) => (await fetched(name)).pipeThrough(new DecompressionStream("gzip"));
const bytesOf = async (stream) => new Uint8Array(await new Response(await stream).arrayBuffer());

// The loader asks for the interpreter and the standard library by their plain names.
const plainFetch = self.fetch;
self.fetch = async (resource, options) => String(resource) === at("pyodide.asm.wasm")
  ? new Response(await core.wasm, { headers: { "Content-Type": "application/wasm" } })
  : String(resource) === at("stdlib.zip") ? new Response(await core.library) : plainFetch(resource, options);

function inflated(packed) {
  const content = inflate(packed), view = content.getBuffer("u8");
  try { return view.data.slice(); } finally { view.release(); content.destroy(); }
}

function unpack(packed) {                          // uint32 length, JSON [[path, size], ...], then the files
  const bytes = inflated(packed);
  const length = new DataView(bytes.buffer).getUint32(0, true), made = new Set();
  let offset = 4 + length;
  for (const [path, size] of JSON.parse(new TextDecoder().decode(bytes.subarray(4, offset)))) {
    const full = plan.site + path, folder = full.slice(0, full.lastIndexOf("/"));
    if (!made.has(folder)) { py.FS.mkdirTree(folder); made.add(folder); }
    py.FS.writeFile(full, bytes.subarray(offset, offset += size), { canOwn: true });
  }
  py.runPython("import sys; sys.path_importer_cache.clear()");   // importlib's own way would import a mail reader
}

const need = (name) => (packs[name] ??= bytesOf(fetched(name)).then(unpack));

async function interpreter() {                     // what the loader would import under its plain name
  const script = await new Response(await core.script, { headers: { "Content-Type": "text/javascript" } }).blob();
  return (await import(URL.createObjectURL(script))).default;
}

async function told(work) {                        // with news of what has come, so that the page stays patient
  const ticker = setInterval(() => postMessage({ got, wanted }), 200);
  try { return await work(); } finally { clearInterval(ticker); }
}

const needsOf = (figure) => plan.needs[figure] ?? [];

async function boot({ figures: [first, ...others] }) {
  const [script, library, wasm] = [bytesOf(unzipped("pyodide.asm.mjs")), bytesOf(unzipped("stdlib.zip")), unzipped("pyodide.asm.wasm")];
  core = { wasm, script, library };
  const coming = [...new Set(["base", "bnlib", ...needsOf(first)])].map((name) => [name, bytesOf(fetched(name))]);
  for (const promise of [wasm, script, library, ...coming.map(([, bytes]) => bytes)]) promise.catch(() => {});
  const { loadPyodide } = await import(at("pyodide.mjs"));
  py = await loadPyodide({ indexURL: at(""), stdLibURL: at("stdlib.zip"), lockFileContents: plan.lock, packageBaseUrl: at(""),
    createPyodideModule: await interpreter() });
  inflate = py.runPython("from compression import zstd; lambda packed: zstd.decompress(packed.to_bytes())");
  tidy = py.runPython("import gc; gc.disable(); gc.collect");   // between answers: within, it takes an eighth of the time
  for (const [name, bytes] of coming) {
    unpack(await bytes);
    packs[name] = Promise.resolve();
    if (name === "bnlib") {
      ahead = Infinity;                            // nobody takes turns while Python works
      onwards();
      await new Promise((done) => setTimeout(done));
      py.pyimport("bnlib.book.figure");            // NumPy and Matplotlib, while SciPy comes
    }
  }
  kernel = await withFiles(() => py.pyimport("bnlib.book.kernel"));
  await withFiles(() => kernel.find(first));       // imports what it needs: no setting is to wait for that
  py.runPython("gc.freeze()");
  postMessage({ ready: true });
  beside(others).then(complete, () => {});         // what fails here is told when it is asked for
}

async function beside(figures) {                    // the figures beside the touched one, one by one between its answers
  for (const figure of figures) {
    await Promise.all(needsOf(figure).map(need));
    await new Promise((done) => setTimeout(done));
    await withFiles(() => kernel.find(figure));
  }
}

function complete() {
  tidy();
  py.runPython("gc.freeze()");
  postMessage({ complete: true });
}

const lastLine = (error) => String(error.message || error).trim().split("\n").findLast((line) => /^\w*(Error|Exception)\b/.test(line))
  ?? String(error.message || error).trim().split("\n").pop();
const missesFile = (error) => error.name === "PythonError" && /^(ModuleNotFound|FileNotFound|Import)Error$/.test(error.type);

async function withFiles(call) {                   // once more with all packs if a file is missing that no default opened
  try { return call(); } catch (error) {
    if (packs.rest || !missesFile(error)) throw error;
    await told(() => Promise.all(plan.packs.map(need)));
    return call();
  }
}

async function answer({ figure, layout, state, numbers }) {
  await told(() => Promise.all(needsOf(figure).map(need)));
  return withFiles(() => numbers ? { numbers: kernel.numbers(figure, JSON.stringify(state)), heap: py._module.HEAPU8.length }
    : JSON.parse(kernel.show(figure, layout, JSON.stringify(state))));
}

onmessage = async ({ data }) => {
  if (data.plan) {
    plan = data.plan;
    booted = told(() => boot(data));
    return booted.catch((error) => postMessage({ failed: lastLine(error) }));
  }
  try {
    await booted;
    postMessage(await answer(data));
    tidy();
  } catch (error) {                                // Python's own errors concern a setting, any other the whole kernel
    postMessage(error.name === "PythonError" ? { error: lastLine(error) } : { failed: lastLine(error) });
  }
};
