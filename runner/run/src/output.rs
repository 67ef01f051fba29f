//! What a process printed, bounded: the beginning and the end are kept, the middle is counted.

/// Half of what is kept of one stream.
const HALF: usize = 8 << 20;

/// Beginning and end of a stream, at most 16 MiB together.
#[derive(Debug, Default)]
pub(crate) struct HeadTail {
    head: Vec<u8>,
    tail: Ring,
    dropped: u64,
}

impl HeadTail {
    /// Takes the next piece of the stream.
    pub(crate) fn push(&mut self, piece: &[u8]) {
        let (head, rest) = piece.split_at(piece.len().min(HALF - self.head.len()));
        self.head.extend_from_slice(head);
        self.dropped += self.tail.push(rest) as u64;
    }

    /// The stream as one text, with a line in the place of what was dropped. The cuts are moved to ends of lines where there are
    /// any nearby, so that a secret is not cut in two and missed by redaction.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        const NEARBY: usize = 64 << 10;
        let Self { head: mut bytes, tail, mut dropped } = self;
        let mut tail = tail.into_bytes();
        if dropped > 0 {
            let from = bytes.len().saturating_sub(NEARBY);
            if let Some(last) = bytes.iter().skip(from).rposition(|&byte| byte == b'\n') {
                let end = from + last + 1;
                dropped += (bytes.len() - end) as u64;
                bytes.truncate(end);
            }
            if let Some(first) = tail.iter().take(NEARBY).position(|&byte| byte == b'\n') {
                dropped += first as u64 + 1;
                tail.drain(..=first);
            }
            if bytes.last().is_some_and(|&byte| byte != b'\n') {
                bytes.push(b'\n');
            }
            bytes.extend_from_slice(format!("[... {dropped} bytes left out ...]\n").as_bytes());
        }
        bytes.extend_from_slice(&tail);
        bytes
    }
}

/// The last bytes of a stream, written in whole pieces because there may be a lot of it.
#[derive(Debug, Default)]
struct Ring {
    /// Grows to `HALF` and is then written round and round.
    bytes: Vec<u8>,
    /// Where the oldest byte is once it is full.
    start: usize,
}

impl Ring {
    /// Takes a piece and says how many bytes were lost for it.
    fn push(&mut self, piece: &[u8]) -> usize {
        let (lost, piece) = piece.split_at(piece.len().saturating_sub(HALF));
        let (fitting, rest) = piece.split_at(piece.len().min(HALF - self.bytes.len()));
        self.bytes.extend_from_slice(fitting);
        let (until_end, from_start) = rest.split_at(rest.len().min(HALF - self.start));
        for part in [until_end, from_start] {
            if let Some(target) = self.bytes.get_mut(self.start..self.start + part.len()) {
                target.copy_from_slice(part);
                self.start = (self.start + part.len()) % HALF;
            }
        }
        lost.len() + rest.len()
    }

    fn into_bytes(mut self) -> Vec<u8> {
        self.bytes.rotate_left(self.start);
        self.bytes
    }
}

/// The last line with something in it, without control characters, at most `limit` characters.
pub(crate) fn last_line(text: &str, limit: usize) -> Option<String> {
    let line = text.lines().map(str::trim).rfind(|line| !line.is_empty())?;
    Some(line.chars().filter(|character| !character.is_control()).take(limit).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_stream_is_kept_whole() {
        let mut kept = HeadTail::default();
        kept.push(b"one\n");
        kept.push(b"two");
        assert_eq!(kept.into_bytes(), b"one\ntwo");
    }

    #[test]
    fn a_stream_of_exactly_the_limit_loses_nothing() {
        let mut kept = HeadTail::default();
        kept.push(&vec![b'a'; 2 * HALF]);
        assert_eq!(kept.into_bytes().len(), 2 * HALF);
    }

    #[test]
    fn of_a_long_stream_the_beginning_and_the_end_stay() {
        let mut kept = HeadTail::default();
        let line = |number: usize| format!("line {number:08} {}\n", "x".repeat(80));
        let mut total = 0;
        for number in 0..400_000 {
            total += line(number).len();
            kept.push(line(number).as_bytes());
        }
        let text = String::from_utf8(kept.into_bytes()).expect("text");
        assert!(text.len() <= 2 * HALF + 64, "{}", text.len());
        assert!(text.starts_with(&line(0)));
        assert!(text.ends_with(&line(399_999)));
        let (before, after) = text.split_once("[... ").expect("a mark");
        let dropped: usize = after.split_once(' ').expect("a number").0.parse().expect("a number");
        let after = after.split_once('\n').expect("the end of the mark").1;
        assert_eq!(before.len() + dropped + after.len(), total);
        assert!(before.ends_with('\n') && after.starts_with("line "), "cuts are at ends of lines");
    }

    #[test]
    fn a_single_piece_larger_than_everything_is_cut() {
        let mut kept = HeadTail::default();
        let mut piece = vec![b'a'; 5 * HALF];
        piece.extend_from_slice(b"the end");
        kept.push(&piece);
        let bytes = kept.into_bytes();
        assert!(bytes.ends_with(b"the end") && bytes.len() <= 2 * HALF + 64);
    }

    #[test]
    fn the_last_line_is_the_last_one_that_says_something() {
        assert_eq!(last_line("a\n  b\u{1b}[0m \n\n \n", 10), Some("b[0m".to_owned()));
        assert_eq!(last_line("abcdef", 3), Some("abc".to_owned()));
        assert_eq!(last_line(" \n", 3), None);
    }
}
