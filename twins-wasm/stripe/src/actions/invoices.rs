//! Invoices: writing, finalizing, paying and taking back. What happens then is in [`crate::billing::invoices`].

use pome_twin_kit::{Action, Cx};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{payment_methods, tax_rates};
use crate::Stripe;
use crate::answer::Answer;
use crate::billing::collecting::{self, Outcome};
use crate::billing::{discounts, invoices, timeline};
use crate::desk::Desk;
use crate::doc::Doc;
use crate::error::Error;
use crate::kind::Kind;
use crate::lists::{list, retrieve};
use crate::money;
use crate::params::{self, Span, Text, clears};
use crate::search::search;

const DAY: i64 = 86_400;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CollectionMethod {
    ChargeAutomatically,
    SendInvoice,
}

impl CollectionMethod {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::ChargeAutomatically => "charge_automatically",
            Self::SendInvoice => "send_invoice",
        }
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Pending {
    #[default]
    Exclude,
    Include,
}

/// What can be written on an invoice.
#[derive(Debug, Default, Deserialize)]
struct Details {
    auto_advance: Option<bool>,
    automatic_tax: Option<Value>,
    automatically_finalizes_at: Option<i64>,
    collection_method: Option<CollectionMethod>,
    custom_fields: Option<Value>,
    days_until_due: Option<i64>,
    default_payment_method: Text,
    default_tax_rates: Option<Value>,
    description: Text,
    due_date: Option<i64>,
    effective_at: Option<Value>,
    footer: Text,
    number: Text,
    payment_settings: Option<Value>,
    rendering: Option<Value>,
    shipping_cost: Option<Value>,
    shipping_details: Option<Value>,
    statement_descriptor: Text,
}

impl Details {
    fn apply(&self, cx: &mut Cx<'_, Stripe>, invoice: &mut Doc) -> Result<(), Error> {
        no_automatic_tax(self.automatic_tax.as_ref())?;
        if self.shipping_cost.as_ref().is_some_and(|given| !clears(given)) {
            return Err(Error::unmodelled("shipping costs on invoices"));
        }
        if let Some(advance) = self.auto_advance {
            invoice.set("auto_advance", advance);
            let at = cx.seconds() + invoices::WAIT;
            invoice.set("automatically_finalizes_at", if advance { Value::from(at) } else { Value::Null });
        }
        if let Some(at) = self.automatically_finalizes_at {
            invoice.set("automatically_finalizes_at", at);
            invoice.set("auto_advance", true);
        }
        if let Some(method) = self.collection_method {
            invoice.set("collection_method", method.name());
        }
        let sent = invoice.text("collection_method") == "send_invoice";
        match (self.days_until_due, self.due_date) {
            (Some(_), Some(_)) => {
                let message = "You may only specify one of these parameters: days_until_due, due_date.";
                return Err(Error::invalid(message).param("due_date"));
            }
            (None, None) if sent && invoice.get("due_date").is_null() => {
                let message = "If invoices are being sent by email, you must pass `days_until_due` or `due_date`.";
                return Err(Error::invalid(message).code("invoice_no_days_until_due").param("days_until_due"));
            }
            (None, None) => {}
            (days, date) => {
                if !sent {
                    let message = "You can only set a due date if `collection_method` is `send_invoice`.";
                    let param = if days.is_some() { "days_until_due" } else { "due_date" };
                    return Err(Error::invalid(message).param(param));
                }
                let due = date.unwrap_or_else(|| cx.seconds() + days.unwrap_or_default() * DAY);
                if due < cx.seconds() {
                    return Err(Error::invalid("The due date must not be in the past.").param("due_date"));
                }
                invoice.set("due_date", due);
            }
        }
        if let Text::Is(method) = &self.default_payment_method {
            let customer = invoice.text("customer").to_owned();
            let method = own_method(cx, method, &customer)?;
            invoice.set("default_payment_method", method);
        }
        if let Some(rates) = &self.default_tax_rates {
            invoice.set("default_tax_rates", tax_rates::named(cx, Some(rates), "default_tax_rates")?);
        }
        self.description.apply(invoice, "description");
        self.footer.apply(invoice, "footer");
        self.number.apply(invoice, "number");
        self.statement_descriptor.apply(invoice, "statement_descriptor");
        for (name, value) in [
            ("custom_fields", &self.custom_fields),
            ("effective_at", &self.effective_at),
            ("rendering", &self.rendering),
            ("shipping_details", &self.shipping_details),
        ] {
            if let Some(value) = value {
                invoice.set(name, if clears(value) { Value::Null } else { value.clone() });
            }
        }
        if let Some(Value::Object(settings)) = &self.payment_settings {
            invoice.object_mut("payment_settings").extend(settings.clone());
        }
        Ok(())
    }
}

