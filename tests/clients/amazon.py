"""Tries the protocol of Amazon Machine Learning with the clients that were written for it: boto3 and the AWS CLI.

    python3 -m venv target/clients && target/clients/bin/pip install -r tests/clients/requirements.txt
    target/clients/bin/python tests/clients/amazon.py [PROGRAM] [--only TEXT]... [--list]

Nothing is patched: clients are made with `endpoint_url`, as a program would that moves here. The last rule reads the model
of the service in the installed SDK and counts which operations were asked and which members came back.
"""

import gzip
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import boto3  # noqa: E402
import botocore.exceptions  # noqa: E402
from botocore.config import Config  # noqa: E402

from harness import Skip, close, equal, rules_of  # noqa: E402
from run import main as run_main  # noqa: E402

ROWS = 400
NAMES = ["order", "km", "note", "late"]
# What operations answered, by operation: paths of members.
ANSWERED = {}
# Variables with the addresses of databases, and what is asked of each: the operation, and what it calls the data and the server.
DATABASES = {
    "YOSOKU_TEST_POSTGRES": ("create_data_source_from_redshift", "DataSpec", "ClusterIdentifier"),
    "YOSOKU_TEST_MARIADB": ("create_data_source_from_rds", "RDSData", "InstanceIdentifier"),
}
# An endpoint that was taken away has neither a time nor an address, and no pipeline of AWS is at work here.
# The text of a query is told by Get alone.
NEVER = {"GetDataSource: RDSMetadata.DataPipelineId", "DescribeDataSources: Results.RDSMetadata.DataPipelineId",
         "DescribeDataSources: Results.RDSMetadata.SelectSqlQuery", "DescribeDataSources: Results.RedshiftMetadata.SelectSqlQuery",
         "DeleteRealtimeEndpoint: RealtimeEndpointInfo.CreatedAt", "DeleteRealtimeEndpoint: RealtimeEndpointInfo.EndpointUrl"}


# Data and clients

def row(number):
    km = number * 37 % 100
    late = km + number % 7 * 3 > 55
    return [f"o{number}", str(km), ("rainy day", "sunny day")[number % 2], (("n", "false", "0"), ("y", "TRUE", "1"))[late][number % 3]]


def table(rows, names=NAMES):
    return "".join(",".join(fields) + "\n" for fields in [names, *rows])


def schema(target="late", row_id="order", header=True):
    kinds = {"order": "CATEGORICAL", "km": "NUMERIC", "note": "TEXT", "late": "BINARY"}
    names = NAMES if target else NAMES[:-1]
    return json.dumps({
        "version": "1.0", "rowId": row_id, "rowWeight": None, "targetAttributeName": target, "dataFormat": "CSV",
        "dataFileContainsHeader": header, "excludedAttributeNames": [],
        "attributes": [{"attributeName": name, "attributeType": kinds[name]} for name in names],
    })


def part(begin, end, **more):
    return json.dumps({"splitting": {"percentBegin": begin, "percentEnd": end, **more}})


def members(value, path=""):
    """The paths of all members of an answer; items of lists and maps share one."""
    if isinstance(value, dict):
        for name, inner in value.items():
            here = f"{path}.{name}" if path else name
            yield here
            yield from members(inner, here)
    elif isinstance(value, list):
        for inner in value:
            yield from members(inner, path)


def client_of(server, key=("anything", "at all"), **config):
    client = boto3.client(
        "machinelearning", endpoint_url=f"http://{server.host}:{server.port}", region_name="us-east-1",
        aws_access_key_id=key[0], aws_secret_access_key=key[1], config=Config(retries={"max_attempts": 1}, **config),
    )
    names = client.meta.method_to_api_mapping

    def note(parsed, model, **_):
        if parsed["ResponseMetadata"]["HTTPStatusCode"] == 200:
            ANSWERED.setdefault(model.name, set()).update(members(parsed))

    client.meta.events.register("after-call.machine-learning.*", note)
    assert names, "no operations"
    return client


def bucket(server, name="shop"):
    folder = server.home / "datasets" / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def put(server, path, text):
    file = server.home / "datasets" / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def until(look, wanted, seconds=60):
    end = time.monotonic() + seconds
    while not wanted(found := look()):
        assert time.monotonic() < end, f"not within {seconds} s: {found}"
        time.sleep(0.1)
    return found


def done(look):
    return until(look, lambda found: found["Status"] in ("COMPLETED", "FAILED"))


