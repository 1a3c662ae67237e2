//! `sparklake export ddl|glue|dbt|odcs|dashboard|metric-views`: the lake for catalogs, contracts and BI.

use std::path::{Path, PathBuf};

use super::Context;
use super::arguments::LakeArguments;
use super::catalog::Rules;
use super::error::CliError;
use super::export::put;
use super::lake;
use super::output::Output;
use crate::analyze::Catalog;
use crate::ask::AskLake;
use crate::publish::export::genie::Definition;
use crate::publish::export::namespace::Namespace;
use crate::publish::export::odcs::OdcsVersion;
use crate::publish::export::relations::{Relation, relations};
use crate::publish::export::{dashboard, dbt, ddl, glue, metric_views, odcs};

/// The place of the tables where no lake is named.
const NO_LAKE: &str = "<lake>";

/// Which form is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Ddl,
    Glue,
    Dbt,
    Odcs,
    Dashboard,
    MetricViews,
}

#[derive(Debug, clap::Args)]
pub(super) struct FormatArguments {
    #[command(flatten)]
    pub(super) lake: LakeArguments,
    /// Catalog of Unity Catalog that the tables are registered in
    #[arg(long, value_name = "NAME", default_value = "main")]
    catalog: String,
    /// Schema (in Glue: database) that the tables are registered in
    #[arg(long, value_name = "NAME", default_value = "sparklake")]
    schema: String,
    /// Version of the Open Data Contract Standard
    #[arg(long, value_enum, default_value_t, value_name = "VERSION", hide = true)]
    odcs_version: Odcs,
    /// File to write to, instead of standard output; a folder for forms of several files
    #[arg(short, long, value_name = "PATH")]
    pub(super) out: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
enum Odcs {
    #[value(name = "3.1")]
    V3_1,
    #[default]
    #[value(name = "3.2")]
    V3_2,
}

/// What every form is made of.
pub(super) struct Subject {
    pub(super) catalog: Catalog,
    pub(super) empty: AskLake,
    pub(super) relations: Vec<Relation>,
    pub(super) namespace: Namespace,
    pub(super) lake: String,
}

impl Subject {
    /// # Errors
    /// A rules file or a name is wrong.
    pub(super) async fn read(
        arguments: &FormatArguments,
        context: &Context,
    ) -> Result<Self, CliError> {
        let catalog = Rules::of(&context.settings.rules)?.as_run;
        let empty = lake::ask_nothing(&context.settings.rules)?;
        let relations = relations(&catalog, &empty).await?;
        let lake = context.settings.lake.uri.as_deref().unwrap_or(NO_LAKE);
        Ok(Self {
            namespace: Namespace::new(&arguments.catalog, &arguments.schema)?,
            lake: lake.to_owned(),
            catalog,
            empty,
            relations,
        })
    }
}

pub(super) async fn execute(
    arguments: &FormatArguments,
    format: Format,
    context: &Context,
    output: &mut Output,
) -> Result<(), CliError> {
    let Subject {
        catalog,
        empty,
        relations,
        namespace,
        lake,
    } = &Subject::read(arguments, context).await?;
    let out = arguments.out.as_deref();
    let constants = || -> Result<_, CliError> { Ok(ddl::constants(&catalog.shared_views()?)?) };
    match format {
        Format::Ddl => put(
            &ddl::script(namespace, lake, relations, &constants()?),
            out,
            output,
        ),
        Format::Odcs => {
            let version = match arguments.odcs_version {
                Odcs::V3_1 => OdcsVersion::V3_1,
                Odcs::V3_2 => OdcsVersion::V3_2,
            };
            let definition = Definition::read(catalog, relations)?;
            put(
                &odcs::contract(version, lake, relations, catalog, &definition),
                out,
                output,
            )
        }
        Format::Dashboard => {
            let dashboard = dashboard::dashboard(namespace, catalog, empty).await?;
            put(&format!("{dashboard:#}\n"), out, output)
        }
        Format::Glue => put_all(
            glue::inputs(namespace.schema(), lake, relations),
            out,
            "glue",
        ),
        Format::Dbt => {
            let files = dbt::project(namespace, lake, relations, &constants()?, catalog);
            put_all(files, out, "dbt")
        }
        Format::MetricViews => {
            let definition = Definition::read(catalog, relations)?;
            let views = metric_views::read(catalog, relations)?;
            let files = metric_views::files(&views, namespace, relations, &definition);
            put_all(files, out, "metric-views")
        }
    }
}

/// Writes files into a folder, which is made where it is missing.
pub(super) fn put_all(
    files: Vec<(String, String)>,
    folder: Option<&Path>,
    form: &str,
) -> Result<(), CliError> {
    let Some(folder) = folder else {
        return Err(CliError::Usage(format!(
            "{form} has several files; name a folder for them: sparklake export {form} --out ./{form}"
        )));
    };
    let count = files.len();
    for (name, text) in files {
        let path = folder.join(name);
        let failed = |error: std::io::Error| {
            CliError::Usage(format!("{} cannot be written: {error}", path.display()))
        };
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(failed)?;
        }
        std::fs::write(&path, text).map_err(failed)?;
    }
    tracing::info!(files = count, "wrote {}", folder.display());
    Ok(())
}
