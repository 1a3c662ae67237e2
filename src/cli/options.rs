//! Flags and variables of the settings that `config::OPTIONS` declares.

use clap::{Arg, Command, CommandFactory};

use super::CommandLine;
use crate::config::{GivenBy, OPTIONS, SettingOption};

/// The command line with the help, default and variable of each setting.
pub(super) fn command_line() -> Command {
    described(CommandLine::command())
}

fn described(mut command: Command) -> Command {
    for option in OPTIONS {
        let GivenBy::Flag(flag, variable) = option.given else {
            continue;
        };
        let is_known = command
            .get_arguments()
            .any(|argument| argument.get_long() == Some(flag));
        if is_known {
            let id = flag.replace('-', "_");
            command = command.mut_arg(id, |argument| filled(argument, option, variable));
        }
    }
    let below: Vec<String> = command
        .get_subcommands()
        .map(|below| below.get_name().to_owned())
        .collect();
    below.into_iter().fold(command, |command, name| {
        command.mut_subcommand(name, described)
    })
}

fn filled(argument: Arg, option: &SettingOption, variable: &'static str) -> Arg {
    let help = match option.default {
        // Off is what a switch is without its flag.
        Some(default) if default != "false" => {
            format!(
                "{} [default: {}]",
                option.description,
                default.trim_matches('"')
            )
        }
        _ => option.description.to_owned(),
    };
    argument.help(help).env(variable).hide_env_values(true)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// Flags that set nothing which a job file sets, each with the reason.
    const NO_SETTING: &[(&str, &str)] = &[
        ("job-file", "names the job file itself"),
        ("event-logs", "is a source: uris of a [[source]]"),
        ("history-server", "is a source: uris of a [[source]]"),
        ("verbose", "is short for --log-level"),
        ("quiet", "is short for --log-level"),
        ("help", "prints help"),
        ("version", "prints the version"),
        ("format", "is about one answer"),
        ("full", "is about one answer"),
        ("job", "is about one answer"),
        ("all", "is about one answer"),
        ("app", "is about one answer"),
        ("budget", "is about one answer"),
        ("event-log", "is about one answer"),
        ("out", "is about one answer"),
        ("limit", "is about one answer"),
        ("sql-only", "is about one answer"),
        ("ddl", "is about one answer"),
        ("listen", "is where one process listens"),
        ("scheduler", "is whom one process works for"),
        ("cores", "is about one machine"),
        ("allow-lake", "is about one machine"),
        ("health", "is where one process listens"),
        ("work-dir", "is about one machine"),
        ("executor-timeout-seconds", "is about one process"),
        ("drain-seconds", "is about one process"),
        ("token-env", "is about who may call one process"),
        ("token-file", "is about who may call one process"),
        ("oauth-issuer", "is about who may call one process"),
        ("oauth-audience", "is about who may call one process"),
        ("oauth-jwks-url", "is about who may call one process"),
        ("oauth-scope", "is about who may call one process"),
        ("allow-host", "is about who may call one process"),
        ("allow-origin", "is about who may call one process"),
        ("executors", "is one question"),
        ("cores", "is one question"),
        ("spot", "is one question"),
        ("platform", "is one question"),
        ("data-growth", "is one question"),
        ("dynamic-allocation", "is one question"),
        ("timeout", "bounds one query"),
        ("memory", "bounds one query, or is one question"),
        ("repair", "asks for one piece of work"),
        ("retain", "is about one cleaning"),
        ("table", "is about one cleaning"),
        ("resume", "names one run"),
        ("run", "names one run"),
        ("shard", "is one part of a run"),
        ("shards", "is about the parts of one run"),
        ("order", "is one unit of work"),
        ("result", "is one unit of work"),
        ("catalog", "is about one export"),
        ("schema", "is about one export"),
        ("bundle", "is about one export"),
        ("odcs-version", "is about one export"),
        ("evaluate", "is one evaluation of a Genie space"),
        ("space-id", "is one evaluation of a Genie space"),
        ("host", "is one evaluation of a Genie space"),
        ("runs", "is one evaluation of a Genie space"),
        ("poll", "is one evaluation of a Genie space"),
        ("region", "is one look at a price list"),
        ("url", "is one look at a price list"),
    ];

    fn flags<'c>(command: &'c Command, found: &mut Vec<&'c Arg>) {
        found.extend(
            command
                .get_arguments()
                .filter(|one| one.get_long().is_some()),
        );
        for below in command.get_subcommands() {
            flags(below, found);
        }
    }

    #[test]
    fn every_flag_is_a_declared_option_or_none_for_a_reason() {
        let mut command = command_line();
        command.build();
        let mut all = Vec::new();
        flags(&command, &mut all);
        let by_flag: BTreeMap<&str, (&SettingOption, &str)> = OPTIONS
            .iter()
            .filter_map(|option| match option.given {
                GivenBy::Flag(flag, variable) => Some((flag, (option, variable))),
                GivenBy::FileOnly(_) => None,
            })
            .collect();
        let mut seen = Vec::new();
        for argument in &all {
            let flag = argument.get_long().unwrap_or_default();
            let Some((option, variable)) = by_flag.get(flag) else {
                let is_excused = NO_SETTING.iter().any(|(name, _)| *name == flag);
                assert!(is_excused, "--{flag} is neither an option nor excused");
                continue;
            };
            seen.push(flag);
            let env = argument.get_env().and_then(|env| env.to_str());
            assert_eq!(env, Some(*variable), "--{flag}");
            let help = argument.get_help().map(ToString::to_string);
            let told = help.is_some_and(|help| help.starts_with(option.description));
            assert!(told, "--{flag}");
        }
        for (flag, _) in NO_SETTING {
            let is_there = all.iter().any(|argument| argument.get_long() == Some(flag));
            assert!(is_there, "--{flag} is excused, and no command has it");
        }
        for (flag, (_, variable)) in by_flag {
            assert!(seen.contains(&flag), "no command has --{flag}");
            let expected = format!("SPARKLAKE_{}", flag.replace('-', "_").to_uppercase());
            assert_eq!(*variable, expected, "variables are named after their flags");
        }
    }

    #[test]
    fn an_option_without_a_flag_says_why() {
        for option in OPTIONS {
            if let GivenBy::FileOnly(reason) = option.given {
                assert!(reason.len() > 20, "{}.{}", option.section, option.key);
            }
        }
    }
}