def place(context):
    """A server with a model `ml` of 70 percent of the deliveries, evaluated on the rest, and a client of it."""
    def make():
        server = context.server("amazon")
        client = client_of(server)
        put(server, "shop/in/deliveries.csv", table(row(number) for number in range(ROWS)))
        at = {"DataLocationS3": "s3://shop/in/deliveries.csv", "DataSchema": schema()}
        for name, percents in (("train", (0, 70)), ("rest", (70, 100))):
            client.create_data_source_from_s3(
                DataSourceId=name, DataSourceName=f"{name} rows", ComputeStatistics=True, DataSpec={**at, "DataRearrangement": part(*percents)}
            )
        # Everything is asked for at once, while nothing is ready yet.
        client.create_ml_model(
            MLModelId="ml", MLModelName="late?", MLModelType="BINARY", TrainingDataSourceId="train",
            Parameters={"sgd.maxPasses": "30", "sgd.l2RegularizationAmount": "1.0E-04", "sgd.shuffleType": "auto"},
        )
        client.create_evaluation(EvaluationId="ev", EvaluationName="e", MLModelId="ml", EvaluationDataSourceId="rest")
        client.create_evaluation(EvaluationId="again", EvaluationName="e2", MLModelId="ml", EvaluationDataSourceId="rest")
        done(lambda: client.get_evaluation(EvaluationId="ev"))
        return server, client
    return context.once("a server with an evaluated model", make)


def refused(client, name, call):
    """The call fails with the class that the SDK has for the name, or with its name alone."""
    kind = getattr(client.exceptions, name, botocore.exceptions.ClientError)
    try:
        answer = call()
    except kind as error:
        equal(error.response["Error"]["Code"], name, "name of the error")
        assert error.response["Error"]["Message"], "no message"
        assert len(error.response["ResponseMetadata"]["RequestId"]) == 36, error.response
        return error.response["Error"]["Message"]
    raise AssertionError(f"answered: {answer}")


# Rules

def rule_whole_cycle_ends_in_a_good_model(context):
    _, client = place(context)
    source = client.get_data_source(DataSourceId="train", Verbose=True)
    equal((source["Status"], source["DataSourceSchema"], source["NumberOfFiles"]), ("COMPLETED", schema(), 1), "source")
    model = client.get_ml_model(MLModelId="ml", Verbose=True)
    equal(model["TrainingParameters"]["sgd.l2RegularizationAmount"], "1.0E-04", "l2")
    equal(model["TrainingParameters"]["sgd.maxMLModelSizeInBytes"], "33554432", "size")
    assert json.loads(model["Recipe"])["outputs"] and json.loads(model["Schema"])["attributes"], model
    auc = float(client.get_evaluation(EvaluationId="ev")["PerformanceMetrics"]["Properties"]["BinaryAUC"])
    assert auc > 0.9, auc


def rule_batch_leaves_files_where_clients_look(context):
    server, client = place(context)
    rows = [row(number)[:3] for number in range(10)]
    put(server, "shop/in/day1.csv", table([*rows[:4], ["broken"], *rows[4:]], NAMES[:3]))
    client.create_data_source_from_s3(
        DataSourceId="day1", DataSpec={"DataLocationS3": "s3://shop/in/day1.csv", "DataSchema": schema(target=None)}
    )
    client.create_batch_prediction(
        BatchPredictionId="bp", BatchPredictionName="b", MLModelId="ml", BatchPredictionDataSourceId="day1", OutputUri="s3://shop/out/"
    )
    batch = done(lambda: client.get_batch_prediction(BatchPredictionId="bp"))
    equal((batch["Status"], batch["TotalRecordCount"], batch["InvalidRecordCount"]), ("COMPLETED", 11, 1), "batch")
    client.update_batch_prediction(BatchPredictionId="bp", BatchPredictionName="c")
    # As published programs work the name out.
    name = f"{batch['OutputUri']}batch-prediction/result/{batch['BatchPredictionId']}-{batch['InputDataLocationS3'].split('/')[-1]}.gz"
    manifest = json.loads((bucket(server) / "out/batch-prediction/bp.manifest").read_text())
    equal(manifest, {"s3://shop/in/day1.csv": name}, "manifest")
    text = gzip.decompress((server.home / "datasets" / name.removeprefix("s3://")).read_bytes()).decode()
    lines = text.split("\n")
    equal((lines[0], lines[5], lines[-1], len(lines)), ("tag,bestAnswer,score", "", "", 13), "lines")
    equal([line.split(",")[0] for line in lines[1:5]], [fields[0] for fields in rows[:4]], "tags")


