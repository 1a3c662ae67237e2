//! Physical plans as the log writes them: `sparkPlanInfo`, an operator with its inputs inside.
//!
//! A plan nests as deep as its query and can have 100,000 operators, so it is read into one flat
//! list: nothing that walks it recurses, and every pass over it is linear.

use std::fmt;
use std::sync::Arc;

use hashbrown::HashSet;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::lenient::{or_default, text_pairs};

/// A physical plan: its operators depth first, so that an operator's inputs follow it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PhysicalPlan {
    pub nodes: Vec<PlanNode>,
}

/// One operator of a physical plan.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PlanNode {
    pub name: String,
    pub simple_string: String,
    /// What a scan says about itself: location, format, filters, schema.
    pub metadata: Vec<(String, String)>,
    pub metrics: Vec<PlanMetric>,
    /// Index after the last operator below this one.
    pub end: usize,
}

/// One metric of an operator. Names repeat, and are shared.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanMetric {
    pub name: Arc<str>,
    pub accumulator_id: i64,
    pub metric_type: Arc<str>,
}

impl PhysicalPlan {
    /// Indices of the inputs of the operator at `at`.
    pub fn inputs(&self, at: usize) -> impl Iterator<Item = usize> + '_ {
        let end = self.nodes.get(at).map_or(0, |node| node.end);
        let mut next = at + 1;
        std::iter::from_fn(move || {
            let input = (next < end).then_some(next)?;
            // A subtree has at least its root, so this always moves on.
            next = self.nodes.get(input)?.end.max(input + 1);
            Some(input)
        })
    }
}

impl<'de> Deserialize<'de> for PhysicalPlan {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut reader = PlanReader::default();
        NodeSeed(&mut reader).deserialize(deserializer)?;
        Ok(Self {
            nodes: reader.nodes,
        })
    }
}

impl<'de> Deserialize<'de> for PlanMetric {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = MetricJson::deserialize(deserializer)?;
        Ok(Self {
            name: json.name.into(),
            accumulator_id: json.accumulator_id,
            metric_type: json.metric_type.into(),
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MetricJson {
    #[serde(default, deserialize_with = "or_default")]
    name: String,
    accumulator_id: i64,
    #[serde(default, deserialize_with = "or_default")]
    metric_type: String,
}

/// The plan read so far.
#[derive(Default)]
struct PlanReader {
    nodes: Vec<PlanNode>,
    names: HashSet<Arc<str>>,
}

impl PlanReader {
    fn shared(&mut self, text: &str) -> Arc<str> {
        self.names
            .get_or_insert_with(text, |text| text.into())
            .clone()
    }

    fn metric(&mut self, json: MetricJson) -> PlanMetric {
        PlanMetric {
            name: self.shared(&json.name),
            accumulator_id: json.accumulator_id,
            metric_type: self.shared(&json.metric_type),
        }
    }
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum Field {
    NodeName,
    SimpleString,
    Children,
    Metadata,
    Metrics,
    #[serde(other)]
    Other,
}

/// A text that may be null.
#[derive(Deserialize)]
#[serde(transparent)]
struct Text(#[serde(deserialize_with = "or_default")] String);

/// A map of texts that may be null.
#[derive(Deserialize)]
#[serde(transparent)]
struct Pairs(#[serde(deserialize_with = "text_pairs")] Vec<(String, String)>);

/// Reads one operator, and those below it, to the end of the list.
struct NodeSeed<'r>(&'r mut PlanReader);

impl<'de> DeserializeSeed<'de> for NodeSeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for NodeSeed<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an operator of a physical plan")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self(reader) = self;
        let at = reader.nodes.len();
        reader.nodes.push(PlanNode::default());
        let mut node = PlanNode::default();
        while let Some(field) = map.next_key::<Field>()? {
            match field {
                Field::NodeName => node.name = map.next_value::<Text>()?.0,
                Field::SimpleString => node.simple_string = map.next_value::<Text>()?.0,
                Field::Children => map.next_value_seed(ChildrenSeed(reader))?,
                Field::Metadata => node.metadata = map.next_value::<Pairs>()?.0,
                Field::Metrics => {
                    let metrics: Option<Vec<MetricJson>> = map.next_value()?;
                    let metrics = metrics.unwrap_or_default().into_iter();
                    node.metrics = metrics.map(|json| reader.metric(json)).collect();
                }
                Field::Other => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        node.end = reader.nodes.len();
        if let Some(slot) = reader.nodes.get_mut(at) {
            *slot = node;
        }
        Ok(())
    }
}

struct ChildrenSeed<'r>(&'r mut PlanReader);

impl<'de> DeserializeSeed<'de> for ChildrenSeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ChildrenSeed<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the inputs of an operator")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut inputs: A) -> Result<(), A::Error> {
        while inputs.next_element_seed(NodeSeed(self.0))?.is_some() {}
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(json: &str) -> PhysicalPlan {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn operators_are_listed_depth_first_and_name_their_inputs() {
        let plan = plan(
            r#"{"nodeName":"Join","simpleString":"Join x","children":[
                {"nodeName":"Filter","children":[{"nodeName":"Scan a","metadata":{"Format":"CSV","Batched":null}}]},
                null,
                {"nodeName":"Scan b","children":null}],
              "metrics":[{"name":"rows","accumulatorId":7,"metricType":"sum"}],"later":{"x":[1]}}"#,
        );
        let names: Vec<&str> = plan.nodes.iter().map(|node| node.name.as_str()).collect();
        assert_eq!(names, ["Join", "Filter", "Scan a", "Scan b"]);
        let inputs = |at| plan.inputs(at).collect::<Vec<_>>();
        assert_eq!(inputs(0), [1, 3]);
        assert_eq!(inputs(1), [2]);
        assert!(inputs(2).is_empty() && inputs(3).is_empty() && inputs(9).is_empty());
        let metadata = &plan.nodes[2].metadata;
        assert_eq!(metadata[0], ("Format".to_owned(), "CSV".to_owned()));
        assert_eq!(plan.nodes[0].metrics[0].accumulator_id, 7);
    }

    #[test]
    fn metric_names_are_shared() {
        let plan = plan(
            r#"{"metrics":[{"name":"rows","accumulatorId":1,"metricType":"sum"},
                           {"name":"rows","accumulatorId":2,"metricType":"sum"}]}"#,
        );
        let [first, second] = plan.nodes[0].metrics.as_slice() else {
            panic!("two metrics")
        };
        assert!(Arc::ptr_eq(&first.name, &second.name));
    }
}
