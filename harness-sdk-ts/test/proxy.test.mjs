import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, before, beforeEach, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { connectProxy, vendor } from "./support/network.mjs";

const HOOK = fileURLToPath(new URL("../src/proxy-hook.mjs", import.meta.url));
const HERE = fileURLToPath(new URL(".", import.meta.url));

let target, proxy;
before(async () => {
  [target, proxy] = await Promise.all([vendor(), connectProxy()]);
});
after(() => {
  target.close();
  proxy.close();
});
beforeEach(() => void (proxy.tunnels.length = 0));

// Runs a module in a process that has the hook, and answers what it printed.
async function run(source, env = {}, flags = ["--import", HOOK]) {
  const { PATH, HOME } = process.env;
  const variables = { PATH, HOME, HTTPS_PROXY: proxy.url, HTTP_PROXY: proxy.url, NO_PROXY: "127.0.0.1,localhost", NODE_EXTRA_CA_CERTS: target.ca, SECURE: `https://api.vendor.test:${target.securePort}`, PLAIN: `http://api.vendor.test:${target.plainPort}`, ...env };
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, "--input-type=module", "--eval", source], { env: variables, cwd: HERE, timeout: 30_000 });
  return stdout.trim().split("\n");
}

const CLIENTS = {
  "fetch": "const get = async (url) => (await fetch(url)).text();",
  "undici 7, fetch": `import { fetch as other } from "undici"; const get = async (url) => (await other(url)).text();`,
  "undici 7, request": `import { request } from "undici"; const get = async (url) => (await request(url)).body.text();`,
  "undici 6, fetch": `import { fetch as other } from "undici6"; const get = async (url) => (await other(url)).text();`,
  "undici 6, request": `import { request } from "undici6"; const get = async (url) => (await request(url)).body.text();`,
  "undici 8, fetch": `import { fetch as other } from "undici8"; const get = async (url) => (await other(url)).text() && (await fetch(url)).text();`,
  "undici 8, request": `import { request } from "undici8"; const get = async (url) => (await request(url)).body.text();`,
  "node:http and node:https": `import http from "node:http"; import https from "node:https"; import { text } from "node:stream/consumers";
    const get = (url) => new Promise((resolve, reject) => (url.startsWith("https") ? https : http).get(url, (answer) => resolve(text(answer))).on("error", reject));`,
  "agents of a client's own": `import http from "node:http"; import https from "node:https"; import { text } from "node:stream/consumers";
    const agents = { "http:": new http.Agent({ keepAlive: true }), "https:": new https.Agent({ keepAlive: true }) };
    const get = (url) => new Promise((resolve, reject) => (url.startsWith("https") ? https : http).get(url, { agent: agents[new URL(url).protocol] }, (answer) => resolve(text(answer))).on("error", reject));`,
  "axios": `import axios from "axios"; const get = async (url) => (await axios.get(url, { proxy: false })).data;`,
};

const CANNOT_LOAD_UNDICI_8 = Number(process.versions.node.split(".")[0]) < 22;

for (const [name, client] of Object.entries(CLIENTS)) {
  test(`${name}: https and http go through the proxy, twice over one agent`, async (t) => {
    if (CANNOT_LOAD_UNDICI_8 && name.startsWith("undici 8")) return t.skip("undici 8 needs Node 22");
    const source = `${client}
      for (const base of [process.env.SECURE, process.env.PLAIN]) for (const n of [1, 2]) console.log(await get(base + "/path?n=" + n));
      process.exit(0);`;
    const hosts = [`api.vendor.test:${target.securePort}`, `api.vendor.test:${target.plainPort}`];
    assert.deepEqual(await run(source), hosts.flatMap((host) => [1, 2].map((n) => `GET ${host}/path?n=${n}`)));
    assert.deepEqual([...new Set(proxy.tunnels.map((tunnel) => tunnel.target))], hosts);
  });
}

test("a large body and answer pass unharmed, also in parallel", async () => {
  const echo = await vendor((request, response) => request.pipe(response));
  const source = `const body = "x".repeat(3_000_000);
    const answers = await Promise.all([1, 2, 3, 4].map(async (n) => (await (await fetch(process.env.SECURE, { method: "POST", body: n + body })).text()) === n + body));
    console.log(answers.join()); process.exit(0);`;
  assert.deepEqual(await run(source, { SECURE: `https://api.vendor.test:${echo.securePort}`, NODE_EXTRA_CA_CERTS: echo.ca }), ["true,true,true,true"]);
  echo.close();
});

