//! moto, which is somebody else's idea of AWS. `SPARKLAKE_MOTO_SERVER` names its program.

use std::collections::HashMap;
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use object_store::ObjectStoreExt;
use object_store::path::Path;

/// A moto server; ends with the test.
pub(crate) struct Moto {
    process: Child,
    pub endpoint: String,
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Moto {
    /// Starts it.
    pub(crate) async fn start() -> Self {
        let program = std::env::var_os("SPARKLAKE_MOTO_SERVER")
            .expect("SPARKLAKE_MOTO_SERVER must name a moto_server");
        let free = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = free.local_addr().expect("an address").port();
        drop(free);
        let process = Command::new(program)
            .args(["-H", "127.0.0.1", "-p", &port.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("moto starts");
        let moto = Self {
            process,
            endpoint: format!("http://127.0.0.1:{port}"),
        };
        for _ in 0..600 {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return moto;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("moto does not answer");
    }

    /// Settings by which its S3 is reached, but for keys.
    pub(crate) fn storage_options(&self) -> HashMap<String, String> {
        [
            ("aws_endpoint", self.endpoint.as_str()),
            ("allow_http", "true"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
    }

    /// Makes a bucket with these objects, each a line of an event log.
    pub(crate) async fn fill(&self, bucket: &str, objects: &[String]) {
        let created = reqwest::Client::new()
            .put(format!("{}/{bucket}", self.endpoint))
            .header("host", "s3.amazonaws.com")
            .header("content-length", "0")
            .send()
            .await
            .expect("an answer");
        assert!(created.status().is_success(), "{created:?}");
        let mut options = self.storage_options();
        for (name, value) in [
            ("aws_access_key_id", "AKIAEXAMPLE"),
            ("aws_secret_access_key", "any"),
            ("aws_region", "us-east-1"),
        ] {
            options.insert(name.to_owned(), value.to_owned());
        }
        let url = url::Url::parse(&format!("s3://{bucket}")).expect("an address");
        let (store, _) = object_store::parse_url_opts(&url, options).expect("a store");
        for object in objects {
            let line = "{\"Event\":\"SparkListenerLogStart\"}\n";
            let path = Path::from(object.as_str());
            store.put(&path, line.into()).await.expect("stored");
        }
    }
}
