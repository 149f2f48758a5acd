use super::TestTls;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// A private authority, with a certificate for a cluster's members and one for a client.
#[derive(Debug)]
pub struct TestCertificates {
    folder: PathBuf,
}

impl TestCertificates {
    /// Makes an authority in a folder, and certificates for servers with some IP addresses and for a client.
    pub fn make(folder: &Path, hosts: &[String]) -> Self {
        let certificates = Self { folder: folder.join("tls") };
        fs::create_dir(&certificates.folder).expect("a folder");
        let names: Vec<String> = hosts.iter().map(|host| format!("IP:{host}")).collect();
        let configuration = format!(
            "[req]\ndistinguished_name=dn\nprompt=no\n[dn]\nCN=lokt test\n\
             [authority]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign\n\
             [server]\nbasicConstraints=CA:FALSE\nsubjectAltName={}\n\
             extendedKeyUsage=serverAuth,clientAuth\n\
             [client]\nbasicConstraints=CA:FALSE\nextendedKeyUsage=clientAuth\n",
            names.join(",")
        );
        fs::write(certificates.file("openssl.cnf"), configuration).expect("a file");
        certificates.sign("authority", &[]);
        let authority = ["-CA".into(), certificates.authority()];
        let key = ["-CAkey".into(), certificates.file("authority.key")];
        for name in ["server", "client"] {
            certificates.sign(name, &[&authority[..], &key[..]].concat());
        }
        certificates
    }

    fn sign(&self, name: &str, authority: &[PathBuf]) {
        let output = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"])
            .args(["-nodes", "-days", "2", "-subj", &format!("/CN=lokt test {name}")])
            .args(["-extensions", name, "-config"])
            .arg(self.file("openssl.cnf"))
            .arg("-keyout")
            .arg(self.file(&format!("{name}.key")))
            .arg("-out")
            .arg(self.file(&format!("{name}.pem")))
            .args(authority)
            .output()
            .expect("openssl starts (Debian package: openssl)");
        assert!(output.status.success(), "openssl makes a certificate: {output:?}");
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The file with the authority's certificate.
    pub fn authority(&self) -> PathBuf {
        self.file("authority.pem")
    }

    /// The file with the certificate of a client.
    pub fn client_certificate(&self) -> PathBuf {
        self.file("client.pem")
    }

    /// The file with the key of a client.
    pub fn client_key(&self) -> PathBuf {
        self.file("client.key")
    }

    /// The arguments of `etcd`.
    pub(super) fn server_arguments(&self, tls: TestTls) -> Vec<String> {
        let argument = |name: &str, file: &str| format!("--{name}={}", self.file(file).display());
        let mut arguments =
            vec![argument("cert-file", "server.pem"), argument("key-file", "server.key")];
        if tls == TestTls::Mutual {
            arguments.push("--client-cert-auth".to_owned());
            arguments.push(argument("trusted-ca-file", "authority.pem"));
        }
        arguments
    }
}