/// Taxes are those of tax rates; the vendor's own computation is not modelled.
pub(crate) fn no_automatic_tax(given: Option<&Value>) -> Result<(), Error> {
    match given.and_then(|given| given.get("enabled")) {
        Some(enabled) if params::flag(enabled, "automatic_tax[enabled]")? => Err(Error::unmodelled("automatic tax")),
        _ => Ok(()),
    }
}

/// A payment method that the customer has, or a test card that they get.
pub(crate) fn own_method(cx: &mut Cx<'_, Stripe>, name: &str, customer: &str) -> Result<String, Error> {
    let param = "default_payment_method";
    let id = payment_methods::usable(cx, name, param)?;
    let method = cx.refer(Kind::PaymentMethod, &id, param)?;
    if method.reference("customer").is_none() && id != name {
        payment_methods::attach(cx, &id, customer)?;
        return Ok(id);
    }
    if method.text("customer") != customer {
        let message = format!(
            "The customer does not have a payment method with the ID {id}. The payment method must be attached to the customer."
        );
        return Err(Error::invalid(message).code("resource_missing").param(param));
    }
    Ok(id)
}

/// Creates a draft.
#[derive(Debug, Deserialize)]
pub(crate) struct Create {
    #[serde(default)]
    customer: Text,
    #[serde(default)]
    subscription: Text,
    currency: Option<String>,
    discounts: Option<Value>,
    from_invoice: Option<Value>,
    metadata: Option<Value>,
    #[serde(default)]
    pending_invoice_items_behavior: Pending,
    auto_advance: Option<bool>,
    automatic_tax: Option<Value>,
    automatically_finalizes_at: Option<i64>,
    collection_method: Option<CollectionMethod>,
    custom_fields: Option<Value>,
    days_until_due: Option<i64>,
    #[serde(default)]
    default_payment_method: Text,
    default_tax_rates: Option<Value>,
    #[serde(default)]
    description: Text,
    due_date: Option<i64>,
    effective_at: Option<Value>,
    #[serde(default)]
    footer: Text,
    #[serde(default)]
    number: Text,
    payment_settings: Option<Value>,
    rendering: Option<Value>,
    shipping_cost: Option<Value>,
    shipping_details: Option<Value>,
    #[serde(default)]
    statement_descriptor: Text,
}

