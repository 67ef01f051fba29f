// A small agent without a model, on the harness SDK: it reads the task, looks at the open issue, picks a label and an owner by
// rules. Replace `triage` by a call to your own agent; everything around it can stay.
//
// The SDK reads what pome puts into the environment, leaves at once in the trial start, prints the summary and turns an error
// into exit code 1. `signals.tool` writes what the agent decides into the trace, beside what the twin saw.
//
// Types are written so that they can be erased: Node runs this file as it is.
import { defineHarness, type GitHubTwin } from "pome-harness";

type Issue = { title: string; body: string | null; labels: unknown[]; assignees: unknown[] };
type Choice = [name: string, words: string[]];

/** Words that point to a kind of issue. The label with the most of them wins. */
const KINDS: Choice[] = [
  ["bug", ["error", "fail", "fails", "failing", "crash", "broken", "exception", "500", "stack trace", "typeerror", "regression", "expected"]],
  ["feature", ["feature", "would be nice", "please add", "support for", "wish", "proposal"]],
  ["question", ["how do i", "how can i", "is it possible", "what is", "question"]],
];

export default defineHarness(async ({ task, twins, signals }) => {
  const github = twins.github;
  const repository = task.match(/`(?![^`]*\.md`)([\w.-]+\/[\w.-]+)`/)?.[1];
  if (!repository) {
    throw new Error("the task names no repository like `owner/name`");
  }
  const number = Number(task.match(/#(\d+)/)?.[1] ?? (await firstOpenIssue(github, repository)));
  const path = `/repos/${repository}/issues/${number}`;
  const issue = await github.request<Issue>("GET", path);
  const comments = await github.request<{ body: string }[]>("GET", `${path}/comments`);
  const text = [issue.title, issue.body, ...comments.map((comment) => comment.body)].join("\n").toLowerCase();

  const done: string[] = [];
  const labels = await github.request<{ name: string }[]>("GET", `/repos/${repository}/labels`);
  const label = best(KINDS, text);
  if (issue.labels.length > 0) {
    done.push("it already has a label");
  } else if (label && labels.some((known) => known.name === label)) {
    const body = { labels: [label] };
    await signals.tool("add_label", { issue: number, ...body }, () => github.request("POST", `${path}/labels`, { body }));
    done.push(`labelled \`${label}\``);
  }

  const owner = best(await owners(github, repository, task), text);
  if (issue.assignees.length > 0) {
    done.push("it already has an assignee");
  } else if (owner) {
    const body = { assignees: [owner] };
    await signals.tool("assign", { issue: number, ...body }, () => github.request("POST", `${path}/assignees`, { body }));
    done.push(`assigned to \`${owner}\``);
  }
  return `issue #${number} in ${repository}: ${done.join(", ") || "no rule applies, nothing changed"}`;
});

/** The table of owners from the file that the task names: area, words, owner. */
async function owners(github: GitHubTwin, repository: string, task: string): Promise<Choice[]> {
  const path = task.match(/`([\w./-]+\.md)`/)?.[1];
  if (!path) {
    return [];
  }
  const file = await github.request<{ content: string }>("GET", `/repos/${repository}/contents/${path}`);
  const rows = Buffer.from(file.content, "base64").toString("utf8").split("\n").filter((line) => line.startsWith("|"));
  return rows.slice(2).map((row): Choice => {
    const [, area = "", words = "", owner = ""] = row.split("|").map((cell) => cell.trim().replaceAll("`", ""));
    return [owner, [area, ...words.split(",")].map((word) => word.trim().toLowerCase())];
  });
}

/** The name whose words occur most often in the text; nothing when none does. */
function best(choices: Choice[], text: string): string | undefined {
  let winner: string | undefined;
  let most = 0;
  for (const [name, words] of choices) {
    const count = words.filter((word) => text.includes(word)).length;
    if (count > most) {
      [winner, most] = [name, count];
    }
  }
  return winner;
}

async function firstOpenIssue(github: GitHubTwin, repository: string): Promise<number> {
  const query = { state: "open", sort: "created", direction: "asc" };
  const issues = await github.request<{ number: number; pull_request?: object }[]>("GET", `/repos/${repository}/issues`, { query });
  const issue = issues.find((candidate) => !candidate.pull_request);
  if (!issue) {
    throw new Error(`${repository} has no open issue`);
  }
  return issue.number;
}
