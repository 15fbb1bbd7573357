// node pack.mjs FILES ROOT OUT: packs the kernel. FILES: what assemble.py gathered; ROOT: the folder with bnlib and press.
import fs from "node:fs";
import path from "node:path";
import zlib from "node:zlib";

const [files, root, out] = process.argv.slice(2).map((folder) => path.resolve(folder) + path.sep);
const { pathToFileURL } = await import("node:url");
const { loadPyodide } = await import(pathToFileURL(`${files}pyodide.mjs`));
const list = JSON.parse(fs.readFileSync(`${root}press/kernel_files.json`));
const lock = JSON.stringify({ info: list.info, packages: {} });  // nothing is installed by name, so that an empty lock will do
process.on("uncaughtException", (error) => { console.error(String(error.message || error)); process.exit(1); });
let site;

async function start() {                           // a Pyodide with all packages, bnlib and the packer
  const py = await loadPyodide({ indexURL: files, lockFileContents: lock, packageBaseUrl: files });
  site = py.runPython("import site; site.getsitepackages()[0]") + "/";
  for (const { name } of list.files.filter((file) => file.name.endsWith(".whl")))
    py.unpackArchive(new Uint8Array(fs.readFileSync(files + name)), "wheel", { extractDir: site });
  for (const name of fs.readdirSync(`${root}bnlib`, { recursive: true }).filter((name) => /\.(py|json)$/.test(name))) {
    const target = `${site}bnlib/${name.split(path.sep).join("/")}`;
    py.FS.mkdirTree(path.posix.dirname(target));
    py.FS.writeFile(target, fs.readFileSync(`${root}bnlib/${name}`));
  }
  py.FS.writeFile(`${site}lazy_packages.py`, fs.readFileSync(`${root}press/lazy_packages.py`));
  py.FS.writeFile("/tmp/pack.py", fs.readFileSync(`${root}press/pack.py`));
  py.runPython("import sys; sys.path.insert(0, '/tmp'); import pack");
  return py;
}

const tables = (await start()).runPython("pack.find_tables()").toJs({ dict_converter: Object.fromEntries });
const py = await start();                          // a fresh one, so that it imports what a reader's will
for (const [name, text] of Object.entries(tables)) py.FS.writeFile(`${site}${name.replaceAll(".", "/")}/__init__.py`, text);
py.runPython("pack.watch()");
try { py.runPython("import no_such_module"); } catch {}  // what telling an error takes is packed, too
const made = py.runPython(`pack.packs(${JSON.stringify(site)})`).toJs({ dict_converter: Object.fromEntries });
const bytes = {};
const write = (name, packed) => {                  // under a name that no server unpacks or packs again on the way
  fs.writeFileSync(`${out}${name}.pack`, packed);
  bytes[name] = packed.length;
};
// gzip, which browsers unpack, for what Python is made of; all else in a quarter less, for Python to unpack (worker.js).
const { ZSTD_c_compressionLevel: level } = zlib.constants;
const gzip = (data) => zlib.gzipSync(data, { level: 9 });
const zstd = (data, effort) => zlib.zstdCompressSync(data, { params: { [level]: effort } });
for (const [name, data] of Object.entries(made.packs)) write(name, zstd(data, name === "rest" ? 9 : 19));  // few ask for the rest
write("stdlib.zip", gzip(made.stdlib));
for (const name of ["pyodide.asm.wasm", "pyodide.asm.mjs"]) write(name, gzip(fs.readFileSync(files + name)));
fs.copyFileSync(`${files}pyodide.mjs`, `${out}pyodide.mjs`);  // small, and the one file that is asked for as it is
bytes["pyodide.mjs"] = fs.statSync(`${out}pyodide.mjs`).size;
const more = Object.keys(made.packs);
fs.writeFileSync(`${out}made.json`, JSON.stringify({ site, lock, needs: made.needs, packs: more, bytes }));
process.exit(0);  // Pyodide keeps node awake
