"""The servers that several rules share."""

import subprocess

import tables


def main(context):
    """A server with all models and no options."""
    def make():
        server = context.server("main")
        tables.learn(server)
        return server
    return context.once("the server with all models", make)


def rooted(context):
    """A server that answers for the model `shop` at the root; it knows `iris` too."""
    def make():
        server = context.server("rooted")
        server.upload("shop.csv", tables.shop_table())
        server.upload("iris.csv", tables.iris_table())
        tables.learn_shop(server)
        tables.learn_iris(server)
        server.restart("--model", "shop")
        return server
    return context.once("a server with --model", make)


def rooted_number(context):
    """A server that answers for a regression at the root."""
    def make():
        server = context.server("rooted-number")
        server.upload("rents.csv", tables.csv_text(tables.RENT_COLUMNS, tables.rent_rows()))
        server.train("rents", "rents.csv", "rent", holdout=0, type="regression", schema=tables.RENT_SCHEMA)
        server.restart("--model", "rents")
        return server
    return context.once("a server with --model for a number", make)


def socketed(context):
    """A server that listens on a Unix socket too, and the path of it."""
    def make():
        path = context.folder / "s.sock"
        server = context.server("socketed", "--socket", path)
        server.upload("iris.csv", tables.iris_table())
        tables.learn_iris(server)
        return server, path
    return context.once("a server with --socket", make)


def keyed(context):
    """A server with an API key, and the key."""
    def make():
        home = context.folder / "keyed"
        server = context.server("keyed")
        server.upload("iris.csv", tables.iris_table())
        tables.learn_iris(server)
        server.stop()
        made = subprocess.run(
            [context.program, "key", "new", "--home", str(home), "--name", "clients"], capture_output=True, text=True, timeout=30
        )
        assert made.returncode == 0, f"key new: {made.stderr}"
        server.restart("--model", "iris")
        return server, made.stdout.strip()
    return context.once("a server with a key", make)
