//! A session from what is stored of it: to go on with it, to look at it after its end, or to answer a call once more.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use pome_gateway::Twin;

pub(crate) use crate::hosting::session::BuildError;

use crate::hosting::log::Handle;
use crate::hosting::session::{Live, Origin};
use crate::hosting::{EvidenceError, Hosting, TwinEvidence};
use crate::store::on;

/// A session that names a component which is not here.
#[derive(Debug, thiserror::Error)]
#[error("twin `{twin}` of the session was `{digest}`, which this server does not have")]
pub(crate) struct Missing {
    pub(crate) twin: String,
    pub(crate) digest: String,
}

/// What the worlds of a session started from, or which of them cannot be had.
pub(crate) type Origins = Result<Vec<Origin>, Missing>;

impl Origin {
    /// As it is stored, before it is encrypted.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = self.random_seed.to_le_bytes().to_vec();
        bytes.push(u8::from(self.seed.is_some()));
        bytes.extend_from_slice(self.seed.as_deref().unwrap_or_default());
        bytes
    }

    fn decode(twin: Twin, bytes: &[u8]) -> Option<Self> {
        let (random_seed, rest) = bytes.split_first_chunk::<8>()?;
        let (seeded, seed) = rest.split_first()?;
        let seed = (*seeded == 1).then(|| seed.to_vec());
        Some(Self { twin, seed, random_seed: u64::from_le_bytes(*random_seed) })
    }
}

impl Hosting {
    /// What the worlds of a session started from.
    pub(crate) async fn stored_origins(&self, session_id: &str) -> Result<Origins, BuildError> {
        const WORLDS: &str =
            "SELECT twin, component_digest, origin FROM worlds WHERE session_id = $1 ORDER BY position";
        let rows: Vec<(String, String, Vec<u8>)> =
            on!(&self.0.store, pool => sqlx::query_as(WORLDS).bind(session_id).fetch_all(pool).await?);
        let mut origins = Vec::with_capacity(rows.len());
        for (twin, digest, sealed) in rows {
            let Some(known) = self.0.twins.get(&twin).filter(|known| known.component().digest() == digest) else {
                return Ok(Err(Missing { twin, digest }));
            };
            let broken = crate::hosting::log::ReadError::Broken;
            let bytes = self.0.seal.open(&format!("worlds/{session_id}/{twin}"), sealed).map_err(broken)?;
            let origin = Origin::decode(known.clone(), &bytes);
            origins.push(origin.ok_or(broken(crate::hosting::seal::Broken))?);
        }
        Ok(Ok(origins))
    }

    /// The session as it was after entry `until` of its log; nothing that happens to it is kept.
    pub(crate) async fn copy(&self, session_id: &str, until: i64) -> Result<Result<Live, Missing>, BuildError> {
        let origins = match self.stored_origins(session_id).await? {
            Ok(origins) => origins,
            Err(missing) => return Ok(Err(missing)),
        };
        let log = Arc::new(self.0.logs.reading(session_id));
        Ok(Ok(Live::build(session_id, &origins, log, &self.0.common, i64::MAX, until).await?))
    }

    /// The session as it is, to be gone on with in `epoch`.
    pub(crate) async fn revive(
        &self,
        session_id: &str,
        epoch: i64,
        expires_at: i64,
    ) -> Result<Result<Live, Missing>, BuildError> {
        let origins = match self.stored_origins(session_id).await? {
            Ok(origins) => origins,
            Err(missing) => return Ok(Err(missing)),
        };
        let log = self.0.logs.of(session_id, epoch);
        let live = Live::build(session_id, &origins, Arc::new(log), &self.0.common, expires_at, i64::MAX).await?;
        self.0.done.rebuilt.fetch_add(1, Ordering::Relaxed);
        Ok(Ok(live))
    }

    /// What criteria are judged on. Built from the log, so it does not matter which host held the session or whether it still
    /// lives.
    pub(crate) async fn evidence(&self, session_id: &str) -> Result<Vec<TwinEvidence>, EvidenceError> {
        const SWEPT: &str = "SELECT swept FROM sessions WHERE id = $1";
        let swept: Option<i64> =
            on!(&self.0.store, pool => sqlx::query_scalar(SWEPT).bind(session_id).fetch_optional(pool).await?);
        if swept.is_none_or(|swept| swept != 0) {
            return Err(EvidenceError::Swept);
        }
        let missing = |missing: Missing| EvidenceError::Component(missing.to_string());
        let before = self.copy(session_id, 0).await?.map_err(missing)?;
        let after = self.copy(session_id, i64::MAX).await?.map_err(missing)?;
        let mut evidence = Vec::new();
        for (twin, first) in before.worlds() {
            let Some(last) = after.world(twin) else { continue };
            let mut rows = Vec::new();
            let mut from = 0;
            while let Some(piece) =
                pome_gateway::Log::rows(&Handle(Arc::clone(&after.log)), twin, from).await.map_err(sqlx::Error::Io)?
            {
                rows.extend(piece.rows);
                from = piece.last;
            }
            evidence.push(TwinEvidence {
                twin: twin.to_owned(),
                component: first.component().clone(),
                before: first.export_state().await?,
                after: last.export_state().await?,
                rows,
            });
        }
        Ok(evidence)
    }
}
