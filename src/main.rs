//! The command-line program; see [`sparklake::cli`].
#![forbid(unsafe_code)]

use std::process::ExitCode;

/// Replaying logs allocates many small texts on all cores, which the system's allocator is slow at.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // Several libraries bring TLS; without a choice the first connection would fail. It can only
    // have been made already when something else called this function.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    sparklake::cli::main()
}
