//! Currencies: which there are, how many decimals they have and how little can be charged.

use crate::error::Error;

/// Currencies that the vendor settles payments in.
const CURRENCIES: &[&str] = &[
    "usd", "aed", "afn", "all", "amd", "ang", "aoa", "ars", "aud", "awg", "azn", "bam", "bbd", "bdt", "bgn", "bhd",
    "bif", "bmd", "bnd", "bob", "brl", "bsd", "bwp", "byn", "bzd", "cad", "cdf", "chf", "clp", "cny", "cop", "crc",
    "cve", "czk", "djf", "dkk", "dop", "dzd", "egp", "etb", "eur", "fjd", "fkp", "gbp", "gel", "gip", "gmd", "gnf",
    "gtq", "gyd", "hkd", "hnl", "hrk", "htg", "huf", "idr", "ils", "inr", "isk", "jmd", "jod", "jpy", "kes", "kgs",
    "khr", "kmf", "krw", "kwd", "kyd", "kzt", "lak", "lbp", "lkr", "lrd", "lsl", "mad", "mdl", "mga", "mkd", "mmk",
    "mnt", "mop", "mur", "mvr", "mwk", "mxn", "myr", "mzn", "nad", "ngn", "nio", "nok", "npr", "nzd", "omr", "pab",
    "pen", "pgk", "php", "pkr", "pln", "pyg", "qar", "ron", "rsd", "rub", "rwf", "sar", "sbd", "scr", "sek", "sgd",
    "shp", "sle", "sos", "srd", "std", "szl", "thb", "tjs", "tnd", "top", "try", "ttd", "twd", "tzs", "uah", "ugx",
    "uyu", "uzs", "vnd", "vuv", "wst", "xaf", "xcd", "xof", "xpf", "yer", "zar", "zmw", "usdc", "btn", "ghs", "eek",
    "lvl", "svc", "vef", "ltl", "sll", "mro",
];

/// Amounts are whole units.
const WITHOUT_DECIMALS: &[&str] =
    &["bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "ugx", "vnd", "vuv", "xaf", "xof", "xpf"];

/// Amounts are thousandths.
const THREE_DECIMALS: &[&str] = &["bhd", "jod", "kwd", "omr", "tnd"];

/// Above this nothing is charged at once.
const MOST: i64 = 99_999_999;

/// The currency in lower case.
pub(crate) fn currency(given: &str) -> Result<String, Error> {
    let currency = given.to_ascii_lowercase();
    if CURRENCIES.contains(&currency.as_str()) {
        return Ok(currency);
    }
    let message =
        format!("Invalid currency: {currency}. Stripe currently supports these currencies: {}", CURRENCIES.join(", "));
    Err(Error::invalid(message).param("currency"))
}

const fn least(currency: &[u8]) -> i64 {
    match currency {
        b"gbp" => 30,
        b"aed" => 200,
        b"bgn" => 100,
        b"czk" => 1500,
        b"dkk" => 250,
        b"hkd" => 400,
        b"huf" => 17500,
        b"inr" => 50,
        b"jpy" => 50,
        b"mxn" => 1000,
        b"myr" => 200,
        b"nok" | b"sek" => 300,
        b"pln" => 200,
        b"ron" => 200,
        b"thb" => 1000,
        _ => 50,
    }
}

/// Refuses what is too little or too much for one payment.
pub(crate) fn check(amount: i64, currency: &str) -> Result<(), Error> {
    if amount < 1 {
        return Err(Error::at_least(1, "amount"));
    }
    let least = least(currency.as_bytes());
    if amount < least {
        let message = format!("Amount must be at least {} {currency}", shown(least, currency));
        return Err(Error::invalid(message).code("amount_too_small").param("amount"));
    }
    if amount > MOST {
        let message = format!("Amount must be no more than {} {currency}", shown(MOST, currency));
        return Err(Error::invalid(message).code("amount_too_large").param("amount"));
    }
    Ok(())
}

/// `$25.00`, `¥500`, `25.00 chf`-like sums as messages have them.
pub(crate) fn shown(amount: i64, currency: &str) -> String {
    let sign = match currency {
        "usd" => "$",
        "eur" => "€",
        "gbp" => "£",
        "jpy" => "¥",
        "aud" => "A$",
        "cad" => "CA$",
        "nzd" => "NZ$",
        "inr" => "₹",
        "brl" => "R$",
        _ => "",
    };
    let decimals = decimals(currency);
    let unit = 10_i64.pow(decimals);
    let whole = grouped(amount / unit);
    match decimals {
        0 => format!("{sign}{whole}"),
        2 => format!("{sign}{whole}.{:02}", (amount % unit).abs()),
        _ => format!("{sign}{whole}.{:03}", (amount % unit).abs()),
    }
}

/// `1,234,567`
fn grouped(number: i64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) && digit.is_ascii_digit() && !out.ends_with('-') {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

fn decimals(currency: &str) -> u32 {
    if WITHOUT_DECIMALS.contains(&currency) {
        0
    } else if THREE_DECIMALS.contains(&currency) {
        3
    } else {
        2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_shown_with_the_decimals_of_their_currency() {
        assert_eq!(shown(123_456_789, "usd"), "$1,234,567.89");
        assert_eq!((shown(500, "jpy").as_str(), shown(1234, "kwd").as_str()), ("¥500", "1.234"));
    }

    #[test]
    fn too_little_and_unknown_currencies_are_refused() {
        assert!(check(50, "usd").is_ok() && check(49, "usd").is_err() && check(30, "gbp").is_ok());
        assert!(check(100_000_000, "usd").is_err() && check(0, "usd").is_err());
        assert_eq!(currency("EUR").unwrap(), "eur");
        assert!(currency("zzz").is_err());
    }
}
