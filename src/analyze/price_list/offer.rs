//! An offer file of AWS's price list: products by SKU with their attributes, then the terms on which
//! each is sold.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::io::{BufReader, Read};

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};

/// The currency of all columns of money.
const CURRENCY: &str = "USD";

/// A service with an offer file of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// EC2: instances.
    Ec2,
    /// EMR: its price on top of instances, Serverless, and on EKS.
    Emr,
}

impl Service {
    /// Its code in the price list.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Ec2 => "AmazonEC2",
            Self::Emr => "ElasticMapReduce",
        }
    }
}

/// One price as our price files have it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ListPrice {
    /// Service of the price book: `ec2`, `emr_ec2`, `emr_serverless`, `emr_eks`.
    pub service: &'static str,
    /// Instance type, or the resource of a worker.
    pub item: String,
    /// `instance_hour`, `vcpu_hour` or `gb_hour`.
    pub unit: &'static str,
    /// As the list writes it, without zeros at its end.
    pub price: String,
    /// The day from which it holds, as the list says: `2026-11-01`.
    pub effective: String,
}

/// What an offer file holds for us.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Offer {
    /// Day of its publication.
    pub published: String,
    /// Prices by service and item.
    pub prices: Vec<ListPrice>,
    /// Products without an on-demand price, or with the price 0, which no product of these has.
    pub without_price: Vec<String>,
}

/// Why an offer file is no use.
#[derive(Debug, thiserror::Error)]
pub enum OfferError {
    /// It is not JSON, breaks off, or has another shape.
    #[error("the offer file of {service} is not understood: {problem}; try again, or report it")]
    Shape {
        /// Code of the service.
        service: &'static str,
        /// What is wrong, with line and column.
        problem: String,
    },
    /// A price makes no sense.
    #[error("{service}: {problem}; the price file was not changed")]
    Price {
        /// Code of the service.
        service: &'static str,
        /// Of which product, and what is wrong.
        problem: String,
    },
}

/// Reads an offer file. `wanted` says of which instance types prices are kept.
///
/// # Errors
/// The file is not understood, or one of the wanted prices is negative, in another currency, in two
/// currencies, or there are two of one thing.
pub fn read_offer(
    service: Service,
    from: impl Read,
    wanted: &dyn Fn(&str) -> bool,
) -> Result<Offer, OfferError> {
    let mut deserializer =
        serde_json::Deserializer::from_reader(BufReader::with_capacity(1 << 16, from));
    let file = FileSeed { service, wanted }.deserialize(&mut deserializer);
    let file = file
        .and_then(|file| deserializer.end().map(|()| file))
        .map_err(|error| OfferError::Shape {
            service: service.code(),
            problem: error.to_string(),
        })?;
    file.offer(service)
}

/// A product that is wanted.
#[derive(Debug)]
struct Product {
    service: &'static str,
    item: String,
    unit: &'static str,
}

/// What is kept of a file while it is read.
#[derive(Debug, Default)]
struct File {
    published: String,
    products: HashMap<String, Product>,
    terms: HashMap<String, Vec<Term>>,
}

impl File {
    fn offer(mut self, service: Service) -> Result<Offer, OfferError> {
        let mut found: BTreeMap<(&'static str, String), ListPrice> = BTreeMap::new();
        let mut without_price = Vec::new();
        let wrong = |problem: String| OfferError::Price {
            service: service.code(),
            problem,
        };
        for (sku, product) in self.products {
            let name = format!("{} {}", product.service, product.item);
            let terms = self.terms.remove(&sku).unwrap_or_default();
            let Some((price, effective)) = price_of(&terms)
                .map_err(|problem| wrong(format!("{name} (SKU {sku}): {problem}")))?
            else {
                without_price.push(name);
                continue;
            };
            let key = (product.service, product.item.clone());
            let price = ListPrice {
                service: product.service,
                item: product.item,
                unit: product.unit,
                price,
                effective,
            };
            if let Some(other) = found.get(&key)
                && other.price != price.price
            {
                return Err(wrong(format!(
                    "{name} has two prices, {} and {}",
                    other.price, price.price
                )));
            }
            found.insert(key, price);
        }
        without_price.sort_unstable();
        Ok(Offer {
            published: self.published,
            prices: found.into_values().collect(),
            without_price,
        })
    }
}

/// The terms of one offer of a product.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Term {
    #[serde(default)]
    effective_date: String,
    #[serde(default)]
    price_dimensions: BTreeMap<String, Dimension>,
}

