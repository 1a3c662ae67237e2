//! What pages of a server have beside those of a file: places, links and forms.

/// A page of the dashboard that one can go to from all others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::publish) enum Tab {
    /// The lake.
    Overview,
    /// Applications.
    Applications,
    /// Recurring jobs.
    Jobs,
    /// Findings.
    Findings,
    /// Queries.
    Sql,
}

impl Tab {
    /// All, in order.
    pub(super) const ALL: [Self; 5] = [
        Self::Overview,
        Self::Applications,
        Self::Jobs,
        Self::Findings,
        Self::Sql,
    ];

    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Overview => "/",
            Self::Applications => "/applications",
            Self::Jobs => "/jobs",
            Self::Findings => "/findings",
            Self::Sql => "/sql",
        }
    }

    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Applications => "Applications",
            Self::Jobs => "Jobs",
            Self::Findings => "Findings",
            Self::Sql => "SQL",
        }
    }
}

/// Something that has a page of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::publish) enum Link {
    /// The application of that id.
    Application(String),
    /// The recurring job of that key.
    Job(String),
    /// The answer to a query.
    Sql(String),
}

impl Link {
    /// Its address on the server.
    pub(super) fn path(&self) -> String {
        let (path, name, value) = match self {
            Self::Application(id) => ("/application?", "id", id),
            Self::Job(key) => ("/job?", "key", key),
            Self::Sql(query) => ("/sql?", "query", query),
        };
        let mut address = url::form_urlencoded::Serializer::for_suffix(path.to_owned(), path.len());
        address.append_pair(name, value).finish()
    }
}

/// A form whose values become the query of the page's address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::publish) struct Form {
    /// Path of the page.
    pub(in crate::publish) action: &'static str,
    /// What can be chosen.
    pub(in crate::publish) fields: Vec<Field>,
}

/// A field of a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::publish) enum Field {
    /// A line of text.
    Text {
        /// Name in the query.
        name: &'static str,
        /// Label.
        label: &'static str,
        /// What is in it.
        value: String,
    },
    /// Lines of code.
    Code {
        /// Name in the query.
        name: &'static str,
        /// Label.
        label: &'static str,
        /// What is in it.
        value: String,
    },
    /// One of several values.
    Choice {
        /// Name in the query.
        name: &'static str,
        /// Label.
        label: &'static str,
        /// The values.
        options: Vec<Choice>,
    },
}

/// A value that can be chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::publish) struct Choice {
    /// The value.
    pub(in crate::publish) value: String,
    /// How it is shown.
    pub(in crate::publish) label: String,
    /// Whether it is chosen.
    pub(in crate::publish) is_chosen: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_carry_any_id() {
        let link = Link::Application("app 1/&?\"ü".to_owned());
        assert_eq!(link.path(), "/application?id=app+1%2F%26%3F%22%C3%BC");
        let link = Link::Job("etl|daily=1".to_owned());
        assert_eq!(link.path(), "/job?key=etl%7Cdaily%3D1");
    }
}
