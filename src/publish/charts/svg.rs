//! Markup: the elements that the charts draw, with every text escaped.

use std::fmt::Write;

use crate::publish::markup::escaped;

/// A coordinate: one decimal, and nothing that is no number.
pub(super) fn at(number: f64) -> String {
    if !number.is_finite() {
        return "0".to_owned();
    }
    let text = format!("{number:.1}");
    text.strip_suffix(".0").unwrap_or(&text).to_owned()
}

/// A picture that grows.
pub(super) struct Svg {
    body: String,
    width: f64,
    height: f64,
    title: String,
}

impl Svg {
    /// An empty picture; `title` says in a sentence what it shows.
    pub(super) fn new(width: f64, height: f64, title: &str) -> Self {
        Self {
            body: String::new(),
            width,
            height,
            title: title.to_owned(),
        }
    }

    pub(super) fn rect(&mut self, class: &str, area: Area, tip: Option<&str>) {
        let Area {
            x,
            y,
            width,
            height,
        } = area;
        // Writing to a text cannot fail.
        let _ = write!(
            self.body,
            "<rect class=\"{class}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"",
            at(x),
            at(y),
            at(width.max(0.0)),
            at(height.max(0.0)),
        );
        match tip {
            None => self.body.push_str("/>"),
            Some(tip) => {
                let _ = write!(self.body, "><title>{}</title></rect>", escaped(tip));
            }
        }
    }

    pub(super) fn line(&mut self, class: &str, from: (f64, f64), to: (f64, f64)) {
        let _ = write!(
            self.body,
            "<line class=\"{class}\" x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\"/>",
            at(from.0),
            at(from.1),
            at(to.0),
            at(to.1),
        );
    }

    /// A text; `anchor` is start, middle or end.
    pub(super) fn text(&mut self, class: &str, anchor: &str, place: (f64, f64), text: &str) {
        let _ = write!(
            self.body,
            "<text class=\"{class}\" text-anchor=\"{anchor}\" x=\"{}\" y=\"{}\">{}</text>",
            at(place.0),
            at(place.1),
            escaped(text),
        );
    }

    /// A filled shape between a line of steps and the bottom.
    pub(super) fn steps(&mut self, class: &str, bottom: f64, steps: &[(f64, f64, f64)]) {
        let (Some(first), Some(last)) = (steps.first(), steps.last()) else {
            return;
        };
        let mut path = format!("M{} {}", at(first.0), at(bottom));
        for (from, to, height) in steps {
            let top = at(bottom - height);
            let _ = write!(path, "L{} {top}L{} {top}", at(*from), at(*to));
        }
        let _ = write!(path, "L{} {}Z", at(last.1), at(bottom));
        let _ = write!(self.body, "<path class=\"{class}\" d=\"{path}\"/>");
    }

    /// A line from a place down to another, `width` wide.
    pub(super) fn flow(&mut self, width: f64, from: (f64, f64), to: (f64, f64)) {
        let middle = at(f64::midpoint(from.1, to.1));
        let _ = write!(
            self.body,
            "<path class=\"flow\" stroke-width=\"{}\" d=\"M{} {}C{} {middle} {} {middle} {} {}\"/>",
            at(width),
            at(from.0),
            at(from.1),
            at(from.0),
            at(to.0),
            at(to.0),
            at(to.1),
        );
    }

    /// A line through places.
    pub(super) fn polyline(&mut self, class: &str, places: &[(f64, f64)]) {
        let points = points(places);
        let _ = write!(
            self.body,
            "<polyline class=\"{class}\" points=\"{points}\"/>"
        );
    }

    /// A filled shape; nothing where it has no area.
    pub(super) fn shape(&mut self, class: &str, places: &[(f64, f64)]) {
        if places.len() > 2 {
            let points = points(places);
            let _ = write!(
                self.body,
                "<polygon class=\"{class}\" points=\"{points}\"/>"
            );
        }
    }

    pub(super) fn circle(&mut self, class: &str, place: (f64, f64), tip: &str) {
        let _ = write!(
            self.body,
            "<circle class=\"{class}\" cx=\"{}\" cy=\"{}\" r=\"4\"><title>{}</title></circle>",
            at(place.0),
            at(place.1),
            escaped(tip),
        );
    }

    /// What follows is a link, until it is closed; nothing without an address.
    pub(super) fn open_link(&mut self, href: &str) {
        if !href.is_empty() {
            let _ = write!(self.body, "<a href=\"{}\">", escaped(href));
        }
    }

    pub(super) fn close_link(&mut self, href: &str) {
        if !href.is_empty() {
            self.body.push_str("</a>");
        }
    }

    /// The picture in its own size, with links that are reached one by one.
    pub(super) fn finish_with_links(self) -> String {
        let [width, height] = [self.width, self.height].map(at);
        format!(
            "<svg class=\"chart natural\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" role=\"group\" aria-label=\"{}\">{}</svg>",
            escaped(&self.title),
            self.body
        )
    }

    /// The picture.
    pub(super) fn finish(self) -> String {
        format!(
            "<svg class=\"chart\" viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\">{}</svg>",
            at(self.width),
            at(self.height),
            escaped(&self.title),
            self.body
        )
    }
}

fn points(places: &[(f64, f64)]) -> String {
    let places = places.iter();
    let pairs: Vec<String> = places
        .map(|(x, y)| format!("{},{}", at(*x), at(*y)))
        .collect();
    pairs.join(" ")
}

/// Where a rectangle lies.
#[derive(Debug, Clone, Copy)]
pub(super) struct Area {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}
