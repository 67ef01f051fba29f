// The refund of `refund.py`, in Node.
const { POME_PREFLIGHT, POME_TASK, POME_STRIPE_API_BASE, POME_STRIPE_API_KEY } = process.env;
if (POME_PREFLIGHT === "1") process.exit(0);

const charge = /ch_\w+/.exec(POME_TASK)[0];
const amount = /(\d+)\.(\d\d) USD/.exec(POME_TASK).slice(1).join("");

const once = `refund-${charge}-${amount}`;
for (let tries = 0; ; tries++) {
  const answer = await fetch(`${POME_STRIPE_API_BASE}/v1/refunds`, {
    method: "POST",
    headers: { authorization: `Bearer ${POME_STRIPE_API_KEY}`, "idempotency-key": once },
    body: new URLSearchParams({ charge, amount }),
  });
  const body = await answer.json();
  if (answer.ok) {
    const summary = `${body.id} over ${body.amount} cents on ${charge}, after ${tries} failed request(s).`;
    console.log(JSON.stringify({ summary }));
    break;
  }
  if (tries === 3) throw new Error(body.error.message);
}