def rule_scores_are_the_same_in_batch_in_real_time_and_in_rest(context):
    server, client = place(context)
    record = {"km": "63", "note": "rainy day"}
    here = f"http://{server.host}:{server.port}"
    message = refused(client, "PredictorNotMountedException", lambda: client.predict(MLModelId="ml", Record=record, PredictEndpoint=here))
    assert "ml" in message, message
    made = client.create_realtime_endpoint(MLModelId="ml")["RealtimeEndpointInfo"]
    equal(made["PeakRequestsPerSecond"], 200, "rate")
    ready = until(lambda: client.get_ml_model(MLModelId="ml")["EndpointInfo"], lambda info: info["EndpointStatus"] == "READY")
    answer = client.predict(MLModelId="ml", Record=record, PredictEndpoint=ready["EndpointUrl"])["Prediction"]
    score = answer["predictedScores"][answer["predictedLabel"]]
    again = client.create_realtime_endpoint(MLModelId="ml")["RealtimeEndpointInfo"]
    equal(again["EndpointUrl"], ready["EndpointUrl"], "address of an endpoint that is there")
    equal(answer["details"], {"Algorithm": "SGD", "PredictiveModelType": "BINARY"}, "details")
    rest = server.client().one("ml", {"km": 63, "note": "rainy day"})
    close(rest["probabilities"]["1"] if "1" in rest["probabilities"] else list(rest["probabilities"].values())[1], score, "score in REST")
    put(server, "shop/in/one.csv", table([["o", "63", "rainy day"]], NAMES[:3]))
    client.create_data_source_from_s3(DataSourceId="one", DataSpec={"DataLocationS3": "s3://shop/in/one.csv", "DataSchema": schema(target=None)})
    client.create_batch_prediction(BatchPredictionId="one", MLModelId="ml", BatchPredictionDataSourceId="one", OutputUri="s3://shop/out/")
    done(lambda: client.get_batch_prediction(BatchPredictionId="one"))
    line = gzip.decompress((bucket(server) / "out/batch-prediction/result/one-one.csv.gz").read_bytes()).decode().split("\n")[1]
    close(float(line.split(",")[2]), score, "score in the batch", relative=1e-6)
    client.predict(MLModelId="ml", Record={}, PredictEndpoint=ready["EndpointUrl"] + "/")
    refused(client, "InvalidInputException", lambda: client.update_ml_model(MLModelId="ml", ScoreThreshold=0.7))
    refused(client, "InvalidInputException", lambda: client.delete_ml_model(MLModelId="ml"))
    gone = client.delete_realtime_endpoint(MLModelId="ml")["RealtimeEndpointInfo"]
    equal((gone["EndpointStatus"], "EndpointUrl" in gone), ("NONE", False), "endpoint")


def rule_classes_and_numbers_are_predicted(context):
    server, client = place(context)
    for name, kind, values, member in (
        ("kinds", "MULTICLASS", ["a", "b", "c"], "predictedLabel"), ("sums", "REGRESSION", ["1", "5", "9"], "predictedValue"),
    ):
        put(server, f"shop/{name}.csv", table([[str(number % 3 * 10), values[number % 3]] for number in range(120)], ["x", "y"]))
        attributes = [("x", "NUMERIC"), ("y", "CATEGORICAL" if kind == "MULTICLASS" else "NUMERIC")]
        text = json.dumps({
            "version": "1.0", "targetAttributeName": "y", "dataFormat": "CSV", "dataFileContainsHeader": True,
            "attributes": [{"attributeName": one, "attributeType": other} for one, other in attributes],
        })
        # The schema lies beside the data.
        put(server, f"shop/{name}.csv.schema", text)
        client.create_data_source_from_s3(DataSourceId=name, ComputeStatistics=True, DataSpec={"DataLocationS3": f"s3://shop/{name}.csv"})
        client.create_ml_model(MLModelId=name, MLModelType=kind, TrainingDataSourceId=name, Recipe='{"outputs":["quantile_bin(x,5)","ALL_INPUTS"]}')
        done(lambda: client.get_ml_model(MLModelId=name))
        client.create_realtime_endpoint(MLModelId=name)
        info = until(lambda: client.get_ml_model(MLModelId=name)["EndpointInfo"], lambda info: "EndpointUrl" in info)
        answer = client.predict(MLModelId=name, Record={"x": "10"}, PredictEndpoint=info["EndpointUrl"])["Prediction"]
        if kind == "MULTICLASS":
            equal((answer[member], set(answer["predictedScores"])), ("b", {"a", "b", "c"}), "classes")
        else:
            close(answer[member], 5, "number", relative=0.2)


