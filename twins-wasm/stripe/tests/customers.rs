//! Customers and their payment methods, through the REST door with forms as the vendor's SDKs send them.

mod support;

use pome_twin_kit::testing::body;
use serde_json::{Value, json};
use support::{error, form, ok, twin};

#[test]
fn a_customer_is_created_changed_and_deleted_and_every_step_is_an_event() {
    let mut twin = twin();
    let created =
        ok(&mut twin, "POST", "/v1/customers", "name=Ada&email=ada@example.com&metadata[plan]=pro&metadata[x]=1");
    let id = created["id"].as_str().unwrap().to_owned();
    assert_eq!(
        (created["name"].as_str(), created["metadata"].clone()),
        (Some("Ada"), json!({"plan": "pro", "x": "1"}))
    );
    let updated = ok(
        &mut twin,
        "POST",
        &format!("/v1/customers/{id}"),
        "name=&phone=%2B1&metadata[x]=&address[city]=Berlin&shipping[name]=A&shipping[address][line1]=S",
    );
    assert_eq!(
        (&updated["name"], &updated["phone"], &updated["metadata"]),
        (&Value::Null, &json!("+1"), &json!({"plan": "pro"}))
    );
    assert_eq!((&updated["address"]["city"], &updated["address"]["line1"]), (&json!("Berlin"), &Value::Null));
    assert_eq!(updated["shipping"]["address"]["line1"], "S");
    let stub = json!({ "id": id, "object": "customer", "deleted": true });
    assert_eq!(ok(&mut twin, "DELETE", &format!("/v1/customers/{id}"), ""), stub);
    assert_eq!(ok(&mut twin, "DELETE", &format!("/v1/customers/{id}"), ""), stub, "again is fine");
    assert_eq!(twin.json(&format!("/v1/customers/{id}")), stub);
    assert_eq!(error(&mut twin, "POST", &format!("/v1/customers/{id}"), "name=B", 404)["code"], "resource_missing");
    let events = twin.state()["events"].clone();
    let types: Vec<_> = events.as_array().unwrap().iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["customer.deleted", "customer.updated", "customer.created"]);
    let previous = json!({
        "address": null, "metadata": { "x": "1" }, "name": "Ada", "phone": null, "shipping": null,
    });
    assert_eq!(events[1]["data"]["previous_attributes"], previous);
}

#[test]
fn lists_page_by_cursors_in_both_directions() {
    let mut twin = twin();
    let ids: Vec<String> = (0..6)
        .map(|at| ok(&mut twin, "POST", "/v1/customers", &format!("name={at}"))["id"].as_str().unwrap().to_owned())
        .collect();
    let names = |list: &Value| {
        let names = list["data"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap().to_owned());
        (names.collect::<String>(), list["has_more"].as_bool().unwrap())
    };
    let mut page = |query: &str| names(&twin.json(&format!("/v1/customers?{query}")));
    assert_eq!(page("limit=2"), ("54".to_owned(), true));
    assert_eq!(page(&format!("limit=2&starting_after={}", ids[4])), ("32".to_owned(), true));
    assert_eq!(page(&format!("limit=2&starting_after={}", ids[2])), ("10".to_owned(), false));
    assert_eq!(page(&format!("limit=2&ending_before={}", ids[0])), ("21".to_owned(), true));
    assert_eq!(page(&format!("limit=9&ending_before={}", ids[2])), ("543".to_owned(), false));
    assert_eq!(page("limit=500"), ("543210".to_owned(), false));
    let first = twin.json("/v1/customers?limit=1&expand[]=data.default_source");
    let created = first["data"][0]["created"].as_i64().unwrap();
    assert_eq!(names(&twin.json(&format!("/v1/customers?created[gte]={created}"))).0, "5");
    let unknown = body(&twin.get("/v1/customers?starting_after=cus_no"));
    assert_eq!(
        (&unknown["error"]["code"], &unknown["error"]["param"]),
        (&json!("resource_missing"), &json!("starting_after"))
    );
    for (query, code) in [
        ("limit=0", "parameter_invalid_integer"),
        ("limit=x", "parameter_invalid_integer"),
        ("q=1", "parameter_unknown"),
    ] {
        let answer = twin.get(&format!("/v1/customers?{query}"));
        assert_eq!((answer.status, &body(&answer)["error"]["code"]), (400, &json!(code)), "{query}");
    }
}

#[test]
fn a_payment_method_is_attached_once_and_never_after_it_was_detached() {
    let mut twin = twin();
    let customer = ok(&mut twin, "POST", "/v1/customers", "name=Ada")["id"].as_str().unwrap().to_owned();
    let method = ok(&mut twin, "POST", "/v1/payment_methods/pm_card_visa/attach", &format!("customer={customer}"));
    let id = method["id"].as_str().unwrap().to_owned();
    assert_eq!((&method["customer"], &method["card"]["last4"]), (&json!(customer), &json!("4242")));
    let path = |what: &str| format!("/v1/payment_methods/{id}/{what}");
    let attach = format!("customer={customer}");
    assert_eq!(error(&mut twin, "POST", &path("attach"), &attach, 400)["code"], "payment_method_already_attached");
    let settings = format!("invoice_settings[default_payment_method]={id}");
    ok(&mut twin, "POST", &format!("/v1/customers/{customer}"), &settings);
    let expanded = twin.json(&format!("/v1/customers/{customer}?expand[]=invoice_settings.default_payment_method"));
    assert_eq!(expanded["invoice_settings"]["default_payment_method"]["card"]["brand"], "visa");
    let list = twin.json(&format!("/v1/customers/{customer}/payment_methods?type=card&expand[]=data.customer"));
    assert_eq!(list["data"][0]["customer"]["name"], "Ada");
    assert_eq!(ok(&mut twin, "POST", &path("detach"), "")["customer"], Value::Null);
    let after = twin.json(&format!("/v1/customers/{customer}"));
    assert_eq!(after["invoice_settings"]["default_payment_method"], Value::Null);
    assert_eq!(error(&mut twin, "POST", &path("attach"), &attach, 400)["code"], "payment_method_previously_detached");
    assert_eq!(error(&mut twin, "POST", &path("detach"), "", 400)["code"], "payment_method_not_attached");
    let declined = error(&mut twin, "POST", "/v1/payment_methods/pm_card_chargeDeclined/attach", &attach, 402);
    assert_eq!((&declined["code"], &declined["decline_code"]), (&json!("card_declined"), &json!("generic_decline")));
}

