//! Where things stand in a JSON text: the parser keeps no positions, and a message about a seed should name a line.

/// One step into a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    Key(String),
    Index(usize),
}

/// The steps of `customers[0].email`.
pub(crate) fn steps(path: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    for part in path.split('.') {
        let (key, indexes) = part.split_at(part.find('[').unwrap_or(part.len()));
        if !key.is_empty() {
            steps.push(Step::Key(key.to_owned()));
        }
        for index in indexes.split(['[', ']']).filter(|index| !index.is_empty()) {
            steps.push(index.parse().map_or_else(|_| Step::Key(index.to_owned()), Step::Index));
        }
    }
    steps
}

/// The line, from 1, on which the value at the end of the steps starts (for a key: the line of the key). `None` when the text is
/// not JSON up to there or has no such value.
pub(crate) fn line_of(text: &str, steps: &[Step]) -> Option<usize> {
    let mut cursor = Cursor { bytes: text.as_bytes(), at: 0 };
    let mut found = cursor.skip_space();
    for step in steps {
        found = cursor.enter(step)?;
    }
    Some(1 + text.get(..found)?.matches('\n').count())
}

struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Cursor<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn skip_space(&mut self) -> usize {
        while self.peek().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.at += 1;
        }
        self.at
    }

    /// Moves to the value behind one step and answers where its key or it itself starts.
    fn enter(&mut self, step: &Step) -> Option<usize> {
        self.skip_space();
        let is_object = match (self.peek()?, step) {
            (b'{', Step::Key(_)) => true,
            (b'[', Step::Index(_)) => false,
            _ => return None,
        };
        self.at += 1;
        let mut index = 0;
        loop {
            let start = self.skip_space();
            if matches!(self.peek()?, b'}' | b']') {
                return None;
            }
            let hit = if is_object {
                let key = self.string()?;
                self.skip_space();
                if self.peek()? != b':' {
                    return None;
                }
                self.at += 1;
                matches!(step, Step::Key(wanted) if *wanted == key)
            } else {
                matches!(step, Step::Index(wanted) if *wanted == index)
            };
            if hit {
                self.skip_space();
                return Some(start);
            }
            self.skip_value()?;
            self.skip_space();
            if self.peek()? != b',' {
                return None;
            }
            self.at += 1;
            index += 1;
        }
    }

    fn string(&mut self) -> Option<String> {
        let start = self.at;
        self.skip_string()?;
        serde_json::from_slice(self.bytes.get(start..self.at)?).ok()
    }

    fn skip_string(&mut self) -> Option<()> {
        if self.peek()? != b'"' {
            return None;
        }
        self.at += 1;
        loop {
            match self.peek()? {
                b'"' => {
                    self.at += 1;
                    return Some(());
                }
                b'\\' => self.at += 2,
                _ => self.at += 1,
            }
        }
    }

    /// Skips one value. Containers are skipped by counting brackets, without recursion.
    fn skip_value(&mut self) -> Option<()> {
        self.skip_space();
        let mut depth = 0_usize;
        loop {
            match self.peek()? {
                b'"' => self.skip_string()?,
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                }
                b'}' | b']' => {
                    depth = depth.checked_sub(1)?;
                    self.at += 1;
                }
                b',' if depth == 0 => return Some(()),
                _ => self.at += 1,
            }
            if depth == 0 && matches!(self.peek(), None | Some(b',' | b'}' | b']')) {
                return Some(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_found_by_path() {
        let text = "{\n  \"a\": [1, {\"x\": \"}]\\\"\"},\n    {\n      \"email\" : 7\n    }],\n  \"b\": null\n}";
        let line = |path: &str| line_of(text, &steps(path));
        assert_eq!(line(""), Some(1));
        assert_eq!(line("a"), Some(2));
        assert_eq!(line("a[1].x"), Some(2));
        assert_eq!(line("a[2]"), Some(3));
        assert_eq!(line("a[2].email"), Some(4));
        assert_eq!(line("b"), Some(6));
        assert_eq!(line("c"), None);
        assert_eq!(line("a.x"), None);
        assert_eq!(line("a[9]"), None);
    }
}
