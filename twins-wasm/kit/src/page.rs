//! Paging by number and the `Link` header.

use std::fmt::Write as _;

use crate::input::pairs;

/// A page as asked for, already made valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paging {
    /// From 1.
    pub page: usize,
    pub per_page: usize,
}

impl Paging {
    /// Out-of-range values fall back: a page below 1 is the first, a size below 1 the default, a size above `most` is `most`.
    pub fn new(page: Option<i64>, per_page: Option<i64>, default: usize, most: usize) -> Self {
        let positive =
            |value: Option<i64>| value.and_then(|value| usize::try_from(value).ok()).filter(|value| *value > 0);
        Self { page: positive(page).unwrap_or(1), per_page: positive(per_page).unwrap_or(default).min(most) }
    }

    pub const fn start(&self) -> usize {
        (self.page - 1).saturating_mul(self.per_page)
    }

    /// The page's part of a sequence.
    pub fn slice<I: Iterator>(&self, items: I) -> impl Iterator<Item = I::Item> + use<I> {
        items.skip(self.start()).take(self.per_page)
    }

    pub const fn last_page(&self, total: usize) -> usize {
        let pages = total.div_ceil(self.per_page);
        if pages == 0 { 1 } else { pages }
    }

    /// The value of the `Link` header, or `None` when everything fits on one page. `address` is the request's own address
    /// without its query, `query` its raw query, of which everything but `page` is kept.
    pub fn link(&self, address: &str, query: &str, total: usize) -> Option<String> {
        let last = self.last_page(total);
        if last == 1 && self.page == 1 {
            return None;
        }
        let mut kept = String::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty() && !is_page(pair)) {
            kept.push_str(pair);
            kept.push('&');
        }
        let mut out = String::new();
        let mut relation = |name: &str, page: usize| {
            let comma = if out.is_empty() { "" } else { ", " };
            // Writing to a string cannot fail.
            let _ = write!(out, "{comma}<{address}?{kept}page={page}>; rel=\"{name}\"");
        };
        if self.page > 1 {
            relation("prev", (self.page - 1).min(last));
        }
        if self.page < last {
            relation("next", self.page + 1);
            relation("last", last);
        }
        if self.page > 1 {
            relation("first", 1);
        }
        Some(out)
    }
}

fn is_page(pair: &str) -> bool {
    pairs(pair).any(|(name, _)| name == "page")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_name_only_the_pages_that_exist_and_keep_the_query() {
        let first = Paging::new(None, Some(2), 30, 100);
        assert_eq!(
            first.link("http://h/x", "state=all&per_page=2", 5).unwrap(),
            "<http://h/x?state=all&per_page=2&page=2>; rel=\"next\", <http://h/x?state=all&per_page=2&page=3>; rel=\"last\""
        );
        let last = Paging::new(Some(3), Some(2), 30, 100);
        assert_eq!(
            last.link("http://h/x", "page=3", 5).unwrap(),
            "<http://h/x?page=2>; rel=\"prev\", <http://h/x?page=1>; rel=\"first\""
        );
        assert_eq!(first.link("http://h/x", "", 2), None);
    }

    #[test]
    fn sizes_are_clamped_and_slices_start_where_they_should() {
        assert_eq!(Paging::new(Some(0), Some(-3), 30, 100), Paging { page: 1, per_page: 30 });
        assert_eq!(Paging::new(Some(2), Some(500), 30, 100), Paging { page: 2, per_page: 100 });
        assert_eq!(Paging::new(Some(2), Some(3), 30, 100).slice(0..10).collect::<Vec<_>>(), [3, 4, 5]);
    }
}
