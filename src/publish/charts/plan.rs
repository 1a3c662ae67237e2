//! A plan as a graph: nodes in layers, what feeds a node above it, laid out here.

use std::collections::HashMap;

use super::svg::{Area, Svg};
use crate::model::shortened;

/// Most nodes that are drawn, the first ones.
pub const MAX_PLAN_NODES: usize = 400;
const WIDTH: f64 = 280.0;
const HEIGHT: f64 = 58.0;
const GAP_X: f64 = 16.0;
const GAP_Y: f64 = 24.0;
const MARGIN: f64 = 8.0;
/// Characters that fit a node.
const LONGEST_NAME: usize = 40;
/// The same of its detail, in smaller type.
const LONGEST_DETAIL: usize = 42;

/// A plan.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PlanChart {
    /// What it shows, in a sentence.
    pub title: String,
    /// Its nodes.
    pub nodes: Vec<PlanNode>,
}

/// A node of a plan.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PlanNode {
    /// Its number.
    pub id: i64,
    /// Its operator.
    pub name: String,
    /// What it works on, in a few words.
    pub detail: String,
    /// What is measured of it.
    pub value: String,
    /// What stands to the right of that.
    pub badge: String,
    /// What a pointer shows.
    pub tip: String,
    /// Address of what is told about it; empty for none.
    pub href: String,
    /// The nodes that feed it.
    pub children: Vec<i64>,
    /// How much of the whole it is, from 0 to 1: its color.
    pub heat: f64,
    /// Rows that it puts out, for the width of the line; `None` where that is not known.
    pub rows: Option<f64>,
}

/// The graph, or `None` where there is nothing to draw.
pub fn plan(chart: &PlanChart) -> Option<String> {
    let nodes = chart.nodes.get(..chart.nodes.len().min(MAX_PLAN_NODES))?;
    if nodes.is_empty() {
        return None;
    }
    let layout = Layout::of(nodes);
    let columns = layout
        .places
        .iter()
        .map(|place| place.x)
        .fold(0.0, f64::max)
        + 1.0;
    let layers = layout.places.iter().map(|place| place.layer).max()? as f64 + 1.0;
    let width = 2.0 * MARGIN + columns * (WIDTH + GAP_X) - GAP_X;
    let height = 2.0 * MARGIN + layers * (HEIGHT + GAP_Y) - GAP_Y;
    let area = |place: &Placed| Area {
        x: MARGIN + place.x * (WIDTH + GAP_X),
        y: MARGIN + (layers - 1.0 - place.layer as f64) * (HEIGHT + GAP_Y),
        width: WIDTH,
        height: HEIGHT,
    };
    let mut svg = Svg::new(width, height, &chart.title);
    for (child, parent) in &layout.edges {
        let (Some(from), Some(to)) = (layout.places.get(*child), layout.places.get(*parent)) else {
            continue;
        };
        let (from, to) = (area(from), area(to));
        let rows = nodes.get(*child).and_then(|node| node.rows);
        let start = (from.x + WIDTH / 2.0, from.y + HEIGHT);
        svg.flow(stroke(rows), start, (to.x + WIDTH / 2.0, to.y));
    }
    for (node, place) in nodes.iter().zip(&layout.places) {
        draw(&mut svg, node, area(place));
    }
    Some(svg.finish_with_links())
}

fn draw(svg: &mut Svg, node: &PlanNode, area: Area) {
    svg.open_link(&node.href);
    svg.rect(&format!("node {}", heat(node.heat)), area, Some(&node.tip));
    let name = shortened(&node.name, LONGEST_NAME);
    let (left, right) = (area.x + 10.0, area.x + area.width - 10.0);
    svg.text("strong", "start", (left, area.y + 17.0), &name);
    let detail = shortened(&node.detail, LONGEST_DETAIL);
    svg.text("value", "start", (left, area.y + 33.0), &detail);
    svg.text("strong", "start", (left, area.y + 49.0), &node.value);
    svg.text("value", "end", (right, area.y + 49.0), &node.badge);
    svg.close_link(&node.href);
}

/// The class of a color.
fn heat(share: f64) -> &'static str {
    match share {
        share if share >= 0.7 => "h4",
        share if share >= 0.4 => "h3",
        share if share >= 0.15 => "h2",
        share if share >= 0.02 => "h1",
        _ => "h0",
    }
}

/// The width of a line: a tenfold of rows is one unit more.
fn stroke(rows: Option<f64>) -> f64 {
    match rows {
        Some(rows) if rows >= 1.0 && rows.is_finite() => (1.0 + rows.log10() * 0.7).min(8.0),
        _ => 1.0,
    }
}

/// Where a node lies: its layer, the result in layer 0, and its column.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Placed {
    layer: usize,
    x: f64,
}

#[derive(Debug, Default)]
struct Layout {
    places: Vec<Placed>,
    /// Child and parent.
    edges: Vec<(usize, usize)>,
}

impl Layout {
    /// A node lies below all that feed it and as near to them as that allows, above the middle of what
    /// it was reached from first. Edges that would close a circle are left out.
    fn of(nodes: &[PlanNode]) -> Self {
        let index: HashMap<i64, usize> = nodes.iter().map(|node| node.id).zip(0..).collect();
        let children: Vec<Vec<usize>> = nodes
            .iter()
            .map(|node| {
                let known = node.children.iter().filter_map(|id| index.get(id).copied());
                known.collect()
            })
            .collect();
        let (layers, edges) = layers(&children);
        let mut places: Vec<Placed> = layers
            .into_iter()
            .map(|layer| Placed { layer, x: 0.0 })
            .collect();
        columns(&mut places, &edges);
        Self { places, edges }
    }
}

