//! Periods: days, weeks, months and years counted from an anchor, whose day and time every period keeps.

use pome_twin_kit::clock::{civil_from_days, days_from_civil, days_in};
use serde_json::Value;

use crate::doc::Doc;

const DAY: i64 = 86_400;

/// How long a period is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Length {
    Days(i64),
    Months(i64),
}

impl Length {
    /// Of a price that recurs; a month for one that does not.
    pub(crate) fn of(price: &Doc) -> Self {
        Self::named(price.at("/recurring/interval"), price.at("/recurring/interval_count"))
    }

    pub(crate) fn named(interval: &Value, count: &Value) -> Self {
        let count = count.as_i64().unwrap_or(1).max(1);
        match interval.as_str() {
            Some("day") => Self::Days(count),
            Some("week") => Self::Days(7 * count),
            Some("year") => Self::Months(12 * count),
            _ => Self::Months(count),
        }
    }

    /// The first end of a period after `time`, when periods meet at `anchor`.
    pub(crate) fn after(self, anchor: i64, time: i64) -> i64 {
        match self {
            Self::Days(days) => {
                let length = days * DAY;
                anchor + ((time - anchor).div_euclid(length) + 1) * length
            }
            Self::Months(months) => {
                let whole = month_of(time) - month_of(anchor);
                let mut step = whole.div_euclid(months) - 1;
                loop {
                    let end = add_months(anchor, step * months);
                    if end > time {
                        return end;
                    }
                    step += 1;
                }
            }
        }
    }

    /// Where a period that ends at `end` began.
    pub(crate) fn before(self, anchor: i64, end: i64) -> i64 {
        match self {
            Self::Days(days) => end - days * DAY,
            Self::Months(months) => {
                let mut at = self.after(anchor, add_months(end, -months) - DAY);
                // The anchor's day may not be in the month before.
                while self.after(anchor, at) < end {
                    at = self.after(anchor, at);
                }
                at
            }
        }
    }
}

/// Months since the year 0.
const fn month_of(time: i64) -> i64 {
    let (year, month, _) = civil_from_days(time.div_euclid(DAY));
    year * 12 + month - 1
}

/// The same day and time some months later, or the last day of a month that is too short.
pub(crate) fn add_months(time: i64, months: i64) -> i64 {
    let (_, _, day) = civil_from_days(time.div_euclid(DAY));
    let month = month_of(time) + months;
    let (year, month) = (month.div_euclid(12), month.rem_euclid(12) + 1);
    days_from_civil(year, month, day.min(days_in(year, month))) * DAY + time.rem_euclid(DAY)
}

/// `21 Nov 2026`, as descriptions have it.
pub(crate) fn said(time: i64) -> String {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (year, month, day) = civil_from_days(time.div_euclid(DAY));
    let month = usize::try_from(month - 1).ok().and_then(|at| MONTHS.get(at)).copied().unwrap_or_default();
    format!("{day:02} {month} {year}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use pome_twin_kit::clock::Time;

    fn time(text: &str) -> i64 {
        i64::try_from(Time::parse(text).unwrap().seconds()).unwrap()
    }

    #[test]
    fn months_keep_the_day_of_their_anchor() {
        let anchor = time("2026-01-31T10:00:00Z");
        let month = Length::Months(1);
        let mut ends = Vec::new();
        let mut at = anchor;
        for _ in 0..3 {
            at = month.after(anchor, at);
            ends.push(at);
        }
        assert_eq!(ends, [time("2026-02-28T10:00:00Z"), time("2026-03-31T10:00:00Z"), time("2026-04-30T10:00:00Z")]);
        assert_eq!(month.before(anchor, ends[2]), ends[1]);
        assert_eq!(month.before(anchor, ends[0]), anchor);
        assert_eq!(month.after(anchor, anchor - 1), anchor, "an anchor that is to come ends the first period");
    }

    #[test]
    fn days_and_years_are_counted_from_the_anchor() {
        let anchor = time("2024-02-29T00:00:00Z");
        assert_eq!(Length::Months(12).after(anchor, anchor), time("2025-02-28T00:00:00Z"));
        assert_eq!(Length::Days(7).after(anchor, anchor + 1), anchor + 7 * DAY);
        assert_eq!((Length::Days(7).before(anchor, anchor), said(anchor).as_str()), (anchor - 7 * DAY, "29 Feb 2024"));
    }
}
