//! Secrets in JSON text: strings are masked inside their quotes, so that the text stays JSON, and
//! keys say what their values are.

use std::borrow::Cow;

use super::names::{self, Strength};
use super::value::{self, MASK};

/// Deepest nesting that is followed; deeper text is masked as plain text.
const MAX_DEPTH: usize = 256;

/// What is done to the strings of a JSON text.
pub(super) trait MaskStrings {
    /// The string, without secrets.
    fn string<'t>(&self, text: &'t str) -> Cow<'t, str>;
    /// Whether `name` says that its value is secret.
    fn strength(&self, name: &str) -> Option<Strength>;
}

/// Whether a text may be JSON.
pub(super) fn looks_like_json(text: &str) -> bool {
    matches!(text.trim_start().as_bytes().first(), Some(b'{' | b'['))
}

/// The text with its strings masked; `None` where it is no JSON.
pub(super) fn mask(text: &str, masker: &dyn MaskStrings) -> Option<String> {
    let mut walk = Walk {
        text,
        at: 0,
        masked: String::with_capacity(text.len()),
        open: Vec::new(),
        masker,
    };
    walk.run()?;
    Some(walk.masked)
}

/// An object or array that is not closed yet.
#[derive(Default)]
struct Open {
    is_object: bool,
    /// In an object: the key whose value comes next. In an array: the string just read.
    last: Option<String>,
    /// What the key above says of all values in here.
    inherited: Option<Strength>,
    /// The string under `key` or `name`, which says what the one under `value` is.
    named: Option<String>,
    expects_key: bool,
}

struct Walk<'t> {
    text: &'t str,
    at: usize,
    masked: String,
    open: Vec<Open>,
    masker: &'t dyn MaskStrings,
}

impl<'t> Walk<'t> {
    fn run(&mut self) -> Option<()> {
        let bytes = self.text.as_bytes();
        while let Some(byte) = bytes.get(self.at).copied() {
            match byte {
                b'{' | b'[' => self.begin(byte == b'{')?,
                b'}' | b']' => {
                    let closed = self.open.pop()?;
                    (closed.is_object == (byte == b'}')).then_some(())?;
                    self.value_ended();
                    self.copy(1)?;
                }
                b'"' => self.string()?,
                b',' => {
                    if let Some(open) = self.open.last_mut() {
                        open.expects_key = open.is_object;
                    }
                    self.copy(1)?;
                }
                b':' | b' ' | b'\n' | b'\r' | b'\t' => self.copy(1)?,
                _ => self.literal()?,
            }
        }
        self.open.is_empty().then_some(())
    }

    fn begin(&mut self, is_object: bool) -> Option<()> {
        if self.open.len() >= MAX_DEPTH {
            return None;
        }
        // The values of a list are what the list's name says; an object's have names of their own.
        let inherited = self.strength_of_next().filter(|_| !is_object);
        self.open.push(Open {
            is_object,
            inherited,
            expects_key: is_object,
            ..Open::default()
        });
        self.copy(1)
    }

    fn string(&mut self) -> Option<()> {
        let quoted = self.quoted()?;
        let inner = quoted.get(1..quoted.len() - 1)?;
        let decoded: Cow<'_, str> = if inner.contains('\\') {
            Cow::Owned(serde_json::from_str(quoted).ok()?)
        } else {
            Cow::Borrowed(inner)
        };
        let is_key = self.open.last().is_some_and(|open| open.expects_key);
        let shown = if is_key {
            self.masker.string(&decoded)
        } else {
            match self.strength_of_next() {
                Some(strength) if value::is_secret_value(&decoded, strength) => Cow::Borrowed(MASK),
                _ => self.masker.string(&decoded),
            }
        };
        if shown == decoded {
            self.masked.push_str(quoted);
        } else {
            self.masked.push_str(&serde_json::to_string(&shown).ok()?);
        }
        let length = quoted.len();
        let decoded = decoded.into_owned();
        self.at += length;
        self.remember(decoded, is_key);
        Some(())
    }

    fn remember(&mut self, string: String, is_key: bool) {
        let Some(open) = self.open.last_mut() else {
            return;
        };
        if is_key {
            open.expects_key = false;
            open.last = Some(string);
        } else if !open.is_object {
            open.last = Some(string);
        } else {
            let key = open.last.take().unwrap_or_default();
            if ["key", "name", "k", "_1"].contains(&key.to_ascii_lowercase().as_str()) {
                open.named = Some(string);
            }
        }
    }

    /// What is known of the value that comes next.
    fn strength_of_next(&self) -> Option<Strength> {
        let open = self.open.last()?;
        if open.inherited.is_some() {
            return open.inherited;
        }
        let last = open.last.as_deref()?;
        if open.is_object {
            let is_value = ["value", "v", "_2"].contains(&last.to_ascii_lowercase().as_str());
            let name = open.named.as_deref().filter(|_| is_value).unwrap_or(last);
            return self.masker.strength(name);
        }
        // ["spark.x.password", "…"] and ["--password", "…"]
        let is_name = (last.contains('.') || last.starts_with('-')) && !last.contains(['=', ' ']);
        is_name.then(|| self.masker.strength(last)).flatten()
    }

    /// A number, `true`, `false` or `null`.
    fn literal(&mut self) -> Option<()> {
        let rest = self.text.get(self.at..)?;
        let is_part = |letter: char| letter.is_ascii_alphanumeric() || "+-.".contains(letter);
        let length = rest.find(|letter| !is_part(letter)).unwrap_or(rest.len());
        let spelled = rest.get(..length)?;
        let is_word = matches!(spelled, "true" | "false" | "null");
        if !is_word && spelled.parse::<f64>().is_err() {
            return None;
        }
        let is_secret = self
            .strength_of_next()
            .is_some_and(|strength| value::is_secret_value(spelled, strength));
        self.value_ended();
        if is_secret {
            self.masked.push('"');
            self.masked.push_str(MASK);
            self.masked.push('"');
            self.at += length;
            return Some(());
        }
        self.copy(length)
    }

    fn value_ended(&mut self) {
        if let Some(open) = self.open.last_mut() {
            open.last = None;
        }
    }

    /// The string at this place with its quotes.
    fn quoted(&self) -> Option<&'t str> {
        let text: &'t str = self.text;
        let rest = text.get(self.at..)?;
        let bytes = rest.as_bytes();
        let mut from = 1;
        loop {
            let found = memchr::memchr2(b'"', b'\\', bytes.get(from..)?)?;
            let at = from + found;
            if bytes.get(at) == Some(&b'"') {
                return rest.get(..=at);
            }
            from = at + 2;
        }
    }

    fn copy(&mut self, length: usize) -> Option<()> {
        let part = self.text.get(self.at..self.at + length)?;
        self.masked.push_str(part);
        self.at += length;
        Some(())
    }
}

/// How surely the names of JSON announce a secret, by the words of the names alone.
pub(super) fn strength_of_key(name: &str) -> Option<Strength> {
    names::strength(name)
}
