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
            range: [least, most, step],
        } => writeln!(
            html,
            "<label><span>{label}: <output>{0}</output></span> <input type=\"range\" name=\"{name}\" \
             min=\"{least}\" max=\"{most}\" step=\"{step}\" value=\"{0}\"></label>",
            escaped(value)
        ),
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
