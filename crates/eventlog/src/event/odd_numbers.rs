//! Events whose numbers are not written as Spark writes them.
//!
//! Other writers and other tools put whole numbers as text (`"77"`), as fractions (`4.0`), beyond
//! 64 bits, or null. Spark's own reader takes the last three, and null as missing. One odd number must
//! not cost a task its end, so a line that strict types refuse is read once more, through here.

use std::borrow::Cow;
use std::fmt;

use serde::de::value::CowStrDeserializer;
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor,
};
use serde_json::value::RawValue;

use super::lenient::nesting;

/// Levels of the deepest event without a plan, with room to spare: values below are read by recursion.
const MAX_LEVELS: usize = 64;

/// What begins the names of the types in which `serde_json` passes raw JSON on.
const RAW_JSON: &str = "$serde_json::private::";

/// The event in `text`, with every number taken as it is meant. `None` where it lacks a field or
/// holds something else than a number.
pub(super) fn from_odd_json<T: DeserializeOwned>(text: &str) -> Option<T> {
    if nesting(text.as_bytes()) > MAX_LEVELS {
        return None;
    }
    let mut json = serde_json::Deserializer::from_str(text);
    let value = T::deserialize(Odd(&mut json)).ok()?;
    json.end().is_ok().then_some(value)
}

/// Wraps a deserializer, a visitor or an access of `serde`, so that all below it are wrapped too, and
/// who asks for a whole number is answered by [`Whole`].
struct Odd<T>(T);

/// Gives its visitor a whole number, of whatever the log holds in its place.
struct Whole<V>(V);

