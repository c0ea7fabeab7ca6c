"""Tries buckets in a store that others wrote: moto's server stands for S3, boto3 looks at what is there.

    python3 -m venv target/clients && target/clients/bin/pip install -r tests/clients/requirements.txt
    target/clients/bin/python tests/clients/storage.py [PROGRAM] [--only TEXT]... [--list]
"""

import gzip
import io
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import boto3  # noqa: E402
import botocore.exceptions  # noqa: E402
from botocore.config import Config  # noqa: E402

from harness import equal, rules_of  # noqa: E402
from run import main as run_main  # noqa: E402

ROWS = 3000
NAMES = ["order", "km", "note", "late"]
SECRET = "a-secret-that-nobody-prints"


# Data and clients

def row(number):
    km = number * 37 % 100
    late = km + number % 7 * 3 > 55
    return [f"o{number}", str(km), ("rainy day", "sunny day")[number % 2], "01"[late]]


def table(numbers, names=True):
    return "".join(",".join(fields) + "\n" for fields in ([NAMES] if names else []) + [row(number) for number in numbers])


def schema(header=True):
    kinds = ["CATEGORICAL", "NUMERIC", "TEXT", "BINARY"]
    return json.dumps({
        "version": "1.0", "rowId": "order", "targetAttributeName": "late", "dataFormat": "CSV", "dataFileContainsHeader": header,
        "attributes": [{"attributeName": name, "attributeType": kind} for name, kind in zip(NAMES, kinds)],
    })


def client(name, address, key=("anything", SECRET), **config):
    return boto3.client(
        name, endpoint_url=address, region_name="eu-central-1", aws_access_key_id=key[0], aws_secret_access_key=key[1],
        config=Config(retries={"max_attempts": 1}, **config),
    )


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


class Store:
    """moto's server: a store of S3's kind in a process of its own."""

    def __init__(self):
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.process = subprocess.Popen(
            [sys.executable, "-c", "from moto.server import main; main()", "-p", str(self.port)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            # The largest page, so that lists of a few files take more than one.
            env={**os.environ, "MOTO_S3_DEFAULT_MAX_KEYS": "3"},
        )
        end = time.monotonic() + 60
        while True:
            assert self.process.poll() is None, f"moto ended with {self.process.returncode}"
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                break
            except OSError:
                assert time.monotonic() < end, "moto does not listen"
                time.sleep(0.1)
        self.s3 = client("s3", self.address, s3={"addressing_style": "path"})

    def put(self, bucket, key, content):
        self.s3.put_object(Bucket=bucket, Key=key, Body=content)

    def get(self, bucket, key):
        return self.s3.get_object(Bucket=bucket, Key=key)["Body"].read()

    def keys(self, bucket):
        return sorted(found["Key"] for page in self.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket) for found in page.get("Contents", []))

    def end(self):
        self.process.terminate()
        self.process.wait(20)


def connections(context, home, text):
    folder = context.folder / home
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "connections.toml").write_text(text)


def mapped(store, name, bucket, more=""):
    return f'[buckets.{name}]\nurl = "s3://{bucket}"\nendpoint = "{store.address}"\nregion = "eu-central-1"\naccess_key = "known"\nsecret_key = "{SECRET}"\n{more}\n'


