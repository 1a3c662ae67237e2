//! A page as one self-contained HTML file: style and pictures are in it, and nothing is loaded from
//! elsewhere. No script is needed to read it. Every text goes through [`escaped`]; only the style
//! and the pictures, which escape their own texts, are taken as they are.

use std::fmt::Write;
use std::sync::LazyLock;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::site_html::{linked, site_navigation, write_form, write_links, write_siblings};
use super::{Block, Chart, Fact, Item, Level, Page, Row, Section, Tab, Table};
use crate::publish::charts;
use crate::publish::markup::{escaped, escaped_lines, prose};

/// The style of every page, as it stands between the tags.
static STYLE: LazyLock<String> =
    LazyLock::new(|| format!("\n{}{}", include_str!("page.css"), charts::STYLE));
/// Nothing may be loaded, and no script run, whatever a name in a log says; the one style is named by
/// its digest.
static POLICY: LazyLock<String> =
    LazyLock::new(|| format!("default-src 'none'; style-src {}", source(&STYLE)));

/// Cells of so few characters stay on one line.
const SHORT: usize = 22;
/// Longest id of a row, in characters.
const SHORT_ID: usize = 8;
/// The same of row headings: names, which are hard to read in pieces.
const SHORT_HEADING: usize = 44;

/// The page as one file.
pub(in crate::publish) fn write(page: &Page) -> String {
    write_page(page, None)
}

/// The page as one of the dashboard, with links to the others.
pub(in crate::publish) fn write_in_site(page: &Page, tab: Tab) -> String {
    write_page(page, Some(tab))
}

/// What a page may load: for the header of a server.
pub(in crate::publish) fn policy() -> &'static str {
    &POLICY
}

/// The source expression of a Content-Security-Policy for an inline style or script.
pub(in crate::publish) fn source(text: &str) -> String {
    let digest = BASE64_STANDARD.encode(digest(&SHA256, text.as_bytes()));
    format!("'sha256-{digest}'")
}

/// A document in the style of the pages with one script, which puts pages into its `main`.
pub(in crate::publish) fn write_app(title: &str, script: &str) -> String {
    let script = format!("\n{script}");
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{}; script-src {}; base-uri 'none'; form-action 'none'\">\n\
         <title>{}</title>\n<style>{}</style>\n</head>\n<body class=\"app\">\n\
         <main id=\"app\"><p class=\"note\">Waiting for an answer.</p></main>\n\
         <script>{script}</script>\n</body>\n</html>\n",
        *POLICY,
        source(&script),
        escaped(title),
        *STYLE,
    )
}

/// A page of the dashboard as a part of another document: heading, pages about the same, content.
pub(in crate::publish) fn write_part(page: &Page) -> String {
    let mut html = String::new();
    write_heading(&mut html, page);
    write_siblings(&mut html, &page.siblings);
    for section in &page.sections {
        write_section(&mut html, section, page.level, true);
    }
    html
}

fn write_heading(html: &mut String, page: &Page) {
    let _ = writeln!(html, "<h1>{}</h1>", escaped(&page.title));
    if !page.subtitle.is_empty() {
        let _ = writeln!(
            html,
            "<p class=\"subtitle\">{}</p>",
            escaped(&page.subtitle)
        );
    }
}

fn write_page(page: &Page, tab: Option<Tab>) -> String {
    let (title, version) = (escaped(&page.title), env!("CARGO_PKG_VERSION"));
    let is_site = tab.is_some();
    // A server says it in a header, which also tells where forms may go.
    let policy = match is_site {
        true => String::new(),
        false => format!(
            "<meta http-equiv=\"Content-Security-Policy\" content=\"{}\">\n",
            *POLICY
        ),
    };
    let mut html = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta name=\"generator\" content=\"sparklake {version}\">\n\
         {policy}<title>{title} · sparklake{}</title>\n<style>{}</style>\n</head>\n<body{}>\n\
         <a class=\"skip\" href=\"#main\">Skip to the content</a>\n{}<header>\n{}",
        if is_site { "" } else { " report" },
        *STYLE,
        if is_site { " class=\"site\"" } else { "" },
        tab.map_or_else(String::new, site_navigation),
        match is_site {
            true => "",
            false => "<p class=\"kicker\">sparklake report</p>\n",
        },
    );
    write_heading(&mut html, page);
    html.push_str("</header>\n");
    if is_site {
        write_siblings(&mut html, &page.siblings);
    }
    if page.sections.len() > 3 {
        navigation(&mut html, &page.sections);
    }
    html.push_str("<main id=\"main\">\n");
    for section in &page.sections {
        write_section(&mut html, section, page.level, is_site);
    }
    // Writing to a text cannot fail.
    let _ = write!(
        html,
        "</main>\n<footer><p>Made by sparklake {version} from the tables of the lake. “Not known” is \
         what the event log does not tell; it is never zero.</p></footer>\n</body>\n</html>\n"
    );
    html
}

