//! The whole run over one large log, beside a bare JSON pass over the same bytes.
//!
//! ```sh
//! cargo bench --bench big_log -- LOG [RUNS]
//! ```
//!
//! `LOG` is an uncompressed event log; ours is made by real Spark and has 224,000 tasks. Each round
//! first parses every line with simd-json, single-threaded, into a tape that nobody looks at, and
//! then runs `sparklake run` into an empty lake: reading, replay, all tables, analysis. Machines
//! are shared and noisy, so the figure to quote is the ratio of the two within a round.

#![expect(clippy::print_stdout, reason = "the figures are the output")]

use std::error::Error;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with("--"));
    let Some(log) = arguments.next() else {
        println!("skipped: name a log, as in `cargo bench --bench big_log -- LOG`");
        return Ok(());
    };
    let rounds: usize = arguments.next().map_or(Ok(5), |rounds| rounds.parse())?;
    println!("round  simd-json s  sparklake s  ratio  peak MB");
    let mut ratios = Vec::new();
    for round in 1..=rounds {
        let bare = json_pass(Path::new(&log))?;
        let (whole, peak_kib) = sparklake(&log)?;
        let ratio = whole.as_secs_f64() / bare.as_secs_f64();
        ratios.push(ratio);
        println!(
            "{round:>5}  {:>11.2}  {:>11.2}  {ratio:>5.2}  {:>7}",
            bare.as_secs_f64(),
            whole.as_secs_f64(),
            peak_kib / 1000
        );
    }
    ratios.sort_by(f64::total_cmp);
    if let Some(median) = ratios.get(ratios.len() / 2) {
        println!("median ratio {median:.2}");
    }
    Ok(())
}

/// Parses every line of the log; reading the file is not counted.
fn json_pass(log: &Path) -> Result<Duration, Box<dyn Error>> {
    let mut text = std::fs::read(log)?;
    let mut buffers = simd_json::Buffers::new(1 << 20);
    let started = Instant::now();
    let mut nodes = 0_usize;
    for line in text
        .split_mut(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
    {
        nodes += simd_json::to_tape_with_buffers(line, &mut buffers)?.0.len();
    }
    let elapsed = started.elapsed();
    assert!(nodes > 0, "the log is empty");
    Ok(elapsed)
}

/// Runs sparklake into an empty lake; wall time and peak resident memory in KiB.
fn sparklake(log: &str) -> Result<(Duration, u64), Box<dyn Error>> {
    let lake = tempfile::tempdir()?;
    let started = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_sparklake"))
        .args(["--quiet", "run", "--event-logs", log, "--lake"])
        .arg(lake.path())
        .stdout(Stdio::null())
        .spawn()?;
    let status = format!("/proc/{}/status", child.id());
    let mut peak_kib = 0;
    let exit = loop {
        if let Some(exit) = child.try_wait()? {
            break exit;
        }
        peak_kib = peak_kib.max(peak_memory(&status).unwrap_or(0));
        std::thread::sleep(Duration::from_millis(2));
    };
    let elapsed = started.elapsed();
    if !exit.success() {
        return Err(format!("sparklake ended with {exit}").into());
    }
    Ok((elapsed, peak_kib))
}

fn peak_memory(status: &str) -> Option<u64> {
    let text = std::fs::read_to_string(status).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches(" kB").trim().parse().ok()
}