impl Action<Stripe> for Create {
    const NAME: &'static str = "create_invoice";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        if self.from_invoice.is_some() {
            return Err(Error::unmodelled("revisions of invoices"));
        }
        let subscription = match &self.subscription {
            Text::Is(id) => Some(cx.refer(Kind::Subscription, id, "subscription")?),
            _ => None,
        };
        let customer = match (&self.customer, &subscription) {
            (Text::Is(id), _) => id.clone(),
            (_, Some(subscription)) => subscription.text("customer").to_owned(),
            _ => return Err(Error::required("customer")),
        };
        let customer = cx.refer(Kind::Customer, &customer, "customer")?;
        timeline::enter(cx, &customer);
        let include = self.pending_invoice_items_behavior == Pending::Include || subscription.is_some();
        let own = customer.reference("currency").unwrap_or("usd").to_owned();
        let first = include.then(|| pending_currency(cx, customer.id())).flatten();
        let currency = match (&self.currency, &subscription) {
            (Some(currency), _) => money::currency(currency)?,
            (None, Some(subscription)) => subscription.text("currency").to_owned(),
            (None, None) => first.unwrap_or(own),
        };
        let mut invoice = invoices::draft(cx, &customer, &currency, "manual");
        invoice.set("metadata", params::new_metadata(self.metadata.as_ref())?);
        if let Some(subscription) = &subscription {
            invoice.set("parent", invoices::parent(subscription));
            invoice.set("subscription", subscription.id());
            invoice.set("collection_method", subscription.get("collection_method").clone());
        }
        let given = match &self.discounts {
            Some(given) => {
                let owner = [("customer", customer.id()), ("invoice", invoice.id())];
                discounts::given(cx, given, &owner)?
            }
            None => {
                let theirs = customer.at("/discount/id").as_str().map(str::to_owned);
                discounts::running(cx, &theirs.into_iter().collect::<Vec<_>>())
            }
        };
        invoice.set("discounts", given);
        let details = Details {
            auto_advance: self.auto_advance,
            automatic_tax: self.automatic_tax,
            automatically_finalizes_at: self.automatically_finalizes_at,
            collection_method: self.collection_method,
            custom_fields: self.custom_fields,
            days_until_due: self.days_until_due,
            default_payment_method: self.default_payment_method,
            default_tax_rates: self.default_tax_rates,
            description: self.description,
            due_date: self.due_date,
            effective_at: self.effective_at,
            footer: self.footer,
            number: self.number,
            payment_settings: self.payment_settings,
            rendering: self.rendering,
            shipping_cost: self.shipping_cost,
            shipping_details: self.shipping_details,
            statement_descriptor: self.statement_descriptor,
        };
        details.apply(cx, &mut invoice)?;
        if include {
            let subscription = subscription.as_ref().map(Doc::id);
            let items = invoices::pending(cx, customer.id(), subscription, &currency);
            if subscription.is_some() && items.is_empty() {
                let message = "Nothing to invoice for subscription";
                return Err(Error::invalid(message).code("invoice_no_subscription_line_items"));
            }
            invoices::pull(cx, invoice.id(), &items);
        }
        let invoice = invoices::store(cx, invoice, Vec::new());
        Answer::doc(cx, &invoice)
    }
}

/// The currency of what is pending for a customer.
fn pending_currency(cx: &Cx<'_, Stripe>, customer: &str) -> Option<String> {
    let rows = cx.each(Kind::InvoiceItem).into_iter();
    let mut pending = rows.filter(|row| row.object.text("customer") == customer && row.object.get("invoice").is_null());
    pending.next().map(|row| row.object.text("currency").to_owned())
}

retrieve! {
    /// One invoice.
    Retrieve = "retrieve_invoice", Kind::Invoice
}

list! {
    /// Invoices, newest first.
    List = "list_invoices", Kind::Invoice,
    { collection_method: String, customer: String, due_date: serde_json::Value, status: String, subscription: String },
    |wanted, invoice| {
        let fits = |member: &str, wanted: &Option<String>| crate::lists::fits(invoice, member, wanted.as_deref());
        let due = Span::of(wanted.due_date.as_ref(), "due_date").unwrap_or_default();
        fits("collection_method", &wanted.collection_method)
            && fits("customer", &wanted.customer)
            && fits("status", &wanted.status)
            && wanted.subscription.as_deref().is_none_or(|id| invoices::subscription(invoice) == Some(id))
            && (wanted.due_date.is_none() || invoice.get("due_date").as_i64().is_some_and(|at| due.holds(at)))
    }
}

search! {
    /// Invoices that a query describes.
    Search = "search_invoices", Kind::Invoice,
    ["created", "currency", "customer", "metadata", "number", "receipt_number", "status", "subscription", "total"]
}

