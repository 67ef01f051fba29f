// Live answers against the vendors' own TypeScript declarations: each answer is written into a source file as a literal of the
// declared type, and the compiler says what is missing, unknown or of another kind.
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { after, before, test } from "node:test";
import ts from "typescript";
import { startTwin } from "./twin.mjs";

// Below node_modules, so that the compiler finds the declarations and git does not see it.
const folder = fileURLToPath(new URL("./node_modules/.live/", import.meta.url));

/** A JSON value as an expression. Amounts in text are a class of their own in the library's declarations. */
function literal(value, key = "") {
  if (typeof value === "string" && key.endsWith("_decimal")) return `${JSON.stringify(value)} as never`;
  if (Array.isArray(value)) return `[${value.map((each) => literal(each)).join(",\n")}]`;
  if (value && typeof value === "object") {
    return `{${Object.entries(value).map(([name, each]) => `${JSON.stringify(name)}: ${literal(each, name)}`).join(",\n")}}`;
  }
  return JSON.stringify(value);
}

// What the declarations do not know although it is so: the crypto rail is a preview, rich text has leaves with styles, and
// profiles have their custom fields.
const DECLARED_OTHERWISE = [
  ["Omit<Stripe.PaymentIntent, never>", "'\"crypto_display_details\"' does not exist in type 'NextAction'"],
  ["Omit<Stripe.PaymentIntent, never>", "'\"mode\"' does not exist in type 'Crypto'"],
  ["slack.", "Type '{ bold: true; }' is not assignable to type 'string'"],
  ...["text", "user", "emoji"].map((leaf) => ["slack.", `Type '"${leaf}"' is not assignable to type`]),
  ["slack.UsersInfoResponse", "'\"fields\"' does not exist in type 'Profile'"],
];

/** The values of every enum of the program, by name: an answer has the text, the declarations have the enum. */
function enumValues(program) {
  const values = new Map();
  for (const file of program.getSourceFiles()) {
    ts.forEachChild(file, (node) => {
      if (!ts.isEnumDeclaration(node)) return;
      const known = values.get(node.name.text) ?? new Set();
      for (const member of node.members) if (member.initializer) known.add(member.initializer.text);
      values.set(node.name.text, known);
    });
  }
  return values;
}

/** What the compiler says about each answer: `{ "Stripe.Charge": [] }`. */
function complaints(name, header, answers) {
  mkdirSync(folder, { recursive: true });
  const file = `${folder}${name}.ts`;
  const starts = [];
  let source = `${header}\n`;
  for (const [type, value] of answers) {
    starts.push([source.length, type]);
    source += `export const live${starts.length}: ${type} = ${literal(value)};\n`;
  }
  writeFileSync(file, source);
  const program = ts.createProgram([file], {
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    types: ["node"],
  });
  const enums = enumValues(program);
  const inEnum = (words) => {
    const [, text, name] = /^Type '"([^"]+)"' is not assignable to type '(\w+)/.exec(words) ?? [];
    return enums.get(name)?.has(text);
  };
  const found = new Map(answers.map(([type]) => [type, []]));
  for (const diagnostic of ts.getPreEmitDiagnostics(program)) {
    const owner = starts.findLast(([start]) => start <= (diagnostic.start ?? 0))?.[1];
    const words = ts.flattenDiagnosticMessageText(diagnostic.messageText, " ").replace(/\s+/g, " ");
    assert.ok(owner && diagnostic.file?.fileName === file, words);
    const expected = DECLARED_OTHERWISE.some(([type, part]) => owner.startsWith(type) && words.includes(part));
    if (!expected && !inEnum(words)) found.get(owner).push(words);
  }
  return found;
}

function report(vendor, found) {
  const clean = [...found.values()].filter((words) => words.length === 0).length;
  console.log(`${vendor}: ${clean} of ${found.size} kinds of answers are as the vendor declares them`);
  for (const [type, words] of found) for (const each of words) console.log(`  ${type}: ${each.slice(0, 400)}`);
}

const twins = {};
before(async () => {
  for (const name of ["stripe", "slack"]) twins[name] = await startTwin(name);
});
after(async () => {
  for (const twin of Object.values(twins)) assert.equal(await twin.stop(), 0);
});