/// A price of a term: one, unless it falls with the quantity.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Dimension {
    #[serde(default)]
    unit: String,
    #[serde(default)]
    begin_range: String,
    #[serde(default)]
    price_per_unit: BTreeMap<String, String>,
}

/// The price of the first unit and its first day; `None` where there is none.
fn price_of(terms: &[Term]) -> Result<Option<(String, String)>, String> {
    let newest = terms
        .iter()
        .max_by(|left, right| left.effective_date.cmp(&right.effective_date));
    let Some(term) = newest else {
        return Ok(None);
    };
    let first = term
        .price_dimensions
        .values()
        .find(|dimension| matches!(dimension.begin_range.as_str(), "0" | ""));
    let Some(dimension) = first else {
        return Ok(None);
    };
    let currencies: Vec<&str> = dimension
        .price_per_unit
        .keys()
        .map(String::as_str)
        .collect();
    let price = match currencies.as_slice() {
        [] => return Err("the price is missing".to_owned()),
        [CURRENCY] => dimension
            .price_per_unit
            .get(CURRENCY)
            .map_or("", String::as_str),
        [other] => {
            return Err(format!(
                "the price is in {other}, and all costs are in {CURRENCY}"
            ));
        }
        several => {
            return Err(format!(
                "the price is in {}: it is not known which of them is paid",
                several.join(" and ")
            ));
        }
    };
    let number: Option<f64> = price.parse().ok().filter(|number: &f64| number.is_finite());
    match number {
        None => Err(format!("the price `{price}` is not a number")),
        Some(number) if number < 0.0 => Err(format!("the price {price} is negative")),
        Some(0.0) => Ok(None),
        Some(_) if !is_by_hour(&dimension.unit) => Err(format!(
            "the price is for one `{}`, not for an hour",
            dimension.unit
        )),
        Some(_) => {
            let day = term.effective_date.get(..10).unwrap_or_default().to_owned();
            Ok(Some((short(price), day)))
        }
    }
}

fn is_by_hour(unit: &str) -> bool {
    let unit = unit.to_ascii_lowercase();
    unit.contains("hr") || unit.contains("hour")
}

/// The same number without zeros at its end.
fn short(price: &str) -> String {
    match price.contains('.') {
        true => price.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => price.to_owned(),
    }
}

/// A product as the list has it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawProduct {
    #[serde(default)]
    product_family: String,
    #[serde(default)]
    attributes: HashMap<String, String>,
}

impl RawProduct {
    fn attribute(&self, name: &str) -> &str {
        self.attributes.get(name).map_or("", String::as_str)
    }

    /// What it is in a price file, if it is in there.
    fn wanted(&self, service: Service, wanted: &dyn Fn(&str) -> bool) -> Option<Product> {
        match service {
            Service::Ec2 => self.instance(wanted),
            Service::Emr => self
                .emr_instance(wanted)
                .or_else(|| self.serverless())
                .or_else(|| self.on_eks()),
        }
    }

    /// A Linux instance on shared hardware, bought as one goes.
    fn instance(&self, wanted: &dyn Fn(&str) -> bool) -> Option<Product> {
        let is_it = self.product_family.starts_with("Compute Instance")
            && self.attribute("operatingSystem") == "Linux"
            && self.attribute("tenancy") == "Shared"
            && self.attribute("preInstalledSw") == "NA"
            && self.attribute("capacitystatus") == "Used"
            && matches!(self.attribute("marketoption"), "" | "OnDemand");
        let item = self.attribute("instanceType");
        (is_it && wanted(item)).then(|| Product {
            service: "ec2",
            item: item.to_owned(),
            unit: "instance_hour",
        })
    }