/// Changes a draft; of a finalized invoice only what does not change what is owed.
#[derive(Debug, Deserialize)]
pub(crate) struct Update {
    id: String,
    discounts: Option<Value>,
    metadata: Option<Value>,
    auto_advance: Option<bool>,
    automatic_tax: Option<Value>,
    automatically_finalizes_at: Option<i64>,
    collection_method: Option<CollectionMethod>,
    custom_fields: Option<Value>,
    days_until_due: Option<i64>,
    #[serde(default)]
    default_payment_method: Text,
    default_tax_rates: Option<Value>,
    #[serde(default)]
    description: Text,
    due_date: Option<i64>,
    effective_at: Option<Value>,
    #[serde(default)]
    footer: Text,
    #[serde(default)]
    number: Text,
    payment_settings: Option<Value>,
    rendering: Option<Value>,
    shipping_cost: Option<Value>,
    shipping_details: Option<Value>,
    #[serde(default)]
    statement_descriptor: Text,
}

impl Action<Stripe> for Update {
    const NAME: &'static str = "update_invoice";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        let mut invoice = cx.live(Kind::Invoice, &self.id)?;
        timeline::enter_of(cx, invoice.text("customer"));
        let draft = invoice.text("status") == "draft";
        let fixed = [
            ("collection_method", self.collection_method.is_some()),
            ("custom_fields", self.custom_fields.is_some()),
            ("days_until_due", self.days_until_due.is_some()),
            ("default_tax_rates", self.default_tax_rates.is_some()),
            ("description", self.description != Text::Absent),
            ("discounts", self.discounts.is_some()),
            ("due_date", self.due_date.is_some()),
            ("effective_at", self.effective_at.is_some()),
            ("footer", self.footer != Text::Absent),
            ("number", self.number != Text::Absent),
            ("statement_descriptor", self.statement_descriptor != Text::Absent),
        ];
        if let Some((param, _)) = fixed.iter().find(|(_, given)| *given && !draft) {
            let message =
                format!("Finalized invoices can't be updated in this way. The field `{param}` cannot be changed.");
            return Err(Error::invalid(message).code("invoice_not_editable").param(*param));
        }
        params::merge_metadata(invoice.object_mut("metadata"), self.metadata.as_ref())?;
        if let Some(given) = &self.discounts {
            let customer = invoice.text("customer").to_owned();
            let owner = [("customer", customer.as_str()), ("invoice", self.id.as_str())];
            invoice.set("discounts", discounts::given(cx, given, &owner)?);
        }
        let details = Details {
            auto_advance: self.auto_advance,
            automatic_tax: self.automatic_tax,
            automatically_finalizes_at: self.automatically_finalizes_at,
            collection_method: self.collection_method,
            custom_fields: self.custom_fields,
            days_until_due: self.days_until_due,
            default_payment_method: self.default_payment_method,
            default_tax_rates: self.default_tax_rates,
            description: self.description,
            due_date: self.due_date,
            effective_at: self.effective_at,
            footer: self.footer,
            number: self.number,
            payment_settings: self.payment_settings,
            rendering: self.rendering,
            shipping_cost: self.shipping_cost,
            shipping_details: self.shipping_details,
            statement_descriptor: self.statement_descriptor,
        };
        details.apply(cx, &mut invoice)?;
        if !draft {
            invoice.set("automatically_finalizes_at", Value::Null);
        }
        let mut change = cx.alter(Kind::Invoice, &self.id, |stored| *stored = invoice);
        if draft {
            change.after = invoices::rebuild(cx, &self.id).after;
        }
        cx.emit_change("invoice.updated", &change);
        Answer::doc(cx, &change.after)
    }
}

/// Deletes a draft; what was pending before is gone too, as with the vendor.
#[derive(Debug, Deserialize)]
pub(crate) struct Delete {
    id: String,
}