def rule_pages_and_filters_need_no_patches(context):
    _, client = place(context)
    for operation in ("describe_data_sources", "describe_ml_models", "describe_evaluations", "describe_batch_predictions"):
        pages = list(client.get_paginator(operation).paginate(SortOrder="asc", PaginationConfig={"PageSize": 1}))
        found = [one["CreatedAt"] for page in pages for one in page["Results"]]
        assert found and found == sorted(found), f"{operation}: {found}"
    equal([one["MLModelId"] for one in client.describe_ml_models(FilterVariable="TrainingDataSourceId", EQ="train")["Results"]], ["ml"], "models")
    named = client.describe_data_sources(FilterVariable="Name", Prefix="train")["Results"]
    equal([one["DataSourceId"] for one in named], ["train"], "sources")
    since = client.get_data_source(DataSourceId="train")["CreatedAt"]
    found = client.describe_data_sources(FilterVariable="CreatedAt", LT=str(since.timestamp()))["Results"]
    equal(found, [], "sources before the first")


def rule_waiters_wait(context):
    _, client = place(context)
    for name, word in (("data_source_available", "train"), ("ml_model_available", "late"), ("evaluation_available", "e")):
        client.get_waiter(name).wait(FilterVariable="Name", Prefix=word, WaiterConfig={"Delay": 1, "MaxAttempts": 5})


def rule_tags_come_and_go(context):
    _, client = place(context)
    at = {"ResourceId": "train", "ResourceType": "DataSource"}
    client.add_tags(Tags=[{"Key": "team", "Value": "a"}, {"Key": "b"}], **at)
    client.add_tags(Tags=[{"Key": "team", "Value": "c"}], **at)
    equal(client.describe_tags(**at)["Tags"], [{"Key": "b", "Value": ""}, {"Key": "team", "Value": "c"}], "tags")
    client.delete_tags(TagKeys=["b", "nothing"], **at)
    equal(len(client.describe_tags(**at)["Tags"]), 1, "tags")
    refused(client, "InvalidTagException", lambda: client.add_tags(Tags=[{"Key": "aws:x"}], **at))
    refused(client, "TagLimitExceededException", lambda: client.add_tags(Tags=[{"Key": f"k{n}"} for n in range(50)], **at))


def rule_errors_are_caught_by_name(context):
    _, client = place(context)
    refused(client, "ResourceNotFoundException", lambda: client.get_ml_model(MLModelId="nobody"))
    refused(client, "InvalidInputException", lambda: client.get_ml_model(MLModelId="a b"))
    refused(client, "InvalidInputException", lambda: client.describe_ml_models(Limit=500))
    refused(client, "InvalidInputException", lambda: client.describe_ml_models(FilterVariable="Bogus", EQ="x"))
    refused(client, "InvalidInputException", lambda: client.create_ml_model(MLModelId="x", MLModelType="BINARY", TrainingDataSourceId="none"))
    refused(client, "IdempotentParameterMismatchException", lambda: client.create_evaluation(EvaluationId="ev", MLModelId="ml", EvaluationDataSourceId="train"))
    database = {"DatabaseName": "d", "ClusterIdentifier": "c"}
    login = {"Username": "u", "Password": "p" * 8}
    refused(client, "InvalidInputException", lambda: client.create_data_source_from_redshift(
        DataSourceId="x", RoleARN="r", DataSpec={
            "DatabaseInformation": database, "SelectSqlQuery": "drop table a", "DatabaseCredentials": login, "S3StagingLocation": "s3://b/x"}))
    refused(client, "InvalidInputException", lambda: client.create_data_source_from_rds(
        DataSourceId="x", RoleARN="r", RDSData={
            "DatabaseInformation": {"InstanceIdentifier": "i", "DatabaseName": "d"}, "SelectSqlQuery": "drop table a", "DatabaseCredentials": login,
            "S3StagingLocation": "s3://b/x", "ResourceRole": "r", "ServiceRole": "s", "SubnetId": "n", "SecurityGroupIds": ["g"]}))


