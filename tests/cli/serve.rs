//! What `pome serve` says to an operator before anything is served.

use pome_tests::{Project, pome_snapshot};

use crate::project;

fn serve(project: &Project, args: &[&str]) -> pome_tests::Output {
    project.pome([&["serve", "--listen", "127.0.0.1:0"], args].concat()).run()
}

#[test]
fn a_database_that_is_no_postgresql_is_refused_without_repeating_its_password() {
    let project = project();
    pome_snapshot!(serve(&project, &["--database-url", "mysql://me:hunter2@db/pome"]), @r"
    exit 5
    ----- stderr -----
    error: `--database-url` is not the address of a PostgreSQL database
    hint: one looks like `postgres://user:password@host:5432/name`; without it the database is a file in `--data-dir`
    ");
    let output = project.pome(["serve", "keys", "list"]).env("POME_DATABASE_URL", "nonsense").run().expect(5);
    assert!(output.stderr.starts_with("error: `POME_DATABASE_URL` is not"), "{output:?}");
}

#[test]
fn an_address_that_is_none_is_refused_before_it_is_handed_out() {
    let project = project();
    pome_snapshot!(serve(&project, &["--public-url", "pome.example"]), @r"
    exit 5
    ----- stderr -----
    error: `--public-url` cannot be handed out
      caused by: `pome.example` is not an address of a control plane: expected `http://` or `https://`, and a host
    ");
    serve(&project, &["--host-url", "pome.example"]).expect(5);
    let output = project.pome(["serve", "--listen", "localhost:8787"]).run().expect(5);
    assert!(output.stderr.contains("such as `127.0.0.1:8787`"), "{output:?}");
}

#[test]
fn a_secret_that_is_not_there_or_too_short_is_a_mistake_of_whoever_named_it() {
    let project = project();
    pome_snapshot!(serve(&project, &["--secret-file", "/nowhere/secret"]), @r"
    exit 5
    ----- stderr -----
    error: cannot use the secret in `/nowhere/secret`
      caused by: No such file or directory (os error 2)
    ");
    let output = project.pome(["serve"]).env("POME_SERVER_SECRET", "short").run().expect(5);
    assert!(output.stderr.contains("`openssl rand -hex 32` makes one"), "{output:?}");
}

#[test]
fn the_wrong_folder_is_not_taken_for_a_server_without_keys() {
    let project = project();
    pome_snapshot!(project.pome(["serve", "keys", "list", "--data-dir", "elsewhere"]).run(), @r"
    exit 5
    ----- stderr -----
    error: there is no database of a server in `elsewhere`
    hint: `--data-dir` names the folder that `pome serve` was started with
    ");
    project.pome(["serve", "teams", "list", "--data-dir", "elsewhere"]).run().expect(5);
    assert!(!project.path("elsewhere").exists());

    let output = project.pome(["serve", "keys", "add", "mine", "--data-dir", "here"]).run().expect(0);
    assert!(output.stderr.starts_with("note: there was no database in `here`, so it is made now"), "{output:?}");
    let id = output.stdout.get(..12).unwrap();
    for said in [format!("note: revoked `{id}`\n"), format!("note: `{id}` was revoked before\n")] {
        let output = project.pome(["serve", "keys", "revoke", id, "--data-dir", "here"]).run().expect(0);
        assert_eq!(output.stderr, said);
    }
    project.pome(["serve", "keys", "revoke", "pme_nonsense", "--data-dir", "here"]).run().expect(5);
}
