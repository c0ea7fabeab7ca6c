//! Placeholder, replaced before release.
