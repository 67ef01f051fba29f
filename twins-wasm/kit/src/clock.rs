//! Virtual time: milliseconds since 1970, written and read as RFC 3339 in UTC.

use std::fmt;

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Time(pub u64);

impl Time {
    /// Whole seconds.
    pub const fn seconds(self) -> u64 {
        self.0 / 1000
    }

    /// `2026-01-01T00:00:00Z`; fractions are dropped.
    pub const fn to_seconds(self) -> Seconds {
        Seconds(self)
    }

    /// `2026-01-01T00:00:00.000Z`
    pub const fn to_millis(self) -> Millis {
        Millis(self)
    }

    /// Reads `2026-01-01`, `2026-01-01T00:00:00Z`, with a fraction, or with an offset such as `+02:00`.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (date, rest) = text.split_at_checked(10)?;
        let mut parts = date.split('-');
        let year: i64 = parts.next()?.parse().ok()?;
        let month: i64 = parts.next()?.parse().ok()?;
        let day: i64 = parts.next()?.parse().ok()?;
        if parts.next().is_some() || !(1..=12).contains(&month) || day < 1 || day > days_in(year, month) {
            return None;
        }
        let days = days_from_civil(year, month, day);
        let (clock, offset) = split_offset(rest)?;
        let millis = match clock.strip_prefix(['T', 't', ' ']) {
            None if clock.is_empty() => 0,
            None => return None,
            Some(clock) => parse_clock(clock)?,
        };
        let total = days.checked_mul(86_400_000)?.checked_add(millis)?.checked_sub(offset * 60_000)?;
        u64::try_from(total).ok().map(Self)
    }
}

/// Second precision, as GitHub and Stripe write times.
#[derive(Debug, Clone, Copy)]
pub struct Seconds(Time);

/// Millisecond precision.
#[derive(Debug, Clone, Copy)]
pub struct Millis(Time);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_date(f, self.0)?;
        f.write_str("Z")
    }
}

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_date(f, self.0)?;
        write!(f, ".{:03}Z", self.0.0 % 1000)
    }
}

impl serde::Serialize for Seconds {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl serde::Serialize for Millis {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

fn write_date(f: &mut fmt::Formatter<'_>, time: Time) -> fmt::Result {
    let seconds = time.seconds();
    let (year, month, day) = civil_from_days(i64::try_from(seconds / 86_400).unwrap_or(i64::MAX / 2));
    let in_day = seconds % 86_400;
    write!(f, "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}", in_day / 3600, in_day / 60 % 60, in_day % 60)
}

/// `(clock text, offset in minutes)`
fn split_offset(rest: &str) -> Option<(&str, i64)> {
    if let Some(clock) = rest.strip_suffix(['Z', 'z']) {
        return Some((clock, 0));
    }
    let Some(at) = rest.rfind(['+', '-']) else { return Some((rest, 0)) };
    let (clock, offset) = rest.split_at_checked(at)?;
    let sign = if offset.starts_with('-') { -1 } else { 1 };
    let digits: String = offset.chars().filter(char::is_ascii_digit).collect();
    let hours: i64 = digits.get(..2)?.parse().ok()?;
    let minutes: i64 = digits.get(2..).filter(|text| !text.is_empty()).map_or(Some(0), |text| text.parse().ok())?;
    Some((clock, sign * (hours * 60 + minutes)))
}

/// Milliseconds in the day.
fn parse_clock(clock: &str) -> Option<i64> {
    let mut parts = clock.split(':');
    let hours: i64 = parts.next()?.parse().ok()?;
    let minutes: i64 = parts.next().map_or(Some(0), |text| text.parse().ok())?;
    let (seconds, millis) = match parts.next() {
        None => (0, 0),
        Some(text) => {
            let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
            let digits: String = fraction.chars().chain("000".chars()).take(3).collect();
            (whole.parse::<i64>().ok()?, digits.parse::<i64>().ok()?)
        }
    };
    if parts.next().is_some() || hours > 23 || minutes > 59 || seconds > 60 {
        return None;
    }
    Some(((hours * 60 + minutes) * 60 + seconds) * 1000 + millis)
}

const fn is_leap(year: i64) -> bool {
    (year % 4 == 0 && year % 100 != 0) || year % 400 == 0
}

/// How many days a month has; months are counted from 1.
pub const fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01 of a date in the proleptic Gregorian calendar.
pub const fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Year, month and day of a day since 1970-01-01.
pub const fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year + era * 400 + if month <= 2 { 1 } else { 0 }, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_and_read_back() {
        for text in ["1970-01-01T00:00:00Z", "2024-02-29T23:59:59Z", "2026-01-01T00:00:00Z", "2100-03-01T12:30:01Z"] {
            assert_eq!(Time::parse(text).unwrap().to_seconds().to_string(), text);
        }
        assert_eq!(
            Time::parse("2026-01-01T02:00:00.5+02:00").unwrap().to_millis().to_string(),
            "2026-01-01T00:00:00.500Z"
        );
        assert_eq!(Time::parse("2026-01-01").unwrap().0, 1_767_225_600_000);
        for bad in ["", "yesterday", "2026-13-01", "2026-02-30", "2026-01-01T25:00:00Z"] {
            assert_eq!(Time::parse(bad), None, "{bad}");
        }
    }
}
