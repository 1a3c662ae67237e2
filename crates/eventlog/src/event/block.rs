//! Blocks: at which level they are kept, and by whom.

use serde::Deserialize;

use super::lenient::or_default;

/// Where blocks are kept.
#[derive(Debug, Clone, Copy, Default, Deserialize, PartialEq, Eq)]
pub struct StorageLevel {
    #[serde(rename = "Use Disk", default, deserialize_with = "or_default")]
    pub use_disk: bool,
    #[serde(rename = "Use Memory", default, deserialize_with = "or_default")]
    pub use_memory: bool,
    #[serde(rename = "Use Off Heap", default, deserialize_with = "or_default")]
    pub use_off_heap: bool,
    #[serde(rename = "Deserialized", default, deserialize_with = "or_default")]
    pub deserialized: bool,
    #[serde(rename = "Replication", default, deserialize_with = "or_default")]
    pub replication: i64,
}

impl StorageLevel {
    /// Whether anything is kept at this level.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        (self.use_memory || self.use_disk) && self.replication > 0
    }

    /// Spark's words for the level, such as `Memory Deserialized 1x Replicated`.
    #[must_use]
    pub fn description(&self) -> String {
        let mut words = String::new();
        if self.use_disk {
            words.push_str("Disk ");
        }
        if self.use_memory {
            words.push_str(if self.use_off_heap {
                "Memory (off heap) "
            } else {
                "Memory "
            });
        }
        words.push_str(if self.deserialized {
            "Deserialized "
        } else {
            "Serialized "
        });
        format!("{words}{}x Replicated", self.replication)
    }
}

/// Which block manager: executor, host and port.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct BlockManagerId {
    #[serde(rename = "Executor ID", default, deserialize_with = "or_default")]
    pub executor_id: String,
    #[serde(rename = "Host", default, deserialize_with = "or_default")]
    pub host: String,
    #[serde(rename = "Port", default, deserialize_with = "or_default")]
    pub port: i64,
}