fn navigation(html: &mut String, sections: &[Section]) {
    html.push_str("<nav aria-label=\"Sections\"><ol>\n");
    for section in sections {
        let _ = writeln!(
            html,
            "<li><a href=\"#{}\">{}</a></li>",
            section.id,
            escaped(&section.title)
        );
    }
    html.push_str("</ol></nav>\n");
}

fn write_section(html: &mut String, section: &Section, level: Option<Level>, is_site: bool) {
    let id = section.id;
    let class = match level {
        Some(level) if id == "verdict" => format!(" class=\"verdict {}\"", level_class(level)),
        _ => String::new(),
    };
    let _ = write!(
        html,
        "<section id=\"{id}\" aria-labelledby=\"h-{id}\"{class}>\n<h2 id=\"h-{id}\">{}</h2>\n",
        escaped(&section.title)
    );
    for block in &section.blocks {
        write_block(html, block, id == "verdict", is_site);
    }
    html.push_str("</section>\n");
}

fn level_class(level: Level) -> &'static str {
    match level {
        Level::Good => "good",
        Level::Minor => "minor",
        Level::Act => "act",
        Level::Failed => "failed",
        Level::Unknown => "unknown",
    }
}

fn write_block(html: &mut String, block: &Block, is_brief: bool, is_site: bool) {
    let _ = match block {
        Block::Lead { first, rest } => writeln!(
            html,
            "<p class=\"lead\"><strong>{}</strong> {}</p>",
            prose(first),
            prose(rest)
        ),
        Block::Text(text) => writeln!(html, "<p>{}</p>", prose(text)),
        Block::Note(text) => writeln!(html, "<p class=\"note\">{}</p>", prose(text)),
        Block::Code { caption, text } => {
            let caption = match caption.as_str() {
                "" => String::new(),
                caption => format!("<figcaption>{}</figcaption>", escaped(caption)),
            };
            writeln!(
                html,
                "<figure class=\"code\">{caption}<pre tabindex=\"0\"><code>{}</code></pre></figure>",
                escaped_lines(text)
            )
        }
        Block::Facts(facts) => {
            write_facts(html, facts);
            Ok(())
        }
        Block::Table(table) => {
            write_table(html, table, is_site);
            Ok(())
        }
        Block::Items(items) => {
            write_items(html, items, is_brief, is_site);
            Ok(())
        }
        Block::Chart(chart) => {
            write_chart(html, chart);
            Ok(())
        }
        Block::Form(form) => {
            write_form(html, form);
            Ok(())
        }
        Block::Links(links) => {
            write_links(html, links);
            Ok(())
        }
    };
}

fn write_facts(html: &mut String, facts: &[Fact]) {
    html.push_str("<dl class=\"facts\">\n");
    for fact in facts {
        let note = match fact.note.as_str() {
            "" => String::new(),
            note => format!(" <small>{}</small>", escaped(note)),
        };
        let _ = writeln!(
            html,
            "<div><dt>{}</dt><dd>{}{note}</dd></div>",
            escaped(&fact.name),
            escaped(&fact.value)
        );
    }
    html.push_str("</dl>\n");
}

fn write_table(html: &mut String, table: &Table, is_site: bool) {
    let caption = escaped(&table.caption);
    let _ = write!(
        html,
        "<div class=\"scroll\" role=\"region\" aria-label=\"{caption}\" tabindex=\"0\"><table>\n\
         <caption>{caption}</caption>\n<thead><tr>"
    );
    for (index, column) in table.columns.iter().enumerate() {
        let class = number_class(table, index);
        let _ = write!(
            html,
            "<th scope=\"col\"{class}>{}</th>",
            escaped(&column.title)
        );
    }
    html.push_str("</tr></thead>\n<tbody>\n");
    for row in &table.rows {
        write_row(html, table, row, is_site);
    }
    html.push_str("</tbody></table></div>\n");
}

