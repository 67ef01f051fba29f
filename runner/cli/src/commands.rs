//! One file per command.

pub(crate) mod capture_server;
pub(crate) mod checks;
pub(crate) mod completions;
pub(crate) mod docs;
pub(crate) mod doctor;
pub(crate) mod endpoints;
pub(crate) mod eval;
pub(crate) mod export;
pub(crate) mod fix_prompt;
pub(crate) mod health;
pub(crate) mod init;
pub(crate) mod inspect;
pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod register;
pub(crate) mod retired;
pub(crate) mod run;
pub(crate) mod serve;
pub(crate) mod sessions;
pub(crate) mod tasks;
pub(crate) mod twin;
pub(crate) mod version;
