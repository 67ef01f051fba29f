//! The four kinds of objects and the bytes git hashes for each.

use std::{cmp::Ordering, fmt, sync::Arc};

use serde::{Deserialize, Serialize};
use sha1::{Digest, Sha1};

use super::Oid;

/// What an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Blob,
    Tree,
    Commit,
    Tag,
}

impl Kind {
    /// The word git and the vendor use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Blob => "blob",
            Self::Tree => "tree",
            Self::Commit => "commit",
            Self::Tag => "tag",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One stored object; cloning shares the content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Object {
    Blob(Arc<[u8]>),
    Tree(Arc<Tree>),
    Commit(Arc<Commit>),
    Tag(Arc<Tag>),
}

impl Object {
    /// What this object is.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Blob(_) => Kind::Blob,
            Self::Tree(_) => Kind::Tree,
            Self::Commit(_) => Kind::Commit,
            Self::Tag(_) => Kind::Tag,
        }
    }

    /// The content without git's header, as `git cat-file <kind>` prints it.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Blob(bytes) => bytes.to_vec(),
            Self::Tree(tree) => tree.encode(),
            Self::Commit(commit) => commit.encode(),
            Self::Tag(tag) => tag.encode(),
        }
    }
}

/// The id git gives to `content` of this kind.
pub(super) fn hash(kind: Kind, content: &[u8]) -> Oid {
    let mut sha = Sha1::new();
    sha.update(format!("{kind} {}\0", content.len()));
    sha.update(content);
    Oid::from_bytes(sha.finalize().into())
}

/// What a tree entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mode {
    /// 100644
    File,
    /// 100755
    Executable,
    /// 040000
    Tree,
    /// 120000, the blob holds the target
    Link,
    /// 160000, a commit of another repository
    Submodule,
}

impl Mode {
    /// Six digits, as the vendor and `git ls-tree` write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::File => "100644",
            Self::Executable => "100755",
            Self::Tree => "040000",
            Self::Link => "120000",
            Self::Submodule => "160000",
        }
    }

    /// Reads the six digits; `40000` is accepted too.
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "100644" => Self::File,
            "100755" => Self::Executable,
            "040000" | "40000" => Self::Tree,
            "120000" => Self::Link,
            "160000" => Self::Submodule,
            _ => return None,
        })
    }

    /// The kind of object the entry points to.
    pub const fn kind(self) -> Kind {
        match self {
            Self::File | Self::Executable | Self::Link => Kind::Blob,
            Self::Tree => Kind::Tree,
            Self::Submodule => Kind::Commit,
        }
    }

    /// Whether both are plain files, links, directories or submodules; the executable bit does not count.
    pub fn same_type(self, other: Self) -> bool {
        self == other || matches!((self, other), (Self::File, Self::Executable) | (Self::Executable, Self::File))
    }
}

/// One name in a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub name: Arc<str>,
    pub mode: Mode,
    pub oid: Oid,
}

impl Entry {
    /// Git sorts a directory as if its name ended in a slash.
    fn order(&self, other: &Self) -> Ordering {
        let (a, b) = (self.name.as_bytes(), other.name.as_bytes());
        let common = a.len().min(b.len());
        match a.get(..common).cmp(&b.get(..common)) {
            Ordering::Equal => self.sort_key().skip(common).cmp(other.sort_key().skip(common)),
            decided => decided,
        }
    }

    fn sort_key(&self) -> impl Iterator<Item = &u8> {
        let slash: &[u8] = if self.mode == Mode::Tree { b"/" } else { b"" };
        self.name.as_bytes().iter().chain(slash)
    }
}

/// A directory: entries in git's order, each name once.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tree {
    entries: Vec<Entry>,
}

impl Tree {
    /// Sorts the entries; `Err` carries a name that appears twice.
    pub fn new(entries: Vec<Entry>) -> Result<Self, Arc<str>> {
        let mut names: Vec<&str> = entries.iter().map(|entry| &*entry.name).collect();
        names.sort_unstable();
        match names.windows(2).find(|pair| pair.first() == pair.last()).and_then(<[&str]>::first) {
            Some(twice) => Err(Arc::from(*twice)),
            None => Ok(Self::of_distinct(entries)),
        }
    }

