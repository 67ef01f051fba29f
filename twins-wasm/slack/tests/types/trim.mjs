// Cuts the answers of the modelled methods out of the declarations of `@slack/web-api`, as names and kinds.
//
//   npm install @slack/web-api typescript
//   node trim.mjs node_modules/@slack/web-api > responses.json
//
// Kinds are `string`, `number`, `boolean`, `any`, `[kind]` for lists, `{kind}` for maps, and the number of a shape in `shapes`.
// Blocks and attachments are left out: they are what the caller sent.
import { readFileSync } from "node:fs";
import ts from "typescript";

const folder = process.argv[2];
const version = JSON.parse(readFileSync(`${folder}/package.json`, "utf8")).version;
const methods = readFileSync(new URL("../../src/routes.rs", import.meta.url), "utf8").matchAll(/"\/([a-zA-Z.]+)"/g);
const OPAQUE = ["blocks", "attachments", "title_blocks", "view", "state", "media_progress", "transcription", "huddle_transcript_file_id"];

const interfaces = new Map();
const answers = {};

function read(file) {
  const source = ts.createSourceFile(file, readFileSync(file, "utf8"), ts.ScriptTarget.ES2022, true);
  const own = new Set();
  source.forEachChild((node) => {
    // A callback that answers something ends the walk.
    if (ts.isInterfaceDeclaration(node)) own.add(node.name.text);
  });
  const kind = (type) => {
    if (!type) return "any";
    switch (type.kind) {
      case ts.SyntaxKind.StringKeyword: return "string";
      case ts.SyntaxKind.NumberKeyword: return "number";
      case ts.SyntaxKind.BooleanKeyword: return "boolean";
    }
    if (ts.isArrayTypeNode(type)) return [kind(type.elementType)];
    if (ts.isUnionTypeNode(type)) {
      const kinds = [...new Set(type.types.map((each) => JSON.stringify(kind(each))))];
      return kinds.length === 1 ? JSON.parse(kinds[0]) : "any";
    }
    if (ts.isLiteralTypeNode(type)) return ts.isStringLiteral(type.literal) ? "string" : "any";
    if (ts.isTypeLiteralNode(type)) {
      const index = type.members.find(ts.isIndexSignatureDeclaration);
      return index ? { map: kind(index.type) } : "any";
    }
    if (ts.isTypeReferenceNode(type)) {
      const name = type.typeName.getText();
      return own.has(name) ? { ref: `${file}#${name}` } : "any";
    }
    return "any";
  };
  const members = (nodes) => {
    const out = {};
    for (const each of nodes) {
      if (!ts.isPropertySignature(each)) continue;
      const name = each.name.getText().replace(/^["']|["']$/g, "");
      out[name] = OPAQUE.includes(name) ? "any" : kind(each.type);
    }
    return out;
  };
  let root;
  source.forEachChild((node) => {
    if (ts.isInterfaceDeclaration(node)) interfaces.set(`${file}#${node.name.text}`, members(node.members));
    if (ts.isTypeAliasDeclaration(node) && node.name.text.endsWith("Response")) {
      const parts = ts.isIntersectionTypeNode(node.type) ? node.type.types : [node.type];
      root = Object.assign({}, ...parts.filter(ts.isTypeLiteralNode).map((part) => members(part.members)));
    }
  });
  return root;
}

const found = [...new Set([...methods].map((each) => each[1]))].sort();
for (const method of found) {
  const name = method[0].toUpperCase() + method.slice(1).replace(/\.(.)/g, (_, letter) => letter.toUpperCase());
  try {
    const root = read(`${folder}/dist/types/response/${name}Response.d.ts`);
    if (!root) continue;
    interfaces.set(method, root);
    answers[method] = method;
  } catch (error) {
    if (error.code !== "ENOENT") throw error;
  }
}

// Shapes that look the same are one shape.
const reached = new Set();
const reach = (name) => {
  if (reached.has(name)) return;
  reached.add(name);
  const refs = (kind) => {
    if (Array.isArray(kind)) kind.forEach(refs);
    else if (kind?.ref) reach(kind.ref);
    else if (kind?.map) refs(kind.map);
  };
  Object.values(interfaces.get(name)).forEach(refs);
};
Object.values(answers).forEach(reach);
let classes = new Map([...reached].map((name) => [name, "0"]));
const shown = (kind, of) => {
  if (Array.isArray(kind)) return [shown(kind[0], of)];
  if (kind?.ref) return of.get(kind.ref);
  if (kind?.map) return { map: shown(kind.map, of) };
  return kind;
};
for (let round = 0; round < 12; round++) {
  const seen = new Map();
  const next = new Map();
  for (const name of reached) {
    const text = JSON.stringify(Object.entries(interfaces.get(name)).sort().map(([key, kind]) => [key, shown(kind, classes)]));
    if (!seen.has(text)) seen.set(text, String(seen.size));
    next.set(name, seen.get(text));
  }
  classes = next;
}
const numbers = new Map([...classes].map(([name, id]) => [name, Number(id)]));
const shapes = [];
for (const [name, id] of numbers) {
  shapes[id] ??= Object.fromEntries(Object.entries(interfaces.get(name)).sort().map(([key, kind]) => [key, shown(kind, numbers)]));
}
const roots = Object.fromEntries(Object.keys(answers).map((method) => [method, numbers.get(method)]));
const lines = (object) => Object.entries(object).map(([key, value]) => `  ${JSON.stringify(key)}: ${JSON.stringify(value)}`).join(",\n");
const list = shapes.map((shape) => `  ${JSON.stringify(shape)}`).join(",\n");
console.log(`{\n"source": ${JSON.stringify(`@slack/web-api ${version}`)},\n"answers": {\n${lines(roots)}\n},\n"shapes": [\n${list}\n]\n}`);
