// Runs a program that was built for wasm32: `node wasm/run.mjs PROGRAM.wasm`. It gets no files, no arguments and no
// environment. One for wasm32-unknown-unknown has no way to say anything: what comes of it is its status alone, and what it
// asks of JavaScript fails.
import { readFile } from 'node:fs/promises';
import { WASI } from 'node:wasi';

const module = await WebAssembly.compile(await readFile(process.argv[2]));
const imports = WebAssembly.Module.imports(module);
if (imports.some(({ module }) => module === 'wasi_snapshot_preview1')) {
  const wasi = new WASI({ version: 'preview1' });
  process.exitCode = wasi.start(await WebAssembly.instantiate(module, wasi.getImportObject()));
} else {
  const absent = {};
  for (const { module, name } of imports) {
    (absent[module] ??= {})[name] = () => {
      throw new Error(`the program asks for ${module}.${name}`);
    };
  }
  const { exports } = await WebAssembly.instantiate(module, absent);
  process.exitCode = exports.main(0, 0);
}
