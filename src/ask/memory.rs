//! How the operators of all queries of a session share its memory.

use std::fmt::{self, Display, Formatter};

use datafusion::common::Result;
use datafusion::execution::memory_pool::{
    FairSpillPool, MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation,
};

/// Part of the memory that an operator which can spill may always have, as long as there is any.
const SMALL_SHARE: usize = 64;

/// The engine's fair pool, in which an operator may have a small share even among very many.
///
/// The fair pool divides its memory by the number of operators that could spill, whether they hold
/// anything or not. All rules at once are some seven hundred of them, so that a sort of five megabytes
/// failed while nearly all memory was free. Up to a 64th of the memory is given as long as the sum
/// of all that is held stays within the pool.
#[derive(Debug)]
pub(super) struct SharedMemory {
    fair: FairSpillPool,
    bytes: usize,
}

impl SharedMemory {
    /// A pool of this many bytes.
    pub(super) fn new(bytes: usize) -> Self {
        Self {
            fair: FairSpillPool::new(bytes),
            bytes,
        }
    }

    fn has_room(&self, reservation: &MemoryReservation, additional: usize) -> bool {
        reservation.size().saturating_add(additional) <= self.bytes / SMALL_SHARE
            && self.fair.reserved().saturating_add(additional) <= self.bytes
    }
}

impl Display for SharedMemory {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        Display::fmt(&self.fair, formatter)
    }
}

impl MemoryPool for SharedMemory {
    fn name(&self) -> &'static str {
        "shared"
    }

    fn register(&self, consumer: &MemoryConsumer) {
        self.fair.register(consumer);
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        self.fair.unregister(consumer);
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        self.fair.grow(reservation, additional);
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        self.fair.shrink(reservation, shrink);
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        self.fair
            .try_grow(reservation, additional)
            .or_else(|error| {
                if reservation.consumer().can_spill() && self.has_room(reservation, additional) {
                    self.fair.grow(reservation, additional);
                    Ok(())
                } else {
                    Err(error)
                }
            })
    }

    fn reserved(&self) -> usize {
        self.fair.reserved()
    }

    fn memory_limit(&self) -> MemoryLimit {
        self.fair.memory_limit()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    const MEBIBYTE: usize = 1 << 20;

    fn sorts(pool: &Arc<dyn MemoryPool>, count: usize) -> Vec<MemoryReservation> {
        (0..count)
            .map(|number| {
                MemoryConsumer::new(format!("sort {number}"))
                    .with_can_spill(true)
                    .register(pool)
            })
            .collect()
    }

    #[test]
    fn one_of_very_many_operators_has_a_small_share_while_memory_is_free() {
        let pool: Arc<dyn MemoryPool> = Arc::new(SharedMemory::new(2048 * MEBIBYTE));
        let sorts = sorts(&pool, 1000);
        assert!(sorts[0].try_grow(5 * MEBIBYTE).is_ok());
        assert!(sorts[0].try_grow(27 * MEBIBYTE).is_ok());
        // A 64th of the pool is 32 MiB.
        assert!(sorts[0].try_grow(1).is_err());
        assert_eq!(pool.reserved(), 32 * MEBIBYTE);
    }

    #[test]
    fn small_shares_together_stay_within_the_pool() {
        let pool: Arc<dyn MemoryPool> = Arc::new(SharedMemory::new(2048 * MEBIBYTE));
        let sorts = sorts(&pool, 1000);
        let given = sorts
            .iter()
            .filter(|sort| sort.try_grow(32 * MEBIBYTE).is_ok())
            .count();
        assert_eq!(given, 64);
        // What the fair pool gives to each is still there.
        assert!(sorts[999].try_grow(2 * MEBIBYTE).is_ok());
    }

    #[test]
    fn what_cannot_spill_has_no_share_of_its_own() {
        let pool: Arc<dyn MemoryPool> = Arc::new(SharedMemory::new(64 * MEBIBYTE));
        let join = MemoryConsumer::new("join").register(&pool);
        assert!(join.try_grow(64 * MEBIBYTE).is_ok());
        assert!(join.try_grow(1).is_err());
    }
}
