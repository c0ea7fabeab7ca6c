//! The `yosoku` program: parses the command line and hands over to [`yosoku::cli`].

fn main() {
    std::process::exit(yosoku::cli::run());
}
