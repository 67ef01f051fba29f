//! Finds which added files are removed files under another name: first equal content, then the same name with similar content, then the most similar.

use std::{cmp::Reverse, collections::BTreeMap};

use super::{Change, Error, Mode, Objects, Oid, Status, is_binary, paths};

/// Similarity is counted in these parts, as git does; half of them make a rename.
const WHOLE: u64 = 60_000;
const ENOUGH: u64 = WHOLE / 2;
/// Three quarters are enough, without looking at other files, when the name stayed and is the only one of its kind.
const ENOUGH_FOR_NAMESAKES: u64 = WHOLE / 4 * 3;
/// Beyond this many pairs only equal content is paired.
const MOST_PAIRS: usize = 1_000 * 1_000;
/// How many candidates are kept for each added file.
const CANDIDATES: usize = 4;

/// Replaces pairs of removed and added files by renames; keeps the order by path.
pub(super) fn pair(objects: &Objects, changes: Vec<Change>) -> Result<Vec<Change>, Error> {
    let mut finder = Finder { objects, chunks: BTreeMap::new(), sources: Vec::new(), targets: Vec::new() };
    let mut rest = Vec::new();
    for change in changes {
        match change.status {
            Status::Removed => finder.sources.push(Some(change)),
            Status::Added => finder.targets.push(change),
            _ => rest.push(change),
        }
    }
    if !finder.sources.is_empty() && !finder.targets.is_empty() {
        finder.equal_content();
        finder.namesakes()?;
        finder.similar_content()?;
    }
    rest.extend(finder.sources.into_iter().flatten());
    rest.append(&mut finder.targets);
    rest.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(rest)
}

struct Finder<'a> {
    objects: &'a Objects,
    /// The pieces of a blob with the bytes they make up.
    chunks: BTreeMap<Oid, BTreeMap<Chunk<'a>, u64>>,
    /// Removed files; taken when they turn out to be renamed.
    sources: Vec<Option<Change>>,
    /// Added files, turned into renames in place.
    targets: Vec<Change>,
}

/// A line, or 64 bytes of a longer one; and whether a line ended here.
type Chunk<'a> = (&'a [u8], bool);

