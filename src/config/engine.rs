//! Who works through the units of a run, as `--engine` names it.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;

use serde::Deserialize;

/// The port of a scheduler that is named without one.
pub const SCHEDULER_PORT: u16 = 50050;
/// How a scheduler's address begins.
const SCHEME: &str = "ballista://";

/// Who works through the units of a run.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(try_from = "String")]
pub enum Engine {
    /// Threads of the run's own process.
    #[default]
    Local,
    /// Other machines: the run writes orders into the lake, `sparklake worker` works through them, and
    /// `sparklake run --resume` commits what they report.
    Shards,
    /// The executors of a Ballista cluster, through its scheduler.
    Ballista(SchedulerAddress),
}

/// Where a scheduler of Ballista listens.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SchedulerAddress {
    host: String,
    port: u16,
}

impl SchedulerAddress {
    /// Its name or address, as it stands in a URL: an IPv6 address has its brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Its name or address, as it stands in a certificate: an IPv6 address has no brackets.
    #[must_use]
    pub fn bare_host(&self) -> &str {
        self.host.trim_start_matches('[').trim_end_matches(']')
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whether it is on this machine, so that what is said to it crosses no network.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        let address = self.bare_host().parse::<IpAddr>();
        self.host == "localhost" || address.is_ok_and(|address| address.is_loopback())
    }
}

/// Files of one side of a connection that is encrypted and authenticated both ways, as PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate of this side, with what links it to the authority.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// The certificates of the authority that signed those of all sides.
    pub ca: PathBuf,
}

impl TlsFiles {
    /// All three files, or none.
    ///
    /// # Errors
    /// Some are missing: which.
    pub fn of(
        certificate: Option<PathBuf>,
        key: Option<PathBuf>,
        ca: Option<PathBuf>,
    ) -> Result<Option<Self>, String> {
        match (certificate, key, ca) {
            (None, None, None) => Ok(None),
            (Some(certificate), Some(key), Some(ca)) => Ok(Some(Self {
                certificate,
                key,
                ca,
            })),
            (certificate, key, ca) => {
                let files = [
                    ("--tls-certificate", certificate),
                    ("--tls-key", key),
                    ("--tls-ca", ca),
                ];
                let missing = files.iter().filter(|(_, file)| file.is_none());
                let missing: Vec<&str> = missing.map(|(flag, _)| *flag).collect();
                Err(format!(
                    "TLS takes a certificate, its key and the authority; missing: {}",
                    missing.join(" and ")
                ))
            }
        }
    }
}

impl fmt::Display for TlsFiles {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [certificate, key, ca] =
            [&self.certificate, &self.key, &self.ca].map(|path| path.display());
        write!(formatter, "{certificate}, {key} and {ca}")
    }
}

impl fmt::Display for SchedulerAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.host, self.port)
    }
}

impl FromStr for SchedulerAddress {
    type Err = String;

    /// Reads `HOST`, `HOST:PORT` or `ballista://HOST:PORT`.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |problem: &str| {
            format!("{text:?} is not a scheduler address: {problem}; write ballista://HOST:PORT")
        };
        let bare = text.strip_prefix(SCHEME).unwrap_or(text);
        let url = url::Url::parse(&format!("http://{bare}"))
            .map_err(|error| wrong(&error.to_string()))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong("a user or password is not allowed"));
        }
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return Err(wrong("nothing may follow the port"));
        }
        // A URL leaves the default port of its scheme out.
        let names_default_port = bare.trim_end_matches('/').ends_with(":80");
        let port = url.port().unwrap_or(if names_default_port {
            80
        } else {
            SCHEDULER_PORT
        });
        match url.host_str() {
            Some(host) if !host.is_empty() && port != 0 => Ok(Self {
                host: host.to_owned(),
                port,
            }),
            _ => Err(wrong("the host or the port is missing")),
        }
    }
}

impl fmt::Display for Engine {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local => formatter.write_str("local"),
            Self::Shards => formatter.write_str("shards"),
            Self::Ballista(address) => write!(formatter, "{SCHEME}{address}"),
        }
    }
}

impl FromStr for Engine {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "local" => Ok(Self::Local),
            "shards" => Ok(Self::Shards),
            address if address.starts_with(SCHEME) => address.parse().map(Self::Ballista),
            _ => Err(format!(
                "{text:?} is not an engine; use local, shards or ballista://HOST:PORT"
            )),
        }
    }
}

impl TryFrom<String> for Engine {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn engines_are_read_as_they_are_shown() {
        for text in [
            "local",
            "shards",
            "ballista://scheduler:50051",
            "ballista://127.0.0.1:80",
            "ballista://[::1]:50050",
        ] {
            let engine: Engine = text.parse().unwrap();
            assert_eq!(engine.to_string(), text);
        }
        let engine: Engine = "ballista://scheduler".parse().unwrap();
        assert_eq!(engine.to_string(), "ballista://scheduler:50050");
    }

    #[test]
    fn what_is_no_engine_says_what_would_be_one() {
        for text in [
            "",
            "spark",
            "ballista",
            "ballista://",
            "ballista://:50050",
            "ballista://host:0",
            "ballista://host:99999",
            "ballista://user:secret@host:1",
            "ballista://host:1/path",
            "ballista://host:1?tls=true",
        ] {
            let problem = text.parse::<Engine>().unwrap_err();
            assert!(
                problem.contains("ballista://HOST:PORT"),
                "{text}: {problem}"
            );
        }
    }

    #[test]
    fn only_addresses_of_this_machine_are_loopback() {
        let is_loopback = |text: &str| text.parse::<SchedulerAddress>().unwrap().is_loopback();
        for text in ["localhost:1", "127.0.0.1:1", "127.9.8.7:1", "[::1]:1"] {
            assert!(is_loopback(text), "{text}");
        }
        for text in [
            "localhost.example.com:1",
            "10.0.0.1:1",
            "0.0.0.0:1",
            "[::]:1",
            "scheduler",
        ] {
            assert!(!is_loopback(text), "{text}");
        }
    }
}
