//! The kinds of objects and where each is found.

/// A kind of stored object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    PaymentIntent,
    Charge,
    BalanceTransaction,
    Event,
    Refund,
    Customer,
    PaymentMethod,
    Product,
    Price,
    Dispute,
    Payout,
    Token,
    File,
    WebhookEndpoint,
}

/// What is fixed for a kind.
pub(crate) struct Facts {
    /// The value of `object`.
    pub(crate) object: &'static str,
    /// Before the `_` of an id.
    pub(crate) prefix: &'static str,
    /// As errors name it: `No such PaymentMethod: 'pm_x'`.
    pub(crate) noun: &'static str,
    /// The name of the path parameter, which errors name when the object is not there.
    pub(crate) param: &'static str,
    /// Below `/v1/`; also the member of the exported state.
    pub(crate) collection: &'static str,
}

impl Kind {
    /// In the order of the exported state; new kinds go to the end.
    pub(crate) const ALL: &'static [Self] = &[
        Self::PaymentIntent,
        Self::Charge,
        Self::BalanceTransaction,
        Self::Event,
        Self::Refund,
        Self::Customer,
        Self::PaymentMethod,
        Self::Product,
        Self::Price,
        Self::Dispute,
        Self::Payout,
        Self::Token,
        Self::File,
        Self::WebhookEndpoint,
    ];

    #[rustfmt::skip]
    pub(crate) const fn facts(self) -> Facts {
        const fn facts(
            object: &'static str,
            prefix: &'static str,
            noun: &'static str,
            param: &'static str,
            collection: &'static str,
        ) -> Facts {
            Facts { object, prefix, noun, param, collection }
        }
        match self {
            Self::PaymentIntent => facts("payment_intent", "pi", "payment_intent", "intent", "payment_intents"),
            Self::Charge => facts("charge", "ch", "charge", "charge", "charges"),
            Self::BalanceTransaction => {
                facts("balance_transaction", "txn", "balance transaction", "id", "balance_transactions")
            }
            Self::Event => facts("event", "evt", "event", "id", "events"),
            Self::Refund => facts("refund", "re", "refund", "refund", "refunds"),
            Self::Customer => facts("customer", "cus", "customer", "customer", "customers"),
            Self::PaymentMethod => facts("payment_method", "pm", "PaymentMethod", "payment_method", "payment_methods"),
            Self::Product => facts("product", "prod", "product", "id", "products"),
            Self::Price => facts("price", "price", "price", "price", "prices"),
            Self::Dispute => facts("dispute", "du", "dispute", "dispute", "disputes"),
            Self::Payout => facts("payout", "po", "payout", "payout", "payouts"),
            Self::Token => facts("token", "tok", "token", "token", "tokens"),
            Self::File => facts("file", "file", "file upload", "file", "files"),
            Self::WebhookEndpoint => {
                facts("webhook_endpoint", "we", "webhook endpoint", "webhook_endpoint", "webhook_endpoints")
            }
        }
    }

    /// `/v1/customers`
    pub(crate) fn url(self) -> String {
        format!("/v1/{}", self.facts().collection)
    }

    /// What the member of an object refers to, by the member's name.
    pub(crate) fn of_member(name: &str) -> Option<Self> {
        Some(match name {
            "payment_intent" => Self::PaymentIntent,
            "charge" | "latest_charge" => Self::Charge,
            "balance_transaction" | "failure_balance_transaction" => Self::BalanceTransaction,
            "customer" => Self::Customer,
            "payment_method" | "default_payment_method" => Self::PaymentMethod,
            "product" => Self::Product,
            "price" | "default_price" => Self::Price,
            "dispute" => Self::Dispute,
            "refund" => Self::Refund,
            _ => return None,
        })
    }

    /// Lists that an object has only when they are asked for: the member, what is listed and which of its members refers back.
    pub(crate) const fn includable(self) -> &'static [(&'static str, Self, &'static str)] {
        match self {
            Self::Charge => &[("refunds", Self::Refund, "charge")],
            _ => &[],
        }
    }
}
