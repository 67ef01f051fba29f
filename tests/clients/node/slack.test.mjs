// The official Slack libraries for Node, unmodified, against the twin.
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import bolt from "@slack/bolt";
import webApi from "@slack/web-api";
import { startTwin } from "./twin.mjs";

const { LogLevel, WebClient, retryPolicies } = webApi;

let twin, world, slack;
before(async () => {
  twin = await startTwin("slack");
});
after(async () => assert.equal(await twin.stop(), 0));

const quiet = { logLevel: LogLevel.ERROR };
const client = (of, options) =>
  new WebClient(of.token, { slackApiUrl: `${of.rest_url}/api/`, retryConfig: { retries: 0 }, ...quiet, ...options });
beforeEach(async () => {
  world = await twin.makeWorld();
  slack = client(world);
});

const refusal = async (call) => {
  const error = await call.then(() => assert.fail("not refused"), (error) => error);
  return error.data?.error ?? error.code;
};

test("a message is posted, answered, reacted to, changed and deleted", async () => {
  const { ts, message } = await slack.chat.postMessage({ channel: "C_GENERAL", text: "hello" });
  assert.equal(message.blocks[0].type, "rich_text");
  await slack.chat.postMessage({ channel: "C_GENERAL", text: "below", thread_ts: ts });
  await slack.reactions.add({ channel: "C_GENERAL", timestamp: ts, name: "tada" });
  await slack.chat.update({ channel: "C_GENERAL", ts, text: "hello again" });
  const { messages } = await slack.conversations.replies({ channel: "C_GENERAL", ts });
  assert.deepEqual(messages.map((each) => each.text), ["hello again", "below"]);
  assert.deepEqual(messages[0].reactions, [{ name: "tada", users: ["U_PRIMARY"], count: 1 }]);
  await slack.chat.delete({ channel: "C_GENERAL", ts });
  assert.equal(await refusal(slack.chat.update({ channel: "C_GENERAL", ts, text: "x" })), "message_not_found");
});

test("a channel is made, joined by others, listed and archived", async () => {
  const { channel } = await slack.conversations.create({ name: "launch", is_private: true });
  await slack.conversations.invite({ channel: channel.id, users: "U_ALICE" });
  const { members } = await slack.conversations.members({ channel: channel.id });
  assert.deepEqual(new Set(members), new Set(["U_PRIMARY", "U_ALICE"]));
  await slack.conversations.archive({ channel: channel.id });
  assert.equal(await refusal(slack.chat.postMessage({ channel: channel.id, text: "x" })), "is_archived");
  assert.equal(await refusal(slack.conversations.create({ name: "launch" })), "name_taken");
});

test("paginate follows the cursors to the end", async () => {
  for (let at = 0; at < 21; at++) await slack.chat.postMessage({ channel: "C_GENERAL", text: `message ${at}` });
  const texts = [];
  for await (const page of slack.paginate("conversations.history", { channel: "C_GENERAL", limit: 10 })) {
    texts.push(...page.messages.map((message) => message.text));
  }
  assert.equal(texts.length, 23);
  assert.equal(new Set(texts).size, 23);
});

test("a file is uploaded in the way of today", async () => {
  const sent = await slack.filesUploadV2({ channel_id: "C_GENERAL", filename: "notes.txt", content: "one\ntwo\n", initial_comment: "here" });
  const [{ id }] = sent.files[0].files;
  const { file } = await slack.files.info({ file: id });
  assert.deepEqual([file.name, file.size], ["notes.txt", 8]);
  const read = await fetch(file.url_private, { headers: { authorization: `Bearer ${world.token}` } });
  assert.equal(await read.text(), "one\ntwo\n");
  const { messages } = await slack.conversations.history({ channel: "C_GENERAL", limit: 1 });
  assert.deepEqual([messages[0].text, messages[0].files[0].id], ["here", id]);
});

test("a scheduled message waits for the clock of the world", async () => {
  const { ts } = await slack.chat.postMessage({ channel: "C_GENERAL", text: "now" });
  await slack.chat.scheduleMessage({ channel: "C_GENERAL", text: "later", post_at: Math.floor(Number(ts)) + 600 });
  const texts = async () => (await slack.conversations.history({ channel: "C_GENERAL" })).messages.map((each) => each.text);
  assert.ok(!(await texts()).includes("later"));
  await world.advance(3600);
  assert.ok((await texts()).includes("later"));
});

test("errors carry the vendor's codes, and a rate limit is waited for", async () => {
  assert.equal(await refusal(slack.conversations.info({ channel: "C_NOWHERE" })), "channel_not_found");
  assert.equal(await refusal(slack.chat.postMessage({ channel: "C_GENERAL", text: "" })), "no_text");
  const general = { id: "C_GENERAL", name: "general", members: ["U_PRIMARY"] };
  const fault = { name: "rate-limited", target: "chat.postMessage", throttleFor: 1, retryAfterSeconds: 1 };
  const limited = client(await twin.makeWorld({ channels: [general], faults: [fault] }), { retryConfig: retryPolicies.rapidRetryPolicy });
  let waited = 0;
  limited.on("rate_limited", (seconds) => (waited = seconds));
  assert.ok((await limited.chat.postMessage({ channel: "C_GENERAL", text: "at last" })).ok);
  assert.equal(waited, 1);
});

test("a hundred messages at once lose nothing", async () => {
  const sent = await Promise.all(
    Array.from({ length: 100 }, (_, at) => slack.chat.postMessage({ channel: "C_GENERAL", text: `parallel ${at}` })),
  );
  assert.equal(new Set(sent.map((each) => each.ts)).size, 100);
});

test("an app of Bolt answers with its client", async () => {
  const receiver = { init() {}, start: async () => {}, stop: async () => {} };
  const app = new bolt.App({
    token: world.token,
    receiver,
    clientOptions: { slackApiUrl: `${world.rest_url}/api/` },
    ...quiet,
  });
  app.message("ping", async ({ say }) => say("pong"));
  const event = { type: "message", channel: "C_GENERAL", channel_type: "channel", user: "U_ALICE", text: "ping", ts: "1.000001" };
  const body = { type: "event_callback", team_id: "T_POME", event_id: "Ev1", event_time: 1, api_app_id: "A_POME", event };
  await app.processEvent({ body, ack: async () => {} });
  const { messages } = await slack.conversations.history({ channel: "C_GENERAL", limit: 1 });
  assert.equal(messages[0].text, "pong");
});
