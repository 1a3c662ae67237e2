//! The price book: dated list prices that come with sparklake, and the user's own, which win.
//!
//! All are CSV of one form, so that a contract's price list can be kept beside the job file. What is
//! wrong in one is told with its line: a price that nobody noticed to be missing becomes a wrong bill.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use chrono::NaiveDate;
use csv::{ReaderBuilder, StringRecord, WriterBuilder};

use super::error::{AnalyzeError, CatalogError};
use crate::model::did_you_mean;

/// The reference table of prices; queries read it as `ref_prices`.
pub(super) const PRICES: &str = "prices";

/// The columns of a price file, in their order.
pub(super) const COLUMNS: [&str; 10] = [
    "service",
    "item",
    "region",
    "purchase",
    "unit",
    "price",
    "currency",
    "valid_from",
    "as_of",
    "source",
];

/// What is paid for.
const SERVICES: [&str; 5] = ["ec2", "emr_ec2", "emr_eks", "emr_serverless", "databricks"];

/// How it is bought.
const PURCHASES: [&str; 3] = ["on_demand", "spot", "savings_plan"];

/// What the price is for.
const UNITS: [&str; 5] = [
    "instance_hour",
    "vcpu_hour",
    "gb_hour",
    "dbu",
    "dbu_per_hour",
];

/// The currency of all columns of money.
const CURRENCY: &str = "USD";

/// One line of a price file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Price {
    /// Service, item, region, purchase and unit: what one price is of.
    pub(super) subject: [String; 5],
    /// The first day on which it holds.
    pub(super) valid_from: NaiveDate,
    /// The line.
    pub(super) record: StringRecord,
}

