//! Whole stories whose ids and texts were computed with git itself.

use std::collections::BTreeMap;

use super::testing::{commit, signature, tree};
use super::*;

fn put(objects: &mut Objects, edits: &mut BTreeMap<String, Edit>, path: &str, mode: Mode, bytes: &[u8]) {
    let oid = objects.add_blob(bytes);
    edits.insert(path.to_owned(), Edit::Put(mode, oid));
}

fn save(objects: &mut Objects, parents: &[Oid], edits: &BTreeMap<String, Edit>, seconds: i64, message: &str) -> Oid {
    let base = parents.first().map_or(Objects::EMPTY_TREE, |parent| objects.commit(*parent).unwrap().tree);
    let tree = objects.edit_tree(base, edits).unwrap();
    let (author, committer) = (signature(seconds), signature(seconds));
    objects
        .add_commit(Commit {
            tree,
            parents: parents.to_vec(),
            author,
            committer,
            message: message.into(),
            signature: None,
        })
        .unwrap()
}

/// `first` - `main` - `merge` - `tidy`, with `side` from `first` into `merge`.
struct Story {
    objects: Objects,
    first: Oid,
    main: Oid,
    side: Oid,
    merge: Oid,
    tidy: Oid,
}

fn story() -> Story {
    let mut objects = Objects::new();
    let mut edits = BTreeMap::new();
    put(&mut objects, &mut edits, "README.md", Mode::File, b"hello\n");
    put(&mut objects, &mut edits, "src/main.rs", Mode::File, b"fn main() {\n    run();\n}\n");
    put(&mut objects, &mut edits, "run.sh", Mode::Executable, b"#!/bin/sh\n");
    put(&mut objects, &mut edits, "link", Mode::Link, b"README.md");
    put(&mut objects, &mut edits, "logo.bin", Mode::File, b"\0\x01\xff");
    put(&mut objects, &mut edits, "src/a/deep.txt", Mode::File, b"x");
    put(&mut objects, &mut edits, "src/a-b.txt", Mode::File, b"y");
    let first = save(&mut objects, &[], &edits, 1_767_225_600, "Initial commit\n");

    let mut edits = BTreeMap::new();
    put(&mut objects, &mut edits, "src/main.rs", Mode::File, b"fn main() {\n    run(1);\n}\n");
    let main = save(&mut objects, &[first], &edits, 1_767_225_700, "Pass one\n");
    let mut edits = BTreeMap::new();
    put(&mut objects, &mut edits, "new.txt", Mode::File, b"z");
    let side = save(&mut objects, &[first], &edits, 1_767_225_750, "side\n");

    let tree = objects.merge_commits(main, side).unwrap().tree().unwrap();
    let (author, committer) = (signature(1_767_225_800), signature(1_767_225_800));
    let message = "Merge side\n".into();
    let merge = objects
        .add_commit(Commit { tree, parents: vec![main, side], author, committer, message, signature: None })
        .unwrap();

    let mut edits = BTreeMap::from([("src/main.rs".into(), Edit::Delete), ("src/a/deep.txt".into(), Edit::Delete)]);
    put(&mut objects, &mut edits, "src/the main.rs", Mode::File, b"fn main() {\n    run(2);\n}\n// end");
    put(&mut objects, &mut edits, "run.sh", Mode::File, b"#!/bin/sh\n");
    put(&mut objects, &mut edits, "logo.bin", Mode::File, b"\0\x02");
    put(&mut objects, &mut edits, "über.txt", Mode::File, "ü\n".as_bytes());
    let tidy = save(&mut objects, &[merge], &edits, 1_767_225_900, "Tidy up\n\nZoë asked for it.\n");
    Story { objects, first, main, side, merge, tidy }
}

#[test]
fn ids_are_those_of_git() {
    let Story { mut objects, first, main, merge, tidy, .. } = story();
    assert_eq!(first.hex(), "40d7e16a5ee49d3b52406c22e862aeda8043ab69");
    assert_eq!(main.hex(), "1cc2d159ab7cee1f16d10d6d069ddc0d3ef1c0bf");
    assert_eq!(merge.hex(), "0523cbde346995690b1ffc33d2f4ec8288529a33");
    assert_eq!(tidy.hex(), "e26bfaae948b4103108425802d8b09fe026a2f93");
    let tag = Tag {
        object: first,
        kind: Kind::Commit,
        name: "v1".into(),
        tagger: Some(signature(1_767_225_600)),
        message: "one\n".into(),
    };
    assert_eq!(objects.add_tag(tag).unwrap().hex(), "cfe1b228963316db7dfd7d79efadf811b27f2e51");
    assert_eq!(objects.add_tree(Vec::new()).unwrap(), Objects::EMPTY_TREE);
}

