//! Quotes: an offer to a customer that becomes an invoice or a subscription when it is accepted.

use pome_twin_kit::{Action, Cx};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::invoices::{CollectionMethod, no_automatic_tax};
use super::{invoice_items, subscriptions};
use crate::Stripe;
use crate::answer::Answer;
use crate::billing::sale::{self, Part, Sum};
use crate::billing::{invoices, timeline};
use crate::desk::{self, Desk};
use crate::doc::Doc;
use crate::error::Error;
use crate::kind::Kind;
use crate::lists::{list, retrieve};
use crate::objects;
use crate::params::{self, Text, clears};

const DAY: i64 = 86_400;
/// A quote is good for so long unless it says otherwise.
const LIFE: i64 = 30 * DAY;

/// Writes a quote.
#[derive(Debug, Deserialize)]
pub(crate) struct Create {
    automatic_tax: Option<Value>,
    collection_method: Option<CollectionMethod>,
    #[serde(default)]
    customer: Text,
    #[serde(default)]
    description: Text,
    discounts: Option<Value>,
    expires_at: Option<i64>,
    #[serde(default)]
    footer: Text,
    from_quote: Option<Value>,
    #[serde(default)]
    header: Text,
    invoice_settings: Option<Value>,
    line_items: Option<Value>,
    metadata: Option<Value>,
    subscription_data: Option<Value>,
}

impl Action<Stripe> for Create {
    const NAME: &'static str = "create_quote";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        no_automatic_tax(self.automatic_tax.as_ref())?;
        if self.from_quote.is_some() || self.discounts.as_ref().is_some_and(|given| !clears(given)) {
            return Err(Error::unmodelled("revisions and discounts of quotes"));
        }
        let customer = match &self.customer {
            Text::Is(id) => Some(cx.refer(Kind::Customer, id, "customer")?),
            _ => None,
        };
        if let Some(customer) = &customer {
            timeline::enter(cx, customer);
        }
        let now = cx.seconds();
        let id = cx.fresh(Kind::Quote.facts().prefix);
        let mut quote = objects::blank(Kind::Quote, &id, now);
        if let Some(customer) = &customer {
            quote.set("customer", customer.id());
            quote.set("test_clock", customer.get("test_clock").clone());
        }
        let expires = self.expires_at.unwrap_or(now + LIFE);
        if expires <= now {
            return Err(Error::invalid("The expires_at timestamp must be in the future.").param("expires_at"));
        }
        quote.set("expires_at", expires);
        quote.set("metadata", params::new_metadata(self.metadata.as_ref())?);
        if let Some(method) = self.collection_method {
            quote.set("collection_method", method.name());
        }
        self.description.apply(&mut quote, "description");
        self.header.apply(&mut quote, "header");
        self.footer.apply(&mut quote, "footer");
        for (name, value) in
            [("invoice_settings", self.invoice_settings), ("subscription_data", self.subscription_data)]
        {
            if let Some(Value::Object(value)) = value {
                quote.object_mut(name).extend(value);
            }
        }
        let parts = sale::read(cx, self.line_items.as_ref())?;
        let list = compute(cx, &mut quote, &parts);
        cx.add(Kind::Quote, quote.clone(), Map::from_iter([("line_items".to_owned(), list)]));
        cx.emit("quote.created", &quote);
        Answer::doc(cx, &quote)
    }
}

/// Writes what a quote comes to, and gives its lines.
fn compute(cx: &Cx<'_, Stripe>, quote: &mut Doc, parts: &[Part]) -> Value {
    let url = format!("/v1/quotes/{}/line_items", quote.id());
    let recurring: Vec<Part> = parts.iter().filter(|part| part.recurs()).cloned().collect();
    let (lines, sum) = sale::lines(cx, parts, None);
    let details = |sum: Sum| json!({ "amount_discount": sum.discount, "amount_shipping": 0, "amount_tax": sum.tax });
    quote.set("amount_subtotal", sum.subtotal);
    quote.set("amount_total", sum.total);
    quote.set("currency", parts.first().map(|part| part.price.text("currency").to_owned()));
    quote.set("total_details", details(sum));
    let again = match recurring.first() {
        Some(first) => {
            let (_, sum) = sale::lines(cx, &recurring, None);
            json!({
                "amount_subtotal": sum.subtotal, "amount_total": sum.total,
                "interval": first.price.at("/recurring/interval"),
                "interval_count": first.price.at("/recurring/interval_count"), "total_details": details(sum),
            })
        }
        None => Value::Null,
    };
    let upfront = json!({ "amount_subtotal": sum.subtotal, "amount_total": sum.total, "total_details": details(sum) });
    quote.set("computed", json!({ "recurring": again, "upfront": upfront }));
    sale::list(&lines, &url)
}

