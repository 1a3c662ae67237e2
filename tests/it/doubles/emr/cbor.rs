//! As much of CBOR as the SDK's requests to CloudWatch and their answers need.

use serde_json::{Map, Value, json};

/// Reads one value. Tags are dropped; what is no JSON becomes `null`.
pub(super) fn decode(bytes: &[u8]) -> Value {
    Reader { bytes, at: 0 }.value().unwrap_or(Value::Null)
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// Ends arrays and maps whose length is not told.
const BREAK: u8 = 0xff;

impl Reader<'_> {
    fn value(&mut self) -> Option<Value> {
        let first = self.byte()?;
        let (major, info) = (first >> 5, first & 0x1f);
        match major {
            0 => Some(json!(self.length(info)?)),
            1 => Some(json!(-1 - i64::try_from(self.length(info)?).ok()?)),
            2 | 3 => {
                let length = usize::try_from(self.length(info)?).ok()?;
                let text = self.take(length)?;
                Some(json!(String::from_utf8_lossy(text)))
            }
            4 => self.items(info).map(Value::Array),
            5 => {
                let doubled = (info != 31).then(|| self.length(info)).flatten();
                let mut map = Map::new();
                let mut left = doubled.unwrap_or(u64::MAX);
                while left > 0 && !self.ends() {
                    let key = self.value()?.as_str()?.to_owned();
                    map.insert(key, self.value()?);
                    left -= 1;
                }
                Some(Value::Object(map))
            }
            6 => {
                self.length(info)?;
                self.value()
            }
            _ => self.simple(info),
        }
    }

    fn items(&mut self, info: u8) -> Option<Vec<Value>> {
        let mut left = if info == 31 {
            u64::MAX
        } else {
            self.length(info)?
        };
        let mut items = Vec::new();
        while left > 0 && !self.ends() {
            items.push(self.value()?);
            left -= 1;
        }
        Some(items)
    }

    /// Whether a list of unknown length ends here; its end is passed over.
    fn ends(&mut self) -> bool {
        let ends = self.bytes.get(self.at) == Some(&BREAK);
        self.at += usize::from(ends);
        ends
    }

    fn simple(&mut self, info: u8) -> Option<Value> {
        match info {
            20 => Some(json!(false)),
            21 => Some(json!(true)),
            26 => Some(json!(f32::from_be_bytes(self.take(4)?.try_into().ok()?))),
            27 => Some(json!(f64::from_be_bytes(self.take(8)?.try_into().ok()?))),
            _ => Some(Value::Null),
        }
    }

    fn length(&mut self, info: u8) -> Option<u64> {
        let bytes = match info {
            0..=23 => return Some(u64::from(info)),
            24..=27 => 1 << (info - 24),
            _ => return None,
        };
        let digits = self.take(bytes)?;
        Some(digits.iter().fold(0, |n, digit| n << 8 | u64::from(*digit)))
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|bytes| bytes[0])
    }

    fn take(&mut self, count: usize) -> Option<&[u8]> {
        let taken = self.bytes.get(self.at..self.at + count)?;
        self.at += count;
        Some(taken)
    }
}

/// Writes a value; numbers of lists called `Timestamps` are tagged as times.
pub(super) fn encode(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    write(value, false, &mut out);
    out
}

fn write(value: &Value, are_times: bool, out: &mut Vec<u8>) {
    match value {
        Value::Object(map) => {
            head(5, map.len(), out);
            for (key, value) in map {
                write(&json!(key), false, out);
                write(value, key == "Timestamps", out);
            }
        }
        Value::Array(items) => {
            head(4, items.len(), out);
            items.iter().for_each(|item| write(item, are_times, out));
        }
        Value::String(text) => {
            head(3, text.len(), out);
            out.extend(text.as_bytes());
        }
        Value::Number(number) => {
            if are_times {
                out.push(0xc1);
            }
            out.push(0xfb);
            out.extend(number.as_f64().unwrap_or(0.0).to_be_bytes());
        }
        Value::Bool(flag) => out.push(if *flag { 0xf5 } else { 0xf4 }),
        Value::Null => out.push(0xf6),
    }
}

fn head(major: u8, length: usize, out: &mut Vec<u8>) {
    let length = u32::try_from(length).expect("a short text");
    out.push(major << 5 | 26);
    out.extend(length.to_be_bytes());
}