#[test]
fn a_walk_lists_what_git_lists() {
    let Story { objects, first, .. } = story();
    let root = objects.commit(first).unwrap().tree;
    let rows: Vec<String> = objects
        .walk(root)
        .unwrap()
        .into_iter()
        .map(|(path, side)| format!("{} {} {}\t{path}", side.mode.as_str(), side.mode.kind(), side.oid))
        .collect();
    assert_eq!(
        rows.join("\n"),
        "100644 blob ce013625030ba8dba906f756967f9e9ca394464a\tREADME.md
120000 blob 42061c01a1c70097d1e4579f29a5adf40abdec95\tlink
100644 blob 494b1410a95b9ef0a980c33411fbf7d564472741\tlogo.bin
100755 blob 1a2485251c33a70432394c93fb89330ef214bfc9\trun.sh
040000 tree afd82e80fcb3bd97fc00bb0efc69d33029f84c05\tsrc
100644 blob e25f1814e51579d5f55c0f1fe0135ddb28a47f4a\tsrc/a-b.txt
040000 tree 9f91004c67297ddbf98f6314eed8f1770bb663ae\tsrc/a
100644 blob c1b0730e0133447badcfd47fd144e254807b06e1\tsrc/a/deep.txt
100644 blob edb3f76df34d543f19ecfb433b430d846147b305\tsrc/main.rs"
    );
    assert_eq!(objects.file_at(root, "logo.bin").unwrap().unwrap().as_ref(), b"\0\x01\xff");
    assert_eq!(objects.file_at(root, "src").unwrap(), None);
    assert_eq!(objects.entry_at(root, "README.md/x").unwrap(), None);
    assert_eq!(objects.directory_at(root, "src").unwrap().unwrap().len(), 3);
}

#[test]
fn an_edit_tells_what_it_cannot_do_and_removes_empty_directories() {
    let mut objects = Objects::new();
    let root = tree(&mut objects, Objects::EMPTY_TREE, &[("a/b/c", "1\n"), ("x", "2\n")]);
    let unknown = |path: &str| Err(Error::UnknownPath { path: path.to_owned() });
    assert_eq!(objects.delete_path(root, "a/b/d"), unknown("a/b/d"));
    assert_eq!(objects.delete_path(root, "x/y"), unknown("x/y"));
    assert_eq!(objects.put_file(root, "../x", *b"3"), Err(Error::MalformedPath { path: "../x".into() }));
    let without = objects.delete_path(root, "a/b/c").unwrap();
    assert_eq!(objects.walk(without).unwrap().len(), 1);
    let last = objects.delete_path(without, "x").unwrap();
    assert_eq!(last, Objects::EMPTY_TREE);
    let blob = objects.add_blob(*b"4\n");
    let edits =
        BTreeMap::from([("x".into(), Edit::Put(Mode::File, blob)), ("x/y".into(), Edit::Put(Mode::File, blob))]);
    assert_eq!(objects.edit_tree(root, &edits), Err(Error::PathClash { path: "x".into() }));
    let replaced = objects.put_file(root, "x/y", *b"5\n").unwrap();
    assert_eq!(objects.entry_at(replaced, "x").unwrap().unwrap().mode, Mode::Tree);
    let commit = commit(&mut objects, &[], &[("a", "1")], 1);
    assert_eq!(objects.tree(commit), Err(Error::WrongKind { oid: commit, wanted: Kind::Tree, found: Kind::Commit }));
}

#[test]
fn a_store_cut_at_a_mark_is_as_it_was() {
    let mut objects = Objects::new();
    let first = commit(&mut objects, &[], &[("a", "1\n")], 1);
    let (mark, count) = (objects.mark(), objects.count());
    let second = commit(&mut objects, &[first], &[("a", "2\n")], 2);
    objects.truncate_to(mark);
    assert_eq!((objects.count(), objects.contains(first), objects.contains(second)), (count, true, false));
    assert_eq!(commit(&mut objects, &[first], &[("a", "2\n")], 2), second);
}

