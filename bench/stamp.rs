//! Prints the monotonic clock in nanoseconds at once, which is the time when it starts. With an argument, it
//! first waits until its standard input is closed, so the time is the one when it ends.

use std::io::Read;

#[repr(C)]
struct Time {
    seconds: i64,
    nanoseconds: i64,
}

unsafe extern "C" {
    fn clock_gettime(clock: i32, time: *mut Time) -> i32;
}

const CLOCK_MONOTONIC: i32 = 1;

fn main() {
    if std::env::args().len() > 1 {
        println!("in");
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
    }
    let mut now = Time { seconds: 0, nanoseconds: 0 };
    // SAFETY: the kernel writes two numbers to a struct that has room for them.
    unsafe { clock_gettime(CLOCK_MONOTONIC, &raw mut now) };
    println!("{}", now.seconds * 1_000_000_000 + now.nanoseconds);
}