impl Action<Stripe> for Delete {
    const NAME: &'static str = "delete_invoice";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        let invoice = cx.live(Kind::Invoice, &self.id)?;
        if invoice.text("status") != "draft" {
            let message = "You can only delete draft invoices. To cancel an open invoice, void it instead.";
            return Err(Error::invalid(message).code("invoice_not_editable"));
        }
        if invoices::subscription(&invoice).is_some() {
            let message = "Draft invoices of a subscription cannot be deleted. Finalize and void it instead.";
            return Err(Error::invalid(message).code("invoice_not_editable"));
        }
        timeline::enter_of(cx, invoice.text("customer"));
        let on = |row: &&crate::state::Row| row.object.text("invoice") == self.id;
        let items: Vec<Doc> = cx.each(Kind::InvoiceItem).into_iter().filter(on).map(|row| row.object.clone()).collect();
        for item in items {
            let stub = json!({ "id": item.id(), "object": "invoiceitem", "deleted": true });
            cx.alter(Kind::InvoiceItem, item.id(), |stored| *stored = Doc::new(stub));
            cx.emit("invoiceitem.deleted", &item);
        }
        let stub = Doc::new(json!({ "id": self.id, "object": "invoice", "deleted": true }));
        cx.alter(Kind::Invoice, &self.id, |stored| *stored = stub.clone());
        cx.emit("invoice.deleted", &invoice);
        Answer::doc(cx, &stub)
    }
}

/// Makes a draft final. With `auto_advance` it is then collected by itself.
#[derive(Debug, Deserialize)]
pub(crate) struct Finalize {
    id: String,
    auto_advance: Option<bool>,
}

impl Action<Stripe> for Finalize {
    const NAME: &'static str = "finalize_invoice";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        let invoice = cx.live(Kind::Invoice, &self.id)?;
        timeline::enter_of(cx, invoice.text("customer"));
        if let Some(advance) = self.auto_advance.filter(|_| invoice.text("status") == "draft") {
            cx.alter(Kind::Invoice, &self.id, |invoice| invoice.set("auto_advance", advance));
        }
        let invoice = invoices::finalize(cx, &self.id)?;
        let collects = invoice.flag("auto_advance") && invoice.text("collection_method") == "charge_automatically";
        if collects && invoice.text("status") == "open" {
            // Within the hour, as the vendor says; here at the next step of the clock.
            let now = cx.seconds();
            cx.alter(Kind::Invoice, &self.id, |invoice| invoice.set("next_payment_attempt", now + 1));
        }
        Answer::stored(cx, Kind::Invoice, &self.id)
    }
}

/// Refuses what cannot be done to an invoice in its state.
pub(super) fn must_be(invoice: &Doc, states: &[&str], what: &str) -> Result<(), Error> {
    let status = invoice.text("status");
    if states.contains(&status) {
        return Ok(());
    }
    let message = match (what, status) {
        ("pay", "paid") => "Invoice is already paid".to_owned(),
        ("pay", "draft") => "This invoice must be finalized before it can be paid.".to_owned(),
        ("pay", status) => format!("Invoice is {status} and can no longer be paid."),
        (what, status) => {
            format!("You can only {what} invoices that are {}. This invoice is {status}.", states.join(" or "))
        }
    };
    let code = if status == "draft" || what != "pay" { "invoice_not_editable" } else { "invoice_already_closed" };
    Err(Error::invalid(message).code(code))
}

/// Pays an invoice: with a payment method, or by noting that it was paid elsewhere. A draft is finalized first.
#[derive(Debug, Deserialize)]
pub(crate) struct Pay {
    id: String,
    #[expect(dead_code, reason = "taken as the vendor takes it; nothing here depends on it")]
    forgive: Option<bool>,
    #[expect(dead_code, reason = "taken as the vendor takes it; nothing here depends on it")]
    #[serde(default)]
    mandate: Text,
    off_session: Option<bool>,
    #[serde(default)]
    paid_out_of_band: bool,
    #[serde(default)]
    payment_method: Text,
    #[serde(default)]
    source: Text,
}

