//! Places at which a test may let a commit die, as `kill -9` would. Outside of tests they do
//! nothing.

use super::error::LoadError;

/// The moments between which a commit can be cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// All files are staged; nothing says so yet.
    Staged,
    /// The intent is written.
    IntentWritten,
    /// A table other than the ledger is about to be committed.
    BeforeTable,
    /// A table other than the ledger has been committed.
    TableCommitted,
    /// All tables but the ledger are committed.
    BeforeLedger,
    /// Everything is committed, the intent is still there.
    BeforeCleanup,
    /// The batch is no longer open, the intent is still there.
    HalfCleaned,
}

/// Lets tests choose where to die.
#[derive(Debug, Default)]
pub(super) struct Failpoint {
    #[cfg(test)]
    armed: std::sync::Mutex<Option<(Step, usize)>>,
}

impl Failpoint {
    /// Goes on, or fails where a test wants it.
    #[cfg_attr(
        not(test),
        expect(
            clippy::unused_self,
            clippy::unnecessary_wraps,
            reason = "does nothing outside of tests"
        )
    )]
    pub(super) fn pass(&self, step: Step) -> Result<(), LoadError> {
        #[cfg(test)]
        {
            let mut armed = self.armed.lock().unwrap();
            if let Some((at, passes)) = armed.as_mut()
                && *at == step
            {
                if *passes == 0 {
                    return Err(LoadError::Writer {
                        reason: format!("killed by a test at {step:?}"),
                    });
                }
                *passes -= 1;
            }
        }
        #[cfg(not(test))]
        let _ = step;
        Ok(())
    }

    /// Dies at a step, after having passed it some times, and every time from then on.
    #[cfg(test)]
    pub(super) fn arm(&self, step: Step, passes: usize) {
        *self.armed.lock().unwrap() = Some((step, passes));
    }

    /// Goes on everywhere again.
    #[cfg(test)]
    pub(super) fn disarm(&self) {
        *self.armed.lock().unwrap() = None;
    }
}
