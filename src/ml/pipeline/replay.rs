//! The second pass over rows that the first one kept: nothing is read or cut again.

use std::ops::ControlFlow;

use rayon::prelude::*;

use super::encode::{Encoded, Gathered};
use super::error::PipelineError;
use super::tally::OfRows;
use crate::ml::features::{FeatureVector, Featurizer, KeptRows};
use crate::ml::ingest::IngestError;
use crate::ml::learn::design::shard_rows;
use crate::ml::observe::{Observer, Stage};

/// Blocks of rows for each thread that are encoded before they are put together, each this part of a shard.
const BLOCKS: usize = 4;

/// Rows as the first pass read them.
pub struct Kept {
    pub(super) rows: KeptRows,
    /// What is true of them.
    pub(super) of_rows: OfRows,
}

impl Kept {
    /// Bytes that it takes, about, and those that encoding it takes besides.
    pub(super) fn bytes(&self) -> (u64, u64) {
        let there = self.rows.bytes() + self.of_rows.bytes();
        (there as u64, self.rows.bytes_to_replay() as u64)
    }
}

/// Encodes all kept rows, in order: some blocks side by side while those before them are put together.
pub(super) fn replay(
    kept: &Kept,
    featurizer: &Featurizer,
    gathered: &mut Gathered,
    observer: &mut dyn Observer,
) -> Result<(), PipelineError> {
    let (rows, replay) = (kept.rows.rows, kept.rows.replay(featurizer));
    let encode = |block: &std::ops::Range<usize>| {
        let (mut encoded, mut features) = (Encoded::default(), FeatureVector::default());
        for row in block.clone() {
            if encoded.add_truth(kept.of_rows.get(row)) {
                replay.row(row, &mut features);
                encoded.rows.push(&features.dense, &features.active);
            }
        }
        encoded
    };
    let size = (shard_rows(featurizer.dense()) / BLOCKS).max(1);
    let starts = (0..rows).step_by(size);
    let blocks: Vec<_> = starts.map(|start| start..(start + size).min(rows)).collect();
    let mut ready: Vec<Encoded> = Vec::new();
    let mut put_together = |ready: &[Encoded]| ready.iter().try_for_each(|some| gathered.take(some));
    for some in blocks.chunks(BLOCKS * rayon::current_num_threads()) {
        let (next, taken) = rayon::join(|| some.par_iter().map(encode).collect(), || put_together(&ready));
        taken?;
        ready = next;
        let done = some.last().map_or(0, |block| block.end) as u64;
        if let ControlFlow::Break(()) = observer.report(Stage::Encode, done, rows as u64) {
            return Err(IngestError::Stopped.into());
        }
    }
    put_together(&ready)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ml::features::FeaturizerFit;
    use crate::ml::learn::DesignBuilder;
    use crate::ml::recipe::term::{NumberSource, Term};
    use crate::ml::record::Record;
    use crate::ml::schema::Schema;
    use crate::ml::target::Target;

    /// Asks for a stop after so many reports.
    struct Patient(usize);

    impl Observer for Patient {
        fn report(&mut self, _: Stage, done: u64, total: u64) -> ControlFlow<()> {
            assert!(done <= total);
            match self.0 {
                0 => ControlFlow::Break(()),
                _ => {
                    self.0 -= 1;
                    ControlFlow::Continue(())
                }
            }
        }
    }

    #[test]
    fn rows_without_a_truth_are_left_out_and_a_stop_is_heeded() {
        let schema = Schema::from_json(
            r#"{"version":"1.0","dataFormat":"CSV","attributes":[{"attributeName":"n","attributeType":"NUMERIC"}]}"#,
        )
        .unwrap();
        let terms = [Term::Number(NumberSource::Attribute(0))];
        let records: Vec<Record> = (0..50_000)
            .map(|row| Record::from_fields([row.to_string().as_str()]))
            .collect();
        let mut fit = FeaturizerFit::new(&terms, &schema, 10).keeping(1 << 20);
        fit.add(&records.iter().collect::<Vec<_>>());
        assert!(!fit.next_pass());
        let (state, rows) = fit.freeze_and_keep();
        let featurizer = Featurizer::new(state, &schema);
        let kept = Kept {
            rows: rows.unwrap(),
            of_rows: OfRows::Values(vec![1.0; 49_999]),
        };
        let rows_with = |observer: &mut Patient| {
            let mut gathered = Gathered::new(DesignBuilder::new(1, 0));
            replay(&kept, &featurizer, &mut gathered, observer)?;
            Ok::<_, PipelineError>(gathered.finish(&Target::Regression)?.0.rows)
        };
        assert_eq!(rows_with(&mut Patient(usize::MAX)).unwrap(), 49_999);
        for patience in [0, 1] {
            let error = rows_with(&mut Patient(patience)).unwrap_err();
            assert!(
                matches!(error, PipelineError::Ingest(IngestError::Stopped)),
                "{error}"
            );
        }
    }
}
