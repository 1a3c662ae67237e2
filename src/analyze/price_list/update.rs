//! A price file after a look at the price list: prices that changed are further rows with their first
//! day, so that older runs keep the prices of their time.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use csv::{StringRecord, WriterBuilder};

use super::Book;
use super::offer::ListPrice;
use crate::analyze::error::CatalogError;
use crate::analyze::prices::{COLUMNS, Price, parse};

/// What a look at the price list changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Update {
    /// The new price file.
    pub csv: String,
    /// Prices that were not known.
    pub added: usize,
    /// Prices that are others than before.
    pub changed: usize,
    /// Prices that are as before.
    pub same: usize,
}

/// The price file `own` (none yet: `None`) with the prices `found` in a region of AWS on a day. Where
/// `own` does not know a price, that of the built-in book is what it was before.
///
/// # Errors
/// One of the files makes no sense; names it and the line.
pub fn update(
    book: &Book,
    own: Option<(&str, &str)>,
    region: &str,
    found: &[ListPrice],
    source: &str,
    today: NaiveDate,
) -> Result<Update, CatalogError> {
    let mut known = by_subject(parse(&book.file, &book.csv)?);
    let mut file = match own {
        Some((name, csv)) => by_subject(parse(name, csv)?),
        None => BTreeMap::new(),
    };
    let mut update = Update::default();
    for price in found {
        let subject =
            [price.service, &price.item, region, "on_demand", price.unit].map(str::to_owned);
        let rows = match file.remove(&subject) {
            Some(rows) => rows,
            None => known.remove(&subject).unwrap_or_default(),
        };
        let rows = update.rows(rows, &subject, price, source, today);
        file.insert(subject, rows);
    }
    let written = |error: csv::Error| {
        CatalogError::new(
            "prices",
            1,
            error.to_string(),
            "report it with the command that was given",
        )
    };
    let mut writer = WriterBuilder::new().from_writer(Vec::new());
    writer.write_record(COLUMNS).map_err(written)?;
    for row in file.values().flatten() {
        writer.write_record(row).map_err(written)?;
    }
    let bytes = writer.into_inner().unwrap_or_default();
    update.csv = String::from_utf8_lossy(&bytes).into_owned();
    Ok(update)
}

/// The rows of each subject, the oldest first.
fn by_subject(prices: Vec<Price>) -> BTreeMap<[String; 5], Vec<StringRecord>> {
    let mut prices = prices;
    prices.sort_by_key(|price| price.valid_from);
    let mut rows: BTreeMap<[String; 5], Vec<StringRecord>> = BTreeMap::new();
    for price in prices {
        rows.entry(price.subject).or_default().push(price.record);
    }
    rows
}

impl Update {
    /// The rows of one subject with the price as it is now.
    fn rows(
        &mut self,
        mut rows: Vec<StringRecord>,
        subject: &[String; 5],
        price: &ListPrice,
        source: &str,
        today: NaiveDate,
    ) -> Vec<StringRecord> {
        let today = today.to_string();
        let row = |valid_from: &str| {
            let mut row: Vec<&str> = subject.iter().map(String::as_str).collect();
            row.extend([
                price.price.as_str(),
                "USD",
                valid_from,
                today.as_str(),
                source,
            ]);
            StringRecord::from(row)
        };
        let Some(last) = rows.pop() else {
            self.added += 1;
            let from = day(&price.effective).unwrap_or(&today);
            return vec![row(from)];
        };
        let valid_from = last.get(7).unwrap_or_default().to_owned();
        if number(last.get(5)) == number(Some(&price.price)) {
            self.same += 1;
            rows.push(row(&valid_from));
            return rows;
        }
        self.changed += 1;
        // The list may say that it has held since before the old price was looked up.
        let from = day(&price.effective)
            .filter(|effective| *effective > valid_from.as_str())
            .unwrap_or(&today)
            .to_owned();
        if from != valid_from {
            rows.push(last);
        }
        rows.push(row(&from));
        rows
    }
}

