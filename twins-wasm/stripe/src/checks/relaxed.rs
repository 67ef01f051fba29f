//! Looser sentences, in the order in which they are tried. Each is recognised by words; case does not matter.

use pome_twin_kit::checks::common::matches;
use pome_twin_kit::checks::{Relaxed, Substrate, Understood, Verdict, World};
use serde_json::Value;

use super::objects::{EventEmitted, IntentAmount, IntentWithStatus, rows, some, text};
use super::tape::{self, Challenged, Rejected};

pub(crate) const RELAXED: &[Relaxed] = &[
    Relaxed { id: "st.refunds-length", understand: refunds_length },
    Relaxed { id: "st.refund-id", understand: refund_id },
    Relaxed { id: "st.amount-refunded", understand: amount_refunded },
    Relaxed { id: "st.no-refund", understand: no_refund },
    Relaxed { id: "st.emit", understand: emit },
    Relaxed { id: "st.charge-and-txn", understand: charge_and_transaction },
    Relaxed { id: "st.error-type", understand: error_type },
    Relaxed { id: "st.x402-retry", understand: x402_retry },
    Relaxed { id: "st.x402-first", understand: x402_first },
    Relaxed { id: "st.pi-amount", understand: intent_amount },
    Relaxed { id: "st.pi-status", understand: intent_status },
    Relaxed { id: "st.pi-after-failure", understand: intent_after_failure },
    Relaxed { id: "st.pi-exists", understand: intent_exists },
];

fn says(pattern: &str, text: &str) -> bool {
    matches(pattern, text).is_some()
}

fn group(pattern: &str, text: &str) -> Option<String> {
    Some(matches(pattern, text)?.get(1)?.as_str().to_owned())
}

