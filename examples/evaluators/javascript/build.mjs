// Makes `tone.wasm` of `tone.js`: `node build.mjs [--quickjs] [output]`.
//
// componentize-js brings SpiderMonkey (12 MiB, fast), componentize-qjs QuickJS (1.6 MiB, quick to build).

import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const source = here("tone.js");
// Copy this folder beside your code when you leave this repository.
const wit = here("../../../wit/evaluator");

async function spidermonkey() {
  const { componentize } = await import("@bytecodealliance/componentize-js");
  // Without these two features nothing of HTTP is imported, which would be refused.
  const options = { sourcePath: source, witPath: wit, worldName: "evaluator", disableFeatures: ["http", "fetch-event"] };
  return (await componentize(options)).component;
}

async function quickjs() {
  const { componentize } = await import("componentize-qjs");
  const jsSource = await readFile(source, "utf8");
  return (await componentize({ jsSource, jsPath: source, witPath: wit, world: "evaluator", sync: true })).component;
}

const small = process.argv.includes("--quickjs");
const output = process.argv.slice(2).find((argument) => !argument.startsWith("--")) ?? here("tone.wasm");
const component = small ? await quickjs() : await spidermonkey();
await writeFile(output, component);
console.log(`${output}: ${component.length} bytes`);
