//! Database servers that tests may use, and a line about those that are not there.

use std::collections::BTreeSet;
use std::io::Write;
use std::sync::{Mutex, PoisonError};

/// The variables with their addresses.
pub const POSTGRES: &str = "YOSOKU_TEST_POSTGRES";
#[allow(dead_code, reason = "not every test target asks both")]
pub const MARIADB: &str = "YOSOKU_TEST_MARIADB";

/// The address in `variable`; none where there is no such server, which is said once, also where what tests print is
/// captured.
#[expect(
    clippy::disallowed_methods,
    reason = "the suite has no configuration but these variables"
)]
pub fn server(variable: &'static str) -> Option<String> {
    static TOLD: Mutex<BTreeSet<&str>> = Mutex::new(BTreeSet::new());
    let address = std::env::var(variable).ok().filter(|address| !address.is_empty());
    if address.is_none()
        && TOLD
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(variable)
    {
        let line = format!(
            "left out: what needs a database server whose address is in {variable}, which is not set\n"
        );
        // Nobody may be listening.
        let _ = std::io::stderr().write_all(line.as_bytes());
    }
    address
}
