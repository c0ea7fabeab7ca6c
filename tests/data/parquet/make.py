"""Makes the Parquet files of this folder, which tests read. Needs pyarrow (26 was used); `python3 make.py`.

`types.csv` is what the program must make of `types.parquet`, `iris*.parquet` hold the rows of `datasets/iris.csv`.
"""

import base64
import datetime as dt
import decimal
import pathlib
import uuid

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pyarrow.parquet.encryption as pe

HERE = pathlib.Path(__file__).parent
IRIS = pa.csv.read_csv(HERE / "../../../datasets/iris.csv")
UTC = dt.timezone.utc
D = decimal.Decimal

# Name, type, values, and the text of each value.
TYPES = [
    ("bool", pa.bool_(), [True, None, False], ["true", "", "false"]),
    ("int8", pa.int8(), [-128, 0, None], ["-128", "0", ""]),
    ("uint8", pa.uint8(), [255, 0, None], ["255", "0", ""]),
    ("int32", pa.int32(), [-(2**31), 7, 2**31 - 1], ["-2147483648", "7", "2147483647"]),
    ("uint32", pa.uint32(), [2**32 - 1, 0, None], ["4294967295", "0", ""]),
    ("int64", pa.int64(), [-(2**63), None, 2**63 - 1], ["-9223372036854775808", "", "9223372036854775807"]),
    ("uint64", pa.uint64(), [2**64 - 1, 0, 1], ["18446744073709551615", "0", "1"]),
    ("half", pa.float16(), [0.5, None, -2.0], ["0.5", "", "-2.0"]),
    ("float", pa.float32(), [0.1, 1e30, float("nan")], ["0.1", "1e30", ""]),
    ("double", pa.float64(), [0.1, float("inf"), -1e-300], ["0.1", "inf", "-1e-300"]),
    ("text", pa.string(), ['a "b", c', "", "zwei\nZeilen"], ['a "b", c', "", "zwei\nZeilen"]),
    ("large", pa.large_string(), ["ä", None, " x "], ["ä", "", " x "]),
    ("kind", pa.dictionary(pa.int32(), pa.string()), ["p", "q", "p"], ["p", "q", "p"]),
    ("nothing", pa.null(), [None, None, None], ["", "", ""]),
    ("date", pa.date32(), [dt.date(1970, 1, 1), None, dt.date(2024, 2, 29)], ["1970-01-01", "", "2024-02-29"]),
    ("time", pa.time32("ms"), [dt.time(1, 2, 3, 500000), None, dt.time(0)], ["01:02:03.500", "", "00:00:00"]),
    ("time_us", pa.time64("us"), [dt.time(23, 59, 59, 1), None, dt.time(0)], ["23:59:59.000001", "", "00:00:00"]),
    (
        "seconds",
        pa.timestamp("s"),
        [dt.datetime(2024, 2, 29, 12), dt.datetime(1969, 12, 31, 23, 59, 59), None],
        ["2024-02-29T12:00:00", "1969-12-31T23:59:59", ""],
    ),
    (
        "micros",
        pa.timestamp("us", tz="Europe/Berlin"),
        [dt.datetime(2024, 2, 29, 12, 0, 1, 250000, UTC), None, dt.datetime(1970, 1, 1, tzinfo=UTC)],
        ["2024-02-29T12:00:01.250Z", "", "1970-01-01T00:00:00Z"],
    ),
    ("nanos", pa.timestamp("ns"), [1, None, 1_000], ["1970-01-01T00:00:00.000000001", "", "1970-01-01T00:00:00.000001"]),
    ("money", pa.decimal128(12, 2), [D("123.45"), D("-0.05"), None], ["123.45", "-0.05", ""]),
    ("small", pa.decimal32(5, 1), [D("1.5"), D("-99.0"), None], ["1.5", "-99.0", ""]),
    ("whole", pa.decimal64(15, 0), [D("5"), None, D("-7")], ["5", "", "-7"]),
    (
        "uuid",
        pa.uuid(),
        [uuid.UUID(int=1).bytes, None, uuid.UUID(int=2**128 - 1).bytes],
        ["00000000-0000-0000-0000-000000000001", "", "ffffffff-ffff-ffff-ffff-ffffffffffff"],
    ),
]


