// Calls models at their real addresses, streaming, with the client that the first argument names. Knows nothing of a proxy, of
// a certificate or of Pome.
import assert from "node:assert/strict";
import * as https from "node:https";
import { pathToFileURL } from "node:url";

const asked = { model: "scripted-1", stream: true, messages: [{ role: "user", content: "Which label?" }] };
const calls = [
  {
    url: "https://api.openai.com/v1/chat/completions",
    headers: { authorization: "Bearer sk-openai-0123456789abcdef0123", "content-type": "application/json" },
    body: { ...asked, stream_options: { include_usage: true } },
  },
  {
    url: "https://api.anthropic.com/v1/messages",
    headers: { "x-api-key": "sk-ant-0123456789abcdef0123", "anthropic-version": "2023-06-01", "content-type": "application/json" },
    body: { ...asked, max_tokens: 100 },
  },
];

async function withFetch() {
  for (const { url, headers, body } of calls) {
    const answer = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
    assert.match(await answer.text(), /bug/);
  }
}

async function withUndici() {
  const { request } = await import("undici");
  for (const { url, headers, body } of calls) {
    const answer = await request(url, { method: "POST", headers, body: JSON.stringify(body) });
    assert.match(await answer.body.text(), /bug/);
  }
}

async function withHttps() {
  for (const { url, headers, body } of calls) {
    const text = await new Promise((resolve, reject) => {
      const request = https.request(url, { method: "POST", headers }, (answer) => {
        let text = "";
        answer.setEncoding("utf8").on("data", (piece) => (text += piece)).on("end", () => resolve(text));
      });
      request.on("error", reject).end(JSON.stringify(body));
    });
    assert.match(text, /bug/);
  }
}

if (import.meta.url === pathToFileURL(process.argv[1]).href && process.env.POME_PREFLIGHT !== "1") {
  await { fetch: withFetch, undici: withUndici, https: withHttps }[process.argv[2]]();
}
