//! Short ways to make commits in unit tests.

use std::collections::BTreeMap;

use super::{Commit, Edit, Mode, Objects, Oid, Signature};

pub(super) fn signature(seconds: i64) -> Signature {
    Signature::new("Ada", "ada@example.com", seconds)
}

/// A commit on the first parent's tree with these files written; an empty text deletes.
pub(super) fn commit(objects: &mut Objects, parents: &[Oid], files: &[(&str, &str)], seconds: i64) -> Oid {
    let base = parents.first().map_or(Objects::EMPTY_TREE, |parent| objects.commit(*parent).unwrap().tree);
    let tree = tree(objects, base, files);
    let message = format!("commit {seconds}\n");
    let (author, committer) = (signature(seconds), signature(seconds));
    objects.add_commit(Commit { tree, parents: parents.to_vec(), author, committer, message, signature: None }).unwrap()
}

pub(super) fn tree(objects: &mut Objects, base: Oid, files: &[(&str, &str)]) -> Oid {
    let mut edits = BTreeMap::new();
    for (path, text) in files {
        let edit =
            if text.is_empty() { Edit::Delete } else { Edit::Put(Mode::File, objects.add_blob(text.as_bytes())) };
        edits.insert((*path).to_owned(), edit);
    }
    objects.edit_tree(base, &edits).unwrap()
}
