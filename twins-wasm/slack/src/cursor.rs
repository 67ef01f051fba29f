//! Cursors: opaque, and stable when rows come and go between two pages.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::arguments::Int;
use crate::error::Error;

/// A page as asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Page<'a> {
    /// What the cursor counts: `next_ts`, `user`, `channel`, ...
    pub(crate) kind: &'static str,
    pub(crate) limit: usize,
    pub(crate) cursor: Option<&'a str>,
    /// The greatest key comes first.
    pub(crate) descending: bool,
}

impl<'a> Page<'a> {
    /// Sizes are clamped to 1 and `most`; none, or 0, is `default`.
    pub(crate) fn new(
        kind: &'static str,
        limit: Option<Int>,
        default: usize,
        most: usize,
        cursor: Option<&'a String>,
    ) -> Self {
        let limit = match limit.map(|limit| limit.0) {
            None | Some(0) => default,
            Some(limit) => usize::try_from(limit).unwrap_or(1).clamp(1, most),
        };
        let cursor = cursor.map(|cursor| cursor.trim()).filter(|cursor| !cursor.is_empty());
        Self { kind, limit, cursor, descending: false }
    }

    #[must_use]
    pub(crate) const fn descending(mut self) -> Self {
        self.descending = true;
        self
    }

    /// The key that the cursor stands for; `invalid_cursor` when it is not one of this list.
    pub(crate) fn start(&self) -> Result<Option<String>, Error> {
        let Some(cursor) = self.cursor else { return Ok(None) };
        let bytes = STANDARD.decode(cursor).map_err(|_| Error::new("invalid_cursor"))?;
        let text = String::from_utf8(bytes).map_err(|_| Error::new("invalid_cursor"))?;
        let key = text.split_once(':').filter(|(kind, _)| *kind == self.kind).map(|(_, key)| key.to_owned());
        key.map(Some).ok_or_else(|| Error::new("invalid_cursor"))
    }

    pub(crate) fn next(&self, key: &str) -> String {
        STANDARD.encode(format!("{}:{key}", self.kind))
    }

    /// The page of rows that come in the order of their keys, and the cursor of the next one; empty at the end.
    pub(crate) fn cut<T>(
        &self,
        rows: impl IntoIterator<Item = T>,
        key: impl Fn(&T) -> String,
    ) -> Result<(Vec<T>, String), Error> {
        let start = self.start()?;
        let before = |row: &T| match &start {
            None => false,
            Some(start) if self.descending => key(row) > *start,
            Some(start) => key(row) < *start,
        };
        let mut rows = rows.into_iter().skip_while(before);
        let page: Vec<T> = rows.by_ref().take(self.limit).collect();
        let next = rows.next().map(|row| self.next(&key(&row))).unwrap_or_default();
        Ok((page, next))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_follow_each_other_and_survive_insertions() {
        let cut = |rows: &[u8], cursor: Option<&String>| {
            let page = Page::new("row", Some(Int(2)), 100, 1000, cursor);
            page.cut(rows.to_vec(), |row| format!("{row:03}")).unwrap()
        };
        let (page, next) = cut(&[1, 3, 5, 7], None);
        assert_eq!(page, [1, 3]);
        let (page, next) = cut(&[1, 2, 3, 5, 7], Some(&next));
        assert_eq!((page.as_slice(), next.as_str()), ([5, 7].as_slice(), ""));
    }

    #[test]
    fn cursors_of_other_lists_and_nonsense_are_refused() {
        let other = Page::new("user", None, 100, 1000, None).next("U1");
        for cursor in ["%%%", "bm9wZQ==", &other] {
            let cursor = cursor.to_owned();
            let page = Page::new("channel", None, 100, 1000, Some(&cursor));
            assert_eq!(page.start().unwrap_err().code(), "invalid_cursor");
        }
    }
}
