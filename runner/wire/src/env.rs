//! Every variable that the runner reads or sets, one constant each.

/// Key for the control plane; wins over the stored one. Never passed to an agent.
pub const API_KEY: &str = "POME_API_KEY";
/// Address of the control plane.
pub const API_URL: &str = "POME_API_URL";
/// Address of the dashboard, for logging in.
pub const DASHBOARD_URL: &str = "POME_DASHBOARD_URL";
/// Exactly `1` selects local mode.
pub const LOCAL: &str = "POME_LOCAL";
/// Comma-separated names of further variables to pass to the agent.
pub const AGENT_ENV_ALLOWLIST: &str = "POME_AGENT_ENV_ALLOWLIST";
/// Exactly `1` passes the whole environment to the agent.
pub const INHERIT_AGENT_ENV: &str = "POME_INHERIT_AGENT_ENV";
/// Exactly `1` runs the agent command through a shell.
pub const TRUST_AGENT_COMMAND: &str = "POME_TRUST_AGENT_COMMAND";
/// Comma-separated hosts that the capture proxy lets through beside the built-in ones, and that webhooks of twins may go to; `*` allows all.
pub const EGRESS_ALLOW: &str = "POME_EGRESS_ALLOW";
/// Base address of an OpenAI-compatible endpoint for the judge and the fix prompt.
pub const LLM_BASE_URL: &str = "POME_LLM_BASE_URL";
/// Key for [`LLM_BASE_URL`].
pub const LLM_API_KEY: &str = "POME_LLM_API_KEY";
/// Model at [`LLM_BASE_URL`].
pub const LLM_MODEL: &str = "POME_LLM_MODEL";
/// `client` or `server`: who scores a hosted run.
pub const EVALUATION: &str = "POME_EVALUATION";
/// Replaces the injected OTLP endpoint on hosted runs.
pub const OTEL_COLLECTOR_URL: &str = "POME_OTEL_COLLECTOR_URL";
/// Secret that session tokens are signed with. Never passed to an agent.
pub const TWIN_AUTH_SECRET: &str = "TWIN_AUTH_SECRET";
/// Token of the admin routes of a twin. Never passed to an agent.
pub const TWIN_ADMIN_TOKEN: &str = "TWIN_ADMIN_TOKEN";
/// Folder where a standalone twin keeps its secret.
pub const TWIN_DATA_DIR: &str = "POME_TWIN_DATA_DIR";
/// Port of a standalone twin.
pub const PORT: &str = "PORT";
/// Port of a standalone gmail twin.
pub const GMAIL_TWIN_PORT: &str = "GMAIL_TWIN_PORT";
/// Port of a standalone linear twin.
pub const LINEAR_TWIN_PORT: &str = "LINEAR_TWIN_PORT";
/// `pome serve`: what servers that share a database sign with. Never passed to an agent.
pub const SERVER_SECRET: &str = "POME_SERVER_SECRET";
/// `pome serve`: address of a `PostgreSQL` database, password included. Never passed to an agent.
pub const DATABASE_URL: &str = "POME_DATABASE_URL";
/// `pome serve`: address of an object store, `s3://bucket/prefix`.
pub const BLOBS_URL: &str = "POME_BLOBS_URL";
/// `pome serve`: what is logged, as `info` or `pome_control=debug`.
pub const LOG: &str = "POME_LOG";
/// Exactly `1` keeps the macOS Keychain out of the credentials lookup.
pub const CLI_DISABLE_KEYCHAIN: &str = "POME_CLI_DISABLE_KEYCHAIN";
/// Exactly `1` turns the look for a newer version off.
pub const NO_UPDATE_CHECK: &str = "POME_NO_UPDATE_CHECK";
/// Set by continuous integration; turns prompts and the update check off.
pub const CI: &str = "CI";
/// Set to anything: no colour.
pub const NO_COLOR: &str = "NO_COLOR";

/// Key for the `OpenAI` API; passed to agents, second choice for the judge.
pub const OPENAI_API_KEY: &str = "OPENAI_API_KEY";
/// Key for the Anthropic API; passed to agents, third choice for the judge.
pub const ANTHROPIC_API_KEY: &str = "ANTHROPIC_API_KEY";
/// Base address of the Anthropic API; its host may be reached by agents.
pub const ANTHROPIC_BASE_URL: &str = "ANTHROPIC_BASE_URL";
/// Base address of the `OpenAI` API; its host may be reached by agents.
pub const OPENAI_BASE_URL: &str = "OPENAI_BASE_URL";
/// Older spelling of [`OPENAI_BASE_URL`].
pub const OPENAI_API_BASE: &str = "OPENAI_API_BASE";

