//! Work on many tasks, shared among the processors.

use std::panic::resume_unwind;
use std::thread;

/// A thread costs more than the work on fewer.
const LEAST: usize = 2000;

/// Does the work on consecutive parts of the items, each with the index of its first; the results are in their order.
pub(super) fn in_parts<T: Sync, R: Send>(
    items: &[T],
    work: impl Fn(usize, &[T]) -> R + Sync,
) -> Vec<R> {
    let processors = thread::available_parallelism().map_or(1, usize::from);
    let threads = processors.min(items.len() / LEAST);
    if threads <= 1 {
        return vec![work(0, items)];
    }
    let size = items.len().div_ceil(threads);
    let work = &work;
    thread::scope(|scope| {
        let parts = items.chunks(size).enumerate();
        let threads: Vec<_> = parts
            .map(|(n, part)| scope.spawn(move || work(n * size, part)))
            .collect();
        let results = threads.into_iter().map(|thread| thread.join());
        results
            .map(|r| r.unwrap_or_else(|p| resume_unwind(p)))
            .collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_item_in_its_order() {
        for length in [0, 1, LEAST - 1, 2 * LEAST, 5 * LEAST + 7] {
            let items: Vec<usize> = (0..length).collect();
            let parts = in_parts(&items, |first, part| {
                assert!(part.first().is_none_or(|item| *item == first));
                part.to_vec()
            });
            assert_eq!(parts.concat(), items);
        }
    }
}