/// A fraction is cut off; what exceeds 64 bits becomes the largest number there is.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the cast keeps to the range, and Spark cuts fractions off too"
)]
fn cut(number: f64) -> Option<i64> {
    number.is_finite().then_some(number as i64)
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Whole<V> {
    type Value = V::Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a whole number")
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<V::Value, E> {
        self.0.visit_i64(number)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<V::Value, E> {
        self.0.visit_i64(i64::try_from(number).unwrap_or(i64::MAX))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<V::Value, E> {
        match cut(number) {
            Some(number) => self.0.visit_i64(number),
            None => Err(E::custom("a number without bounds")),
        }
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<V::Value, E> {
        let text = text.trim();
        let of_fraction = || text.parse().ok().and_then(cut);
        match text.parse().ok().or_else(of_fraction) {
            Some(number) => self.0.visit_i64(number),
            None => Err(E::custom("text that is no number")),
        }
    }
}

/// Asks the wrapped deserializer for the same, with a wrapped visitor.
macro_rules! wrapped {
    ($($method:ident($($argument:ident: $kind:ty),*);)*) => {$(
        fn $method<V: Visitor<'de>>(self, $($argument: $kind,)* visitor: V) -> Result<V::Value, D::Error> {
            self.0.$method($($argument,)* Odd(visitor))
        }
    )*};
}

/// Asks the wrapped deserializer for the same: nothing below can be a number.
macro_rules! as_it_is {
    ($($method:ident($($argument:ident: $kind:ty),*);)*) => {$(
        fn $method<V: Visitor<'de>>(self, $($argument: $kind,)* visitor: V) -> Result<V::Value, D::Error> {
            self.0.$method($($argument,)* visitor)
        }
    )*};
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Odd<D> {
    type Error = D::Error;

    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_any(Whole(visitor))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        if name.starts_with(RAW_JSON) {
            self.0.deserialize_newtype_struct(name, visitor)
        } else {
            self.0.deserialize_newtype_struct(name, Odd(visitor))
        }
    }

    wrapped! {
        deserialize_any();
        deserialize_option();
        deserialize_seq();
        deserialize_tuple(length: usize);
        deserialize_tuple_struct(name: &'static str, length: usize);
        deserialize_map();
        deserialize_struct(name: &'static str, fields: &'static [&'static str]);
    }

    as_it_is! {
        deserialize_bool();
        deserialize_i8();
        deserialize_i16();
        deserialize_i32();
        deserialize_u8();
        deserialize_u16();
        deserialize_u32();
        deserialize_u64();
        deserialize_f32();
        deserialize_f64();
        deserialize_char();
        deserialize_str();
        deserialize_string();
        deserialize_bytes();
        deserialize_byte_buf();
        deserialize_unit();
        deserialize_unit_struct(name: &'static str);
        deserialize_enum(name: &'static str, variants: &'static [&'static str]);
        deserialize_identifier();
        deserialize_ignored_any();
    }
}

/// Gives the wrapped visitor the same value.
macro_rules! values {
    ($($method:ident: $kind:ty;)*) => {$(
        fn $method<E: Error>(self, value: $kind) -> Result<V::Value, E> {
            self.0.$method(value)
        }
    )*};
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Odd<V> {
    type Value = V::Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(formatter)
    }

    values! {
        visit_bool: bool;
        visit_i64: i64;
        visit_u64: u64;
        visit_f64: f64;
        visit_str: &str;
        visit_borrowed_str: &'de str;
        visit_string: String;
    }

    fn visit_none<E: Error>(self) -> Result<V::Value, E> {
        self.0.visit_none()
    }

    fn visit_unit<E: Error>(self) -> Result<V::Value, E> {
        self.0.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        self.0.visit_some(Odd(deserializer))
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> Result<V::Value, D::Error> {
        self.0.visit_newtype_struct(Odd(deserializer))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, elements: A) -> Result<V::Value, A::Error> {
        self.0.visit_seq(Odd(elements))
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<V::Value, A::Error> {
        self.0.visit_map(Members {
            members,
            value: None,
        })
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Odd<S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<S::Value, D::Error> {
        self.0.deserialize(Odd(deserializer))
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Odd<A> {
    type Error = A::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, A::Error> {
        self.0.next_element_seed(Odd(seed))
    }
}

/// The members of an object that are not null.
struct Members<'de, A> {
    members: A,
    /// The value of the key that was given last.
    value: Option<&'de RawValue>,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Members<'de, A> {
    type Error = A::Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, A::Error> {
        while let Some((key, value)) = self.members.next_entry::<Cow<'de, str>, &RawValue>()? {
            if value.get() != "null" {
                self.value = Some(value);
                let key = CowStrDeserializer::<A::Error>::new(key);
                return seed.deserialize(key).map(Some);
            }
        }
        Ok(None)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        let value = self.value.take();
        let value = value.ok_or_else(|| A::Error::custom("a value without its key"))?;
        let mut json = serde_json::Deserializer::from_str(value.get());
        seed.deserialize(Odd(&mut json)).map_err(A::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Event, EventParser, LineError};

    fn parse(line: &str) -> Result<Option<Event>, LineError> {
        EventParser::default().parse(line.as_bytes())
    }

    #[test]
    fn a_task_end_survives_numbers_of_every_form() {
        let line = r#"{"Event":"SparkListenerTaskEnd","Stage ID":"3","Stage Attempt ID":0.0,"Task Type":"ResultTask","Task End Reason":{"Reason":"Success"},"Task Info":{"Task ID":7,"Index":1,"Attempt":0,"Launch Time":1720000000110,"Executor ID":"1","Host":"h","Locality":"ANY","Speculative":false,"Getting Result Time":0,"Finish Time":1.72000000021E12,"Failed":false,"Killed":false,"Accumulables":[{"ID":8,"Name":"rows","Update":"12","Value":"12","Internal":true,"Count Failed Values":true,"Metadata":"sql"},{"ID":"9","Name":"mine","Update":0.5,"Value":0.5,"Internal":false}]},"Task Metrics":{"Executor Run Time":"77","JVM GC Time":4.9,"Result Size":null,"Memory Bytes Spilled":9223372036854775808,"Disk Bytes Spilled":-1e30,"Input Metrics":{"Bytes Read":" 5 ","Records Read":18446744073709551616}}}"#;
        let Ok(Some(Event::TaskEnd(end))) = parse(line) else {
            panic!("the end of a task");
        };
        assert_eq!((end.stage_id, end.info.finish_time), (3, 1_720_000_000_210));
        assert_eq!(end.info.executor_id, "1");
        assert_eq!(end.info.sql_updates.len(), 1);
        assert_eq!(end.info.accumulables[0].id, 9);
        assert_eq!(end.info.accumulables[0].update.as_deref(), Some("0.5"));
        let metrics = &end.metrics;
        assert_eq!(
            (
                metrics.executor_run_time,
                metrics.jvm_gc_time,
                metrics.result_size,
                metrics.memory_bytes_spilled,
                metrics.disk_bytes_spilled,
                metrics.input.bytes_read,
                metrics.input.records_read,
            ),
            (77, 4, 0, i64::MAX, i64::MIN, 5, i64::MAX)
        );
    }

    #[test]
    fn properties_and_stages_of_a_job_survive_too() {
        let line = r#"{"Event":"SparkListenerJobStart","Job ID":"4","Submission Time":5.0,"Stage Infos":[{"Stage ID":1,"Stage Attempt ID":"0","Stage Name":"s","Number of Tasks":"2","RDD Info":[],"Details":""}],"Stage IDs":["1"],"Properties":{"spark.job.description":"12","spark.sql.execution.id":"9"}}"#;
        let Ok(Some(Event::JobStart(start))) = parse(line) else {
            panic!("the start of a job");
        };
        assert_eq!((start.job_id, start.stage_ids.as_slice()), (4, &[1][..]));
        assert_eq!(start.stage_infos[0].num_tasks, 2);
        assert_eq!(start.properties.description.as_deref(), Some("12"));
        assert_eq!(start.properties.sql_execution_id, Some(9));
    }

    #[test]
    fn null_is_missing_and_not_an_error() {
        let line = r#"{"Event":"SparkListenerTaskEnd","Stage ID":3,"Stage Attempt ID":null,"Task Type":"ResultTask","Task End Reason":{"Reason":"FetchFailed","Shuffle ID":null,"Message":"m"},"Task Info":{"Task ID":7,"Index":1,"Attempt":null,"Partition ID":null,"Launch Time":10,"Executor ID":"1","Host":"h","Locality":"ANY","Speculative":null,"Getting Result Time":0,"Finish Time":20,"Failed":true,"Killed":false,"Accumulables":[{"ID":9,"Name":null,"Update":null,"Value":{"a":null},"Internal":false}]},"Task Executor Metrics":{"JVMHeapMemory":null,"JVMOffHeapMemory":5},"Task Metrics":null}"#;
        let Ok(Some(Event::TaskEnd(end))) = parse(line) else {
            panic!("the end of a task");
        };
        assert_eq!((end.info.attempt, end.info.partition_id), (1, -1));
        assert_eq!(&end.executor_metrics.0[..2], &[0, 5]);
        assert_eq!(end.info.accumulables[0].update, None);
        let message = "FetchFailed(null, shuffleId=-1, mapIndex=Unknown, mapId=-1, reduceId=-1, message=\nm\n)";
        assert_eq!(end.reason.error_message().as_deref(), Some(message));
        for line in [
            r#"{"Event":"SparkListenerJobStart","Job ID":4,"Submission Time":null,"Stage IDs":[]}"#,
            r#"{"Event":"SparkListenerJobEnd","Job ID":4,"Completion Time":null,"Job Result":{"Result":"JobSucceeded"}}"#,
            r#"{"Event":"SparkListenerBlockManagerAdded","Block Manager ID":{"Executor ID":"1","Host":"h","Port":1},"Maximum Memory":5,"Timestamp":null}"#,
        ] {
            assert!(matches!(parse(line), Ok(Some(_))), "{line}");
        }
    }

    #[test]
    fn values_of_any_depth_do_not_overflow_the_stack() {
        let deep = format!("{}1{}", "{\"a\":".repeat(300_000), "}".repeat(300_000));
        let line = format!(
            r#"{{"Event":"SparkListenerTaskStart","Stage ID":"1","Task Info":{{"Task ID":1,"Index":0,"Launch Time":1,"Executor ID":"1","Accumulables":[{{"ID":1,"Update":{deep}}}]}}}}"#
        );
        assert!(parse(&line).is_err());
    }

    #[test]
    fn what_is_no_number_or_is_missing_stays_an_error() {
        for line in [
            r#"{"Event":"SparkListenerUnpersistRDD","RDD ID":"x"}"#,
            r#"{"Event":"SparkListenerUnpersistRDD","RDD ID":"NaN"}"#,
            r#"{"Event":"SparkListenerUnpersistRDD","RDD ID":true}"#,
            r#"{"Event":"SparkListenerUnpersistRDD","RDD ID":[1]}"#,
            r#"{"Event":"SparkListenerUnpersistRDD"}"#,
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
