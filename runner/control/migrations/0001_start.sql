-- One schema for SQLite and PostgreSQL. `BYTES` becomes the name of the byte string type of the database.
-- Times are milliseconds since 1970. Lists and documents are JSON texts.

CREATE TABLE teams (
    id TEXT PRIMARY KEY,
    slug TEXT NOT NULL UNIQUE,
    plan_tier TEXT NOT NULL,
    -- Most active sessions at a time; absent: the server's own limit.
    max_sessions BIGINT,
    created_at BIGINT NOT NULL
);

CREATE TABLE users (
    id TEXT PRIMARY KEY,
    team_id TEXT NOT NULL REFERENCES teams (id),
    email TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

-- `hash` is the SHA-256 of the whole key in hexadecimal; the key itself is nowhere.
CREATE TABLE keys (
    id TEXT PRIMARY KEY,
    team_id TEXT NOT NULL REFERENCES teams (id),
    user_id TEXT NOT NULL REFERENCES users (id),
    name TEXT NOT NULL,
    hash TEXT NOT NULL UNIQUE,
    created_at BIGINT NOT NULL,
    last_used_at BIGINT,
    revoked_at BIGINT
);
CREATE INDEX keys_of_team ON keys (team_id);

CREATE TABLE login_codes (
    hash TEXT PRIMARY KEY,
    team_id TEXT NOT NULL REFERENCES teams (id),
    user_id TEXT NOT NULL REFERENCES users (id),
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT
);

CREATE TABLE agents (
    id TEXT PRIMARY KEY,
    team_id TEXT NOT NULL REFERENCES teams (id),
    slug TEXT NOT NULL,
    display_name TEXT NOT NULL,
    description TEXT,
    version TEXT,
    framework TEXT,
    twins TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (team_id, slug)
);

-- Slugs that an agent had before it was renamed.
CREATE TABLE agent_aliases (
    team_id TEXT NOT NULL REFERENCES teams (id),
    slug TEXT NOT NULL,
    agent_id TEXT NOT NULL REFERENCES agents (id),
    PRIMARY KEY (team_id, slug)
);

-- `owner` is the host that holds the instances; `epoch` grows whenever it changes or the session closes, and an append that
-- names another epoch is refused: who lost a session cannot write into it.
CREATE TABLE sessions (
    id TEXT PRIMARY KEY,
    team_id TEXT NOT NULL REFERENCES teams (id),
    key_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    twins TEXT NOT NULL,
    state TEXT NOT NULL,
    error_code TEXT,
    task_name TEXT,
    scenario_source TEXT,
    scenario_hash TEXT,
    seed_applied TEXT,
    group_id TEXT,
    agent_id TEXT,
    agent_version TEXT,
    tags TEXT NOT NULL,
    idempotency_key TEXT,
    ttl_seconds BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    ready_at BIGINT,
    closed_at BIGINT,
    expires_at BIGINT NOT NULL,
    run_id TEXT,
    owner TEXT,
    epoch BIGINT NOT NULL,
    -- Whether the log of calls was deleted, some time after the session had closed.
    swept BIGINT NOT NULL
);
CREATE INDEX sessions_of_team ON sessions (team_id, created_at);
CREATE INDEX sessions_by_state ON sessions (state, expires_at);
CREATE UNIQUE INDEX sessions_once ON sessions (team_id, idempotency_key);

-- What each world of a session starts from. `origin` is encrypted: a seed may hold credentials.
CREATE TABLE worlds (
    session_id TEXT NOT NULL REFERENCES sessions (id),
    twin TEXT NOT NULL,
    position BIGINT NOT NULL,
    component_digest TEXT NOT NULL,
    origin BYTES NOT NULL,
    PRIMARY KEY (session_id, twin)
);

-- The durable log of a live session. `step` is what the twin was told, encrypted; `row_json` is the redacted row of the
-- trace.
CREATE TABLE calls (
    session_id TEXT NOT NULL,
    seq BIGINT NOT NULL,
    twin TEXT NOT NULL,
    -- Number among the calls of its world; 0 for a row that is no call.
    event BIGINT NOT NULL,
    call_id TEXT,
    -- Whether it may have changed its world.
    changed BIGINT NOT NULL,
    step BYTES,
    row_json TEXT NOT NULL,
    PRIMARY KEY (session_id, seq)
);
-- Only calls that may be sent again have a name.
CREATE UNIQUE INDEX calls_once ON calls (session_id, call_id) WHERE call_id IS NOT NULL;

-- Server processes that share this database, and when each was last heard of.
CREATE TABLE hosts (
    id TEXT PRIMARY KEY,
    address TEXT NOT NULL,
    seen_at BIGINT NOT NULL
);

-- Blobs that were stored, by key.
CREATE TABLE uploads (
    blob TEXT PRIMARY KEY,
    team_id TEXT NOT NULL REFERENCES teams (id),
    session_id TEXT NOT NULL,
    content_type TEXT NOT NULL,
    encoding TEXT,
    size BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX uploads_of_session ON uploads (session_id);

-- `document` is the whole row as `GET /v1/runs/{id}` shows it, without the signed addresses; the other columns are for finding it.
CREATE TABLE runs (
    id TEXT PRIMARY KEY,
    team_id TEXT NOT NULL REFERENCES teams (id),
    session_id TEXT NOT NULL UNIQUE,
    scenario TEXT NOT NULL,
    status TEXT NOT NULL,
    score BIGINT NOT NULL,
    agent_id TEXT,
    agent_version TEXT,
    group_id TEXT,
    duration_ms BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    finished_at BIGINT,
    document TEXT NOT NULL
);
CREATE INDEX runs_of_team ON runs (team_id, created_at, id);
CREATE INDEX runs_of_group ON runs (team_id, group_id, created_at, id);
-- With the status, so that the results of all scenarios are counted without reading a run.
CREATE INDEX runs_of_scenario ON runs (team_id, scenario, created_at, id, status);
CREATE INDEX runs_by_status ON runs (team_id, status, created_at, id);
CREATE INDEX runs_of_agent ON runs (team_id, agent_id, created_at, id);

CREATE TABLE run_tags (
    run_id TEXT NOT NULL REFERENCES runs (id),
    team_id TEXT NOT NULL,
    tag TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (run_id, tag)
);
CREATE INDEX run_tags_of_team ON run_tags (team_id, tag, created_at, run_id);

-- Evaluations that run after `/finalize` was answered. `owner` and `seen_at` tell when one has to be taken over.
CREATE TABLE evaluations (
    id TEXT PRIMARY KEY,
    team_id TEXT NOT NULL REFERENCES teams (id),
    session_id TEXT NOT NULL UNIQUE,
    run_id TEXT NOT NULL,
    status TEXT NOT NULL,
    request TEXT NOT NULL,
    answer TEXT,
    owner TEXT,
    seen_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE discards (
    hash TEXT PRIMARY KEY,
    session_id TEXT NOT NULL REFERENCES sessions (id),
    expires_at BIGINT NOT NULL,
    used_at BIGINT
);

-- Who did what. Never a secret, never a body.
CREATE TABLE audit (
    id TEXT PRIMARY KEY,
    team_id TEXT,
    key_id TEXT,
    action TEXT NOT NULL,
    subject TEXT,
    outcome TEXT NOT NULL,
    request_id TEXT,
    at BIGINT NOT NULL
);
CREATE INDEX audit_of_team ON audit (team_id, at);