def rule_failures_say_why(context):
    server, client = place(context)
    client.create_data_source_from_s3(DataSourceId="none", ComputeStatistics=True, DataSpec={"DataLocationS3": "s3://shop/none.csv", "DataSchema": schema()})
    put(server, "shop/brief.csv", table(row(number) for number in range(ROWS)))
    client.create_data_source_from_s3(DataSourceId="brief", ComputeStatistics=True, DataSpec={"DataLocationS3": "s3://shop/brief.csv", "DataSchema": schema()})
    equal(done(lambda: client.get_data_source(DataSourceId="brief"))["Status"], "COMPLETED", "source")
    (bucket(server) / "brief.csv").unlink()
    client.create_ml_model(MLModelId="none", MLModelType="BINARY", TrainingDataSourceId="brief")
    client.create_evaluation(EvaluationId="none", MLModelId="ml", EvaluationDataSourceId="brief")
    client.create_batch_prediction(BatchPredictionId="none", MLModelId="ml", BatchPredictionDataSourceId="brief", OutputUri="s3://shop/out/")
    for look in (
        lambda: client.get_data_source(DataSourceId="none"), lambda: client.get_ml_model(MLModelId="none"),
        lambda: client.get_evaluation(EvaluationId="none"), lambda: client.get_batch_prediction(BatchPredictionId="none"),
    ):
        found = done(look)
        assert found["Status"] == "FAILED" and found["Message"], found
    for operation in ("describe_data_sources", "describe_ml_models", "describe_evaluations", "describe_batch_predictions"):
        failed = getattr(client, operation)(FilterVariable="Status", EQ="FAILED")["Results"]
        assert failed and failed[0]["Message"], operation


def rule_names_change_and_deleted_things_stay_readable(context):
    _, client = place(context)
    client.update_data_source(DataSourceId="none", DataSourceName="gone")
    client.update_ml_model(MLModelId="ml", MLModelName="later?", ScoreThreshold=0.4)
    close(client.get_ml_model(MLModelId="ml")["ScoreThreshold"], 0.4, "threshold")
    client.update_ml_model(MLModelId="ml", MLModelName="late?")
    client.update_evaluation(EvaluationId="none", EvaluationName="gone")
    client.delete_batch_prediction(BatchPredictionId="none")
    client.delete_evaluation(EvaluationId="none")
    client.delete_ml_model(MLModelId="none")
    client.delete_data_source(DataSourceId="none")
    found = client.get_data_source(DataSourceId="none")
    equal((found["Status"], found["Name"]), ("DELETED", "gone"), "source")
    assert "none" not in [one["DataSourceId"] for one in client.describe_data_sources()["Results"]], "it is listed"
    equal([one["DataSourceId"] for one in client.describe_data_sources(FilterVariable="Status", EQ="DELETED")["Results"]], ["none"], "deleted")


def aws(server, *words, key=("anything", "at all")):
    environment = {
        **os.environ, "AWS_ACCESS_KEY_ID": key[0], "AWS_SECRET_ACCESS_KEY": key[1], "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL_MACHINE_LEARNING": f"http://{server.host}:{server.port}", "AWS_PAGER": "",
    }
    command = [sys.executable, "-m", "awscli", "machinelearning", *words, "--output", "json"]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment)


def rule_command_line_of_aws_asks_and_predicts(context):
    server, client = place(context)
    found = aws(server, "describe-ml-models", "--filter-variable", "Name", "--prefix", "late")
    equal([one["MLModelId"] for one in json.loads(found.stdout)["Results"]], ["ml"], found.stderr)
    equal(aws(server, "wait", "ml-model-available", "--filter-variable", "Name", "--prefix", "late").returncode, 0, "wait")
    made = aws(server, "create-realtime-endpoint", "--ml-model-id", "ml")
    equal(made.returncode, 0, made.stderr)
    info = until(lambda: client.get_ml_model(MLModelId="ml")["EndpointInfo"], lambda info: "EndpointUrl" in info)
    said = aws(server, "predict", "--ml-model-id", "ml", "--record", '{"km":"99"}', "--predict-endpoint", info["EndpointUrl"])
    equal(json.loads(said.stdout)["Prediction"]["predictedLabel"], "1", said.stderr)
    wrong = aws(server, "get-ml-model", "--ml-model-id", "nobody")
    assert wrong.returncode != 0 and "ResourceNotFoundException" in wrong.stderr, wrong.stderr
    aws(server, "delete-realtime-endpoint", "--ml-model-id", "ml")


def keyed(context):
    """A server with a key for signatures, and its credentials."""
    def make():
        home = context.folder / "amazon-keyed"
        made = subprocess.run(
            [context.program, "key", "new", "--home", str(home), "--name", "ana", "--amazon"], capture_output=True, text=True, timeout=30
        )
        assert made.returncode == 0, made.stderr
        words = dict(line.split("=") for line in made.stdout.splitlines()[1:])
        return context.server("amazon-keyed"), (words["AWS_ACCESS_KEY_ID"], words["AWS_SECRET_ACCESS_KEY"])
    return context.once("a server with a key for signatures", make)