retrieve! {
    /// One quote.
    Retrieve = "retrieve_quote", Kind::Quote
}

list! {
    /// Quotes, newest first.
    List = "list_quotes", Kind::Quote, { customer: String, status: String, test_clock: String },
    |wanted, quote| {
        let fits = |member: &str, wanted: &Option<String>| crate::lists::fits(quote, member, wanted.as_deref());
        fits("customer", &wanted.customer) && fits("status", &wanted.status) && fits("test_clock", &wanted.test_clock)
    }
}

/// The lines of a quote.
#[derive(Debug, Deserialize)]
pub(crate) struct LineItems {
    id: String,
    limit: Option<i64>,
    starting_after: Option<String>,
    ending_before: Option<String>,
}

impl Action<Stripe> for LineItems {
    const NAME: &'static str = "list_quote_line_items";
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        cx.get(Kind::Quote, &self.id)?;
        let list = cx.hidden(Kind::Quote, &self.id, "line_items");
        let all = list["data"].as_array().cloned().unwrap_or_default();
        let url = list["url"].as_str().unwrap_or_default();
        let (after, before) = (self.starting_after.as_deref(), self.ending_before.as_deref());
        super::invoice_lines::within(cx, all, url, self.limit, after, before)
    }
}

fn must_be(quote: &Doc, states: &[&str], what: &str) -> Result<(), Error> {
    if states.contains(&quote.text("status")) {
        return Ok(());
    }
    let status = quote.text("status");
    Err(Error::invalid(format!("You cannot {what} this quote because it has a status of {status}.")))
}

/// Changes a quote that is a draft; of an open one only what is said of it.
#[derive(Debug, Deserialize)]
pub(crate) struct Update {
    id: String,
    #[serde(default)]
    customer: Text,
    #[serde(default)]
    description: Text,
    expires_at: Option<i64>,
    #[serde(default)]
    footer: Text,
    #[serde(default)]
    header: Text,
    line_items: Option<Value>,
    metadata: Option<Value>,
}

impl Action<Stripe> for Update {
    const NAME: &'static str = "update_quote";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        let mut quote = cx.get(Kind::Quote, &self.id)?;
        let deep = self.line_items.is_some() || self.customer != Text::Absent;
        must_be(&quote, if deep { &["draft"] } else { &["draft", "open"] }, "update")?;
        if let Text::Is(customer) = &self.customer {
            let customer = cx.refer(Kind::Customer, customer, "customer")?;
            quote.set("test_clock", customer.get("test_clock").clone());
        }
        self.customer.apply(&mut quote, "customer");
        self.description.apply(&mut quote, "description");
        self.header.apply(&mut quote, "header");
        self.footer.apply(&mut quote, "footer");
        params::merge_metadata(quote.object_mut("metadata"), self.metadata.as_ref())?;
        if let Some(at) = self.expires_at {
            quote.set("expires_at", at);
        }
        if self.line_items.is_some() {
            let parts = sale::read(cx, self.line_items.as_ref())?;
            let list = compute(cx, &mut quote, &parts);
            cx.hide(Kind::Quote, &self.id, "line_items", list);
        }
        let change = cx.alter(Kind::Quote, &self.id, |stored| *stored = quote);
        Answer::doc(cx, &change.after)
    }
}

/// Makes a draft an offer with a number.
#[derive(Debug, Deserialize)]
pub(crate) struct Finalize {
    id: String,
    expires_at: Option<i64>,
}

impl Action<Stripe> for Finalize {
    const NAME: &'static str = "finalize_quote";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        let quote = cx.get(Kind::Quote, &self.id)?;
        must_be(&quote, &["draft"], "finalize")?;
        if quote.get("customer").is_null() {
            return Err(Error::invalid("A quote must have a customer before it can be finalized.").param("customer"));
        }
        let empty = cx.hidden(Kind::Quote, &self.id, "line_items")["data"].as_array().is_none_or(Vec::is_empty);
        if empty {
            return Err(Error::invalid("A quote must have at least one line item before it can be finalized.")
                .param("line_items"));
        }
        timeline::enter_of(cx, quote.text("customer"));
        let now = cx.seconds();
        let count = cx.each(Kind::Quote).iter().filter(|row| !row.object.get("number").is_null()).count() + 1;
        let prefix = cx.get(Kind::Customer, quote.text("customer"))?.text("invoice_prefix").to_owned();
        let change = cx.alter(Kind::Quote, &self.id, |quote| {
            quote.set("status", "open");
            quote.set("number", format!("QT-{prefix}-{count:04}-1"));
            quote.object_mut("status_transitions").insert("finalized_at".to_owned(), now.into());
            if let Some(at) = self.expires_at {
                quote.set("expires_at", at);
            }
        });
        cx.emit("quote.finalized", &change.after);
        Answer::doc(cx, &change.after)
    }
}

