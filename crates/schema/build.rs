//! A contract that is added is seen by the build: what is compiled in names only files it knew.

fn main() {
    println!("cargo::rerun-if-changed=../../schemas");
}
