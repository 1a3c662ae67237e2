//! `prices refresh` against a double of AWS's public price list: its addresses and the shape of its
//! files.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use serde_json::{Value, json};

use super::context::TestContext;

/// Serves files by their path.
fn serve(files: BTreeMap<String, String>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            answer(stream, &files);
        }
    });
    format!("http://{address}/")
}

fn answer(mut stream: TcpStream, files: &BTreeMap<String, String>) {
    let mut lines = BufReader::new(stream.try_clone().expect("a stream")).lines();
    let first = lines.next().and_then(Result::ok).unwrap_or_default();
    for line in lines {
        if line.is_ok_and(|line| line.is_empty()) {
            break;
        }
    }
    let path = first.split(' ').nth(1).unwrap_or_default();
    let (status, body) = match files.get(path) {
        Some(body) => ("200 OK", body.as_str()),
        None => ("403 Forbidden", "AccessDenied"),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/octet-stream\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    // Who hung up does not want it.
    let _ = stream.write_all(head.as_bytes());
    let _ = stream.write_all(body.as_bytes());
}

fn path(service: &str, region: &str) -> String {
    format!("/offers/v1.0/aws/{service}/current/{region}/index.json")
}

fn offer(code: &str, products: &[(&str, Value, Value)]) -> String {
    let mut of_sku = serde_json::Map::new();
    let mut terms = serde_json::Map::new();
    for (sku, attributes, price) in products {
        let product = json!({
            "sku": sku, "productFamily": "Compute Instance", "attributes": attributes
        });
        of_sku.insert((*sku).to_owned(), product);
        let term = json!({format!("{sku}.JRTCKXETXF"): {
            "offerTermCode": "JRTCKXETXF", "sku": sku, "effectiveDate": "2026-11-01T00:00:00Z",
            "priceDimensions": {format!("{sku}.JRTCKXETXF.6YS6EN2CT7"): {
                "rateCode": format!("{sku}.JRTCKXETXF.6YS6EN2CT7"), "unit": "Hrs",
                "beginRange": "0", "endRange": "Inf", "pricePerUnit": price
            }},
            "termAttributes": {}
        }});
        terms.insert((*sku).to_owned(), term);
    }
    json!({
        "formatVersion": "v1.0", "disclaimer": "for use in tests", "offerCode": code, "version": "1",
        "publicationDate": "2026-11-20T17:00:00Z", "products": of_sku,
        "terms": {"OnDemand": terms}, "attributesList": {}
    })
    .to_string()
}

fn instance(kind: &str) -> Value {
    json!({
        "servicecode": "AmazonEC2", "instanceType": kind, "operatingSystem": "Linux",
        "tenancy": "Shared", "preInstalledSw": "NA", "capacitystatus": "Used",
        "marketoption": "OnDemand"
    })
}

/// The price list of one region, where an m5.xlarge costs this.
fn list(region: &str, m5: Value) -> BTreeMap<String, String> {
    let emr = json!({"softwareType": "EMR", "instanceType": "m5.xlarge"});
    BTreeMap::from([
        (
            path("AmazonEC2", region),
            offer(
                "AmazonEC2",
                &[
                    ("AAA", instance("m5.xlarge"), m5),
                    ("BBB", instance("u-99tb9.huge"), json!({"USD": "99"})),
                ],
            ),
        ),
        (
            path("ElasticMapReduce", region),
            offer(
                "ElasticMapReduce",
                &[("CCC", emr, json!({"USD": "0.0480000000"}))],
            ),
        ),
    ])
}

#[test]
fn current_prices_become_dated_rows_that_the_job_file_takes_and_a_contract_wins_over() {
    let context = TestContext::new();
    let url = serve(list("eu-west-1", json!({"USD": "0.2140000000"})));
    let refresh = [
        "prices",
        "refresh",
        "--region",
        "eu-west-1",
        "--url",
        &url,
        "--out",
        "aws.csv",
    ];
    let ended = context.run(&refresh);
    assert_eq!(ended.code, 0, "{ended:?}");
    let told: Value = serde_json::from_str(&ended.out).expect("a line of JSON");
    assert_eq!(
        (&told["added"], &told["changed"]),
        (&json!(2), &json!(0)),
        "{told}"
    );
    assert_eq!(told["published"], "2026-11-20");
    let csv = std::fs::read_to_string(context.path().join("aws.csv")).expect("written");
    assert!(
        csv.contains("\nec2,m5.xlarge,eu-west-1,on_demand,instance_hour,0.214,USD,2026-11-01,"),
        "{csv}"
    );
    assert!(
        csv.contains("\nemr_ec2,m5.xlarge,eu-west-1,on_demand,instance_hour,0.048,USD,2026-11-01,"),
        "{csv}"
    );
    assert!(!csv.contains("huge"), "only what the book knows: {csv}");

    // The same prices again change none.
    let again: Value = serde_json::from_str(&context.run(&refresh).out).expect("JSON");
    assert_eq!(
        (&again["added"], &again["same"]),
        (&json!(0), &json!(2)),
        "{again}"
    );

    // A price of one's own goes before.
    let own = csv.lines().next().expect("a header").to_owned()
        + "\nec2,m5.xlarge,eu-west-1,on_demand,instance_hour,0.15,USD,2026-01-01,2026-01-01,contract\n";
    context.file("contract.csv", &own);
    context.file(
        "job.toml",
        "[rules]\nprices = [\"aws.csv\", \"contract.csv\"]\n[lake]\nuri = \"lake\"\n",
    );
    std::fs::create_dir(context.path().join("logs")).expect("made");
    let made = context.run(&["-q", "run", "job.toml", "--event-logs", "logs"]);
    assert_eq!(made.code, 0, "{made:?}");
    let asked = context.run(&[
        "sql", "--job-file", "job.toml", "--format", "ndjson",
        "SELECT price FROM ref_prices WHERE item = 'm5.xlarge' AND region = 'eu-west-1' AND service = 'ec2'",
    ]);
    assert_eq!(asked.out, "{\"price\":0.15}\n", "{}", asked.err);
}

#[test]
fn a_price_list_that_makes_no_sense_leaves_the_price_file_as_it_was() {
    let context = TestContext::new();
    let before = "service,item,region,purchase,unit,price,currency,valid_from,as_of,source\n";
    context.file("aws.csv", before);
    for (price, sentence) in [
        (
            json!({"USD": "-1"}),
            "eu-west-1: AmazonEC2: ec2 m5.xlarge (SKU AAA): the price -1 is negative",
        ),
        (json!({}), "the price is missing"),
        (
            json!({"USD": "0.2", "CNY": "1.4"}),
            "the price is in CNY and USD",
        ),
        (
            json!({"EUR": "0.2"}),
            "the price is in EUR, and all costs are in USD",
        ),
    ] {
        let url = serve(list("eu-west-1", price));
        let ended = context.run(&[
            "prices",
            "refresh",
            "--region",
            "eu-west-1",
            "--url",
            &url,
            "-o",
            "aws.csv",
        ]);
        assert_eq!(ended.code, 1, "{ended:?}");
        assert!(ended.err.contains(sentence), "{}", ended.err);
        let after = std::fs::read_to_string(context.path().join("aws.csv")).expect("there");
        assert_eq!(after, before);
    }
    let url = serve(list("eu-west-1", json!({"USD": "0.2"})));
    let unknown = context.run(&["prices", "refresh", "--region", "eu-west-9", "--url", &url]);
    assert_eq!(unknown.code, 2, "{unknown:?}");
    assert!(
        unknown
            .err
            .contains("no price list of a region `eu-west-9`"),
        "{}",
        unknown.err
    );
    assert!(!context.path().join("aws-prices.csv").exists());
}
