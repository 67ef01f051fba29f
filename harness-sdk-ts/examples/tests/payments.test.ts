// Two twins in one test, with the vendors' own SDKs.
import { WebClient } from "@slack/web-api";
import { pomeTest } from "pome-harness/vitest";
import Stripe from "stripe";
import { expect } from "vitest";

const test = pomeTest({ twins: ["stripe", "slack"] });

for (const amount of [500, 1200, 9900]) {
  test(`a payment of ${amount} is announced`, async ({ pome }) => {
    const { apiKey, config } = pome.stripe.stripe();
    const payment = await new Stripe(apiKey, config).paymentIntents.create({ amount, currency: "eur" });
    const { token, options } = pome.slack.slack();
    const slack = new WebClient(token, options);
    const { channels } = await slack.conversations.list();
    const channel = channels?.find((one) => one.name === "general")?.id ?? "";
    await slack.chat.postMessage({ channel, text: `received ${amount / 100} (${payment.id})` });
    const rows = await pome.trace();
    expect(rows.map((row) => row.twin)).toEqual(["stripe", "slack", "slack"]);
    expect((await pome.stripe.state()).payment_intents).toHaveLength(1);
  });
}
