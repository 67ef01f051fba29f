// The official Stripe library for Node, unmodified, against the twin.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { once } from "node:events";
import { after, before, beforeEach, test } from "node:test";
import Stripe from "stripe";
import { startTwin } from "./twin.mjs";

let twin, world, stripe;
before(async () => {
  twin = await startTwin("stripe");
});
after(async () => assert.equal(await twin.stop(), 0));

// The library takes a host and no path: the key alone says which session is meant.
const client = (of, options) => new Stripe(of.token, { host: "127.0.0.1", port: twin.port, protocol: "http", ...options });
beforeEach(async () => {
  world = await twin.makeWorld(undefined, { clock: Date.now() });
  stripe = client(world);
});

const card = { amount: 2000, currency: "usd", payment_method: "pm_card_visa", payment_method_types: ["card"], confirm: true };

test("a payment is taken, followed to the ledger and refunded", async () => {
  const intent = await stripe.paymentIntents.create({ ...card, metadata: { order: "7" } });
  assert.deepEqual([intent.status, intent.metadata.order], ["succeeded", "7"]);
  const charge = await stripe.charges.retrieve(intent.latest_charge, { expand: ["balance_transaction"] });
  assert.equal(charge.balance_transaction.source, charge.id);
  const refund = await stripe.refunds.create({ payment_intent: intent.id, amount: 500, reason: "requested_by_customer" });
  assert.deepEqual([refund.status, refund.charge], ["succeeded", charge.id]);
  assert.equal((await stripe.charges.retrieve(charge.id)).amount_refunded, 500);
});

test("customers are made, changed, searched and deleted", async () => {
  const ann = await stripe.customers.create({ name: "Ann", email: "ann@example.com", metadata: { plan: "gold" } });
  const changed = await stripe.customers.update(ann.id, { name: "Ann B.", metadata: { plan: "", seats: "2" } });
  assert.deepEqual([changed.name, changed.metadata], ["Ann B.", { seats: "2" }]);
  const found = await stripe.customers.search({ query: "email:'ann@example.com'" });
  assert.deepEqual(found.data.map((one) => one.id), [ann.id]);
  assert.equal((await stripe.customers.del(ann.id)).deleted, true);
  assert.equal((await stripe.customers.retrieve(ann.id)).deleted, true);
});

test("lists page by themselves, and parts of them are expanded", async () => {
  for (let at = 0; at < 23; at++) await stripe.customers.create({ name: `customer ${at}` });
  const names = [];
  for await (const customer of stripe.customers.list({ limit: 10 })) names.push(customer.name);
  assert.deepEqual(names, Array.from({ length: 23 }, (_, at) => `customer ${22 - at}`));
  await stripe.paymentIntents.create(card);
  const listed = await stripe.paymentIntents.list({ limit: 1, expand: ["data.latest_charge"] });
  assert.equal(listed.data[0].latest_charge.object, "charge");
});

test("errors are the classes that callers catch", async () => {
  const { errors } = Stripe;
  const missing = await stripe.charges.retrieve("ch_x").catch((error) => error);
  assert.ok(missing instanceof errors.StripeInvalidRequestError, missing);
  assert.deepEqual([missing.statusCode, missing.code], [404, "resource_missing"]);
  assert.match(missing.requestId, /^req_/);
  const declined = await stripe.paymentIntents.create({ ...card, payment_method: "pm_card_chargeDeclined" }).catch((error) => error);
  assert.ok(declined instanceof errors.StripeCardError, declined);
  assert.deepEqual([declined.code, declined.decline_code], ["card_declined", "generic_decline"]);
  assert.equal(declined.payment_intent.status, "requires_payment_method");
  const wrong = await client({ token: "sk_test_wrong" }).customers.list().catch((error) => error);
  assert.ok(wrong instanceof errors.StripeAuthenticationError, wrong);
  const key = { idempotencyKey: "once" };
  await stripe.customers.create({ name: "Ann" }, key);
  const reused = await stripe.customers.create({ name: "Bob" }, key).catch((error) => error);
  assert.ok(reused instanceof errors.StripeIdempotencyError, reused);
});

test("a rate limit is its own class, and the library retries what a server lost", async () => {
  const rule = { method: "POST", path: "/v1/refunds", attempt: 1, body: { error: { type: "api_error", message: "injected" } } };
  const limited = await twin.makeWorld({ failure_injection: [{ ...rule, path: "/v1/customers", status: 429, mode: "before_handler" }] });
  const refused = await client(limited, { maxNetworkRetries: 0 }).customers.create({}).catch((error) => error);
  assert.ok(refused instanceof Stripe.errors.StripeRateLimitError, refused);

  const lossy = client(await twin.makeWorld({ failure_injection: [{ ...rule, status: 503, mode: "after_handler" }] }), { maxNetworkRetries: 2 });
  const intent = await lossy.paymentIntents.create(card);
  await lossy.refunds.create({ payment_intent: intent.id, amount: 700 });
  assert.equal((await lossy.charges.retrieve(intent.latest_charge)).amount_refunded, 700);
});

test("a hundred writes at once lose nothing", async () => {
  const made = await Promise.all(Array.from({ length: 100 }, (_, at) => stripe.customers.create({ name: `parallel ${at}` })));
  assert.equal(new Set(made.map((one) => one.id)).size, 100);
  assert.equal((await stripe.customers.list({ limit: 100 }).autoPagingToArray({ limit: 1000 })).length, 100);
});

test("a webhook is taken by the library's own check", async () => {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    const url = `http://127.0.0.1:${server.address().port}/hook`;
    const { secret } = await stripe.webhookEndpoints.create({ url, enabled_events: ["customer.created"] });
    const arrived = once(server, "request", { signal: AbortSignal.timeout(20_000) });
    const ann = await stripe.customers.create({ name: "Ann" });
    const [request, response] = await arrived;
    let body = "";
    for await (const piece of request) body += piece;
    response.end();
    const event = stripe.webhooks.constructEvent(body, request.headers["stripe-signature"], secret);
    assert.deepEqual([event.type, event.data.object.id], ["customer.created", ann.id]);
    assert.throws(() => stripe.webhooks.constructEvent(body, request.headers["stripe-signature"], "whsec_other"));
  } finally {
    server.close();
  }
});
