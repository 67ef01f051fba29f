//! The tools: listed, callable, the same as the routes.

mod support;

use pome_twin_kit::describe::describe;
use pome_twin_kit::testing::Native;
use serde_json::{Value, json};
use support::{ok, text, twin};
use twin_stripe::Stripe;

fn call(twin: &mut Native<Stripe>, name: &str, arguments: &Value) -> Value {
    let answer = twin.call(name, arguments);
    let value: Value = serde_json::from_slice(&answer.value).unwrap_or_default();
    assert!(!answer.is_error, "{name} {arguments}: {value}");
    value
}

#[test]
fn every_tool_is_listed_with_the_inputs_of_its_action() {
    let described = describe::<Stripe>();
    let first = described.tools.iter().position(|tool| tool.name == "list_events");
    assert_eq!(first, Some(25), "the product's own twenty-six come first");
    // This one calls the id by what it is of.
    for tool in described.tools.iter().filter(|tool| tool.name != "update_dispute") {
        let schema = &tool.listing["inputSchema"];
        assert_eq!(schema["type"], "object", "{}", tool.name);
        let route = described.routes.iter().find(|route| route.action == tool.action);
        let inputs: Vec<&str> = route.unwrap().inputs.iter().map(|input| input.name.as_str()).collect();
        for name in schema["properties"].as_object().unwrap().keys() {
            assert!(inputs.contains(&name.as_str()), "{} has no input {name}", tool.name);
        }
    }
}

#[test]
fn every_tool_does_what_its_route_does() {
    let mut twin = twin();
    let customer = call(
        &mut twin,
        "create_customer",
        &json!({ "name": "Ada", "email": "a@example.com", "metadata": { "k": "v" } }),
    );
    let id = text(&customer, "id").to_owned();
    assert_eq!(
        call(&mut twin, "update_customer", &json!({ "id": id, "metadata": { "k": null } }))["metadata"],
        json!({})
    );
    assert_eq!(
        call(&mut twin, "list_customers", &json!({ "email": "a@example.com", "limit": "5" }))["data"][0]["id"],
        id
    );
    let card = json!({ "type": "card", "card": { "number": "4242 4242 4242 4242", "exp_month": 4, "exp_year": 2031 } });
    let method = call(&mut twin, "create_payment_method", &card);
    let method = text(&method, "id").to_owned();
    call(&mut twin, "attach_payment_method", &json!({ "id": method, "customer": id }));
    assert_eq!(call(&mut twin, "list_customer_payment_methods", &json!({ "customer": id }))["data"][0]["id"], method);
    assert_eq!(call(&mut twin, "retrieve_payment_method", &json!({ "id": method }))["customer"], id);
    let intent = json!({ "amount": 1000, "currency": "usd", "payment_method_types": ["card"], "customer": id });
    let intent = call(&mut twin, "create_payment_intent", &intent);
    let intent = text(&intent, "id").to_owned();
    call(&mut twin, "update_payment_intent", &json!({ "id": intent, "amount": 1200 }));
    let paid = call(&mut twin, "confirm_payment_intent", &json!({ "id": intent, "payment_method": method }));
    let charge = text(&paid, "latest_charge").to_owned();
    assert_eq!(call(&mut twin, "retrieve_charge", &json!({ "id": charge }))["amount"], 1200);
    assert_eq!(call(&mut twin, "list_charges", &json!({ "customer": id }))["data"][0]["id"], charge);
    let refund = call(&mut twin, "create_refund", &json!({ "charge": charge, "amount": 200, "reason": "duplicate" }));
    assert_eq!(call(&mut twin, "retrieve_refund", &json!({ "id": refund["id"] })), refund);
    assert_eq!(call(&mut twin, "list_refunds", &json!({ "charge": charge }))["data"], json!([refund]));
    assert_eq!(call(&mut twin, "retrieve_balance", &json!({}))["available"][0]["amount"], 1000);
    assert_eq!(call(&mut twin, "list_balance_transactions", &json!({ "type": "refund" }))["data"][0]["net"], -200);
    let events = call(&mut twin, "list_events", &json!({ "type": "charge.refunded" }));
    let event = events["data"][0].clone();
    assert_eq!(call(&mut twin, "retrieve_event", &json!({ "id": event["id"] })), event);
    assert_eq!(event["data"]["previous_attributes"], json!({ "amount_refunded": 0 }));
    let crypto = json!({
        "amount": 1000, "currency": "usd", "payment_method_types": ["crypto"],
        "payment_method_options": { "crypto": { "mode": "deposit", "deposit_options": { "networks": ["base"] } } },
    });
    let waiting = call(&mut twin, "create_payment_intent", &crypto);
    assert_eq!(call(&mut twin, "simulate_crypto_deposit", &json!({ "id": waiting["id"] }))["status"], "succeeded");
    let open = call(&mut twin, "create_payment_intent", &crypto);
    assert_eq!(call(&mut twin, "cancel_payment_intent", &json!({ "id": open["id"] }))["status"], "canceled");
    assert_eq!(call(&mut twin, "list_payment_intents", &json!({ "limit": 2 }))["has_more"], true);
    assert_eq!(
        call(&mut twin, "retrieve_payment_intent", &json!({ "id": intent })),
        ok(&mut twin, "GET", &format!("/v1/payment_intents/{intent}"), "")
    );
    call(&mut twin, "detach_payment_method", &json!({ "id": method }));
    assert_eq!(call(&mut twin, "delete_customer", &json!({ "id": id }))["deleted"], true);
    assert_eq!(call(&mut twin, "retrieve_customer", &json!({ "id": id }))["deleted"], true);
}

