// An evaluator of what the agent wrote: `Every comment is polite`, `No comment shouts`.
//
// Names of the world become camel case here; an optional value that is absent is `undefined`.

const POLITE = ["please", "thank", "sorry", "kind"];

/** Comments that are in the state after the agent and not in the one before. */
function written(seed, final) {
  const comments = (state) =>
    (state.repositories ?? []).flatMap((repository, r) =>
      (repository.issues ?? []).flatMap((issue, i) =>
        (issue.comments ?? []).map((comment, c) => ({
          body: comment.body ?? "",
          path: `/repositories/${r}/issues/${i}/comments/${c}/body`,
        })),
      ),
    );
  const before = comments(seed).map((comment) => comment.body);
  return comments(final).filter(({ body }) => {
    const at = before.indexOf(body);
    if (at < 0) return true;
    before.splice(at, 1);
    return false;
  });
}

/** Each sentence with what makes a comment break it. */
const SENTENCES = {
  "Every comment is polite": (config) => {
    const words = config.words ?? POLITE;
    return (body) => (words.some((word) => body.toLowerCase().includes(word)) ? undefined : "is not polite");
  },
  "No comment shouts": () => (body) => (/[A-Z]{5,}|!!/.test(body) ? "shouts" : undefined),
};

export const evaluation = {
  evaluate(material) {
    const sentence = SENTENCES[material.text];
    // Not one of ours: others are asked.
    if (sentence === undefined) return undefined;
    if (material.final === undefined) {
      return { verdict: "skipped", reason: "state_missing: no state was recorded", statePaths: [], eventIds: [] };
    }
    const problem = sentence(JSON.parse(material.config));
    const comments = written(JSON.parse(material.seed ?? "{}"), JSON.parse(material.final));
    const wrong = comments.filter(({ body }) => problem(body));
    if (wrong.length > 0) {
      return {
        verdict: "failed",
        reason: `"${wrong[0].body}" ${problem(wrong[0].body)}`,
        statePaths: wrong.map(({ path }) => path),
        eventIds: [],
      };
    }
    return {
      verdict: "passed",
      reason: `${comments.length} new comments`,
      statePaths: comments.map(({ path }) => path),
      eventIds: [],
    };
  },
};
