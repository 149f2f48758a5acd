use std::{panic::resume_unwind, thread};

/// How many items that take microseconds are worth a thread of their own.
const PORTION: usize = 1000;

/// Does some work on the parts of a list at the same time, where it is long; the results are in order.
pub fn in_portions<'a, T: Sync, R: Send>(
    items: &'a [T],
    work: impl Fn(&'a [T]) -> Vec<R> + Sync,
) -> Vec<R> {
    in_portions_of(PORTION, items, work)
}

/// The same, with as many items as are worth a thread of their own.
pub fn in_portions_of<'a, T: Sync, R: Send>(
    least: usize,
    items: &'a [T],
    work: impl Fn(&'a [T]) -> Vec<R> + Sync,
) -> Vec<R> {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let portion = items.len().div_ceil(threads).max(least).max(1);
    let work = &work;
    thread::scope(|scope| {
        let mut portions = items.chunks(portion);
        let first = portions.next().unwrap_or_default();
        let begin = |items| {
            let begun = thread::Builder::new().spawn_scoped(scope, move || work(items));
            // Where no thread can be had (`ulimit -u`), this one does it, in its turn.
            begun.map_err(|_| items)
        };
        let others: Vec<_> = portions.map(begin).collect();
        let mut results = work(first);
        for other in others {
            results.extend(match other {
                // A panic there is a panic here.
                Ok(thread) => thread.join().unwrap_or_else(|it| resume_unwind(it)),
                Err(items) => work(items),
            });
        }
        results
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_results_are_in_the_order_of_the_items() {
        for length in [0, 1, PORTION, 5 * PORTION + 1] {
            let items: Vec<usize> = (0..length).collect();
            let doubled = in_portions(&items, |part| part.iter().map(|it| it * 2).collect());
            assert_eq!(doubled, items.iter().map(|it| it * 2).collect::<Vec<_>>());
        }
    }
}
