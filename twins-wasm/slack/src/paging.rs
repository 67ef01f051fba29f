//! Paging by number, as the older methods have it.

use serde_json::{Value, json};

use crate::arguments::Int;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Paging {
    /// From 1.
    pub(crate) page: usize,
    pub(crate) count: usize,
    pub(crate) total: usize,
}

impl Paging {
    pub(crate) fn new(page: Option<Int>, count: Option<Int>, default: usize, most: usize, total: usize) -> Self {
        let positive =
            |value: Option<Int>| value.and_then(|value| usize::try_from(value.0).ok()).filter(|value| *value > 0);
        Self { page: positive(page).unwrap_or(1), count: positive(count).unwrap_or(default).min(most), total }
    }

    pub(crate) const fn pages(&self) -> usize {
        self.total.div_ceil(self.count)
    }

    const fn start(&self) -> usize {
        (self.page - 1).saturating_mul(self.count)
    }

    pub(crate) fn slice<I: Iterator>(&self, rows: I) -> impl Iterator<Item = I::Item> + use<I> {
        rows.skip(self.start()).take(self.count)
    }

    /// `{count, total, page, pages}`
    pub(crate) fn view(&self) -> Value {
        json!({ "count": self.count, "total": self.total, "page": self.page, "pages": self.pages() })
    }

    /// As saved items have it.
    pub(crate) fn spilling(&self) -> Value {
        json!({ "per_page": self.count, "spill": 0, "page": self.page, "total": self.total, "pages": self.pages() })
    }

    /// The second spelling that searches have.
    pub(crate) fn pagination(&self) -> Value {
        let first = if self.start() < self.total { self.start() + 1 } else { 0 };
        let last = (self.start() + self.count).min(self.total);
        json!({
            "total_count": self.total, "page": self.page, "per_page": self.count, "page_count": self.pages(),
            "first": first, "last": if first == 0 { 0 } else { last },
        })
    }
}
