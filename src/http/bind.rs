//! Where the server may listen: loopback freely, anywhere else only with keys and encryption.

use std::net::SocketAddr;

/// What decides whether an address is allowed.
#[derive(Debug, Clone, Copy)]
pub struct Binding {
    /// The address to listen on.
    pub listen: SocketAddr,
    /// How many valid keys there are; `None` without a key file.
    pub keys: Option<usize>,
    /// Whether the server encrypts by itself.
    pub tls: bool,
    /// Whether a proxy in front of it encrypts.
    pub behind_proxy: bool,
}

impl Binding {
    /// Says everything that is missing before this address may be opened.
    pub fn check(&self) -> Result<(), Vec<String>> {
        let mut missing = Vec::new();
        let local = self.listen.ip().to_canonical().is_loopback();
        let reachable = if local { self.behind_proxy } else { true };
        let address = self.listen;
        if reachable && self.keys.is_none() {
            let way = if local {
                "through a proxy"
            } else {
                "from other machines"
            };
            missing.push(format!(
                "{address} can be reached {way}, so keys are needed; make one with `yosoku key new` and give its file with --keys"
            ));
        }
        if reachable && self.keys == Some(0) {
            missing.push("the key file holds no valid key; make one with `yosoku key new`".to_owned());
        }
        if !local && !self.tls && !self.behind_proxy {
            missing.push(format!(
                "{address} is not loopback, so traffic must be encrypted; give --tls-cert and --tls-key, or say --behind-proxy if a proxy does it"
            ));
        }
        if missing.is_empty() { Ok(()) } else { Err(missing) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(listen: &str, keys: Option<usize>, tls: bool, behind_proxy: bool) -> usize {
        let binding = Binding {
            listen: listen.parse().unwrap(),
            keys,
            tls,
            behind_proxy,
        };
        binding.check().err().map_or(0, |missing| missing.len())
    }

    #[test]
    fn loopback_is_free_and_everything_else_needs_keys_and_encryption() {
        for local in [
            "127.0.0.1:8080",
            "[::1]:8080",
            "127.9.9.9:1",
            "[::ffff:127.0.0.1]:1",
        ] {
            assert_eq!(check(local, None, false, false), 0, "{local}");
            assert_eq!(check(local, None, true, false), 0, "{local}");
            assert_eq!(check(local, Some(0), false, false), 0, "{local}");
            assert_eq!(
                check(local, None, false, true),
                1,
                "{local}: a proxy makes it reachable"
            );
            assert_eq!(check(local, Some(1), false, true), 0, "{local}");
        }
        for open in ["0.0.0.0:8080", "[::]:8080", "192.168.1.5:80"] {
            assert_eq!(check(open, None, false, false), 2, "{open}");
            assert_eq!(check(open, None, true, false), 1, "{open}");
            assert_eq!(check(open, Some(0), true, false), 1, "{open}");
            assert_eq!(check(open, Some(2), false, false), 1, "{open}");
            assert_eq!(check(open, Some(1), true, false), 0, "{open}");
            assert_eq!(check(open, Some(1), false, true), 0, "{open}");
        }
    }

    #[test]
    fn the_refusal_says_what_to_do() {
        let binding = Binding {
            listen: "0.0.0.0:80".parse().unwrap(),
            keys: None,
            tls: false,
            behind_proxy: false,
        };
        let text = binding.check().unwrap_err().join("\n");
        for word in [
            "yosoku key new",
            "--keys",
            "--tls-cert",
            "--tls-key",
            "--behind-proxy",
            "0.0.0.0:80",
        ] {
            assert!(text.contains(word), "{word} is not in: {text}");
        }
    }
}