    /// Sorts entries whose names are known to differ.
    pub(super) fn of_distinct(mut entries: Vec<Entry>) -> Self {
        entries.sort_by(Entry::order);
        Self { entries }
    }

    /// The entries in git's order.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The entry of this name, whatever it is.
    pub fn get(&self, name: &str) -> Option<&Entry> {
        [b"".as_slice(), b"/"].into_iter().find_map(|suffix| {
            let key = || name.as_bytes().iter().chain(suffix);
            let found = self.entries.binary_search_by(|entry| entry.sort_key().cmp(key())).ok()?;
            self.entries.get(found).filter(|entry| &*entry.name == name)
        })
    }

    fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.entries.len() * 40);
        for entry in &self.entries {
            // Tree objects drop the leading zero of a directory's mode.
            out.extend_from_slice(entry.mode.as_str().trim_start_matches('0').as_bytes());
            out.push(b' ');
            out.extend_from_slice(entry.name.as_bytes());
            out.push(0);
            out.extend_from_slice(entry.oid.as_bytes());
        }
        out
    }
}

/// Who did something and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signature {
    pub name: String,
    pub email: String,
    /// Seconds since 1970, UTC; the recorded zone is always `+0000`.
    pub seconds: i64,
}

impl Signature {
    /// Drops from name and email what git drops: angle brackets and line breaks anywhere, punctuation and blanks at the ends.
    pub fn new(name: &str, email: &str, seconds: i64) -> Self {
        Self { name: without_crud(name), email: without_crud(email), seconds }
    }
}

fn without_crud(text: &str) -> String {
    let crud = |c: char| c <= ' ' || matches!(c, '.' | ',' | ':' | ';' | '<' | '>' | '"' | '\\' | '\'');
    text.trim_matches(crud).chars().filter(|c| !matches!(c, '<' | '>' | '\n' | '\0')).collect()
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} <{}> {} +0000", self.name, self.email, self.seconds)
    }
}

/// A commit with any number of parents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    pub tree: Oid,
    pub parents: Vec<Oid>,
    pub author: Signature,
    pub committer: Signature,
    pub message: String,
    /// Armored, as whoever committed has signed it.
    pub signature: Option<String>,
}

impl Commit {
    /// The message up to the first empty line, in one line.
    pub fn subject(&self) -> String {
        let lines = self.message.lines().skip_while(|line| line.trim().is_empty());
        lines.take_while(|line| !line.trim().is_empty()).map(str::trim_end).collect::<Vec<_>>().join(" ")
    }

    /// What follows the subject, without blank lines around it.
    pub fn body(&self) -> &str {
        let mut rest = self.message.trim_start_matches(['\n', '\r']);
        while let Some((line, after)) = rest.split_once('\n') {
            rest = after;
            if line.trim().is_empty() {
                return rest.trim_start_matches(['\n', '\r']).trim_end();
            }
        }
        ""
    }

    /// What was signed: the commit without its signature.
    pub fn payload(&self) -> String {
        let unsigned = Self { signature: None, ..self.clone() };
        String::from_utf8_lossy(&unsigned.encode()).into_owned()
    }

    fn encode(&self) -> Vec<u8> {
        let mut text = format!("tree {}\n", self.tree);
        for parent in &self.parents {
            text += &format!("parent {parent}\n");
        }
        text += &format!("author {}\ncommitter {}\n", self.author, self.committer);
        if let Some(signature) = &self.signature {
            text += &format!("gpgsig {}\n", signature.trim_end().replace('\n', "\n "));
        }
        text += &format!("\n{}", self.message);
        text.into_bytes()
    }
}

/// An annotated tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    pub object: Oid,
    pub kind: Kind,
    /// Without `refs/tags/`.
    pub name: String,
    pub tagger: Option<Signature>,
    pub message: String,
}

impl Tag {
    fn encode(&self) -> Vec<u8> {
        let mut text = format!("object {}\ntype {}\ntag {}\n", self.object, self.kind, self.name);
        if let Some(tagger) = &self.tagger {
            text += &format!("tagger {tagger}\n");
        }
        text += &format!("\n{}", self.message);
        text.into_bytes()
    }
}