#[test]
fn history_is_told_as_git_tells_it() {
    let Story { objects, first, main, side, merge, tidy } = story();
    let all = |log: Result<Log<'_>, Error>| log.unwrap().collect::<Vec<_>>();
    assert_eq!(all(objects.log(tidy)), [tidy, merge, side, main, first]);
    assert_eq!(all(objects.log_of_path(tidy, "src/main.rs")), [tidy, main, first]);
    assert_eq!(all(objects.log_of_path(tidy, "new.txt")), [side]);
    assert_eq!(all(objects.log_between(main, tidy)), [tidy, merge, side]);
    assert_eq!(objects.merge_bases(main, side), Ok(vec![first]));
    assert_eq!(objects.ahead_behind(main, side), Ok((1, 1)));
    assert_eq!(objects.is_ancestor(side, tidy), Ok(true));
    assert_eq!(objects.is_ancestor(side, main), Ok(false));
    let compared = objects.compare(side, tidy).unwrap();
    assert_eq!(
        compared,
        Comparison { base: side, head: tidy, merge_base: Some(side), commits: vec![main, merge, tidy], behind_by: 0 }
    );
    assert_eq!(compared.standing(), Standing::Ahead);
    assert_eq!(objects.compare(main, side).unwrap().standing(), Standing::Diverged);
    assert_eq!(objects.compare(tidy, side).unwrap().standing(), Standing::Behind);
    assert_eq!(objects.compare(tidy, tidy).unwrap().standing(), Standing::Identical);
}

#[test]
fn a_criss_cross_has_two_merge_bases_and_still_merges() {
    let mut objects = Objects::new();
    let root = commit(&mut objects, &[], &[("a", "1\n2\n3\n4\n5\n6\n7\n")], 1);
    let left = commit(&mut objects, &[root], &[("l", "left\n")], 2);
    let right = commit(&mut objects, &[root], &[("r", "right\n")], 3);
    let left = [left, commit(&mut objects, &[left, right], &[("r", "right\n"), ("a", "one\n2\n3\n4\n5\n6\n7\n")], 4)];
    let right =
        [right, commit(&mut objects, &[right, left[0]], &[("l", "left\n"), ("a", "1\n2\n3\n4\n5\n6\nseven\n")], 5)];
    assert_eq!(objects.merge_bases(left[1], right[1]), Ok(vec![right[0], left[0]]));
    let merged = objects.merge_commits(left[1], right[1]).unwrap().tree().unwrap();
    assert_eq!(objects.file_at(merged, "a").unwrap().unwrap().as_ref(), b"one\n2\n3\n4\n5\n6\nseven\n");
}

const TIDY_DIFF: &str = r#"diff --git a/logo.bin b/logo.bin
index 494b141..8835708 100644
Binary files a/logo.bin and b/logo.bin differ
diff --git a/run.sh b/run.sh
old mode 100755
new mode 100644
diff --git a/src/a/deep.txt b/src/a/deep.txt
deleted file mode 100644
index c1b0730..0000000
--- a/src/a/deep.txt
+++ /dev/null
@@ -1 +0,0 @@
-x
\ No newline at end of file
diff --git a/src/main.rs b/src/main.rs
deleted file mode 100644
index c3500b5..0000000
--- a/src/main.rs
+++ /dev/null
@@ -1,3 +0,0 @@
-fn main() {
-    run(1);
-}
diff --git a/src/the main.rs b/src/the main.rs
new file mode 100644
index 0000000..11ba301
--- /dev/null
+++ b/src/the main.rs	
@@ -0,0 +1,4 @@
+fn main() {
+    run(2);
+}
+// end
\ No newline at end of file
diff --git "a/\303\274ber.txt" "b/\303\274ber.txt"
new file mode 100644
index 0000000..be761e0
--- /dev/null
+++ "b/\303\274ber.txt"
@@ -0,0 +1 @@
+ü
"#;

const TIDY_MAIL: &str = r#"From e26bfaae948b4103108425802d8b09fe026a2f93 Mon Sep 17 00:00:00 2001
From: Ada <ada@example.com>
Date: Thu, 1 Jan 2026 00:05:00 +0000
Subject: [PATCH] Tidy up
MIME-Version: 1.0
Content-Type: text/plain; charset=UTF-8
Content-Transfer-Encoding: 8bit

Zoë asked for it.
---
 logo.bin          | Bin 3 -> 2 bytes
 run.sh            |   0
 src/a/deep.txt    |   1 -
 src/main.rs       |   3 ---
 src/the main.rs   |   4 ++++
 "\303\274ber.txt" |   1 +
 6 files changed, 5 insertions(+), 4 deletions(-)
 mode change 100755 => 100644 run.sh
 delete mode 100644 src/a/deep.txt
 delete mode 100644 src/main.rs
 create mode 100644 src/the main.rs
 create mode 100644 "\303\274ber.txt"

