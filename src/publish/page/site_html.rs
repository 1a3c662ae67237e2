//! What pages of a server have beside those of a file, as HTML: navigation, links and forms.

use std::fmt::Write;

use super::{Field, Form, Link, Sibling, Tab};
use crate::publish::markup::{escaped, escaped_lines};

/// The pages of the dashboard, and a search over applications.
pub(super) fn site_navigation(current: Tab) -> String {
    let mut html = String::from(
        "<nav class=\"site\" aria-label=\"Pages\"><a class=\"brand\" href=\"/\">sparklake</a><ul>\n",
    );
    for tab in Tab::ALL {
        let current = match tab == current {
            true => " aria-current=\"page\"",
            false => "",
        };
        let _ = writeln!(
            html,
            "<li><a href=\"{}\"{current}>{}</a></li>",
            tab.path(),
            tab.label()
        );
    }
    html.push_str(
        "</ul><form class=\"find\" role=\"search\" method=\"get\" action=\"/applications\">\
         <input type=\"search\" name=\"q\" aria-label=\"Find an application\" \
         placeholder=\"Find an application\"></form></nav>\n",
    );
    html
}

/// The pages about the same thing.
pub(super) fn write_siblings(html: &mut String, siblings: &[Sibling]) {
    if siblings.is_empty() {
        return;
    }
    html.push_str("<nav class=\"siblings\" aria-label=\"Pages about this\"><ul>\n");
    for sibling in siblings {
        let current = match sibling.is_current {
            true => " aria-current=\"page\"",
            false => "",
        };
        let _ = writeln!(
            html,
            "<li><a href=\"{}\"{current}>{}</a></li>",
            escaped(&sibling.link.address()),
            sibling.label
        );
    }
    html.push_str("</ul></nav>\n");
}

pub(super) fn write_form(html: &mut String, form: &Form) {
    let _ = writeln!(html, "<form method=\"get\" action=\"{}\">", form.action);
    for field in &form.fields {
        write_field(html, field);
    }
    let runs_code = form
        .fields
        .iter()
        .any(|field| matches!(field, Field::Code { .. }));
    let verb = if runs_code { "Run" } else { "Show" };
    let _ = writeln!(html, "<button>{verb}</button>\n</form>");
}

fn write_field(html: &mut String, field: &Field) {
    let _ = match field {
        Field::Text { name, label, value } => writeln!(
            html,
            "<label>{label} <input type=\"search\" name=\"{name}\" value=\"{}\"></label>",
            escaped(value)
        ),
        Field::Slider {
            name,
            label,
            value,
            range,
        } => {
            let [least, most, step] = range;
            writeln!(
                html,
                "<label><span>{label} (shown: <output>{0}</output>)</span> <input type=\"range\" name=\"{name}\" \
                 min=\"{least}\" max=\"{most}\" step=\"{step}\" value=\"{0}\">{1}</label>",
                escaped(value),
                slider_scale(*least, *most)
            )
        }
        Field::Switch { name, label, is_on } => writeln!(
            html,
            "<label class=\"switch\"><input type=\"checkbox\" name=\"{name}\" value=\"true\"{}> {label}</label>",
            if *is_on { " checked" } else { "" }
        ),
        Field::Hidden { name, value } => writeln!(
            html,
            "<input type=\"hidden\" name=\"{name}\" value=\"{}\">",
            escaped(value)
        ),
        Field::Code { name, label, value } => writeln!(
            html,
            "<label class=\"wide\">{label} <textarea name=\"{name}\" rows=\"8\" spellcheck=\"false\">\n{}</textarea></label>",
            escaped_lines(value)
        ),
        Field::Choice {
            name,
            label,
            options,
        } => {
            let _ = write!(html, "<label>{label} <select name=\"{name}\">");
            for option in options {
                let chosen = if option.is_chosen { " selected" } else { "" };
                let _ = write!(
                    html,
                    "<option value=\"{}\"{chosen}>{}</option>",
                    escaped(&option.value),
                    escaped(&option.label)
                );
            }
            writeln!(html, "</select></label>")
        }
    };
}

/// Width of a slider's track and of its handle, as `page.css` and browsers have them.
const SLIDER_WIDTH: f64 = 208.0;
const SLIDER_HANDLE: f64 = 16.0;

/// Numbers under a slider. Without them nobody sees what they chose before the page is shown again: no
/// script writes the number beside the handle.
fn slider_scale(least: f64, most: f64) -> String {
    let quarter = most / 4.0;
    let ticks = [least, quarter, 2.0 * quarter, 3.0 * quarter, most];
    let mut svg =
        format!("<svg class=\"scale\" viewBox=\"0 0 {SLIDER_WIDTH} 12\" aria-hidden=\"true\">");
    for (place, tick) in ticks.into_iter().enumerate() {
        if !(least..=most).contains(&tick) {
            continue;
        }
        let share = (tick - least) / (most - least);
        let (x, anchor) = match place {
            0 => (0.0, "start"),
            4 => (SLIDER_WIDTH, "end"),
            _ => (
                SLIDER_HANDLE / 2.0 + share * (SLIDER_WIDTH - SLIDER_HANDLE),
                "middle",
            ),
        };
        let _ = write!(
            svg,
            "<text x=\"{x:.0}\" y=\"10\" text-anchor=\"{anchor}\">{tick}</text>"
        );
    }
    svg + "</svg>"
}

pub(super) fn write_links(html: &mut String, links: &[(String, String)]) {
    if links.is_empty() {
        return;
    }
    html.push_str("<p class=\"turns\">");
    for (label, address) in links {
        let _ = write!(
            html,
            "<a href=\"{}\">{}</a> ",
            escaped(address),
            escaped(label)
        );
    }
    html.push_str("</p>\n");
}

/// `text`, which is markup already, as a link where there are other pages.
pub(super) fn linked(text: String, link: Option<&Link>, is_site: bool) -> String {
    match link {
        Some(link) if is_site => format!("<a href=\"{}\">{text}</a>", escaped(&link.address())),
        _ => text,
    }
}