/// The layer of each node, and the edges that are drawn.
fn layers(children: &[Vec<usize>]) -> (Vec<usize>, Vec<(usize, usize)>) {
    let mut waiting = vec![0usize; children.len()];
    for child in children.iter().flatten() {
        if let Some(number) = waiting.get_mut(*child) {
            *number += 1;
        }
    }
    let mut layers = vec![0usize; children.len()];
    let mut is_done = vec![false; children.len()];
    let mut edges = Vec::new();
    let mut ready: Vec<usize> = (0..children.len())
        .rev()
        .filter(|node| waiting.get(*node) == Some(&0))
        .collect();
    let mut next = 0;
    loop {
        let Some(node) = ready.pop() else {
            // What is left feeds itself: cut where it comes first.
            match (next..children.len()).find(|node| is_done.get(*node) == Some(&false)) {
                None => return (layers, edges),
                Some(left) => {
                    next = left + 1;
                    ready.push(left);
                    continue;
                }
            }
        };
        match is_done.get_mut(node) {
            Some(done) if !*done => *done = true,
            _ => continue,
        }
        let below = layers.get(node).copied().unwrap_or(0);
        for child in children.get(node).into_iter().flatten().rev() {
            if is_done.get(*child) != Some(&false) {
                continue;
            }
            edges.push((*child, node));
            if let Some(layer) = layers.get_mut(*child) {
                *layer = (*layer).max(below + 1);
            }
            if let Some(number) = waiting.get_mut(*child) {
                *number = number.saturating_sub(1);
                if *number == 0 {
                    ready.push(*child);
                }
            }
        }
    }
}

/// Columns: each leaf has its own, every other node lies in the middle of what it carries.
fn columns(places: &mut [Placed], edges: &[(usize, usize)]) {
    let layer = |places: &[Placed], node: usize| places.get(node).map_or(0, |place| place.layer);
    // Of several nodes that a node feeds, the one right below it carries it.
    let mut carrier: Vec<Option<usize>> = vec![None; places.len()];
    for (child, parent) in edges {
        if let Some(known) = carrier.get_mut(*child) {
            let is_nearer = |known: usize| layer(places, *parent) > layer(places, known);
            if known.is_none_or(is_nearer) {
                *known = Some(*parent);
            }
        }
    }
    let mut carried: Vec<Vec<usize>> = vec![Vec::new(); places.len()];
    for (child, parent) in carrier.iter().enumerate() {
        if let Some(list) = parent.and_then(|parent| carried.get_mut(parent)) {
            list.push(child);
        }
    }
    let mut order = Vec::new();
    let mut open: Vec<usize> = (0..places.len())
        .rev()
        .filter(|node| carrier.get(*node) == Some(&None))
        .collect();
    let mut column = 0.0;
    while let Some(node) = open.pop() {
        order.push(node);
        let above = carried.get(node).map_or(&[][..], Vec::as_slice);
        if above.is_empty() {
            if let Some(place) = places.get_mut(node) {
                place.x = column;
            }
            column += 1.0;
        }
        open.extend(above.iter().rev());
    }
    for node in order.into_iter().rev() {
        let above = carried.get(node).map_or(&[][..], Vec::as_slice);
        let ends = [above.first(), above.last()];
        let [Some(first), Some(last)] = ends.map(|end| places.get(*end?).map(|place| place.x))
        else {
            continue;
        };
        if let Some(place) = places.get_mut(node) {
            place.x = f64::midpoint(first, last);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(id: i64, children: &[i64]) -> PlanNode {
        PlanNode {
            id,
            name: format!("Node{id}"),
            children: children.to_vec(),
            ..PlanNode::default()
        }
    }

    fn places(nodes: &[PlanNode]) -> Vec<(usize, f64)> {
        let layout = Layout::of(nodes);
        let places = layout.places.iter();
        places.map(|place| (place.layer, place.x)).collect()
    }

    #[test]
    fn a_join_lies_in_the_middle_of_its_sides_and_a_short_side_near_it() {
        let nodes = [
            node(0, &[1]),
            node(1, &[2, 3]),
            node(2, &[4]),
            node(3, &[]),
            node(4, &[]),
        ];
        assert_eq!(
            places(&nodes),
            [(0, 0.5), (1, 0.5), (2, 0.0), (2, 1.0), (3, 0.0)]
        );
    }

    #[test]
    fn what_two_nodes_read_lies_above_both_and_no_two_share_a_place() {
        let nodes = [node(0, &[1, 2]), node(1, &[3]), node(2, &[1]), node(3, &[])];
        let placed = places(&nodes);
        assert_eq!(
            placed.iter().map(|place| place.0).collect::<Vec<_>>(),
            [0, 2, 1, 3]
        );
        for (index, place) in placed.iter().enumerate() {
            assert!(!placed[..index].contains(place), "{placed:?}");
        }
    }

    #[test]
    fn circles_strangers_and_ten_thousand_nodes_in_a_row_are_drawn() {
        let nodes = [node(0, &[1]), node(1, &[2]), node(2, &[0, 1, 99])];
        let layout = Layout::of(&nodes);
        assert_eq!(layout.edges.len(), 2, "{layout:?}");
        let long: Vec<PlanNode> = (0..10_000).map(|id| node(id, &[id + 1])).collect();
        assert_eq!(Layout::of(&long).places[9_999].layer, 9_999);
        let svg = plan(&PlanChart {
            title: "<plan>".to_owned(),
            nodes: long,
        })
        .expect("a graph");
        assert_eq!(svg.matches("<rect").count(), MAX_PLAN_NODES);
        assert!(svg.contains("aria-label=\"&lt;plan&gt;\""), "{svg}");
    }
}
