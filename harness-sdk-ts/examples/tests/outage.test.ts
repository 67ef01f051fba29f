// What an agent does when a vendor is down: a seed with a failure in it, and time that passes.
import { TwinRequestError } from "pome-harness";
import { pomeTest } from "pome-harness/vitest";
import { expect } from "vitest";

const seed = {
  repositories: [{ owner: "acme", name: "api", issues: [{ number: 1, title: "one" }] }],
  failure_injection: [{ method: "GET", path: "/repos/acme/api/issues", attempt: 1, mode: "before_handler", status: 503, body: { message: "Service Unavailable" } }],
};

pomeTest({ seed })("the first answer fails, the second one does not", async ({ pome }) => {
  const list = () => pome.github.request("GET", "/repos/acme/api/issues");
  await expect(list()).rejects.toThrow(TwinRequestError);
  await expect(list()).resolves.toHaveLength(1);
});

pomeTest()("the session's clock is the test's", async ({ pome }) => {
  const made = await pome.github.request("POST", "/repos/acme/api/issues", { body: { title: "one" } });
  await pome.github.advance(3_600_000);
  const later = await pome.github.request("POST", "/repos/acme/api/issues", { body: { title: "two" } });
  expect(Date.parse(later.created_at) - Date.parse(made.created_at)).toBeGreaterThanOrEqual(3_600_000);
});
