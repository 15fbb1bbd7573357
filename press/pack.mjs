// node pack.mjs FILES ROOT OUT: packs the kernel. FILES: what assemble.py gathered; ROOT: the folder with bnlib and press.
import fs from "node:fs";
import path from "node:path";
import zlib from "node:zlib";

const [files, root, out] = process.argv.slice(2).map((folder) => path.resolve(folder) + path.sep);
const { pathToFileURL } = await import("node:url");
const { loadPyodide } = await import(pathToFileURL(`${files}pyodide.mjs`));
const list = JSON.parse(fs.readFileSync(`${root}press/kernel_files.json`));
const lock = JSON.stringify({ info: list.info, packages: {} });  // nothing is installed by name, so that an empty lock will do

const py = await loadPyodide({ indexURL: files, lockFileContents: lock, packageBaseUrl: files });
const site = py.runPython("import site; site.getsitepackages()[0]") + "/";
for (const { name } of list.files.filter((file) => file.name.endsWith(".whl")))
  py.unpackArchive(new Uint8Array(fs.readFileSync(files + name)), "wheel", { extractDir: site });
for (const name of fs.readdirSync(`${root}bnlib`, { recursive: true }).filter((name) => /\.(py|json)$/.test(name))) {
  const target = `${site}bnlib/${name.split(path.sep).join("/")}`;
  py.FS.mkdirTree(path.posix.dirname(target));
  py.FS.writeFile(target, fs.readFileSync(`${root}bnlib/${name}`));
}
py.FS.writeFile("/tmp/pack.py", fs.readFileSync(`${root}press/pack.py`));
py.runPython("import sys; sys.path.insert(0, '/tmp'); import pack; pack.watch()");
const made = py.runPython(`pack.packs(${JSON.stringify(site)})`).toJs({ dict_converter: Object.fromEntries });
const bytes = {};
const write = (name, data) => { fs.writeFileSync(out + name, data); bytes[name] = data.length; };
// gzip under a name that no server unpacks or packs again on the way
for (const [name, data] of Object.entries(made.packs)) write(`${name}.pack`, zlib.gzipSync(data, { level: 9 }));
write("stdlib.zip", py.runPython("pack.standard_library()").toJs());
write("pyodide.asm.wasm.pack", zlib.gzipSync(fs.readFileSync(`${files}pyodide.asm.wasm`), { level: 9 }));
for (const name of ["pyodide.mjs", "pyodide.asm.mjs"]) write(name, fs.readFileSync(files + name));
fs.writeFileSync(`${out}made.json`, JSON.stringify({ site, lock: lock, needs: made.needs, bytes }));
process.exit(0);  // Pyodide keeps node awake
