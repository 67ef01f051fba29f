//! Archives of a repository and the files of its releases.

use std::io::Read as _;

use flate2::read::GzDecoder;
use pome_twin_kit::envelope::Answer;
use pome_twin_kit::testing::{Native, body};
use serde_json::{Value, json};
use twin_github::GitHub;

fn world() -> Native<GitHub> {
    Native::seeded(Some(&json!({ "repositories": [{
        "owner": "acme", "name": "api", "collaborators": [{ "login": "bob", "permission": "pull" }],
        "files": [{ "path": "README.md", "content": "# API\n" }, { "path": "src/deep/a.txt", "content": "a\n" }],
        "tags": [{ "name": "v1" }],
        "releases": [
            { "tag_name": "v1", "assets": [{ "name": "notes.txt", "content": "hello", "content_type": "text/plain" }] },
            { "tag_name": "v2", "draft": true, "assets": [{ "name": "secret.bin", "content": "x" }] },
        ],
    }] })))
}

fn header<'a>(answer: &'a Answer, name: &str) -> &'a str {
    answer.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.as_str())
}

/// The file behind a 302.
fn fetch(twin: &mut Native<GitHub>, path: &str) -> Answer {
    let answer = twin.get(path);
    assert_eq!((answer.status, answer.body.len()), (302, 0), "{path}");
    let there = header(&answer, "location").strip_prefix("http://twin.test/s/test").unwrap().to_owned();
    twin.get(&there)
}

#[test]
fn a_tarball_holds_the_tree_below_one_folder_and_is_always_the_same() {
    let mut twin = world();
    let sha = twin.json("/repos/acme/api/commits/main")["sha"].as_str().unwrap().to_owned();
    let folder = format!("acme-api-{}", &sha[..7]);
    let answer = fetch(&mut twin, "/repos/acme/api/tarball/main");
    assert_eq!(header(&answer, "content-type"), "application/x-gzip");
    assert_eq!(header(&answer, "content-disposition"), format!("attachment; filename={folder}.tar.gz"));
    let mut archive = tar::Archive::new(GzDecoder::new(answer.body.as_slice()));
    let mut files = Vec::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let mut text = String::new();
        entry.read_to_string(&mut text).unwrap();
        files.push((entry.path().unwrap().to_string_lossy().into_owned(), text));
    }
    let expected = [
        ("pax_global_header".to_owned(), format!("52 comment={sha}\n")),
        (format!("{folder}/"), String::new()),
        (format!("{folder}/README.md"), "# API\n".to_owned()),
        (format!("{folder}/src/"), String::new()),
        (format!("{folder}/src/deep/"), String::new()),
        (format!("{folder}/src/deep/a.txt"), "a\n".to_owned()),
    ];
    let listed: Vec<_> = files.into_iter().filter(|(path, _)| path != "pax_global_header").collect();
    assert_eq!(listed, expected[1..]);
    assert_eq!(fetch(&mut world(), "/repos/acme/api/tarball").body, answer.body);
    assert_eq!(fetch(&mut twin, "/repos/acme/api/tarball/v1").body, answer.body);
}

#[test]
fn a_zipball_holds_the_same() {
    let mut twin = world();
    let answer = fetch(&mut twin, "/repos/acme/api/zipball/refs/heads/main");
    assert_eq!(header(&answer, "content-type"), "application/zip");
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(&answer.body)).unwrap();
    let name = archive.file_names().map(str::to_owned).find(|name| name.ends_with("deep/a.txt"));
    let mut text = String::new();
    archive.by_name(&name.unwrap()).unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(text, "a\n");
    assert_eq!(fetch(&mut world(), "/repos/acme/api/zipball").body, answer.body);
    assert_eq!(twin.get("/repos/acme/api/zipball/nowhere").status, 404);
    assert_eq!(twin.get("/codeload/acme/api/legacy.rar/main").status, 404);
}

#[test]
fn a_file_is_uploaded_to_the_address_that_the_release_names() {
    let mut twin = world();
    let release = twin.json("/repos/acme/api/releases/tags/v1");
    let upload = release["upload_url"].as_str().unwrap();
    let upload = upload.strip_prefix("http://twin.test/s/test").unwrap().trim_end_matches("{?name,label}");
    let bytes = [0_u8, 159, 146, 150];
    let headers = [("content-type", "application/x-thing")];
    let answer = twin.request_with("POST", &format!("{upload}?name=my%20app.bin&label=App"), &headers, &bytes);
    let asset = body(&answer);
    assert_eq!(
        (answer.status, &asset["name"], &asset["label"], &asset["size"]),
        (201, &json!("my.app.bin"), &json!("App"), &json!(4))
    );
    assert_eq!(asset["digest"], "sha256:b02a591131217cb579165aeccf0d94569acffb9934c84d6c813d77e3abedd233");
    let path = asset["url"].as_str().unwrap().strip_prefix("http://twin.test/s/test").unwrap().to_owned();
    let got = twin.request_with("GET", &path, &[("accept", "application/octet-stream")], b"");
    assert_eq!(
        (got.status, header(&got, "content-type"), got.body.as_slice()),
        (200, "application/x-thing", &bytes[..])
    );
    assert_eq!(twin.json(&path)["content_type"], "application/x-thing");
    let again = twin.request_with("POST", &format!("{upload}?name=my.app.bin"), &headers, &bytes);
    assert_eq!((again.status, &body(&again)["errors"][0]["code"]), (422, &json!("already_exists")));
    assert_eq!(twin.request_with("POST", &format!("{upload}?name=empty"), &headers, b"").status, 400);
    assert_eq!(twin.request_with("POST", upload, &headers, &bytes).status, 422);
    let listed = twin.json("/repos/acme/api/releases/1/assets?per_page=1&page=2");
    assert_eq!(listed, json!([asset]));
    assert_eq!(twin.json("/repos/acme/api/releases/1")["assets"].as_array().unwrap().len(), 2);
    let state = twin.state();
    assert_eq!(state["repositories"][0]["releases"][0]["assets"][1]["digest"], asset["digest"]);
    let renamed = twin.request("PATCH", &path, Some(&json!({ "name": "app", "label": "" })));
    assert_eq!((&body(&renamed)["name"], &body(&renamed)["label"]), (&json!("app"), &Value::Null));
    assert_eq!(twin.request("DELETE", &path, None).status, 204);
    assert_eq!(twin.get(&path).status, 404);
}

#[test]
fn the_digest_is_the_sha_256_of_the_bytes() {
    let asset = &world().json("/repos/acme/api/releases/1/assets")[0];
    assert_eq!(asset["digest"], "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
    assert_eq!(asset["browser_download_url"], "https://github.com/acme/api/releases/download/v1/notes.txt");
}

#[test]
fn files_follow_the_rights_of_their_release() {
    let mut twin = world();
    twin.caller.login = Some("bob".to_owned());
    assert_eq!(twin.get("/repos/acme/api/releases/assets/2").status, 404);
    assert_eq!(twin.get("/repos/acme/api/releases/assets/1").status, 200);
    assert_eq!(twin.request_with("POST", "/repos/acme/api/releases/1/assets?name=x", &[], b"x").status, 403);
    assert_eq!(twin.request("DELETE", "/repos/acme/api/releases/assets/1", None).status, 403);
    twin.caller.login = Some("pome-agent".to_owned());
    assert_eq!(twin.request("DELETE", "/repos/acme/api/releases/1", None).status, 204);
    assert_eq!(twin.get("/repos/acme/api/releases/assets/1").status, 404);
}