def rule_command_line_of_aws_goes_the_whole_way(context):
    """From data to results and back to nothing, with every waiter; logs open without a key."""
    server, key = keyed(context)

    def said(*words):
        ran = aws(server, *words, key=key)
        equal(ran.returncode, 0, f"{words[0]}: {ran.stderr}")
        return json.loads(ran.stdout) if ran.stdout.strip() else {}

    put(server, "cli/in.csv", table(row(number) for number in range(ROWS)))
    spec = json.dumps({"DataLocationS3": "s3://cli/in.csv", "DataSchema": schema()})
    said("create-data-source-from-s3", "--data-source-id", "cli", "--data-source-name", "cli rows", "--data-spec", spec, "--compute-statistics")
    said("create-ml-model", "--ml-model-id", "cli", "--ml-model-name", "cli model", "--ml-model-type", "BINARY", "--training-data-source-id", "cli")
    said("create-evaluation", "--evaluation-id", "cli", "--evaluation-name", "cli judged", "--ml-model-id", "cli", "--evaluation-data-source-id", "cli")
    batch = ["--batch-prediction-id", "cli", "--batch-prediction-name", "cli batch", "--ml-model-id", "cli",
             "--batch-prediction-data-source-id", "cli", "--output-uri", "s3://cli/out/"]
    said("create-batch-prediction", *batch)
    for waiter in ("data-source", "ml-model", "evaluation", "batch-prediction"):
        said("wait", f"{waiter}-available", "--filter-variable", "Name", "--prefix", "cli")
    client_of(server, key).get_waiter("batch_prediction_available").wait(
        FilterVariable="Name", EQ="cli batch", WaiterConfig={"Delay": 1, "MaxAttempts": 5})
    # A repeat is the same batch, and not another one.
    said("create-batch-prediction", *batch)
    found = said("get-batch-prediction", "--batch-prediction-id", "cli")
    equal((found["Status"], found["TotalRecordCount"], found["InvalidRecordCount"]), ("COMPLETED", ROWS, 0), "batch")
    lines = gzip.decompress((bucket(server, "cli") / "out/batch-prediction/result/cli-in.csv.gz").read_bytes()).decode().splitlines()
    equal((lines[0], len(lines)), ("tag,trueLabel,bestAnswer,score", ROWS + 1), "results")
    right = sum(fields[1] == fields[2] for fields in (line.split(",") for line in lines[1:]))
    assert right > ROWS * 0.9, right
    with urllib.request.urlopen(found["LogUri"]) as log:
        text = log.read().decode()
    assert text.startswith("batch prediction cli: COMPLETED") and f"records: {ROWS}" in text, text
    for link in (found["LogUri"].replace("/cli?", "/other?"), found["LogUri"].split("?")[0]):
        try:
            raise AssertionError(f"opened: {urllib.request.urlopen(link)}")
        except urllib.error.HTTPError as error:
            equal(error.code, 403, link)
    for kind in ("batch-prediction", "evaluation", "ml-model", "data-source"):
        said(f"delete-{kind}", f"--{kind}-id", "cli")
        listed = said(f"describe-{kind}s", "--filter-variable", "Name", "--prefix", "cli")
        equal(listed["Results"], [], kind)
        equal(said(f"get-{kind}", f"--{kind}-id", "cli")["Status"], "DELETED", kind)


def rule_an_address_with_a_path_is_answered(context):
    server, key = keyed(context)
    url = f"http://{server.host}:{server.port}/ml/beta"
    at = lambda secret: boto3.client(  # noqa: E731
        "machinelearning", endpoint_url=url, region_name="us-east-1", aws_access_key_id=key[0], aws_secret_access_key=secret)
    assert at(key[1]).describe_ml_models()["ResponseMetadata"]["HTTPStatusCode"] == 200
    refused(at("wrong"), "InvalidSignatureException", lambda: at("wrong").describe_ml_models())


def rule_signatures_are_checked_and_name_the_user(context):
    server, key = keyed(context)
    client = client_of(server, key)
    client.create_data_source_from_s3(DataSourceId="d", DataSpec={"DataLocationS3": "s3://b/x.csv", "DataSchema": schema()})
    equal(client.get_data_source(DataSourceId="d")["CreatedByIamUser"].split("/")[-1], "ana", "user")
    equal(len(client.describe_data_sources(FilterVariable="IAMUser", EQ="ana")["Results"]), 1, "sources of the user")
    refused(client_of(server, (key[0], "wrong")), "InvalidSignatureException", lambda: client_of(server, (key[0], "wrong")).describe_ml_models())
    refused(client_of(server), "UnrecognizedClientException", lambda: client_of(server).describe_ml_models())
    session = boto3.Session(key[0], key[1], aws_session_token="a token of no meaning here", region_name="eu-west-1")
    session.client("machinelearning", endpoint_url=f"http://{server.host}:{server.port}").describe_ml_models()
    equal(json.loads(aws(server, "describe-ml-models", key=key).stdout)["Results"], [], "models")
    assert "InvalidSignatureException" in aws(server, "describe-ml-models", key=(key[0], "x")).stderr, "the command line got in"


