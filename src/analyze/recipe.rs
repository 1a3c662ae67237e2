//! What a catalog is made of beside the built-in files, as plain data: another process makes the same
//! catalog of it.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::catalog::{Catalog, CatalogFile, Overrides, is_of_catalog, read_folder};
use super::error::AnalyzeError;
use super::prices;

/// The user's files and settings, all that a catalog has beside the built-in files.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CatalogRecipe {
    /// The files of the rules folder.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    files: Vec<CatalogFile>,
    /// The files of prices that the job file names, in its order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    prices: Vec<PriceFile>,
    /// What the job file changes.
    #[serde(default)]
    overrides: Overrides,
}

/// A file of prices.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PriceFile {
    /// The path as the user knows it.
    name: String,
    csv: String,
}

impl CatalogRecipe {
    /// Reads the files of a rules folder, and those that the job file names.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn read(folder: Option<&Path>, overrides: &Overrides) -> Result<Self, AnalyzeError> {
        let files = match folder {
            Some(folder) => read_folder(folder, is_of_catalog)?,
            None => Vec::new(),
        };
        let prices = overrides.prices.iter().map(|path| {
            let csv = prices::read(path)?;
            let name = path.display().to_string();
            Ok::<_, AnalyzeError>(PriceFile { name, csv })
        });
        Ok(Self {
            files,
            prices: prices.collect::<Result<_, _>>()?,
            overrides: Overrides {
                prices: Vec::new(),
                ..overrides.clone()
            },
        })
    }

    /// The catalog.
    ///
    /// # Errors
    /// Names file, line and cure of the first wrong file, or the setting that is wrong.
    pub fn catalog(&self) -> Result<Catalog, AnalyzeError> {
        let mut catalog = Catalog::built_in()?;
        catalog.overlay(&self.files)?;
        for PriceFile { name, csv } in &self.prices {
            catalog.add_prices(name, csv)?;
        }
        catalog.apply(&self.overrides)?;
        Ok(catalog)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::fs;

    use super::*;
    use crate::model::SettingValue;

    #[test]
    fn a_recipe_that_travelled_makes_the_catalog_of_folder_and_settings() {
        let home = tempfile::tempdir().expect("a folder");
        let folder = home.path().join("sql");
        let rules = folder.join("rules/skew");
        fs::create_dir_all(&rules).expect("a folder");
        let built_in = Catalog::built_in().expect("a catalog");
        let rule = built_in.rule("task_skew").expect("a rule");
        let text = format!("{}\n-- changed\n", rule.query.sql);
        fs::write(rules.join("task_skew.sql"), text).expect("a file");
        let prices = home.path().join("prices.csv");
        let header = built_in.references().find(|file| file.id == "prices");
        let header = header.expect("a price book").csv.lines().next();
        fs::write(&prices, header.expect("a header")).expect("a file");
        let (id, parameter) = built_in
            .rules()
            .find_map(|rule| {
                let first = rule.query.parameters.first()?;
                Some((rule.id.clone(), first.clone()))
            })
            .expect("a rule with a parameter");
        let overrides = Overrides {
            disabled: BTreeSet::from(["gc_pressure".to_owned()]),
            parameters: BTreeMap::from([(
                id,
                BTreeMap::from([(parameter.name.clone(), SettingValue::Integer(7))]),
            )]),
            prices: vec![prices],
        };

        let recipe = CatalogRecipe::read(Some(&folder), &Overrides::default());
        let recipe = recipe.expect("a recipe");
        let json = serde_json::to_string(&recipe).expect("JSON");
        let travelled: CatalogRecipe = serde_json::from_str(&json).expect("a recipe");
        assert_eq!(travelled, recipe);
        let expected = Catalog::with_folder(&folder).expect("a catalog");
        let made = travelled.catalog().expect("a catalog");
        assert_eq!(made.fingerprint(), expected.fingerprint());
        assert_ne!(made.fingerprint(), built_in.fingerprint());

        let recipe = CatalogRecipe::read(None, &overrides).expect("a recipe");
        let json = serde_json::to_string(&recipe).expect("JSON");
        let travelled: CatalogRecipe = serde_json::from_str(&json).expect("a recipe");
        let mut expected = built_in;
        expected.apply(&overrides).expect("applied");
        let made = travelled.catalog().expect("a catalog");
        assert_eq!(made.fingerprint(), expected.fingerprint());
    }
}