def field(text):
    if any(mark in text for mark in ',"\n\r'):
        return '"' + text.replace('"', '""') + '"'
    return text


def types():
    def column(kind, values):
        if kind == pa.timestamp("ns"):
            return pa.array(values, pa.int64()).cast(kind)
        if isinstance(kind, pa.UuidType):
            return pa.ExtensionArray.from_storage(kind, pa.array(values, pa.binary(16)))
        if pa.types.is_dictionary(kind):
            return pa.array(values).dictionary_encode()
        if pa.types.is_decimal32(kind) or pa.types.is_decimal64(kind):
            return pa.array(values, pa.decimal128(kind.precision, kind.scale)).cast(kind)
        return pa.array(values, kind)

    table = pa.table({name: column(kind, values) for name, kind, values, _ in TYPES})
    pq.write_table(table, HERE / "types.parquet", store_decimal_as_integer=True, write_statistics=False)
    pq.write_table(
        pa.table(
            {
                "moment": column(pa.timestamp("ns"), [1, None, 1_000]),
                "amount": pa.array([D("0.001"), None, D("-12345678901234567.890")], pa.decimal128(20, 3)),
            }
        ),
        HERE / "old.parquet",
        use_deprecated_int96_timestamps=True,
    )
    rows = zip(*(texts for *_, texts in TYPES))
    lines = [",".join(name for name, *_ in TYPES), *(",".join(map(field, row)) for row in rows)]
    (HERE / "types.csv").write_bytes(("\n".join(lines) + "\n").encode())


def iris():
    def write(name, table=IRIS, **how):
        pq.write_table(table, HERE / f"{name}.parquet", **how)

    write("iris", row_group_size=64, compression="snappy", write_page_checksum=True)
    write("iris_zstd", compression="zstd", data_page_version="2.0")
    write("iris_gzip", compression="gzip", data_page_size=256, write_batch_size=16)
    write("iris_gzip2", compression="gzip", data_page_version="2.0")
    write("iris_lz4", compression="lz4", use_dictionary=False)
    write(
        "iris_delta",
        compression="none",
        use_dictionary=False,
        column_encoding={
            **{name: "BYTE_STREAM_SPLIT" for name in IRIS.column_names if name != "target"},
            "target": "DELTA_BYTE_ARRAY",
        },
        version="2.6",
    )
    write("brotli", compression="brotli")
    write("no_rows", IRIS.slice(0, 0))


def refused():
    def write(name, **columns):
        pq.write_table(pa.table(columns), HERE / f"{name}.parquet")

    write("nested", a=[1], b=[[1, 2]])
    write("structure", s=[{"x": 1}])
    write("binary", a=[1], b=[b"\x00\x01"])
    write("wide_decimal", d=pa.array([D(1)], pa.decimal256(60, 0)))
    pq.write_table(pa.table([[1], [2]], names=["a", "a"]), HERE / "twice.parquet")
    pq.write_table(pa.table({}), HERE / "no_columns.parquet")


class Keys(pe.KmsClient):
    """Keeps keys nowhere: they are only wrapped in base64."""

    def __init__(self, _connection):
        super().__init__()

    def wrap_key(self, key, _name):
        return base64.b64encode(key)

    def unwrap_key(self, key, _name):
        return base64.b64decode(key)


def encrypted():
    factory = pe.CryptoFactory(Keys)
    for name, plain in [("encrypted", False), ("encrypted_columns", True)]:
        how = pe.EncryptionConfiguration(
            footer_key="f", column_keys={"c": ["target"]}, plaintext_footer=plain
        )
        properties = factory.file_encryption_properties(pe.KmsConnectionConfig(), how)
        with pq.ParquetWriter(
            HERE / f"{name}.parquet", IRIS.schema, encryption_properties=properties
        ) as writer:
            writer.write_table(IRIS)


types()
iris()
refused()
encrypted()
