//! What the dashboard asks of the database. Everything is asked for one team; what belongs to another is not there.

pub(crate) mod agents;
pub(crate) mod runs;
pub(crate) mod sessions;
pub(crate) mod trends;

/// A list in a column.
pub(crate) fn list(json: &str) -> Vec<String> {
    serde_json::from_str(json).unwrap_or_default()
}

/// A place in a list that is ordered by time: behind this row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cursor {
    pub(crate) at: i64,
    pub(crate) id: String,
}

impl Cursor {
    /// As it stands in an address.
    pub(crate) fn text(&self) -> String {
        format!("{}-{}", self.at, self.id)
    }

    /// From an address; absent when it is not one.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (at, id) = text.split_once('-')?;
        Some(Self { at: at.parse().ok()?, id: id.to_owned() })
    }
}

/// Some rows of a list, and where the next ones begin.
#[derive(Debug)]
pub(crate) struct Rows<T> {
    pub(crate) rows: Vec<T>,
    pub(crate) next: Option<Cursor>,
}

impl<T> Rows<T> {
    /// From one row more than are shown.
    fn of(mut rows: Vec<T>, most: usize, cursor: impl Fn(&T) -> Cursor) -> Self {
        let next = if rows.len() > most {
            rows.truncate(most);
            rows.last().map(cursor)
        } else {
            None
        };
        Self { rows, next }
    }
}