def rule_the_sdk_of_version_2_signs_its_way(context):
    """boto 2.49 signs fewer headers, writes the header with bare commas, and compares the whole name of an error."""
    try:
        import boto.machinelearning.exceptions as wrong
        from boto.machinelearning.layer1 import MachineLearningConnection
    except ImportError as error:
        raise Skip(f"boto 2.49 cannot be imported: {error}") from None
    server, key = keyed(context)
    client = MachineLearningConnection(
        aws_access_key_id=key[0], aws_secret_access_key=key[1], host=server.host, port=server.port, is_secure=False
    )
    # It reads service and region off the names of hosts that this one does not have.
    client._auth_handler.service_name, client._auth_handler.region_name = "machinelearning", "us-east-1"
    put(server, "shop/old.csv", table(row(number) for number in range(ROWS)))
    spec = {"DataLocationS3": "s3://shop/old.csv", "DataSchema": schema()}
    client.create_data_source_from_s3("old", spec, data_source_name="o", compute_statistics=True)
    client.create_ml_model("old", "BINARY", "old", ml_model_name="m", parameters={"sgd.maxPasses": "20"})
    client.create_evaluation("old", "old", "old")
    client.create_batch_prediction("old", "old", "old", "s3://shop/out/")
    evaluation = done(lambda: client.get_evaluation("old"))
    equal(evaluation["Status"], "COMPLETED", evaluation)
    assert float(evaluation["PerformanceMetrics"]["Properties"]["BinaryAUC"]) > 0.9, evaluation
    equal(done(lambda: client.get_batch_prediction("old"))["TotalRecordCount"], ROWS, "records")
    equal([one["MLModelId"] for one in client.describe_ml_models(filter_variable="Name", eq="m")["Results"]], ["old"], "models")
    for kind, call in (
        (wrong.ResourceNotFoundException, lambda: client.get_ml_model("nobody")),
        (wrong.InvalidInputException, lambda: client.get_ml_model("a b")),
        (wrong.IdempotentParameterMismatchException, lambda: client.create_evaluation("old", "old", "old", evaluation_name="x")),
    ):
        try:
            raise AssertionError(f"answered: {call()}")
        except kind:
            pass
    client.delete_batch_prediction("old")
    equal(client.get_batch_prediction("old")["Status"], "DELETED", "status")
    # It sends no port, and mostly the name of Amazon's host.
    with urllib.request.urlopen(evaluation["LogUri"], timeout=10) as log:
        assert log.read(), "the log is empty"
    client.create_realtime_endpoint("old")
    info = until(lambda: client.get_ml_model("old")["EndpointInfo"], lambda info: info["EndpointStatus"] == "READY")
    equal(info["EndpointUrl"], f"http://{server.host}:{server.port}", "where to predict")
    answer = client.predict("old", {"km": "95", "note": "rainy day"}, info["EndpointUrl"])
    equal(answer["Prediction"]["predictedLabel"], "1", answer)
    unkeyed, _ = place(context)
    open_to_all = MachineLearningConnection(
        aws_access_key_id="anything", aws_secret_access_key="at all", host=unkeyed.host, port=unkeyed.port, is_secure=False
    )
    open_to_all._auth_handler.service_name, open_to_all._auth_handler.region_name = "machinelearning", "us-east-1"
    equal(open_to_all.get_ml_model("ml")["Status"], "COMPLETED", "without keys")


