use pome_twin_kit::testing::body;
use serde_json::{Value, json};

use super::{acting, ok, refused, texts, world};

/// Announces a file and gives its id and the path of its upload address.
fn announced(twin: &mut super::Twin, name: &str, length: usize) -> (String, String) {
    let answer = ok(twin, "files.getUploadURLExternal", &json!({ "filename": name, "length": length.to_string() }));
    let address = answer["upload_url"].as_str().unwrap();
    let path = address.strip_prefix("http://twin.test/s/test").unwrap().split('?').next().unwrap().to_owned();
    (answer["file_id"].as_str().unwrap().to_owned(), path)
}

#[test]
fn a_file_is_announced_sent_and_shared() {
    let mut twin = world();
    let content = b"# Notes\nhello";
    let (id, path) = announced(&mut twin, "notes.md", content.len());
    let early = json!({ "files": [{ "id": id }], "channel_id": "C_GENERAL" });
    assert_eq!(refused(&mut twin, "files.completeUploadExternal", &early), "file_not_found");
    // As slack_sdk sends it: raw, with the content type that its HTTP client puts there.
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let answer = twin.request_with("POST", &path, &form, content);
    assert_eq!((answer.status, answer.body.as_slice()), (200, b"OK - 13".as_slice()));
    let done = json!({
        "files": json!([{ "id": id, "title": "My notes" }]).to_string(), "channel_id": "C_GENERAL", "initial_comment": "look",
    });
    let files = ok(&mut twin, "files.completeUploadExternal", &done)["files"].clone();
    assert_eq!(
        (files[0]["title"].clone(), files[0]["filetype"].clone(), files[0]["size"].clone()),
        (json!("My notes"), json!("markdown"), json!(13))
    );
    let history = ok(&mut twin, "conversations.history", &json!({ "channel": "C_GENERAL", "limit": 1 }));
    assert_eq!(texts(&history), ["look"]);
    assert_eq!(history["messages"][0]["files"][0]["id"], json!(id));
    let info = ok(&mut twin, "files.info", &json!({ "file": id }));
    assert_eq!(info["content"], "# Notes\nhello");
    assert_eq!(info["file"]["shares"]["public"]["C_GENERAL"][0]["ts"], history["messages"][0]["ts"]);
    let address = info["file"]["url_private_download"]
        .as_str()
        .unwrap()
        .strip_prefix("http://twin.test/s/test")
        .unwrap()
        .to_owned();
    let download = twin.get(&address);
    assert_eq!((download.status, download.body.as_slice()), (200, content.as_slice()));
    let read: Value = serde_json::from_slice(&twin.call("slack_read_file", &json!({ "file_id": id })).value).unwrap();
    assert!(read["content"].as_str().unwrap().contains("# Notes\nhello"));
    ok(&mut twin, "files.delete", &json!({ "file": id }));
    assert_eq!(refused(&mut twin, "files.info", &json!({ "file": id })), "file_deleted");
    assert_eq!(refused(&mut twin, "files.delete", &json!({ "file": id })), "file_deleted");
}

#[test]
fn multipart_uploads_are_taken_apart() {
    let mut twin = world();
    let bytes = [0_u8, 159, 146, 150, b'\r', b'\n', 7];
    let (id, path) = announced(&mut twin, "a.bin", bytes.len());
    let mut sent = b"--xyz\r\ncontent-disposition: form-data; name=\"body\"; filename=\"Untitled\"\r\n\r\n".to_vec();
    sent.extend(bytes);
    sent.extend(b"\r\n--xyz--\r\n");
    let answer = twin.request_with("POST", &path, &[("content-type", "multipart/form-data; boundary=xyz")], &sent);
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    assert_eq!(answer.body, b"OK - 7");
    ok(&mut twin, "files.completeUploadExternal", &json!({ "files": [{ "id": id }] }));
    let read: Value = serde_json::from_slice(&twin.call("slack_read_file", &json!({ "file_id": id })).value).unwrap();
    assert_eq!((read["encoding"].clone(), read["content"].clone()), (json!("base64"), json!("AJ+Slg0KBw==")));
}

