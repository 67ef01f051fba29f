//! Reading what a model answered: JSON if there is any, words otherwise.

use serde_json::Value;

const LONGEST_EXPLANATION: usize = 400;
const UNSURE: f64 = 0.3;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Pass,
    Fail,
    Partial,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Opinion {
    pub(super) status: Status,
    pub(super) confidence: f64,
    /// One line.
    pub(super) explanation: String,
}

/// Never fails: an answer that says nothing is a `fail` of low confidence.
pub(super) fn read(text: &str) -> Opinion {
    let text = text.trim();
    candidates(text)
        .find_map(|candidate| serde_json::from_str::<Value>(candidate).ok().as_ref().and_then(from_json))
        .or_else(|| from_words(text))
        .unwrap_or_else(|| Opinion {
            status: Status::Fail,
            confidence: UNSURE,
            explanation: one_line(&format!("the judge's answer could not be read: {text}")),
        })
}

/// The whole text, what stands in fences, every balanced `{...}`.
fn candidates(text: &str) -> impl Iterator<Item = &str> {
    let fenced = text.split("```").skip(1).step_by(2).map(|block| {
        let block = block.trim();
        block.strip_prefix("json").unwrap_or(block).trim()
    });
    let braces = text.match_indices('{').filter_map(|(start, _)| balanced(text.get(start..)?));
    std::iter::once(text).chain(fenced).chain(braces)
}

/// The object that starts the text, up to its closing brace.
fn balanced(text: &str) -> Option<&str> {
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    for (index, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'{' if !quoted => depth += 1,
            b'}' if !quoted => {
                depth -= 1;
                if depth == 0 {
                    return text.get(..=index);
                }
            }
            _ => {}
        }
    }
    None
}

fn from_json(value: &Value) -> Option<Opinion> {
    let object = value.as_object()?;
    let said = ["status", "verdict", "outcome"].iter().find_map(|key| status(object.get(*key)?.as_str()?));
    let Some(status) = said else {
        return ["result", "evaluation", "judge", "output"].iter().find_map(|key| match object.get(*key)? {
            Value::String(inner) => serde_json::from_str(inner).ok().as_ref().and_then(from_json),
            inner => from_json(inner),
        });
    };
    let confidence = match object.get("confidence") {
        Some(Value::Number(number)) => number.as_f64(),
        Some(Value::String(text)) => text.trim().parse().ok(),
        _ => None,
    };
    let confidence = confidence.filter(|value: &f64| value.is_finite()).map_or(UNSURE, |value| value.clamp(0.0, 1.0));
    let explanation =
        ["explanation", "reason", "reasoning", "rationale"].iter().find_map(|key| object.get(*key)?.as_str());
    Some(Opinion { status, confidence, explanation: one_line(explanation.unwrap_or("the judge gave no explanation")) })
}

fn status(word: &str) -> Option<Status> {
    match word.trim().to_lowercase().replace([' ', '-'], "_").as_str() {
        "pass" | "passed" => Some(Status::Pass),
        "fail" | "failed" => Some(Status::Fail),
        "partial" | "partially_passed" | "partial_pass" => Some(Status::Partial),
        _ => None,
    }
}

/// `status: x`, then the first word that is one of the statuses.
fn from_words(text: &str) -> Option<Opinion> {
    let lower = text.to_lowercase();
    let labelled = lower.split("status").skip(1).find_map(|rest| {
        let rest = rest.trim_start_matches(['"', '\'', '*', ' ', '\t']).strip_prefix([':', '='])?;
        status(words(rest).next()?)
    });
    let found = labelled.or_else(|| words(&lower).find_map(status))?;
    Some(Opinion { status: found, confidence: UNSURE, explanation: one_line(text) })
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|character: char| !character.is_alphanumeric() && character != '_').filter(|word| !word.is_empty())
}

fn one_line(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars().filter(|character| !character.is_control()).take(LONGEST_EXPLANATION).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_found_wherever_it_stands() {
        let bare = r#"{"status":"pass","confidence":0.9,"explanation":"it\ndid {it}"}"#;
        let expected = Opinion { status: Status::Pass, confidence: 0.9, explanation: "it did {it}".into() };
        for text in [
            bare.to_owned(),
            format!("Here you are:\n```json\n{bare}\n```\nBye"),
            format!("```\n{bare}\n```"),
            format!("I {{think}} that {bare} is right"),
            format!(r#"{{"result":{bare}}}"#),
            format!(r#"{{"judge":{{"output":{bare}}}}}"#),
        ] {
            assert_eq!(read(&text), expected, "{text}");
        }
    }

    #[test]
    fn other_spellings_of_the_status_are_read() {
        for (word, status) in [
            ("passed", Status::Pass),
            ("FAILED", Status::Fail),
            ("partial", Status::Partial),
            ("partially_passed", Status::Partial),
            ("Partially passed", Status::Partial),
        ] {
            assert_eq!(read(&format!(r#"{{"status":"{word}"}}"#)).status, status, "{word}");
        }
    }

    #[test]
    fn confidence_is_clamped_and_low_when_missing() {
        for (text, confidence) in [("7", 1.0), ("-1", 0.0), ("\"0.5\"", 0.5), ("null", 0.3), ("\"high\"", 0.3)] {
            let got = read(&format!(r#"{{"status":"fail","confidence":{text}}}"#)).confidence;
            assert!((got - confidence).abs() < 1e-9, "{text}: {got}");
        }
    }

    #[test]
    fn words_count_when_there_is_no_json() {
        assert_eq!(read("Status: **partial**, because").status, Status::Partial);
        assert_eq!(read("I would say it passed.").status, Status::Pass);
        assert_eq!(read("status = fail (it never passed)").status, Status::Fail);
    }

    #[test]
    fn an_answer_that_says_nothing_fails_with_low_confidence() {
        for text in ["", "I cannot tell", "{\"status\":\"maybe\"}", "{{{{"] {
            let opinion = read(text);
            assert_eq!(opinion.status, Status::Fail, "{text}");
            assert!((opinion.confidence - UNSURE).abs() < 1e-9);
        }
    }

    #[test]
    fn a_long_explanation_is_cut() {
        let text = format!(r#"{{"status":"pass","explanation":"{}"}}"#, "word ".repeat(500));
        assert_eq!(read(&text).explanation.chars().count(), 400);
    }
}
