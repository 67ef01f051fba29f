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
    // billing
    TestClock,
    InvoiceItem,
    Invoice,
    InvoicePayment,
    Subscription,
    SubscriptionItem,
    Coupon,
    PromotionCode,
    Discount,
    SetupIntent,
    CheckoutSession,
    PaymentLink,
    PortalSession,
    TaxRate,
    ShippingRate,
    CreditNote,
    Quote,
    CustomerBalanceTransaction,
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
        // billing
        Self::TestClock,
        Self::InvoiceItem,
        Self::Invoice,
        Self::InvoicePayment,
        Self::Subscription,
        Self::SubscriptionItem,
        Self::Coupon,
        Self::PromotionCode,
        Self::Discount,
        Self::SetupIntent,
        Self::CheckoutSession,
        Self::PaymentLink,
        Self::PortalSession,
        Self::TaxRate,
        Self::ShippingRate,
        Self::CreditNote,
        Self::Quote,
        Self::CustomerBalanceTransaction,
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
            // billing
            Self::TestClock => facts("test_helpers.test_clock", "clock", "test clock", "test_clock", "test_clocks"),
            Self::InvoiceItem => facts("invoiceitem", "ii", "invoiceitem", "invoiceitem", "invoiceitems"),
            Self::Invoice => facts("invoice", "in", "invoice", "invoice", "invoices"),
            Self::InvoicePayment => facts("invoice_payment", "inpay", "invoice payment", "invoice_payment", "invoice_payments"),
            Self::Subscription => facts("subscription", "sub", "subscription", "id", "subscriptions"),
            Self::SubscriptionItem => facts("subscription_item", "si", "subscription_item", "item", "subscription_items"),
            Self::Coupon => facts("coupon", "coupon", "coupon", "coupon", "coupons"),
            Self::PromotionCode => facts("promotion_code", "promo", "promotion code", "promotion_code", "promotion_codes"),
            Self::Discount => facts("discount", "di", "discount", "discount", "discounts"),
            Self::SetupIntent => facts("setup_intent", "seti", "setupintent", "intent", "setup_intents"),
            Self::CheckoutSession => facts("checkout.session", "cs_test", "checkout.session", "session", "checkout_sessions"),
            Self::PaymentLink => facts("payment_link", "plink", "payment link", "payment_link", "payment_links"),
            Self::PortalSession => facts("billing_portal.session", "bps", "billing portal session", "session", "portal_sessions"),
            Self::TaxRate => facts("tax_rate", "txr", "tax rate", "tax_rate", "tax_rates"),
            Self::ShippingRate => facts("shipping_rate", "shr", "shipping rate", "shipping_rate", "shipping_rates"),
            Self::CreditNote => facts("credit_note", "cn", "credit note", "id", "credit_notes"),
            Self::Quote => facts("quote", "qt", "quote", "quote", "quotes"),
            Self::CustomerBalanceTransaction => facts(
                "customer_balance_transaction", "cbtxn", "customer balance transaction", "transaction",
                "customer_balance_transactions",
            ),
        }
    }

    /// `/v1/customers`
    pub(crate) fn url(self) -> String {
        let collection = match self {
            Self::TestClock => "test_helpers/test_clocks",
            Self::CheckoutSession => "checkout/sessions",
            Self::PortalSession => "billing_portal/sessions",
            _ => self.facts().collection,
        };
        format!("/v1/{collection}")
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
            // billing
            "invoice" | "latest_invoice" => Self::Invoice,
            "invoice_item" => Self::InvoiceItem,
            "subscription" => Self::Subscription,
            "coupon" => Self::Coupon,
            "promotion_code" => Self::PromotionCode,
            "discounts" | "discount" => Self::Discount,
            "setup_intent" | "pending_setup_intent" => Self::SetupIntent,
            "payment_link" => Self::PaymentLink,
            "test_clock" => Self::TestClock,
            "shipping_rate" => Self::ShippingRate,
            "tax_rate" | "default_tax_rates" => Self::TaxRate,
            "credit_note" => Self::CreditNote,
            "quote" => Self::Quote,
            "customer_balance_transaction" => Self::CustomerBalanceTransaction,
            "checkout_session" => Self::CheckoutSession,
            _ => return None,
        })
    }

    /// Lists that an object has only when they are asked for: the member, what is listed and which of its members refers back.
    pub(crate) const fn includable(self) -> &'static [(&'static str, Self, &'static str)] {
        match self {
            Self::Charge => &[("refunds", Self::Refund, "charge")],
            // billing
            Self::Customer => &[("subscriptions", Self::Subscription, "customer")],
            Self::Invoice => &[("payments", Self::InvoicePayment, "invoice")],
            _ => &[],
        }
    }
}