"#;

#[test]
fn diffs_and_mails_are_those_of_git() {
    let Story { objects, tidy, .. } = story();
    let changes = objects.changes_of(tidy).unwrap();
    assert_eq!(String::from_utf8(objects.diff_text(&changes).unwrap()).unwrap(), TIDY_DIFF);
    let mail = String::from_utf8(objects.format_patch(&[tidy]).unwrap()).unwrap();
    assert_eq!(mail, format!("{TIDY_MAIL}{TIDY_DIFF}"));
}

#[test]
fn a_patch_is_the_hunks_alone() {
    let Story { objects, main, tidy, .. } = story();
    let changes = objects.changes_of(main).unwrap();
    assert_eq!(changes.len(), 1);
    assert_eq!(
        objects.patch(&changes[0]).unwrap(),
        Patch {
            additions: 1,
            deletions: 1,
            binary: false,
            text: Some("@@ -1,3 +1,3 @@\n fn main() {\n-    run();\n+    run(1);\n }".into()),
        }
    );
    let patches: Vec<(String, Patch)> = objects
        .changes_of(tidy)
        .unwrap()
        .iter()
        .map(|change| (change.path.clone(), objects.patch(change).unwrap()))
        .take(3)
        .collect();
    let none = |binary| Patch { additions: 0, deletions: 0, binary, text: None };
    assert_eq!(patches[0], ("logo.bin".into(), none(true)));
    assert_eq!(patches[1], ("run.sh".into(), none(false)));
    assert_eq!(patches[2].1.text.as_deref(), Some("@@ -1 +0,0 @@\n-x\n\\ No newline at end of file"));
}

#[test]
fn a_move_is_found_by_equal_or_similar_content() {
    let mut objects = Objects::new();
    let old = tree(
        &mut objects,
        Objects::EMPTY_TREE,
        &[("a.txt", "1\n"), ("b.txt", "1\n2\n3\n4\n5\n6\n7\n8\n"), ("c", "c\n")],
    );
    let new = tree(
        &mut objects,
        old,
        &[("a.txt", ""), ("b.txt", ""), ("d/a.txt", "1\n"), ("e.txt", "1\n2\n3\n4\n5\n6\n7\nacht\n"), ("c", "d\n")],
    );
    let changes = objects.diff_trees(old, new).unwrap();
    let rows: Vec<_> =
        changes.iter().map(|c| (c.status.as_str(), c.old_path(), c.path.as_str(), c.similarity)).collect();
    assert_eq!(
        rows,
        [
            ("modified", "c", "c", None),
            ("renamed", "a.txt", "d/a.txt", Some(100)),
            // `git diff -M` says 73 % too.
            ("renamed", "b.txt", "e.txt", Some(73)),
        ]
    );
    assert_eq!(objects.diff_trees_plain(old, new).unwrap().len(), 5);
    let text = String::from_utf8(objects.diff_text(&changes).unwrap()).unwrap();
    assert!(
        text.contains(
            "diff --git a/a.txt b/d/a.txt\nsimilarity index 100%\nrename from a.txt\nrename to d/a.txt\ndiff"
        ),
        "{text}"
    );
}

#[test]
fn lines_know_their_numbers_on_both_sides() {
    let old = b"a\nb\nc\nd\ne\nf\ng\nh\ni\nj\nk\nl\n";
    let new = b"a\nB\nc\nd\ne\nf\ng\nh\ni\nj\nK\nl\nm\n";
    let diff = LineDiff::of(old, new);
    let hunks = diff.hunks();
    let heads: Vec<_> = hunks.iter().map(|hunk| String::from_utf8(hunk.header()).unwrap()).collect();
    assert_eq!(heads, ["@@ -1,5 +1,5 @@\n", "@@ -8,5 +8,6 @@ g\n"]);
    let added: Vec<_> =
        hunks[1].lines.iter().filter(|line| line.origin == Origin::Added).map(|line| line.new).collect();
    assert_eq!(added, [Some(11), Some(13)]);
    assert_eq!((diff.additions(), diff.deletions()), (3, 2));
}

