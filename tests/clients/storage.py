"""Tries buckets in a store that others wrote (moto's server stands for S3), and the S3 door with boto3.

    python3 -m venv target/clients && target/clients/bin/pip install -r tests/clients/requirements.txt
    target/clients/bin/python tests/clients/storage.py [PROGRAM] [--only TEXT]... [--list]
"""

import base64
import datetime
import gzip
import hashlib
import io
import json
import os
import socket
import subprocess
import sys
import time
import zlib
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


# The S3 door

class Door:
    """A server with an S3 door, and clients of it."""

    def __init__(self, context, home, *options):
        self.port = free_port()
        self.server = context.server(home, "--s3-listen", f"127.0.0.1:{self.port}", *options)
        self.address = f"http://127.0.0.1:{self.port}"

    def s3(self, key=("anything", SECRET), **config):
        return client("s3", self.address, key, s3={"addressing_style": "path"}, **config)


def door(context):
    return context.once("a door", lambda: Door(context, "door"))


def code(call):
    """The code of the error that a call fails with."""
    try:
        call()
    except botocore.exceptions.ClientError as error:
        return error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]
    raise AssertionError("not refused")


def bytes_of(length):
    return bytes(number * 7 % 251 for number in range(251)) * (length // 251 + 1)


def rule_door_keeps_what_is_put_in(context):
    s3 = door(context).s3()
    s3.create_bucket(Bucket="shop", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    equal(code(lambda: s3.create_bucket(Bucket="shop"))[0], "BucketAlreadyOwnedByYou", "twice")
    s3.head_bucket(Bucket="shop")
    assert "shop" in [found["Name"] for found in s3.list_buckets()["Buckets"]], s3.list_buckets()
    equal(s3.get_bucket_location(Bucket="shop").get("LocationConstraint"), None, "location")
    for key in ["in/a.csv", "in/a b+c&d=e.csv", "in/\u00e4\u00f6/%41.csv", "x'(1)!*.csv"]:
        content = f"a\n{key}\n".encode()
        put = s3.put_object(Bucket="shop", Key=key, Body=content)
        got = s3.get_object(Bucket="shop", Key=key)
        equal(got["Body"].read(), content, key)
        head = s3.head_object(Bucket="shop", Key=key)
        equal((head["ContentLength"], head["ETag"]), (len(content), put["ETag"]), key)
        equal((door(context).server.home / "datasets" / "shop" / key).read_bytes(), content, "file")
        equal(s3.get_object(Bucket="shop", Key=key, IfMatch=put["ETag"])["ETag"], put["ETag"], "tag")
        equal(code(lambda: s3.get_object(Bucket="shop", Key=key, IfMatch='"other"'))[1], 412, "another tag")
        equal(code(lambda: s3.get_object(Bucket="shop", Key=key, IfNoneMatch=put["ETag"]))[1], 304, "the same tag")
    s3.put_object(Bucket="shop", Key="empty", Body=b"")
    equal(s3.get_object(Bucket="shop", Key="empty")["Body"].read(), b"", "nothing")


def rule_door_gives_parts_of_files(context):
    s3 = door(context).s3()
    s3.create_bucket(Bucket="ranges")
    content = bytes_of(100_000)[:100_000]
    s3.put_object(Bucket="ranges", Key="x", Body=content)
    for asked, wanted in [("bytes=0-9", content[:10]), ("bytes=99990-", content[-10:]), ("bytes=-5", content[-5:]), ("bytes=99999-200000", content[-1:])]:
        got = s3.get_object(Bucket="ranges", Key="x", Range=asked)
        equal((got["ResponseMetadata"]["HTTPStatusCode"], got["Body"].read()), (206, wanted), asked)
        assert got["ContentRange"].endswith("/100000"), got["ContentRange"]
        head = s3.head_object(Bucket="ranges", Key="x", Range=asked)
        equal((head["ResponseMetadata"]["HTTPStatusCode"], head["ContentLength"]), (206, len(wanted)), asked)
    for asked in ["bytes=0-1,5-6", "rows=0-1", "bytes=9-1"]:
        got = s3.get_object(Bucket="ranges", Key="x", Range=asked)
        equal((got["ResponseMetadata"]["HTTPStatusCode"], got["Body"].read()), (200, content), asked)
    equal(code(lambda: s3.get_object(Bucket="ranges", Key="x", Range="bytes=100000-"))[0], "InvalidRange", "beyond")


def rule_door_takes_large_files_in_parts(context):
    from boto3.s3.transfer import TransferConfig
    s3 = door(context).s3()
    s3.create_bucket(Bucket="large")
    content = bytes_of(21 << 20)[:(21 << 20) + 17]
    s3.upload_fileobj(io.BytesIO(content), "large", "in/x.bin", Config=TransferConfig(multipart_threshold=8 << 20, multipart_chunksize=8 << 20))
    found = io.BytesIO()
    s3.download_fileobj("large", "in/x.bin", found, Config=TransferConfig(multipart_threshold=8 << 20, multipart_chunksize=5 << 20))
    assert found.getvalue() == content, "another content came back"
    # By hand: parts in any order, one sent twice, one left out.
    begun = s3.create_multipart_upload(Bucket="large", Key="y")["UploadId"]
    at = {"Bucket": "large", "Key": "y", "UploadId": begun}
    pieces = {3: b"c" * 10, 1: b"x" * (5 << 20), 2: b"b" * (5 << 20), 7: b"never"}
    tags = {number: s3.upload_part(**at, PartNumber=number, Body=piece)["ETag"] for number, piece in pieces.items()}
    pieces[1] = b"a" * (5 << 20)
    tags[1] = s3.upload_part(**at, PartNumber=1, Body=pieces[1])["ETag"]
    equal([part["PartNumber"] for part in s3.list_parts(**at)["Parts"]], [1, 2, 3, 7], "parts")
    first = s3.list_parts(**at, MaxParts=2)
    equal(([part["Size"] for part in first["Parts"]], first["IsTruncated"], first["NextPartNumberMarker"]), ([5 << 20, 5 << 20], True, 2), "a page of parts")
    equal([upload["Key"] for upload in s3.list_multipart_uploads(Bucket="large")["Uploads"]], ["y"], "uploads")
    listed = lambda numbers: {"Parts": [{"PartNumber": number, "ETag": tags[number]} for number in numbers]}  # noqa: E731
    complete = lambda parts: s3.complete_multipart_upload(**at, MultipartUpload=parts)  # noqa: E731
    equal(code(lambda: complete(listed([2, 1])))[0], "InvalidPartOrder", "order")
    equal(code(lambda: complete(listed([3, 7])))[0], "EntityTooSmall", "small")
    equal(code(lambda: complete({"Parts": [{"PartNumber": 4, "ETag": tags[1]}]}))[0], "InvalidPart", "unknown")
    equal(code(lambda: complete({"Parts": [{"PartNumber": 1, "ETag": tags[2]}]}))[0], "InvalidPart", "tag")
    equal(code(lambda: s3.head_object(Bucket="large", Key="y"))[1], 404, "seen before it is complete")
    made = complete(listed([1, 2, 3]))
    equal(s3.head_object(Bucket="large", Key="y")["ETag"], made["ETag"], "tag")
    equal(s3.get_object(Bucket="large", Key="y")["Body"].read(), pieces[1] + pieces[2] + pieces[3], "content")
    # Whoever did not hear the answer asks again, and gets the same.
    equal(complete(listed([1, 2, 3]))["ETag"], made["ETag"], "again")
    equal(code(lambda: s3.upload_part(**at, PartNumber=1, Body=b"late"))[0], "NoSuchUpload", "a part of what is whole")
    equal(code(lambda: complete(listed([1, 2])))[0], "InvalidPart", "again with other parts")
    s3.delete_object(Bucket="large", Key="y")
    equal(code(lambda: complete(listed([1, 2, 3])))[0], "NoSuchUpload", "again after the file has gone")
    # What is given up leaves nothing.
    home = door(context).server.home
    begun = s3.create_multipart_upload(Bucket="large", Key="z")["UploadId"]
    s3.upload_part(Bucket="large", Key="z", UploadId=begun, PartNumber=1, Body=b"z" * 1000)
    assert staged(home), "no part on disk"
    s3.abort_multipart_upload(Bucket="large", Key="z", UploadId=begun)
    equal(code(lambda: s3.list_parts(Bucket="large", Key="z", UploadId=begun))[0], "NoSuchUpload", "aborted")
    end = time.monotonic() + 10
    while staged(home):
        assert time.monotonic() < end, staged(home)
        time.sleep(0.1)


def staged(home):
    """Files of the installation that nobody sees yet."""
    return [str(path) for path in (home / ".staging").rglob("*") if path.is_file() and path.suffix != ".lock"]


def rule_door_compares_the_sums_of_parts_and_of_the_whole(context):
    s3 = door(context).s3()
    s3.create_bucket(Bucket="sums")
    pieces = [b"a" * (5 << 20), b"b" * 100]

    def crc(content):
        return base64.b64encode(zlib.crc32(content).to_bytes(4, "big")).decode()

    def uploaded(key, **more):
        at = {"Bucket": "sums", "Key": key, "UploadId": s3.create_multipart_upload(Bucket="sums", Key=key, **more)["UploadId"]}
        parts = [
            {"PartNumber": number, **{name: part[name] for name in ["ETag", "ChecksumCRC32"]}}
            for number, piece in enumerate(pieces, 1)
            for part in [s3.upload_part(**at, PartNumber=number, Body=piece, ChecksumAlgorithm="CRC32")]
        ]
        return at, parts

    at, parts = uploaded("whole", ChecksumAlgorithm="CRC32", ChecksumType="FULL_OBJECT")
    equal([part["ChecksumCRC32"] for part in parts], [crc(piece) for piece in pieces], "sums of parts")
    complete = lambda parts, **more: s3.complete_multipart_upload(**at, MultipartUpload={"Parts": parts}, **more)  # noqa: E731
    wrong = [{**parts[0], "ChecksumCRC32": crc(b"another")}, parts[1]]
    equal(code(lambda: complete(wrong))[0], "InvalidPart", "another sum of a part")
    equal(code(lambda: complete(parts, ChecksumCRC32=crc(b"another"), ChecksumType="FULL_OBJECT"))[0], "BadDigest", "another sum")
    equal(code(lambda: complete(parts, MpuObjectSize=1))[0], "BadDigest", "another size")
    equal(code(lambda: s3.head_object(Bucket="sums", Key="whole"))[1], 404, "seen with wrong sums")
    complete(parts, ChecksumCRC32=crc(b"".join(pieces)), ChecksumType="FULL_OBJECT", MpuObjectSize=(5 << 20) + 100)
    equal(s3.get_object(Bucket="sums", Key="whole")["Body"].read(), b"".join(pieces), "content")
    put = s3.put_object(Bucket="sums", Key="one", Body=b"one", ChecksumAlgorithm="SHA256")
    equal(put["ChecksumSHA256"], base64.b64encode(hashlib.sha256(b"one").digest()).decode(), "sum of a file")


def rule_door_refuses_what_files_do_not_have_here(context):
    s3 = door(context).s3()
    s3.create_bucket(Bucket="plain")
    for more in [{"ACL": "public-read"}, {"ServerSideEncryption": "AES256"}, {"StorageClass": "GLACIER"}, {"Tagging": "a=b"}]:
        equal(code(lambda: s3.put_object(Bucket="plain", Key="x", Body=b"x", **more)), ("NotImplemented", 501), more)
        equal(code(lambda: s3.create_multipart_upload(Bucket="plain", Key="x", **more)), ("NotImplemented", 501), more)
    equal(s3.list_objects_v2(Bucket="plain")["KeyCount"], 0, "files")
    s3.put_object(Bucket="plain", Key="x", Body=b"x", ACL="private", StorageClass="STANDARD", Metadata={"color": "red"})
    for more in [{"IfMatch": '"other"'}, {"VersionId": "7"}]:
        equal(code(lambda: s3.delete_object(Bucket="plain", Key="x", **more)), ("NotImplemented", 501), more)
    equal(s3.get_object(Bucket="plain", Key="x")["Body"].read(), b"x", "what was not to be deleted so")
    equal(s3.get_bucket_versioning(Bucket="plain").get("Status"), None, "versions")
    objects = [{"Key": f"{number}"} for number in range(1001)]
    equal(code(lambda: s3.delete_objects(Bucket="plain", Delete={"Objects": objects}))[0], "MalformedXML", "1,001 files")


def rule_door_knows_folders_and_times(context):
    s3, home = door(context).s3(), door(context).server.home
    s3.create_bucket(Bucket="folders")
    equal(code(lambda: s3.head_object(Bucket="folders", Key="a/b/"))[1], 404, "no folder")
    equal(code(lambda: s3.get_object(Bucket="folders", Key="a/b/"))[0], "NoSuchKey", "no folder")
    s3.put_object(Bucket="folders", Key="a/b/", Body=b"")
    assert (home / "datasets/folders/a/b").is_dir(), "no folder was made"
    equal(s3.head_object(Bucket="folders", Key="a/b/")["ContentLength"], 0, "a folder")
    folder = s3.get_object(Bucket="folders", Key="a/b/")
    equal((folder["Body"].read(), folder["ETag"]), (b"", '"d41d8cd98f00b204e9800998ecf8427e"'), "a folder")
    equal([found["Key"] for found in s3.list_objects_v2(Bucket="folders")["Contents"]], ["a/b/"], "a folder with nothing in it")
    s3.put_object(Bucket="folders", Key="a/b/x", Body=b"x")
    equal(code(lambda: s3.put_object(Bucket="folders", Key="a/b/x/", Body=b""))[1], 400, "a folder below a file")
    s3.delete_object(Bucket="folders", Key="a/b/")
    equal(s3.get_object(Bucket="folders", Key="a/b/x")["Body"].read(), b"x", "what is in a folder that was deleted")
    at = {"Bucket": "folders", "Key": "a/b/x"}
    now = s3.head_object(**at)["LastModified"]
    hour = datetime.timedelta(hours=1)
    equal(code(lambda: s3.get_object(**at, IfUnmodifiedSince=now - hour))[1], 412, "modified since")
    equal(code(lambda: s3.head_object(**at, IfModifiedSince=now))[1], 304, "not modified since")
    equal(s3.get_object(**at, IfUnmodifiedSince=now, IfModifiedSince=now - hour)["Body"].read(), b"x", "times that hold")
    whole = s3.get_object(**at, PartNumber=1)
    equal((whole["ResponseMetadata"]["HTTPStatusCode"], whole["Body"].read()), (206, b"x"), "the first part")
    equal(code(lambda: s3.get_object(**at, PartNumber=2))[0], "InvalidRange", "the second part")
    (home / "datasets/folders/round").symlink_to("../folders")
    (home / "datasets/folders/itself").symlink_to("itself")
    (home / "datasets/folders" / os.fsdecode(b"\xff.csv")).write_text("not UTF-8")
    equal([found["Key"] for found in s3.list_objects_v2(Bucket="folders")["Contents"]], ["a/b/x"], "beside odd names")
    (home / "datasets/folders/e/e").mkdir(parents=True)
    s3.delete_object(**at)
    equal(code(lambda: s3.delete_bucket(Bucket="folders"))[0], "BucketNotEmpty", "odd names are files too")
    assert (home / "datasets/folders/e/e").is_dir(), "a refused deletion removed folders"


def rule_door_keeps_folders_that_the_operator_chose(context):
    home = context.folder / "chosen"
    for name in ["one", "all/two"]:
        (context.folder / "places" / name).mkdir(parents=True, exist_ok=True)
    connections(context, "chosen", f'[buckets.one]\nfolder = "{context.folder / "places/one"}"\n[buckets."*"]\nfolder = "{context.folder / "places/all"}"\n')
    s3 = Door(context, "chosen").s3()
    equal([found["Name"] for found in s3.list_buckets()["Buckets"]], ["one", "two"], "buckets")
    equal(code(lambda: s3.delete_bucket(Bucket="one")), ("AccessDenied", 403), "chosen")
    s3.create_bucket(Bucket="three")
    s3.put_object(Bucket="three", Key="x", Body=b"x")
    equal((context.folder / "places/all/three/x").read_bytes(), b"x", "content")
    for call in [lambda: s3.put_object(Bucket="one", Key=".staging/x", Body=b"x"), lambda: s3.get_object(Bucket="one", Key=".staging/x"),
                 lambda: s3.create_multipart_upload(Bucket="one", Key=".staging/x")]:
        equal(code(call), ("NoSuchKey", 404), "where files are written")
    s3.delete_object(Bucket="one", Key=".staging/x")
    s3.delete_object(Bucket="three", Key="x")
    s3.delete_bucket(Bucket="three")
    s3.delete_bucket(Bucket="two")
    equal([found["Name"] for found in s3.list_buckets()["Buckets"]], ["one"], "buckets")
    assert home.is_dir(), home


def rule_door_lists_in_pages(context):
    s3 = door(context).s3()
    s3.create_bucket(Bucket="pages")
    names = [f"a/{number:02}" for number in range(12)] + ["a.txt", "b/c/d", "b/c/e", "z"]
    for name in names:
        s3.put_object(Bucket="pages", Key=name, Body=name.encode())
    for version in ["list_objects_v2", "list_objects"]:
        def paged(**asked):
            pages = s3.get_paginator(version).paginate(Bucket="pages", PaginationConfig={"PageSize": 5}, **asked)
            found = [(entry["Key"], entry["Size"]) for page in pages for entry in page.get("Contents", [])]
            folders = [entry["Prefix"] for page in pages for entry in page.get("CommonPrefixes", [])]
            return found, folders
        equal(paged(), ([(name, len(name)) for name in sorted(names)], []), version)
        equal(paged(Delimiter="/"), ([("a.txt", 5), ("z", 1)], ["a/", "b/"]), version)
        equal(paged(Prefix="b/", Delimiter="/"), ([], ["b/c/"]), version)
        equal(paged(Prefix="b/c/"), ([("b/c/d", 5), ("b/c/e", 5)], []), version)
        equal(paged(Prefix="a"), ([(name, len(name)) for name in sorted(names) if name.startswith("a")], []), version)
        equal(paged(Prefix="none"), ([], []), version)
    equal([found["Key"] for found in s3.list_objects_v2(Bucket="pages", StartAfter="b/c/d")["Contents"]], ["b/c/e", "z"], "after")
    done = s3.delete_objects(Bucket="pages", Delete={"Objects": [{"Key": name} for name in names[:14]] + [{"Key": "not/there"}]})
    equal(len(done["Deleted"]), 15, "deleted")
    equal(sorted(found["Key"] for found in s3.list_objects_v2(Bucket="pages")["Contents"]), ["b/c/e", "z"], "left")
    equal(code(lambda: s3.delete_bucket(Bucket="pages"))[0], "BucketNotEmpty", "not empty")
    for name in ["b/c/e", "z", "z"]:
        s3.delete_object(Bucket="pages", Key=name)
    s3.delete_bucket(Bucket="pages")
    equal(code(lambda: s3.head_bucket(Bucket="pages"))[1], 404, "removed")


def rule_door_is_a_file_system_of_pyarrow(context):
    from pyarrow import fs

    place = f"127.0.0.1:{door(context).port}"
    files = fs.S3FileSystem(access_key="anything", secret_key=SECRET, endpoint_override=place, scheme="http", region="us-east-1",
                            allow_bucket_creation=True)
    files.create_dir("arrow")
    for name in ["a/1", "a/b/2", "c"]:
        with files.open_output_stream(f"arrow/{name}") as out:
            out.write(name.encode())
    found = files.get_file_info(fs.FileSelector("arrow", recursive=True))
    equal(sorted(one.path for one in found if one.is_file), ["arrow/a/1", "arrow/a/b/2", "arrow/c"], "files")
    with files.open_input_file("arrow/a/b/2") as file:
        equal(file.read(), b"a/b/2", "content")
    files.delete_dir_contents("arrow/a")
    found = files.get_file_info(fs.FileSelector("arrow", recursive=True))
    equal(sorted(one.path for one in found if one.is_file), ["arrow/c"], "left")


def rule_door_says_what_is_wrong(context):
    s3 = door(context).s3(parameter_validation=False)
    s3.create_bucket(Bucket="errors")
    equal(code(lambda: s3.get_object(Bucket="errors", Key="none")), ("NoSuchKey", 404), "key")
    equal(code(lambda: s3.get_object(Bucket="no-bucket", Key="none")), ("NoSuchBucket", 404), "bucket")
    equal(code(lambda: s3.put_object(Bucket="no-bucket", Key="x", Body=b"x")), ("NoSuchBucket", 404), "bucket")
    equal(code(lambda: s3.list_objects_v2(Bucket="uploads")), ("NoSuchBucket", 404), "uploads")
    equal(code(lambda: s3.create_bucket(Bucket="uploads")), ("AccessDenied", 403), "uploads")
    for key in ["a\u0001", "a\uffff", "../x", "a/../../x", "a//b", "./x", "folder/", "a\\..\\b"]:
        equal(code(lambda: s3.put_object(Bucket="errors", Key=key, Body=b"x"))[1], 400, key)
    equal(code(lambda: s3.put_object(Bucket="errors", Key="x", Body=b"x", ContentMD5="AAAAAAAAAAAAAAAAAAAAAA=="))[0], "BadDigest", "md5")
    equal(code(lambda: s3.put_object(Bucket="errors", Key="x", Body=b"x", ChecksumCRC32="AAAAAA=="))[0], "BadDigest", "crc32")
    equal(code(lambda: s3.copy_object(Bucket="errors", Key="x", CopySource="errors/y"))[1], 501, "copies")
    equal(s3.list_objects_v2(Bucket="errors")["KeyCount"], 0, "files")
    s3.put_object(Bucket="errors", Key="file", Body=b"x")
    assert 400 <= code(lambda: s3.put_object(Bucket="errors", Key="file/below", Body=b"x"))[1] < 500, "below a file"
    s3.put_object(Bucket="errors", Key="folder/file", Body=b"x")
    assert 400 <= code(lambda: s3.put_object(Bucket="errors", Key="folder", Body=b"x"))[1] < 500, "over a folder"
    equal(s3.get_object(Bucket="errors", Key="folder/file")["Body"].read(), b"x", "what was there")
    equal(staged(door(context).server.home), [], "left over")


def rule_door_takes_the_keys_of_amazons_clients(context):
    home = context.folder / "locked"
    made = subprocess.run(
        [context.program, "key", "new", "--amazon", "--home", str(home), "--name", "clients"], capture_output=True, text=True, timeout=30
    )
    assert made.returncode == 0, made.stderr
    kept = json.loads((home / "keys.json").read_text())["keys"][0]
    key = (kept["id"], kept["signing_secret"])
    locked = Door(context, "locked")
    s3 = locked.s3(key)
    s3.create_bucket(Bucket="shop")
    s3.put_object(Bucket="shop", Key="a b/x.csv", Body=b"a\n1\n")
    equal(s3.get_object(Bucket="shop", Key="a b/x.csv")["Body"].read(), b"a\n1\n", "content")
    equal(s3.get_object(Bucket="shop", Key="a b/x.csv", Range="bytes=0-0,2-2")["Body"].read(), b"a\n1\n", "two ranges")
    equal(code(lambda: locked.s3((key[0], "wrong")).list_buckets()), ("SignatureDoesNotMatch", 403), "secret")
    equal(code(lambda: locked.s3(("nobody", key[1])).list_buckets()), ("InvalidAccessKeyId", 403), "key")
    from botocore import UNSIGNED
    equal(code(lambda: locked.s3(signature_version=UNSIGNED).list_objects_v2(Bucket="shop"))[1], 403, "unsigned")
    equal(code(lambda: locked.s3(key, signature_version="s3").list_objects_v2(Bucket="shop"))[1], 403, "version 2")
    import urllib.error
    import urllib.request
    address = s3.generate_presigned_url("get_object", {"Bucket": "shop", "Key": "a b/x.csv"}, ExpiresIn=60)
    assert "X-Amz-Signature" in address, address
    equal(urllib.request.urlopen(address, timeout=10).read(), b"a\n1\n", "presigned")
    for wrong in [address[:-1] + ("0" if address[-1] != "0" else "1"), address.replace("x.csv", "y.csv"),
                  s3.generate_presigned_url("get_object", {"Bucket": "shop", "Key": "a b/x.csv"}, ExpiresIn=1)]:
        time.sleep(2.2 if "Expires=1&" in wrong else 0)
        try:
            urllib.request.urlopen(wrong, timeout=10)
            raise AssertionError(f"answered: {wrong}")
        except urllib.error.HTTPError as error:
            equal(error.code, 403, wrong)
    # An open door takes presigned addresses too.
    free = door(context).s3()
    free.create_bucket(Bucket="free")
    free.put_object(Bucket="free", Key="x+y z", Body=b"free")
    address = free.generate_presigned_url("get_object", {"Bucket": "free", "Key": "x+y z"}, ExpiresIn=60)
    equal(urllib.request.urlopen(address, timeout=10).read(), b"free", "presigned")
    subprocess.run([context.program, "key", "revoke", key[0], "--home", str(home)], check=True, capture_output=True, timeout=30)
    equal(code(lambda: s3.list_buckets()), ("InvalidAccessKeyId", 403), "revoked")
    assert key[1] not in "".join(locked.server.log), "a secret in the log"


def rule_door_is_the_store_of_a_whole_cycle(context):
    at = door(context)
    s3, aws = at.s3(), client("machinelearning", f"http://{at.server.host}:{at.server.port}")
    s3.create_bucket(Bucket="cycle")
    s3.put_object(Bucket="cycle", Key="in/rows.csv", Body=table(range(ROWS)).encode())
    s3.put_object(Bucket="cycle", Key="in/rows.csv.schema", Body=schema().encode())
    aws.create_data_source_from_s3(DataSourceId="rows", ComputeStatistics=True, DataSpec={"DataLocationS3": "s3://cycle/in/rows.csv"})
    aws.create_ml_model(MLModelId="ml", MLModelType="BINARY", TrainingDataSourceId="rows")
    aws.create_batch_prediction(BatchPredictionId="bp", MLModelId="ml", BatchPredictionDataSourceId="rows", OutputUri="s3://cycle/out/")
    completed(until(lambda: aws.get_batch_prediction(BatchPredictionId="bp")))
    names = [found["Key"] for found in s3.list_objects_v2(Bucket="cycle", Prefix="out/")["Contents"]]
    equal(names, ["out/batch-prediction/bp.manifest", "out/batch-prediction/result/bp-rows.csv.gz"], "results")
    result = gzip.decompress(s3.get_object(Bucket="cycle", Key=names[1])["Body"].read())
    equal(len(result.splitlines()), ROWS + 1, "lines")


def rule_door_leaves_nothing_half_when_it_is_killed(context):
    killed = Door(context, "killed")
    s3 = killed.s3()
    s3.create_bucket(Bucket="shop")
    s3.put_object(Bucket="shop", Key="whole", Body=b"whole")
    begun = s3.create_multipart_upload(Bucket="shop", Key="parts")["UploadId"]
    s3.upload_part(Bucket="shop", Key="parts", UploadId=begun, PartNumber=1, Body=b"p" * (6 << 20))
    half = socket.create_connection(("127.0.0.1", killed.port), timeout=10)
    half.sendall(b"PUT /shop/half HTTP/1.1\r\nhost: localhost\r\ncontent-length: 20000000\r\n\r\n" + b"h" * (12 << 20))
    time.sleep(0.5)
    assert staged(killed.server.home), "nothing on disk before the kill"
    killed.server.stop(kill=True)
    half.close()
    killed.server.start()
    equal([found["Key"] for found in s3.list_objects_v2(Bucket="shop")["Contents"]], ["whole"], "files")
    equal(code(lambda: s3.list_parts(Bucket="shop", Key="parts", UploadId=begun))[0], "NoSuchUpload", "the upload")
    equal(staged(killed.server.home), [], "left over")


def rule_stores_behind_tls_are_trusted_by_their_certificates(context):
    folder = Path(__file__).resolve().parents[1] / "data" / "tls"
    cert = folder / "cert.pem"
    door = Door(context, "tls-store", "--tls-cert", cert, "--tls-key", folder / "key.pem")
    address = f"https://localhost:{door.port}"
    s3 = boto3.client("s3", endpoint_url=address, region_name="eu-central-1", aws_access_key_id="a", aws_secret_access_key=SECRET, verify=str(cert))
    s3.create_bucket(Bucket="far")
    s3.put_object(Bucket="far", Key="rows.csv", Body=table(range(500)).encode())
    for home, trusted in [("tls-user", True), ("tls-wary", False)]:
        connections(context, home, f'[buckets.far]\nurl = "s3://far"\nendpoint = "{address}"\naccess_key = "a"\nsecret_key = "{SECRET}"\n')
        if trusted:
            os.environ["SSL_CERT_FILE"] = str(cert)
        try:
            server = context.server(home)
        finally:
            os.environ.pop("SSL_CERT_FILE", None)
        found = source(client("machinelearning", f"http://{server.host}:{server.port}"), "rows", "s3://far/rows.csv")
        completed(found) if trusted else failed(found, "s3://far/rows.csv", "certificate")


def rule_door_is_shut_to_others(context):
    ended = subprocess.run(
        [context.program, "serve", "--home", str(context.folder / "shut"), "--listen", "127.0.0.1:0", "--s3-listen", "0.0.0.0:0"],
        capture_output=True, text=True, timeout=30,
    )
    assert ended.returncode != 0 and "keys are needed" in ended.stderr and "encrypted" in ended.stderr, ended.stderr


if __name__ == "__main__":
    rules = [(name.replace("real_clients.", "storage."), rule) for name, rule in rules_of(sys.modules["__main__"])]
    sys.exit(run_main(rules, __doc__))