fn number(price: Option<&str>) -> Option<f64> {
    price.and_then(|price| price.parse().ok())
}

/// The day, if it is one.
fn day(text: &str) -> Option<&str> {
    NaiveDate::parse_from_str(text, "%Y-%m-%d")
        .is_ok()
        .then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOOK: &str = "service,item,region,purchase,unit,price,currency,valid_from,as_of,source\n\
        ec2,m5.xlarge,us-east-1,on_demand,instance_hour,0.192,USD,2026-07-20,2026-07-20,list\n\
        ec2,r5.xlarge,us-east-1,on_demand,instance_hour,0.252,USD,2026-07-20,2026-07-20,list\n";

    fn book() -> Book {
        Book {
            file: "book.csv".to_owned(),
            csv: BOOK.to_owned(),
            ..Book::default()
        }
    }

    fn price(item: &str, price: &str) -> ListPrice {
        ListPrice {
            service: "ec2",
            item: item.to_owned(),
            unit: "instance_hour",
            price: price.to_owned(),
            effective: "2026-11-01".to_owned(),
        }
    }

    fn updated(own: Option<&str>, found: &[ListPrice], day: &str) -> Update {
        let today = day.parse().expect("a day");
        let own = own.map(|csv| ("own.csv", csv));
        update(&book(), own, "us-east-1", found, "AWS", today).expect("valid")
    }

    #[test]
    fn a_price_that_changed_is_another_row_and_the_old_one_keeps_its_days() {
        let found = [
            price("m5.xlarge", "0.2"),
            price("r5.xlarge", "0.2520"),
            price("m9.xlarge", "0.3"),
        ];
        let first = updated(None, &found, "2026-11-26");
        assert_eq!((first.added, first.changed, first.same), (1, 1, 1));
        assert_eq!(
            first.csv,
            "service,item,region,purchase,unit,price,currency,valid_from,as_of,source\n\
             ec2,m5.xlarge,us-east-1,on_demand,instance_hour,0.192,USD,2026-07-20,2026-07-20,list\n\
             ec2,m5.xlarge,us-east-1,on_demand,instance_hour,0.2,USD,2026-11-01,2026-11-26,AWS\n\
             ec2,m9.xlarge,us-east-1,on_demand,instance_hour,0.3,USD,2026-11-01,2026-11-26,AWS\n\
             ec2,r5.xlarge,us-east-1,on_demand,instance_hour,0.2520,USD,2026-07-20,2026-11-26,AWS\n"
        );
        // The same prices the next day change nothing but the day of the look.
        let second = updated(Some(&first.csv), &found, "2026-11-27");
        assert_eq!((second.added, second.changed, second.same), (0, 0, 3));
        assert_eq!(second.csv.matches("0.192").count(), 1);
        // A change that the list dates before the last one begins today.
        let third = updated(
            Some(&second.csv),
            &[price("m5.xlarge", "0.21")],
            "2026-12-01",
        );
        assert!(
            third.csv.contains("0.21,USD,2026-12-01,2026-12-01,AWS"),
            "{}",
            third.csv
        );
        assert!(
            third.csv.contains("m9.xlarge"),
            "what was not looked up stays"
        );
    }

    #[test]
    fn a_file_with_a_mistake_is_named_with_its_line() {
        let own = "service,item,region,purchase,unit,price,currency,valid_from,as_of,source\n\
                   ec2,m5.xlarge,us-east-1,on_demand,instance_hour,-1,USD,2026-07-20,2026-07-20,x\n";
        let today = "2026-11-26".parse().expect("a day");
        let told = update(
            &book(),
            Some(("own.csv", own)),
            "us-east-1",
            &[],
            "AWS",
            today,
        )
        .expect_err("refused")
        .to_string();
        assert!(told.starts_with("own.csv:2: the price `-1`"), "{told}");
    }
}
