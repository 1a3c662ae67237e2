//! A check as JUnit XML, in the form that both common schemas (Jenkins' and Ant's) take.

use std::fmt::Write;

use chrono::{SecondsFormat, Utc};

use super::{Check, Checked};

pub(super) fn write(checked: &Checked) -> String {
    let all = checked.violations.len() + checked.not_checked.len() + checked.within.len();
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    // Writing to a text cannot fail.
    let _ = writeln!(
        xml,
        "  <testsuite id=\"0\" package=\"sparklake\" name=\"{}\" tests=\"{all}\" failures=\"{}\" errors=\"0\" \
         skipped=\"{}\" time=\"0\" timestamp=\"{}\" hostname=\"localhost\">",
        escaped(&checked.name),
        checked.violations.len(),
        checked.not_checked.len(),
        Utc::now()
            .to_rfc3339_opts(SecondsFormat::Secs, true)
            .trim_end_matches('Z'),
    );
    xml.push_str("    <properties>\n");
    let application = &checked.application;
    let properties = [
        ("application_id", Some(&application.application_id)),
        ("attempt_id", Some(&application.attempt_id)),
        ("application_name", application.application_name.as_ref()),
        ("job_key", application.job_key.as_ref()),
        ("budget", Some(&checked.budget)),
    ];
    for (name, value) in properties {
        if let Some(value) = value {
            let _ = writeln!(
                xml,
                "      <property name=\"{name}\" value=\"{}\"/>",
                escaped(value)
            );
        }
    }
    xml.push_str("    </properties>\n");
    for check in &checked.violations {
        let message = escaped(&check.message);
        let body = format!(
            "      <failure type=\"budget\" message=\"{message}\">{}:{}: {message}</failure>\n",
            escaped(&checked.budget),
            check.line
        );
        case(&mut xml, checked, check, &body);
    }
    for check in &checked.not_checked {
        let body = format!("      <skipped message=\"{}\"/>\n", escaped(&check.message));
        case(&mut xml, checked, check, &body);
    }
    for check in &checked.within {
        case(&mut xml, checked, check, "");
    }
    xml.push_str("    <system-out/>\n    <system-err/>\n  </testsuite>\n</testsuites>\n");
    xml
}

fn case(xml: &mut String, checked: &Checked, check: &Check, body: &str) {
    let class = escaped(
        checked
            .application
            .application_name
            .as_deref()
            .unwrap_or("application"),
    );
    let name = escaped(&check.check);
    // Writing to a text cannot fail.
    let _ = match body.is_empty() {
        true => writeln!(
            xml,
            "    <testcase classname=\"{class}\" name=\"{name}\" time=\"0\"/>"
        ),
        false => writeln!(
            xml,
            "    <testcase classname=\"{class}\" name=\"{name}\" time=\"0\">\n{body}    </testcase>"
        ),
    };
}

/// Keeps a text inside its attribute or element; characters that XML 1.0 does not know become spaces.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            '\u{fffe}' | '\u{ffff}' => escaped.push(' '),
            letter if letter.is_control() => escaped.push(' '),
            letter => escaped.push(letter),
        }
    }
    escaped
}