    fn emr_instance(&self, wanted: &dyn Fn(&str) -> bool) -> Option<Product> {
        let item = self.attribute("instanceType");
        (self.attribute("softwareType") == "EMR" && wanted(item)).then(|| Product {
            service: "emr_ec2",
            item: item.to_owned(),
            unit: "instance_hour",
        })
    }

    /// A worker of EMR Serverless with an x86 processor.
    fn serverless(&self) -> Option<Product> {
        let usage = self.attribute("usagetype").to_ascii_uppercase();
        let (item, unit) = match self.attribute("meterunit") {
            "CPUHours" => ("vcpu", "vcpu_hour"),
            "GBHours" => ("memory", "gb_hour"),
            "StorageGBHours" => ("storage", "gb_hour"),
            _ => return None,
        };
        usage.contains("SERVERLESS").then(|| Product {
            service: "emr_serverless",
            item: item.to_owned(),
            unit,
        })
    }

    /// Pods of EMR on EKS on instances.
    fn on_eks(&self) -> Option<Product> {
        if !self
            .attribute("computeprovider")
            .eq_ignore_ascii_case("EC2")
        {
            return None;
        }
        let usage = self.attribute("usagetype").to_ascii_lowercase();
        let (item, unit) = if usage.contains("cpu") {
            ("vcpu", "vcpu_hour")
        } else if usage.contains("gb") || usage.contains("memory") {
            ("memory", "gb_hour")
        } else {
            return None;
        };
        Some(Product {
            service: "emr_eks",
            item: item.to_owned(),
            unit,
        })
    }
}

/// Reads a file, keeping what is wanted.
#[derive(Clone, Copy)]
struct FileSeed<'w> {
    service: Service,
    wanted: &'w dyn Fn(&str) -> bool,
}

impl<'de> DeserializeSeed<'de> for FileSeed<'_> {
    type Value = File;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<File, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for FileSeed<'_> {
    type Value = File;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an offer file")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<File, M::Error> {
        let mut file = File::default();
        let (mut has_products, mut has_terms) = (false, false);
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "offerCode" => {
                    let code: String = map.next_value()?;
                    if code != self.service.code() {
                        let problem = format!("it is that of {code}");
                        return Err(M::Error::custom(problem));
                    }
                }
                "publicationDate" => {
                    let date: String = map.next_value()?;
                    file.published = date.get(..10).unwrap_or_default().to_owned();
                }
                "products" => {
                    has_products = true;
                    map.next_value_seed(Products {
                        seed: self,
                        into: &mut file.products,
                    })?;
                }
                // The list has products first: terms of what is not wanted are passed over.
                "terms" if has_products => {
                    has_terms = true;
                    map.next_value_seed(Terms {
                        of: &file.products,
                        into: &mut file.terms,
                    })?;
                }
                "terms" => return Err(M::Error::custom("`terms` come before `products`")),
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        if !(has_products && has_terms) {
            return Err(M::Error::custom("`products` or `terms` are missing"));
        }
        Ok(file)
    }
}

/// `products`: SKU → product.
struct Products<'w, 'f> {
    seed: FileSeed<'w>,
    into: &'f mut HashMap<String, Product>,
}

/// `terms.OnDemand`: SKU → offer → term.
struct Terms<'f> {
    of: &'f HashMap<String, Product>,
    into: &'f mut HashMap<String, Vec<Term>>,
}

/// The map of terms of one kind.
struct TermsOfKind<'t, 'f>(&'t mut Terms<'f>);

macro_rules! reads_a_map {
    ($type:ty, $what:literal) => {
        impl<'de> DeserializeSeed<'de> for $type {
            type Value = ();

            fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
                deserializer.deserialize_map(MapOf(self, $what))
            }
        }
    };
}

/// Visits the entries of a map.
struct MapOf<T>(T, &'static str);

/// What is done with the entries of a map.
trait Entries {
    fn read<'de, M: MapAccess<'de>>(&mut self, key: String, map: &mut M) -> Result<(), M::Error>;
}

impl<'de, T: Entries> Visitor<'de> for MapOf<T> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.1)
    }

    fn visit_map<M: MapAccess<'de>>(mut self, mut map: M) -> Result<(), M::Error> {
        while let Some(key) = map.next_key::<String>()? {
            self.0.read(key, &mut map)?;
        }
        Ok(())
    }
}

