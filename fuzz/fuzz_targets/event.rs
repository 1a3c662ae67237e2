#![no_main]

use libfuzzer_sys::fuzz_target;
use sparklake_fuzz::event::EventParser;

// One line, parsed twice: what serde accepts, the scanner of task events must understand the same
// way. The scanner may accept more, since it does not look into what no table needs.
fuzz_target!(|line: &[u8]| {
    let mut parser = EventParser::default();
    let scanned = parser.parse(line);
    if let Ok(parsed) = parser.parse_without_scanner(line) {
        assert_eq!(format!("{:?}", scanned.ok()), format!("{:?}", Some(parsed)));
    }
});
