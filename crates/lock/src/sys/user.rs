use crate::words::Owner;
use nix::unistd::Uid;
use std::{env, fs};

/// The operating system's name of the user that this process runs as.
///
/// `/etc/passwd` is read directly: a statically linked program cannot load the name services that
/// getpwuid(3) may need. Accounts that are not in it (LDAP) are named by `LOGNAME` or `USER`, which every
/// login sets, else by their number.
pub(crate) fn current() -> Owner {
    let uid = nix::unistd::geteuid();
    let named = from_passwd(uid).or_else(from_login).and_then(|name| Owner::new(name).ok());
    named.unwrap_or_else(|| Owner::from_record(&format!("uid-{uid}")))
}

fn from_passwd(uid: Uid) -> Option<String> {
    let passwd = fs::read_to_string("/etc/passwd").ok()?;
    passwd.lines().find_map(|line| name_if(line, uid))
}

/// The user's name, where a line of `passwd(5)` has this number.
fn name_if(line: &str, uid: Uid) -> Option<String> {
    let mut fields = line.split(':');
    let name = fields.next()?;
    let number: u32 = fields.nth(1)?.parse().ok()?;
    (number == uid.as_raw()).then(|| name.to_owned())
}

fn from_login() -> Option<String> {
    ["LOGNAME", "USER"].iter().find_map(|key| env::var(key).ok().filter(|name| !name.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_passwd_line_is_matched_by_its_number() {
        let line = "ada:x:1001:1001:Ada:/home/ada:/bin/sh";
        assert_eq!(name_if(line, Uid::from_raw(1001)).as_deref(), Some("ada"));
        assert_eq!(name_if(line, Uid::from_raw(1)), None);
        assert_eq!(name_if("", Uid::from_raw(0)), None);
    }
}
