//! From what people write to an object: branch and tag names, full and short ids, `HEAD`, and `~` and `^` after any of them.

use std::fmt;

use super::{Error, Kind, Objects, Oid};

/// Why a text names no object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResolveError {
    /// No ref and no object is called so.
    Unknown,
    /// Several objects share the short id.
    Ambiguous,
    /// It names something that does not lead to a commit or tree, whichever was asked for.
    WrongKind { found: Kind },
}

impl fmt::Display for ResolveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("no ref and no object of this name"),
            Self::Ambiguous => f.write_str("several objects begin with these digits"),
            Self::WrongKind { found } => write!(f, "the name leads to a {found}"),
        }
    }
}

impl std::error::Error for ResolveError {}

impl From<Error> for ResolveError {
    fn from(error: Error) -> Self {
        match error {
            Error::WrongKind { found, .. } => Self::WrongKind { found },
            _ => Self::Unknown,
        }
    }
}

/// The shortest prefix that is taken for an id.
const SHORTEST: usize = 4;

impl Objects {
    /// The object that `text` names, tags not followed.
    ///
    /// `refs` answers for full ref names (`HEAD`, `refs/heads/main`, `refs/tags/v1`). A full id wins over a ref, a branch over a tag of the same
    /// name, and any ref over a short id. Of several objects with the same short id the only commit among them is meant.
    pub fn resolve(&self, text: &str, refs: &dyn Fn(&str) -> Option<Oid>) -> Result<Oid, ResolveError> {
        match self.resolve_name(text, refs) {
            Err(ResolveError::Unknown) => self.resolve_relative(text, refs),
            named => named,
        }
    }

    /// The commit that `text` leads to, through annotated tags.
    pub fn resolve_commit(&self, text: &str, refs: &dyn Fn(&str) -> Option<Oid>) -> Result<Oid, ResolveError> {
        let oid = self.peel(self.resolve(text, refs)?)?;
        self.commit(oid)?;
        Ok(oid)
    }

    /// The tree that `text` leads to, through tags and commits.
    pub fn resolve_tree(&self, text: &str, refs: &dyn Fn(&str) -> Option<Oid>) -> Result<Oid, ResolveError> {
        Ok(self.peel_to_tree(self.resolve(text, refs)?)?)
    }

    fn resolve_name(&self, text: &str, refs: &dyn Fn(&str) -> Option<Oid>) -> Result<Oid, ResolveError> {
        if let Some(oid) = Oid::parse(text).filter(|oid| self.contains(*oid)) {
            return Ok(oid);
        }
        let full = ["", "refs/", "refs/heads/", "refs/tags/"].iter().find_map(|prefix| {
            // A bare name counts only where git keeps refs: below `refs/`, and `HEAD`.
            let name = format!("{prefix}{text}");
            (name.starts_with("refs/") || name == "HEAD").then(|| refs(&name))?
        });
        full.map_or_else(|| self.resolve_short(text), Ok)
    }

    fn resolve_short(&self, text: &str) -> Result<Oid, ResolveError> {
        if !(SHORTEST..=40).contains(&text.len()) {
            return Err(ResolveError::Unknown);
        }
        let found: Vec<Oid> = self.with_prefix(text).collect();
        let commits: Vec<Oid> = found.iter().copied().filter(|oid| self.kind(*oid) == Some(Kind::Commit)).collect();
        match (found.as_slice(), commits.as_slice()) {
            ([], _) => Err(ResolveError::Unknown),
            ([only], _) | (_, [only]) => Ok(*only),
            _ => Err(ResolveError::Ambiguous),
        }
    }

    /// `<name>~<n>`, `<name>^`, `<name>^<n>`, repeatedly.
    fn resolve_relative(&self, text: &str, refs: &dyn Fn(&str) -> Option<Oid>) -> Result<Oid, ResolveError> {
        let Some(at) = text.rfind(['~', '^']) else { return Err(ResolveError::Unknown) };
        let (name, suffix) = text.split_at(at);
        let (sign, digits) = suffix.split_at(1);
        let count = if digits.is_empty() { Ok(1) } else { digits.parse::<usize>() };
        let count = count.map_err(|_| ResolveError::Unknown)?;
        let mut oid = self.resolve_commit(name, refs)?;
        let (steps, parent) = if sign == "~" { (count, 1) } else { (usize::from(count > 0), count) };
        for _ in 0..steps {
            oid = *self.commit(oid)?.parents.get(parent - 1).ok_or(ResolveError::Unknown)?;
        }
        Ok(oid)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{commit, signature};
    use super::*;
    use crate::git::Tag;

    #[test]
    fn names_ids_and_steps_lead_to_commits() {
        let mut objects = Objects::new();
        let first = commit(&mut objects, &[], &[("a", "1\n")], 1);
        let side = commit(&mut objects, &[first], &[("b", "2\n")], 2);
        let merge = commit(&mut objects, &[first, side], &[("b", "2\n")], 3);
        let tag = objects
            .add_tag(Tag {
                object: first,
                kind: Kind::Commit,
                name: "v1".into(),
                tagger: Some(signature(4)),
                message: "one\n".into(),
            })
            .unwrap();
        let refs = |name: &str| match name {
            "HEAD" | "refs/heads/main" => Some(merge),
            "refs/heads/feature/x" | "refs/heads/both" => Some(side),
            "refs/tags/v1" | "refs/tags/both" => Some(tag),
            _ => None,
        };
        for (text, expected) in [
            ("main", merge),
            ("HEAD", merge),
            ("heads/main", merge),
            ("refs/heads/main", merge),
            ("feature/x", side),
            ("both", side),
            ("tags/both", first),
            ("v1", first),
            ("main~1", first),
            ("main^2", side),
            ("main^2~1", first),
            ("main^0", merge),
            (&side.hex(), side),
            (&side.short(7), side),
            (&side.short(4).to_uppercase(), side),
        ] {
            assert_eq!(objects.resolve_commit(text, &refs), Ok(expected), "{text}");
        }
        assert_eq!(objects.resolve("v1", &refs), Ok(tag));
        for text in ["", "nowhere", "main~3", "main~x", "abc", "0000000000000000000000000000000000000000", "heads"] {
            assert_eq!(objects.resolve_commit(text, &refs), Err(ResolveError::Unknown), "{text:?}");
        }
        let tree = objects.commit(side).unwrap().tree;
        assert_eq!(objects.resolve_commit(&tree.hex(), &refs), Err(ResolveError::WrongKind { found: Kind::Tree }));
        assert_eq!(objects.resolve_tree("feature/x", &refs), Ok(tree));
    }

    #[test]
    fn a_short_id_of_several_objects_is_ambiguous() {
        let mut objects = Objects::new();
        // 100 000 blobs share some four-digit prefix for certain.
        let mut seen = std::collections::BTreeMap::new();
        let twice = (0..100_000u32).find_map(|n| {
            let oid = objects.add_blob(n.to_string().into_bytes());
            seen.insert(oid.short(4), oid).map(|_| oid)
        });
        let twice = twice.unwrap();
        assert_eq!(objects.resolve(&twice.short(4), &|_| None), Err(ResolveError::Ambiguous));
        assert_eq!(objects.resolve(&twice.short(12), &|_| None), Ok(twice));
        assert!(objects.abbreviate(twice).len() >= 7);
    }
}
