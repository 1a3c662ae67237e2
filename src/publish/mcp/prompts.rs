//! Ready questions that a person picks in a client.

use rmcp::model::{GetPromptResult, Prompt, PromptArgument, PromptMessage, Role};
use serde_json::{Map, Value};

use super::arguments::short;

/// One ready question; `{app}` and `{since}` stand for arguments.
struct Question {
    name: &'static str,
    title: &'static str,
    about: &'static str,
    /// Name, meaning, and what stands in where it is not given; `None` where it has to be.
    arguments: &'static [(&'static str, &'static str, Option<&'static str>)],
    text: &'static str,
}

static QUESTIONS: &[Question] = &[
    Question {
        name: "tune_job",
        title: "Tune this job",
        about: "Find why a Spark job is slow or expensive and what to change",
        arguments: &[("app", "application id, name, job key or cluster id", None)],
        text: "Tune the Spark job `{app}`. Call diagnose first. For each of the three findings that win most, look at the \
            evidence with inspect (stage or SQL) before you believe it. Check with configuration that a setting you \
            recommend is not in force already. Then answer: one sentence a manager understands; what costs the time, \
            with numbers and ids; the settings to change, in the order of doing, each with its expected saving and the \
            finding behind it; what to change in the code; how to check the result after the next run. Use only \
            numbers that the tools returned, and say what the history cannot show.",
    },
    Question {
        name: "compare_platforms",
        title: "Compare platforms",
        about: "What the same work costs on EMR, EMR Serverless, EKS and Databricks, and whether Photon pays off",
        arguments: &[("app", "application id, name, job key or cluster id", None)],
        text: "Where should the Spark job `{app}` run? Call waste_and_cost with app for the price of the same work on \
            each platform, and photon_fit for the share of task time that Photon could run, the estimated speedup and \
            the break-even. Answer with a table of platforms and prices, marked billed, estimated or hypothetical; say \
            which prices are not known; then a recommendation with its risks, and what should be fixed first because \
            it would be wasted everywhere.",
    },
    Question {
        name: "nightly_review",
        title: "Review the night",
        about: "Failures, regressions and waste of the last runs",
        arguments: &[(
            "since",
            "first UTC date, such as 2026-01-31",
            Some("yesterday"),
        )],
        text: "Review the Spark applications since {since}. Call failures (since), trends, waste_and_cost (since) and \
            recommendations. Answer in this order: what failed and why, with who has to act; which jobs became slower \
            or dearer and the cause; the five jobs that waste most; the next setting to change in each; which applied \
            changes did what they promised. Give ids in every line, so that a reader can go on from there.",
    },
];

pub(super) fn list() -> Vec<Prompt> {
    QUESTIONS
        .iter()
        .map(|question| {
            let arguments = question.arguments.iter().map(|(name, about, default)| {
                PromptArgument::new(*name)
                    .with_description(*about)
                    .with_required(default.is_none())
            });
            Prompt::new(
                question.name,
                Some(question.about),
                Some(arguments.collect()),
            )
            .with_title(question.title)
        })
        .collect()
}

/// The text of a question.
///
/// # Errors
/// There is none of that name, or an argument is missing.
pub(super) fn get(
    name: &str,
    given: Option<&Map<String, Value>>,
) -> Result<GetPromptResult, String> {
    let Some(question) = QUESTIONS.iter().find(|question| question.name == name) else {
        let names: Vec<&str> = QUESTIONS.iter().map(|question| question.name).collect();
        return Err(format!(
            "there is no prompt `{}`; known are: {}",
            short(name),
            names.join(", ")
        ));
    };
    let mut text = question.text.to_owned();
    for (name, about, default) in question.arguments {
        let value = given
            .and_then(|given| given.get(*name))
            .and_then(Value::as_str)
            .map(short);
        let Some(value) = value.or_else(|| default.map(str::to_owned)) else {
            return Err(format!(
                "`{}` needs the argument `{name}`: {about}",
                question.name
            ));
        };
        // A backtick would end the quotation.
        text = text.replace(&format!("{{{name}}}"), &value.replace('`', "'"));
    }
    let message = PromptMessage::new_text(Role::User, text);
    Ok(GetPromptResult::new(vec![message]).with_description(question.about))
}