impl Action<Stripe> for Pay {
    const NAME: &'static str = "pay_invoice";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        let mut invoice = cx.live(Kind::Invoice, &self.id)?;
        timeline::enter_of(cx, invoice.text("customer"));
        if invoice.text("status") == "draft" {
            invoice = invoices::finalize(cx, &self.id)?;
            if invoice.text("status") == "paid" {
                return Answer::doc(cx, &invoice);
            }
        }
        must_be(&invoice, &["open", "uncollectible"], "pay")?;
        if self.paid_out_of_band {
            collecting::close(cx, &self.id, "void_invoice");
            invoices::mark_paid(cx, &self.id, invoice.number("amount_remaining"));
            return Answer::stored(cx, Kind::Invoice, &self.id);
        }
        let given = self.payment_method.text().or(self.source.text());
        let method = match given {
            Some(name) => {
                let id = payment_methods::usable(cx, name, "payment_method")?;
                payment_methods::check_use(cx, &id, invoice.reference("customer"))?;
                id
            }
            None => collecting::method(cx, &invoice).ok_or_else(|| {
                Error::invalid(
                    "There is no `default_payment_method` set on this Customer or Invoice. Please set either and try again.",
                )
            })?,
        };
        match collecting::pay(cx, &self.id, &method, self.off_session.unwrap_or(true))? {
            Outcome::Paid => Answer::stored(cx, Kind::Invoice, &self.id),
            Outcome::Declined(error) => kept(cx, error),
            Outcome::Asks => kept(
                cx,
                Error::card(
                    "invoice_payment_intent_requires_action",
                    "This payment requires additional user action before it can be completed successfully. Payment can be completed \
                     using the PaymentIntent associated with this invoice.",
                ),
            ),
        }
    }
}

/// Refuses the call and keeps what it left behind.
pub(crate) fn kept(cx: &mut Cx<'_, Stripe>, error: Error) -> Result<Answer, Error> {
    cx.attempt(|_| Ok::<_, Error>(()))?;
    Err(error)
}

/// Sends an invoice to the customer; nothing really leaves. A draft is finalized first.
#[derive(Debug, Deserialize)]
pub(crate) struct Send {
    id: String,
}

impl Action<Stripe> for Send {
    const NAME: &'static str = "send_invoice";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        let mut invoice = cx.live(Kind::Invoice, &self.id)?;
        timeline::enter_of(cx, invoice.text("customer"));
        if invoice.text("collection_method") != "send_invoice" {
            let message = "You can only manually send an invoice if its collection method is 'send_invoice'.";
            return Err(Error::invalid(message));
        }
        if invoice.get("customer_email").is_null() {
            let message = "Missing email. In order to create invoices that are sent to the customer, the customer must have a valid email.";
            return Err(Error::invalid(message).code("customer_missing_email"));
        }
        if invoice.text("status") == "draft" {
            invoice = invoices::finalize(cx, &self.id)?;
        }
        must_be(&invoice, &["open", "uncollectible", "paid"], "send")?;
        cx.emit("invoice.sent", &invoice);
        Answer::stored(cx, Kind::Invoice, &self.id)
    }
}

/// Takes back an invoice that was finalized.
#[derive(Debug, Deserialize)]
pub(crate) struct Void {
    id: String,
}

impl Action<Stripe> for Void {
    const NAME: &'static str = "void_invoice";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        let invoice = cx.live(Kind::Invoice, &self.id)?;
        must_be(&invoice, &["open", "uncollectible"], "void")?;
        timeline::enter_of(cx, invoice.text("customer"));
        invoices::void(cx, &self.id);
        Answer::stored(cx, Kind::Invoice, &self.id)
    }
}

/// Writes an open invoice off.
#[derive(Debug, Deserialize)]
pub(crate) struct MarkUncollectible {
    id: String,
}

impl Action<Stripe> for MarkUncollectible {
    const NAME: &'static str = "mark_invoice_uncollectible";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        let invoice = cx.live(Kind::Invoice, &self.id)?;
        must_be(&invoice, &["open"], "mark as uncollectible")?;
        timeline::enter_of(cx, invoice.text("customer"));
        invoices::mark_uncollectible(cx, &self.id);
        Answer::stored(cx, Kind::Invoice, &self.id)
    }
}
