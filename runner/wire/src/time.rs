//! Times as files have them: `YYYY-MM-DDTHH:MM:SS.mmmZ`, so that byte order is time order.

use std::time::{SystemTime, UNIX_EPOCH};

const DAY: i64 = 86_400_000;

/// The wall clock, in milliseconds since 1970-01-01T00:00:00Z.
pub fn now_millis() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// The wall clock as text.
pub fn now() -> String {
    format(now_millis())
}

/// Milliseconds since the epoch as text.
pub fn format(millis: i64) -> String {
    let (days, rest) = (millis.div_euclid(DAY), millis.rem_euclid(DAY));
    let (year, month, day) = civil(days);
    let (hour, minute, second, milli) = (rest / 3_600_000, rest / 60_000 % 60, rest / 1000 % 60, rest % 1000);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z")
}

/// Reads a time with any number of fraction digits and `Z` or an offset; `None` when it is not one.
pub fn parse(text: &str) -> Option<i64> {
    let (date, rest) = text.split_once(['T', 't', ' '])?;
    let mut parts = date.splitn(3, '-');
    let (year, month, day) = (digits(parts.next()?, 4)?, digits(parts.next()?, 2)?, digits(parts.next()?, 2)?);
    let (clock, offset) = match rest.find(['Z', 'z', '+', '-']) {
        Some(at) => rest.split_at(at),
        None => return None,
    };
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let mut parts = clock.splitn(3, ':');
    let (hour, minute, second) = (digits(parts.next()?, 2)?, digits(parts.next()?, 2)?, digits(parts.next()?, 2)?);
    if fraction.is_empty() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let milli = format!("{fraction:0<3}").get(..3)?.parse::<i64>().ok()?;
    let offset = match offset {
        "Z" | "z" => 0,
        _ => {
            let (hours, minutes) = offset.get(1..)?.split_once(':')?;
            let minutes = digits(hours, 2)? * 60 + digits(minutes, 2)?;
            if offset.starts_with('-') { -minutes } else { minutes }
        }
    };
    let days = days_from_civil(year, month, day);
    let in_range = hour < 24 && minute < 60 && second < 61 && civil(days) == (year, month, day);
    in_range.then(|| days * DAY + ((hour * 60 + minute - offset) * 60 + second) * 1000 + milli)
}

fn digits(text: &str, count: usize) -> Option<i64> {
    (text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}

// Both directions count days in eras of 400 years that begin on a first of March, so that the leap day is the last of its year.
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let shifted = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (shifted.div_euclid(400), shifted.rem_euclid(400));
    let of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_moments_have_known_texts() {
        assert_eq!(format(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(format(951_782_400_000), "2000-02-29T00:00:00.000Z");
        assert_eq!(format(1_777_629_601_250), "2026-05-01T10:00:01.250Z");
        assert_eq!(format(-1), "1969-12-31T23:59:59.999Z");
    }

    #[test]
    fn text_and_milliseconds_are_two_ways_to_say_the_same() {
        for millis in (-4_000_000_000_000..8_000_000_000_000).step_by(86_399_999_977) {
            assert_eq!(parse(&format(millis)), Some(millis));
        }
    }

    #[test]
    fn other_spellings_are_read() {
        assert_eq!(parse("2026-05-01T12:00:01.25+02:00"), Some(1_777_629_601_250));
        assert_eq!(parse("2026-05-01T10:00:01Z"), Some(1_777_629_601_000));
        assert_eq!(parse("2026-05-01T10:00:01.250999Z"), Some(1_777_629_601_250));
    }

    #[test]
    fn what_is_not_a_time_is_refused() {
        for text in
            ["", "yesterday", "2026-02-30T00:00:00Z", "2026-05-01", "2026-05-01T25:00:00Z", "2026-05-01T10:00:01"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