fn write_row(html: &mut String, table: &Table, row: &Row, is_site: bool) {
    let mark = class_name(&row.mark);
    let is_part = mark.starts_with("part-");
    let class = if mark.is_empty() || is_part {
        String::new()
    } else {
        format!(" class=\"m-{mark}\"")
    };
    let swatch = if is_part {
        format!("<span class=\"swatch {mark}\"></span>")
    } else {
        String::new()
    };
    let anchor = match class_name(&row.anchor).as_str() {
        "" => String::new(),
        anchor => format!(" id=\"{anchor}\""),
    };
    let _ = write!(html, "<tr{class}{anchor}>");
    for (index, cell) in row.cells.iter().enumerate() {
        let most = if index == 0 { SHORT_HEADING } else { SHORT };
        let is_short = cell.chars().count() <= most && !table.is_number(index);
        let share = row.shares.iter().find(|(column, _)| *column == index);
        let class = match share {
            Some((_, share)) => {
                // A style of its own would need a policy that lets in any style.
                let twentieths = (share.percent() / 5.0).round().clamp(0.0, 20.0);
                format!(" class=\"n share t{twentieths}\"")
            }
            // An id, which a narrow window gives no more room than it needs.
            None if is_short && index == 0 && cell.chars().count() <= SHORT_ID => {
                " class=\"s id\"".to_owned()
            }
            None if is_short => " class=\"s\"".to_owned(),
            None => number_class(table, index).to_owned(),
        };
        let link = row.links.iter().find(|(column, _)| *column == index);
        let mut cell = linked(escaped(cell), link.map(|(_, link)| link), is_site);
        if let Some((_, note)) = row.notes.iter().find(|(column, _)| *column == index) {
            let _ = write!(cell, " <small>{}</small>", escaped(note));
        }
        let _ = if index == 0 {
            write!(html, "<th scope=\"row\"{class}>{swatch}{cell}</th>")
        } else {
            write!(html, "<td{class}>{cell}</td>")
        };
    }
    html.push_str("</tr>\n");
}

fn number_class(table: &Table, index: usize) -> &'static str {
    if table.is_number(index) {
        " class=\"n\""
    } else {
        ""
    }
}

/// Letters, digits, dashes and underscores of a name.
fn class_name(name: &str) -> String {
    let is_plain = |letter: &char| letter.is_ascii_alphanumeric() || "-_".contains(*letter);
    name.chars().filter(is_plain).collect()
}

fn write_items(html: &mut String, items: &[Item], is_brief: bool, is_site: bool) {
    let class = if is_brief { "items brief" } else { "items" };
    let _ = writeln!(html, "<ol class=\"{class}\">");
    for item in items {
        write_item(html, item, is_site);
    }
    html.push_str("</ol>\n");
}

fn write_item(html: &mut String, item: &Item, is_site: bool) {
    let severity = class_name(&item.severity);
    let class = match severity.as_str() {
        "" => String::new(),
        severity => format!(" class=\"m-{severity}\""),
    };
    let badge = match severity.as_str() {
        "" => String::new(),
        severity => format!("<span class=\"severity\">{severity}</span> "),
    };
    let rank = item.rank.map_or_else(String::new, |rank| {
        format!("<span class=\"rank\">{rank}</span> ")
    });
    let _ = writeln!(
        html,
        "<li{class}>\n<h3>{rank}{badge}{}</h3>",
        linked(escaped(&item.title), item.link.as_ref(), is_site)
    );
    for text in &item.texts {
        let _ = writeln!(html, "<p>{}</p>", escaped(text));
    }
    if let Some((key, current, recommended)) = &item.setting {
        let _ = writeln!(
            html,
            "<p class=\"setting\"><code>{}</code> <span><del>{}</del> <span aria-hidden=\"true\">→</span> \
             <ins>{}</ins></span></p>",
            escaped(key),
            escaped(current),
            escaped(recommended)
        );
    }
    if !item.facts.is_empty() {
        let _ = writeln!(
            html,
            "<p class=\"meta\">{}</p>",
            escaped(&item.facts.join(" · "))
        );
    }
    html.push_str("</li>\n");
}

fn write_chart(html: &mut String, chart: &Chart) {
    let _ = write!(
        html,
        "<figure>\n<figcaption><h3>{}</h3><p>{}</p>",
        escaped(&chart.title),
        escaped(&chart.says)
    );
    if !chart.legend.is_empty() {
        html.push_str("<ul class=\"legend\">");
        for (class, name) in &chart.legend {
            let _ = write!(
                html,
                "<li><span class=\"swatch {class}\"></span>{name}</li>"
            );
        }
        html.push_str("</ul>");
    }
    if chart.svg.is_empty() {
        html.push_str("</figcaption>\n</figure>\n");
        return;
    }
    // A picture can be wider than its page: in its own size, and where the window is narrow.
    let _ = writeln!(
        html,
        "</figcaption>\n<div class=\"scroll\" role=\"region\" aria-label=\"{}\" tabindex=\"0\">{}</div>\n</figure>",
        escaped(&chart.title),
        chart.svg
    );
}
