//! How much a mark calls for attention.

/// How much a mark calls for attention.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Tone {
    /// As all others.
    #[default]
    Plain,
    /// Of low or informative severity.
    Note,
    /// Worth work.
    Warning,
    /// Failed, or of high severity.
    Alarm,
}

impl Tone {
    /// The class that gives its color.
    pub fn class(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Alarm => "alarm",
        }
    }
}