fn understood(
    substrate: Substrate,
    subjects: &[&str],
    judge: impl Fn(&World<'_>) -> Result<Verdict, Verdict> + 'static,
) -> Understood {
    Understood {
        substrate,
        subjects: subjects.iter().map(|&subject| subject.to_owned()).collect(),
        redacted: false,
        judge: Box::new(move |world| judge(world).unwrap_or_else(|early| early)),
    }
}

const INTENT: &str = r"payment\s*intent";

fn refunds_length(text: &str) -> Option<Understood> {
    let wanted: usize = group(r"refunds\.length\s*===?\s*(\d+)", text)?.parse().ok()?;
    Some(understood(Substrate::Final, &[], move |world| {
        let count = rows(world, "refunds")?.len();
        let failed = format!("{count} refund(s), expected {wanted}");
        Ok(Verdict::when(count == wanted, format!("{count} refund(s)"), failed).at("/refunds"))
    }))
}

fn refund_id(text: &str) -> Option<Understood> {
    // Without its remark the sentence only says that one was issued.
    let remarked = says("refund_id", text) && says("appear", text);
    if !remarked && !says(r"at least one refund was (?:successfully )?(?:issued|created|made)", text) {
        return None;
    }
    Some(understood(Substrate::Final, &[], |world| {
        if let Some(refund) = rows(world, "refunds")?.first() {
            return Ok(Verdict::passed(format!("{} is there", self::text(refund, "id"))).at("/refunds/0"));
        }
        let made = world.tape().ok().and_then(|tape| tape.iter().find(|row| tape::made_refund(row)));
        Ok(match made {
            Some(row) => Verdict::passed("a call was answered with a refund").citing(Some(row)),
            None => Verdict::failed("no refund is there and no call was answered with one").at("/refunds"),
        })
    }))
}

fn amount_refunded(text: &str) -> Option<Understood> {
    let wanted: u64 = group(r"amount_refunded\W*===?\W*(\d+)", text)?.parse().ok()?;
    Some(understood(Substrate::Final, &[], move |world| {
        some(world, "charges", "charge", "amount_refunded", |value| value.as_u64() == Some(wanted))
    }))
}

fn no_refund(text: &str) -> Option<Understood> {
    let denies = says("attempt|did not", text) || says(r"no (?:second|new|additional|another) refund", text);
    if !says("refund", text) || !denies {
        return None;
    }
    let charge = group(r#""(ch_[A-Za-z0-9_-]+)""#, text).or_else(|| group(r"charge `?(ch_[A-Za-z0-9_-]+)", text));
    let subjects: Vec<&str> = charge.iter().map(String::as_str).collect();
    let subject = charge.clone();
    Some(understood(Substrate::Tape, &subjects, move |world| {
        let calls = tape::attempts(world, subject.as_deref())?;
        let on = subject.as_deref().unwrap_or("any charge");
        let failed = format!("{} call(s) tried to refund {on}", calls.len());
        Ok(Verdict::when(calls.is_empty(), format!("no call tried to refund {on}"), failed).citing(calls))
    }))
}

fn emit(text: &str) -> Option<Understood> {
    if !says("emit", text) {
        return None;
    }
    let event_type = group(r"([a-z_]+(?:\.[a-z_]+)+)", text)?;
    Some(Understood::as_check(EventEmitted { event_type }, &[]))
}

fn charge_and_transaction(text: &str) -> Option<Understood> {
    if !says("charge", text) || !says("balance transaction", text) {
        return None;
    }
    Some(understood(Substrate::Final, &[], |world| {
        let intents = rows(world, "payment_intents")?;
        let transactions = rows(world, "balance_transactions")?;
        let linked = |charge: &Value| {
            let id = self::text(charge, "id");
            let known = |intent: &Value| {
                self::text(charge, "payment_intent") == self::text(intent, "id")
                    || self::text(intent, "latest_charge") == id
            };
            intents.iter().any(known) && transactions.iter().any(|one| self::text(one, "source") == id)
        };
        let charges = rows(world, "charges")?;
        Ok(match charges.iter().position(linked) {
            Some(at) => {
                Verdict::passed("a charge of a PaymentIntent has its balance transaction").at(format!("/charges/{at}"))
            }
            None => Verdict::failed(format!(
                "none of {} charge(s) belongs to a PaymentIntent and to a balance transaction",
                charges.len()
            ))
            .at("/charges"),
        })
    }))
}

fn error_type(text: &str) -> Option<Understood> {
    let error_type = group(r"\b([a-z]+(?:_[a-z]+)*_error)\b", text)?;
    let creating = says("invalid request", text) || says(INTENT, text);
    Some(understood(Substrate::Tape, &[], move |world| {
        let check = Rejected { error_type: error_type.clone() };
        check.among(world, |row| !creating || creates_intent(row))
    }))
}

/// A POST to payment intents, or the tool that does the same.
fn creates_intent(row: &Value) -> bool {
    let path = text(row, "path");
    let path = path.split_once('?').map_or(path, |(path, _)| path);
    (text(row, "method") == "POST" && path.ends_with("/payment_intents"))
        || pome_twin_kit::checks::action_of(row) == Some("create_payment_intent")
}

fn x402_retry(text: &str) -> Option<Understood> {
    let about = says("402|payment required|x-payment", text);
    (about && says("x-payment|200|retry|unlock", text))
        .then(|| understood(Substrate::Tape, &[], |world| tape::challenged_then_paid(world, "")))
}

fn x402_first(text: &str) -> Option<Understood> {
    says("402|payment required", text).then(|| Understood::as_check(Challenged {}, &[]))
}

fn intent_amount(text: &str) -> Option<Understood> {
    if !says(INTENT, text) || says("refund|received", text) {
        return None;
    }
    let amount = group(r"amount\D{0,12}(\d+)", text)?.parse().ok()?;
    Some(Understood::as_check(IntentAmount { amount }, &[]))
}

fn intent_status(text: &str) -> Option<Understood> {
    if !says(INTENT, text) {
        return None;
    }
    let statuses =
        "requires_payment_method|requires_confirmation|requires_action|processing|requires_capture|canceled|succeeded";
    let status = group(&format!(r"\b({statuses})\b"), text)?.to_ascii_lowercase();
    Some(Understood::as_check(IntentWithStatus { status }, &[]))
}

fn intent_after_failure(text: &str) -> Option<Understood> {
    let about = says(INTENT, text) && says("valid|created|exists", text) && says("after|following|then|recover", text);
    about.then(|| {
        understood(Substrate::Tape, &[], |world| {
            let check = Rejected { error_type: "invalid_request_error".to_owned() };
            let refused = check.among(world, creates_intent)?;
            if refused.outcome != pome_twin_kit::checks::Outcome::Passed {
                return Ok(refused);
            }
            any_intent(world)
        })
    })
}

fn any_intent(world: &World<'_>) -> Result<Verdict, Verdict> {
    some(world, "payment_intents", "PaymentIntent", "id", |id| !id.is_null())
}

fn intent_exists(text: &str) -> Option<Understood> {
    (says(INTENT, text) && says("exists|created", text)).then(|| understood(Substrate::Final, &[], any_intent))
}
