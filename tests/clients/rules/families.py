"""Families of models by name, aliases, and a second model in the shadow."""

import threading
import time

from harness import equal, ok, refused, same_outcome
from rules.metrics import total_of
from tables import IRIS_RECORD, iris_table

ASKING = 6
SWITCHES = 60


def server(context):
    """A server of its own with two models of one question, since aliases are moved."""
    def make():
        server = context.server("families")
        server.upload("iris.csv", iris_table())
        server.train("first", "iris.csv", "target", holdout=0)
        server.train("second", "iris.csv", "target", holdout=0, parameters={"l2": "0.5"})
        return server
    return context.once("a server with two versions", make)


def point(client, alias, **wish):
    return ok(client.send("PUT", f"/v1/families/iris/aliases/{alias}", wish))


def rule_an_alias_moves_and_goes_back(context):
    client = server(context).client()
    first, second = client.one("first", IRIS_RECORD), client.one("second", IRIS_RECORD)
    assert first["score"] != second["score"], "both models answer alike, so that nothing is seen"
    point(client, "moved", model="first")
    same_outcome(client.one("iris@moved", IRIS_RECORD), first)
    point(client, "moved", model="second")
    same_outcome(client.one("iris@moved", IRIS_RECORD), second)
    ok(client.post("/v1/families/iris/aliases/moved/rollback", {}))
    same_outcome(client.one("iris@moved", IRIS_RECORD), first)
    answer = ok(client.predict("iris@moved", {"record": IRIS_RECORD}))
    equal((answer["model"], answer["family"]), ("first", "iris"), "model and family")


def rule_no_request_fails_while_an_alias_moves(context):
    """Switches and rollbacks while several clients ask; each answer is that of one of the two versions, whole."""
    host = server(context)
    client = host.client()
    point(client, "busy", model="first")
    scores = {name: client.one(name, IRIS_RECORD)["score"] for name in ("first", "second")}
    done, wrong, seen = threading.Event(), [], set()

    def ask():
        mine = host.client(retry=False)
        while not done.is_set():
            answer = mine.predict("iris@busy", {"record": IRIS_RECORD})
            if answer.status != 200:
                wrong.append(str(answer))
                return
            document = answer.json()
            seen.add(document["model"])
            if document["prediction"]["score"] != scores[document["model"]]:
                wrong.append(f"{document['model']} answered {document['prediction']['score']}")

    threads = [threading.Thread(target=ask) for _ in range(ASKING)]
    for thread in threads:
        thread.start()
    for step in range(SWITCHES):
        if step % 3 == 2:
            ok(client.post("/v1/families/iris/aliases/busy/rollback", {}))
        else:
            point(client, "busy", model=("first", "second")[step % 2])
    done.set()
    for thread in threads:
        thread.join()
    equal(wrong[:3], [], "failed or mixed answers")
    equal(seen, {"first", "second"}, "models that answered")


def rule_an_alias_survives_a_kill(context):
    host = server(context)
    point(host.client(), "kept", model="second")
    host.stop(kill=True)
    host.start()
    equal(ok(host.client().predict("iris@kept", {"record": IRIS_RECORD}))["model"], "second", "model")


def rule_a_shadow_is_counted_and_not_seen(context):
    host = server(context)
    client = host.client()
    point(client, "watched", model="first", shadow="second")
    labels = {"model": "first", "shadow": "second"}

    def records():
        return sum(total_of(host, "_shadow_records_total", outcome=outcome, **labels) for outcome in ("agreed", "differed"))

    before = records()
    same_outcome(client.one("iris@watched", IRIS_RECORD), client.one("first", IRIS_RECORD))
    end = time.monotonic() + 10
    while records() - before < 1:
        assert time.monotonic() < end, "the shadow was never compared"
        time.sleep(0.05)
    equal(records() - before, 1, "records compared")


def rule_a_model_that_an_alias_means_is_kept(context):
    client = server(context).client()
    point(client, "guarded", model="first")
    document = refused(client.send("DELETE", "/v1/models/first"))
    assert "iris@" in document["detail"], document


def rule_what_does_not_exist_is_refused(context):
    client = server(context).client()
    point(client, "there", model="first")
    for name in ("iris@none", "iris@99", "none@there", "none@"):
        refused(client.predict(name, {"record": IRIS_RECORD}))
    for wish in ({"version": 99}, {"model": "none"}, {"model": "first", "shadow": "first"}, {}, {"model": "first", "version": 1}):
        refused(client.send("PUT", "/v1/families/iris/aliases/there", wish))
    equal(ok(client.predict("iris@there", {"record": IRIS_RECORD}))["model"], "first", "model")
