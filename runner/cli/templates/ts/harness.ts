// A small agent without a model: it reads the task, looks at the open issue, picks a label and an owner by rules.
// Replace `triage` by a call to your own agent; everything around it can stay.
//
// Only what Node brings is used, and no type syntax, so this file runs as TypeScript and as plain JavaScript.
//
// What pome puts into the environment:
//   POME_TASK             the prompt of the scenario
//   POME_GITHUB_REST_URL  where the GitHub twin answers, in place of the real API
//   POME_AUTH_TOKEN       the bearer token for it
//   POME_PREFLIGHT        set to 1 for a trial start before the run: do nothing and leave with 0

/** Words that point to a kind of issue. The label with the most of them wins. */
const KINDS = {
  bug: ["error", "fail", "fails", "failing", "crash", "broken", "exception", "500", "stack trace", "typeerror", "regression", "expected"],
  feature: ["feature", "would be nice", "please add", "support for", "wish", "proposal"],
  question: ["how do i", "how can i", "is it possible", "what is", "question"],
};

if (process.env.POME_PREFLIGHT === "1") {
  process.exit(0);
}

try {
  const summary = await triage(setting("POME_TASK"));
  console.log(JSON.stringify({ summary }));
} catch (error) {
  console.error(String(error));
  console.log(JSON.stringify({ summary: `stopped: ${error instanceof Error ? error.message : String(error)}` }));
  process.exitCode = 1;
}

/**
 * Labels and assigns the issue that the task names.
 * @param {string} task
 */
async function triage(task) {
  const repository = task.match(/`(?![^`]*\.md`)([\w.-]+\/[\w.-]+)`/)?.[1];
  if (!repository) {
    throw new Error("the task names no repository like `owner/name`");
  }
  const number = Number(task.match(/#(\d+)/)?.[1] ?? (await firstOpenIssue(repository)));
  const issue = await github("GET", `/repos/${repository}/issues/${number}`);
  const comments = await github("GET", `/repos/${repository}/issues/${number}/comments`);
  const text = [issue.title, issue.body, ...comments.map((comment) => comment.body)].join("\n").toLowerCase();

  const done = [];
  const known = (await github("GET", `/repos/${repository}/labels`)).map((label) => label.name);
  const label = best(Object.entries(KINDS), text);
  if (issue.labels.length > 0) {
    done.push("it already has a label");
  } else if (label && known.includes(label)) {
    await github("POST", `/repos/${repository}/issues/${number}/labels`, { labels: [label] });
    done.push(`labelled \`${label}\``);
  }

  const owner = best(await owners(repository, task), text);
  if (issue.assignees.length > 0) {
    done.push("it already has an assignee");
  } else if (owner) {
    await github("POST", `/repos/${repository}/issues/${number}/assignees`, { assignees: [owner] });
    done.push(`assigned to \`${owner}\``);
  }
  return `issue #${number} in ${repository}: ${done.join(", ") || "no rule applies, nothing changed"}`;
}

/**
 * The table of owners from the file that the task names: area, words, owner.
 * @param {string} repository
 * @param {string} task
 */
async function owners(repository, task) {
  const path = task.match(/`([\w./-]+\.md)`/)?.[1];
  if (!path) {
    return [];
  }
  const file = await github("GET", `/repos/${repository}/contents/${path}`);
  const rows = Buffer.from(file.content, "base64").toString("utf8").split("\n").filter((line) => line.startsWith("|"));
  return rows.slice(2).map((row) => {
    const [, area, words, owner] = row.split("|").map((cell) => cell.trim().replaceAll("`", ""));
    return [owner, [area, ...words.split(",")].map((word) => word.trim().toLowerCase())];
  });
}

/**
 * The name whose words occur most often in the text; nothing when none does.
 * @param {Iterable<any>} choices names with their words
 * @param {string} text lower case
 */
function best(choices, text) {
  let winner;
  let most = 0;
  for (const [name, words] of choices) {
    const count = words.filter((word) => text.includes(word)).length;
    if (count > most) {
      [winner, most] = [name, count];
    }
  }
  return winner;
}

/** @param {string} repository */
async function firstOpenIssue(repository) {
  const issues = await github("GET", `/repos/${repository}/issues?state=open&sort=created&direction=asc`);
  const issue = issues.find((candidate) => !candidate.pull_request);
  if (!issue) {
    throw new Error(`${repository} has no open issue`);
  }
  return issue.number;
}

/**
 * One call of the GitHub API.
 * @param {string} method
 * @param {string} path
 * @param {unknown} [body]
 */
async function github(method, path, body) {
  const response = await fetch(setting("POME_GITHUB_REST_URL") + path, {
    method,
    headers: {
      accept: "application/vnd.github+json",
      authorization: `Bearer ${setting("POME_AUTH_TOKEN")}`,
      "content-type": "application/json",
    },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await response.text();
  if (!response.ok) {
    throw new Error(`${method} ${path} answered ${response.status}: ${text.slice(0, 200)}`);
  }
  return text === "" ? null : JSON.parse(text);
}

/** @param {string} name */
function setting(name) {
  const value = process.env[name];
  if (!value) {
    throw new Error(`${name} is not set; start this file with \`pome run\``);
  }
  return value;
}