def place(context):
    """A store with data, and a server with buckets there."""
    def make():
        store = Store()
        context.servers.append(StoreEnds(store))
        store.s3.create_bucket(Bucket="real", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        connections(context, "mapped", "".join([
            mapped(store, "clicks", "real/of/clicks"),
            mapped(store, "plain", "real"),
            mapped(store, "fixed", "real", "read_only = true"),
            mapped(store, "gone", "no-such-bucket"),
            f'[buckets.silent]\nurl = "s3://x"\nendpoint = "http://127.0.0.1:{free_port()}"\naccess_key = "a"\nsecret_key = "{SECRET}"\n',
            '[buckets.private]\nrefused = true\n',
        ]))
        server = context.server("mapped")
        return store, server, client("machinelearning", f"http://{server.host}:{server.port}")
    return context.once("a store and a server", make)


class StoreEnds:
    """Lets the context end the store among its servers."""

    def __init__(self, store):
        self.store = store

    def stop(self, kill=False):
        self.store.end()


def until(look, seconds=90):
    end = time.monotonic() + seconds
    while (found := look())["Status"] not in ("COMPLETED", "FAILED"):
        assert time.monotonic() < end, f"not within {seconds} s: {found}"
        time.sleep(0.1)
    return found


def source(aws, name, location, given=None, **more):
    aws.create_data_source_from_s3(
        DataSourceId=name, ComputeStatistics=True, DataSpec={"DataLocationS3": location, "DataSchema": given or schema(), **more}
    )
    return until(lambda: aws.get_data_source(DataSourceId=name))


def completed(found):
    assert found["Status"] == "COMPLETED", found.get("Message")
    return found


def failed(found, *words):
    assert found["Status"] == "FAILED", found
    for word in words:
        assert word in found["Message"], f"{word} is not in: {found['Message']}"
    assert SECRET not in found["Message"], found["Message"]


def refused(call, *words):
    try:
        call()
    except botocore.exceptions.ClientError as error:
        text = str(error)
        assert all(word in text for word in words), f"{words} are not all in: {text}"
        assert SECRET not in text, text
    else:
        raise AssertionError(f"not refused; wanted {words}")


# Rules

def rule_mapped_data_become_a_model_and_results_go_back(context):
    store, _, aws = place(context)
    pieces = [range(0, 1000), range(1000, 2000), range(2000, ROWS)]
    store.put("real", "of/clicks/in/1.csv", table(pieces[0]))
    store.put("real", "of/clicks/in/2.csv.gz", gzip.compress(table(pieces[1]).encode()))
    store.put("real", "of/clicks/in/more/3.csv", table(pieces[2]))
    store.put("real", "of/clicks/in/.schema", schema())
    store.put("real", "of/clicks/in/empty.csv", "")
    aws.create_data_source_from_s3(DataSourceId="mapped", ComputeStatistics=True, DataSpec={"DataLocationS3": "s3://clicks/in/"})
    found = completed(until(lambda: aws.get_data_source(DataSourceId="mapped")))
    equal(found["NumberOfFiles"], 3, "files")
    aws.create_ml_model(MLModelId="ml", MLModelType="BINARY", TrainingDataSourceId="mapped")
    completed(until(lambda: aws.get_ml_model(MLModelId="ml")))
    aws.create_batch_prediction(
        BatchPredictionId="bp", MLModelId="ml", BatchPredictionDataSourceId="mapped", OutputUri="s3://plain/results/here/"
    )
    found = completed(until(lambda: aws.get_batch_prediction(BatchPredictionId="bp")))
    equal(found["TotalRecordCount"], ROWS, "records")
    manifest = json.loads(store.get("real", "results/here/batch-prediction/bp.manifest"))
    equal(sorted(manifest), ["s3://clicks/in/1.csv", "s3://clicks/in/2.csv.gz", "s3://clicks/in/more/3.csv"], "inputs")
    for (_, output), numbers in zip(sorted(manifest.items()), pieces):
        assert output.startswith("s3://plain/results/here/batch-prediction/result/bp-"), output
        lines = gzip.decompress(store.get("real", output.removeprefix("s3://plain/"))).decode().splitlines()
        equal(lines[0], "tag,trueLabel,bestAnswer,score", "columns")
        equal([line.split(",")[0] for line in lines[1:]], [f"o{number}" for number in numbers], "records")
        right = sum(line.split(",")[1] == line.split(",")[2] for line in lines[1:])
        assert right > 0.9 * len(numbers), f"{right} of {len(numbers)} are right"
    equal(store.s3.list_multipart_uploads(Bucket="real").get("Uploads", []), [], "uploads without an end")
    # What is named by the bucket it lies in is the same.
    same = completed(source(aws, "plain", "s3://plain/of/clicks/in/1.csv"))
    equal(same["DataSizeInBytes"], len(table(pieces[0])), "bytes")


def rule_zstd_and_parquet_are_read_from_a_store(context):
    store, server, aws = place(context)
    import zstandard
    store.put("real", "z/rows.csv.zst", zstandard.compress(table(range(ROWS)).encode()))
    equal(completed(source(aws, "zstd", "s3://plain/z/rows.csv.zst"))["NumberOfFiles"], 1, "files")
    sample = Path(__file__).resolve().parents[1] / "data" / "parquet"
    found = sorted(sample.glob("*.parquet"))
    assert found, f"no Parquet files in {sample}"
    import pyarrow
    import pyarrow.parquet
    columns = list(zip(*[row(number) for number in range(ROWS)]))
    types = [pyarrow.string(), pyarrow.int64(), pyarrow.string(), pyarrow.int64()]
    values = [columns[0], [int(km) for km in columns[1]], columns[2], [int(late) for late in columns[3]]]
    packed = io.BytesIO()
    rows = pyarrow.table({name: pyarrow.array(value, kind) for name, value, kind in zip(NAMES, values, types)})
    pyarrow.parquet.write_table(rows, packed, row_group_size=500)
    store.put("real", "p/rows.parquet", packed.getvalue())
    completed(source(aws, "parquet", "s3://plain/p/rows.parquet"))
    of = server.client().get("/v1/datasources/parquet").json()
    equal(of["result"]["rows"] if "result" in of else of["rows"], ROWS, "rows")


def rule_large_files_are_read_in_pieces(context):
    store, _, aws = place(context)
    big = "".join(f"o{number},{number * 37 % 100},{'filler ' * 30}{number % 2},{number % 2}\n" for number in range(60_000))
    assert len(big) > 12 << 20, len(big)
    store.put("real", "large/rows.csv", big)
    found = completed(source(aws, "large", "s3://plain/large/rows.csv", schema(header=False)))
    equal(found["DataSizeInBytes"], len(big), "bytes")


def rule_a_file_that_changed_is_not_used(context):
    store, _, aws = place(context)
    store.put("real", "change/rows.csv", table(range(500)))
    completed(source(aws, "before", "s3://plain/change/rows.csv"))
    store.put("real", "change/rows.csv", table(range(1, 501)))
    aws.create_ml_model(MLModelId="late", MLModelType="BINARY", TrainingDataSourceId="before")
    failed(until(lambda: aws.get_ml_model(MLModelId="late")), "s3://plain/change/rows.csv", "another content")
    # The same content written again is the same.
    store.put("real", "change/rows.csv", table(range(500)))
    aws.create_ml_model(MLModelId="again", MLModelType="BINARY", TrainingDataSourceId="before")
    completed(until(lambda: aws.get_ml_model(MLModelId="again")))


def rule_what_is_not_there_or_not_allowed_is_told(context):
    store, server, aws = place(context)
    failed(source(aws, "no-file", "s3://clicks/no/such.csv"), "s3://clicks/no/such.csv", "no such file")
    failed(source(aws, "no-folder", "s3://clicks/no/"), "s3://clicks/no/", "no files")
    failed(source(aws, "no-bucket", "s3://gone/x.csv"), "s3://gone/x.csv", "no such bucket")
    failed(source(aws, "no-bucket-folder", "s3://gone/x/"), "s3://gone/x", "no such bucket")
    refused(lambda: source(aws, "refused", "s3://private/x.csv"), "InvalidInputException", "private")
    store.put("real", "rows.csv", table(range(500)))
    completed(source(aws, "rows", "s3://fixed/rows.csv"))
    aws.create_ml_model(MLModelId="of-rows", MLModelType="BINARY", TrainingDataSourceId="rows")
    completed(until(lambda: aws.get_ml_model(MLModelId="of-rows")))
    for bucket, word in [("fixed", "only be read"), ("private", "not open")]:
        call = {"MLModelId": "of-rows", "BatchPredictionDataSourceId": "rows", "OutputUri": f"s3://{bucket}/out/"}
        refused(lambda: aws.create_batch_prediction(BatchPredictionId=f"to-{bucket}", **call), "InvalidInputException", word)
        refused(lambda: aws.get_batch_prediction(BatchPredictionId=f"to-{bucket}"), "ResourceNotFoundException")
    assert not [key for key in store.keys("real") if key.startswith("out/")], store.keys("real")
    assert SECRET not in "".join(server.log), [line for line in server.log if SECRET in line]


def rule_a_store_that_does_not_answer_is_named(context):
    _, _, aws = place(context)
    failed(source(aws, "silent", "s3://silent/x.csv"), "s3://silent/x.csv", "does not answer")


def rule_bad_connections_are_told_at_the_start(context):
    connections(context, "bad", (
        f'[buckets.uploads]\nrefused = true\n[buckets.a]\nfolder = "/no/such"\n[buckets.b]\nurl = "s3://x"\nsecret_key = "{SECRET}"\n'
    ))
    ended = subprocess.run(
        [context.program, "serve", "--home", str(context.folder / "bad"), "--listen", "127.0.0.1:0"],
        capture_output=True, text=True, timeout=30,
        env={name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
    )
    equal(ended.returncode, 2, ended.stderr)
    for word in ["[buckets.uploads]", "[buckets.a]", "[buckets.b]"]:
        assert word in ended.stderr, f"{word} is not in: {ended.stderr}"
    assert SECRET not in ended.stderr + ended.stdout


if __name__ == "__main__":
    rules = [(name.replace("real_clients.", "storage."), rule) for name, rule in rules_of(sys.modules["__main__"])]
    sys.exit(run_main(rules, __doc__))