test("objects of Stripe are complete", async () => {
  const world = await twins.stripe.makeWorld();
  const call = async (method, path, form) => {
    const answer = await fetch(`${world.rest_url}/v1/${path}`, {
      method,
      headers: { authorization: `Bearer ${world.token}`, "content-type": "application/x-www-form-urlencoded" },
      body: form,
    });
    const body = await answer.json();
    assert.ok(answer.ok, `${method} ${path}: ${JSON.stringify(body)}`);
    return body;
  };
  const customer = await call("POST", "customers", "name=Ann&email=ann@example.com&metadata[a]=1");
  const method = await call("POST", "payment_methods/pm_card_visa/attach", `customer=${customer.id}`);
  const pay = `amount=2000&currency=usd&confirm=true&payment_method_types[]=card&customer=${customer.id}&payment_method=${method.id}`;
  const intent = await call("POST", "payment_intents", pay);
  const deposit = "amount=1000&currency=usd&payment_method_types[]=crypto&payment_method_options[crypto][mode]=deposit" +
    "&payment_method_options[crypto][deposit_options][networks][]=base";
  const refund = await call("POST", "refunds", `payment_intent=${intent.id}&amount=500`);
  const product = await call("POST", "products", "name=Lamp");
  const price = await call("POST", "prices", `product=${product.id}&currency=usd&unit_amount=900&recurring[interval]=month`);
  const answers = [
    ["Stripe.Customer", await call("GET", `customers/${customer.id}`)],
    ["Stripe.PaymentMethod", method],
    ["Stripe.PaymentIntent", intent],
    // The same type once more: what waits for a deposit shows other parts.
    ["Omit<Stripe.PaymentIntent, never>", await call("POST", "payment_intents", deposit)],
    ["Stripe.Charge", await call("GET", `charges/${intent.latest_charge}`)],
    ["Stripe.Refund", refund],
    ["Stripe.BalanceTransaction", (await call("GET", "balance_transactions")).data[0]],
    ["Stripe.Balance", await call("GET", "balance")],
    ["Stripe.Product", product],
    ["Stripe.Price", price],
    ["Stripe.Event", (await call("GET", "events?type=customer.created")).data[0]],
    ["Stripe.WebhookEndpoint", await call("POST", "webhook_endpoints", "url=http://127.0.0.1:9/&enabled_events[]=*")],
    ["Stripe.DeletedCustomer", await call("DELETE", `customers/${customer.id}`)],
  ];
  await call("POST", "payment_intents", "amount=900&currency=usd&confirm=true&payment_method_types[]=card&payment_method=pm_card_createDispute");
  answers.push(["Stripe.Dispute", (await call("GET", "disputes")).data[0]]);
  const found = complaints("stripe", 'import Stripe from "stripe";', answers);
  report("Stripe", found);
  assert.deepEqual([...found].filter(([, words]) => words.length > 0).map(([type]) => type), []);
});

test("answers of Slack are complete", async () => {
  const world = await twins.slack.makeWorld();
  const call = async (name, body = {}) => {
    const answer = await fetch(`${world.rest_url}/api/${name}`, {
      method: "POST",
      headers: { authorization: `Bearer ${world.token}`, "content-type": "application/json; charset=utf-8" },
      body: JSON.stringify(body),
    });
    const found = await answer.json();
    assert.ok(found.ok, `${name}: ${JSON.stringify(found)}`);
    return found;
  };
  const posted = await call("chat.postMessage", { channel: "C_GENERAL", text: "hello *there* <@U_ALICE>" });
  const message = { channel: "C_GENERAL", timestamp: posted.ts };
  await call("chat.postMessage", { channel: "C_GENERAL", text: "below", thread_ts: posted.ts });
  await call("reactions.add", { ...message, name: "tada" });
  await call("pins.add", message);
  const type = (name) => `slack.${name[0].toUpperCase()}${name.slice(1).replace(/\.(.)/g, (_, letter) => letter.toUpperCase())}Response`;
  const answers = [[type("chat.postMessage"), posted]];
  const calls = {
    "auth.test": {},
    "team.info": {},
    "emoji.list": {},
    "users.list": {},
    "users.info": { user: "U_ALICE" },
    "users.profile.get": { user: "U_ALICE" },
    "conversations.list": {},
    "conversations.info": { channel: "C_GENERAL" },
    "conversations.members": { channel: "C_GENERAL" },
    "conversations.history": { channel: "C_GENERAL" },
    "conversations.replies": { channel: "C_GENERAL", ts: posted.ts },
    "conversations.open": { users: "U_ALICE" },
    "chat.update": { channel: "C_GENERAL", ts: posted.ts, text: "hello again" },
    "chat.getPermalink": { channel: "C_GENERAL", message_ts: posted.ts },
    "reactions.get": { ...message },
    "pins.list": { channel: "C_GENERAL" },
    "search.messages": { query: "morning" },
    "bookmarks.add": { channel_id: "C_GENERAL", title: "Book", type: "link", link: "https://example.com" },
    "usergroups.create": { name: "On call", handle: "oncall" },
    "files.getUploadURLExternal": { filename: "a.txt", length: 1 },
  };
  for (const [name, body] of Object.entries(calls)) answers.push([type(name), await call(name, body)]);
  const found = complaints("slack", 'import type * as slack from "@slack/web-api";', answers);
  report("Slack", found);
  assert.deepEqual([...found].filter(([, words]) => words.length > 0).map(([name]) => name), []);
});