/// The text of the prompt section.
pub const TASK: &str = "POME_TASK";
/// Comma-separated twins of the run.
pub const TWIN_NAMES: &str = "POME_TWIN_NAMES";
/// Token for every twin of the run.
pub const AUTH_TOKEN: &str = "POME_AUTH_TOKEN";
/// Id of the run.
pub const RUN_ID: &str = "POME_RUN_ID";
/// Absolute path of the run folder.
pub const ARTIFACTS_DIR: &str = "POME_ARTIFACTS_DIR";
/// Absolute path of the file that the agent's SDK appends to.
pub const ADAPTER_SIGNALS_PATH: &str = "POME_ADAPTER_SIGNALS_PATH";
/// `1` during the preflight.
pub const PREFLIGHT: &str = "POME_PREFLIGHT";
/// Hosted runs: address of the primary twin.
pub const TWIN_BASE_URL: &str = "POME_TWIN_BASE_URL";
/// Hosted runs: id of the session.
pub const SESSION_ID: &str = "POME_SESSION_ID";
/// Hosted runs: where spans go.
pub const OTEL_EXPORTER_OTLP_ENDPOINT: &str = "POME_OTEL_EXPORTER_OTLP_ENDPOINT";
/// Hosted runs: headers for [`OTEL_EXPORTER_OTLP_ENDPOINT`].
pub const OTEL_EXPORTER_OTLP_HEADERS: &str = "POME_OTEL_EXPORTER_OTLP_HEADERS";
/// Hosted runs: name of the agent in spans.
pub const OTEL_SERVICE_NAME: &str = "OTEL_SERVICE_NAME";
/// Hosted runs: attributes of every span.
pub const OTEL_RESOURCE_ATTRIBUTES: &str = "OTEL_RESOURCE_ATTRIBUTES";

/// Where agents find the capture proxy, in all spellings that programs read.
pub const PROXY: [&str; 4] = ["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"];
/// What bypasses the capture proxy, in both spellings.
pub const NO_PROXY: [&str; 2] = ["NO_PROXY", "no_proxy"];

/// With `--capture-llm` and `--route`: the roots of the system and the certificate of the run, for OpenSSL, Go, Ruby, httpx and others.
pub const SSL_CERT_FILE: &str = "SSL_CERT_FILE";
/// The same file, for requests.
pub const REQUESTS_CA_BUNDLE: &str = "REQUESTS_CA_BUNDLE";
/// The same file, for curl.
pub const CURL_CA_BUNDLE: &str = "CURL_CA_BUNDLE";
/// The same file, for AWS clients.
pub const AWS_CA_BUNDLE: &str = "AWS_CA_BUNDLE";
/// The same file, for git.
pub const GIT_SSL_CAINFO: &str = "GIT_SSL_CAINFO";
/// The same file, for httplib2.
pub const HTTPLIB2_CA_CERTS: &str = "HTTPLIB2_CA_CERTS";
/// The same file, for gRPC.
pub const GRPC_DEFAULT_SSL_ROOTS_FILE_PATH: &str = "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH";
/// The same file, for cargo.
pub const CARGO_HTTP_CAINFO: &str = "CARGO_HTTP_CAINFO";
/// With `--capture-llm` and `--route`: the certificate of the run alone, which Node adds to its own roots.
pub const NODE_EXTRA_CA_CERTS: &str = "NODE_EXTRA_CA_CERTS";
/// The same file, which Deno adds to its own roots.
pub const DENO_CERT: &str = "DENO_CERT";
/// With `--capture-llm` and `--route`: `--import` of the hook through which Node uses the proxy, behind what is set already.
pub const NODE_OPTIONS: &str = "NODE_OPTIONS";
/// With `--capture-llm` and `--route`: the folder of the hook through which Python libraries with roots of their own trust the run, in front of what is set already.
pub const PYTHONPATH: &str = "PYTHONPATH";
/// Variables that name a file with all roots that a program trusts.
pub const ALL_ROOTS: [&str; 8] = [
    SSL_CERT_FILE,
    REQUESTS_CA_BUNDLE,
    CURL_CA_BUNDLE,
    AWS_CA_BUNDLE,
    GIT_SSL_CAINFO,
    HTTPLIB2_CA_CERTS,
    GRPC_DEFAULT_SSL_ROOTS_FILE_PATH,
    CARGO_HTTP_CAINFO,
];
/// Variables that name a file with further roots.
pub const MORE_ROOTS: [&str; 2] = [NODE_EXTRA_CA_CERTS, DENO_CERT];

