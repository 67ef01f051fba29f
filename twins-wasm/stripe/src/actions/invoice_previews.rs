//! What an invoice would be. It is really written and then taken back, so that it cannot differ from what would come.

use pome_twin_kit::{Action, Cx};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::Stripe;
use crate::answer::Answer;
use crate::billing::{discounts, invoices, subscriptions, timeline};
use crate::desk::{self, Desk};
use crate::doc::Doc;
use crate::error::Error;
use crate::kind::Kind;
use crate::money;
use crate::params::{self, Text, clears};

/// Shows the next invoice of a customer or a subscription, also as it would be after a change.
#[derive(Debug, Deserialize)]
pub(crate) struct Create {
    automatic_tax: Option<Value>,
    currency: Option<String>,
    #[serde(default)]
    customer: Text,
    customer_details: Option<Value>,
    discounts: Option<Value>,
    invoice_items: Option<Vec<Map<String, Value>>>,
    preview_mode: Option<String>,
    schedule: Option<Value>,
    schedule_details: Option<Value>,
    #[serde(default)]
    subscription: Text,
    subscription_details: Option<Value>,
}

impl Action<Stripe> for Create {
    const NAME: &'static str = "preview_invoice";
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        super::invoices::no_automatic_tax(self.automatic_tax.as_ref())?;
        if self.schedule.is_some() || self.schedule_details.is_some() {
            return Err(Error::unmodelled("previews of subscription schedules"));
        }
        if self.customer_details.is_some() || self.preview_mode.as_deref() == Some("recurring") {
            return Err(Error::unmodelled("previews without a customer and previews of the recurring part"));
        }
        // What was done comes out as the error, so nothing of it stays.
        let outcome = cx.attempt(|cx| Err::<(), _>(self.write(cx)));
        match outcome {
            Err(Ok(invoice)) => Answer::doc(cx, &invoice),
            Err(Err(error)) => Err(error),
            Ok(()) => Ok(Answer::of(cx, Value::Null)?),
        }
    }
}

impl Create {
    fn write(self, cx: &mut Cx<'_, Stripe>) -> Result<Doc, Error> {
        let known = match &self.subscription {
            Text::Is(id) => Some(cx.refer(Kind::Subscription, id, "subscription")?),
            _ => None,
        };
        let customer = match (&self.customer, &known) {
            (Text::Is(id), _) => id.clone(),
            (_, Some(subscription)) => subscription.text("customer").to_owned(),
            _ => return Err(Error::required("customer")),
        };
        let customer = cx.refer(Kind::Customer, &customer, "customer")?;
        timeline::enter(cx, &customer);
        for (at, item) in self.invoice_items.into_iter().flatten().enumerate() {
            let mut item = item;
            item.insert("customer".to_owned(), customer.id().into());
            let item: super::invoice_items::Create =
                params::nested(&Value::Object(item), &format!("invoice_items[{at}]"))?;
            desk::within(cx, item)?;
        }
        let details = self.subscription_details.as_ref().filter(|given| !clears(given));
        let last = known.as_ref().map(|subscription| subscription.text("latest_invoice").to_owned());
        let mut invoice = match (known, details) {
            (Some(subscription), details) => {
                if let Some(details) = details {
                    let mut given = details.clone();
                    given["id"] = subscription.id().into();
                    let update: super::subscriptions::Update = params::nested(&given, "subscription_details")?;
                    update.apply(cx, &subscription)?;
                }
                let latest = cx.get(Kind::Subscription, subscription.id())?.text("latest_invoice").to_owned();
                if Some(&latest) == last.as_ref() {
                    upcoming(cx, subscription.id())?
                } else {
                    // The change itself would be invoiced.
                    cx.get(Kind::Invoice, &latest)?
                }
            }
            (None, Some(details)) => {
                let mut given = details.clone();
                given["customer"] = customer.id().into();
                given["payment_behavior"] = "default_incomplete".into();
                let create: super::subscriptions::Create = params::nested(&given, "subscription_details")?;
                let id = create.start(cx, &customer)?;
                let latest = cx.get(Kind::Subscription, &id)?.text("latest_invoice").to_owned();
                cx.get(Kind::Invoice, &latest)?
            }
            (None, None) => {
                let currency = match &self.currency {
                    Some(currency) => money::currency(currency)?,
                    None => customer.reference("currency").unwrap_or("usd").to_owned(),
                };
                let items = invoices::pending(cx, customer.id(), None, &currency);
                if items.is_empty() {
                    let message = format!("No upcoming invoices for customer: {}", customer.id());
                    return Err(Error::invalid(message).status(404).code("invoice_upcoming_none"));
                }
                let invoice = invoices::draft(cx, &customer, &currency, "upcoming");
                invoices::pull(cx, invoice.id(), &items);
                invoices::store(cx, invoice, Vec::new())
            }
        };
        if let Some(given) = &self.discounts {
            let id = invoice.id().to_owned();
            let owner = [("customer", customer.id()), ("invoice", id.as_str())];
            let given = discounts::given(cx, given, &owner)?;
            cx.alter(Kind::Invoice, &id, |invoice| {
                invoice.set("discounts", given);
                invoice.set("status", "draft");
            });
            invoice = invoices::rebuild(cx, &id).after;
        }
        Ok(shown(invoice))
    }
}

/// A preview has no state of its own.
fn shown(mut invoice: Doc) -> Doc {
    let id = invoice.id().replacen("in_", "upcoming_in_", 1);
    invoice.set("id", id);
    invoice.set("status", "draft");
    invoice.set("billing_reason", "upcoming");
    for name in
        ["number", "hosted_invoice_url", "invoice_pdf", "ending_balance", "effective_at", "automatically_finalizes_at"]
    {
        invoice.set(name, Value::Null);
    }
    invoice.object_mut("status_transitions").insert("finalized_at".to_owned(), Value::Null);
    invoice
}

/// The invoice that the end of the period would bring.
fn upcoming(cx: &mut Cx<'_, Stripe>, id: &str) -> Result<Doc, Error> {
    let subscription = cx.get(Kind::Subscription, id)?;
    let ends = subscription.flag("cancel_at_period_end")
        || matches!(subscription.text("status"), "canceled" | "incomplete_expired");
    if ends {
        let message = format!("No upcoming invoices for customer: {}", subscription.text("customer"));
        return Err(Error::invalid(message).status(404).code("invoice_upcoming_none"));
    }
    let (_, start) = subscriptions::period(&subscription);
    let end = subscriptions::length(&subscription).after(subscription.number("billing_cycle_anchor"), start);
    subscriptions::enter_period(cx, id, (start, end));
    let next = cx.get(Kind::Subscription, id)?;
    let lines = subscriptions::lines(cx, &next, (start, end), None, false);
    let invoice = subscriptions::bill(cx, id, "subscription_cycle", lines)?;
    let change = cx.alter(Kind::Invoice, invoice.id(), |invoice| {
        invoice.set("created", start);
        invoice.set("next_payment_attempt", start + invoices::WAIT);
    });
    Ok(change.after)
}
