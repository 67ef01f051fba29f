//! How often something passes, and how sure that is after so many trials.

use crate::pages::text;

/// Trials that were graded, and how many of them passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rate {
    passed: i64,
    graded: i64,
}

/// The two-sided 95 % point of the normal distribution.
const Z: f64 = 1.959_963_984_540_054;

impl Rate {
    pub(crate) fn new(passed: i64, failed: i64) -> Self {
        let passed = passed.max(0);
        Self { passed, graded: passed + failed.max(0) }
    }

    /// Of a hundred; absent when nothing was graded.
    pub(crate) fn percent(self) -> Option<f64> {
        (self.graded > 0).then(|| 100.0 * share(self.passed, self.graded))
    }

    /// The Wilson interval that holds the true rate in 95 of 100 cases, of a hundred. Unlike the usual one it stays between 0 and
    /// 100 and means something for few trials, and for none or all of them.
    pub(crate) fn interval(self) -> Option<(f64, f64)> {
        if self.graded == 0 {
            return None;
        }
        let (n, p) = (number(self.graded), share(self.passed, self.graded));
        let denominator = 1.0 + Z * Z / n;
        let centre = (p + Z * Z / (2.0 * n)) / denominator;
        let half = Z * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt() / denominator;
        Some((100.0 * (centre - half).max(0.0), 100.0 * (centre + half).min(1.0)))
    }

    /// For a table: `80 %`, or a dash.
    pub(crate) fn text(self) -> String {
        self.percent().map_or_else(|| "\u{2013}".to_owned(), |percent| format!("{percent:.0}\u{202f}%"))
    }

    /// `4 of 5`.
    pub(crate) fn fraction(self) -> String {
        format!("{} of {}", text::grouped(self.passed), text::grouped(self.graded))
    }
}

fn share(part: i64, whole: i64) -> f64 {
    number(part) / number(whole)
}

/// Counts of runs are far below where this rounds.
#[expect(clippy::cast_precision_loss, reason = "counts of runs are far below 2^52")]
fn number(count: i64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_is_that_of_wilson() {
        // 8 of 10: 49.0 to 94.3, as published tables have it.
        let (low, high) = Rate::new(8, 2).interval().unwrap();
        assert!((low - 49.02).abs() < 0.01 && (high - 94.33).abs() < 0.01, "{low} {high}");
        let (low, high) = Rate::new(5, 0).interval().unwrap();
        assert!((low - 56.55).abs() < 0.01 && (high - 100.0).abs() < 1e-9, "{low} {high}");
        let (low, high) = Rate::new(0, 5).interval().unwrap();
        assert!(low.abs() < 1e-9 && (high - 43.45).abs() < 0.01, "{low} {high}");
    }

    #[test]
    fn nothing_graded_has_no_rate() {
        assert_eq!(Rate::new(0, 0).percent(), None);
        assert_eq!(Rate::new(0, 0).interval(), None);
        assert_eq!(Rate::new(0, 0).text(), "\u{2013}");
        assert_eq!(Rate::new(2, 1).text(), "67\u{202f}%");
        assert_eq!(Rate::new(2, 1).fraction(), "2 of 3");
    }
}
