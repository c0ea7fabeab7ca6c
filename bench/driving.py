"""Asks a server for as many predictions as it can give, over a number of connections, with wrk on the other processor."""

import json
import resource
import subprocess
import time

from measure import machine_busy
from servers import CLIENT, pinned, within

# The requests are made before the first is sent, so that they cost wrk little.
SCRIPT = """local asked = {
%s
}
local made, last = {}, 0
function init()
  for number, pair in ipairs(asked) do
    made[number] = wrk.format("POST", pair[1], {["Content-Type"] = "application/json", ["Host"] = wrk.headers["Host"]}, pair[2])
  end
end
function request()
  last = last %% #made + 1
  return made[last]
end
function done(summary, latency)
  local lost = summary.errors
  io.write(string.format('{"requests": %%d, "seconds": %%f, "p50": %%f, "p99": %%f, "errors": %%d}\\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    lost.connect + lost.read + lost.write + lost.status + lost.timeout))
end
"""


def write_script(path, asked):
    """A script that sends pairs of a path and a body in turn."""
    pairs = (f"{{[===[{where}]===], [===[{body}]===]}}" for where, body in asked)
    path.write_text(SCRIPT % ",\n".join(pairs))


def wrk(port, script, connections, seconds):
    """Requests, seconds, errors, and milliseconds within which half and 99 % of them were answered."""
    command = ["wrk", "--threads", "1", "--connections", connections, "--duration", f"{seconds}s", "--timeout", "30s"]
    done = subprocess.run(
        [*map(str, command), "--script", script, f"http://127.0.0.1:{port}"],
        capture_output=True,
        text=True,
        preexec_fn=pinned((CLIENT,)),
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode or not lines:
        raise SystemExit(f"wrk failed: {(done.stderr or done.stdout)[-300:]}")
    return json.loads(lines[-1])


def children():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def drive(running, script, connections, seconds):
    """What the client saw, and what it cost the server. An error ends the program: its figures would say nothing."""
    timed, begin = running.histogram(), time.perf_counter()
    taken, busy, asking = running.processor(), machine_busy(), children()
    seen = wrk(running.port, script, connections, seconds)
    wall, taken = time.perf_counter() - begin, running.processor() - taken
    others = machine_busy() - busy - taken - (children() - asking)
    inside, codes = within(timed, running.histogram()), running.codes()
    if seen["errors"] or not seen["requests"] or codes.keys() - {"200"}:
        raise SystemExit(f"{running.server.name}, {connections} connections: {seen} {codes}")
    if running.server.route and inside is None:
        raise SystemExit(f"{running.server.name} does not tell on /metrics how long its answers took")
    return {
        **seen,
        "rate": seen["requests"] / seen["seconds"],
        # Of the server's processor: the share that it took, and µs for a request.
        "share": taken / wall,
        "cost": taken / seen["requests"] * 1e6,
        "inside": inside,
        # Processors that others kept busy meanwhile.
        "others": max(0.0, others) / wall,
    }
