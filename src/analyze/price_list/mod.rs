//! AWS's public price list, and what it changes in a price file of ours.
//!
//! [`read_offer`] reads one offer file (`…/offers/v1.0/aws/<service>/current/<region>/index.json`) as a
//! stream: that of EC2 has hundreds of megabytes, of which the prices of instances are a hundredth.
//! [`update`] adds them to a price file as dated rows.

mod offer;
mod update;

use std::collections::BTreeSet;

use super::catalog::Catalog;
use super::error::AnalyzeError;
use super::prices::{self, PRICES};

pub use offer::{ListPrice, Offer, OfferError, Service, read_offer};
pub use update::{Update, update};

/// The built-in price book.
#[derive(Debug, Clone, Default)]
pub struct Book {
    /// Its file.
    pub file: String,
    /// Its text.
    pub csv: String,
    /// The instance types that it knows.
    pub instance_types: BTreeSet<String>,
}

impl Book {
    /// The book that comes with the program.
    ///
    /// # Errors
    /// Only when a file of `sql/` is wrong, which the tests exclude.
    pub fn built_in() -> Result<Self, AnalyzeError> {
        let catalog = Catalog::built_in()?;
        let Some(book) = catalog.references().find(|table| table.id == PRICES) else {
            return Ok(Self::default());
        };
        let instance_types = prices::parse(&book.file, &book.csv)?
            .into_iter()
            .map(|price| price.subject)
            .filter(|[service, ..]| service == "ec2")
            .map(|[_, item, ..]| item)
            .collect();
        Ok(Self {
            file: book.file.clone(),
            csv: book.csv.clone(),
            instance_types,
        })
    }
}
