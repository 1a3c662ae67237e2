//! The application that a page is about: found by its id, and the frame of its pages.

use datafusion::common::ScalarValue;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::model::printable;
use crate::publish::numbers;
use crate::publish::page::{Link, Page, Section, Sibling};
use crate::publish::report::{Place, Questions, ReportError, find_place, key};

/// Folder of the queries.
const FOLDER: &str = "dashboard";

/// Which application.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct ApplicationQuery {
    /// Spark's id.
    pub(super) id: String,
    /// Its attempt; the newest where there is none.
    #[serde(default)]
    pub(super) attempt: Option<String>,
}

impl ApplicationQuery {
    /// The attempt that is asked for; an empty field of a form asks for none.
    pub(super) fn attempt(&self) -> Option<&str> {
        self.attempt.as_deref().filter(|text| !text.is_empty())
    }
}

/// An application attempt that pages are made of.
pub(super) struct Of<'q> {
    questions: &'q Questions<'q>,
    pub(super) place: Place,
}

/// Pages about an application, in the order that one reads them.
pub(super) const PAGES: [(&str, &str); 6] = [
    ("Report", "/application"),
    ("Stages", "/stages"),
    ("Queries", "/queries"),
    ("Executors", "/executors"),
    ("Configuration", "/configuration"),
    ("What if", "/whatif"),
];

impl<'q> Of<'q> {
    /// Finds it.
    ///
    /// # Errors
    /// There is no such application or attempt, or the lake cannot be read.
    pub(super) async fn find(
        questions: &'q Questions<'q>,
        asked: &ApplicationQuery,
    ) -> Result<Self, ReportError> {
        let (place, _) = find_place(questions, &asked.id, asked.attempt()).await?;
        Ok(Self { questions, place })
    }

    /// The rows of `sql/dashboard/<id>.sql` about it.
    ///
    /// # Errors
    /// The lake cannot be read, or a user's query of that name gives other columns.
    pub(super) async fn rows<T: DeserializeOwned>(
        &self,
        id: &str,
        more: &[(&str, ScalarValue)],
    ) -> Result<Vec<T>, ReportError> {
        let mut parameters = key(&self.place).to_vec();
        parameters.extend_from_slice(more);
        self.questions.rows_of(FOLDER, id, &parameters).await
    }

    /// Its page at a path.
    pub(super) fn link(&self, path: &'static str) -> Link {
        Link::of(path, &self.place.application_id, &self.place.attempt_id)
    }

    /// Its name, or its id.
    pub(super) fn name(&self) -> String {
        let name = self.place.application_name.as_deref();
        printable(name.unwrap_or(&self.place.application_id))
    }

    /// A page about it; `what` it shows of it stands before the name.
    pub(super) fn page(&self, what: &str, current: &str, sections: Vec<Section>) -> Page {
        let place = &self.place;
        let mut subtitle = vec![printable(&place.application_id)];
        if place.attempt_id != "0" {
            subtitle.push(printable(&format!("attempt {}", place.attempt_id)));
        }
        subtitle.extend(place.start_time.map(numbers::time));
        subtitle.push(printable(&place.cluster_name));
        Page {
            title: format!("{what} of {}", self.name()),
            subtitle: subtitle.join(" · "),
            siblings: siblings(place, current),
            sections,
            ..Page::default()
        }
    }
}

/// The pages about an application, with the one that is shown marked.
pub(super) fn siblings(place: &Place, current: &str) -> Vec<Sibling> {
    let link = |path| Link::of(path, &place.application_id, &place.attempt_id);
    let mut pages: Vec<Sibling> = PAGES
        .into_iter()
        .map(|(label, path)| Sibling {
            label,
            link: link(path),
            is_current: path == current,
        })
        .collect();
    pages.push(Sibling {
        label: "Compare",
        link: Link::to("/compare").with("b", &place.application_id),
        is_current: false,
    });
    pages
}

/// The rows of `sql/dashboard/<id>.sql` about the lake.
///
/// # Errors
/// The lake cannot be read, or a user's query of that name gives other columns.
pub(super) async fn lake_rows<T: DeserializeOwned>(
    questions: &Questions<'_>,
    id: &str,
    parameters: &[(&str, ScalarValue)],
) -> Result<Vec<T>, ReportError> {
    questions.rows_of(FOLDER, id, parameters).await
}
