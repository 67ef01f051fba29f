//! Payment links, which open checkout sessions, and sessions of the billing portal.

use pome_twin_kit::{Action, Cx};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::invoices::no_automatic_tax;
use crate::Stripe;
use crate::answer::Answer;
use crate::billing::sale::{self, Part};
use crate::desk::Desk;
use crate::doc::Doc;
use crate::error::Error;
use crate::ids;
use crate::kind::Kind;
use crate::lists::{list, retrieve};
use crate::objects;
use crate::params::{self, Text, clears};

/// What is said of a payment link.
#[derive(Debug, Default, Deserialize)]
struct Details {
    active: Option<bool>,
    after_completion: Option<Value>,
    allow_promotion_codes: Option<bool>,
    automatic_tax: Option<Value>,
    billing_address_collection: Option<Value>,
    consent_collection: Option<Value>,
    custom_fields: Option<Value>,
    custom_text: Option<Value>,
    customer_creation: Option<Value>,
    inactive_message: Option<Value>,
    invoice_creation: Option<Value>,
    payment_intent_data: Option<Value>,
    payment_method_collection: Option<Value>,
    payment_method_types: Option<Value>,
    phone_number_collection: Option<Value>,
    restrictions: Option<Value>,
    shipping_address_collection: Option<Value>,
    submit_type: Option<Value>,
    subscription_data: Option<Value>,
    tax_id_collection: Option<Value>,
}

impl Details {
    fn apply(self, link: &mut Doc) -> Result<(), Error> {
        no_automatic_tax(self.automatic_tax.as_ref())?;
        if let Some(active) = self.active {
            link.set("active", active);
        }
        if let Some(allow) = self.allow_promotion_codes {
            link.set("allow_promotion_codes", allow);
        }
        for (name, value) in [
            ("after_completion", self.after_completion),
            ("billing_address_collection", self.billing_address_collection),
            ("consent_collection", self.consent_collection),
            ("custom_fields", self.custom_fields),
            ("custom_text", self.custom_text),
            ("customer_creation", self.customer_creation),
            ("inactive_message", self.inactive_message),
            ("invoice_creation", self.invoice_creation),
            ("payment_intent_data", self.payment_intent_data),
            ("payment_method_collection", self.payment_method_collection),
            ("payment_method_types", self.payment_method_types),
            ("phone_number_collection", self.phone_number_collection),
            ("restrictions", self.restrictions),
            ("shipping_address_collection", self.shipping_address_collection),
            ("submit_type", self.submit_type),
            ("subscription_data", self.subscription_data),
            ("tax_id_collection", self.tax_id_collection),
        ] {
            match value {
                None => {}
                Some(value) if clears(&value) => link.set(name, Value::Null),
                Some(Value::Object(more)) => link.object_mut(name).extend(more),
                Some(value) => link.set(name, value),
            }
        }
        Ok(())
    }
}

/// Creates a payment link.
#[derive(Debug, Deserialize)]
pub(crate) struct Create {
    line_items: Option<Value>,
    metadata: Option<Value>,
    after_completion: Option<Value>,
    allow_promotion_codes: Option<bool>,
    automatic_tax: Option<Value>,
    billing_address_collection: Option<Value>,
    consent_collection: Option<Value>,
    custom_fields: Option<Value>,
    custom_text: Option<Value>,
    customer_creation: Option<Value>,
    inactive_message: Option<Value>,
    invoice_creation: Option<Value>,
    payment_intent_data: Option<Value>,
    payment_method_collection: Option<Value>,
    payment_method_types: Option<Value>,
    phone_number_collection: Option<Value>,
    restrictions: Option<Value>,
    shipping_address_collection: Option<Value>,
    submit_type: Option<Value>,
    subscription_data: Option<Value>,
    tax_id_collection: Option<Value>,
}

impl Action<Stripe> for Create {
    const NAME: &'static str = "create_payment_link";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        let parts = sale::read(cx, self.line_items.as_ref())?;
        if parts.is_empty() {
            return Err(Error::required("line_items"));
        }
        let id = cx.fresh(Kind::PaymentLink.facts().prefix);
        let mut link = objects::blank(Kind::PaymentLink, &id, cx.seconds());
        let currency = parts.first().map(|part| part.price.text("currency").to_owned());
        link.set("currency", currency);
        if parts.iter().any(Part::recurs) {
            link.set("customer_creation", "always");
        }
        link.set("metadata", params::new_metadata(self.metadata.as_ref())?);
        link.set("url", format!("https://buy.stripe.com/test_{}", ids::suffix(18, || cx.random())));
        let details = Details {
            active: None,
            after_completion: self.after_completion,
            allow_promotion_codes: self.allow_promotion_codes,
            automatic_tax: self.automatic_tax,
            billing_address_collection: self.billing_address_collection,
            consent_collection: self.consent_collection,
            custom_fields: self.custom_fields,
            custom_text: self.custom_text,
            customer_creation: self.customer_creation,
            inactive_message: self.inactive_message,
            invoice_creation: self.invoice_creation,
            payment_intent_data: self.payment_intent_data,
            payment_method_collection: self.payment_method_collection,
            payment_method_types: self.payment_method_types,
            phone_number_collection: self.phone_number_collection,
            restrictions: self.restrictions,
            shipping_address_collection: self.shipping_address_collection,
            submit_type: self.submit_type,
            subscription_data: self.subscription_data,
            tax_id_collection: self.tax_id_collection,
        };
        details.apply(&mut link)?;
        let (lines, _) = sale::lines(cx, &parts, None);
        let list = sale::list(&lines, &format!("/v1/payment_links/{id}/line_items"));
        cx.add(Kind::PaymentLink, link.clone(), Map::from_iter([("line_items".to_owned(), list)]));
        cx.emit("payment_link.created", &link);
        Answer::doc(cx, &link)
    }
}