reads_a_map!(Products<'_, '_>, "products by SKU");
reads_a_map!(Terms<'_>, "terms by kind");
reads_a_map!(TermsOfKind<'_, '_>, "terms by SKU");

impl Entries for Products<'_, '_> {
    fn read<'de, M: MapAccess<'de>>(&mut self, key: String, map: &mut M) -> Result<(), M::Error> {
        let product: RawProduct = map.next_value()?;
        if let Some(product) = product.wanted(self.seed.service, self.seed.wanted) {
            self.into.insert(key, product);
        }
        Ok(())
    }
}

impl Entries for Terms<'_> {
    fn read<'de, M: MapAccess<'de>>(&mut self, key: String, map: &mut M) -> Result<(), M::Error> {
        if key == "OnDemand" {
            return map.next_value_seed(TermsOfKind(self));
        }
        map.next_value::<IgnoredAny>().map(drop)
    }
}

impl Entries for TermsOfKind<'_, '_> {
    fn read<'de, M: MapAccess<'de>>(&mut self, key: String, map: &mut M) -> Result<(), M::Error> {
        if !self.0.of.contains_key(&key) {
            return map.next_value::<IgnoredAny>().map(drop);
        }
        let terms: BTreeMap<String, Term> = map.next_value()?;
        self.0.into.insert(key, terms.into_values().collect());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// An offer file of the shape of AWS's, with one instance that is sold at `price_per_unit`.
    fn ec2(price_per_unit: serde_json::Value) -> String {
        let instance = |tenancy: &str, kind: &str| {
            json!({
                "sku": "A1", "productFamily": "Compute Instance",
                "attributes": {
                    "servicecode": "AmazonEC2", "instanceType": kind, "operatingSystem": "Linux",
                    "tenancy": tenancy, "preInstalledSw": "NA", "capacitystatus": "Used",
                    "marketoption": "OnDemand", "regionCode": "eu-west-1"
                }
            })
        };
        json!({
            "formatVersion": "v1.0", "disclaimer": "…", "offerCode": "AmazonEC2", "version": "1",
            "publicationDate": "2026-11-20T17:00:00Z",
            "products": {
                "A1": instance("Shared", "m5.xlarge"),
                "A2": instance("Dedicated", "m5.xlarge"),
                "A3": instance("Shared", "x99.huge"),
                "A4": instance("Shared", "r5.xlarge"),
            },
            "terms": {
                "OnDemand": {
                    "A1": {"A1.T": {
                        "offerTermCode": "T", "sku": "A1", "effectiveDate": "2026-11-01T00:00:00Z",
                        "priceDimensions": {"A1.T.D": {
                            "unit": "Hrs", "beginRange": "0", "endRange": "Inf",
                            "pricePerUnit": price_per_unit
                        }}
                    }},
                    "A2": {"A2.T": {"effectiveDate": "2026-11-01T00:00:00Z", "priceDimensions": {
                        "A2.T.D": {"unit": "Hrs", "pricePerUnit": {"USD": "9"}}
                    }}}
                },
                "Reserved": {"A1": {"A1.R": {"nested": [1, {"deep": true}]}}}
            }
        })
        .to_string()
    }

    fn read(text: &str) -> Result<Offer, OfferError> {
        read_offer(Service::Ec2, text.as_bytes(), &|item| item != "x99.huge")
    }

    #[test]
    fn the_on_demand_price_of_a_shared_linux_instance_is_read_and_nothing_else() {
        let offer = read(&ec2(json!({"USD": "0.2140000000"}))).expect("an offer");
        assert_eq!(offer.published, "2026-11-20");
        assert_eq!(
            offer.prices,
            [ListPrice {
                service: "ec2",
                item: "m5.xlarge".to_owned(),
                unit: "instance_hour",
                price: "0.214".to_owned(),
                effective: "2026-11-01".to_owned(),
            }]
        );
        assert_eq!(offer.without_price, ["ec2 r5.xlarge"]);
    }

    #[test]
    fn a_price_that_makes_no_sense_is_told_with_its_product() {
        for (price, expected) in [
            (
                json!({"USD": "-0.1"}),
                "ec2 m5.xlarge (SKU A1): the price -0.1 is negative",
            ),
            (json!({}), "ec2 m5.xlarge (SKU A1): the price is missing"),
            (
                json!({"CNY": "1.5"}),
                "the price is in CNY, and all costs are in USD",
            ),
            (
                json!({"CNY": "1.5", "USD": "0.2"}),
                "the price is in CNY and USD: it is not known which",
            ),
            (json!({"USD": "NaN"}), "the price `NaN` is not a number"),
            (json!({"USD": "a lot"}), "the price `a lot` is not a number"),
        ] {
            let told = read(&ec2(price)).expect_err("refused").to_string();
            assert!(told.contains(expected), "{told}");
            assert!(told.ends_with("the price file was not changed"), "{told}");
        }
    }

    #[test]
    fn a_file_that_is_cut_or_another_is_told_as_such() {
        let whole = ec2(json!({"USD": "0.2"}));
        for cut in [0, 1, whole.len() / 3, whole.len() - 1] {
            let told = read(&whole[..cut]).expect_err("cut").to_string();
            assert!(told.contains("AmazonEC2 is not understood"), "{told}");
        }
        let other = whole.replace("\"offerCode\":\"AmazonEC2\"", "\"offerCode\":\"AmazonS3\"");
        let told = read(&other).expect_err("another").to_string();
        assert!(told.contains("it is that of AmazonS3"), "{told}");
        assert!(read("{}").is_err());
        assert!(read("[1]").is_err());
    }

    #[test]
    fn emr_has_prices_of_instances_serverless_workers_and_pods() {
        let product = |attributes: serde_json::Value| json!({"attributes": attributes});
        let term = |price: &str, unit: &str| {
            json!({"T": {"effectiveDate": "2026-06-01T00:00:00Z", "priceDimensions": {
                "D": {"unit": unit, "beginRange": "0", "pricePerUnit": {"USD": price}}
            }}})
        };
        let text = json!({
            "offerCode": "ElasticMapReduce", "publicationDate": "2026-11-20T00:00:00Z",
            "products": {
                "I": product(json!({"softwareType": "EMR", "instanceType": "m5.xlarge"})),
                "C": product(json!({"usagetype": "EUW1-EMR-SERVERLESS-vCPUHours", "meterunit": "CPUHours"})),
                "M": product(json!({"usagetype": "EUW1-EMR-SERVERLESS-GBHours", "meterunit": "GBHours"})),
                "A": product(json!({"usagetype": "EUW1-EMR-SERVERLESS-ARM", "meterunit": "ARMCPUHours"})),
                "K": product(json!({"usagetype": "EUW1-EMR-EKS-EC2-vCPUHours", "computeprovider": "EC2"})),
                "F": product(json!({"usagetype": "EUW1-EMR-EKS-FARGATE-vCPUHours", "computeprovider": "FARGATE"})),
            },
            "terms": {"OnDemand": {
                "I": term("0.048", "Hrs"), "C": term("0.052624", "Hours"), "M": term("0.0057785", "GB-Hours"),
                "A": term("0.04", "Hours"), "K": term("0.01012", "vCPU-Hours"), "F": term("0.02", "Hours"),
            }}
        })
        .to_string();
        let offer = read_offer(Service::Emr, text.as_bytes(), &|_| true).expect("an offer");
        let found: Vec<(&str, &str, &str)> = offer
            .prices
            .iter()
            .map(|price| (price.service, price.item.as_str(), price.price.as_str()))
            .collect();
        assert_eq!(
            found,
            [
                ("emr_ec2", "m5.xlarge", "0.048"),
                ("emr_eks", "vcpu", "0.01012"),
                ("emr_serverless", "memory", "0.0057785"),
                ("emr_serverless", "vcpu", "0.052624"),
            ]
        );
    }
}
