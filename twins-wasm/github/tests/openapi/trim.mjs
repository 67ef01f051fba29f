// Writes operations.json: what the vendor's OpenAPI description says of the operations in the areas that the twin models, and of
// the payloads that it sends to webhooks.
//
//   npm install --no-save --prefix /tmp/openapi @octokit/openapi
//   node twins-wasm/github/tests/openapi/trim.mjs /tmp/openapi
//
// An operation keeps its inputs and its answers' schemas; descriptions and examples are dropped, `nullable` becomes a union with
// null, and `$ref`s point into one table of definitions, so that the result is plain JSON Schema. Everything is sorted, one
// operation or definition a line: the same description gives the same file.

import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const installed = join(process.argv[2] ?? ".", "node_modules/@octokit/openapi");
// The vendor's file is named after its host.
const host = ["api", "github", "com"].join(".");
const described = JSON.parse(readFileSync(join(installed, "generated", `${host}.json`), "utf8"));

/** `GET /repos/{}/{}`: names of path parameters differ between the twin and the vendor, places do not. */
const address = (method, path) => `${method.toUpperCase()} ${path.replace(/\{[^}]*\}/g, "{}")}`;

/** The vendor's areas from which the twin models operations; whole areas, so that a new route needs no new copy of this file. */
const AREAS = new Set([
  "actions", "activity", "branches", "checks", "collaborators", "commits", "deploy-keys", "emojis", "gists", "git", "gitignore", "interactions",
  "issues", "licenses", "markdown", "meta", "orgs", "pulls", "rate-limit", "reactions", "releases", "repos", "search", "teams",
  "users",
]);

const resolve = (value) => {
  if (!value?.$ref) return value;
  const steps = value.$ref.slice(2).split("/");
  return resolve(steps.reduce((at, step) => at[step], described));
};

const definitions = {};
const KEPT = [
  "type", "enum", "required", "format", "pattern", "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems",
  "uniqueItems",
];

/** One OpenAPI 3.0 schema as JSON Schema. */
const schema = (from) => {
  if (from === undefined) return true;
  if (from.$ref) {
    const name = from.$ref.split("/").pop();
    if (!(name in definitions)) {
      definitions[name] = null;
      definitions[name] = schema(resolve(from));
    }
    return { $ref: `#/definitions/${name}` };
  }
  const to = {};
  for (const key of KEPT) if (from[key] !== undefined) to[key] = from[key];
  if (from.format !== undefined && !["date-time", "date", "uri", "email"].includes(from.format)) delete to.format;
  if (from.properties) {
    to.properties = Object.fromEntries(Object.entries(from.properties).map(([name, value]) => [name, schema(value)]));
  }
  if (from.items) to.items = schema(from.items);
  if (from.additionalProperties !== undefined) {
    to.additionalProperties =
      typeof from.additionalProperties === "boolean" ? from.additionalProperties : schema(from.additionalProperties);
  }
  for (const key of ["allOf", "anyOf", "oneOf"]) if (from[key]) to[key] = from[key].map(schema);
  if (from.not) to.not = schema(from.not);
  if (!from.nullable) return to;
  if (to.allOf || to.anyOf || to.oneOf) return { anyOf: [to, { type: "null" }] };
  if (to.enum) to.enum = to.enum.includes(null) ? to.enum : [...to.enum, null];
  if (to.type) to.type = [to.type, "null"];
  return to;
};

const json = (content) => {
  const type = Object.keys(content ?? {}).find((name) => /^application\/(json|scim\+json)/.test(name));
  return type ? schema(content[type].schema) : null;
};

const operations = {};
for (const [path, methods] of Object.entries(described.paths)) {
  for (const [method, operation] of Object.entries(methods)) {
    const key = address(method, path);
    if (!AREAS.has(operation["x-github"].category)) continue;
    const parameters = (operation.parameters ?? []).map(resolve).filter((parameter) => parameter.in === "query");
    operations[key] = {
      id: operation.operationId,
      query: Object.fromEntries(parameters.map((parameter) => [parameter.name, schema(parameter.schema)])),
      body: operation.requestBody ? json(resolve(operation.requestBody).content) : null,
      responses: Object.fromEntries(
        Object.entries(operation.responses).map(([status, response]) => [status, json(resolve(response).content)]),
      ),
    };
  }
}
/** The events that the twin sends to webhooks. */
const EVENTS = new Set([
  "check_run", "check_suite", "commit_comment", "create", "delete", "deploy_key", "fork", "issue_comment", "issue_dependencies",
  "issues", "label", "member", "milestone", "ping", "public", "pull_request", "pull_request_review",
  "pull_request_review_comment", "push", "release", "repository", "star", "status", "sub_issues", "team_add", "watch",
  "workflow_job", "workflow_run",
]);

/** `issues.opened`: the payload of an event and its action. */
const payloads = {};
for (const { post } of Object.values(described["x-webhooks"])) {
  const event = post["x-github"].subcategory.replaceAll("-", "_");
  if (!EVENTS.has(event)) continue;
  const body = post.requestBody.content["application/json"].schema;
  const whole = resolve(body);
  const action = resolve((whole.properties ?? resolve(whole.oneOf?.[0])?.properties)?.action)?.enum?.[0];
  payloads[action ? `${event}.${action}` : event] = schema(body);
}
for (const name of ["basic-error", "validation-error", "validation-error-simple"]) {
  schema({ $ref: `#/components/schemas/${name}` });
}

const version = JSON.parse(readFileSync(join(installed, "package.json"), "utf8")).version;
const lines = (table) =>
  Object.keys(table)
    .sort()
    .map((name) => `${JSON.stringify(name)}:${JSON.stringify(table[name])}`)
    .join(",\n");
writeFileSync(
  join(here, "operations.json"),
  `{"source":"@octokit/openapi ${version}","operations":{\n${lines(operations)}\n},"payloads":{\n${lines(payloads)}\n},"definitions":{\n${lines(definitions)}\n}}\n`,
);
console.log(`${Object.keys(operations).length} operations, ${Object.keys(payloads).length} payloads, ${Object.keys(definitions).length} definitions`);