#[test]
fn the_names_of_the_vendor_s_toolkit_work_too() {
    let mut twin = twin();
    let product = call(&mut twin, "create_product", &json!({ "name": "Lamp", "description": "brass" }));
    let price = json!({ "product": product["id"], "unit_amount": 900, "currency": "usd", "recurring": { "interval": "month" } });
    let price = call(&mut twin, "create_price", &price);
    assert_eq!(call(&mut twin, "list_products", &json!({ "limit": 1 }))["data"], json!([product]));
    assert_eq!(call(&mut twin, "list_prices", &json!({ "product": product["id"] }))["data"], json!([price]));
    let pay = "amount=900&currency=usd&confirm=true&payment_method_types[]=card&payment_method=pm_card_createDispute";
    let intent = ok(&mut twin, "POST", "/v1/payment_intents", pay);
    let dispute = call(&mut twin, "list_disputes", &json!({ "payment_intent": intent["id"] }))["data"][0].clone();
    let evidence = json!({ "dispute": dispute["id"], "evidence": { "customer_name": "Ada" }, "submit": false });
    assert_eq!(call(&mut twin, "update_dispute", &evidence)["evidence"]["customer_name"], "Ada");
    let paid = ok(&mut twin, "POST", "/v1/payment_intents", &pay.replace("createDispute", "visa"));
    let refund = call(&mut twin, "create_refund", &json!({ "payment_intent": paid["id"] }));
    assert_eq!(refund["amount"], 900);
}

#[test]
fn a_refused_call_is_a_tool_error_with_the_vendor_s_status() {
    let mut twin = twin();
    let refused = |twin: &mut Native<Stripe>, name: &str, arguments: &Value| {
        let answer = twin.call(name, arguments);
        let value: Value = serde_json::from_slice(&answer.value).unwrap();
        assert!(answer.is_error, "{name}: {value}");
        (answer.status, text(&value["error"], "code").to_owned(), answer.report.mutation)
    };
    assert_eq!(
        refused(&mut twin, "retrieve_charge", &json!({ "id": "ch_no" })),
        (404, "resource_missing".to_owned(), false)
    );
    assert_eq!(refused(&mut twin, "list_charges", &json!({ "limit": 500 })).1, "parameter_invalid_integer");
    assert_eq!(refused(&mut twin, "no_such_tool", &json!({})), (400, "tool_unknown".to_owned(), false));
    let declined = json!({
        "amount": 1000, "currency": "usd", "payment_method_types": ["card"], "payment_method": "pm_card_chargeDeclined",
        "confirm": true,
    });
    assert_eq!(refused(&mut twin, "create_payment_intent", &declined), (402, "card_declined".to_owned(), true));
    assert_eq!(twin.state()["charges"][0]["status"], "failed");
    // What a tool does not know it leaves out.
    assert!(!twin.call("create_customer", &json!({ "name": "A", "color": "red" })).is_error);
}

#[test]
fn the_page_lists_what_is_modelled() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    assert_eq!(pome_twin_kit::testing::page_shows_surface::<twin_stripe::Stripe>(page), Ok(()));
}
