// The triage of `triage.py` in Node, with nothing but `fetch`; adds the label and the assignee through their own routes.

if (process.env.POME_PREFLIGHT === "1") process.exit(0);

const task = process.env.POME_TASK;
const base = process.env.POME_GITHUB_REST_URL.replace(/\/+$/, "");

async function call(method, path, body) {
  const answer = await fetch(base + path, {
    method,
    headers: { authorization: `Bearer ${process.env.POME_AUTH_TOKEN}`, "content-type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const value = await answer.json();
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${value.message}`);
  return value;
}

function labelFor(text) {
  if (/\b5\d\d\b|\w+Error\b|exception|regression|crash/i.test(text)) return "bug";
  return /would be nice|please add/i.test(text) ? "feature" : "question";
}

/** The owner whose words occur most often in the text, by the table `| area | words | owner |`. */
function ownerFor(text, page) {
  const rows = page
    .split("\n")
    .map((line) => line.split("|").map((cell) => cell.trim()))
    .filter((cells) => cells.length === 5 && cells[3].startsWith("`"));
  const hits = (words) =>
    words.split(",").reduce((sum, word) => sum + [...text.matchAll(new RegExp(`\\b${word.trim()}\\b`, "g"))].length, 0);
  const [best] = rows.map((cells) => ({ owner: cells[3].slice(1, -1), hits: hits(cells[2]) })).sort((a, b) => b.hits - a.hits);
  return best?.hits > 0 ? best.owner : undefined;
}

const page = task.match(/`([\w./-]+\.md)`/)[1];
const repo = `/repos/${task.replace(/`[\w./-]+\.md`/g, "").match(/`([\w.-]+\/[\w.-]+)`/)[1]}`;
const number = Number(task.match(/#(\d+)/)[1]);

const issue = await call("GET", `${repo}/issues/${number}`);
const file = await call("GET", `${repo}/contents/${page}`);
const label = labelFor(`${issue.title}\n${issue.body}`);
const owner = ownerFor(`${issue.title}\n${issue.body}`.toLowerCase(), Buffer.from(file.content, "base64").toString("utf8"));

await call("POST", `${repo}/issues/${number}/labels`, { labels: [label] });
await call("POST", `${repo}/issues/${number}/assignees`, { assignees: [owner] });
console.log(JSON.stringify({ summary: `Issue #${number}: label ${label}, owner ${owner}.` }));
