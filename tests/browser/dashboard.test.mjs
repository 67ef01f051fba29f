// The dashboard in a browser: signing in, finding runs, reading one. Every page is asked for by hand or by keyboard as a person
// would, with and without scripts; nothing may be loaded from elsewhere.
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";

import { inaccessible, launch, missing, signIn, visitor } from "./browser.mjs";
import { Server, call, criterion } from "./server.mjs";

const HOSTILE = "<script>alert(1)</script><img src=https://evil.example/x onerror=alert(2)>\u001b[31m \u202eevil";
const GROUP = "grp_ofThreeTrials01";

describe("dashboard", { skip: missing }, () => {
  let server, browser, agent, passing, failing, signedIn;

  before(async () => {
    server = await Server.start();
    browser = await launch();
    agent = await server.ask("POST", "/v1/agents", { name: "Triage bot", twins: ["github"] });
    const issue = (number, labels) => ({ number, title: `Issue ${number}`, labels });
    const states = {
      before: { repositories: [{ full_name: "acme/api", issues: [issue(1, []), issue(2, [])] }] },
      after: { repositories: [{ full_name: "acme/api", issues: [issue(1, ["bug"]), issue(2, [])] }] },
    };
    const criteria = (last) => [
      criterion("Issue #1 has the `bug` label", "passed", { evidence_event_ids: ["req_60"] }),
      criterion("Nothing else was changed", last),
    ];
    const events = Array.from({ length: 70 }, (_, place) => call(place + 1));
    events[59] = call(60, {
      method: "POST",
      path: "/s/x/repos/acme/api/issues/1/labels",
      request_body: { labels: ["bug"], note: HOSTILE },
      state_mutation: true,
    });
    events[60] = call(61, { status: 404, error: "Not Found", response_body: { message: "Not Found" } });
    events.push("{ this is not an event");
    const of = { agent: agent.id, version: "1.2.0", group: GROUP };
    passing = await server.run({ scenario: "issue-triage", status: "pass", criteria: criteria("passed"), events, tags: ["nightly"], ...states, ...of });
    failing = await server.run({ scenario: "issue-triage", status: "fail", criteria: criteria("failed"), ...states, ...of });
    await server.run({ scenario: "issue-triage", status: "pass", criteria: criteria("passed"), ...states, ...of });
    await server.run({ scenario: `refund ${HOSTILE.replace(/[\u0000-\u001f]/g, "")}`, status: "incomplete", criteria: [criterion(HOSTILE, "skipped", { reason: HOSTILE })] });
  });

  before(async () => {
    // Once for most tests: the server allows ten tries in a minute.
    const { page, context, close } = await visitor(browser, server.url);
    await signIn(page, server.key);
    signedIn = { storageState: await context.storageState() };
    await close();
  });

  after(async () => {
    await browser?.close();
    await server?.stop();
  });

  /** Runs `steps` as somebody new, and fails if anything was loaded from elsewhere meanwhile. */
  const as = async (options, steps) => {
    const { page, context, close } = await visitor(browser, server.url, options);
    await steps(page, context);
    await close();
  };

  /** Every page that there is. */
  const pages = async () => {
    const { session_id } = await server.session({ tags: ["by-hand"] });
    return {
      overview: "/",
      runs: "/runs",
      "runs-none": "/runs?q=nothing-is-called-this",
      run: `/runs/${passing.id}`,
      "run-later": `/runs/${passing.id}?page=2`,
      call: `/runs/${passing.id}/calls/60`,
      scenarios: "/scenarios",
      scenario: "/runs/task/issue-triage",
      groups: "/groups",
      group: `/groups/${GROUP}`,
      agents: "/agents",
      agent: `/agents/${agent.slug}`,
      task: `/agents/${agent.slug}/tasks/issue-triage?group=${GROUP}`,
      sessions: "/sessions",
      session: `/sessions/${session_id}`,
    };
  };

  test("somebody signs in with a key, goes where they wanted, and signs out", async () => {
    await as({}, async (page, context) => {
      const answer = await page.goto("/runs?result=fail");
      assert.equal(answer.status(), 401);
      await page.getByRole("link", { name: "Sign in" }).click();
      await page.getByLabel("API key").fill("pme_wrong");
      await page.getByRole("button", { name: "Sign in" }).click();
      await page.getByRole("alert").waitFor();
      await page.getByLabel("API key").fill(server.key);
      await page.getByRole("button", { name: "Sign in" }).click();
      await page.getByRole("heading", { name: "Runs", exact: true }).waitFor();
      assert.equal(new URL(page.url()).search, "?result=fail");
      const cookie = (await context.cookies()).find((cookie) => cookie.name === "pome");
      assert.ok(cookie.httpOnly && cookie.sameSite === "Strict", JSON.stringify(cookie));
      assert.ok(!JSON.stringify(await context.cookies()).includes(server.key), "no cookie holds the key");
      await page.getByRole("button", { name: "Sign out" }).click();
      await page.getByLabel("API key").waitFor();
      assert.equal((await page.goto("/runs")).status(), 401);
    });
  });

  test("a form of another site signs nobody in or out", async () => {
    const send = (path, body) =>
      fetch(server.url + path, { method: "POST", body: new URLSearchParams(body), redirect: "manual" });
    for (const [path, body] of [["/sign-in", { key: server.key }], ["/sign-in", { key: server.key, form: "x" }], ["/sign-out", {}]]) {
      const answer = await send(path, body);
      assert.equal(answer.status, 403, path);
      assert.equal(answer.headers.get("set-cookie"), null);
    }
  });

  test("a key that is revoked signs out at the next page", async () => {
    const key = (await server.books("keys", "add", "for-a-moment")).match(/pme_[\w-]{43}/)[0];
    await as({}, async (page) => {
      await signIn(page, key);
      await server.books("keys", "revoke", key.slice(0, 12));
      assert.equal((await page.goto("/runs")).status(), 401);
    });
  });

  test("runs are found by what is known of them", async () => {
    await as(signedIn, async (page) => {
      await page.goto("/");
      await page.getByRole("link", { name: "Runs", exact: true }).click();
      const rows = page.locator("tbody tr");
      assert.equal(await rows.count(), 4);
      await page.getByLabel("Result").selectOption("fail");
      await page.getByRole("button", { name: "Filter" }).click();
      await page.getByText("1 run found").waitFor();
      assert.match(await rows.first().innerText(), /issue-triage/);
      await page.getByRole("link", { name: "Clear" }).click();
      await page.getByLabel("Tag").fill("nightly");
      await page.getByRole("button", { name: "Filter" }).click();
      await page.getByText("1 run found").waitFor();
      await page.getByLabel("Tag").fill("");
      await page.getByLabel("Search").fill("ISSUE-tri");
      await page.getByLabel("Agent").selectOption({ label: "Triage bot" });
      await page.getByRole("button", { name: "Filter" }).click();
      await page.getByText("3 runs found").waitFor();
      await rows.getByRole("link", { name: "issue-triage" }).first().click();
      await page.getByRole("heading", { name: "issue-triage", level: 1 }).waitFor();
    });
  });

  test("a run shows its criteria, leads from them to the call, and shows what changed", async () => {
    await as(signedIn, async (page) => {
      await page.goto(`/runs/${passing.id}`);
      const criteria = page.locator("#criteria li");
      assert.deepEqual(await criteria.locator(".badge").allInnerTexts(), ["Passed", "Passed"]);
      await criteria.getByRole("link", { name: "Call 60" }).click();
      await page.waitForURL(/page=2#call-60$/);
      const row = page.locator("#call-60");
      assert.match(await row.locator("summary").first().innerText(), /POST[\s\S]*issues\/1\/labels[\s\S]*changed[\s\S]*200/);
      const body = row.locator(".json").first();
      await body.waitFor();
      const text = await body.innerText();
      assert.ok(text.includes("<script>alert(1)</script>"), "markup is text");
      assert.ok(!/[\u001b\u202e]/.test(text) && text.includes("U+202E"), "control characters are shown harmlessly");
      await page.getByText("a line that is not an event").waitFor();
      const state = page.locator("#state");
      assert.match(await state.locator(".place").innerText(), /repositories\[0\] \(acme\/api\).*issues\[0\] \(1\)/);
      assert.deepEqual(await state.locator("del").allInnerTexts(), ['\u2212           "labels": []']);
      assert.match((await state.locator("ins").allInnerTexts()).join("\n"), /"bug"/);
      await page.getByRole("link", { name: "Errors 1" }).click();
      await page.waitForURL(/show=errors/);
      assert.equal(await page.locator(".calls > li").count(), 1);
    });
  });

  test("files of a run can be kept, and are never pages", async () => {
    await as(signedIn, async (page, context) => {
      const answer = await context.request.get(`/runs/${passing.id}/files/events.jsonl`);
      assert.equal(answer.headers()["content-type"], "application/octet-stream");
      assert.match(answer.headers()["content-disposition"], /^attachment/);
      assert.equal((await answer.text()).trim().split("\n").length, 71);
      assert.equal((await context.request.get(`/runs/${passing.id}/files/secret`)).status(), 404);
    });
  });

  test("a trial group has a rate, an interval and the criterion that failed", async () => {
    await as(signedIn, async (page) => {
      await page.goto(`/groups/${GROUP}`);
      const text = await page.locator("main").innerText();
      assert.match(text, /67\s%\s\(2 of 3 graded trials\)/);
      assert.match(text, /21 to 94\s%/);
      const worst = page.getByRole("region", { name: "Criteria by trial" }).locator("tbody tr").first();
      assert.match(await worst.innerText(), /Nothing else was changed\s+1 of 3/);
    });
  });

  test("what belongs to another team is not there", async () => {
    await server.books("teams", "add", "others");
    const key = (await server.books("keys", "add", "theirs", "--team", "others")).match(/pme_[\w-]{43}/)[0];
    const all = await pages();
    await as({}, async (page) => {
      await signIn(page, key);
      for (const name of ["run", "call", "group", "agent", "task", "session"]) {
        assert.equal((await page.goto(all[name])).status(), 404, name);
      }
      for (const name of ["overview", "runs", "scenarios", "scenario", "groups", "agents", "sessions"]) {
        assert.equal((await page.goto(all[name])).status(), 200, name);
        const text = await page.locator("main").innerText();
        assert.ok(!text.includes(passing.id) && !text.includes(GROUP) && !text.includes("Triage bot"), name);
      }
      assert.equal((await page.goto(`/runs/${failing.id}/files/events.jsonl`)).status(), 404);
    });
  });

  test("everything can be read without scripts", async () => {
    const all = await pages();
    await as({ ...signedIn, javaScriptEnabled: false }, async (page) => {
      for (const [name, path] of Object.entries(all)) {
        assert.equal((await page.goto(path)).status(), 200, name);
        await page.getByRole("heading", { level: 1 }).waitFor();
      }
      await page.goto("/runs");
      await page.getByLabel("Result").selectOption("incomplete");
      await page.getByRole("button", { name: "Filter" }).click();
      await page.getByText("1 run found").waitFor();
      await page.goto(`/runs/${passing.id}`);
      await page.locator("#call-1 summary").first().click();
      assert.ok(await page.locator("#call-1 .json").first().isVisible());
    });
  });

  test("everything can be reached with the keyboard alone", async () => {
    await as({}, async (page) => {
      const focused = () => page.evaluate(() => document.activeElement?.textContent?.trim());
      const until = async (text) => {
        for (let steps = 0; steps < 80; steps += 1) {
          if ((await focused()) === text) {
            const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
            assert.notEqual(outline, "none", `the focus on "${text}" can be seen`);
            return;
          }
          await page.keyboard.press("Tab");
        }
        assert.fail(`"${text}" cannot be reached`);
      };
      await page.goto("/sign-in");
      await page.keyboard.type(server.key);
      await page.keyboard.press("Enter");
      await page.getByRole("button", { name: "Sign out" }).waitFor();
      await page.keyboard.press("Tab");
      assert.equal(await focused(), "Skip to the content");
      await page.keyboard.press("Enter");
      assert.equal(await page.evaluate(() => document.activeElement?.id), "main");
      await page.goto("/");
      await until("Runs");
      await page.keyboard.press("Enter");
      await page.getByRole("heading", { name: "Runs", exact: true }).waitFor();
      await page.keyboard.press("/");
      await page.keyboard.type("issue-triage");
      await page.keyboard.press("Enter");
      await page.getByText("3 runs found").waitFor();
      await page.goto(`/runs/${passing.id}?show=calls`);
      for (let steps = 0; steps < 80; steps += 1) {
        if (await page.evaluate(() => document.activeElement?.tagName === "SUMMARY")) break;
        await page.keyboard.press("Tab");
      }
      await page.keyboard.press("Enter");
      await page.locator("#call-1 .json").first().waitFor();
    });
  });

  for (const [name, options] of Object.entries({
    light: { colorScheme: "light", viewport: { width: 1280, height: 800 } },
    dark: { colorScheme: "dark", viewport: { width: 1280, height: 800 } },
    phone: { colorScheme: "light", viewport: { width: 390, height: 844 } },
  })) {
    test(`no page is hard to read or to use: ${name}`, async () => {
      const all = await pages();
      await as(options, async (page) => {
        await page.goto("/sign-in");
        assert.deepEqual(await inaccessible(page), [], "sign-in");
      });
      await as({ ...signedIn, ...options }, async (page) => {
        for (const [at, path] of Object.entries({ ...all, missing: "/runs/run_nothing" })) {
          await page.goto(path);
          for (const details of await page.locator("summary").all().then((all) => all.slice(0, 2))) await details.click();
          assert.deepEqual(await inaccessible(page), [], `${at} (${name})`);
          if (process.env.POME_SCREENSHOTS) {
            mkdirSync(process.env.POME_SCREENSHOTS, { recursive: true });
            await page.screenshot({ path: join(process.env.POME_SCREENSHOTS, `${name}-${at}.png`), fullPage: true });
          }
        }
      });
    });
  }
});