def asked_of_databases(context):
    """A server that knows the databases, and for each that is there: its variable and a client's answer to a query."""
    def make():
        known = {variable: os.environ[variable] for variable in DATABASES if os.environ.get(variable)}
        server = context.server("databases")
        server.stop()
        listed = "".join(f'[databases.{variable.lower().replace("_", "-")}]\nurl = "{url}"\n' for variable, url in known.items())
        (server.home / "connections.toml").write_text(listed)
        server.restart()
        client = client_of(server)
        sql = ("WITH RECURSIVE n AS (SELECT 0 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 399) SELECT concat('o', i) AS id, i * 37 % 100 AS km,"
               " CASE WHEN i % 2 = 0 THEN 'rainy day' ELSE 'sunny' END AS note, CASE WHEN i * 37 % 100 + i % 7 * 3 > 55 THEN 1 ELSE 0 END AS late FROM n")
        for variable in known:
            operation, data, called = DATABASES[variable]
            spec = {
                "DatabaseInformation": {"DatabaseName": "test", called: variable.lower().replace("_", "-")}, "SelectSqlQuery": sql,
                "DatabaseCredentials": {"Username": "somebody", "Password": "of no use here"},
                "S3StagingLocation": "s3://stage/", "DataSchema": schema(header=False),
            }
            if data == "RDSData":
                spec.update(ResourceRole="r", ServiceRole="s", SubnetId="subnet-1", SecurityGroupIds=["sg-1"])
            wish = {"DataSourceId": variable, "DataSourceName": variable, "RoleARN": "arn:aws:iam::1:role/reads", data: spec, "ComputeStatistics": True}
            getattr(client, operation)(**wish)
            getattr(client, operation)(**wish)
            client.create_ml_model(MLModelId=variable, MLModelType="BINARY", TrainingDataSourceId=variable)
        return client, sql, known
    return context.once("a server that knows databases", make)


def rule_rows_of_databases_train(context):
    client, sql, known = asked_of_databases(context)
    for variable in known:
        model = done(lambda: client.get_ml_model(MLModelId=variable))
        equal(model["Status"], "COMPLETED", model.get("Message"))
        source = client.get_data_source(DataSourceId=variable, Verbose=True)
        metadata = source["RDSMetadata" if "MARIADB" in variable else "RedshiftMetadata"]
        equal((metadata["SelectSqlQuery"], metadata["DatabaseUserName"]), (sql, "somebody"), "query")
        equal((source["DataLocationS3"], source["NumberOfFiles"], source["RoleARN"]), ("s3://stage/", 1, "arn:aws:iam::1:role/reads"), "source")
        brief = client.get_data_source(DataSourceId=variable)
        assert "SelectSqlQuery" not in str(brief), brief
    equal(len(client.describe_data_sources()["Results"]), len(known), "data sources")
    if len(known) < len(DATABASES):
        raise Skip(f"set {' and '.join(set(DATABASES) - set(known))} to the addresses of databases")


def rule_use_is_counted(context):
    """Of the model of all rules: records that failed are free."""
    server, client = place(context)
    usage = server.client().get("/v1/usage").json()
    ours, = [one for one in usage["items"] if one.get("model") == "ml"]
    assert ours["compute_ms"] > 0 and ours["realtime_predictions"] >= 1, ours
    batches = client.describe_batch_predictions(FilterVariable="MLModelId", EQ="ml")["Results"]
    equal(ours["batch_predictions"], sum(one["TotalRecordCount"] - one["InvalidRecordCount"] for one in batches if one["Status"] == "COMPLETED"), "batches")
    said = subprocess.run([context.program, "usage", "--home", str(server.home)], capture_output=True, text=True, timeout=30)
    assert said.returncode == 0 and said.stdout.endswith("you paid: 0\n") and "\nml " in said.stdout, said


def produced(shape, path=""):
    """The paths of all members that a shape of the model has."""
    if shape.type_name == "structure":
        for name, inner in shape.members.items():
            here = f"{path}.{name}" if path else name
            yield here
            yield from produced(inner, here)
    elif shape.type_name == "list":
        yield from produced(shape.member, path)


def rule_model_of_the_sdk_has_nothing_that_was_not_seen(context):
    """Runs last: it looks back at all that the rules before it were answered."""
    _, client = place(context)
    model = client.meta.service_model
    equal(len(model.operation_names), 28, "operations of the SDK")
    _, _, known = asked_of_databases(context)
    absent = {DATABASES[variable][0] for variable in set(DATABASES) - set(known)}
    without = {"RedshiftMetadata", "RDSMetadata", "RoleARN"} if absent else set()
    asked = [name for name in model.operation_names if botocore.xform_name(name) not in absent]
    equal([name for name in asked if name not in ANSWERED], [], "operations that were not answered")
    missing = []
    for name in asked:
        wanted = {path for path in produced(model.operation_model(name).output_shape) if not without & set(path.split("."))}
        missing += [f"{name}: {path}" for path in sorted(wanted - ANSWERED[name]) if f"{name}: {path}" not in NEVER]
    equal(missing, [], "members that never came back")
    print(f"     {len(asked)} operations answered; all output members seen but {', '.join(sorted(without | {'DataPipelineId'}))}")


if __name__ == "__main__":
    rules = [(name.replace("real_clients.", "amazon."), rule) for name, rule in rules_of(sys.modules["__main__"])]
    sys.exit(run_main(rules, __doc__))