test("what NO_PROXY names is reached directly", async () => {
  const source = `console.log(await (await fetch(process.env.DIRECT)).text(), await (await fetch(process.env.DIRECT.replace("127.0.0.1", "localhost"))).text()); process.exit(0);`;
  const [line] = await run(source, { DIRECT: `http://127.0.0.1:${target.plainPort}/` });
  assert.match(line, /^GET 127\.0\.0\.1:\d+\/ GET localhost:\d+\/$/);
  assert.deepEqual(proxy.tunnels, []);
});

test("the certificate is still checked", async () => {
  const source = `import https from "node:https";
    const why = (error) => error.cause?.code ?? error.code;
    console.log(await fetch(process.env.SECURE).catch(why), await new Promise((resolve) => https.get(process.env.SECURE).on("error", (error) => resolve(why(error))))); process.exit(0);`;
  assert.deepEqual(await run(source, { NODE_EXTRA_CA_CERTS: "" }), ["UNABLE_TO_VERIFY_LEAF_SIGNATURE UNABLE_TO_VERIFY_LEAF_SIGNATURE"]);
});

test("a refusal says what the proxy said", async () => {
  const source = `import https from "node:https";
    console.log((await fetch("https://refused.test/").catch((error) => error)).cause.message);
    console.log(await new Promise((resolve) => https.get("https://refused.test/").on("error", (error) => resolve(error.code + " " + error.status)))); process.exit(0);`;
  const [line, second] = await run(source);
  assert.match(line, /opened no tunnel to refused\.test:443: 403 Forbidden, refused\.test:443 is not allowed: add it to POME_EGRESS_ALLOW$/);
  assert.equal(second, "ERR_PROXY_TUNNEL 403");
});

test("without variables nothing changes, and through NODE_OPTIONS it works as well", async () => {
  const source = `console.log(Symbol.for("pome.proxy.installed") in globalThis)`;
  assert.deepEqual(await run(source, { HTTPS_PROXY: "", HTTP_PROXY: "" }), ["false"]);
  assert.deepEqual(await run(source, { NODE_OPTIONS: `--import=${new URL("../src/proxy-hook.mjs", import.meta.url)}` }, []), ["true"]);
});

test("a run's hook and the harness do not get into each other's way", async () => {
  const source = `import { routeThroughProxy } from "pome-harness"; import https from "node:https";
    console.log(await routeThroughProxy(), (await fetch(process.env.SECURE)).status);
    console.log(await new Promise((resolve) => https.get(process.env.SECURE, (answer) => resolve(answer.statusCode)))); process.exit(0);`;
  assert.deepEqual(await run(source), ["true 200", "200"]);
  assert.deepEqual(proxy.tunnels.map((tunnel) => tunnel.target), Array(2).fill(`api.vendor.test:${target.securePort}`));
  assert.deepEqual(await run(source, {}, []), ["true 200", "200"]);
});

test("credentials for the proxy are sent", async () => {
  const source = `console.log((await fetch(process.env.SECURE)).status); process.exit(0);`;
  const url = new URL(proxy.url);
  [url.username, url.password] = ["me", "p@ss"];
  assert.deepEqual(await run(source, { https_proxy: url.href }), ["200"]);
  assert.equal(proxy.tunnels[0].authorization, `Basic ${Buffer.from("me:p@ss").toString("base64")}`);
});

test("NO_PROXY is read like curl reads it", async () => {
  const { readRoutes } = await import("../src/proxy-hook.mjs");
  const { isDirect } = readRoutes({ NO_PROXY: "corp.test, .dot.test *.star.test,10.0.0.0/8 [::1] host.test:8080" });
  const table = {
    "corp.test": true, "a.corp.test": true, "notcorp.test": false, "CORP.test.": true, "a.dot.test": true, "dot.test": true, "a.star.test": true,
    "10.1.2.3": true, "11.1.2.3": false, "::1": true, "[::1]": true, "host.test": false,
  };
  for (const [host, direct] of Object.entries(table)) assert.equal(isDirect(host, 443), direct, host);
  assert.equal(isDirect("host.test", 8080), true);
  assert.equal(readRoutes({ NO_PROXY: "*" }).isDirect("anything.test", 1), true);
  assert.throws(() => readRoutes({ HTTPS_PROXY: "socks5://x:1" }), /HTTPS_PROXY is not the address of an HTTP proxy/);
});