/// Accepts an open quote: what recurs becomes a subscription, the rest an invoice that is still a draft.
#[derive(Debug, Deserialize)]
pub(crate) struct Accept {
    id: String,
}

impl Action<Stripe> for Accept {
    const NAME: &'static str = "accept_quote";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        let quote = cx.get(Kind::Quote, &self.id)?;
        must_be(&quote, &["open"], "accept")?;
        let customer = cx.refer(Kind::Customer, quote.text("customer"), "customer")?;
        timeline::enter(cx, &customer);
        let (items, once) = sale::subscribed(&cx.hidden(Kind::Quote, &self.id, "line_items"));
        let days = quote.at("/invoice_settings/days_until_due").clone();
        let sent = quote.text("collection_method") == "send_invoice";
        let (subscription, invoice) = if items.is_empty() {
            let mut invoice = invoices::draft(cx, &customer, quote.text("currency"), "manual");
            invoice.set("metadata", quote.get("metadata").clone());
            invoice.set("collection_method", quote.get("collection_method").clone());
            if sent {
                invoice.set("due_date", cx.seconds() + days.as_i64().unwrap_or(30) * DAY);
            }
            invoice.set(
                "parent",
                json!({ "quote_details": { "quote": self.id }, "subscription_details": null, "type": "quote_details" }),
            );
            let invoice = invoices::store(cx, invoice, Vec::new());
            for mut item in once {
                item["invoice"] = invoice.id().into();
                let item: invoice_items::Create = params::nested(&item, "line_items")?;
                desk::within(cx, item)?;
            }
            (Value::Null, invoice.get("id").clone())
        } else {
            let data = quote.get("subscription_data");
            let mut given = Doc::new(json!({
                "customer": customer.id(), "items": items, "add_invoice_items": once, "metadata": quote.get("metadata"),
                "collection_method": quote.get("collection_method"),
            }));
            for name in ["description", "trial_period_days"] {
                if let Some(value) = data.get(name).filter(|value| !value.is_null()) {
                    given.set(name, value.clone());
                }
            }
            if sent {
                given.set("days_until_due", days.as_i64().unwrap_or(30));
            }
            let create: subscriptions::Create = params::nested(&given.json(), "subscription_data")?;
            let id = create.start(cx, &customer)?;
            let latest = cx.get(Kind::Subscription, &id)?.get("latest_invoice").clone();
            (id.into(), latest)
        };
        let now = cx.seconds();
        let change = cx.alter(Kind::Quote, &self.id, |quote| {
            quote.set("status", "accepted");
            quote.set("subscription", subscription);
            quote.set("invoice", invoice);
            quote.object_mut("status_transitions").insert("accepted_at".to_owned(), now.into());
        });
        cx.emit("quote.accepted", &change.after);
        Answer::doc(cx, &change.after)
    }
}

/// Withdraws a quote.
#[derive(Debug, Deserialize)]
pub(crate) struct Cancel {
    id: String,
}

impl Action<Stripe> for Cancel {
    const NAME: &'static str = "cancel_quote";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        let quote = cx.get(Kind::Quote, &self.id)?;
        must_be(&quote, &["draft", "open"], "cancel")?;
        timeline::enter_of(cx, quote.text("customer"));
        cancel(cx, &self.id);
        Answer::stored(cx, Kind::Quote, &self.id)
    }
}

/// Withdraws a quote, also when its time is over.
pub(crate) fn cancel(cx: &mut Cx<'_, Stripe>, id: &str) {
    let now = cx.seconds();
    let change = cx.alter(Kind::Quote, id, |quote| {
        quote.set("status", "canceled");
        quote.object_mut("status_transitions").insert("canceled_at".to_owned(), now.into());
    });
    cx.emit("quote.canceled", &change.after);
}