#[test]
fn an_upload_address_is_good_for_its_file_only() {
    let mut twin = world();
    let answer = ok(&mut twin, "files.getUploadURLExternal", &json!({ "filename": "a.txt", "length": 1 }));
    let token = answer["upload_url"].as_str().unwrap().split("token=").nth(1).unwrap().to_owned();
    let claims = twin.session.authenticate(&token).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&claims).unwrap()["login"], "U_PRIMARY");
    assert_eq!(twin.session.authenticate("xupl-pome-0"), None);
    let other = announced(&mut twin, "b.txt", 1);
    acting(&mut twin, "U_PRIMARY");
    twin.caller.claims = claims;
    for (method, path) in [("POST", "/users.list"), ("POST", "/chat.postMessage"), ("GET", "/users.list")] {
        let answer = twin.request(method, path, None);
        assert_eq!((answer.status, body(&answer)), (401, json!({ "ok": false, "error": "invalid_auth" })));
    }
    assert_eq!(body(&twin.request_with("POST", &other.1, &[], b"x"))["error"], json!(null), "its owner may send it");
    let id = answer["file_id"].as_str().unwrap();
    assert_eq!(twin.request_with("POST", &format!("/upload/v1/{id}"), &[], b"x").body, b"OK - 1");
}

#[test]
fn what_does_not_fit_is_refused() {
    let mut twin = world();
    for (arguments, code) in [
        (json!({ "length": 3 }), "invalid_arguments"),
        (json!({ "filename": "a" }), "invalid_arguments"),
        (json!({ "filename": "a", "length": 0 }), "invalid_arguments"),
    ] {
        assert_eq!(refused(&mut twin, "files.getUploadURLExternal", &arguments), code);
    }
    let (id, path) = announced(&mut twin, "a.txt", 3);
    assert_eq!(body(&twin.request_with("POST", &path, &[], b"too long"))["error"], "file_upload_size_mismatch");
    twin.request_with("POST", &path, &[], b"abc");
    let done = |channel: &str| json!({ "files": [{ "id": id }], "channel_id": channel });
    assert_eq!(refused(&mut twin, "files.completeUploadExternal", &done("G_SECRET")), "channel_not_found");
    assert_eq!(refused(&mut twin, "files.completeUploadExternal", &done("C_OLD")), "is_archived");
    acting(&mut twin, "alice");
    assert_eq!(refused(&mut twin, "files.completeUploadExternal", &done("C_GENERAL")), "file_not_found");
    assert_eq!(refused(&mut twin, "files.list", &json!({ "types": "gifs" })), "unknown_type");
    assert_eq!(refused(&mut twin, "files.info", &json!({ "file": "F1" })), "file_not_found");
}

#[test]
fn the_old_upload_takes_content_or_a_file() {
    let mut twin = world();
    let arguments = json!({ "channels": "general", "content": "x", "initial_comment": "look", "title": "T" });
    let answer = ok(&mut twin, "files.upload", &arguments);
    assert_eq!((answer["file"]["title"].clone(), answer["warning"].clone()), (json!("T"), json!("method_deprecated")));
    let sent = b"--b\r\ncontent-disposition: form-data; name=\"channels\"\r\n\r\nC_GENERAL\r\n--b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.py\"\r\n\r\nprint()\r\n--b--\r\n";
    let answer =
        body(&twin.request_with("POST", "/files.upload", &[("content-type", "multipart/form-data; boundary=b")], sent));
    assert_eq!((answer["file"]["name"].clone(), answer["file"]["filetype"].clone()), (json!("a.py"), json!("python")));
    assert_eq!(refused(&mut twin, "files.upload", &json!({ "channels": "general" })), "no_file_data");
}
