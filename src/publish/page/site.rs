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
    /// Two runs side by side.
    Compare,
    /// Queries.
    Sql,
}

impl Tab {
    /// All, in order.
    pub(super) const ALL: [Self; 6] = [
        Self::Overview,
        Self::Applications,
        Self::Jobs,
        Self::Findings,
        Self::Compare,
        Self::Sql,
    ];

    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Overview => "/",
            Self::Applications => "/applications",
            Self::Jobs => "/jobs",
            Self::Findings => "/findings",
            Self::Compare => "/compare",
            Self::Sql => "/sql",
        }
    }

    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Applications => "Applications",
            Self::Jobs => "Jobs",
            Self::Findings => "Findings",
            Self::Compare => "Compare",
            Self::Sql => "SQL",
        }
    }
}

/// The address of another page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::publish) struct Link {
    path: &'static str,
    query: Vec<(&'static str, String)>,
}

impl Link {
    /// A page without anything asked of it.
    pub(in crate::publish) fn to(path: &'static str) -> Self {
        Self {
            path,
            query: Vec::new(),
        }
    }

    /// With a value in its query.
    pub(in crate::publish) fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.query.push((name, value.to_string()));
        self
    }

    /// An attempt of an application.
    pub(in crate::publish) fn application(id: &str, attempt: &str) -> Self {
        Self::of("/application", id, attempt)
    }

    /// A page about an attempt of an application. Most applications have one attempt, `0`.
    pub(in crate::publish) fn of(path: &'static str, id: &str, attempt: &str) -> Self {
        let link = Self::to(path).with("id", id);
        match attempt {
            "0" | "" => link,
            attempt => link.with("attempt", attempt),
        }
    }

    /// A recurring job.
    pub(in crate::publish) fn job(key: &str) -> Self {
        Self::to("/job").with("key", key)
    }

    /// A stage attempt of an application.
    pub(in crate::publish) fn stage(self, stage: i64, attempt: i64) -> Self {
        Self {
            path: "/stage",
            ..self
        }
        .with("stage", stage)
        .with("stage_attempt", attempt)
    }

    /// A SQL execution of an application.
    pub(in crate::publish) fn query(self, sql_id: i64) -> Self {
        Self {
            path: "/query",
            ..self
        }
        .with("sql", sql_id)
    }

    /// Its path and query.
    pub(in crate::publish) fn address(&self) -> String {
        if self.query.is_empty() {
            return self.path.to_owned();
        }
        let start = format!("{}?", self.path);
        let length = start.len();
        let mut address = url::form_urlencoded::Serializer::for_suffix(start, length);
        address.extend_pairs(&self.query).finish()
    }
}

/// A page about the same thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::publish) struct Sibling {
    /// Its name.
    pub(in crate::publish) label: &'static str,
    /// Where it is.
    pub(in crate::publish) link: Link,
    /// Whether it is the one that is shown.
    pub(in crate::publish) is_current: bool,
}

/// A form whose values become the query of the page's address.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::publish) struct Form {
    /// Path of the page.
    pub(in crate::publish) action: &'static str,
    /// What can be chosen.
    pub(in crate::publish) fields: Vec<Field>,
}

/// A field of a form.
#[derive(Debug, Clone, PartialEq)]
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
    /// A number, as a slider.
    Slider {
        /// Name in the query.
        name: &'static str,
        /// Label.
        label: &'static str,
        /// What it stands at.
        value: String,
        /// Least, most and step.
        range: [f64; 3],
    },
    /// Something to switch on.
    Switch {
        /// Name in the query; its value is `true`.
        name: &'static str,
        /// Label.
        label: &'static str,
        /// Whether it is on.
        is_on: bool,
    },
    /// What the address keeps and nobody sees.
    Hidden {
        /// Name in the query.
        name: &'static str,
        /// Value.
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
        let link = Link::application("app 1/&?\"ü", "0");
        assert_eq!(link.address(), "/application?id=app+1%2F%26%3F%22%C3%BC");
        let link = Link::job("etl|daily=1");
        assert_eq!(link.address(), "/job?key=etl%7Cdaily%3D1");
        let link = Link::application("a", "2").stage(7, 0);
        assert_eq!(
            link.address(),
            "/stage?id=a&attempt=2&stage=7&stage_attempt=0"
        );
        assert_eq!(Link::to("/jobs").address(), "/jobs");
    }
}
