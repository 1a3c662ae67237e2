use super::*;
use crate::config::Environment;
use crate::unit::UnitError;

fn environment(variables: &[(&str, &str)]) -> Environment {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    variables.iter().map(owned).collect()
}

#[test]
fn all_shards_together_have_each_unit_once() {
    for units in [0, 1, 7, 100] {
        for count in [1, 2, 3, 8, 101] {
            let shards = (0..count).map(|index| Shard::new(index, count).unwrap());
            let mut positions: Vec<usize> =
                shards.flat_map(|shard| shard.positions(units)).collect();
            positions.sort_unstable();
            let expected: Vec<usize> = (0..units).collect();
            assert_eq!(positions, expected, "{units} units in {count} shards");
        }
    }
}

#[test]
fn a_shard_is_written_as_index_and_count_from_zero() {
    let parse = |text: &str| text.parse::<Shard>();
    assert_eq!(parse("2/5"), Shard::new(2, 5));
    assert_eq!(parse("0/1").unwrap().to_string(), "0/1");
    for wrong in ["", "3", "5/5", "1/0", "-1/4", "a/b", "1/2/3", "0.5/2"] {
        assert!(parse(wrong).is_err(), "{wrong}");
    }
    let error = parse("4/4").unwrap_err().to_string();
    assert!(error.contains("the last of 4 is 3"), "{error}");
}

#[test]
fn schedulers_tell_the_shard_by_their_variables() {
    let shard = |variables: &[(&str, &str)], count| {
        let shard = Shard::of_environment(&environment(variables), count);
        shard.map_err(|error| error.to_string())
    };
    let kubernetes = [("JOB_COMPLETION_INDEX", "3")];
    assert_eq!(shard(&kubernetes, Some(4)), Ok(Shard::new(3, 4).unwrap()));
    let unknown = shard(&kubernetes, None).unwrap_err();
    assert!(unknown.contains("--shards N"), "{unknown}");
    let batch = [
        ("AWS_BATCH_JOB_ARRAY_INDEX", "0"),
        ("AWS_BATCH_JOB_ARRAY_SIZE", "10"),
    ];
    assert_eq!(shard(&batch, None), Ok(Shard::new(0, 10).unwrap()));
    // An array from 1 to 8: its first task has the first shard.
    let slurm = [
        ("SLURM_ARRAY_TASK_ID", "1"),
        ("SLURM_ARRAY_TASK_COUNT", "8"),
        ("SLURM_ARRAY_TASK_MIN", "1"),
    ];
    assert_eq!(shard(&slurm, None), Ok(Shard::new(0, 8).unwrap()));
    let none = shard(&[], Some(4)).unwrap_err();
    assert!(none.contains("--shard 0/4"), "{none}");
    let word = shard(&[("JOB_COMPLETION_INDEX", "first")], Some(4)).unwrap_err();
    assert!(word.contains("JOB_COMPLETION_INDEX"), "{word}");
    assert!(shard(&[("JOB_COMPLETION_INDEX", "4")], Some(4)).is_err());
}

#[test]
fn a_manifest_of_another_version_or_with_foreign_batches_is_refused() {
    let manifest = Manifest {
        version: MANIFEST_VERSION,
        run_id: "r".to_owned(),
        phase: Phase::Extraction,
        batches: Vec::new(),
        units: Vec::new(),
        coordinator: serde_json::Value::Null,
    };
    let parse = |manifest: &Manifest| {
        let json = serde_json::to_vec(manifest).unwrap();
        Manifest::parse(&json)
    };
    assert_eq!(parse(&manifest).unwrap(), manifest);
    let newer = Manifest {
        version: 2,
        ..manifest.clone()
    };
    let error = parse(&newer).unwrap_err();
    assert!(
        matches!(error, UnitError::Version { found: 2, .. }),
        "{error}"
    );
    assert!(error.is_usage());
    let foreign = Manifest {
        units: vec![ManifestUnit {
            batch: 1,
            unit: 0,
            items: 1,
            bytes: 1,
            is_alone: false,
        }],
        ..manifest
    };
    let error = parse(&foreign).unwrap_err().to_string();
    assert!(error.contains("batch 1 of 0"), "{error}");
}
