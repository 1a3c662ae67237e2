//! `sparklake prices refresh`: current list prices of AWS into a price file.

use std::fs::File;
use std::io::{Seek, SeekFrom};
use std::path::PathBuf;

use chrono::Utc;
use serde::Serialize;
use url::Url;

use super::arguments::{NoSettings, SettingsArguments};
use super::error::CliError;
use super::output::Output;
use crate::analyze::price_list::{self, Book, ListPrice, Service};
use crate::http::{Client, ClientSettings, HttpError, path_segment};
use crate::publish::notify::deliver;

/// AWS's public price list; nobody has to log in to it.
const PRICE_LIST: &str = "https://pricing.us-east-1.amazonaws.com/";
/// Largest offer file, in bytes: that of EC2 in one region has a third of it.
const MAX_OFFER: u64 = 2 << 30;

/// Fetch list prices
#[derive(Debug, clap::Args)]
pub(super) struct PricesArguments {
    #[command(subcommand)]
    what: PricesCommand,
}

#[derive(Debug, clap::Subcommand)]
enum PricesCommand {
    /// Fetch current list prices of AWS into a price file
    ///
    /// EC2 instances, EMR on EC2, EMR Serverless and EMR on EKS, on demand, from AWS's public price list
    /// (no account needed; the file of EC2 has hundreds of megabytes). Prices that changed become further
    /// rows with their first day. Name the file in [rules] prices of the job file, before your own: of
    /// several files that know a price, the last one wins.
    Refresh(RefreshArguments),
}

#[derive(Debug, clap::Args)]
struct RefreshArguments {
    /// Region of AWS; may be repeated
    #[arg(long, value_name = "REGION", required = true)]
    region: Vec<String>,
    /// Price file to write; one that is there keeps its rows
    #[arg(short, long, value_name = "FILE", default_value = "aws-prices.csv")]
    out: PathBuf,
    /// Address of the price list, such as a mirror
    #[arg(long, value_name = "URL", default_value = PRICE_LIST)]
    url: Url,
}

impl PricesArguments {
    /// What its flags say about settings.
    pub(super) fn settings_arguments(&self) -> &dyn SettingsArguments {
        &NoSettings
    }
}

/// What a refresh did in one region; a line of its output.
#[derive(Debug, Serialize)]
struct Refreshed<'r> {
    region: &'r str,
    published: String,
    added: usize,
    changed: usize,
    same: usize,
    without_price: Vec<String>,
}

pub(super) async fn execute(
    arguments: &PricesArguments,
    output: &mut Output,
) -> Result<(), CliError> {
    let PricesCommand::Refresh(arguments) = &arguments.what;
    let client = Client::new(ClientSettings::new(arguments.url.clone()))
        .map_err(|error| CliError::Usage(error.to_string()))?;
    let book = Book::built_in()?;
    let out = &arguments.out;
    let name = out.display().to_string();
    let mut csv = match std::fs::read_to_string(out) {
        Ok(csv) => Some(csv),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(CliError::Usage(format!("{name} cannot be read: {error}"))),
    };
    let mut lines = Vec::new();
    for region in &arguments.region {
        let mut found: Vec<ListPrice> = Vec::new();
        let mut published = String::new();
        let mut without_price = Vec::new();
        for service in [Service::Ec2, Service::Emr] {
            let file = fetch(&client, service, region).await?;
            let is_known = |item: &str| book.instance_types.contains(item);
            let offer =
                tokio::task::block_in_place(|| price_list::read_offer(service, file, &is_known))
                    .map_err(|error| CliError::Prices(format!("{region}: {error}")))?;
            published = offer.published.max(published);
            without_price.extend(offer.without_price);
            found.extend(offer.prices);
        }
        if found.is_empty() {
            return Err(CliError::Prices(format!(
                "the price list of {region} has no price that is known here; {name} was not changed"
            )));
        }
        let source = format!("AWS price list of {region}, published {published}");
        let own = csv.as_deref().map(|csv| (name.as_str(), csv));
        let today = Utc::now().date_naive();
        let update = price_list::update(&book, own, region, &found, &source, today)
            .map_err(|error| CliError::Usage(error.to_string()))?;
        let line = Refreshed {
            region,
            published,
            added: update.added,
            changed: update.changed,
            same: update.same,
            without_price,
        };
        lines.push(serde_json::to_string(&line).map_err(std::io::Error::from)?);
        csv = Some(update.csv);
    }
    // Once, at the end: a region that fails leaves the file as it was.
    deliver::replace(out, csv.as_deref().unwrap_or_default())
        .map_err(|error| CliError::Usage(error.to_string()))?;
    for line in lines {
        output.text(&format!("{line}\n"))?;
    }
    Ok(())
}

/// Downloads an offer file beside other temporary files; it goes away with the returned handle.
async fn fetch(client: &Client, service: Service, region: &str) -> Result<File, CliError> {
    let path = format!(
        "offers/v1.0/aws/{}/current/{}/index.json",
        service.code(),
        path_segment(region)
    );
    let mut file = tempfile::tempfile()?;
    let restart = |file: &mut File| {
        file.set_len(0)?;
        file.seek(SeekFrom::Start(0)).map(drop)
    };
    tracing::info!(service = service.code(), region, "fetching the price list");
    let bytes = client
        .download("price_list", &path, &mut file, restart, MAX_OFFER)
        .await
        .map_err(|error| not_fetched(error, region))?;
    tracing::debug!(service = service.code(), region, bytes, "fetched");
    file.seek(SeekFrom::Start(0))?;
    Ok(file)
}

fn not_fetched(error: HttpError, region: &str) -> CliError {
    match error {
        HttpError::Status {
            status: 403 | 404, ..
        } => CliError::Usage(format!(
            "AWS has no price list of a region `{region}`; write it as us-east-1"
        )),
        other => CliError::Prices(other.to_string()),
    }
}
