#![expect(unsafe_code, reason = "getrandom(2) has no safe wrapper in nix or std")]

use nix::libc;
use std::io;

/// Random bytes from the kernel (getrandom(2)).
///
/// # Errors
/// The kernel gives none.
pub fn random_bytes() -> io::Result<[u8; 16]> {
    let mut bytes = [0u8; 16];
    // SAFETY: the pointer and the length are those of one live array. Up to 256 bytes are given whole or
    // not at all.
    let given = unsafe { libc::getrandom(bytes.as_mut_ptr().cast(), bytes.len(), 0) };
    if usize::try_from(given) == Ok(bytes.len()) {
        Ok(bytes)
    } else {
        Err(io::Error::last_os_error())
    }
}