/// The price book `base` with the prices of `csv`, which replace those of the same service, item,
/// region, purchase and unit.
///
/// # Errors
/// A line of `csv` makes no sense; names `file` and the line. A fault in `base` is told as one of
/// `base_file`.
pub(super) fn merge(
    base_file: &str,
    base: &str,
    file: &str,
    csv: &str,
) -> Result<String, CatalogError> {
    let own = parse(file, csv)?;
    let replaced: BTreeSet<&[String; 5]> = own.iter().map(|price| &price.subject).collect();
    let kept = parse(base_file, base)?;
    let kept = kept
        .iter()
        .filter(|price| !replaced.contains(&price.subject));
    let written = |error: csv::Error| {
        CatalogError::new(file, 1, error.to_string(), "save it as CSV in UTF-8")
    };
    let mut writer = WriterBuilder::new().from_writer(Vec::new());
    writer.write_record(COLUMNS).map_err(written)?;
    for price in kept.chain(&own) {
        writer.write_record(&price.record).map_err(written)?;
    }
    let bytes = writer.into_inner().unwrap_or_default();
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Checks a price file as a whole.
///
/// # Errors
/// The first line that makes no sense.
pub(super) fn check(file: &str, csv: &str) -> Result<(), CatalogError> {
    parse(file, csv).map(drop)
}

/// The text of a user's price file.
///
/// # Errors
/// It cannot be read.
pub(super) fn read(path: &Path) -> Result<String, AnalyzeError> {
    std::fs::read_to_string(path).map_err(|source| AnalyzeError::Setting {
        what: format!("cannot read the prices in {}: {source}", path.display()),
        cure: "set `prices` in [rules] to CSV files that exist".to_owned(),
    })
}

/// The prices of a file.
///
/// # Errors
/// The first line that makes no sense.
pub(super) fn parse(file: &str, csv: &str) -> Result<Vec<Price>, CatalogError> {
    let mut reader = ReaderBuilder::new()
        .trim(csv::Trim::All)
        .comment(Some(b'#'))
        .from_reader(csv.trim_start_matches('\u{feff}').as_bytes());
    let broken = |error: csv::Error| {
        let line = error
            .position()
            .map_or(1, |position| line_number(position.line()));
        CatalogError::new(
            file,
            line,
            "the line does not have the values that the first line names",
            format!("write {}", COLUMNS.join(",")),
        )
    };
    check_header(file, reader.headers().map_err(broken)?)?;
    let mut prices: Vec<Price> = Vec::new();
    let mut seen: BTreeMap<([String; 5], NaiveDate), usize> = BTreeMap::new();
    for record in reader.records() {
        let record = record.map_err(broken)?;
        let line = record
            .position()
            .map_or(1, |position| line_number(position.line()));
        let price = check_line(record)
            .map_err(|(problem, cure)| CatalogError::new(file, line, problem, cure))?;
        if let Some(other) = seen.insert((price.subject.clone(), price.valid_from), line) {
            let problem = format!("the same price is already in line {other}");
            let cure = "keep one of them, or give them different dates in valid_from";
            return Err(CatalogError::new(file, line, problem, cure));
        }
        prices.push(price);
    }
    Ok(prices)
}

fn line_number(line: u64) -> usize {
    usize::try_from(line).unwrap_or(usize::MAX)
}

fn check_header(file: &str, header: &StringRecord) -> Result<(), CatalogError> {
    if header.iter().eq(COLUMNS) {
        return Ok(());
    }
    let named = header.iter().collect::<Vec<_>>().join(",");
    Err(CatalogError::new(
        file,
        1,
        format!("the first line is `{named}`"),
        format!("write {}", COLUMNS.join(",")),
    ))
}

/// What is wrong with a line, and what to do about it.
type Fault = (String, String);

fn check_line(record: StringRecord) -> Result<Price, Fault> {
    let field = |index: usize| record.get(index).unwrap_or_default();
    for (index, column) in COLUMNS.iter().enumerate() {
        if field(index).is_empty() {
            return Err((
                format!("the {column} is missing"),
                "fill it in, or leave the line out: what has no price is told as not known"
                    .to_owned(),
            ));
        }
    }
    one_of("service", field(0), &SERVICES)?;
    one_of("purchase", field(3), &PURCHASES)?;
    one_of("unit", field(4), &UNITS)?;
    let price: Option<f64> = field(5).parse().ok();
    if !price.is_some_and(|price| price.is_finite() && price >= 0.0) {
        return Err((
            format!("the price `{}` is not a number from 0 on", field(5)),
            "write it as 0.192; leave the line out where it is not known".to_owned(),
        ));
    }
    if field(6) != CURRENCY {
        return Err((
            format!(
                "the price is in {}, and all costs are in {CURRENCY}",
                field(6)
            ),
            format!("convert it to {CURRENCY}"),
        ));
    }
    let valid_from = date("valid_from", field(7))?;
    date("as_of", field(8))?;
    let subject = [0, 1, 2, 3, 4].map(|index| field(index).to_owned());
    Ok(Price {
        subject,
        valid_from,
        record,
    })
}

fn one_of(column: &str, value: &str, known: &[&str]) -> Result<(), Fault> {
    if known.contains(&value) {
        return Ok(());
    }
    Err((
        format!("there is no {column} `{value}`"),
        did_you_mean(value, known.iter().copied()),
    ))
}

fn date(column: &str, value: &str) -> Result<NaiveDate, Fault> {
    NaiveDate::parse_from_str(value, "%Y-%m-%d").map_err(|_| {
        (
            format!("`{value}` in {column} is not a date"),
            "write it as 2026-11-26".to_owned(),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str =
        "service,item,region,purchase,unit,price,currency,valid_from,as_of,source\n";
    const M5: &str =
        "ec2,m5.xlarge,us-east-1,on_demand,instance_hour,0.192,USD,2026-01-01,2026-01-01,list\n";

    fn refused(line: &str) -> String {
        let csv = format!("{HEADER}{M5}{line}\n");
        check("mine.csv", &csv).expect_err("refused").to_string()
    }

    #[test]
    fn prices_of_ones_own_replace_those_of_the_same_thing_on_all_days() {
        let base = format!(
            "{HEADER}{M5}ec2,c5.xlarge,us-east-1,on_demand,instance_hour,0.17,USD,2026-01-01,2026-01-01,list\n"
        );
        let own = format!(
            "{HEADER}# Our contract.\n\
             ec2,m5.xlarge,us-east-1,on_demand,instance_hour,0.15,USD,2026-07-01,2026-07-01,contract\n\
             ec2,m5.xlarge,us-east-1,on_demand,instance_hour,0.16,USD,2025-07-01,2026-07-01,contract\n\
             ec2,m5.xlarge,us-east-1,spot,instance_hour,0.07,USD,2026-07-01,2026-07-01,contract\n"
        );
        let merged = merge("base.csv", &base, "mine.csv", &own).expect("valid");
        let prices: Vec<&str> = merged
            .lines()
            .skip(1)
            .filter_map(|line| line.split(',').nth(5))
            .collect();
        assert_eq!(prices, ["0.17", "0.15", "0.16", "0.07"]);
    }

    #[test]
    fn what_is_wrong_is_told_with_file_line_and_cure() {
        for (line, expected) in [
            (
                "ec2,m5.large,us-east-1,on_demand,instance_hour,,USD,2026-01-01,2026-01-01,x",
                "mine.csv:3: the price is missing; fill it in",
            ),
            (
                "ec2,m5.large,us-east-1,on_demand,instance_hour,-0.1,USD,2026-01-01,2026-01-01,x",
                "mine.csv:3: the price `-0.1` is not a number from 0 on; write it as 0.192",
            ),
            (
                "ec2,m5.large,us-east-1,on_demand,instance_hour,NaN,USD,2026-01-01,2026-01-01,x",
                "mine.csv:3: the price `NaN` is not a number",
            ),
            (
                "ec2,m5.large,eu-west-1,on_demand,instance_hour,0.1,EUR,2026-01-01,2026-01-01,x",
                "mine.csv:3: the price is in EUR, and all costs are in USD; convert it to USD",
            ),
            (
                "ec3,m5.large,us-east-1,on_demand,instance_hour,0.1,USD,2026-01-01,2026-01-01,x",
                "mine.csv:3: there is no service `ec3`; did you mean `ec2`?",
            ),
            (
                "ec2,m5.large,us-east-1,on_demand,instance_hour,0.1,USD,01.01.2026,2026-01-01,x",
                "mine.csv:3: `01.01.2026` in valid_from is not a date",
            ),
            (
                M5.trim_end(),
                "mine.csv:3: the same price is already in line 2",
            ),
            (
                "ec2,m5.large",
                "mine.csv:3: the line does not have the values",
            ),
        ] {
            let told = refused(line);
            assert!(told.starts_with(expected), "{told}");
        }
        let told = check("mine.csv", "type,price\n")
            .expect_err("refused")
            .to_string();
        assert!(
            told.starts_with("mine.csv:1: the first line is `type,price`; write service,"),
            "{told}"
        );
    }
}
