//! Settings of Spark that a job run was submitted with.

use std::collections::HashMap;

/// The classification of a configuration whose properties go to `spark-defaults.conf`.
const SPARK_DEFAULTS: &str = "spark-defaults";

/// Settings of Spark, as far as a job run's description tells them. Those of the command line go
/// before those of the configuration.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct SparkSettings(HashMap<String, String>);

impl SparkSettings {
    /// Takes the properties of a configuration in, if it is Spark's.
    pub(super) fn add_configuration(
        &mut self,
        classification: &str,
        properties: Option<&HashMap<String, String>>,
    ) {
        if classification == SPARK_DEFAULTS {
            let properties = properties.into_iter().flatten();
            let own = properties.map(|(key, value)| (key.clone(), value.clone()));
            self.0.extend(own);
        }
    }

    /// Takes the arguments of `spark-submit` in.
    pub(super) fn add_arguments(&mut self, arguments: &str) {
        let words = words(arguments);
        let mut words = words.iter().map(String::as_str);
        while let Some(word) = words.next() {
            let setting = match word {
                "--conf" | "-c" => words.next(),
                other => other.strip_prefix("--conf="),
            };
            if let Some((key, value)) = setting.and_then(|text| text.split_once('=')) {
                self.0
                    .insert(key.trim().to_owned(), value.trim().to_owned());
            }
        }
    }

    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    fn is(&self, key: &str, expected: bool) -> bool {
        self.get(key).is_some_and(|value| {
            value.eq_ignore_ascii_case(if expected { "true" } else { "false" })
        })
    }

    /// Whether Spark was told to write no event log.
    pub(super) fn has_no_event_log(&self) -> bool {
        self.is("spark.eventLog.enabled", false)
    }

    /// A folder of an object store that the user chose for event logs.
    pub(super) fn event_log_folder(&self) -> Option<&str> {
        let folder = self.get("spark.eventLog.dir")?;
        let (scheme, _) = folder.split_once(":/")?;
        // `file://` is a folder of the driver's pod, and `hdfs://` is gone with the cluster.
        matches!(
            scheme,
            "s3" | "s3a" | "s3n" | "gs" | "abfs" | "abfss" | "az"
        )
        .then_some(folder)
    }

    /// Whether EMR on EKS was told to remove old parts of event logs while Spark still writes.
    pub(super) fn rotates_event_logs(&self) -> bool {
        self.is("spark.eventLog.rotation.enabled", true)
    }
}

/// Splits a command line: at spaces, not within quotes, a backslash takes the next character as it
/// is.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        match (character, quote) {
            ('\\', None | Some('"')) => {
                word.get_or_insert_default().extend(characters.next());
            }
            ('\'' | '"', None) => {
                quote = Some(character);
                word.get_or_insert_default();
            }
            (character, Some(open)) if character == open => quote = None,
            (character, None) if character.is_whitespace() => words.extend(word.take()),
            (character, _) => word.get_or_insert_default().push(character),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(arguments: &str) -> SparkSettings {
        let mut settings = SparkSettings::default();
        settings.add_arguments(arguments);
        settings
    }

    #[test]
    fn arguments_are_split_as_a_shell_does() {
        assert_eq!(
            words(r#"--conf  a=b "c d" 'e "f' g\ h "i\"j""#),
            ["--conf", "a=b", "c d", "e \"f", "g h", "i\"j"]
        );
        assert_eq!(words("  "), [""; 0]);
        assert_eq!(words("''"), [""]);
    }

    #[test]
    fn the_command_line_goes_before_the_configuration() {
        let mut settings = SparkSettings::default();
        let properties = HashMap::from([
            (
                "spark.eventLog.dir".to_owned(),
                "s3://defaults/logs".to_owned(),
            ),
            (
                "spark.eventLog.rotation.enabled".to_owned(),
                "true".to_owned(),
            ),
        ]);
        settings.add_configuration("spark-defaults", Some(&properties));
        settings.add_configuration(
            "spark-log4j2",
            Some(&HashMap::from([(
                "spark.eventLog.dir".to_owned(),
                "s3://wrong".to_owned(),
            )])),
        );
        assert_eq!(settings.event_log_folder(), Some("s3://defaults/logs"));
        settings.add_arguments("--class Main --conf spark.eventLog.dir=s3a://own/logs --conf x");
        assert_eq!(settings.event_log_folder(), Some("s3a://own/logs"));
        assert!(settings.rotates_event_logs());
        assert!(!settings.has_no_event_log());
    }

    #[test]
    fn folders_that_nobody_else_can_read_do_not_count() {
        for folder in ["hdfs:///var/log", "file:///var/log", "/var/log"] {
            let arguments = format!("--conf spark.eventLog.dir={folder}");
            assert_eq!(settings(&arguments).event_log_folder(), None, "{folder}");
        }
        assert!(settings("--conf=spark.eventLog.enabled=FALSE").has_no_event_log());
    }
}