#[test]
fn edits_in_different_places_merge_and_adjoining_ones_do_not() {
    let base = b"1\n2\n3\n4\n5\n";
    assert_eq!(merge_lines(base, b"one\n2\n3\n4\n5\n", b"1\n2\n3\n4\nfive\n").unwrap(), b"one\n2\n3\n4\nfive\n");
    assert_eq!(merge_lines(base, b"1\n2\nX\n4\n5\n", b"1\n2\nX\n4\n5\n6\n").unwrap(), b"1\n2\nX\n4\n5\n6\n");
    assert_eq!(merge_lines(base, b"1\n2\nX\n4\n5\n", b"1\n2\nY\n4\n5\n"), None);
    assert_eq!(merge_lines(base, b"1\n2\nX\n4\n5\n", b"1\n2\n3\nY\n5\n"), None);
    assert_eq!(merge_lines(base, b"1\n2\n4\n5\n", b"1\n2\n3\n4\n5\nend").unwrap(), b"1\n2\n4\n5\nend");
}

#[test]
fn trees_merge_file_by_file() {
    let mut objects = Objects::new();
    let text = "1\n2\n3\n4\n5\n6\n7\n8\n";
    let base = tree(
        &mut objects,
        Objects::EMPTY_TREE,
        &[("a", text), ("b", text), ("gone", "g\n"), ("moved", "m\nn\no\np\nq\n")],
    );
    let ours = tree(
        &mut objects,
        base,
        &[("a", "one\n2\n3\n4\n5\n6\n7\n8\n"), ("moved", ""), ("new/moved", "m\nn\no\np\nq\n")],
    );
    let theirs = tree(
        &mut objects,
        base,
        &[("a", "1\n2\n3\n4\n5\n6\n7\neight\n"), ("gone", ""), ("added", "+\n"), ("moved", "M\nn\no\np\nq\n")],
    );
    let expected = tree(
        &mut objects,
        Objects::EMPTY_TREE,
        &[("a", "one\n2\n3\n4\n5\n6\n7\neight\n"), ("added", "+\n"), ("b", text), ("new/moved", "M\nn\no\np\nq\n")],
    );
    assert_eq!(objects.merge_trees(base, ours, theirs), Ok(Merge::Clean(expected)));
    assert_eq!(objects.merge_trees(base, theirs, ours), Ok(Merge::Clean(expected)));
}

#[test]
fn disagreements_are_named_by_path() {
    let mut objects = Objects::new();
    let base = tree(&mut objects, Objects::EMPTY_TREE, &[("both", "1\n"), ("gone", "g\n"), ("same", "s\n")]);
    let ours = tree(
        &mut objects,
        base,
        &[("both", "2\n"), ("gone", ""), ("same", "t\n"), ("new", "ours\n"), ("dir", "file\n"), ("eq", "=\n")],
    );
    let theirs = tree(
        &mut objects,
        base,
        &[
            ("both", "3\n"),
            ("gone", "changed\n"),
            ("same", "t\n"),
            ("new", "theirs\n"),
            ("dir/file", "x\n"),
            ("eq", "=\n"),
        ],
    );
    let conflicts = Merge::Conflicts(["both", "dir/file", "gone", "new"].map(str::to_owned).to_vec());
    assert_eq!(objects.merge_trees(base, ours, theirs), Ok(conflicts));
}

#[test]
fn commits_are_replayed_without_merges_and_without_what_is_there_already() {
    let mut objects = Objects::new();
    let text = "1\n2\n3\n4\n5\n6\n7\n8\n";
    let root = commit(&mut objects, &[], &[("a", text)], 1);
    let one = commit(&mut objects, &[root], &[("b", "b\n")], 2);
    let two = commit(&mut objects, &[one], &[("a", "1\n2\n3\n4\n5\n6\n7\nacht\n")], 3);
    let onto = commit(&mut objects, &[root], &[("b", "b\n"), ("a", "eins\n2\n3\n4\n5\n6\n7\n8\n")], 4);
    let merge = commit(&mut objects, &[two, onto], &[], 5);
    let committer = Signature::new("Bob", "bob@example.com", 9);
    let Replay::Clean { tip, commits } = objects.replay(onto, &[one, two, merge], &committer).unwrap() else {
        panic!("the commits apply")
    };
    assert_eq!(commits, [tip]);
    let made = objects.commit(tip).unwrap().clone();
    assert_eq!((&made.parents, &made.author, &made.committer), (&vec![onto], &signature(3), &committer));
    assert_eq!(objects.file_at(made.tree, "a").unwrap().unwrap().as_ref(), b"eins\n2\n3\n4\n5\n6\n7\nacht\n");
    let against = commit(&mut objects, &[root], &[("a", "1\n2\n3\n4\n5\n6\n7\nVIII\n")], 6);
    let refused = Replay::Conflicts { commit: two, paths: vec!["a".into()] };
    assert_eq!(objects.replay(against, &[one, two], &committer), Ok(refused));
}