retrieve! {
    /// One payment link.
    Retrieve = "retrieve_payment_link", Kind::PaymentLink
}

list! {
    /// Payment links, newest first.
    List = "list_payment_links", Kind::PaymentLink, { active: bool },
    |wanted, link| wanted.active.is_none_or(|active| link.flag("active") == active)
}

/// Changes a payment link; what it sells stays.
#[derive(Debug, Deserialize)]
pub(crate) struct Update {
    id: String,
    active: Option<bool>,
    line_items: Option<Value>,
    metadata: Option<Value>,
    after_completion: Option<Value>,
    allow_promotion_codes: Option<bool>,
    automatic_tax: Option<Value>,
    billing_address_collection: Option<Value>,
    custom_fields: Option<Value>,
    custom_text: Option<Value>,
    customer_creation: Option<Value>,
    inactive_message: Option<Value>,
    invoice_creation: Option<Value>,
    payment_intent_data: Option<Value>,
    payment_method_collection: Option<Value>,
    payment_method_types: Option<Value>,
    phone_number_collection: Option<Value>,
    restrictions: Option<Value>,
    shipping_address_collection: Option<Value>,
    submit_type: Option<Value>,
    subscription_data: Option<Value>,
    tax_id_collection: Option<Value>,
}

impl Action<Stripe> for Update {
    const NAME: &'static str = "update_payment_link";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        if self.line_items.is_some() {
            return Err(Error::unmodelled("changes of the line items of payment links"));
        }
        let mut link = cx.get(Kind::PaymentLink, &self.id)?;
        params::merge_metadata(link.object_mut("metadata"), self.metadata.as_ref())?;
        let details = Details {
            active: self.active,
            after_completion: self.after_completion,
            allow_promotion_codes: self.allow_promotion_codes,
            automatic_tax: self.automatic_tax,
            billing_address_collection: self.billing_address_collection,
            consent_collection: None,
            custom_fields: self.custom_fields,
            custom_text: self.custom_text,
            customer_creation: self.customer_creation,
            inactive_message: self.inactive_message,
            invoice_creation: self.invoice_creation,
            payment_intent_data: self.payment_intent_data,
            payment_method_collection: self.payment_method_collection,
            payment_method_types: self.payment_method_types,
            phone_number_collection: self.phone_number_collection,
            restrictions: self.restrictions,
            shipping_address_collection: self.shipping_address_collection,
            submit_type: self.submit_type,
            subscription_data: self.subscription_data,
            tax_id_collection: self.tax_id_collection,
        };
        details.apply(&mut link)?;
        let change = cx.alter(Kind::PaymentLink, &self.id, |stored| *stored = link);
        cx.emit_change("payment_link.updated", &change);
        Answer::doc(cx, &change.after)
    }
}

/// The lines of a payment link.
#[derive(Debug, Deserialize)]
pub(crate) struct LineItems {
    id: String,
    limit: Option<i64>,
    starting_after: Option<String>,
    ending_before: Option<String>,
}

impl Action<Stripe> for LineItems {
    const NAME: &'static str = "list_payment_link_line_items";
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        cx.get(Kind::PaymentLink, &self.id)?;
        let list = cx.hidden(Kind::PaymentLink, &self.id, "line_items");
        let all = list["data"].as_array().cloned().unwrap_or_default();
        let url = list["url"].as_str().unwrap_or_default();
        let (after, before) = (self.starting_after.as_deref(), self.ending_before.as_deref());
        super::invoice_lines::within(cx, all, url, self.limit, after, before)
    }
}

/// Opens the billing portal for a customer. There is no page behind the address.
#[derive(Debug, Deserialize)]
pub(crate) struct CreatePortalSession {
    #[serde(default)]
    customer: Text,
    #[serde(default)]
    configuration: Text,
    flow_data: Option<Value>,
    #[serde(default)]
    locale: Text,
    on_behalf_of: Option<Value>,
    #[serde(default)]
    return_url: Text,
}

impl Action<Stripe> for CreatePortalSession {
    const NAME: &'static str = "create_billing_portal_session";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_, Stripe>) -> Result<Answer, Error> {
        if self.on_behalf_of.is_some() {
            return Err(Error::unmodelled("the billing portal of connected accounts"));
        }
        let customer = params::required(&self.customer, "customer")?;
        cx.refer(Kind::Customer, customer, "customer")?;
        let id = cx.fresh(Kind::PortalSession.facts().prefix);
        let mut session = objects::blank(Kind::PortalSession, &id, cx.seconds());
        session.set("configuration", self.configuration.text().unwrap_or("bpc_default"));
        session.set("customer", customer);
        self.locale.apply(&mut session, "locale");
        self.return_url.apply(&mut session, "return_url");
        if let Some(flow) = &self.flow_data {
            let get = |name: &str| flow.get(name).cloned().unwrap_or_default();
            let kind = get("type");
            if kind.is_null() {
                return Err(Error::required("flow_data[type]"));
            }
            let after = flow.get("after_completion").cloned();
            let usual = json!({ "hosted_confirmation": null, "redirect": null, "type": "portal_homepage" });
            session.set(
                "flow",
                json!({
                    "after_completion": after.unwrap_or(usual), "subscription_cancel": get("subscription_cancel"),
                    "subscription_update": get("subscription_update"),
                    "subscription_update_confirm": get("subscription_update_confirm"), "type": kind,
                }),
            );
        }
        session.set("url", format!("https://billing.stripe.com/p/session/test_{}", ids::suffix(40, || cx.random())));
        cx.add(Kind::PortalSession, session.clone(), Map::new());
        cx.emit("billing_portal.session.created", &session);
        Answer::doc(cx, &session)
    }
}
