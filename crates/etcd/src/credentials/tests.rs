use super::{CredentialSettings, Credentials, CredentialsError};
use std::{collections::HashMap, ffi::OsString, fs, os::unix::ffi::OsStringExt, path::Path};

fn read(variables: &[(&str, &str)]) -> Result<Credentials, CredentialsError> {
    let variables: HashMap<&str, &str> = variables.iter().copied().collect();
    Credentials::from_variables(|name| variables.get(name).map(OsString::from))
}

/// The text of an error, with its causes.
fn refused(variables: &[(&str, &str)]) -> String {
    read(variables).expect_err("it must be refused").to_string()
}

fn account(variables: &[(&str, &str)]) -> Option<(String, String)> {
    let account = read(variables).expect("it must be accepted").account;
    account.map(|it| (it.user, it.password))
}

#[test]
fn an_account_is_read_as_etcdctl_reads_it() {
    let pair = |user: &str, password: &str| Some((user.to_owned(), password.to_owned()));
    assert_eq!(account(&[]), None);
    assert_eq!(account(&[("ETCDCTL_USER", "")]), None, "an empty variable is not set");
    assert_eq!(account(&[("ETCDCTL_USER", "ada:pass:word")]), pair("ada", "pass:word"));
    let both = [("ETCDCTL_USER", "ada:x"), ("ETCDCTL_PASSWORD", "word")];
    assert_eq!(account(&both), pair("ada:x", "word"), "the name is the whole variable then");
}

#[test]
fn half_an_account_is_refused() {
    for user in ["ada", "ada:"] {
        let text = refused(&[("ETCDCTL_USER", user)]);
        assert!(text.contains("names a user without a password"), "{text}");
    }
    let text = refused(&[("ETCDCTL_PASSWORD", "word")]);
    assert_eq!(text, "ETCDCTL_PASSWORD is set, and ETCDCTL_USER is not");
    let settings = CredentialSettings::from_variables(|name| {
        (name == "ETCDCTL_USER").then(|| OsString::from_vec(vec![0xff]))
    });
    assert!(matches!(settings, Err(CredentialsError::NotText("ETCDCTL_USER"))));
}

#[test]
fn a_server_that_is_not_proven_is_refused() {
    for value in ["true", "1", "T", "yes"] {
        let text = refused(&[("ETCDCTL_INSECURE_SKIP_TLS_VERIFY", value)]);
        assert!(text.starts_with("ETCDCTL_INSECURE_SKIP_TLS_VERIFY is set: "), "{text}");
    }
    for value in ["", "0", "false", "F"] {
        read(&[("ETCDCTL_INSECURE_SKIP_TLS_VERIFY", value)]).expect("it says no");
    }
}

#[test]
fn half_an_identity_is_refused() {
    let text = refused(&[("ETCDCTL_CERT", "/a.pem")]);
    assert_eq!(
        text,
        "ETCDCTL_CERT is set, and ETCDCTL_KEY is not: TLS needs both for a client certificate"
    );
    let text = refused(&[("ETCDCTL_KEY", "/a.key")]);
    assert!(text.starts_with("ETCDCTL_KEY is set, and ETCDCTL_CERT is not"), "{text}");
}

/// Makes two certificates, each with its key.
fn certificates(folder: &Path) {
    for name in ["one", "two"] {
        let output = std::process::Command::new("openssl")
            .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"])
            .args(["-nodes", "-subj", "/CN=test", "-keyout"])
            .arg(folder.join(format!("{name}.key")))
            .arg("-out")
            .arg(folder.join(format!("{name}.pem")))
            .output();
        let output = output.expect("openssl starts (Debian package: openssl)");
        assert!(output.status.success(), "openssl makes a certificate: {output:?}");
    }
    fs::write(folder.join("empty"), "").expect("a file");
    fs::write(
        folder.join("broken.pem"),
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    )
    .expect("a file");
}

#[test]
fn every_file_that_is_wrong_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    certificates(folder.path());
    let path = |name: &str| folder.path().join(name).display().to_string();
    let identity = |certificate: &str, key: &str| {
        refused(&[("ETCDCTL_CERT", &path(certificate)), ("ETCDCTL_KEY", &path(key))])
    };
    let authority = |name: &str| refused(&[("ETCDCTL_CACERT", &path(name))]);
    for (text, name, fault) in [
        (authority("missing"), "missing", "cannot read {} (ETCDCTL_CACERT)"),
        (authority("empty"), "empty", "{} (ETCDCTL_CACERT) has no certificate in PEM"),
        (authority("one.key"), "one.key", "{} (ETCDCTL_CACERT) has no certificate in PEM"),
        (authority("broken.pem"), "broken.pem", "{} (ETCDCTL_CACERT) has no usable certificate"),
        (identity("missing", "one.key"), "missing", "cannot read {} (ETCDCTL_CERT)"),
        (identity("one.pem", "missing"), "missing", "cannot read {} (ETCDCTL_KEY)"),
        (
            identity("one.pem", "one.pem"),
            "one.pem",
            "{} (ETCDCTL_KEY) has no private key in PEM without a passphrase",
        ),
        (
            identity("broken.pem", "one.key"),
            "broken.pem",
            "{} (ETCDCTL_CERT) has no usable certificate",
        ),
    ] {
        assert_eq!(text, fault.replace("{}", &path(name)));
    }
    let text = identity("one.pem", "two.key");
    let (certificate, key) = (path("one.pem"), path("two.key"));
    assert_eq!(
        text,
        format!("the certificate {certificate} and the key {key} do not belong together")
    );
    let good = [("ETCDCTL_CERT", &*path("one.pem")), ("ETCDCTL_KEY", &path("one.key"))];
    let good = read(&[&good[..], &[("ETCDCTL_CACERT", &path("two.pem"))]].concat());
    let good = good.expect("files that belong together");
    assert!(good.identity.is_some() && good.authorities.is_some());
}

#[test]
fn nothing_secret_is_shown() {
    let settings = CredentialSettings::from_variables(|name| {
        (name == "ETCDCTL_USER").then(|| "ada:secret".into())
    });
    let settings = settings.expect("an account");
    assert!(!format!("{settings:?}").contains("secret"), "{settings:?}");
    let credentials = Credentials::new(settings).expect("an account");
    assert!(!format!("{credentials:?}").contains("secret"), "{credentials:?}");
    assert_eq!(credentials.user(), Some("ada"));
}
