//! Checks of single fields that several use cases share.