impl Finder<'_> {
    fn equal_content(&mut self) {
        let mut by_content: BTreeMap<Oid, Vec<usize>> = BTreeMap::new();
        for (at, source) in self.sources.iter().enumerate() {
            if let Some(side) = source.as_ref().and_then(|source| source.old) {
                by_content.entry(side.oid).or_default().push(at);
            }
        }
        for target in 0..self.targets.len() {
            let Some((name, new)) = self.targets.get(target).and_then(|t| Some((paths::name(&t.path), t.new?))) else {
                continue;
            };
            let same_content = by_content.get(&new.oid).into_iter().flatten().copied();
            let free = same_content.filter_map(|at| Some((at, self.sources.get(at)?.as_ref()?)));
            let fitting = free.filter(|(_, source)| source.old.is_some_and(|old| old.mode.same_type(new.mode)));
            let best = fitting.max_by_key(|(at, source)| (paths::name(&source.path) == name, Reverse(*at)));
            if let Some(at) = best.map(|(at, _)| at) {
                self.record(at, target, 100);
            }
        }
    }

    fn namesakes(&mut self) -> Result<(), Error> {
        // `None` marks a name that several files have.
        let mut sources: BTreeMap<String, Option<usize>> = BTreeMap::new();
        for (at, source) in self.sources.iter().enumerate() {
            if let Some(source) = source {
                let name = paths::name(&source.path).to_owned();
                sources.entry(name).and_modify(|only| *only = None).or_insert(Some(at));
            }
        }
        let mut targets: BTreeMap<String, Option<usize>> = BTreeMap::new();
        for (at, target) in self.targets.iter().enumerate().filter(|(_, target)| target.status == Status::Added) {
            let name = paths::name(&target.path).to_owned();
            targets.entry(name).and_modify(|only| *only = None).or_insert(Some(at));
        }
        for (name, source) in sources {
            if let (Some(source), Some(Some(target))) = (source, targets.get(&name)) {
                let score = self.similarity(source, *target)?;
                if score >= ENOUGH_FOR_NAMESAKES {
                    self.record(source, *target, percent(score));
                }
            }
        }
        Ok(())
    }

    fn similar_content(&mut self) -> Result<(), Error> {
        let sources: Vec<usize> = (0..self.sources.len()).filter(|at| self.source(*at).is_some()).collect();
        let open = |target: &Change| target.status == Status::Added;
        let targets: Vec<usize> =
            (0..self.targets.len()).filter(|at| self.targets.get(*at).is_some_and(open)).collect();
        if sources.len() * targets.len() > MOST_PAIRS {
            return Ok(());
        }
        let mut pairs = Vec::new();
        for target in targets {
            let mut candidates = Vec::new();
            for source in &sources {
                let score = self.similarity(*source, target)?;
                if score >= ENOUGH {
                    candidates.push((score, self.same_name(*source, target), *source, target));
                }
            }
            candidates.sort_by_key(|(score, same_name, ..)| Reverse((*score, *same_name)));
            candidates.truncate(CANDIDATES);
            pairs.append(&mut candidates);
        }
        pairs.sort_by_key(|(score, same_name, ..)| Reverse((*score, *same_name)));
        for (score, _, source, target) in pairs {
            self.record(source, target, percent(score));
        }
        Ok(())
    }

    fn source(&self, at: usize) -> Option<&Change> {
        self.sources.get(at)?.as_ref()
    }

    fn same_name(&self, source: usize, target: usize) -> bool {
        match (self.source(source), self.targets.get(target)) {
            (Some(source), Some(target)) => paths::name(&source.path) == paths::name(&target.path),
            _ => false,
        }
    }

    /// How much of the larger file is in both, in parts of [`WHOLE`].
    fn similarity(&mut self, source: usize, target: usize) -> Result<u64, Error> {
        let plain = |mode| matches!(mode, Mode::File | Mode::Executable);
        let sides = (self.source(source).and_then(|s| s.old), self.targets.get(target).and_then(|t| t.new));
        let (Some(old), Some(new)) = sides else { return Ok(0) };
        if !plain(old.mode) || !plain(new.mode) {
            return Ok(0);
        }
        let sizes = (self.objects.blob(old.oid)?.len() as u64, self.objects.blob(new.oid)?.len() as u64);
        let larger = sizes.0.max(sizes.1);
        if larger == 0 || larger * (WHOLE - ENOUGH) < sizes.0.abs_diff(sizes.1) * WHOLE {
            return Ok(0);
        }
        for oid in [old.oid, new.oid] {
            if !self.chunks.contains_key(&oid) {
                self.chunks.insert(oid, chunks(self.objects.blob(oid)?));
            }
        }
        let (Some(old), Some(new)) = (self.chunks.get(&old.oid), self.chunks.get(&new.oid)) else { return Ok(0) };
        let kept: u64 = old.iter().filter_map(|(chunk, bytes)| Some(*bytes.min(new.get(chunk)?))).sum();
        Ok(kept * WHOLE / larger)
    }

    /// Does nothing when either side has been paired already.
    fn record(&mut self, source: usize, target: usize, similarity: u8) {
        let Some(change) = self.targets.get_mut(target).filter(|change| change.status == Status::Added) else { return };
        if let Some(source) = self.sources.get_mut(source).and_then(Option::take) {
            change.status = Status::Renamed;
            change.old = source.old;
            change.previous_path = Some(source.path);
            change.similarity = Some(similarity);
        }
    }
}

fn percent(score: u64) -> u8 {
    u8::try_from(score * 100 / WHOLE).unwrap_or(100)
}

/// Cuts after each line break and after 64 bytes; in text a carriage return before the line break does not count.
fn chunks(bytes: &[u8]) -> BTreeMap<Chunk<'_>, u64> {
    let text = !is_binary(bytes);
    let mut counts = BTreeMap::new();
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let (mut content, ended) = line.strip_suffix(b"\n").map_or((line, false), |content| (content, true));
        if text && ended {
            content = content.strip_suffix(b"\r").unwrap_or(content);
        }
        // A line of 63 bytes and its break fill one chunk; of 64 bytes the break is a chunk of its own.
        while content.len() >= 64 {
            let (chunk, rest) = content.split_at(64);
            *counts.entry((chunk, false)).or_default() += 64;
            content = rest;
        }
        let length = content.len() as u64 + u64::from(ended);
        if length > 0 {
            *counts.entry((content, ended)).or_default() += length;
        }
    }
    counts
}