/// Variables of the parent that every agent gets.
pub const AGENT_BASE: [&str; 10] =
    ["PATH", "HOME", "USERPROFILE", "SystemRoot", "COMSPEC", "TMPDIR", "TEMP", "TMP", "LANG", "LC_ALL"];
/// Provider keys of the parent that every agent gets.
pub const AGENT_PROVIDER_KEYS: [&str; 7] = [
    ANTHROPIC_API_KEY,
    OPENAI_API_KEY,
    "GOOGLE_API_KEY",
    "GOOGLE_GENERATIVE_AI_API_KEY",
    "OPENROUTER_API_KEY",
    "AI_GATEWAY_API_KEY",
    "CLAUDE_CODE_OAUTH_TOKEN",
];
/// Variables that no agent gets, whatever is allowed otherwise.
pub const AGENT_NEVER: [&str; 5] = [API_KEY, TWIN_AUTH_SECRET, TWIN_ADMIN_TOKEN, SERVER_SECRET, DATABASE_URL];

/// Every variable of ours that begins with `POME_`. No twin may have a name that makes its variables look like these.
pub const OWN: &[&str] = &[
    API_KEY,
    API_URL,
    DASHBOARD_URL,
    LOCAL,
    AGENT_ENV_ALLOWLIST,
    INHERIT_AGENT_ENV,
    TRUST_AGENT_COMMAND,
    EGRESS_ALLOW,
    LLM_BASE_URL,
    LLM_API_KEY,
    LLM_MODEL,
    EVALUATION,
    OTEL_COLLECTOR_URL,
    TWIN_DATA_DIR,
    CLI_DISABLE_KEYCHAIN,
    NO_UPDATE_CHECK,
    TASK,
    TWIN_NAMES,
    AUTH_TOKEN,
    RUN_ID,
    ARTIFACTS_DIR,
    ADAPTER_SIGNALS_PATH,
    PREFLIGHT,
    TWIN_BASE_URL,
    SESSION_ID,
    OTEL_EXPORTER_OTLP_ENDPOINT,
    OTEL_EXPORTER_OTLP_HEADERS,
    SERVER_SECRET,
    DATABASE_URL,
    BLOBS_URL,
    LOG,
];

/// `POME_<TWIN>_REST_URL`: the session root of a twin.
pub fn rest_url(twin: &str) -> String {
    format!("POME_{}_REST_URL", part(twin))
}

/// `POME_<TWIN>_MCP_URL`: the MCP door of a twin.
pub fn mcp_url(twin: &str) -> String {
    format!("POME_{}_MCP_URL", part(twin))
}

/// A twin's name as part of a variable: upper case, everything but letters and digits as `_`.
pub fn part(twin: &str) -> String {
    twin.chars().map(|char| if char.is_ascii_alphanumeric() { char.to_ascii_uppercase() } else { '_' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_variable_of_ours_is_in_the_list() {
        let page = include_str!("env.rs");
        let constants = page.lines().filter_map(|line| line.strip_prefix("pub const ")?.split_once(": &str = \"POME_"));
        let missing: Vec<&str> = constants
            .map(|(_, value)| value.trim_end_matches("\";"))
            .filter(|value| !OWN.iter().any(|own| own.strip_prefix("POME_") == Some(value)))
            .collect();
        assert_eq!(missing, Vec::<&str>::new());
    }

    #[test]
    fn a_twin_name_becomes_part_of_its_variables() {
        assert_eq!(rest_url("github"), "POME_GITHUB_REST_URL");
        assert_eq!(mcp_url("my-twin2"), "POME_MY_TWIN2_MCP_URL");
    }
}
