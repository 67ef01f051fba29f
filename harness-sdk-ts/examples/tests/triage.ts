// The code under test: it labels an issue by what its text says.
import type { Twin } from "pome-harness";

export async function triage(github: Pick<Twin, "request">, issue: { repository: string; number: number }): Promise<void> {
  const path = `/repos/${issue.repository}/issues/${issue.number}`;
  const { title, body } = await github.request<{ title: string; body: string | null }>("GET", path);
  const isBroken = /\b5\d\d\b|error/i.test(`${title} ${body ?? ""}`);
  await github.request("PATCH", path, { body: { labels: [isBroken ? "bug" : "question"] } });
}
