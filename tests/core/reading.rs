//! The reader against a plain one, which has the whole source in memory. Whatever the bytes are, both must find
//! the same.

use std::io::Cursor;

use proptest::prelude::*;
use yosoku::ml::hash::Stream;
use yosoku::ml::ingest::{HeaderMode, Options};

use crate::fuzz::readers::{Trickle, in_batches, one_by_one};
use crate::fuzz::reference::reference;

fn options(header: bool, delimiter: u8, longest: u64) -> Options {
    Options {
        header: if header { HeaderMode::Yes } else { HeaderMode::No },
        delimiter: Some(delimiter),
        max_row_bytes: longest,
        ..Options::default()
    }
}

/// Bytes of which most mean something: delimiters, quotes, ends of lines, text, halves of characters.
fn csv_bytes() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => Just(&b","[..]),
        4 => Just(&b"\""[..]),
        3 => Just(&b"\n"[..]),
        2 => Just(&b"\r\n"[..]),
        1 => Just(&b"\r"[..]),
        4 => Just(&b"a"[..]),
        1 => Just(&b"a long piece of text that fills more than one word of sixty-four bytes and more"[..]),
        1 => Just("é".as_bytes()),
        1 => Just(&b"\xc3"[..]),
        1 => Just(&b"\xff"[..]),
        1 => Just(&b"\",\""[..]),
        1 => Just(&b"\xef\xbb\xbf"[..]),
        1 => Just(&b" "[..]),
    ];
    prop::collection::vec(piece, 1..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read_as_by_the_plain_reader(
        bytes in csv_bytes(),
        header in any::<bool>(),
        most in 1u64..9,
        seed in any::<u64>(),
        longest in prop_oneof![Just(1u64 << 20), 5u64..90],
    ) {
        let bytes = if header { [b"x,y\n".as_slice(), &bytes].concat() } else { bytes };
        let options = options(header, b',', longest);
        let expected = reference(&bytes, &options);
        let plain = one_by_one(Cursor::new(bytes.clone()), &options);
        prop_assert_eq!(&plain, &expected, "{:?}", String::from_utf8_lossy(&bytes));
        let parts = one_by_one(Trickle::new(bytes.clone(), most, seed), &options);
        prop_assert_eq!(&parts, &expected);
        let batches = in_batches(Cursor::new(bytes), &options);
        prop_assert_eq!(&batches, &expected);
    }
}

/// Sources of some megabytes, so that rows are cut by pieces everywhere: within quotes, between a return and
/// its line feed, within characters.
#[test]
fn large_sources_are_read_as_by_the_plain_reader() {
    for (seed, header, delimiter) in [
        (1u64, true, b','),
        (2, false, b';'),
        (3, true, b'\t'),
        (4, true, 0xc3),
    ] {
        let mut stream = Stream::new(seed);
        let words: [&[u8]; 14] = [
            b"1",
            b"22.5",
            b"word",
            b"\"quoted, text\"",
            b"\"two\nlines\"",
            b"\"a \"\"b\"\"\"",
            b"",
            b"\"\"",
            "é—日本".as_bytes(),
            b"\"re\r\nturn\"",
            b"a\"b",
            b"\"x\"y",
            b"  ",
            b"\xff\xfe",
        ];
        let ends: [&[u8]; 4] = [b"\n", b"\n", b"\r\n", b"\n\n\r\n"];
        let mut bytes = [b"a".as_slice(), &[delimiter], b"b", &[delimiter], b"c\n"].concat();
        while bytes.len() < 6_000_000 {
            let fields = 3 + usize::from(stream.next_u64().is_multiple_of(1000));
            for field in 0..fields {
                if field > 0 {
                    bytes.push(delimiter);
                }
                bytes.extend_from_slice(words[(stream.next_u64() % 14) as usize]);
                if stream.next_u64().is_multiple_of(100_000) {
                    let length = (stream.next_u64() % 2_500_000) as usize;
                    bytes.extend(std::iter::repeat_n(b'x', length));
                }
            }
            bytes.extend_from_slice(ends[(stream.next_u64() % 4) as usize]);
        }
        let options = options(header, delimiter, 16 << 20);
        let expected = reference(&bytes, &options);
        assert!(expected.rows.len() > 30_000, "{}", expected.rows.len());
        let plain = one_by_one(Cursor::new(bytes.clone()), &options);
        let batches = in_batches(Trickle::new(bytes, 100_000, seed), &options);
        let difference = plain.rows.iter().zip(&expected.rows).find(|(a, b)| a != b);
        assert!(difference.is_none(), "{difference:?}");
        assert!(plain == expected && batches == expected, "seed {seed}");
    }
}