#[test]
fn cards_are_checked_when_they_arrive() {
    let mut twin = twin();
    let mut create =
        |card: &str, status: u16| error(&mut twin, "POST", "/v1/payment_methods", &format!("type=card&{card}"), status);
    for (card, code, param) in [
        ("card[number]=4242424242424241&card[exp_month]=1&card[exp_year]=2030", "incorrect_number", "card[number]"),
        (
            "card[number]=4242424242424242&card[exp_month]=13&card[exp_year]=2030",
            "invalid_expiry_month",
            "card[exp_month]",
        ),
        (
            "card[number]=4242424242424242&card[exp_month]=1&card[exp_year]=2020",
            "invalid_expiry_year",
            "card[exp_year]",
        ),
    ] {
        let error = create(card, 402);
        assert_eq!(
            (&error["code"], &error["param"], &error["type"]),
            (&json!(code), &json!(param), &json!("card_error"))
        );
    }
    assert_eq!(create("card[number]=4242424242424242", 400)["param"], "card[exp_month]");
    assert_eq!(create("card[number]=4242424242424242&card[exp_month]=x", 400)["message"], "Invalid integer: x");
    assert_eq!(create("", 400)["param"], "card");
}

#[test]
fn a_search_finds_by_fields_and_metadata() {
    let mut twin = twin();
    for name in ["Ada", "Bob"] {
        ok(&mut twin, "POST", "/v1/customers", &format!("name={name}&email={name}@example.com&metadata[team]=x"));
    }
    let found = twin.json("/v1/customers/search?query=name:%22bob%22%20AND%20metadata[%22team%22]:%22x%22");
    assert_eq!(
        (&found["object"], &found["data"][0]["name"], &found["has_more"]),
        (&json!("search_result"), &json!("Bob"), &json!(false))
    );
    let first = twin.json("/v1/customers/search?query=email~%22example%22&limit=1");
    let second = twin.json(&format!(
        "/v1/customers/search?query=email~%22example%22&limit=1&page={}",
        first["next_page"].as_str().unwrap()
    ));
    assert_eq!(
        (&first["data"][0]["name"], &second["data"][0]["name"], &second["next_page"]),
        (&json!("Bob"), &json!("Ada"), &Value::Null)
    );
}

#[test]
fn an_unknown_expansion_is_refused_and_nothing_happens() {
    let mut twin = twin();
    let refused = error(&mut twin, "POST", "/v1/customers", "name=A&expand[]=nothing", 400);
    assert!(refused["message"].as_str().unwrap().starts_with("This property cannot be expanded (nothing)"));
    assert_eq!(twin.json("/v1/customers")["data"], json!([]));
    let answer = form(&mut twin, "POST", "/v1/customers", "expand[0]=a.b.c.d.e");
    assert_eq!(answer.status, 400);
}

#[test]
fn the_older_way_to_save_a_card_still_works() {
    let mut twin = twin();
    let customer = ok(&mut twin, "POST", "/v1/customers", "name=Ada")["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/customers/{customer}/sources");
    let card = ok(&mut twin, "POST", &path, "source=tok_mastercard&metadata[a]=b");
    let id = card["id"].as_str().unwrap().to_owned();
    assert_eq!(
        (&card["brand"], &card["customer"], id.starts_with("card_")),
        (&json!("MasterCard"), &json!(customer), true)
    );
    assert_eq!(twin.json(&format!("/v1/customers/{customer}"))["default_source"], id);
    let second = ok(&mut twin, "POST", &path, "source=tok_visa");
    assert_eq!(twin.json(&path)["data"], json!([second, card]));
    let charge = ok(&mut twin, "POST", "/v1/charges", &format!("amount=900&currency=usd&customer={customer}"));
    assert_eq!((&charge["payment_method"], &charge["source"]["last4"]), (&json!(id), &json!("4444")));
    assert_eq!(ok(&mut twin, "DELETE", &format!("{path}/{id}"), "")["deleted"], true);
    assert_eq!(twin.json(&format!("/v1/customers/{customer}"))["default_source"], Value::Null);
    assert_eq!(error(&mut twin, "GET", &format!("{path}/{id}"), "", 404)["code"], "resource_missing");
    assert_eq!(error(&mut twin, "POST", &path, "source=tok_chargeDeclined", 402)["code"], "card_declined");
    assert_eq!(error(&mut twin, "POST", &path, "source=tok_nobody", 400)["param"], "source");
}
